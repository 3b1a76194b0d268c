# SPDX-License-Identifier: EUPL-1.2
"""Current treatments over all sources: prescribed, planned, dispensed, taken; disagreements are shown.

A treatment that every source has ended is over. When one source stops what another continues, both are
shown: which of them holds is not ours to say. Source: FHIR R4, MedicationRequest, MedicationDispense,
MedicationStatement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from carnet.summary.doses import amount, dosages, dose
from carnet.summary.facts import (
    Fact,
    closing,
    date_of,
    folded,
    grouped,
    later,
    listed,
    mapping,
    moment,
    name,
    newest,
    nothing,
    rules,
)
from carnet.summary.pages import By, Conflict, Line, Section, Stage
from carnet.summary.problems import MONTH, latest
from carnet.summary.words import OWN, Language

# What the status of each type says. Source: FHIR R4 value sets of the three types.
VOID = frozenset({"entered-in-error", "draft", "preparation", "declined"})
STOPPED = frozenset({"stopped", "cancelled", "not-taken", "on-hold"})
ENDED = frozenset({"completed"})
UNASKED = frozenset({"proposal", "option", "original-order", "instance-order"})
REPEATS = 1000  # a number of renewals that says no more
State = Literal["live", "stopped", "ended"]
# UCUM units of a duration, in days. Source: UCUM, FHIR R4 units-of-time.
DAYS = {"d": 1.0, "wk": 7.0, "mo": 30.4375, "a": 365.25, "h": 1 / 24, "min": 1 / 1440}


def treatments(
    facts: Iterable[Fact],
    now: datetime,
    *,
    medications: Mapping[str, Mapping[str, Any]] | None = None,
    more: bool = False,
    language: Language = OWN,
) -> Section:
    """The treatments of a record. medications: resources of type Medication by their reference.

    language: of the doses that are said by codes.
    """
    known = medications or {}
    told = [each for each in newest(facts) if _counts(each)]
    pairs = [(each, medicine(each, known)) for each in told]
    said = [each for each, what in pairs if nothing(what) == "none"]
    named = [(each, what) for each, what in pairs if nothing(what) is None]
    what_of = {each.stored.address: what for each, what in named}
    lines: list[Line] = []
    past: list[Line] = []
    for group in grouped(named):
        found = _line(group, what_of, now, language)
        (past if found[1] else lines).append(found[0])
    return Section(
        tuple(sorted(lines, key=lambda line: (not line.old, latest(line)), reverse=True)),
        tuple(sorted(past, key=latest, reverse=True)),
        tuple(_none(said, lines, known)),
        more,
    )


def _none(
    said: Sequence[Fact], lines: Sequence[Line], known: Mapping[str, Mapping[str, Any]]
) -> Iterable[Line]:
    for each in said[:1]:
        yield Line(
            name(medicine(each, known)),
            sources=tuple(one.source() for one in said),
            conflicts=("contradicted",) if lines else (),
        )


def _counts(fact: Fact) -> bool:
    own = fact.own
    if own.get("status") in VOID:
        return False
    return not (own["resourceType"] == "MedicationRequest" and own.get("intent") in UNASKED)


def medicine(fact: Fact, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What it is of: a concept, that of a Medication it points to or holds, or its display."""
    own = fact.own
    if concept := mapping(own.get("medicationCodeableConcept")):
        return concept
    reference = mapping(own.get("medicationReference"))
    address = str(reference.get("reference", ""))
    held = {f"#{each.get('id')}": each for each in listed(own.get("contained"))}
    found = held.get(address) or known.get(address) or {}
    if concept := mapping(found.get("code")):
        return concept
    return {"text": str(reference["display"])} if reference.get("display") else {}


def stage(fact: Fact) -> Stage:
    """Prescribed, planned, dispensed or taken."""
    own = fact.own
    if own["resourceType"] == "MedicationDispense":
        return "dispensed"
    if own["resourceType"] == "MedicationRequest":
        return "planned" if own.get("intent") == "plan" else "prescribed"
    return "taken"


def state(fact: Fact, now: datetime) -> State:
    """Whether this source says that it goes on now."""
    own = fact.own
    status = str(own.get("status", ""))
    if own.get("doNotPerform") is True or status in STOPPED:
        return "stopped"
    end = ending(fact)
    if own["resourceType"] == "MedicationDispense":
        # "completed" says that it was handed over: it is taken for a while, if no duration is said.
        limit = rules()["ages"]["dispensed"] * MONTH
        over = end < now if end is not None else fact.at is not None and now - fact.at > limit
        return "ended" if over else "live"
    if status in ENDED or (end is not None and end < now):
        return "ended"
    return "live"


def ending(fact: Fact) -> datetime | None:
    """When this source says that it ends; the day it ends is one of it."""
    own = fact.own
    ends = [closing(date_of(own, "effective")[1])] if "effectivePeriod" in own else []
    start = moment(own.get("whenHandedOver")) or moment(own.get("authoredOn"))
    supply = mapping(mapping(own.get("dispenseRequest")).get("expectedSupplyDuration"))
    repeats = mapping(own.get("dispenseRequest")).get("numberOfRepeatsAllowed")
    if days := _days(supply or mapping(own.get("daysSupply"))):
        times = 1 + (min(repeats, REPEATS) if isinstance(repeats, int) else 0)
        ends.append(later(start, timedelta(days=days * times)) if start else None)
    bounded: list[datetime | None] = []
    for dosage in dosages(own):
        repeat = mapping(mapping(dosage.get("timing")).get("repeat"))
        if not repeat:  # nothing bounds it
            bounded.append(None)
            continue
        begun = moment(mapping(repeat.get("boundsPeriod")).get("start")) or start
        if days := _days(mapping(repeat.get("boundsDuration"))):
            bounded.append(later(begun, timedelta(days=days)) if begun else None)
        else:
            bounded.append(closing(mapping(repeat.get("boundsPeriod")).get("end")))
    if bounded and all(bounded):  # the last step of a treatment ends it
        ends.append(max(filter(None, bounded)))
    known = [each for each in ends if each is not None]
    return later(min(known), timedelta(days=1)) if known else None


def _days(duration: Mapping[str, Any]) -> float:
    value, unit = duration.get("value"), str(duration.get("code") or duration.get("unit") or "")
    if value is None or isinstance(value, bool | str) or unit not in DAYS:
        return 0.0
    return max(0.0, min(float(value) * DAYS[unit], 36525.0))


def _compared(fact: Fact) -> str:
    """A dose as two sources are compared by: its numbers when all are there, else its words."""
    told = []
    for each in dosages(fact.own):
        amounts = [
            amount(mapping(one.get("doseQuantity")), OWN) for one in listed(each.get("doseAndRate"))
        ]
        repeat = mapping(mapping(each.get("timing")).get("repeat"))
        rhythm = (repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit"))
        if not any(amounts) or not all(rhythm):
            return folded(dose(fact.own))
        told.append((*amounts, *map(str, rhythm)))
    return str(sorted(told)) if told else ""


def _line(
    group: Sequence[Fact], what_of: Mapping[str, object], now: datetime, language: Language
) -> tuple[Line, bool]:
    """One treatment, and whether it is over."""
    last = _last(group)
    written = [each for lines in last for each in lines]
    states = {each.stored.address: state(each, now) for each in written}
    live = [each for each in written if states[each.stored.address] == "live"]
    stops = [each for each in written if states[each.stored.address] == "stopped"]
    # A stop that somebody wrote ends all that they wrote before, whatever it was.
    ends_all = _by_author(newest(stops))
    live = [each for each in live if not _ended(each, ends_all)]
    limit = rules()["ages"]["treatment"] * MONTH
    conflicts: list[Conflict] = []
    if live:
        later = [stop for stop in stops if newest([stop, live[0]])[0] is stop]
        if any(each.own.get("status") == "not-taken" and _by_patient(each) for each in later):
            conflicts.append("not-taken")
        if any(not (each.own.get("status") == "not-taken" and _by_patient(each)) for each in later):
            conflicts.append("stopped-elsewhere")
        fresh = [each for each in live if not _old(each, now, limit)] or live
        doses = [
            tuple(sorted(_compared(each) for each in lines if each in fresh)) for lines in last
        ]
        if len({each for each in doses if any(each)}) > 1:
            conflicts.append("doses")
    shown = live or written
    said = bool(conflicts)
    starts = sorted(filter(None, (_start(each) for each in shown)))
    ends = sorted(filter(None, (date_of(each.own, "effective")[1] for each in shown)))
    endless = [each for each in live if ending(each) is None]
    names = {each.stored.address: name(what_of[each.stored.address]) for each in shown}
    several = len(set(names.values())) > 1
    told = [
        _told(names[each.stored.address] if several else "", dose(each.own, language))
        for each in shown
    ]
    line = Line(
        name(what_of[shown[0].stored.address]),
        since=starts[0] if starts else "",
        until=ends[-1] if ends else "",
        details=tuple(dict.fromkeys(filter(None, told)))[:4],
        sources=tuple(
            each.source(stage=stage(each), said=_said(each, now, language) if said else "")
            for each in group
        ),
        conflicts=tuple(conflicts),
        stages=tuple(dict.fromkeys(stage(each) for each in shown)),
        old=bool(live)
        and len(endless) == len(live)
        and all(_old(each, now, limit) for each in live),
    )
    return line, not live


def _told(what: str, taken: str) -> str:
    """A dose, after the name it is of where a line has several."""
    if not what:
        return taken
    return "\u00a0: ".join(filter(None, (what, taken)))


def _last(group: Sequence[Fact]) -> list[list[Fact]]:
    """What each wrote last, newest first: all the lines of one prescription stand together."""
    found: dict[tuple[str, str, Stage], list[Fact]] = {}
    for each in group:  # newest first: what somebody wrote last replaces what they wrote before
        source = each.source()
        who = source.author or each.stored.address
        lines = found.setdefault((who, source.by, stage(each)), [])
        if not lines or _together(lines[0], each):
            lines.append(each)
    return list(found.values())


def _together(first: Fact, other: Fact) -> bool:
    """Whether two lines were written as one: in one document, under one number, at one instant."""
    mine, theirs = first.source(), other.source()
    if mine.document or theirs.document:
        return mine.document == theirs.document
    number = mapping(first.own.get("groupIdentifier")).get("value")
    if number or mapping(other.own.get("groupIdentifier")).get("value"):
        return bool(number) and first.own["groupIdentifier"] == other.own.get("groupIdentifier")
    return first.at is not None and first.at == other.at


def _by_author(stops: Sequence[Fact]) -> dict[tuple[str, By], Fact]:
    """The last stop each wrote, of those who are named; stops: newest first."""
    found: dict[tuple[str, By], Fact] = {}
    for each in stops:
        if each.told.author:
            found.setdefault((each.told.author, each.told.by), each)
    return found


def _ended(fact: Fact, stops: Mapping[tuple[str, By], Fact]) -> bool:
    """Whether who wrote it wrote later that it stops."""
    stop = stops.get((fact.told.author, fact.told.by))
    return stop is not None and newest([stop, fact])[0] is stop


def _by_patient(fact: Fact) -> bool:
    return fact.source().by == "patient"


def _start(fact: Fact) -> str:
    own = fact.own
    begun = date_of(own, "effective")[0]
    return begun or str(own.get("authoredOn") or own.get("whenHandedOver") or "")


def _old(fact: Fact, now: datetime, limit: timedelta) -> bool:
    return fact.at is not None and now - fact.at > limit


def _said(fact: Fact, now: datetime, language: Language) -> str:
    """What a source says, when they differ: a state, or a dose."""
    own = fact.own
    if own.get("doNotPerform") is True:
        return "do-not"
    if state(fact, now) != "live":
        return str(own.get("status", "ended"))
    return dose(own, language) or "active"
