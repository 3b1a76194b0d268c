# SPDX-License-Identifier: EUPL-1.2
"""The versions of one resource, of a type or of all that may be seen, page by page, newest first.

A version is judged by the current row: what is hidden now has no past, whatever it was when it was
written. A version's place in the order never changes (when it was written, its row, its number), so that
a page goes on after the last one shown, whatever is written meanwhile.
Source: FHIR R4, RESTful API, history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet.access.door.decide import Decision
from carnet.access.door.visit import Nothing, Visit, decided
from carnet.fhir.search.dates import bound
from carnet.fhir.search.scope import PUBLIC, condition
from carnet.fhir.search.sql import COLUMNS
from carnet.fhir.store.cursors import WrongCursor
from carnet.fhir.store.queries import Row
from carnet.fhir.store.rows import Stored

# The current versions, then those before them; each half by its own index, (upd, rid) or the key.
ROWS = """
    SELECT * FROM (
        (SELECT {columns}, '' AS mark FROM {current} r
          WHERE {seen} AND {now}
          ORDER BY r.upd DESC, r.rid DESC, r.cid DESC LIMIT %(v_limit)s::bigint)
        UNION ALL
        (SELECT h.cid, h.rid, r.rtype, r.id, h.ver, h.upd, h.gone, h.dict, h.body, '' AS mark
           FROM record.history h JOIN {current} r ON r.cid = h.cid AND r.rid = h.rid
          WHERE {seen} AND {before}
          ORDER BY h.upd DESC, h.rid DESC, h.cid DESC, h.ver DESC LIMIT %(v_limit)s::bigint)
    ) v ORDER BY upd DESC, rid DESC, cid DESC, ver DESC LIMIT %(v_limit)s::bigint
"""
# When a version ceased to be the current one.
ENDED = """coalesce((SELECT min(n.upd) FROM record.history n
    WHERE n.cid = h.cid AND n.rid = h.rid AND n.ver = h.ver + 1), r.upd)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: of every type where `rtype` is none, of every resource where `id` is none.

    since: written at that instant or later. during: current at some moment of it, half-open.
    """

    rtype: str | None
    id: str | None
    count: int
    since: datetime | None = None
    during: tuple[datetime, datetime] | None = None
    after: str | None = None  # page link

    @property
    def link(self) -> str:
        """What a page link is of."""
        return f"{self.rtype or '*'}/{self.id or '*'}/_history"


@dataclass(frozen=True, slots=True)
class Versions:
    """One page; next: the page link of the following one."""

    found: list[Stored]
    next: str | None


@decided
async def page(visit: Visit, asked: Asked) -> Versions:
    """One page of versions; Nothing when the one resource asked for is absent or hidden."""
    door = visit.door
    values: dict[str, object] = {"v_limit": asked.count + 1}
    if asked.rtype is not None and asked.id is not None:
        address, more, cids = visit._address(asked.rtype, asked.id)
        values |= more
    else:
        address, cids = "", None
    public = asked.rtype is None or asked.rtype in PUBLIC
    async with door.pool.connection() as conn:
        directory = asked.rtype is not None and public
        decision = await visit._decide(conn, cids, directory=directory)
        seen = condition(decision.scope, values, public=public)
        head, current = "", "record.resource"
        if address:
            head = f"WITH c AS ({address} AND {seen} ORDER BY r.rid LIMIT 1)"
            seen, current = "TRUE", "c"
        now, before = _limits(visit, asked, values)
        text = head + ROWS.format(
            columns=COLUMNS, current=current, seen=seen, now=now, before=before
        )
        rows = await visit._fetch_traced(
            conn,
            decision,
            text,
            values,
            "history",
            cids,
            asked.count,
            whatever=not address and (decision.granted or public),
        )
        if address and not rows and not await _there(visit, conn, decision, head, values):
            raise Nothing
        more_there, rows = len(rows) > asked.count, rows[: asked.count]
        found = await visit.opened(rows, conn)
    return Versions(found, _next(visit, asked, rows) if more_there else None)


def _limits(visit: Visit, asked: Asked, values: dict[str, object]) -> tuple[str, str]:
    """What is asked of the current versions, and of those before them."""
    now, before = ["TRUE"], ["TRUE"]
    if asked.rtype is not None and asked.id is None:
        values["v_type"] = visit.door.definitions.types[asked.rtype]
        for each in (now, before):
            each.append("r.rtype = %(v_type)s::smallint")
    if asked.since is not None:
        values["v_since"] = bound(asked.since)
        now.append("r.upd >= %(v_since)s::timestamptz")
        before.append("h.upd >= %(v_since)s::timestamptz")
    if asked.during is not None:
        values["v_from"], values["v_to"] = map(bound, asked.during)
        now.append("r.upd < %(v_to)s::timestamptz")
        before.append(f"h.upd < %(v_to)s::timestamptz AND {ENDED} > %(v_from)s::timestamptz")
    if asked.after is not None:
        upd, ver, rid, cid = _place(visit, asked.after, asked.link)
        values |= {"v_upd": upd, "v_ver": ver, "v_rid": rid, "v_cid": cid}
        for each, of in ((now, "r"), (before, "h")):
            each.append(
                f"({of}.upd, {of}.rid, {of}.cid, {of}.ver) < (%(v_upd)s::timestamptz,"
                " %(v_rid)s::bigint, %(v_cid)s::bigint, %(v_ver)s::integer)"
            )
    return " AND ".join(now), " AND ".join(before)


async def _there(
    visit: Visit,
    conn: AsyncConnection[Any],
    decision: Decision,
    head: str,
    values: dict[str, object],
) -> bool:
    """Whether the resource is seen: none of its versions is of the time asked for."""
    text = f"{head} SELECT *, '' AS mark FROM c"
    return bool(await visit.fetch(conn, decision, text, values))


def _next(visit: Visit, asked: Asked, rows: Sequence[Row]) -> str:
    last = rows[-1]
    mark = f"{last.upd.isoformat()} {last.ver}"
    return visit.door.cursors.write(asked.link, mark, last.rid, last.cid)


def _place(visit: Visit, link: str, of: str) -> tuple[str, int, int, int]:
    mark, rid, cid = visit.door.cursors.read(link, of)
    upd, _, ver = mark.partition(" ")
    if not ver.isdigit():
        raise WrongCursor
    return upd, int(ver), rid, cid
