# SPDX-License-Identifier: EUPL-1.2
"""Allergies and intolerances; "none known" is said as such, and a contradiction is shown. FHIR R4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carnet.summary.facts import (
    Fact,
    code,
    date_of,
    grouped,
    listed,
    name,
    newest,
    notes,
    nothing,
    rules,
)
from carnet.summary.pages import Conflict, Line, Section
from carnet.summary.problems import VOID, latest, verification

OVER = frozenset({"inactive", "resolved"})


def allergies(facts: Iterable[Fact], *, more: bool = False) -> Section:
    """The allergies of a record."""
    told = [each for each in newest(facts) if verification(each) != VOID]
    said = [
        each
        for each in told
        if nothing(each.own.get("code")) == "none"
        and verification(each) != "refuted"
        and code(each.own.get("clinicalStatus")) not in OVER
    ]
    named = [each for each in told if nothing(each.own.get("code")) is None]
    lines: list[Line] = []
    past: list[Line] = []
    kinds: set[str] = set()
    for group in grouped([(each, each.own.get("code")) for each in named]):
        found = _line(group)
        if found is None:
            continue
        line, over = found
        (past if over else lines).append(line)
        if not over:
            kinds |= {kind for each in group for kind in _kinds(each)} or {""}
    return Section(
        tuple(sorted(lines, key=lambda line: (line.severe, latest(line)), reverse=True)),
        tuple(sorted(past, key=latest, reverse=True)),
        tuple(_absence(said, kinds)),
        more,
    )


def _absence(said: Sequence[Fact], kinds: set[str]) -> Iterable[Line]:
    """Who says that none is known: contradicted by one of the kind it speaks of, or of no kind."""
    categories = rules()["nothing"]["category"]
    for group in grouped([(each, each.own.get("code")) for each in said]):
        of = categories.get(code(group[0].own.get("code")), "")
        against = kinds if not of else kinds & {of, ""}
        yield Line(
            name(group[0].own.get("code")),
            sources=tuple(each.source() for each in group),
            conflicts=("contradicted",) if against else (),
        )


def _line(group: Sequence[Fact]) -> tuple[Line, bool] | None:
    """One allergy, and whether it is over; None for one that is only denied."""
    held = [each for each in group if verification(each) != "refuted"]
    if not held:
        return None
    over = [each for each in held if code(each.own.get("clinicalStatus")) in OVER]
    lasts = [each for each in held if each not in over]
    conflicts: list[Conflict] = []
    if len(held) < len(group):
        conflicts.append("denied-elsewhere")
    if lasts and over and newest([lasts[0], over[0]])[0] is over[0]:
        conflicts.append("over-elsewhere")  # an allergy is not taken away by a later silence
    shown = lasts or over
    onsets = sorted(filter(None, (date_of(each.own, "onset")[0] for each in held)))
    return (
        Line(
            name(shown[0].own.get("code")),
            since=onsets[0] if onsets else "",
            details=tuple(dict.fromkeys(each for one in shown for each in _details(one)))[:6],
            sources=tuple(each.source(said=_state(each) if conflicts else "") for each in group),
            conflicts=tuple(conflicts),
            unsure=all(verification(each) == "unconfirmed" for each in shown),
            severe=any(each.own.get("criticality") == "high" for each in shown),
        ),
        not lasts,
    )


def _kinds(fact: Fact) -> list[str]:
    """Its categories: food, medication…"""
    held = fact.own.get("category")
    return [each for each in held if isinstance(each, str)] if isinstance(held, list) else []


def _details(fact: Fact) -> Iterable[str]:
    for reaction in listed(fact.own.get("reaction")):
        for shown in listed(reaction.get("manifestation")):
            if said := name(shown):
                yield said
    yield from notes(fact.own)


def _state(fact: Fact) -> str:
    if verification(fact) == "refuted":
        return "refuted"
    return code(fact.own.get("clinicalStatus")) or "active"
