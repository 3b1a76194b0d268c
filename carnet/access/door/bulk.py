# SPDX-License-Identifier: EUPL-1.2
"""Many records at once: who may take them, the places of what they hold, and the rows of a file.

A list of places releases nothing: what is at them is decided on, and traced, when it is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any, cast

from psycopg import AsyncConnection
from psycopg.rows import class_row

from carnet import errors
from carnet.access import audit, queries, recent
from carnet.access.actor import ActorKind
from carnet.access.door.decide import (
    MOST_HELD,
    MOST_PATIENTS,
    REPRESENTING,
    Decision,
    TooManyHeld,
    TooManyPatients,
)
from carnet.access.door.hops import Hops
from carnet.access.door.visit import LIMITED, Nothing, Visit, decided, within
from carnet.access.door.writing import Joined
from carnet.fhir.search.query import Filter, Place, Query
from carnet.fhir.search.scope import PUBLIC, array, condition
from carnet.fhir.store.ids import DIRECTORY
from carnet.fhir.store.queries import Row
from carnet.fhir.store.read import all_opened
from carnet.fhir.store.rows import Stored
from carnet.postgres.pool import Pool

ROWS = 200  # of a batch of a file, at most
BYTES = 1 << 20  # sealed, of a batch; one row passes whatever its size
FRESH = 0.5  # seconds a decision holds for rows that were not sent yet
LISTED = 10_000  # places listed at once
TAKERS = frozenset(
    (ActorKind.PATIENT, ActorKind.PROFESSIONAL, ActorKind.SOFTWARE, ActorKind.OPERATOR)
)


class NotTaken(errors.Forbidden):
    """Only a person, the professionals who follow them and the software that deposited export a record."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Who may take what, as it is now.

    cids: the records, None for any that the scope admits (a software's deposits). persons: how many.
    """

    decision: Decision
    cids: tuple[int, ...] | None
    persons: int


async def reach(visit: Visit, conn: AsyncConnection[Any], cids: Sequence[int] | None) -> Reach:
    """Those of the records (None: all theirs) that this actor may take away, decided anew.

    A person: their own, and those of whom they represent fully. A professional: of the patients they
    follow, never by an emergency opening. An operator: nobody's. Nobody else: NotTaken.
    """
    door, actor = visit.door, visit.actor
    now = door.clock()
    persons: set[int] = set()
    found: list[int] = []
    match actor.kind:
        case ActorKind.PATIENT:
            held = await queries.held(conn, actor.sub, actor.patient, cids, now, MOST_HELD + 1)
            if len(held) > MOST_HELD:
                raise TooManyHeld
            for one in held:
                whole = one.nature in REPRESENTING and one.reach == "all" and not actor.secret
                if one.nature == "self" or whole:
                    found.append(one.cid)
                    persons.add(one.person)
        case ActorKind.PROFESSIONAL if actor.rpps is not None:
            links = await queries.links(conn, actor.rpps, cids, now, MOST_PATIENTS + 1)
            if len(links) > MOST_PATIENTS:
                raise TooManyPatients
            for link in links:
                if not link.emergency:
                    found.append(link.cid)
                    persons.add(link.person)
        case ActorKind.SOFTWARE:
            return Reach(await door.decide(conn, actor, cids), None, 0)
        case ActorKind.OPERATOR:
            pass
        case _:
            raise NotTaken
    taken = tuple(sorted(set(found)))
    return Reach(await door.decide(conn, actor, taken), taken, len(persons))


async def asked(visit: Visit, chosen: Sequence[int] | None) -> Reach:
    """What an export may hold, when it is asked for; traced in each record it is of."""
    async with visit.door.pool.connection() as conn:
        found = await reach(visit, conn, chosen)
        if visit.actor.kind in LIMITED:
            since = visit.door.clock() - recent.HOUR
            done = await queries.patients_read_since(conn, visit.actor.sub, since, found.cids or ())
            if done + found.persons > visit.door.settings.patients_per_hour:
                raise TooManyPatients
        trace = visit.trace("export", found.decision.rule)
        mine = (chosen or ()) if found.cids is None else found.cids
        await audit.write(conn, trace, granted=True, cids=list(mine))
        # Who was named and may not be taken is told of it, as by a search that names them.
        refused = sorted(set(chosen or ()) - set(mine))
        if refused:
            rule = (await visit.door.decide(conn, visit.actor, refused)).rule
            trace = visit.trace("export", rule)
            await audit.write(conn, trace, granted=False, cids=refused)
    return found


async def whole(visit: Visit, cids: Sequence[int]) -> tuple[int, ...]:
    """All the compartments of the persons of these."""
    async with visit.door.pool.connection() as conn:
        sets = await queries.sets(conn, list(cids))
    return tuple(sorted({each for cid in cids for each in sets.get(cid, (cid,))}))


# ------------------------------------------------------------------------------------------ listing


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk along the record's key.

    types: numbers. queries: of `_typeFilter`, any of which admits; none is everything. chosen: the
    records to take, None for all that may be. patients: only what is in a patient's record. public:
    only the directory. gone: what was deleted, instead.
    """

    types: tuple[str, ...]
    queries: tuple[Query, ...] = ()
    chosen: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    patients: bool = True
    public: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """The place of one resource, and its sealed size; rtype: negated when it was deleted."""

    cid: int
    rid: int
    ver: int
    rtype: int
    size: int


async def places(
    visit: Visit,
    conn: AsyncConnection[Any],
    walk: Walk,
    after: tuple[int, int],
    limit: int = LISTED,
) -> list[At]:
    """The next places of a walk, by the primary key of record.resource; in an open transaction.

    Fewer than `limit` are the last ones.
    """
    door = visit.door
    found = await reach(visit, conn, [DIRECTORY] if walk.public else None)
    decision, cids = found.decision, found.cids
    if walk.public:
        cids = (DIRECTORY,)
    elif cids is not None and not walk.patients and visit.actor.org is not None:
        cids = (*cids, visit.actor.org)  # what they left there, about nobody
    values: dict[str, object] = {
        "x_types": array(door.definitions.types[each] for each in walk.types),
        "x_cid": after[0], "x_rid": after[1], "x_limit": limit,
        "x_since": walk.since, "x_until": walk.until,
    }  # fmt: skip
    where = [
        "r.rtype = ANY (%(x_types)s::smallint[])",
        "r.gone" if walk.gone else "NOT r.gone",
        "(r.cid, r.rid) > (%(x_cid)s::bigint, %(x_rid)s::bigint)",
        condition(decision.scope, values, public=walk.public),
    ]
    if cids is not None:
        values["x_cids"] = array(cids)
        where.append("r.cid = ANY (%(x_cids)s::bigint[])")
    elif walk.patients:
        where.append("EXISTS (SELECT 1 FROM access.record m WHERE m.cid = r.cid)")
    if walk.chosen is not None and not walk.public:
        values["x_chosen"] = array(walk.chosen)
        where.append("(r.cid = ANY (%(x_chosen)s::bigint[]) OR r.owners && %(x_chosen)s::bigint[])")
    if walk.since is not None:
        where.append("r.upd >= %(x_since)s::timestamptz")
    if walk.until is not None:
        where.append("r.upd <= %(x_until)s::timestamptz")
    if walk.queries:
        hops = Hops(visit, conn, decision)
        rtype = walk.types[0]
        asked = [await hops.followed(await hops.widened(each)) for each in walk.queries]
        where.append(any_of(asked, door.place(rtype), values))
        if after == (-1, -1):
            await hops.traced(None)
    rtype_of = "-r.rtype" if walk.gone else "r.rtype"
    text = (
        f"SELECT r.cid, r.rid, r.ver, {rtype_of} AS rtype, octet_length(r.body) AS size"
        f" FROM record.resource r WHERE {' AND '.join(where)} ORDER BY r.cid, r.rid LIMIT %(x_limit)s::bigint"
    )
    async with conn.cursor(row_factory=class_row(At)) as cur:
        async with within(conn):
            await visit.enter(conn, decision.scope)
            await cur.execute(text.encode(), values, prepare=False)
        return await cur.fetchall()


def any_of(asked: Sequence[Query], place: Place, values: dict[str, object]) -> str:
    """The queries of one type as one condition: what answers any of them."""
    parts = []
    for number, query in enumerate(asked):
        filters: Sequence[Filter] = query.filters
        each = [one.sql(place, values, f"f{number}x{n}") for n, one in enumerate(filters)]
        parts.append("(" + (" AND ".join(each) or "TRUE") + ")")
    return "(" + " OR ".join(parts) + ")"


# ---------------------------------------------------------------------------------------- one file

# What is at the places, as it was listed; judged by the current row, gone when that one is.
FILE = """
    WITH w AS (
        SELECT * FROM unnest(%(x_cids)s::bigint[], %(x_rids)s::bigint[], %(x_vers)s::integer[])
                      WITH ORDINALITY w (cid, rid, want, n)
    ), c AS (
        SELECT w.want, w.n, r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body, r.origin
          FROM w JOIN record.resource r USING (cid, rid)
         WHERE NOT r.gone AND {taken} AND {seen}
    ), v AS (
        SELECT n, cid, rid, rtype, id, ver, upd, gone, dict, body, origin FROM c WHERE ver = want
        UNION ALL
        SELECT c.n, h.cid, h.rid, c.rtype, c.id, h.ver, h.upd, h.gone, h.dict, h.body, c.origin
          FROM c JOIN record.history h ON h.cid = c.cid AND h.rid = c.rid AND h.ver = c.want
         WHERE c.ver <> c.want AND NOT h.gone
    )
    SELECT cid, rid, rtype, id, ver, upd, gone, dict, body,
           n || '|' || coalesce((SELECT d.id FROM record.resource d
                                  WHERE d.cid = v.cid AND d.rid = v.origin), '') AS mark
      FROM (SELECT v.*, sum(octet_length(body)) OVER (ORDER BY n) - octet_length(body) AS before
              FROM v) v
     WHERE before < %(x_bytes)s::bigint ORDER BY n
"""


# What was deleted, as long as it is.
GONE = """
    WITH w AS (
        SELECT * FROM unnest(%(x_cids)s::bigint[], %(x_rids)s::bigint[], %(x_vers)s::integer[])
                      WITH ORDINALITY w (cid, rid, want, n)
    )
    SELECT r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body, w.n || '|' AS mark
      FROM w JOIN record.resource r USING (cid, rid)
     WHERE r.gone AND {taken} AND {seen} AND %(x_bytes)s::bigint > 0 ORDER BY w.n
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """The places of one file, in order; gone: of what was deleted."""

    rtype: str
    cids: Sequence[int]
    rids: Sequence[int]
    vers: Sequence[int]
    gone: bool = False


@decided
async def _rows(visit: Visit, file: Listed, start: int) -> tuple[list[Row], int]:
    """What may be read of the next places, traced; and where the next ones begin."""
    end = min(start + ROWS, len(file.cids))
    door, cids = visit.door, sorted(set(file.cids[start:end]))
    public = file.rtype in PUBLIC
    async with door.pool.connection() as conn:
        # For the number of people's records an account reads in an hour; what it decides is looked at
        # again below, as it is now.
        await visit._decide(conn, cids, directory=public)
        found = await reach(visit, conn, cids)
        values: dict[str, object] = {
            "x_cids": array(file.cids[start:end]), "x_rids": array(file.rids[start:end]),
            "x_vers": array(file.vers[start:end]), "x_bytes": BYTES,
        }  # fmt: skip
        taken = "TRUE"
        if found.cids is not None:
            beside = [visit.actor.org or DIRECTORY, *([DIRECTORY] if public else [])]
            values["x_taken"] = array([*found.cids, *beside])
            taken = "r.cid = ANY (%(x_taken)s::bigint[])"
        seen = condition(found.decision.scope, values, public=public)
        text = (GONE if file.gone else FILE).format(taken=taken, seen=seen)
        rows = await visit._fetch_traced(
            conn, found.decision, text, values, "export", cids, ROWS, whatever=True
        )
    if sum(len(row.body) for row in rows) >= BYTES:
        return rows, start + _number(rows[-1].mark)
    return rows, end


def follows(stored: Stored) -> str:
    """The document a resource of a file follows: `DocumentReference/id`, or ""."""
    id = stored.mark.partition("|")[2]
    return f"DocumentReference/{id}" if id else ""


def _number(mark: str) -> int:
    return int(mark.partition("|")[0])


async def lines(visit: Visit, file: Listed) -> AsyncIterator[Stored]:
    """The resources of a file that this visitor may read now, one at a time.

    What was read is decided on again when it waits to be sent: a right that ends closes the file.
    """
    door, start = visit.door, 0
    while start < len(file.cids):
        rows, end = await _rows(visit, file, start)
        read = monotonic()
        ciphers = door.vault.at_hand({row.cid for row in rows})
        if ciphers is None:
            async with door.pool.connection() as conn:
                ciphers = await door.vault.ciphers(conn, {row.cid for row in rows})
        for place, row in enumerate(rows):
            if place and monotonic() - read > FRESH:
                end = start + _number(row.mark) - 1
                break
            yield all_opened([row], door.names, ciphers)[0]
        start = end


# ----------------------------------------------------------------------------------------- sealing


def sealed(visit: Visit, number: int, plain: bytes) -> tuple[bytes, bytes]:
    """A key of its own, wrapped, and the text under it."""
    wrapped = visit.door.vault.make(number)
    nonce = visit.door.random(12)
    return wrapped, nonce + _key(visit, number, wrapped).encrypt(nonce, plain, b"bulk")


def unsealed(visit: Visit, number: int, wrapped: bytes, text: bytes) -> bytes:
    """The text again."""
    plain: bytes = _key(visit, number, wrapped).decrypt(text[:12], text[12:], b"bulk")
    return plain


def _key(visit: Visit, number: int, wrapped: bytes) -> Any:
    key = visit.door.vault.use(number, wrapped)
    visit.door.vault.forget(number)
    return key


def joined(visit: Visit, conn: AsyncConnection[Any]) -> Visit:
    """The same visit, inside a transaction already open."""
    pool = cast(Pool, Joined(conn))
    return replace(visit, door=replace(visit.door, pool=pool))


def patient_of(visit: Visit, reference: str) -> int:
    """The compartment of `Patient/id`; Nothing for anything else."""
    rtype, _, id = reference.rpartition("/")
    place = visit.door.ids.decode(id)
    if rtype.rpartition("/")[2] != "Patient" or place is None or place[0] != place[1]:
        raise Nothing
    return place[0]
