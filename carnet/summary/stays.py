# SPDX-License-Identifier: EUPL-1.2
"""Recent stays and acts done, from encounters and from the documents that tell of them. FHIR R4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from carnet.summary.facts import (
    Fact,
    author,
    date_of,
    day_of,
    grouped,
    listed,
    mapping,
    moment,
    name,
    newest,
    notes,
    nothing,
    rules,
    title,
)
from carnet.summary.pages import Line, Section
from carnet.summary.problems import MONTH
from carnet.summary.words import OWN, Language, ours

VOID = frozenset({"entered-in-error", "cancelled", "planned"})
DONE = frozenset({"completed", "in-progress", "stopped"})


def stays(
    encounters: Iterable[Fact],
    documents: Iterable[Fact],
    now: datetime,
    *,
    more: bool = False,
    language: Language = OWN,
) -> Section:
    """Stays of the last months, newest first; one told by an encounter and by a letter is one."""
    limit = rules()["ages"]["stay"] * MONTH
    classes = rules()["stays"]["classes"]
    found: dict[tuple[str, str], Line] = {}
    for each in newest(encounters):
        own = each.own
        kind = mapping(own.get("class"))
        if own.get("status") in VOID or str(kind.get("code")) not in classes:
            continue
        period = mapping(own.get("period"))
        start, end = str(period.get("start", "")), str(period.get("end", ""))
        what = next(filter(None, map(name, listed(own.get("type")))), "")
        where = _place(own)
        _add(found, Line(
            what or str(kind.get("display") or "") or where or ours("stay", language),
            since=start,
            until=end,
            details=tuple(filter(None, (where if what or kind.get("display") else "", *_why(own)))),
            sources=(each.source(),),
        ))  # fmt: skip
    for each in newest(documents):
        period = mapping(mapping(each.own.get("context")).get("period"))
        start = str(period.get("start") or each.own.get("date") or "")
        line = Line(
            title(each.own),
            since=start,
            until=str(period.get("end", "")),
            details=tuple(filter(None, (_custodian(each),))),
            sources=(each.source(),),
        )
        _add(found, line)
    recent = [
        each
        for each in found.values()
        if (at := moment(each.until or each.since)) is not None and now - at <= limit
    ]
    return Section(tuple(sorted(recent, key=lambda one: one.since, reverse=True)), more=more)


def _add(found: dict[tuple[str, str], Line], line: Line) -> None:
    """One stay: same first and last day. The encounter's words, and both sources."""
    key = (line.since[:10], (line.until or line.since)[:10])
    held = found.get(key)
    if held is None:
        found[key] = line
        return
    found[key] = Line(
        held.label,
        held.since,
        held.until,
        details=tuple(dict.fromkeys((*held.details, *line.details))),
        sources=(*held.sources, *line.sources),
    )


def _place(own: dict[str, object]) -> str:
    for each in listed(own.get("location")):
        if said := mapping(each.get("location")).get("display"):
            return str(said)
    return str(mapping(own.get("serviceProvider")).get("display") or "")


def _why(own: dict[str, object]) -> Iterable[str]:
    for each in listed(own.get("reasonCode")):
        if said := name(each):
            yield said


def _custodian(fact: Fact) -> str:
    return author({"contained": fact.own.get("contained"), "author": fact.own.get("custodian")})


def procedures(facts: Iterable[Fact], *, more: bool = False) -> Section:
    """Acts that were done: a line for each act, with its days, the last one done first."""
    told = [
        each
        for each in newest(facts)
        if each.own.get("status") in DONE and nothing(each.own.get("code")) is None
    ]
    lines = [_act(group) for group in grouped([(each, each.own.get("code")) for each in told])]
    lines.sort(key=lambda line: line.since, reverse=True)
    return Section(tuple(lines), more=more)


def _act(group: Sequence[Fact]) -> Line:
    """One act: its last time, and every day it was done."""
    done = sorted(((*date_of(each.own, "performed"), each) for each in group),
                  key=lambda one: one[0], reverse=True)  # fmt: skip
    days = dict.fromkeys(day_of(start) for start, _, _ in done if start)
    last = done[0][2]
    sites = [said for each in listed(last.own.get("bodySite")) if (said := name(each))]
    return Line(
        name(last.own.get("code")),
        since=done[0][0],
        until=done[0][1],
        days=tuple(days) if len(days) > 1 else (),
        details=(*sites, *notes(last.own)[:2]),
        sources=tuple(each.source() for _, _, each in done),
    )
