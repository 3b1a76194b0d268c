# SPDX-License-Identifier: EUPL-1.2
"""Curves of a record: which there are, and one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from carnet.access.door import Nothing, Stored, Visit
from carnet.documents import units
from carnet.documents.consult import record
from carnet.documents.consult.lines import LOINC, line
from carnet.documents.consult.measures import (
    Measure,
    Replaced,
    codes,
    figure,
    heads,
    measures,
)
from carnet.documents.pages import Curve, CurveLine
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.tokens import TokenFilter

BATCH = 200  # results opened at once, to learn the codes of a record
RECENT = 60  # last results looked at for the first page


async def curve(visit: Visit, patient: str, code: str) -> Curve:
    """One measure over time, across laboratories; Nothing when no value of it can be drawn."""
    cid = await record.opened(visit, patient)
    drawn = await _curve(visit, cid, code)
    if drawn is None:
        raise Nothing
    return drawn


async def curves(visit: Visit, patient: str) -> tuple[CurveLine, ...]:
    """Every measure that has a curve, by label.

    One walk over the results, newest first, which opens only those whose code was not met yet: the
    first of each code is its last value.
    """
    cid = await record.opened(visit, patient)
    met: dict[str, list[Stored]] = {}
    after: tuple[str, int, int] | None = None
    while True:
        page = await visit.search(_coded(visit, cid, met, count=BATCH, after=after))
        for stored in page.matches:
            for each in _codes(stored):
                met.setdefault(each, []).append(stored)
        if page.next is None:
            break
        after = visit.door.cursors.read(page.next, "Observation")
    return await _lines(visit, cid, met)


async def latest(visit: Visit, cid: int, most: int) -> tuple[CurveLine, ...]:
    """The measures of the last results, newest first.

    The last results as they come are enough, nearly always; when they have too few, those with a code are
    searched for, which reads every result of the record.
    """
    recent = Query("Observation", compartments=(cid,), count=RECENT)
    for query in (recent, _coded(visit, cid, (), count=RECENT)):
        page = await visit.search(query)
        met: dict[str, list[Stored]] = {}
        for stored in page.matches:
            for each in _codes(stored):
                met.setdefault(each, []).append(stored)
        lines = await _lines(visit, cid, met, most=most)
        if len(lines) >= most or page.next is None:
            break
    return tuple(sorted(lines, key=lambda each: each.last_at, reverse=True))[:most]


def _coded(
    visit: Visit,
    cid: int,
    known: Iterable[str],
    *,
    count: int,
    after: tuple[str, int, int] | None = None,
) -> Query:
    """Results with a LOINC code that is not one of those."""
    number = visit.door.definitions.params["Observation"]["code"].number
    filters: tuple[Filter, ...] = (TokenFilter(number, ((LOINC, None),)),)
    if known:
        named = tuple((LOINC, each) for each in sorted(known))
        filters = (*filters, TokenFilter(number, named, negated=True))
    return Query("Observation", filters, compartments=(cid,), count=count, after=after)


def _codes(stored: Stored) -> list[str]:
    """LOINC codes of an Observation, by which it is found again."""
    codings = stored.resource.get("code", {}).get("coding", [])
    return [str(each["code"]) for each in codings if each.get("system") == LOINC and "code" in each]


async def _lines(
    visit: Visit, cid: int, met: dict[str, list[Stored]], most: int | None = None
) -> tuple[CurveLine, ...]:
    """The codes that have a curve. The last value of each is enough, unless it is not one to draw."""
    found: dict[str, CurveLine] = {}
    told = {id(each): tuple(measures(each)) for stored in met.values() for each in stored}
    origins = {each.document for every in told.values() for each in every if each.document}
    about = await record.documents_by_id(visit, cid, origins)
    replaced = {id for id, each in about.items() if each.resource.get("status") != "current"}
    for code, stored in met.items():
        head = heads().get(code, code)
        if head in found:
            continue
        if most is not None and len(found) >= most:
            break
        near = [one for each in stored for one in told[id(each)] if one.document not in replaced]
        line_ = _line(head, near) or _as_line(head, await _curve(visit, cid, code))
        if line_ is not None:
            found[head] = line_
    today = _day(visit.door.clock())
    told_once = (replace(each, days=(today - _day(each.last_at)).days) for each in found.values())
    return tuple(sorted(told_once, key=lambda each: each.label.casefold()))


def _day(at: datetime) -> date:
    return at.astimezone(ZoneInfo("Europe/Paris")).date()


def _line(code: str, near: Sequence[Measure]) -> CurveLine | None:
    """The line of a code whose last values are all of one unit; None when more must be looked at."""
    own = [each for each in near if each.code in codes(code)]
    last = max(own, key=lambda each: (each.at, each.rid), default=None)
    if last is None or last.value is None or last.unit.startswith(units.UNKNOWN):
        return None
    return _as_line(code, figure(code, [each for each in own if each.at == last.at], {}, {}))


def _as_line(code: str, drawn: Curve | None) -> CurveLine | None:
    if drawn is None:
        return None
    last = drawn.points[-1]
    parts = [str(last.value)]
    for other in drawn.beside:
        if other.points[-1].at == last.at:
            parts.append(str(other.points[-1].value))
    return CurveLine(drawn.code, drawn.label, drawn.unit, drawn.joint.join(parts), last.at)


async def _curve(visit: Visit, cid: int, code: str) -> Curve | None:
    """The curve of a code, from everything the viewer sees of it."""
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted = TokenFilter(number, tuple((LOINC, each) for each in codes(code)))
    stored = await record.every(
        visit, Query("Observation", (wanted,), compartments=(cid,), replaced=True)
    )
    found = [each for one in stored for each in measures(one)]
    about = await record.documents_by_id(
        visit, cid, {each.document for each in found if each.document}
    )
    lines = {id: line(each) for id, each in about.items()}
    old = {id for id, each in lines.items() if each.status != "current"}
    return figure(
        code,
        found,
        await _replaced(visit, cid, old),
        {id: each.place for id, each in lines.items()},
    )


async def _replaced(visit: Visit, cid: int, old: set[str]) -> dict[str, Replaced]:
    """What replaces each document, at the end of its chain as far as the viewer sees it."""
    by: dict[str, Stored] = {}
    ahead = set(old)
    while ahead:
        found = await record.newer(visit, cid, ahead)
        by |= found
        ahead = {each.id for each in found.values()} - by.keys()
    replaced = {}
    for each in old:
        met, last = {each}, by.get(each)
        while last is not None and last.id in by and last.id not in met:
            met.add(last.id)
            last = by[last.id]
        replaced[each] = Replaced() if last is None else Replaced(last.id, line(last).date)
    return replaced
