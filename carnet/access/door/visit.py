# SPDX-License-Identifier: EUPL-1.2
"""Reading through the door: the scope is in the statement, and the trace too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from psycopg import AsyncConnection
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row, scalar_row

from carnet import errors
from carnet.access import audit, moment, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import counting
from carnet.access.door.decide import Decision, Door
from carnet.access.door.hops import Hops, public
from carnet.access.door.includes import Included
from carnet.access.seal import SET
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.columns import Beside, Tally
from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import PUBLIC, Scope, condition, context_parts
from carnet.fhir.store import queries as store
from carnet.fhir.store.queries import Row
from carnet.fhir.store.read import all_opened
from carnet.fhir.store.rows import Attachment, Stored
from carnet.postgres.together import together

ATTEMPTS = 4  # of a read whose record's rights are being changed
# What ends a statement in the middle of others: those after it were not parsed.
UNPARSED = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable, pg.QueryCanceled)
# Who is limited in how many people's records they read: people who read others'. A software reads its
# own deposits.
LIMITED = frozenset((ActorKind.PROFESSIONAL, ActorKind.ASSISTANT, ActorKind.HELPER))


class Nothing(errors.NotFound):
    """Nothing is known at this address, or nothing you may read."""


class Changing(errors.Transient):
    """What decides the answer, rights or search parameters, is being changed: try again."""


P = ParamSpec("P")
Result = TypeVar("Result")
Act = Callable[Concatenate["Visit", P], Coroutine[Any, Any, Result]]


def decided(act: Act[P, Result]) -> Act[P, Result]:
    """A reading act, done again when what its decision was made of had changed: see Door.recall."""

    @wraps(act)
    async def done(visit: Visit, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        for _ in range(ATTEMPTS):
            try:
                return await act(visit, *args, **kwargs)
            except pg.SerializationFailure:
                visit = replace(visit, anew=True)
        raise Changing

    return done


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    matches: list[Stored]
    included: list[Stored]
    total: int | None
    next: str | None  # cursor
    shown: tuple[tuple[str, str], ...] = ()  # parameters that were not given, as applied


@dataclass(frozen=True, slots=True)
class Group:
    """How many resources share a year, a depositing organisation and a code."""

    year: int | None
    organisation: int | None  # its compartment
    code: str | None  # one of those asked for
    count: int


@dataclass(frozen=True)
class Visit:
    """One request of one actor through the door."""

    door: Door
    actor: Actor
    request: str
    anew: bool = False  # what is remembered of decisions is not used
    endpoint: str = ""  # the address of the API it came by, where it is another than /fhir

    # -- reading ---------------------------------------------------------------------------------

    @decided
    async def read(self, rtype: str, id: str) -> Stored:
        """The current version; Nothing when absent or hidden, Deleted when it was deleted."""
        rows = await self._one(rtype, id, "read")
        if rows[0].gone:
            raise errors.Deleted
        return (await self.opened(rows))[0]

    @decided
    async def vread(self, rtype: str, id: str, ver: int) -> Stored:
        """One version, judged by the current row."""
        rows = await self._version(rtype, id, ver)
        if rows[0].gone:
            raise errors.Deleted
        return (await self.opened(rows))[0]

    @decided
    async def search(self, query: Query) -> Page:
        """One page; what it includes is seen by the same scope."""
        door, place = self.door, self.door.place(query.rtype)
        async with door.pool.connection() as conn:
            decision = await self._decide(conn, query.compartments, directory=public(query))
            decision = await self._sets(conn, query, decision)
            hops = Hops(self, conn, decision)
            try:
                rows, matches, included, total = await self._found(hops, query, place)
            except errors.TooCostly:  # that there is so much is told too
                await self._counted(conn, query, decision, query.compartments)
                await hops.traced(query.compartments)
                raise
            more, rows = len(rows) > query.count, rows[: query.count]
            await hops.traced(query.compartments, {row.cid for row in rows})
        cursor = None
        if more and rows:
            last = rows[-1]
            cursor = door.cursors.write(query.rtype, last.mark, last.rid, last.cid)
        return Page(matches, included, total, cursor)

    async def _found(
        self, hops: Hops, query: Query, place: Place
    ) -> tuple[list[Row], list[Stored], list[Stored], int | None]:
        """The rows of a page and the one after it, opened; what it includes; how many there are."""
        conn, decision = hops.conn, hops.decision
        asked, query = query, self._widened(query, decision)
        query = await hops.followed(query)
        total = None
        if query.total or query.only_total:
            total = await self._count(conn, query, decision, place, asked.compartments)
        if query.only_total:
            if total and asked.compartments is None and self.actor.kind in LIMITED:
                await hops.counted(query)
            return [], [], [], total
        query = await hops.ordered(query)
        text, values = search_sql.matches(query, decision.scope, place)
        if query.includes:
            rows = await self.fetch(conn, decision, text, values)
        else:
            rows = await self._fetch_traced(
                conn,
                decision,
                text,
                values,
                "search",
                asked.compartments,
                query.count,
                whatever=decision.granted or query.rtype in PUBLIC,
            )
        shown = rows[: query.count]
        if len(rows) > query.count and shown:  # a page link goes on after the last of them
            shown[-1] = replace(shown[-1], mark=search_sql.mark(query, place, shown[-1].mark))
            rows = [*shown, rows[-1]]
        matches = await self.opened(shown, conn)
        included: list[Stored] = []
        if query.includes:
            included = await Included(self, conn, decision).of(asked, shown, matches)
        return rows, matches, included, total

    @decided
    async def tally(self, query: Query, tally: Tally) -> list[Group]:
        """How many matches this actor sees, by group; traced like a search that releases no row."""
        door, place = self.door, self.door.place(query.rtype)
        async with door.pool.connection() as conn:
            decision = await self._decide(conn, query.compartments, directory=public(query))
            decision = await self._sets(conn, query, decision)
            asked, query = query.compartments, self._widened(query, decision)
            hops = Hops(self, conn, decision)
            query = await hops.followed(query)
            await hops.traced(asked)
            text, values = search_sql.tallying(query, tally, decision.scope, place)
            async with within(conn), conn.cursor() as cur:
                await self.enter(conn, decision.scope)
                await self._counted(conn, query, decision, asked)
                # Planned anew: a plan kept for any record is three times slower on a long one.
                await cur.execute(text.encode(), values, prepare=False)
                rows = await cur.fetchall()
        named = tally.hashes(place)
        return [Group(year, org, named.get(token), count) for year, org, token, count in rows]

    @decided
    async def beside(self, query: Query, side: Beside) -> list[tuple[Any, ...]]:
        """What a slice keeps beside the matches this actor sees, for a search that is traced by itself."""
        door, place = self.door, self.door.place(query.rtype)
        async with door.pool.connection() as conn:
            decision = await self._decide(conn, query.compartments, directory=public(query))
            decision = await self._sets(conn, query, decision)
            query = self._widened(query, decision)
            text, values = search_sql.beside(query, side, decision.scope, place)
            async with within(conn), conn.cursor() as cur:
                await self.enter(conn, decision.scope)
                await cur.execute(text.encode(), values, prepare=False)
                return await cur.fetchall()

    @decided
    async def named(self, cid: int, rids: Sequence[int], act: str) -> list[Stored]:
        """Resources of one record by their row numbers: those this actor may see."""
        values: dict[str, object] = {"rids": _array(rids)}
        async with self.door.pool.connection() as conn:
            decision = await self._decide(conn, [cid])
            values["cids"] = _array(decision.merged.get(cid, (cid,)))
            seen = condition(decision.scope, values, public=False)
            text = (
                f"SELECT {search_sql.COLUMNS} FROM record.resource r"
                " WHERE r.cid = ANY (%(cids)s::bigint[])"
                f" AND r.rid = ANY (%(rids)s::bigint[]) AND NOT r.gone AND {seen}"
            )
            rows = await self._fetch_traced(
                conn, decision, text, values, act, [cid], len(rids), whatever=decision.granted
            )
        return await self.opened(rows)

    async def same(self, cid: int, other: int) -> bool:
        """Whether two compartments are of one person's record: the same, or merged."""
        if cid == other:
            return True
        async with self.door.pool.connection() as conn:
            return other in (await queries.sets(conn, [cid])).get(cid, ())

    @decided
    async def lines(self, cid: int, limit: int) -> list[audit.Line]:
        """Who was in a record, newest first, as far as this actor may know it.

        Indexes audit_of, audit_of_several.
        """
        before = self.door.clock() + timedelta(seconds=1)
        values: dict[str, object] = {
            "a_before": before, "a_lines": limit,
        }  # fmt: skip
        async with self.door.pool.connection() as conn:
            decision = await self._decide(conn, [cid])
            if not decision.granted:
                return []
            values["a_own"] = cid in decision.own
            values["a_of"] = _array(decision.merged.get(cid, (cid,)))
            text = audit.LINES.format(seen=condition(decision.scope, values, public=False))
            async with within(conn), conn.cursor(row_factory=class_row(audit.Line)) as cur:
                await self.enter(conn, decision.scope)
                await cur.execute(text.encode(), values)
                return await cur.fetchall()

    @decided
    async def attachment(self, stored: Stored) -> bytes:
        """The plain bytes of a Binary that was just read."""
        door = self.door
        async with door.pool.connection() as conn:
            decision = await self._decide(conn, [stored.cid])
            values: dict[str, object] = {"cid": stored.cid, "rid": stored.rid}
            async with conn.transaction():
                await self.enter(conn, decision.scope)
                async with conn.cursor(row_factory=class_row(Attachment)) as cur:
                    await cur.execute(store.ATTACHMENT, values)
                    found = await cur.fetchone()
            ciphers = await door.vault.ciphers(conn, [stored.cid])
        if found is None:
            raise Nothing
        return await asyncio.to_thread(
            door.attachments.read, ciphers[stored.cid], stored.cid, stored.rid, found
        )

    async def opened(
        self, rows: Sequence[Row], conn: AsyncConnection[Any] | None = None
    ) -> list[Stored]:
        """Rows, unsealed."""
        cids = {row.cid for row in rows}
        ciphers = self.door.vault.at_hand(cids)
        if ciphers is None and conn is not None:
            ciphers = await self.door.vault.ciphers(conn, cids)
        elif ciphers is None:
            async with self.door.pool.connection() as fresh:
                ciphers = await self.door.vault.ciphers(fresh, cids)
        return all_opened(rows, self.door.names, ciphers)

    async def _one(self, rtype: str, id: str, act: str) -> list[Row]:
        text, values, cids = self._address(rtype, id)
        async with self.door.pool.connection() as conn:
            decision = await self._decide(conn, cids, directory=rtype in PUBLIC)
            text += " AND " + condition(decision.scope, values, public=rtype in PUBLIC)
            rows = await self._fetch_traced(
                conn, decision, text + " ORDER BY r.rid LIMIT 1", values, act, cids, 1
            )
        if not rows:
            raise Nothing
        return rows

    async def _version(self, rtype: str, id: str, ver: int) -> list[Row]:
        text, values, cids = self._address(rtype, id)
        values["ver"] = ver
        async with self.door.pool.connection() as conn:
            decision = await self._decide(conn, cids, directory=rtype in PUBLIC)
            text += " AND " + condition(decision.scope, values, public=rtype in PUBLIC)
            text = f"WITH c AS ({text} ORDER BY r.rid LIMIT 1) {store.VERSION}"
            rows = await self._fetch_traced(conn, decision, text, values, "vread", cids, 1)
        if not rows:
            raise Nothing
        return rows

    def _address(self, rtype: str, id: str) -> tuple[str, dict[str, object], list[int] | None]:
        number = self.door.definitions.types[rtype]
        routed = self.door.ids.decode(id)
        if routed is not None:
            cid, rid = routed
            return store.READ, {"cid": cid, "rid": rid, "rtype": number}, [cid]
        hashed = self.door.hasher.client_id(number, id)
        return store.READ_CHOSEN, {"h": hashed, "id": id, "rtype": number}, None

    async def _decide(
        self, conn: AsyncConnection[Any], cids: Sequence[int] | None, *, directory: bool = False
    ) -> Decision:
        """The scope of a read, for an account that has not read too many people's records.

        directory: nothing else is read, and it does not count.
        """
        decision = await self.door.recall(conn, self.actor, cids, anew=self.anew)
        if decision.granted and self.actor.kind in LIMITED and not directory:
            await counting.count(self, conn, cids)
        return decision

    async def enter(self, conn: AsyncConnection[Any], scope: Scope) -> None:
        """Have row-level security believe this scope until the transaction ends."""
        await conn.execute(SET, (self.door.context(conn, context_parts(scope)),))

    async def rights_of(self, conn: AsyncConnection[Any], cids: Sequence[int]) -> None:
        """Let the next statements of this transaction write the rights of these records.

        For an act that has already decided that its caller may: row-level security holds it to them.
        """
        parts = context_parts(Scope(), written=cids)
        await conn.execute(SET, (self.door.context(conn, parts),))
        await conn.execute(moment.TELL, (self.door.clock().isoformat(),))

    async def fetch(
        self,
        conn: AsyncConnection[Any],
        decision: Decision,
        text: str,
        values: dict[str, object],
    ) -> list[Row]:
        """The rows of a SELECT under this decision's context; the caller writes the trace."""
        async with conn.cursor(row_factory=class_row(Row)) as cur:
            async with within(conn, at_once=True):
                await self.enter(conn, decision.scope)
                await cur.execute(text.encode(), values, prepare=search_sql.prepare(values))
            return await cur.fetchall()  # outside: asked for inside, rows cost a second round trip

    async def _fetch_traced(
        self,
        conn: AsyncConnection[Any],
        decision: Decision,
        text: str,
        values: dict[str, object],
        act: str,
        cids: Sequence[int] | None,
        limit: int,
        *,
        whatever: bool = False,
    ) -> list[Row]:
        """The rows of a SELECT, traced by the same statement: no trace, no rows.

        limit: rows that are released. whatever: granted, even when nothing was found.
        """
        values |= self.trace(act, decision.rule).values()
        values["a_matrix"] = decision.matrix or values["a_matrix"]
        values["a_cid"] = _asked(cids)
        values["a_whatever"] = whatever
        values["a_limit"] = limit
        values["a_gone"] = act == "history"
        traced = (
            f"WITH m AS MATERIALIZED ({text}), a AS ({audit.OF_READ}"
            " FROM (SELECT *, NOT gone OR %(a_gone)s::boolean AS released FROM m"
            " LIMIT %(a_limit)s::bigint) page) SELECT * FROM m"
        )
        return await self.fetch(conn, decision, traced, values)

    async def _count(
        self,
        conn: AsyncConnection[Any],
        query: Query,
        decision: Decision,
        place: Place,
        asked: Sequence[int] | None,
    ) -> int:
        text, values = search_sql.counting(query, decision.scope, place)
        async with within(conn):
            await self.enter(conn, decision.scope)
            if query.only_total:
                await self._counted(conn, query, decision, asked)
            async with conn.cursor(row_factory=scalar_row) as cur:
                await cur.execute(text.encode(), values, prepare=search_sql.prepare(values))
                return int(await cur.fetchone() or 0)

    async def _counted(
        self,
        conn: AsyncConnection[Any],
        query: Query,
        decision: Decision,
        asked: Sequence[int] | None,
    ) -> None:
        """The trace of numbers: who asked for them, and of which record."""
        await audit.write(
            conn,
            self.trace("search", decision.rule),
            granted=decision.granted or query.rtype in PUBLIC,
            cids=[cid for cid in asked or () if cid],
        )

    async def _sets(self, conn: AsyncConnection[Any], query: Query, decision: Decision) -> Decision:
        """The decision with all the records that are one person's with those a query names."""
        if self.actor.kind is not ActorKind.SOFTWARE:
            return decision
        named = query.patients(self.door.ids)
        if not named:
            return decision
        return await self.door.sets(conn, self.actor, decision, sorted(named), anew=self.anew)

    def _widened(self, query: Query, decision: Decision) -> Query:
        return query.widened(decision.merged, self.door.ids) if decision.merged else query

    # -- traces ----------------------------------------------------------------------------------

    def trace(self, act: str, rule: str) -> audit.Trace:
        """What a trace of this visit says."""
        now = self.door.clock()
        version = self.door.matrix.at(now).version
        return audit.Trace(now, self.request, self.actor, act, rule, version)

    async def refused(self, act: str, rule: str, cids: Sequence[int] = ()) -> None:
        """A refusal is written too, in a transaction of its own."""
        async with self.door.pool.connection() as conn:
            await audit.write(conn, self.trace(act, rule), granted=False, cids=cids)


@asynccontextmanager
async def within(conn: AsyncConnection[Any], *, at_once: bool = False) -> AsyncIterator[None]:
    """One round trip and one implicit transaction for the statements inside.

    Between two Syncs of the extended protocol the server runs one transaction, so a context set for
    the transaction holds for the next statement and for nothing after it. Inside an open transaction
    the statements simply follow.

    at_once: nothing is fetched inside, and all is sent at its end.
    """
    try:
        async with together(conn) if at_once else conn.pipeline():
            yield
    except UNPARSED:
        # What followed was never parsed, and the driver believes it is prepared: another connection
        # serves the next one. In an open transaction, this one prepares nothing any more.
        conn.prepare_threshold = None
        if conn.info.transaction_status == TransactionStatus.IDLE:
            await conn.close()
        raise


def _asked(cids: Sequence[int] | None) -> int | None:
    """The record a request names by itself; the directory is nobody's."""
    return cids[0] if cids is not None and len(cids) == 1 and cids[0] else None


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
