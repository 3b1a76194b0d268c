# SPDX-License-Identifier: EUPL-1.2
"""A resource as a fact: its content, where it was read, who said it. Plain functions of JSON."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources as files
from typing import Any, Final

from carnet.access.door import Stored
from carnet.fhir import json
from carnet.identity.titles import title as civil
from carnet.summary.pages import By, Source, Stage

Json = Mapping[str, Any]
LOINC = "http://loinc.org"
# What names who said it, the most telling first, and what names when.
WHO = ("asserter", "informationSource", "recorder", "requester", "performer", "author")
NAMED = frozenset(WHO)
WHEN = ("recordedDate", "dateAsserted", "authoredOn", "recorded", "whenHandedOver", "whenPrepared",
        "issued", "date", "effectiveDateTime", "occurrenceDateTime", "performedDateTime")  # fmt: skip
LASTS = ("effectivePeriod", "performedPeriod", "period")  # what took a while, from its start
FILE = re.compile(r"[A-Za-z0-9+/=]{100,}")  # base64: no word is so long
YEAR = re.compile("[0-9]{4}")
DAY = re.compile(r"\s*[0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{1,4}\s*")
# Between these a moment may be told in any zone.
FIRST, FAR = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
TEXT = 400  # characters of one detail
OTHER: Final = "professional"  # who says what nobody signs: what feeds a record is theirs


@cache
def rules(name: str = "rules") -> dict[str, Any]:
    """One of the data files of this folder."""
    return tomllib.loads(files.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Paper:
    """A document, as those who were read in it need it: looked at once, whatever was read in it."""

    id: str
    status: str
    title: str
    author: str
    by: By | None  # None when it names nobody
    at: datetime | None


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """One resource of the record, read in a document or sent by itself; it is the same as itself alone."""

    stored: Stored
    own: dict[str, Any]
    told: Source  # where it comes from

    @property
    def at(self) -> datetime | None:
        """When it was written; when it came, if it does not say."""
        return self.told.at

    def source(self, *, stage: Stage | None = None, said: str = "") -> Source:
        """Where it comes from, as the page says it."""
        told = self.told
        if not stage and not said:
            return told
        return Source(
            told.address, told.document, told.title, told.author, told.at, told.by, stage, said
        )


def _when(own: Json) -> datetime | None:
    """When it was written; else when it took place."""
    for key in WHEN:
        if key in own and (found := moment(own[key])):
            return found
    for key in LASTS:
        if key in own and (found := moment(mapping(own[key]).get("start"))):
            return found
    return None


def content(stored: Stored) -> dict[str, Any]:
    """What a row of the store says."""
    return json.again(stored.body)


def fact(stored: Stored, paper: Paper | None = None, own: dict[str, Any] | None = None) -> Fact:
    """A resource with the document it was read in. own: its content, when it was parsed already."""
    own = content(stored) if own is None else own
    at = _when(own)
    if paper is None:
        source = Source(stored.address, "", "", author(own), at or stored.upd, by(own) or OTHER)
    else:
        source = Source(
            address=stored.address,
            document=paper.id,
            title=paper.title,
            author=author(own) or paper.author,
            at=at or paper.at or stored.upd,
            by=by(own) or paper.by or OTHER,
        )
    return Fact(stored, own, source)


def paper(stored: Stored, own: Json | None = None) -> Paper:
    """A DocumentReference as a document."""
    own = content(stored) if own is None else own
    return Paper(
        stored.id, str(own.get("status", "")), title(own), author(own), by(own), written(own)
    )


def newest(facts: Iterable[Fact]) -> list[Fact]:
    """Newest first; the last one written of one instant before the others."""
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(facts, key=lambda each: (each.at or oldest, each.stored.rid), reverse=True)


# ------------------------------------------------------------------------------------------ reading


def mapping(found: object) -> dict[str, Any]:
    """An object of JSON, or an empty one."""
    return found if isinstance(found, dict) else {}


def listed(found: object) -> list[dict[str, Any]]:
    """The objects of a list; one that stands alone is a list of one."""
    if not found:
        return []
    if type(found) is list:
        return [each for each in found if type(each) is dict]
    return [found] if isinstance(found, dict) else []


def codings(concept: object) -> list[tuple[str, str]]:
    """(system, code) of a CodeableConcept."""
    if not isinstance(concept, dict) or not (held := concept.get("coding")):
        return []
    return [
        (str(each.get("system", "")), str(value))
        for each in listed(held)
        if (value := each.get("code"))
    ]


def code(concept: object) -> str:
    """The first code of a concept, "" for none."""
    return next((found for _, found in codings(concept)), "")


def name(concept: object) -> str:
    """What a concept is called: in the words of who wrote it, else of its code, else its code."""
    held = mapping(concept)
    shown = [str(each.get("display") or "") for each in listed(held.get("coding"))]
    own = str(held.get("text") or "")
    if DAY.fullmatch(own) and any(shown):  # a document that points to the wrong cell of its table
        own = ""
    said = own or next(filter(None, shown), "") or code(held)
    return legible(said)


def moment(text: object) -> datetime | None:
    """A FHIR dateTime, UTC; the start of it when it is partial."""
    if not isinstance(text, str) or not YEAR.match(text):
        return None
    full = text if len(text) >= 10 else text + "-01-01"[: 10 - len(text)]
    try:
        found = datetime.fromisoformat(full)
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    if FIRST.year <= at.year < FAR.year:
        return at
    return min(max(at, FIRST), FAR)


def closing(text: object) -> datetime | None:
    """The last day of an end: of the year or the month, when it says no more."""
    begun = moment(text)
    said = str(text)
    if begun is None or len(said) > 7:
        return begun
    if len(said) < 7 or begun.month == 12:
        return min(begun.replace(month=12, day=31), FAR)
    return begun.replace(month=begun.month + 1) - timedelta(days=1)


def later(at: datetime, by: timedelta) -> datetime:
    """A moment after another; FAR when there is none: an end of 9999 is for ever."""
    return at + by if FAR - at > by else FAR


def date_of(own: Json, stem: str) -> tuple[str, str]:
    """(from, to) of a choice of types: onset[x], effective[x]…; a text or an age as it is written."""
    if found := own.get(f"{stem}DateTime"):
        return str(found), ""
    period = mapping(own.get(f"{stem}Period"))
    if period:
        return str(period.get("start", "")), str(period.get("end", ""))
    return str(own.get(f"{stem}String") or ""), ""


def day_of(text: str) -> str:
    """The day of a FHIR date; other words, whole."""
    return text[:10] if YEAR.match(text) else text


def legible(text: object) -> str:
    """Words on one line; a file written as letters among them is none of them."""
    said = " ".join(str(text or "").split())
    return FILE.sub("…", said)[:TEXT]


def title(paper: Json) -> str:
    """What a document is called."""
    attachment = mapping(next(iter(listed(paper.get("content"))), {}).get("attachment"))
    said = attachment.get("title") or paper.get("description") or name(paper.get("type"))
    return str(said or "Document")


def written(paper: Json) -> datetime | None:
    """When what a document tells took place, or it was written."""
    period = mapping(mapping(paper.get("context")).get("period"))
    return moment(paper.get("date")) or moment(period.get("start"))


def notes(own: Json) -> tuple[str, ...]:
    """Its notes, as they are written."""
    found = (legible(each.get("text")) for each in listed(own.get("note")))
    return tuple(each for each in found if each.strip("…"))


# ---------------------------------------------------------------------------------------------- who


def author(resource: Json) -> str:
    """Who said it, as they are read: contained, displayed, or the custodian."""
    if NAMED.isdisjoint(resource):
        return ""
    found: list[str] = []
    contained: dict[str, dict[str, Any]] | None = None
    for key in WHO:
        if key not in resource:
            continue
        if contained is None:
            contained = {f"#{each.get('id')}": each for each in listed(resource.get("contained"))}
        for reference in listed(resource.get(key)):
            if "actor" in reference:  # Immunization, Procedure
                reference = mapping(reference["actor"])
            held = contained.get(str(reference.get("reference", "")), {})
            person = contained.get(str(mapping(held.get("practitioner")).get("reference")), held)
            said = person_name(person) or str(reference.get("display", ""))
            if said and said not in found:
                found.append(said)
        if found:
            break
    return ", ".join(found)


def person_name(who: Json) -> str:
    """The name of a person or an organisation."""
    held = who.get("name")
    if isinstance(held, str):
        return held
    one = next(iter(listed(held)), None)
    if one is None:
        return ""
    given = [str(each) for each in one.get("given") or []]
    # CI-SIS puts the civil title in front and the professional one (DR) behind.
    titles = [civil(str(t)) for t in one.get("suffix") or one.get("prefix") or []]
    return str(one.get("text") or " ".join([*titles, *given, str(one.get("family") or "")]).strip())


def by(own: Json) -> By | None:
    """Who declares it: of the first that are named; None when nobody is."""
    if own.get("primarySource") is False and "reportOrigin" in own:
        return "patient"
    if NAMED.isdisjoint(own):
        return None
    for key in WHO:
        if key not in own or not (named := listed(own[key])):
            continue
        contained = {
            f"#{each.get('id')}": str(each.get("resourceType"))
            for each in listed(own.get("contained"))
        }
        kinds = set()
        for each in named:
            who = mapping(each.get("actor", each))
            said = str(who.get("type") or "") or str(who.get("reference") or "").split("/")[0]
            kinds.add(contained.get(said, said))
        if "Patient" in kinds:
            return "patient"
        return "relative" if "RelatedPerson" in kinds else OTHER
    return None


def of_another(own: Json) -> bool:
    """Whether an Observation is about somebody or something else: a foetus, a relative, a device."""
    patient = mapping(own.get("subject")).get("reference")
    return any(each.get("reference", "") != patient for each in listed(own.get("focus")))


# --------------------------------------------------------------------------------------------- same


def folded(text: str) -> str:
    """Words without case, accents or spaces that mean nothing."""
    if text.isascii():
        return " ".join(text.casefold().split())
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(each for each in plain if not unicodedata.combining(each)).split())


def keys(concept: object) -> set[tuple[str, str]]:
    """The codes of a concept that name one thing, (system, code)."""
    same = rules()["same"]
    return {
        (system, value)
        for system, value in codings(concept)
        if system in same["systems"]
        and not (system == same["atc"] and len(value) != same["atc_length"])
    }


@dataclass(slots=True, eq=False)
class _Group:
    """What is about one thing, so far."""

    facts: list[tuple[int, Fact]]
    codes: set[tuple[str, str]]
    words: set[str]

    @property
    def first(self) -> int:
        """The rank of the first that came."""
        return min(rank for rank, _ in self.facts)

    def of(self, other: _Group) -> bool:
        """Whether both are of one thing: a code in common, or the same words and no system in common.

        Two codes of one system are two things, whatever the words beside them.
        """
        if self.codes & other.codes:
            return True
        systems = {system for system, _ in self.codes} & {system for system, _ in other.codes}
        return not systems and bool(self.words & other.words)

    def take(self, other: _Group) -> None:
        self.facts += other.facts
        self.codes |= other.codes
        self.words |= other.words


def grouped(facts: Sequence[tuple[Fact, object]]) -> list[list[Fact]]:
    """Facts about the same thing, together: (fact, concept); in the order they came."""
    by_code: dict[tuple[str, str], _Group] = {}
    groups: dict[int, _Group] = {}
    for rank, (each, concept) in enumerate(facts):
        own = _Group([(rank, each)], keys(concept), {folded(name(concept))} - {""})
        met = {id(by_code[key]): by_code[key] for key in own.codes if key in by_code}
        home = max(met.values(), key=lambda one: len(one.facts), default=own)
        groups[id(home)] = home
        for other in (own, *met.values()):
            if other is not home:
                home.take(other)
                groups.pop(id(other), None)
                by_code |= dict.fromkeys(other.codes, home)
        by_code |= dict.fromkeys(own.codes, home)
    by_words: dict[str, dict[int, _Group]] = {}
    whole: list[_Group] = []
    for group in sorted(groups.values(), key=lambda one: (not one.codes, one.first)):
        near = [one for word in sorted(group.words) for one in by_words.get(word, {}).values()]
        home = next((one for one in near if one.of(group)), group)
        if home is group:
            whole.append(group)
        else:
            home.take(group)
        for word in group.words:
            by_words.setdefault(word, {})[id(home)] = home
    whole.sort(key=lambda one: one.first)
    return [[each for _, each in sorted(one.facts, key=lambda f: f[0])] for one in whole]


def nothing(concept: object) -> str | None:
    """Of a code: `none` when it says that there is nothing, `silent` that nobody was asked; else None."""
    data = rules()["nothing"]
    for system, value in codings(concept):
        if system == data["ips"]:
            return "silent" if value in data["silent"] else "none"
        if value in data["snomed"] and system == "http://snomed.info/sct":
            return "none"
    return None
