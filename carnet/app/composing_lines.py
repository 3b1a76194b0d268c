# SPDX-License-Identifier: EUPL-1.2
"""Lines offered to a document that the one page does not tell whole: doses, habits, family, devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from carnet.composing.kinds import background
from carnet.composing.model import Kind, Line
from carnet.summary import family
from carnet.summary.background import Background
from carnet.summary.facts import Fact, code, date_of, moment
from carnet.summary.pages import Line as Told
from carnet.summary.pages import Section, Source

Offered = tuple[Kind, Told, Line]
DENIED: Final = frozenset({"refuted", "entered-in-error"})
OVER: Final = frozenset({"inactive", "remission", "resolved"})
LATELY: Final = timedelta(days=400)  # what ended before is of no stay one writes about
NOT_TAKEN: Final = frozenset({"stopped", "not-taken", "entered-in-error", "cancelled", "declined"})


def lines(
    facts: Mapping[str, Fact], vaccinations: Section, besides: Background
) -> Iterator[Offered]:
    """Each line with what is told of it. facts: of the one page, by their address."""
    for told in vaccinations.lines:
        for dose in doses(told, facts):
            own = facts[dose.sources[0].address].own
            yield "vaccination", dose, background.vaccination(own, source(dose), shown(dose.since))
    for told in besides.lifestyle.lines:
        value, *_ = told.details
        own = besides.facts[told.sources[0].address].own
        made = background.habit(own, source(told), told.label, value, shown(told.since))
        yield "lifestyle", told, made
    for told in besides.family.lines:
        yield "family", told, _relative(told, besides.facts[told.sources[0].address].own)
    worn = besides.devices
    for told in (*worn.lines, *(worn.nothing if not worn.lines else ())):
        own = besides.facts[told.sources[0].address].own
        yield "device", told, background.device(own, source(told), since(told))


def doses(told: Told, facts: Mapping[str, Fact]) -> Iterator[Told]:
    """Each dose of a vaccine, the newest source of its day first."""
    by: dict[str, list[tuple[str, Source]]] = {}
    for each in told.sources:
        if each.address in facts:
            at = date_of(facts[each.address].own, "occurrence")[0]
            by.setdefault(at[:10] if at[:4].isdigit() else at, []).append((at, each))
    for day in sorted(by, reverse=True):
        yield replace(told, since=by[day][0][0], days=(), sources=tuple(one for _, one in by[day]))


def stated(kind: Kind, told: Told, facts: Mapping[str, Fact]) -> Told:
    """A line with, first of its sources, the newest that says what the line says.

    A newer one may deny it, or say that it is over or stopped: its entry would say the contrary of its words.
    """
    held = [each for each in told.sources if each.address in facts]
    says = [each for each in held if _says(kind, facts[each.address].own)]
    first = next(iter(says or held), None)
    if first is None:
        return replace(told, sources=())
    return replace(told, sources=(first, *(each for each in told.sources if each is not first)))


def _says(kind: Kind, own: Mapping[str, Any]) -> bool:
    if kind == "treatment":
        return own.get("status") not in NOT_TAKEN
    if code(own.get("verificationStatus")) in DENIED:
        return False
    over = code(own.get("clinicalStatus")) in OVER
    return {"problem": not over, "history": over}.get(kind, True)


def _relative(told: Told, own: Mapping[str, Any]) -> Line:
    """Only the illnesses that are told: what denies, or says that nobody knows, is none."""
    kept = family.illnesses(own)
    who, said = family.relative(own), [family.illness(each) for each in kept]
    return background.relative({**own, "condition": kept}, source(told), who, said)


def lately(treatments: Section, now: datetime) -> Section:
    """The treatments that ended not long ago."""
    ended = (
        each
        for each in treatments.past
        if (end := moment(each.until) or each.at) is not None and now - end <= LATELY
    )
    return replace(treatments, past=tuple(ended), nothing=())


def source(told: Told) -> str:
    """Who says it, and when."""
    first = told.sources[0]
    said = ", ".join(filter(None, (first.author or first.title, _day(first.at))))
    return f"{said} (déclaré par le patient ou un proche)" if told.declared else said


def since(told: Told) -> str:
    """From when to when, as far as it is said."""
    return " – ".join(shown(each) for each in (told.since, told.until) if each)


def shown(text: str) -> str:
    """A FHIR date as it is read, as precise as it was."""
    day = text[:10].split("-")
    return "/".join(reversed(day)) if all(each.isdigit() for each in day) else text


def _day(at: datetime | None) -> str:
    return f"{at:%d/%m/%Y}" if at else ""
