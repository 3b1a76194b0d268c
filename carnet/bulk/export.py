# SPDX-License-Identifier: EUPL-1.2
"""An export: asked, listed by the worker, read file by file, forgotten.

What is kept is a list of places. A file is never written: it is read from the record when it is fetched,
so that a right that ended, a mask, an erasure act on it at once, and nothing is left half written.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from carnet import errors
from carnet.access import queries as subjects
from carnet.access import stepup
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Nothing, Stored, Visit, bulk
from carnet.access.door.bulk import At, Listed, Walk
from carnet.bulk import following, queries
from carnet.bulk.asked import Asked, instant, read
from carnet.bulk.asked import queries as filtered
from carnet.bulk.queries import Export, Last
from carnet.fhir import json
from carnet.fhir.search import subsets
from carnet.fhir.search.parse import Parser
from carnet.fhir.search.scope import PUBLIC

KEPT: Final = timedelta(hours=24)
MOST_KEPT: Final = 10  # exports of one account
PER_FILE: Final = 20_000  # resources
FILE_BYTES: Final = 64 << 20  # sealed
TRIES: Final = 5  # of a step that kills its worker, or fails for a reason nobody foresaw
LONGEST: Final = timedelta(seconds=70)  # no request's transaction lives as long (postgres/pool.py)
BESIDE: Final = frozenset(("Binary",))  # given when they are asked for


class TooManyExports(errors.TooMany):
    """You have as many exports as one account may keep: delete one, or wait until it expires."""


class NoMember(errors.BusinessRule):
    """This Group is not a list of persons."""


class Ended(errors.Forbidden):
    """The account that asked for this export may not go on with it."""


class Broken(errors.CarnetError):
    """The export could not be made: ask for it again."""

    issue = "exception"
    status = 500


# ------------------------------------------------------------------------------------------- asked


async def start(visit: Visit, asked: Asked) -> str:
    """Keep what is asked; the address of the export. Refused for who may take nothing away."""
    stepup.fresh(visit.actor, visit.door.clock())
    door = visit.door
    await bulk.asked(visit, asked.chosen)
    id, token = door.ids.new(), door.random(20).hex()
    now = door.clock()
    wrapped, sealed = bulk.sealed(visit, id, json.dump(asked.values()))
    actor = visit.actor
    values = {
        "id": id, "token": token, "sub": actor.sub, "situation": actor.situation,
        "secret": actor.secret, "client": actor.client, "purpose": actor.purpose,
        "acting_for": None, "rev": actor.rev, "request": visit.request, "wrapped": wrapped,
        "asked": sealed, "at": now, "until": now + KEPT, "scopes": sorted(actor.scopes),
        "grant_id": actor.grant, "context": actor.context,
        "kinds": None if actor.kinds is None else sorted(actor.kinds),
    }  # fmt: skip
    async with door.pool.connection() as conn, conn.transaction():
        await queries.alone(conn, actor.sub)
        if await queries.count(conn, actor.sub, now) >= MOST_KEPT:
            raise TooManyExports
        await conn.execute(queries.ADD, values)
    return token


async def members(visit: Visit, id: str) -> tuple[int, ...]:
    """The records of the persons a Group lists; Nothing for a Group the visitor does not see."""
    group = (await visit.read("Group", id)).resource
    if group.get("type") != "person" or group.get("actual") is not True:
        raise NoMember
    found = set()
    for member in group.get("member", []):
        reference = member.get("entity", {}).get("reference", "")
        if not member.get("inactive"):
            try:
                found.add(bulk.patient_of(visit, reference))
            except Nothing:
                continue
    return await bulk.whole(visit, sorted(found))


async def held(visit: Visit, token: str) -> Export:
    """An export of this visitor, by the same token or another of the same account and grant; else Nothing."""
    actor, door = visit.actor, visit.door
    values: dict[str, object] = {
        "token": token, "now": door.clock(), "sub": actor.sub, "situation": actor.situation,
        "secret": actor.secret,
    }  # fmt: skip
    async with door.pool.connection() as conn:
        found = await queries.by_token(conn, values)
    if found is None or found.rev != actor.rev or found.grant_id != actor.grant:
        raise Nothing
    return found


def asked_of(visit: Visit, export: Export) -> Asked:
    """What an export was asked."""
    return read(json.parse(bulk.unsealed(visit, export.id, export.wrapped, export.asked)))


async def cancel(visit: Visit, token: str) -> None:
    """Forget an export, running or not."""
    export = await held(visit, token)
    async with visit.door.pool.connection() as conn:
        await queries.cancel(conn, export.id)


async def manifest(visit: Visit, export: Export, base: str) -> dict[str, Any]:
    """The complete answer. No counts: what is hidden since would show by its absence."""
    async with visit.door.pool.connection() as conn:
        files = await queries.files(conn, export.id)
    names = visit.door.names
    return {
        "transactionTime": export.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request": asked_of(visit, export).url,
        "requiresAccessToken": True,
        "output": [
            {"type": names[rtype], "url": f"{base}/$export-job/{export.token}/{number}"}
            for number, rtype in files
            if rtype > 0
        ],
        "deleted": [
            {"type": "Bundle", "url": f"{base}/$export-job/{export.token}/{number}"}
            for number, rtype in files
            if rtype < 0
        ],
        "error": [],
    }


# ----------------------------------------------------------------------------------------- fetched


async def fetched(visit: Visit, token: str, number: int) -> AsyncIterator[bytes]:
    """The lines of a file, as this visitor may read them now; Nothing when there is none.

    The first thing given is empty: what is refused is refused before it.
    """
    export = await held(visit, token)
    async with visit.door.pool.connection() as conn:
        if export.state != "ready":
            raise Nothing
        found = await queries.file(conn, export.id, number)
        if found is None:
            raise Nothing
        reach = await bulk.reach(visit, conn, sorted(set(found.cids)))
    rtype, gone = visit.door.names[abs(found.rtype)], found.rtype < 0
    if reach.cids == () and rtype not in PUBLIC and visit.actor.org not in found.cids:
        raise Nothing  # no right to any of it is left
    elements = asked_of(visit, export).of(rtype)
    listed = Listed(rtype, found.cids, found.rids, found.vers, gone)
    yield b""
    async for stored in bulk.lines(visit, listed):
        if gone:
            yield _deleted(stored)
            continue
        body = await _whole(visit, stored) if rtype == "Binary" else stored.body
        document = bulk.follows(stored)
        if elements:
            body = subsets.chosen(visit.door.definitions, body, elements)
        elif document:
            body = following.marked(body, document)
        yield body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _deleted(stored: Stored) -> bytes:
    """What says that a resource was deleted: a transaction that would delete it there too."""
    request = {"method": "DELETE", "url": f"{stored.rtype}/{stored.id}"}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}
    return json.dump(bundle) + b"\n"


async def _whole(visit: Visit, stored: Stored) -> bytes:
    """A Binary with its bytes."""
    plain = await visit.attachment(stored)
    return json.dump({**stored.resource, "data": base64.b64encode(plain).decode()})


# ---------------------------------------------------------------------------------------- listed


@dataclass(frozen=True, slots=True)
class Lister:
    """What the worker lists with."""

    door: Door
    parser: Parser

    async def forget(self) -> None:
        """Exports whose time is over."""
        async with self.door.pool.connection() as conn:
            await conn.execute(queries.FORGET, (self.door.clock(),))

    async def once(self, waiting: set[int]) -> bool:
        """One step of one export, in one transaction; False when there is nothing to do now.

        waiting: exports to pass by; those that wait for a transaction are added. A step that is cut off
        by the end of its worker left nothing, and is done again.
        """
        async with self.door.pool.connection() as conn:
            async with conn.transaction():
                export = await queries.next_one(conn, self.door.clock(), sorted(waiting))
                if export is None:
                    return False
                # Counted before it is tried, as seen by whoever comes after a worker that was killed.
                await conn.execute(queries.TRIED, (export.id,))
            if export.tries >= TRIES:
                await self._fail(conn, export.id, Broken())
                return True
            try:
                async with conn.transaction():
                    again = await queries.next_of(conn, export.id)
                    if again is None or not await self._step(conn, again):
                        waiting.add(export.id)
                    return True
            except errors.CarnetError as refusal:
                await self._fail(conn, export.id, refusal)
                return True

    async def _fail(self, conn: Any, id: int, refusal: errors.CarnetError) -> None:
        said = f"{refusal.issue}|{refusal}"
        values = {"id": id, "refusal": said, "status": refusal.status}
        await conn.execute(queries.FAIL, values)

    async def _step(self, conn: Any, export: Export) -> bool:
        if export.state == "waiting":
            ahead = await queries.running(conn)
            await conn.execute(queries.START, {"id": export.id, "ahead": ahead})
            return True
        before = export.ahead and set(export.ahead) & set(await queries.running(conn))
        if before and not await queries.waited(conn, export.id, LONGEST):
            await conn.execute(queries.WAIT, (export.id,))
            return False
        visit = bulk.joined(Visit(self.door, await self._actor(conn, export), export.request), conn)
        walks = self.walks(asked_of(visit, export), export)
        move: dict[str, object] = {"id": export.id, "found": 0, "cid": -1, "rid": -1}
        if export.step >= len(walks):
            await conn.execute(queries.MOVE, move | {"step": export.step, "state": "ready"})
            return True
        found = await bulk.places(visit, conn, walks[export.step], (export.cid, export.rid))
        await self._keep(conn, export.id, found)
        move |= {"found": len(found), "step": export.step, "state": "listing"}
        if len(found) == bulk.LISTED:
            move |= {"cid": found[-1].cid, "rid": found[-1].rid}
        else:
            move["step"] = export.step + 1
            if export.step + 1 == len(walks):
                move["state"] = "ready"
        await conn.execute(queries.MOVE, move)
        return True

    def walks(self, asked: Asked, export: Export) -> list[Walk]:
        """The walks an export is made of: all the types without a filter in one, each other alone."""
        owned = [
            each
            for each in self.door.definitions.types
            if each not in BESIDE and (each == "Patient" or self.door.owners.parameters(each))
        ]
        if asked.level == "system":
            owned = [each for each in self.door.definitions.types if each not in PUBLIC | BESIDE]
        types = list(asked.types) or owned
        filters = filtered(self.parser, asked)
        since = instant(asked.since) if asked.since else None
        until = min(export.at, instant(asked.until)) if asked.until else export.at
        patients = asked.level != "system"

        def walk(of: tuple[str, ...], *, public: bool = False, gone: bool = False) -> Walk:
            by = tuple(filters.get(of[0], ())) if len(of) == 1 and not gone else ()
            return Walk(of, by, asked.chosen, since, until, patients, public, gone)

        plain = tuple(each for each in types if each not in filters)
        made = [walk(plain)] if plain else []
        made += [walk((each,)) for each in types if each in filters]
        made += [walk((each,), public=True) for each in types if each in PUBLIC]
        if since is not None:  # what was deleted has no content for a filter to look at
            made.append(walk(tuple(types), gone=True))
            made += [walk((each,), public=True, gone=True) for each in types if each in PUBLIC]
        return made

    async def _actor(self, conn: Any, export: Export) -> Actor:
        """Who asked, as they are now; refused when their tokens were ended."""
        found = await subjects.subject(conn, export.sub, export.situation or None)
        if found is None or found.rev != export.rev:
            raise Ended
        if export.grant_id and not await queries.granted(conn, export.grant_id, self.door.clock()):
            raise Ended
        return Actor(
            kind=ActorKind(found.kind),
            sub=found.sub,
            name=found.name,
            client=export.client,
            purpose=export.purpose,
            rpps=found.rpps,
            profession=found.profession or "",
            situation=export.situation,
            org=found.org,
            org_name=found.org_name or "",
            patient=found.patient,
            secret=export.secret,
            rev=found.rev,
            scopes=frozenset(export.scopes),
            grant=export.grant_id,
            kinds=None if export.kinds is None else frozenset(export.kinds),
            context=export.context,
        )

    async def _keep(self, conn: Any, id: int, found: list[At]) -> None:
        """Places added to the last file of their type, or to a new one when it is full."""
        if not found:
            return
        last = await queries.last_files(conn, id)
        number = max((each.number for each in last.values()), default=0)
        by_type: dict[int, list[At]] = {}
        for each in found:
            by_type.setdefault(each.rtype, []).append(each)
        for rtype, rows in sorted(by_type.items()):
            while rows:
                file = last.get(rtype)
                statement = queries.GROW_FILE
                if file is None or file.count >= PER_FILE or file.size >= FILE_BYTES:
                    number += 1
                    file = last[rtype] = Last(rtype, number, 0, 0)
                    statement = queries.ADD_FILE
                taken = _fitting(rows, PER_FILE - file.count, FILE_BYTES - file.size)
                rows, part = rows[taken:], rows[:taken]
                size = sum(each.size for each in part)
                file.count, file.size = file.count + taken, file.size + size
                values = {
                    "id": id, "number": file.number, "rtype": rtype, "size": size,
                    "cids": [each.cid for each in part], "rids": [each.rid for each in part],
                    "vers": [each.ver for each in part],
                }  # fmt: skip
                await conn.execute(statement, values)


def _fitting(rows: list[At], most: int, room: int) -> int:
    """How many of the next places a file takes: one at least."""
    size = 0
    for index, each in enumerate(rows[:most]):
        size += each.size
        if size >= room:
            return index + 1
    return min(most, len(rows))
