# SPDX-License-Identifier: EUPL-1.2
"""The key results of a record, walked back in time until each has its last value and one before it.

A page of results is looked at, then the next one further back, of the codes that are not settled yet:
a rare result is found behind thousands of a frequent one. Each page settles a code at least, but for
values that count for nothing; what bounds the walk then is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from carnet.access.door import Stored, Visit
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.tokens import TokenFilter
from carnet.summary.facts import LOINC, codings, content, of_another
from carnet.summary.results import VOID, codes, measured, moment_of, to_come

VALUES = 200  # results of one page
PAGES = 60  # of them: more than there are codes
NEWEST = Sort("date", descending=True, plain=True)

Found = dict[tuple[int, int], tuple[Stored, dict[str, Any]]]


async def observations(
    visit: Visit, cid: int, more: frozenset[str] = frozenset()
) -> tuple[Found, bool]:
    """The values that key results, and `more`, are told by; whether some are further back."""
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted = frozenset(codes() | more)
    walk = Walk(wanted, visit.door.clock())
    query = Query("Observation", compartments=(cid,), count=VALUES, sort=NEWEST)
    found: Found = {}
    for _ in range(PAGES):
        filters = (TokenFilter(number, tuple((LOINC, code) for code in sorted(walk.left))),)
        answer = await visit.search(replace(query, filters=filters))
        for each in answer.matches:
            own = content(each)
            found[each.cid, each.rid] = each, own
            walk.met(own, moment_of(own) or each.upd)
        if answer.next is None or not walk.left:
            return found, False
        query = replace(query, after=visit.door.cursors.read(answer.next, "Observation"))
    return found, True


class Walk:
    """Which codes are not settled: a value that counts, and an earlier one to compare it with."""

    def __init__(self, wanted: frozenset[str], now: datetime) -> None:
        self.left = set(wanted)
        self._now = now
        self._last: dict[str, tuple[datetime, str]] = {}  # code → when, and its unit

    def met(self, own: Mapping[str, Any], at: datetime) -> None:
        """One more value, not newer than those before it."""
        if own.get("status") in VOID or of_another(own):
            return
        if (unit := measured(own)) is None or to_come(at, self._now):
            return
        for system, code in codings(own.get("code")):
            if system != LOINC or code not in self.left:
                continue
            last = self._last.setdefault(code, (at, unit))
            if at < last[0] and unit == last[1]:
                self.left.discard(code)
