# SPDX-License-Identifier: EUPL-1.2
"""A patient's whole record, page by page: what is theirs and may be seen, and what it points to elsewhere.

A page goes on after the last row shown, by the record's own key, so that it costs the same wherever it
is. What the rows point to outside the record (professionals, places) comes with them.
Source: FHIR R4, Patient, operation $everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from carnet.access import audit
from carnet.access.door.hops import Hops
from carnet.access.door.includes import Included
from carnet.access.door.visit import Visit, decided
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.dates import bound
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import EVERY, Include, Query
from carnet.fhir.search.scope import REPLACED, array, condition
from carnet.fhir.store.rows import Stored

LINK = "Patient/$everything"  # what a page link is of

# The record's own rows by its key; then those kept with another of their owners, by their hashes.
ROWS = """
    SELECT * FROM (
        (SELECT {columns}, '' AS mark FROM record.resource r
          WHERE r.cid = ANY (%(e_cids)s::bigint[]) AND {where}
          ORDER BY r.rid, r.cid LIMIT %(e_limit)s::bigint)
        UNION ALL
        (SELECT {columns}, '' AS mark FROM record.resource r
          WHERE r.toks && %(e_hashes)s::bigint[] AND r.cid <> ALL (%(e_cids)s::bigint[])
            AND r.rtype = ANY (%(e_several)s::smallint[]) AND {where}
          ORDER BY r.rid, r.cid LIMIT %(e_limit)s::bigint)
    ) e ORDER BY rid, cid LIMIT %(e_limit)s::bigint
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of one record.

    types: none is every type. since: of lastUpdated. start, end: half-open, of the principal date;
    what has no date is in it. after: row and compartment of the last one shown.
    """

    id: str
    count: int
    types: tuple[str, ...] = ()
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    after: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One page; next: the page link of the following one."""

    matches: list[Stored]
    included: list[Stored]
    next: str | None


@decided
async def page(visit: Visit, wanted: Wanted) -> Record | None:
    """One page of a record; None when its patient is absent or hidden."""
    door = visit.door
    place = door.ids.decode(wanted.id)
    cids = [place[0]] if place is not None else None
    async with door.pool.connection() as conn:
        decision = await visit._decide(conn, cids)
        whole = Query("Patient", (IdFilter((wanted.id,)),), None if cids is None else tuple(cids))
        if not await Hops(visit, conn, decision).found(whole) or place is None:
            # On the connection held: a second one may never come.
            await audit.write(
                conn, visit.trace("search", decision.rule), granted=False, cids=cids or []
            )
            return None
        cid = place[0]
        merged = await Hops(visit, conn, decision).widened(Query("Patient", compartments=(cid,)))
        mine = merged.compartments or (cid,)
        text, values = _statement(visit, wanted, mine)
        where = [values.pop("where"), condition(decision.scope, values, public=False)]
        text = text.format(columns=search_sql.COLUMNS, where=" AND ".join(map(str, where)))
        rows = await visit.fetch(conn, decision, text, values)
        more, rows = len(rows) > wanted.count, rows[: wanted.count]
        matches = await visit.opened(rows, conn)
        every = tuple(
            Include(rtype, EVERY, None) for rtype in dict.fromkeys(m.rtype for m in matches)
        )
        beside = Included(visit, conn, decision, within=frozenset(mine), types=wanted.types)
        asked = Query("Patient", compartments=(cid,), includes=every)
        included = await beside.of(asked, rows, matches)
    cursor = door.cursors.write(LINK, "", rows[-1].rid, rows[-1].cid) if more and rows else None
    return Record(matches, included, cursor)


def _statement(
    visit: Visit, wanted: Wanted, cids: tuple[int, ...]
) -> tuple[str, dict[str, object]]:
    """The statement, its scope still open, and its values; `where` among them."""
    door = visit.door
    numbers = door.definitions.types
    several = [each for each in wanted.types or numbers if door.owners.several(each)]
    targets = [f"Patient/{door.ids.encode(cid, cid)}" for cid in cids]
    values: dict[str, object] = {
        "e_cids": array(cids),
        "e_limit": wanted.count + 1,
        "e_several": array(numbers[each] for each in several),
        "e_hashes": array(
            door.hasher.reference(numbers[each], door.definitions.params[each][code].number, target)
            for each in several
            for code in sorted(door.owners.parameters(each))
            for target in targets
        ),
    }
    where = ["NOT r.gone", f"(r.labels & {REPLACED}) = 0"]
    if wanted.types:
        values["e_types"] = array(numbers[each] for each in wanted.types)
        where.append("r.rtype = ANY (%(e_types)s::smallint[])")
    if wanted.since is not None:
        values["e_since"] = wanted.since
        where.append("r.upd >= %(e_since)s::timestamptz")
    dated = []
    if wanted.start is not None:
        values["e_start"] = bound(wanted.start)
        dated.append("r.hi > %(e_start)s::timestamptz")
    if wanted.end is not None:
        values["e_end"] = bound(wanted.end)
        dated.append("r.lo < %(e_end)s::timestamptz")
    if dated:
        where.append(f"(r.hi = '-infinity' OR ({' AND '.join(dated)}))")
    if wanted.after is not None:
        values["e_rid"], values["e_cid"] = wanted.after
        # Said twice: the first is where the walk along the key begins.
        where.append(
            "r.rid >= %(e_rid)s::bigint"
            " AND (r.rid > %(e_rid)s::bigint OR r.cid > %(e_cid)s::bigint)"
        )
    values["where"] = " AND ".join(where)
    return ROWS, values
