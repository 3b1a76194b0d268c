# SPDX-License-Identifier: EUPL-1.2
"""The past decided again: at each moment, what was decided then, whatever was changed since."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from carnet import errors
from carnet.access import handles, queries, replay
from carnet.access.actor import Actor
from carnet.access.door import Decision, platform
from carnet.fhir.search.scope import condition
from carnet.postgres.pool import JOB, open_pool
from carnet.rights import block, close, consent, emergency, mandate, refuse, reopen, trust
from carnet.vigilance import merge
from tests import people
from tests.agreement import seeds
from tests.rest import samples
from tests.space import Space
from tests.vigilance.acts import FIRST, made, merged, patient

pytestmark = pytest.mark.anyio
ACTS = 24
READERS = (
    "patient", "parent", "minor", "carer", "gp", "nurse", "hospital-doctor", "blocked", "outsider",
    "assistant", "lab-software", "hospital-software",
)  # fmt: skip
ICE = ("bris-de-glace", "unconscious")


@dataclass(frozen=True)
class Taken:
    """A decision as it was taken, and what it opened."""

    at: datetime
    actor: Actor
    cid: int
    decision: Decision
    seen: int


class History:
    """Random acts on two records, and what the door decided after each."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.chance = random.Random(seed)
        self.taken: list[Taken] = []
        self.done: list[str] = []
        self.merges: list[int] = []
        self.double = 0
        self.documents: list[str] = []

    async def begin(self) -> None:
        self.double = await made(self.space, patient(given="HELENA"))
        self.actors = [await self.space.actor(each) for each in READERS]
        self.cids = [
            self.space.where.people["patient"],
            self.space.where.people["minor"],
            self.double,
        ]
        for page in ("patient", "minor"):
            found = await self.space.get("DocumentReference?_count=8", as_=page)
            self.documents += [each["id"] for each in found.entries]

    async def act(self) -> None:
        """One act, or a refusal of one."""
        space, chance = self.space, self.chance
        who = chance.choice(("patient", "parent", "minor"))
        of = space.patient_id("minor") if who == "parent" and chance.random() < 0.7 else ""
        pro = chance.choice(("gp", "nurse", "hospital-doctor", "blocked", "outsider"))
        rpps = int(people.POPULATION.professional(pro).rpps)
        key = chance.choice(("patient", "minor"))
        visit, doctor = await space.visit(who), await space.visit(pro)
        handle = handles.write(doctor, space.where.people[key])
        acts: dict[str, Callable[[], Awaitable[Any]]] = {
            "block": lambda: block.block(visit, rpps, of),
            "unblock": lambda: block.unblock(visit, rpps, of),
            "trust": lambda: trust.trust(visit, rpps, of),
            "untrust": lambda: trust.untrust(visit, rpps, of),
            "declare": lambda: consent.declare(doctor, handle, "oral"),
            "declare again": lambda: consent.declare(doctor, handle, "written"),
            "withdraw": lambda: consent.withdraw(visit, rpps, of),
            "refuse": lambda: refuse.refuse(visit, ICE[0], refused=True, patient=of),
            "accept": lambda: refuse.refuse(visit, ICE[0], refused=False, patient=of),
            "emergency": lambda: emergency.open(doctor, handle, *ICE),
            "emergency too": lambda: emergency.open(doctor, handle, *ICE),
            "end": lambda: emergency.end(doctor, space.patient_id(key)),
            "close": lambda: close.close(visit, of),
            "reopen": lambda: reopen.reopen(visit, of),
            "reopen too": lambda: reopen.reopen(visit, of),
            "mandate": lambda: self._mandate(visit),
            "revoke": lambda: self._revoke(visit),
            "merge": self._merge,
            "unmerge": self._unmerge,
            "mask": lambda: self._mask(who, "hide"),
            "unmask": lambda: self._mask(who, "show"),
            "feed": lambda: space.post(
                "Observation",
                samples.observation(f"Patient/{space.patient_id(key)}"),
                as_=samples.HOSPITAL,
            ),
        }  # fmt: skip
        name = chance.choice(sorted(acts))
        try:
            await acts[name]()
        except errors.CarnetError:
            return
        self.done.append(name)

    async def _mandate(self, visit: Any) -> None:
        offer = await mandate.offer(visit, "care", self.space.clock.now + timedelta(days=30))
        await mandate.accept(await self.space.visit("carer"), offer.code)

    async def _revoke(self, visit: Any) -> None:
        held = [one for one in await mandate.mandated(visit) if one.nature == "carer"]
        if held:
            await mandate.revoke(visit, held[0].id)

    async def _merge(self) -> None:
        if not self.merges:
            self.merges.append(await merged(self.space, self.double, self.cids[0]))

    async def _unmerge(self) -> None:
        if self.merges:
            await merge.undo(await self.space.visit(FIRST), self.merges.pop(), "deux sœurs")

    async def _mask(self, who: str, how: str) -> None:
        document = self.chance.choice(self.documents)
        await self.space.post(f"DocumentReference/{document}/${how}", {}, as_=who)

    async def look(self, readers: int = 5) -> None:
        """What the door decides now, for some."""
        door, clock = self.space.built.door, self.space.clock
        chosen = self.chance.sample(self.actors, readers)
        async with (
            door.pool.connection() as conn,
            await psycopg.AsyncConnection.connect(self.space.admin_url) as admin,
        ):
            for cid in self.chance.sample(self.cids, 2):
                for actor in chosen:
                    decision = await door.decide(conn, actor, [cid])
                    seen = await count(admin, decision, cid)
                    self.taken.append(Taken(clock.now, actor, cid, decision, seen))


async def count(conn: psycopg.AsyncConnection[Any], decision: Decision, cid: int) -> int:
    """Resources of the record that a scope admits, by SQL."""
    cids = (await queries.sets(conn, [cid])).get(cid, (cid,))
    values: dict[str, object] = {"cids": list(cids)}
    seen = condition(decision.scope, values, public=False)
    text = (
        f"SELECT count(*) FROM record.resource r WHERE cid = ANY (%(cids)s) AND NOT gone AND {seen}"
    )
    row = await (await conn.execute(text.encode(), values)).fetchone()
    assert row is not None
    return int(row[0])


def same(one: Decision, other: Decision) -> bool:
    """But for what belongs to the instant, and to an actor's other places."""
    return (
        replace(one.scope, loose_since=None, held=()),
        one.rule, one.granted, one.matrix, one.own, dict(one.merged),
    ) == (
        replace(other.scope, loose_since=None, held=()),
        other.rule, other.granted, other.matrix, other.own, dict(other.merged),
    )  # fmt: skip


async def wrong(space: Space, taken: list[Taken]) -> list[str]:
    """What the replay says otherwise than it was."""
    found = []
    conn = await psycopg.AsyncConnection.connect(space.admin_url)
    async with conn:
        told: dict[tuple[datetime, int], list[replay.Could]] = {}
        for each in taken:
            key = each.at, each.cid
            if key not in told:
                told[key] = (await replay.could(conn, space.built.door.matrix, each.cid, each.at))[
                    1
                ]
            mine = [
                could for could in told[key]
                if (could.actor.sub, could.actor.org if each.actor.rpps else None)
                == (each.actor.sub, each.actor.org if each.actor.rpps else None)
                or (could.actor.kind == "assistant" and could.actor.sub == each.actor.sub)
            ]  # fmt: skip
            if not mine:
                if each.decision.granted and (each.actor.kind != "software" or each.seen):
                    found.append(f"{each.at} {each.actor.sub}: nothing, was {each.decision.rule}")
            elif not same(mine[0].decision, each.decision):
                found.append(f"{each.at} {each.actor.sub}: {mine[0].decision} was {each.decision}")
            elif sum(mine[0].counts.values()) != each.seen:
                found.append(f"{each.at} {each.actor.sub}: {mine[0].counts} was {each.seen}")
    return found


@pytest.mark.slow
async def test_each_past_moment_is_decided_as_it_was(space: Space) -> None:
    """Blocks, trust, consents, refusals, emergencies, mandates, closing, merges, masks, at random."""
    history = History(space, seeds.chosen())
    await history.begin()
    for _ in range(ACTS):
        space.clock.advance(timedelta(minutes=chance_minutes(history)))
        await history.act()
        space.clock.advance(timedelta(minutes=1))
        await history.look()
    assert len(set(history.done)) > 5, history.done
    assert any(not each.decision.granted for each in history.taken)
    found = await wrong(space, history.taken)
    assert not found, "\n".join(found[:3])


def chance_minutes(history: History) -> int:
    return history.chance.choice((1, 5, 60, 300, 600))


async def could(space: Space, cid: int, at: datetime) -> list[replay.Could]:
    conn = await psycopg.AsyncConnection.connect(space.admin_url)
    async with conn:
        return (await replay.could(conn, space.built.door.matrix, cid, at))[1]


async def test_what_is_overwritten_is_kept(space: Space) -> None:
    """A record closed and open again has no row that says it was closed; planted: without what is kept."""
    cid = space.where.people["minor"]
    before = space.clock.now
    space.clock.advance(timedelta(hours=1))
    visit = await space.visit("parent")
    await close.close(visit, space.patient_id("minor"))
    space.clock.advance(timedelta(hours=1))
    between = space.clock.now
    space.clock.advance(timedelta(hours=1))
    await reopen.reopen(visit, space.patient_id("minor"))
    assert await could(space, cid, before)
    assert await could(space, cid, between) == []
    assert {each.actor.sub for each in await could(space, cid, space.clock.now)} >= {
        (await space.actor("parent")).sub
    }
    with pytest.raises(replay.NoRecordThen):
        await could(space, cid, before - timedelta(days=9000))
    await space.rows("DELETE FROM access.past")
    with pytest.raises(replay.NoRecordThen):
        await could(space, cid, between)


async def test_the_reason_and_the_matrix_of_then_are_told(space: Space) -> None:
    """A matrix that was replaced still decides what it decided; a profession that was corrected too."""
    cid, at = space.where.people["patient"], space.clock.now
    matrix = space.built.door.matrix
    conn = await psycopg.AsyncConnection.connect(space.admin_url, autocommit=True)
    async with conn:
        await replay.keep(conn, matrix, at - timedelta(days=1))
        await replay.keep(conn, matrix, at)
    found = {each.actor.sub: each for each in await could(space, cid, at)}
    gp = found[(await space.actor("gp")).sub]
    assert (gp.decision.rule, gp.decision.matrix) == ("treating-doctor", matrix.version)
    assert gp.reasons[0].kind == "consent" and gp.reasons[0].since is not None
    assert gp.withheld == 0 and sum(gp.counts.values()) > 100
    nurse = (await space.actor("nurse")).sub
    emptied = replace(matrix, rows={}, version="empty", effective=space.clock.now.date())
    later = at + timedelta(days=2)
    conn = await psycopg.AsyncConnection.connect(space.admin_url, autocommit=True)
    async with conn:
        await replay.keep(conn, emptied, later)
        _, now = await replay.could(conn, matrix, cid, later + timedelta(hours=1))
        _, then = await replay.could(conn, emptied, cid, at)
    assert {each.actor.sub: sum(each.counts.values()) for each in then}[nurse] > 0
    assert {each.actor.sub: sum(each.counts.values()) for each in now}[nurse] == 0


# What a service may change of the rights, all of it dated or kept by migration 0020 as it was.
CHANGED = {
    "assistant": {"until", "ended_by"}, "block": {"until"}, "consent": {"withdrawn"},
    "mandate": {"revoked", "revoked_by"}, "refusal": {"until"}, "trusted": {"until"},
    "record": {"state", "since", "noticed", "archived_until", "motive", "feeding_opposed",
               "feeding_motive", "emergency_refused", "regulation_refused", "erase_asked", "erase_due",
               "root"},
    "emergency": {"ended", "reviewed", "reviewed_by", "verdict", "comment"},
}  # fmt: skip
KEPT = (*CHANGED, "team_member", "subject")
# Tables of the schema that no decision on what is read is made of. What a person allowed an application
# narrows what it reads in their name, and is never more than what they may read themselves.
OTHERS = {
    "alert", "announcement", "clock", "family", "identity", "meanwhile", "notice_code", "offer",
    "organisation", "revision", "handle_key",
    "allowed", "asked", "client", "code", "launch", "refresh",
    # Whose account is open is not whose record may be read: who was stopped could have read it otherwise.
    "activation", "alarm", "client_act", "mail", "rate", "recovery", "stopped",
}  # fmt: skip


async def test_nothing_that_decides_is_changed_without_its_past(space: Space) -> None:
    """A column or a table that a service may change from now on is dated, kept, or said to decide nothing."""
    granted: dict[str, set[str]] = {}
    for table, column in await space.rows(
        "SELECT table_name, column_name FROM information_schema.column_privileges"
        " WHERE table_schema = 'access' AND privilege_type = 'UPDATE'"
        " AND grantee IN ('carnet_app', 'carnet_worker', 'carnet_portal')"
    ):
        granted.setdefault(table, set()).add(column)
    for table in sorted(set(granted) - OTHERS):
        assert granted[table] <= CHANGED.get(table, set()), table
    kept = {
        table for (table,) in await space.rows(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'keep_past'"
            " AND tgenabled IN ('A', 'O')"
        )
    }  # fmt: skip
    assert kept == {"record.resource", *(f"access.{table}" for table in KEPT)}
    for role in ("carnet_app", "carnet_worker"):
        ((may,),) = await space.rows(
            "SELECT has_table_privilege(%s, 'access.past', 'SELECT, INSERT, UPDATE, DELETE')", role
        )
        assert not may


async def test_the_past_of_what_is_erased_goes_with_it(space: Space) -> None:
    visit = await space.visit("patient")
    nurse = int(people.NURSE.rpps)
    cid = space.where.people["patient"]
    kept = "SELECT count(*) FROM access.past WHERE cid = %s"
    ((before,),) = await space.rows(kept, cid)  # documents that others replaced
    await block.block(visit, nurse)
    space.clock.advance(timedelta(days=1))
    await block.unblock(visit, nurse)
    assert await space.rows(kept, cid) == [(before + 1,)]
    door = space.built.door
    pool = await open_pool(
        space.admin_url.replace("postgres:", "carnet_worker:"), min_size=1, max_size=1, limits=JOB
    )
    try:
        async with pool.connection() as conn, conn.transaction():
            await platform.enter_erasure(door, conn, cid)
            await conn.execute("SELECT access.erase(%s, %s)", (cid, door.clock()))
    finally:
        await pool.close()
    assert await space.rows(kept, cid) == [(0,)]
