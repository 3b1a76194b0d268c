# SPDX-License-Identifier: EUPL-1.2
"""Problems of health: what lasts, what is over; what is denied is never one. Source: FHIR R4, Condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from carnet.summary.facts import (
    Fact,
    code,
    date_of,
    grouped,
    listed,
    moment,
    name,
    newest,
    notes,
    nothing,
    rules,
)
from carnet.summary.pages import Conflict, Line, Section
from carnet.summary.words import OWN, Language, word

OVER = frozenset({"inactive", "remission", "resolved"})
VOID = "entered-in-error"
UNSURE = frozenset({"unconfirmed", "provisional", "differential"})
MONTH = timedelta(days=30.4375)


def problems(
    facts: Iterable[Fact], now: datetime, *, more: bool = False, language: Language = OWN
) -> Section:
    """The problems of a record."""
    told = [each for each in newest(facts) if verification(each) != VOID]
    said = [each for each in told if nothing(each.own.get("code")) == "none"]
    named = [each for each in told if nothing(each.own.get("code")) is None]
    lines: list[Line] = []
    past: list[Line] = []
    for group in grouped([(each, each.own.get("code")) for each in named]):
        line = _line(group, now, language)
        if line is not None:
            (past if line[1] else lines).append(line[0])
    lasting = [each for each in said if code(each.own.get("clinicalStatus")) not in OVER]
    return Section(
        tuple(sorted(lines, key=latest, reverse=True)),
        tuple(sorted(past, key=latest, reverse=True)),
        tuple(absence(lasting, lines)),
        more,
    )


def verification(fact: Fact) -> str:
    """confirmed, refuted, entered-in-error…; "" when it is not said."""
    return code(fact.own.get("verificationStatus"))


def latest(line: Line) -> float:
    """For an order by the newest source."""
    return line.at.timestamp() if line.at else 0.0


def absence(said: Sequence[Fact], lines: Sequence[Line]) -> Iterable[Line]:
    """Who says that there is nothing: one line for each way to say it, contradicted when there is."""
    for group in grouped([(each, each.own.get("code")) for each in said]):
        yield Line(
            name(group[0].own.get("code")),
            sources=tuple(each.source() for each in group),
            conflicts=("contradicted",) if lines else (),
        )


def _line(group: Sequence[Fact], now: datetime, language: Language) -> tuple[Line, bool] | None:
    """The line of one problem, and whether it is over; None for one that is only denied."""
    held = [each for each in group if verification(each) != "refuted"]
    if not held:
        return None
    over = [each for each in held if code(each.own.get("clinicalStatus")) in OVER]
    lasts = [each for each in held if each not in over]
    conflicts: list[Conflict] = []
    if len(held) < len(group):
        conflicts.append("denied-elsewhere")
    if lasts and over and newest([lasts[0], over[0]])[0] is over[0]:
        # The same author who says that it is over has said all there is to say.
        lasts = [each for each in lasts if not _same_author(each, over[0])]
        if lasts:
            conflicts.append("over-elsewhere")
    shown = lasts or over
    fresh = [each for each in lasts if not _of_an_encounter(each, now)]
    onsets = sorted(filter(None, (date_of(each.own, "onset")[0] for each in held)))
    ends = sorted(filter(None, (date_of(each.own, "abatement")[0] for each in over)))
    said = len(conflicts) > 0
    line = Line(
        name(shown[0].own.get("code")),
        since=onsets[0] if onsets else "",
        until=ends[-1] if ends and not lasts else "",
        details=tuple(dict.fromkeys(each for one in shown for each in _details(one, language)))[:4],
        sources=tuple(each.source(said=_state(each) if said else "") for each in group),
        conflicts=tuple(conflicts),
        unsure=all(verification(each) in UNSURE for each in shown),
    )
    return line, not fresh


def _same_author(one: Fact, other: Fact) -> bool:
    mine, theirs = one.source(), other.source()
    return bool(mine.author) and (mine.author, mine.by) == (theirs.author, theirs.by)


def _of_an_encounter(fact: Fact, now: datetime) -> bool:
    """A diagnosis of one encounter, long ago, that nobody put on the list of problems."""
    kinds = {code(each) for each in listed(fact.own.get("category"))}
    if "encounter-diagnosis" not in kinds or "problem-list-item" in kinds:
        return False
    at = fact.at or moment(date_of(fact.own, "onset")[0])
    return at is not None and now - at > rules()["ages"]["diagnosis"] * MONTH


def _details(fact: Fact, language: Language) -> Iterable[str]:
    if severity := name(fact.own.get("severity")):
        yield word("severity", language) % severity
    for site in listed(fact.own.get("bodySite")):
        if said := name(site):
            yield said
    yield from notes(fact.own)


def _state(fact: Fact) -> str:
    """What a source says of it, in a code of the page."""
    if verification(fact) == "refuted":
        return "refuted"
    return code(fact.own.get("clinicalStatus")) or "active"
