# SPDX-License-Identifier: EUPL-1.2
"""Two identities are one person: proposed by one officer, confirmed by another, and undone exactly.

A merge moves no row: each record keeps its compartment, and `access.record.root` says whose it is. All
that is decided on one of them is decided on all; what is written meanwhile stays with the one it was
written to, so that undoing is only to look at the merges still in force. The two Patients say it
(`link`), each in a new version.
Source: RNIV 1 (doubles); FHIR R4, Patient.link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import errors as pg

from carnet import errors
from carnet.access import notices
from carnet.access.door import Unit, Visit, commit
from carnet.access.queries import LOCK_RECORDS
from carnet.vigilance import outward, queries, standing
from carnet.vigilance.given_back import Masks, give_back, give_masks_back
from carnet.vigilance.queries import Merge


class Same(errors.Conflict):
    """These are one person already, or somebody has proposed it."""


class NoReason(errors.Invalid):
    """A merge has a reason: what was checked, and with whom."""


class TwoOfficers(errors.Forbidden):
    """Who proposes a merge does not confirm it: another officer does."""


class Leaving(errors.Conflict):
    """One of these records is erased, or waits to be: it is not merged."""


class Over(errors.Conflict):
    """This merge was decided or undone already."""


async def propose(visit: Visit, source: int, target: int, reason: str) -> int:
    """Say that `source` is the same person as `target`, which stays; the number of the proposal."""
    if not reason.strip():
        raise NoReason

    async def work(unit: Unit) -> int:
        await standing.officer(unit)
        number = unit.visit.door.ids.new()
        for cid in (source, target):
            await standing.held(unit, cid)
        if source == target or source in await queries.set_of(unit.conn, [target]):
            raise Same
        values = {
            "id": number, "source": source, "target": target, "reason": reason.strip()[:500],
            "now": unit.at, "by": visit.actor.sub,
        }  # fmt: skip
        try:
            async with unit.conn.transaction():
                await unit.conn.execute(queries.PROPOSE, values)
        except pg.UniqueViolation as twice:
            raise Same from twice
        await _traced(unit, "merge-propose", [source, target])
        return number

    return await commit(visit, work, "merge-propose")


async def refuse(visit: Visit, number: int) -> None:
    """They are two people: the pair leaves the queue. Anybody of the officers, the proposer too."""

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        found = await _waiting(unit, number)
        await _decide(unit, found, confirmed=False)
        await _settle(unit, found.source, found.target, "different")
        await _traced(unit, "merge-refuse", [found.source, found.target])

    await commit(visit, work, "merge-refuse")


async def different(visit: Visit, a: int, b: int) -> None:
    """An officer compared two identities: they are two people."""

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        await _settle(unit, a, b, "different")
        await _traced(unit, "identity-different", [a, b])

    await commit(visit, work, "identity-different")


async def confirm(visit: Visit, number: int) -> None:
    """The second officer: from here on the two records are one person's."""

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        await unit.conn.execute(queries.ALONE)
        found = await _waiting(unit, number)
        if found.proposed_by == visit.actor.sub:
            raise TwoOfficers
        every = await queries.set_of(unit.conn, [found.source, found.target])
        await unit.visit.rights_of(unit.conn, every)
        await unit.conn.execute(LOCK_RECORDS, (every,))
        if await queries.leaving(unit.conn, every):
            raise Leaving
        edges = await queries.in_force(unit.conn, every)
        if found.source in edges or root(found.target, edges) == found.source:
            raise Same
        await _decide(unit, found, confirmed=True)
        await _rooted(unit, every)
        await _settle(unit, found.source, found.target, "merged")
        await _links(unit, [found.source, found.target])
        await _told(unit, "merge", found, every)

    await commit(visit, work, "merge")


async def undo(visit: Visit, number: int, why: str, masks: Masks | None = None) -> None:
    """It was a mistake: each record is again whose it was. One officer is enough.

    masks: gives documents their own masks back; without it they keep those they have.
    """
    if not why.strip():
        raise NoReason

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        await unit.conn.execute(queries.ALONE)
        found = await queries.merge(unit.conn, number)
        if found is None:
            raise errors.NotFound
        every = await queries.set_of(unit.conn, [found.source, found.target])
        values = {"id": number, "now": unit.at, "by": visit.actor.sub, "why": why.strip()[:500]}
        if (await unit.conn.execute(queries.UNDO, values)).rowcount != 1:
            raise Over
        await unit.visit.rights_of(unit.conn, every)
        await unit.conn.execute(LOCK_RECORDS, (every,))
        await _rooted(unit, every)
        await give_back(unit, every)
        await unit.conn.execute(queries.UNSETTLE, {"a": found.source, "b": found.target})
        await _links(unit, [found.source, found.target])
        if masks is not None:
            await unit.visit.rights_of(unit.conn, every)
            await give_masks_back(unit, every, masks)
        await _told(unit, "unmerge", found, every)

    await commit(visit, work, "unmerge")


def root(cid: int, edges: Mapping[int, int]) -> int:
    """Where the merges in force lead from one compartment; they make a forest."""
    while cid in edges:
        cid = edges[cid]
    return cid


async def _waiting(unit: Unit, number: int) -> Merge:
    found = await queries.merge(unit.conn, number)
    if found is None:
        raise errors.NotFound
    if found.decided is not None:
        raise Over
    return found


async def _decide(unit: Unit, found: Merge, *, confirmed: bool) -> None:
    values = {
        "id": found.id, "now": unit.at, "by": unit.visit.actor.sub, "confirmed": confirmed,
    }  # fmt: skip
    if (await unit.conn.execute(queries.DECIDE, values)).rowcount != 1:
        raise Over


async def _rooted(unit: Unit, cids: list[int]) -> None:
    """Whose each record is, by the merges in force and nothing else."""
    edges = await queries.in_force(unit.conn, cids)
    await unit.visit.rights_of(unit.conn, cids)
    for cid in cids:
        found = root(cid, edges)
        values = {"cid": cid, "root": None if found == cid else found}
        await unit.conn.execute(queries.SET_ROOT, values)


async def _settle(unit: Unit, a: int, b: int, verdict: str) -> None:
    values = {"a": a, "b": b, "now": unit.at, "by": unit.visit.actor.sub, "verdict": verdict}
    await unit.conn.execute(queries.SETTLE, values)


async def _links(unit: Unit, cids: list[int]) -> None:
    """The Patients say which replaces which, by the merges in force."""
    edges = await queries.in_force(unit.conn, cids)
    encode = unit.visit.door.ids.encode

    def link(cid: int, kind: str) -> dict[str, Any]:
        return {"other": {"reference": f"Patient/{encode(cid, cid)}"}, "type": kind}

    for cid in cids:
        links = [link(edges[cid], "replaced-by")] if cid in edges else []
        links += [link(each, "replaces") for each in sorted(edges) if edges[each] == cid]
        await standing.remade(unit, cid, _linking(links))


def _linking(links: list[dict[str, Any]]) -> standing.Change:
    return lambda resource, _: outward.linked(resource, links)


async def _told(unit: Unit, what: str, found: Merge, cids: list[int]) -> None:
    """The trace, and a notice to each who is reached apart; the new Patients are a line each reads."""
    visit = unit.visit
    await _traced(unit, what, [found.source, found.target])
    await unit.visit.rights_of(unit.conn, cids)
    reached = set()
    for cid in (found.target, found.source):
        line = await queries.line(unit.conn, cid)
        if line is None or line.quarantined:  # what a document claims is no address of anybody
            continue
        where = await queries.reached(unit.conn, cid)
        if where not in reached:
            reached.add(where)
            template = "identities-joined" if what == "merge" else "identities-parted"
            await notices.send(visit.door, unit.conn, cid, template)


async def _traced(unit: Unit, what: str, cids: list[int]) -> None:
    await standing.traced(unit, what, cids)
