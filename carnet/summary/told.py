# SPDX-License-Identifier: EUPL-1.2
"""The page as a summary tells it, in a language: sections, and lines of words with their sources.

What the record says stays in the words of who wrote it, but for the name of a code in the language
asked for, where the terminology has one; a line that stays in its own words says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from carnet.summary import devices, results
from carnet.summary.facts import Fact, codings, listed, rules
from carnet.summary.gather import Gathered
from carnet.summary.pages import Health, Line, Section, Source, Value
from carnet.summary.treatments import medicine
from carnet.summary.words import LANGUAGES as LANGUAGES
from carnet.summary.words import OWN, Language, figures, rounded, word

Displays = Mapping[tuple[str, str], str]
VITAL = "vital-signs"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
DAYS = 12  # of one line
SOURCES = 3  # of a line, newest first; the resources of all stand in the section
OBSERVATIONS = frozenset({"Observation"})
# IPS, Composition-uv-ips: what was coded of a wish is told in words alone.
WISHES = frozenset({"DocumentReference", "Consent"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line, in words."""

    label: str
    original: bool  # in the words of its source, for want of the language asked for
    details: tuple[str, ...]
    warnings: tuple[str, ...]  # what disagrees
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One section."""

    code: str  # LOINC
    display: str
    title: str
    rows: tuple[Row, ...]
    empty: str  # the sentence of a section that nobody says anything of
    more: str  # the sentence of one that is not whole
    addresses: tuple[str, ...]  # of the resources its lines come from
    silent: bool  # nobody says anything, not even that there is nothing


@dataclass(frozen=True, slots=True)
class Told:
    """The summary."""

    language: Language
    title: str
    made: datetime
    notices: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """One section on its way."""

    code: str
    display: str
    lines: Sequence[Line | Value]
    nothing: Sequence[Line] = ()
    types: frozenset[str] = frozenset()  # of the resources that may stand in it; none is every type
    more: bool = False


def told(health: Health, found: Gathered, language: Language, displays: Displays) -> Told:
    """The whole page. displays: names of codes in that language, by (system, code)."""
    facts = {each.stored.address: each for each in found.of(*found.facts)}
    parts = tuple(_part(each, facts, found, language, displays) for each in kept(health, found))
    notices = [word("unreviewed", language), word("partial", language)]
    if health.unread:
        notices.append(word("unread", language))
    if any(row.original for part in parts for row in part.rows):
        notices.append(word("original", language))
    return Told(language, word("title", language), health.made, tuple(notices), parts)


def kept(health: Health, found: Gathered) -> Iterable[_Kept]:
    """The sections, in the order of IPS; an Observation stands in the one its codes name."""
    by: dict[str, list[Value]] = {"": [], VITAL: [], "29762-2": [], "10162-6": []}
    facts = {each.stored.address: each for each in found.of("Observation")}
    for value in (*health.results, *values(found)):
        by[_home(facts[value.sources[0].address])].append(value)
    worn = devices.devices(
        found.of("DeviceUseStatement"), found.devices, more="DeviceUseStatement" in found.more
    )
    yield _of("11450-4", "Problem list - Reported", health.problems)
    yield _of("48765-2", "Allergies and adverse reactions Document", health.allergies)
    yield _of("10160-0", "History of Medication use Narrative", health.treatments)
    yield _of("11369-6", "History of Immunization Narrative", health.vaccinations)
    yield _Kept(
        "30954-2", "Relevant diagnostic tests/laboratory data Narrative", by[""], types=OBSERVATIONS
    )
    yield _of("47519-4", "History of Procedures Document", health.procedures)
    yield _of("46264-8", "History of medical device use", worn)
    yield _Kept("11348-0", "History of Past illness Narrative", health.problems.past)
    yield _Kept("8716-3", "Vital signs", by[VITAL], types=OBSERVATIONS)
    yield _Kept("29762-2", "Social history Narrative", by["29762-2"], types=OBSERVATIONS)
    yield _Kept("10162-6", "History of pregnancies Narrative", by["10162-6"], types=OBSERVATIONS)
    yield replace(_of("42348-3", "Advance directives", health.directives), types=WISHES)


def values(found: Gathered) -> tuple[Value, ...]:
    """The last value of each measure of the sections that the one page does not show."""
    return results.results(found.of("Observation"), results.kept("more"), now=found.now)


def _home(fact: Fact) -> str:
    """The section of an Observation: of its code, else vital signs or results as it says."""
    homes = rules("results")["sections"]
    for _, code in codings(fact.own.get("code")):
        if code in homes:
            return str(homes[code])
    kinds = {code for one in listed(fact.own.get("category")) for _, code in codings(one)}
    return VITAL if VITAL in kinds else ""


def _of(code: str, display: str, section: Section) -> _Kept:
    return _Kept(code, display, section.lines, section.nothing, more=section.more)


def _part(
    part: _Kept,
    facts: Mapping[str, Fact],
    found: Gathered,
    language: Language,
    displays: Displays,
) -> Part:
    lines = (*part.lines, *part.nothing)
    rows = [_row(each, facts, found, language, displays) for each in part.lines]
    rows += [
        replace(row, details=(word("none", language), *row.details))
        for row in (_row(each, facts, found, language, displays) for each in part.nothing)
    ]
    return Part(
        code=part.code,
        display=part.display,
        title=word(part.code, language, of="titles"),
        rows=tuple(rows),
        empty="" if lines else word("silent", language),
        more=word("more", language) if part.more else "",
        addresses=tuple(dict.fromkeys(_addresses(part, facts))),
        silent=not lines,
    )


def _addresses(part: _Kept, facts: Mapping[str, Fact]) -> Iterable[str]:
    """The resources of a section; what was handed over stands in it when nothing else says it."""
    for line in (*part.lines, *part.nothing):
        own = [source for source in line.sources if source.address in facts]
        if part.types:
            own = [s for s in own if s.address.split("/")[0] in part.types]
        better = [s for s in own if not s.address.startswith("MedicationDispense/")]
        yield from (source.address for source in better or own)


# -------------------------------------------------------------------------------------------- words


def _row(
    line: Line | Value,
    facts: Mapping[str, Fact],
    found: Gathered,
    language: Language,
    displays: Displays,
) -> Row:
    details: list[str] = []
    if isinstance(line, Value):
        label, original = measure(line, language)
        details += [f"{figures(rounded(line.value), language)} {line.unit}".strip()]
        if line.low is not None or line.high is not None:
            ends = " – ".join("" if each is None else str(each) for each in (line.low, line.high))
            details.append(word("range", language) % figures(ends, language))
        elif line.range_text:
            details.append(word("range", language) % line.range_text)
        details.append(day(line.at, language))
        if line.previous is not None and line.previous_at is not None:
            before = f"{figures(rounded(str(line.previous)), language)} ({day(line.previous_at, language)})"
            details.append(word("before", language) % before)
    else:
        label, original = named(line, facts, found, language, displays)
        details += [word(each, language) for each in line.stages]
        for flag in ("severe", "unsure", "old"):
            if getattr(line, flag):
                details.append(word(flag, language))
        if line.days:
            dates = ", ".join(when(each, language) for each in line.days[:DAYS])
            if len(line.days) > DAYS:
                dates += f", {word('other-days', language) % (len(line.days) - DAYS)}"
            details.append(word("done" if line.act else "days", language) % dates)
        else:
            if line.since:
                details.append(word("since", language) % when(line.since, language))
            if line.until:
                details.append(word("until", language) % when(line.until, language))
        details += line.told
    warnings = tuple(word(each, language, of="conflicts") for each in line.conflicts)
    sources = tuple(dict.fromkeys(source(each, language) for each in line.sources))
    if len(sources) > SOURCES + 1 and not line.conflicts:  # what disagrees is never folded away
        rest = word("others", language) % (len(sources) - SOURCES)
        sources = (*sources[:SOURCES], rest)
    return Row(
        label or word("unnamed", language),
        original and bool(label),
        tuple(filter(None, details)),
        warnings,
        sources,
    )


def measure(value: Value, language: Language) -> tuple[str, bool]:
    """What a measure is called."""
    if language == OWN:
        return value.label, False
    shown = results.names(language).get(value.label)
    return (shown, False) if shown else (value.label, True)


def named(
    line: Line,
    facts: Mapping[str, Fact],
    found: Gathered,
    language: Language,
    displays: Displays,
) -> tuple[str, bool]:
    """What a line is of, and whether it stays in its own words."""
    if language == OWN:
        return line.label, False
    for each in line.sources:
        if each.address in facts:
            for code in codings(concept(facts[each.address], found)):
                if code in displays:
                    return displays[code], False
    return line.label, True


def concept(fact: Fact, found: Gathered) -> object:
    """What a fact is of, whatever its type calls it."""
    own = fact.own
    match own["resourceType"]:
        case "MedicationRequest" | "MedicationStatement" | "MedicationDispense":
            return medicine(fact, found.medications)
        case "DeviceUseStatement":
            return devices.concept(fact, found.devices)
        case "Immunization":
            return own.get("vaccineCode")
        case "DocumentReference":
            return own.get("type")
    return own.get("code")


def codes(found: Gathered) -> set[tuple[str, str]]:
    """Every (system, code) whose name may be asked for."""
    facts = found.of(*(set(found.facts) - {"Observation", "Patient", "Encounter"}))
    return {code for each in facts for code in codings(concept(each, found))}


def source(each: Source, language: Language) -> str:
    """Who, in what, when; and what this source says, when sources differ."""
    who = word(each.by, language) if each.by != "professional" else each.author
    at = day(each.at, language) if each.at else word("undated", language)
    shown = each.title or ("" if who else word("record", language))
    text = ", ".join(filter(None, (who, shown, at)))
    if not each.said:
        return text
    known = rules("words")["said"].get(each.said)
    return f"{text} : {known[language] if known else each.said}"


def day(at: datetime, language: Language) -> str:
    """A day."""
    return when(at.astimezone(UTC).date().isoformat(), language)


def when(text: str, language: Language) -> str:
    """A FHIR date, as partial as it was written; other words as they are."""
    found = PARTIAL.match(text)
    if found is None:
        return text
    year, month, of_month = found.groups()
    if language == "fr":
        return "/".join(filter(None, (of_month, month, year)))
    name = MONTHS[int(month) - 1] if month and 1 <= int(month) <= 12 else ""
    return " ".join(filter(None, (str(int(of_month)) if of_month else "", name, year)))


def plain(value: Any) -> str:
    """Without the characters that XML, and a page, have no place for."""
    return "".join(each for each in str(value) if each >= " " or each in "\t\n")
