# SPDX-License-Identifier: EUPL-1.2
"""What a unit of work sees: rows of the store, by the decision of who works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet.access import labels, queries
from carnet.access.door.decide import Decision
from carnet.access.door.visit import Nothing, Visit
from carnet.access.seal import SET
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import OFFERED, PUBLIC, Scope, condition, context_parts
from carnet.fhir.search.sql import COLUMNS, matches
from carnet.fhir.store import queries as store
from carnet.fhir.store.ids import DIRECTORY
from carnet.fhir.store.queries import Held, Row
from carnet.fhir.store.read import all_opened, opened
from carnet.fhir.store.rows import Compartment, New, Stored


@dataclass(slots=True)
class Seeing:
    """A transaction of a visit, and what is read in it."""

    visit: Visit
    conn: AsyncConnection[Any]
    at: datetime
    new: list[New] = field(default_factory=list)
    made: list[Compartment] = field(default_factory=list)
    fed: set[int] = field(default_factory=set)  # compartments known to be writable
    changed: list[tuple[int, int, int]] = field(default_factory=list)  # (cid, rid, ver)
    told: list[tuple[int, int, int]] = field(default_factory=list)  # the same, left as they were
    tried: set[int] = field(
        default_factory=set
    )  # compartments asked for, for the trace of a refusal
    finds: bool = False  # whether a person was looked for: it is counted, whatever comes of it
    looked: bool = (
        False  # whether what is there was compared with what was sent: a refusal tells of it
    )
    act: str = "create"
    rule: str = "feeding"  # by which the act was allowed, as the trace says it
    _scopes: dict[int | None, Decision] = field(default_factory=dict)
    _opened: int = 0  # how many of `made` are written
    _counted: bool = False  # whether the trace of `finds` is written

    async def held(self, rtype: str, id: str, *, lock: bool = True) -> Held:
        """The row of an id, as this actor sees it, locked; Nothing when hidden or absent."""
        door = self.visit.door
        number = door.definitions.types[rtype]
        values: dict[str, object] = {"rtype": number}
        routed = door.ids.decode(id)
        text = store.LOCK
        if routed is not None:
            values |= {"cid": routed[0], "rid": routed[1]}
            self.tried.add(routed[0])
            text += " AND r.cid = %(cid)s::bigint AND r.rid = %(rid)s::bigint"
        else:
            values |= {"h": door.hasher.client_id(number, id), "id": id}
            text += (
                " AND r.id = %(id)s::text AND (r.cid, r.rid) IN"
                " (SELECT m.cid, m.rid FROM record.id_map m WHERE m.h = %(h)s::bigint)"
            )
        decision = await self._decision(routed[0] if routed else None)
        text += " AND " + condition(decision.scope, values, public=rtype in PUBLIC)
        text += " ORDER BY r.rid LIMIT 1"
        await self._enter(decision.scope, {routed[0]} if routed else set())
        found = await store.held(self.conn, text, values)
        if found is None:
            raise Nothing
        if not lock or (found.cid == DIRECTORY and rtype not in OFFERED):
            return found
        # Row locks need the right to write the compartment, so the lock is a second statement.
        await self._enter(decision.scope, {found.cid})
        values |= {"cid": found.cid, "rid": found.rid}
        locked = store.LOCK + " AND r.cid = %(cid)s::bigint AND r.rid = %(rid)s::bigint"
        locked += " FOR UPDATE OF r"
        found = await store.held(self.conn, locked, values)
        if found is None:
            raise Nothing
        return found

    async def find(self, query: Query, scope: Scope | None = None) -> list[Stored]:
        """A search inside the transaction, untraced: for the acts' own checks.

        scope: another than what this actor sees.
        """
        door = self.visit.door
        cids = query.compartments
        if scope is None:
            scope = (await door.decide(self.conn, self.visit.actor, cids)).scope
        named = query.patients(door.ids)
        sets = await queries.sets(self.conn, sorted(named)) if named else {}
        query = query.widened(sets, door.ids) if sets else query
        text, values = matches(query, scope, door.place(query.rtype))
        await self._enter(scope, set())
        async with self.conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(text.encode(), values)
            rows = await cur.fetchall()
        ciphers = await door.vault.ciphers(self.conn, {row.cid for row in rows})
        return all_opened(rows, door.names, ciphers)

    async def alone(self, text: str) -> None:
        """Nobody else passes here with the same text until this transaction ends."""
        await self.conn.execute(store.RESERVE, (self.visit.door.hasher.number(text),))

    async def present(self, places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the rows (compartment, number) that this actor sees and that are not deleted."""
        decision = await self._decision(None)
        values: dict[str, object] = {
            "cid": [cid for cid, _ in places],
            "rid": [rid for _, rid in places],
        }
        text = store.PRESENT + " AND " + condition(decision.scope, values, public=True)
        await self._enter(decision.scope, set())
        cursor = await self.conn.execute(text.encode(), values)
        return {(row[0], row[1]) for row in await cursor.fetchall()}

    def decided(self, cid: int, decision: Decision) -> None:
        """From here on this unit sees a record by this decision: an act reaches what its caller does not."""
        self._scopes[cid] = decision

    async def rows(self, cid: int, rids: Sequence[int], *, following: bool = False) -> list[Stored]:
        """Rows by their numbers, or what follows them, as this unit sees them; deleted ones too."""
        decision = await self._decision(cid)
        values: dict[str, object] = {"cid": cid, "rids": list(rids)}
        column = "origin" if following else "rid"
        text = (
            f"SELECT {COLUMNS}, '' AS mark FROM record.resource r WHERE r.cid = %(cid)s::bigint"
            f" AND r.{column} = ANY (%(rids)s::bigint[])"
            f" AND {condition(decision.scope, values, public=False)} ORDER BY r.rid"
        )
        await self._enter(decision.scope, set())
        async with self.conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(text.encode(), values)
            found = await cur.fetchall()
        ciphers = await self.visit.door.vault.ciphers(self.conn, [cid])
        return all_opened(found, self.visit.door.names, ciphers)

    async def borne(self, cid: int, rids: Sequence[int]) -> labels.Label:
        """Every label that any of the rows bears."""
        decision = await self._decision(cid)
        await self._enter(decision.scope, set())
        cursor = await self.conn.execute(store.LABELS, {"cid": cid, "rids": list(rids)})
        row = await cursor.fetchone()
        return labels.Label(row[0] if row and row[0] is not None else 0)

    async def current(self, held: Held, rtype: str) -> dict[str, Any]:
        """The content of a row that was just locked."""
        return (await self._open(held, rtype)).resource

    async def _open(self, held: Held, rtype: str) -> Stored:
        ciphers = await self.visit.door.vault.ciphers(self.conn, [held.cid])
        return opened(held, rtype, ciphers)

    async def _decision(self, cid: int | None) -> Decision:
        if cid not in self._scopes:
            self._scopes[cid] = await self.visit.door.decide(
                self.conn, self.visit.actor, None if cid is None else [cid]
            )
        return self._scopes[cid]

    async def _enter(self, scope: Scope, written: set[int]) -> None:
        parts = context_parts(scope, written=sorted(written | self.fed))
        await self.conn.execute(SET, (self.visit.door.context(self.conn, parts),))
