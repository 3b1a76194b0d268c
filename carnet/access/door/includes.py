# SPDX-License-Identifier: EUPL-1.2
"""What a page includes: each row judged by the scope of the visit, in the statement that finds it.

A round goes one reference further; `:iterate` takes more than one. The trace, of matches and of what
was included, is written once all is found and before anything is released.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from carnet import errors
from carnet.access import audit
from carnet.access.door.decide import Decision
from carnet.fhir.search import includes as included
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.query import EVERY, Include, Query
from carnet.fhir.search.scope import PUBLIC, REPLACED, array, condition
from carnet.fhir.store.queries import Row
from carnet.fhir.store.rows import Stored

if TYPE_CHECKING:
    from carnet.access.door.visit import Visit

MOST_INCLUDED = 5000  # resources a page may include
MOST_ROUNDS = 32  # references from a match that :iterate follows

FORWARD = (
    # Joined to what is wanted, by the primary key: "in one list or the other" reads every row.
    "WITH wanted AS MATERIALIZED (SELECT * FROM unnest(%(n_cid)s::bigint[],"
    " %(n_rid)s::bigint[], %(n_type)s::smallint[]) n (cid, rid, rtype)"
    " UNION SELECT i.cid, i.rid, g.t FROM record.id_map i"
    " JOIN unnest(%(h_type)s::smallint[], %(h_h)s::bigint[]) g (t, h) ON g.h = i.h)"
    " SELECT {columns}, '' AS mark FROM wanted JOIN record.resource r USING (cid, rid, rtype)"
)
BACKWARD = "SELECT {columns}, '' AS mark FROM record.resource r"
# Of thousands of hashes, those that something bears: one look into their index for each.
BORNE = (
    "SELECT g.h FROM unnest(%(b_hashes)s::bigint[]) g (h) CROSS JOIN LATERAL (SELECT 1"
    " FROM record.resource r WHERE NOT r.gone AND {seen} AND r.toks @> ARRAY[g.h] LIMIT 1) f"
)
WALKING = "SELECT set_config('enable_seqscan', %s::text, true)"
REST = (
    f" NOT r.gone AND (r.labels & {REPLACED}) = 0 AND (r.cid, r.rid) NOT IN"
    " (SELECT * FROM unnest(%(m_cid)s::bigint[], %(m_rid)s::bigint[]))"
    " AND r.cid <> ALL (%(k_within)s::bigint[])"
    " AND {seen} ORDER BY r.rid, r.cid LIMIT %(k_limit)s::bigint"
)
TRACE = (
    "WITH page AS (SELECT p.*, true AS released FROM unnest(%(m_cid)s::bigint[], %(m_rid)s::bigint[],"
    " %(m_ver)s::integer[]) p (cid, rid, ver)) {of_read} FROM page"
)


class TooManyIncluded(errors.TooCostly):
    """This page would include too many resources: ask for fewer matches (_count) or fewer includes."""


class TooFar(errors.TooCostly):
    """:iterate would follow more than 32 references one after the other."""


@dataclass
class Included:
    """The includes of one page of one visit.

    within: compartments whose resources are not included, since they are matches of some page.
    types: those that may be included; none is every type.
    """

    visit: Visit
    conn: AsyncConnection[Any]
    decision: Decision
    within: frozenset[int] = frozenset()
    types: tuple[str, ...] = ()
    rows: dict[tuple[int, int], Row] = field(default_factory=dict)

    async def of(
        self, query: Query, matched: Sequence[Row], matches: Sequence[Stored]
    ) -> list[Stored]:
        """What is included beside these matches, in the order of (row, compartment)."""
        self.rows = {(row.cid, row.rid): row for row in matched}
        asked, front, found = query.includes, list(matches), list[Stored]()
        for _ in range(MOST_ROUNDS):
            if not front or not asked:
                break
            front = await self._round(asked, front)
            found += front
            if len(found) > MOST_INCLUDED:
                raise TooManyIncluded
            asked = tuple(include for include in query.includes if include.iterate)
        else:
            if front:
                raise TooFar
        await self._traced(query)
        return sorted(found, key=lambda each: (each.rid, each.cid))

    async def _round(self, asked: Sequence[Include], front: Sequence[Stored]) -> list[Stored]:
        rows: list[Row] = []
        definitions = self.visit.door.definitions
        wanted = included.forward(definitions, front, [each for each in asked if not each.back])
        if wanted:
            rows += await self._forward(wanted)
        if any(each.back and each.source == EVERY for each in asked):
            rows += await self._around(front)
            asked = [each for each in asked if each.source != EVERY]
        for source in dict.fromkeys(each.source for each in asked if each.back):
            place = self.visit.door.place(source)
            back = [each for each in asked if each.back and each.source == source]
            hashes = included.backward(definitions, place, front, back)
            if hashes:
                rows += await self._backward(place.rtype, place.rtype_number, hashes)
        return await self.visit.opened(rows, self.conn)

    async def _forward(self, wanted: set[tuple[str, str]]) -> list[Row]:
        door = self.visit.door
        places: list[tuple[int, int, int]] = []
        hashes: list[tuple[int, int]] = []
        for rtype, id in sorted(wanted):
            number = door.definitions.types.get(rtype)
            if number is None or (self.types and rtype not in self.types):
                continue
            routed = door.ids.decode(id)
            if routed is not None and routed[0] in self.within:
                continue
            if routed is None:
                hashes.append((number, door.hasher.client_id(number, id)))
            elif routed not in self.rows:
                places.append((*routed, number))
        values: dict[str, object] = {
            "n_cid": array(cid for cid, _, _ in places),
            "n_rid": array(rid for _, rid, _ in places),
            "n_type": array(number for *_, number in places),
            "h_type": array(number for number, _ in hashes),
            "h_h": array(hashed for _, hashed in hashes),
        }
        return await self._fetched(FORWARD + " WHERE" + REST, values, public=True)

    async def _around(self, front: Sequence[Stored]) -> list[Row]:
        """Whatever points to these."""
        hashes = included.around(self.visit.door.definitions, self.visit.door.hasher, front)
        values: dict[str, object] = {"b_hashes": array(sorted(hashes))}
        seen = condition(self.decision.scope, values, public=True)
        borne = await self._hashes(BORNE.format(seen=seen), values)
        if not borne:
            return []
        text = BACKWARD + " WHERE r.toks && %(b_hashes)s::bigint[] AND" + REST
        return await self._fetched(text, {"b_hashes": array(borne)}, public=True)

    async def _hashes(self, text: str, values: dict[str, object]) -> list[int]:
        from carnet.access.door.visit import within

        if search_sql.looks(values):
            await self.conn.execute(search_sql.GATHER)
        async with self.conn.cursor(row_factory=scalar_row) as cur:
            async with within(self.conn):
                await self.visit.enter(self.conn, self.decision.scope)
                # Told that one row will do, the planner would walk the table for each hash nobody bears.
                await self.conn.execute(WALKING, ("off",))
                await cur.execute(text.encode(), values, prepare=search_sql.prepare(values))
                await self.conn.execute(WALKING, ("on",))
            return await cur.fetchall()

    async def _backward(self, rtype: str, number: int, hashes: Iterable[int]) -> list[Row]:
        values: dict[str, object] = {"b_type": number, "b_hashes": array(sorted(hashes))}
        text = (
            BACKWARD + " WHERE r.rtype = %(b_type)s::smallint"
            " AND r.toks && %(b_hashes)s::bigint[] AND" + REST
        )
        return await self._fetched(text, values, public=rtype in PUBLIC)

    async def _fetched(self, text: str, values: dict[str, object], *, public: bool) -> list[Row]:
        values |= self._known()
        values["k_limit"] = MOST_INCLUDED + 1
        values["k_within"] = array(self.within)
        seen = condition(self.decision.scope, values, public=public)
        text = text.format(columns=search_sql.COLUMNS, seen=seen)
        rows = await self.visit.fetch(self.conn, self.decision, text, values)
        if len(rows) > MOST_INCLUDED:
            raise TooManyIncluded
        self.rows |= {(row.cid, row.rid): row for row in rows}
        return rows

    def _known(self) -> dict[str, object]:
        """What is in the page already, as arrays."""
        rows = self.rows.values()
        return {
            "m_cid": array(row.cid for row in rows),
            "m_rid": array(row.rid for row in rows),
            "m_ver": array(row.ver for row in rows),
        }

    async def _traced(self, query: Query) -> None:
        """The trace names matches and included alike."""
        values = self.visit.trace("search", self.decision.rule).values() | self._known()
        values["a_matrix"] = self.decision.matrix or values["a_matrix"]
        cids = query.compartments
        values["a_cid"] = cids[0] if cids is not None and len(cids) == 1 and cids[0] else None
        values["a_whatever"] = self.decision.granted or query.rtype in PUBLIC
        await self.conn.execute(TRACE.format(of_read=audit.OF_READ).encode(), values)
