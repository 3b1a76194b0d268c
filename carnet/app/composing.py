# SPDX-License-Identifier: EUPL-1.2
"""Write a document from a record: what it offers, the document to look at, its publication.

The record is read through the door with the rights of who writes, each time anew: what may not be seen cannot
be written, whatever a form sends back. Publication is that of any other CDA document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import composing_lines, parts
from carnet.app.composing_people import known, peers, signer
from carnet.app.parts import Built
from carnet.composing import cda, readable
from carnet.composing.kinds import KINDS, discharge
from carnet.composing.kinds.sections import Reviewed, line
from carnet.composing.model import Document, Kind, Line, Sort, Stay
from carnet.composing.pages import (
    Doubt,
    Draft,
    Kept,
    NoSort,
    NotItsModel,
    Offer,
    Preview,
    Proposed,
    TooLong,
    WrongStay,
)
from carnet.documents.cda.conformance import Profile
from carnet.documents.cda.constraints import broken
from carnet.documents.receive import receive
from carnet.fhir import xml
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter
from carnet.summary import doses, gather, treatments
from carnet.summary.background import Background, background
from carnet.summary.facts import listed, mapping, moment
from carnet.summary.gather import Gathered
from carnet.summary.pages import Line as Told
from carnet.summary.pages import Section

LONGEST: Final = 4000  # characters of one free field
MOST: Final = 200  # lines of one kind
CHAIN: Final = 100  # versions of one document


class ComposingPages:
    """The acts of the pages of writing."""

    def __init__(self, built: Built) -> None:
        self._built = built

    async def proposed(self, actor: Actor, patient: str, sort: str) -> Proposed:
        """What the record offers to a kind of document."""
        visit = _visit(self._built, actor)
        found = await _gathered(visit, patient)
        besides = await background(visit, found.cid)
        offers: dict[Kind, list[Offer]] = {kind: [] for kind in _kind(sort).KINDS}
        for kind, told, made in _lines(found, besides):
            if kind in offers and len(offers[kind]) < MOST:
                offers[kind].append(
                    Offer(told.sources[0].address, kind, made.cells, tuple(_doubts(told, kind)))
                )
        before = await _before(visit, found.cid, _kind(sort).SORT)
        day = before.at.date() if before is not None else None
        whole = Proposed(sort, tuple(offers.items()), _kind(sort).WORDS, before=day)
        if sort != discharge.SORT.key:
            return whole
        return replace(
            whole,
            stay=_last_stay(found),
            answers=discharge.ANSWERS,
            peers=await known(visit, found),
        )

    async def preview(
        self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft
    ) -> Preview:
        """The document as it would be published."""
        document = await self._document(actor, patient, sort, kept, draft)
        pdf = await asyncio.to_thread(readable.pdf, document)
        return Preview(
            document.named, document.signer.shown, document.signer.place.name, document.parts, pdf,
            document.attending.shown if document.attending else "",
            tuple(each.shown for each in document.recipients),
        )  # fmt: skip

    async def publish(self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft) -> str:
        """Sign and publish; the id of its DocumentReference. The same draft twice is one document."""
        visit = _visit(self._built, actor)
        if there := await _written(visit, patient, draft):
            return there  # what the record offers has changed by it: it would not be the same again
        document = await self._document(actor, patient, sort, kept, draft)
        written = await asyncio.to_thread(_both, document)
        done = await receive(visit, self._built.desk.acts, written, profile=Profile.STRICT)
        return done.address.partition("/")[2]

    async def _document(
        self, actor: Actor, patient: str, sort: str, kept: Kept, draft: Draft
    ) -> Document:
        kind = _kind(sort)
        if any(len(each) > LONGEST for each in kept.words.values()):
            raise TooLong
        visit = _visit(self._built, actor)
        found = await _gathered(visit, patient)
        besides = await background(visit, found.cid)
        people = [each for each in found.of("Patient") if each.stored.cid == found.cid]
        if not people:
            raise errors.NotFound
        lines: dict[Kind, list[Line]] = {}
        for each, told, made in _lines(found, besides):
            if each in kind.KINDS and told.sources[0].address in kept.chosen:
                lines.setdefault(each, []).append(made)
        reviewed = Reviewed(
            {each: tuple(held[:MOST]) for each, held in lines.items()},
            {name: kept.words.get(name, "") for name in kind.WORDS} | dict(kept.answers),
        )
        stay = _stay(kept, draft.at) if sort == discharge.SORT.key else None
        written = (
            kind.parts(reviewed) if stay is None else discharge.parts(reviewed, draft.at, stay)
        )
        whole = Document(
            kind.SORT, draft.number, people[0].own, await signer(visit), draft.at, written, stay,
            next(iter(await peers(visit, [kept.attending])), None), await peers(visit, kept.to),
        )  # fmt: skip
        before = await _before(visit, found.cid, kind.SORT) if kept.replaces else None
        if before is None:
            return whole
        return replace(whole, version=before.version + 1, set=before.set, before=before.number)

    def draft(self) -> Draft:
        """A new one."""
        door = self._built.door
        return Draft(UUID(bytes=door.random(16), version=4), door.clock().replace(microsecond=0))


def _kind(sort: str) -> Any:
    if sort not in KINDS:
        raise NoSort
    return KINDS[sort]


def _visit(built: Built, actor: Actor) -> Visit:
    """Professionals write documents, in their own name; to others these pages look absent."""
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise errors.NotFound
    return parts.visit(built, actor)


async def _gathered(visit: Visit, patient: str) -> Gathered:
    return await gather.gathered(visit, await gather.opened(visit, patient))


async def _written(visit: Visit, patient: str, draft: Draft) -> str | None:
    """The document of a draft that is published already."""
    cid = await gather.opened(visit, patient)
    number = visit.door.definitions.params["DocumentReference"]["identifier"].number
    wanted = TokenFilter(number, (("urn:ietf:rfc:3986", f"urn:oid:2.25.{draft.number.int}"),))
    found = await visit.search(Query("DocumentReference", (wanted,), (cid,), count=1))
    return found.matches[0].id if found.matches else None


@dataclass(frozen=True, slots=True)
class _Before:
    """A document its author may replace: its number, that of its first version, which it is."""

    number: UUID
    set: UUID
    version: int
    at: datetime


async def _before(visit: Visit, cid: int, sort: Sort) -> _Before | None:
    """The newest of this kind that who writes has written here; a letter is of its stay, and stays."""
    if sort.key == discharge.SORT.key:
        return None
    params = visit.door.definitions.params["DocumentReference"]
    asked = (
        TokenFilter(params["type"].number, ((None, sort.type[0]),)),
        TokenFilter(params["status"].number, ((None, "current"),)),
    )
    page = await visit.search(Query("DocumentReference", asked, (cid,), sort=gather.NEWEST))
    for each in page.matches:
        own, number = each.resource, _number(each.resource)
        if number is None or not _signed(own, f"8{visit.actor.rpps:011d}"):
            continue
        first, version = number, 1
        while (parent := _replaced(own)) and version < CHAIN:
            own = (await visit.read("DocumentReference", parent)).resource
            older = _number(own)
            if older is None:
                break
            first, version = older, version + 1
        return _Before(number, first, version, moment(each.resource.get("date")) or each.upd)
    return None


def _number(own: Mapping[str, Any]) -> UUID | None:
    """The number of a document Carnet wrote."""
    value = str(mapping(own.get("masterIdentifier")).get("value", ""))
    digits = value.removeprefix("urn:oid:2.25.")
    if digits == value or not digits.isdecimal() or len(digits) > 39 or int(digits) >= 1 << 128:
        return None
    return UUID(int=int(digits))


def _signed(own: Mapping[str, Any], idnps: str) -> bool:
    inside = (
        each for held in listed(own.get("contained")) for each in listed(held.get("identifier"))
    )
    return any(each.get("value") == idnps for each in inside)


def _replaced(own: Mapping[str, Any]) -> str:
    """The id of the document one says that it replaces."""
    for each in listed(own.get("relatesTo")):
        reference = str(mapping(each.get("target")).get("reference", ""))
        if each.get("code") == "replaces" and "DocumentReference/" in reference:
            return reference.rpartition("/")[2]
    return ""


def _both(document: Document) -> bytes:
    """The CDA with its readable copy, which keeps its model or is not written."""
    written = cda.write(document, readable.pdf(document))
    wrong = [each.rule for each in broken(xml.parse(written)) if each.rule.severity == "error"]
    if wrong:
        raise NotItsModel(" ".join(dict.fromkeys(rule.en for rule in wrong)))
    return written


# -------------------------------------------------------------------------------------- what is offered


def _lines(found: Gathered, besides: Background) -> Iterator[tuple[Kind, Told, Line]]:
    """The lines of the one page, each with the resource its newest source is."""
    page = gather.page(found)
    facts = {each.stored.address: each for each in found.of(*found.facts)}
    sections: tuple[tuple[Kind, Section, bool], ...] = (
        ("problem", page.problems, False),
        ("history", page.problems, True),
        ("procedure", page.procedures, False),
        ("allergy", page.allergies, False),
        ("treatment", page.treatments, False),
        ("stopped", composing_lines.lately(page.treatments, found.now), True),
    )
    for kind, section, past in sections:
        held = section.past if past else section.lines
        for each in (*held, *(section.nothing if kind == "allergy" and not held else ())):
            told = composing_lines.stated(kind, each, facts)
            if not told.sources:
                continue
            fact = facts[told.sources[0].address]
            resource: Mapping[str, Any] = fact.own
            if kind in ("treatment", "stopped"):
                medicine = treatments.medicine(fact, found.medications)
                resource = {**resource, "medicationCodeableConcept": medicine}
            source, since = composing_lines.source(told), composing_lines.since(told)
            yield kind, told, line(kind, resource, source, since, doses.dose(resource))
    yield from composing_lines.lines(facts, page.vaccinations, besides)


def _doubts(told: Told, kind: Kind) -> Iterator[Doubt]:
    if kind == "stopped":
        yield "outside"
    if told.declared:
        yield "declared"
    if told.conflicts:
        yield "conflict"
    if told.old:
        yield "old"
    if told.unsure:
        yield "unsure"


def _last_stay(found: Gathered) -> tuple[date | None, date | None]:
    """The newest stay of the record, to begin with."""
    for each in gather.page(found).stays.lines:
        ends = [_date(each.since), _date(each.until)]
        if ends[0] is not None:
            return ends[0], ends[1]
    return None, None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _stay(kept: Kept, at: datetime) -> Stay:
    """From its first day to its last, or to now."""
    if kept.start is None or kept.start > at.date():
        raise WrongStay
    last = kept.end or at.date()
    if not kept.start <= last <= at.date():
        raise WrongStay
    begins = datetime.combine(kept.start, time(), UTC)
    ends = at if last == at.date() else datetime.combine(last, time(12), UTC)
    return Stay(begins, max(begins, ends))
