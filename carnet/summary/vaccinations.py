# SPDX-License-Identifier: EUPL-1.2
"""Vaccines that were given, each with its dates. One that was not given is none. FHIR R4, Immunization."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from carnet.summary.facts import Fact, date_of, day_of, grouped, listed, name, newest, nothing
from carnet.summary.pages import Line, Section
from carnet.summary.problems import absence
from carnet.summary.words import OWN, Language, told


def vaccinations(facts: Iterable[Fact], *, more: bool = False, language: Language = OWN) -> Section:
    """The vaccinations of a record: a line for each vaccine, its last dose first."""
    told = [each for each in newest(facts) if each.own.get("status") != "entered-in-error"]
    said = [each for each in told if nothing(each.own.get("vaccineCode")) == "none"]
    given = [
        each
        for each in told
        if each.own.get("status") == "completed" and nothing(each.own.get("vaccineCode")) is None
    ]
    lines = [
        _line(group, language)
        for group in grouped([(each, each.own.get("vaccineCode")) for each in given])
    ]
    lines.sort(key=lambda line: line.since, reverse=True)
    coded = [_as_code(each) for each in said]
    return Section(tuple(lines), (), tuple(absence(coded, lines)), more)


def _as_code(fact: Fact) -> Fact:
    """Its vaccine where the others have their code."""
    return replace(fact, own={**fact.own, "code": fact.own["vaccineCode"]})


def _line(group: Sequence[Fact], language: Language) -> Line:
    """One vaccine. Two sources of one day are one dose."""
    doses: dict[str, Fact] = {}
    for each in group:
        on = date_of(each.own, "occurrence")[0]
        doses.setdefault(day_of(on), each)
    # Words in the place of a date ("date non indiquée") come after every date.
    dates = sorted(doses, key=lambda on: (on[:4].isdigit(), on), reverse=True)
    last = doses[dates[0]].own
    details = []
    for one in listed(last.get("protocolApplied")):
        rank = one.get("doseNumberPositiveInt") or one.get("doseNumberString")
        if rank:
            details.append(told("rank", language, rank))
    if lot := last.get("lotNumber"):
        details.append(told("lot", language, lot))
    return Line(
        name(group[0].own.get("vaccineCode")),
        since=dates[0],
        details=tuple(details),
        days=tuple(filter(None, dates)),
        sources=tuple(each.source() for each in group),
    )
