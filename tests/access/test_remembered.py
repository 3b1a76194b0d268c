# SPDX-License-Identifier: EUPL-1.2
"""A remembered decision is the one that would be made now, or no statement is answered under it.

One side changes rights and commits; the other reads with what it remembers, through connections of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import SerializationFailure

from carnet.access import matrix as matrices
from carnet.access import queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Nothing, Visit
from carnet.access.door.decide import Decision
from carnet.access.door.visit import Changing
from carnet.access.remembered import Kept, Key, Remembered
from carnet.access.seal import SET
from carnet.fhir.search.scope import Scope, context_parts
from tests.agreement import seeds
from tests.space import Peopled, Space, build, clone, pattern

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECORDS = (101, 102, 103)
ORGANISATION = 901
READ = ("record", "consent", "team", "team_member", "block", "mandate", "trusted", "emergency",
        "assistant")  # fmt: skip
DOCTOR = Actor(
    ActorKind.PROFESSIONAL, "rpps:11", "", "", rpps=11, org=ORGANISATION, profession="10/SM54"
)
OTHER = replace(DOCTOR, sub="rpps:12", rpps=12)
OWN = Actor(ActorKind.PATIENT, "patient:101", "", "", patient=101)
PARENT = Actor(ActorKind.PATIENT, "patient:102", "", "", patient=102)
HELPER = Actor(ActorKind.HELPER, "helper:1", "", "")
ASSISTANT = Actor(ActorKind.ASSISTANT, "assistant:1", "", "", rpps=11, org=ORGANISATION)
ACTORS = (DOCTOR, OTHER, OWN, replace(OWN, secret=True), PARENT, HELPER, ASSISTANT)
PAIRS = [(actor, cid) for actor in ACTORS for cid in RECORDS]
CHANGES, SOME = 60, 6  # of a random history; pairs looked at after each


@dataclass
class Counting(Remembered[Decision]):
    """How often it was used."""

    hits: int = 0

    def __init__(self) -> None:
        super().__init__()

    def get(self, key: Key, now: datetime, matrix: matrices.Matrix) -> Decision | None:
        found = super().get(key, now, matrix)
        self.hits += found is not None
        return found


@dataclass
class Sides:
    """Who reads, with a memory; who decides anew each time; and who changes what they decide on."""

    runner: asyncio.Runner
    door: Door
    plain: Door
    admin: AsyncConnection[Any]
    memory: Counting
    now: datetime = START
    stale: int = field(default=0)  # statements refused because something had changed

    def change(self, *statements: str) -> None:
        """Committed one by one; {now} is the clock of those who decide."""

        async def done() -> None:
            for statement in statements:
                await self.admin.execute(statement.format(now=f"'{self.now}'").encode())

        self.runner.run(done())

    def seen(self, actor: Actor, cid: int) -> set[int]:
        """What is read in a record by a decision that may be remembered."""
        return self.runner.run(self._seen(actor, cid))[1]

    def now_seen(self, actor: Actor, cid: int) -> set[int]:
        """The same, by one made at once."""
        return self.runner.run(self._fresh(actor, cid))[1]

    def agree(self, actor: Actor, cid: int) -> None:
        """Both sides decide and read alike."""
        found, expected = (self.runner.run(side(actor, cid)) for side in (self._seen, self._fresh))
        assert found == expected, (actor, cid)

    async def _seen(self, actor: Actor, cid: int) -> tuple[Decision, set[int]]:
        async with self.door.pool.connection() as conn:
            for attempt in range(2):
                decision = await self.door.recall(conn, actor, [cid], anew=attempt > 0)
                try:
                    return bare(decision), await rows(conn, self.door, decision.scope)
                except SerializationFailure:
                    self.stale += 1
        raise AssertionError("refused twice, and nobody else changes anything")

    async def _fresh(self, actor: Actor, cid: int) -> tuple[Decision, set[int]]:
        async with self.plain.pool.connection() as conn:
            decision = await self.plain.decide(conn, actor, [cid])
            return bare(decision), await rows(conn, self.plain, decision.scope)

    def again(self) -> None:
        """Nothing said of anybody, and three records open."""
        self.now = START
        self.change(
            *(f"DELETE FROM access.{table}" for table in reversed(READ)),
            *(f"INSERT INTO access.record (cid, state, since) VALUES ({cid}, 'open', {{now}})"
              for cid in RECORDS),
            *(f"INSERT INTO access.team (id, cid, name) VALUES ({cid}, {cid}, '')"
              for cid in RECORDS),
        )  # fmt: skip


def bare(decision: Decision) -> Decision:
    """Without its proof."""
    return replace(decision, scope=replace(decision.scope, proof=""))


async def rows(conn: AsyncConnection[Any], door: Door, scope: Scope) -> set[int]:
    """All that row-level security lets this context read."""
    async with conn.transaction():
        await conn.execute(SET, (door.context(conn, context_parts(scope)),))
        cursor = await conn.execute("SELECT rid FROM record.resource")
        return {rid for (rid,) in await cursor.fetchall()}


@pytest.fixture(scope="module")
def both(peopled: Peopled) -> Iterator[Sides]:
    """Two installations of one database, with pools of their own, and its superuser."""
    with clone(peopled.cluster, peopled.name) as name, asyncio.Runner() as runner:
        place = pattern(peopled.cluster, name)
        one, two = (
            runner.run(build(place, peopled.folder, None, seed=seed))  # type: ignore[arg-type]
            for seed in (1, 2)
        )

        async def opened() -> AsyncConnection[Any]:
            conn = await AsyncConnection.connect(
                peopled.cluster.url(database=name), autocommit=True
            )
            await conn.execute("DELETE FROM record.resource")
            for sub in ("patient:101", "patient:102", "helper:1", "assistant:1"):
                await conn.execute(
                    "INSERT INTO access.subject (sub, kind, name) VALUES (%s, %s, '')",
                    (sub, sub.partition(":")[0]),
                )
            for cid in RECORDS:
                for kind, label in ((1, 0), (10, 0), (12, 0), (20, 1), (60, 2)):
                    await conn.execute(
                        "INSERT INTO record.resource VALUES (%s, %s, %s, 1, 'x', 1, %s, '-infinity',"
                        " '-infinity', %s, %s, NULL, %s, NULL, false, 0, '{}', '',"
                        " (SELECT number FROM search.floor))",
                        (cid, cid * 1000 + kind, None, START, kind, label, ORGANISATION),
                    )
            return conn

        admin, memory = runner.run(opened()), Counting()
        made = Sides(runner, one.door, two.door, admin, memory)
        made.door = replace(one.door, clock=lambda: made.now, remembered=memory)
        made.plain = replace(two.door, clock=lambda: made.now)
        yield made
        runner.run(admin.close())
        for each in (one, two):
            runner.run(each.pool.close())


@pytest.fixture
def sides(both: Sides) -> Sides:
    both.again()
    both.memory.forget()
    both.memory.hits = both.stale = 0
    return both


# -- a random history -----------------------------------------------------------------------------


def history(chance: Random) -> str:
    """One change of what somebody may do."""
    cid, rpps = chance.choice(RECORDS), chance.choice((11, 11, 12))
    since = f"{{now}}::timestamptz + interval '{chance.choice((-2, 0, 0, 1))} hours'"
    until = f"{{now}}::timestamptz + interval '{chance.choice((0, 1, 1, 2))} hours'"
    perhaps = chance.choice(("NULL", until))
    number = chance.randrange(10**9)
    sub = chance.choice(("patient:101", "patient:102", "helper:1"))
    away = chance.choice(("open", "open", "open", "notice", "closed", "deleted"))
    root = chance.choice(("NULL", *map(str, set(RECORDS) - {cid})))
    changes: dict[str, str] = {
        "visit": f"INSERT INTO access.consent VALUES ({number}, {cid}, NULL, {rpps}, 'oral', '',"
                 f" {since}, {perhaps})",
        "agree": f"INSERT INTO access.consent VALUES ({number}, {cid}, {cid}, NULL, 'oral', '',"
                 f" {since}, {perhaps})",
        "withdraw": f"UPDATE access.consent SET withdrawn = {{now}} WHERE cid = {cid}",
        "prolong": f"UPDATE access.consent SET until = {perhaps} WHERE cid = {cid}",
        "join": f"INSERT INTO access.team_member VALUES ({cid}, {rpps},"
                f" '{chance.choice(('PCP', '353'))}', {since}, {perhaps}) ON CONFLICT DO NOTHING",
        "leave": f"DELETE FROM access.team_member WHERE team = {cid} AND rpps = {rpps}",
        "move": f"UPDATE access.team SET cid = {chance.choice(RECORDS)} WHERE id = {cid}",
        "block": f"INSERT INTO access.block VALUES ({cid}, {rpps}, {since}, {perhaps})"
                 " ON CONFLICT DO NOTHING",
        "unblock": f"UPDATE access.block SET until = {{now}} WHERE cid = {cid}",
        "mandate": f"INSERT INTO access.mandate VALUES ({number}, {cid}, '{sub}', 'carer',"
                   f" '{chance.choice(('all', 'care', 'management'))}', 'paper', '', {since},"
                   f" {perhaps})",
        "revoke": f"UPDATE access.mandate SET revoked = {{now}} WHERE cid = {cid}",
        "trust": f"INSERT INTO access.trusted VALUES ({cid}, {rpps}, {since}, {perhaps})"
                 " ON CONFLICT DO NOTHING",
        "distrust": f"UPDATE access.trusted SET until = {{now}} WHERE cid = {cid}",
        "emergency": "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until) VALUES"
                     f" ({number}, {cid}, {rpps}, 'bris-de-glace', '', {since}, {until})",
        "end": f"UPDATE access.emergency SET ended = {{now}} WHERE cid = {cid}",
        "refuse": f"UPDATE access.record SET emergency_refused = {chance.choice(('true', 'false'))}"
                  f" WHERE cid = {cid}",
        "state": f"UPDATE access.record SET state = '{away}' WHERE cid = {cid}",
        "open": "UPDATE access.record SET state = 'open'",
        "merge": f"UPDATE access.record SET root = {root} WHERE cid = {cid} AND NOT EXISTS"
                 f" (SELECT FROM access.record x WHERE x.root = {cid})",
        "split": "UPDATE access.record SET root = NULL",
        "assist": f"INSERT INTO access.assistant VALUES ('assistant:1', {rpps}, {since}, {perhaps})"
                  " ON CONFLICT DO NOTHING",
        "dismiss": f"UPDATE access.assistant SET until = {{now}} WHERE rpps = {rpps}",
    }  # fmt: skip
    return changes[chance.choice(sorted(changes))]


@pytest.mark.slow
def test_what_is_remembered_is_what_would_be_decided_now(sides: Sides) -> None:
    chance = Random(seeds.chosen())
    for _ in range(CHANGES):
        sides.change(history(chance))
        if chance.random() < 0.3:  # time passes, or a demonstration's clock is put back
            sides.now += chance.choice((HOUR, HOUR / 2, HOUR, -HOUR / 2))
        for actor, cid in chance.sample(PAIRS, SOME):
            sides.agree(actor, cid)
    assert sides.memory.hits > CHANGES / 2 and sides.stale > CHANGES / 5


# -- each table, with its trigger and without -----------------------------------------------------

LONG = "{now}::timestamptz - interval '1 hour'"
VISIT = (f"INSERT INTO access.consent VALUES (1, 101, NULL, 11, 'oral', '', {LONG})",)
TEAM = (
    f"INSERT INTO access.consent VALUES (2, 101, 101, NULL, 'oral', '', {LONG})",
    f"INSERT INTO access.team_member VALUES (101, 11, 'PCP', {LONG})",
)
# (who reads, what lets them, what takes it away): the change is in that table and in no other.
SCENES: dict[str, tuple[Actor, tuple[str, ...], str]] = {
    "record": (OWN, (), "UPDATE access.record SET state = 'closed' WHERE cid = 101"),
    "consent": (DOCTOR, VISIT, "UPDATE access.consent SET withdrawn = {now}"),
    "team": (DOCTOR, TEAM, "UPDATE access.team SET cid = 102 WHERE id = 101"),
    "team_member": (DOCTOR, TEAM, "DELETE FROM access.team_member"),
    "block": (DOCTOR, VISIT, "INSERT INTO access.block VALUES (101, 11, {now})"),
    "mandate": (
        HELPER,
        (
            "INSERT INTO access.mandate VALUES"
            f" (1, 101, 'helper:1', 'helper', 'all', 'paper', '', {LONG})",
        ),
        "UPDATE access.mandate SET revoked = {now}",
    ),
    "trusted": (
        DOCTOR,
        (*VISIT, f"INSERT INTO access.trusted VALUES (101, 11, {LONG})"),
        "UPDATE access.trusted SET until = {now}",
    ),
    "emergency": (
        DOCTOR,
        (
            "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until) VALUES"
            f" (1, 101, 11, 'bris-de-glace', '', {LONG}, {{now}}::timestamptz + interval '9 hours')",
        ),
        "UPDATE access.emergency SET ended = {now}",
    ),
    "assistant": (
        ASSISTANT,
        (*VISIT, f"INSERT INTO access.assistant VALUES ('assistant:1', 11, {LONG})"),
        "UPDATE access.assistant SET until = {now}",
    ),
}


@pytest.mark.parametrize("table", READ)
def test_what_is_taken_away_is_not_read_once_more(sides: Sides, table: str) -> None:
    actor, lets, takes = SCENES[table]
    sides.change(*lets)
    before = sides.seen(actor, 101)
    assert sides.seen(actor, 101) == before and sides.memory.hits == 1
    sides.change(takes)
    after = sides.seen(actor, 101)
    assert after == sides.now_seen(actor, 101)
    assert after < before and sides.stale == 1


@pytest.mark.parametrize("table", READ)
def test_without_the_trigger_of_one_table_it_would_be(sides: Sides, table: str) -> None:
    actor, lets, takes = SCENES[table]
    sides.change(*lets, f"ALTER TABLE access.{table} DISABLE TRIGGER revise")
    try:
        before = sides.seen(actor, 101)
        sides.change(takes)
        assert sides.seen(actor, 101) == before > sides.now_seen(actor, 101)
    finally:
        sides.change(f"ALTER TABLE access.{table} ENABLE ALWAYS TRIGGER revise")


def test_every_table_a_decision_reads_has_its_triggers(sides: Sides) -> None:
    text = queries.LINKS + queries.HELD + queries.ASSISTS
    assert set(re.findall(r"access\.(\w+)", text)) == set(READ)

    async def armed() -> set[tuple[str, str]]:
        cursor = await sides.admin.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgenabled = 'A' AND t.tgname IN ('revise', 'revise_all')"
        )
        return {(table, name) for table, name in await cursor.fetchall()}

    assert sides.runner.run(armed()) == {
        (table, name) for table in READ for name in ("revise", "revise_all")
    }


def test_a_table_emptied_at_once_revises_everything(sides: Sides) -> None:
    sides.change(*VISIT)
    assert sides.seen(DOCTOR, 101)
    sides.change("TRUNCATE access.consent")
    assert not sides.seen(DOCTOR, 101)


def test_what_has_no_revision_is_not_remembered(sides: Sides) -> None:
    """A table emptied at once revises what has one."""
    sides.change(*VISIT, "DELETE FROM access.revision")
    assert sides.seen(DOCTOR, 101) and sides.seen(DOCTOR, 101) and sides.memory.hits == 0
    sides.change("TRUNCATE access.consent")
    assert not sides.seen(DOCTOR, 101)


# -- time, sets, erasure --------------------------------------------------------------------------


def test_a_consent_that_ends_while_it_is_remembered_has_ended(sides: Sides) -> None:
    sides.change(
        f"INSERT INTO access.consent VALUES (1, 101, NULL, 11, 'oral', '', {LONG},"
        " {now}::timestamptz + interval '1 hour')"
    )
    assert sides.seen(DOCTOR, 101)
    sides.now += HOUR - timedelta(microseconds=1)
    assert sides.seen(DOCTOR, 101) and sides.memory.hits == 1
    sides.now += timedelta(microseconds=1)
    assert not sides.seen(DOCTOR, 101) and sides.memory.hits == 1


def test_a_block_that_begins_while_a_decision_is_remembered_has_begun(sides: Sides) -> None:
    later = "{now}::timestamptz + interval '1 hour'"
    sides.change(*VISIT, f"INSERT INTO access.block VALUES (101, 11, {later})")
    assert sides.seen(DOCTOR, 101)
    sides.now += HOUR
    assert not sides.seen(DOCTOR, 101)


def test_a_clock_that_is_put_back_is_believed(sides: Sides) -> None:
    sides.change("INSERT INTO access.consent VALUES (1, 101, NULL, 11, 'oral', '', {now})")
    assert sides.seen(DOCTOR, 101)
    sides.now -= HOUR
    assert not sides.seen(DOCTOR, 101)


def test_a_day_later_what_was_left_unnamed_is_no_more_seen(sides: Sides) -> None:
    """What changes with each instant is not remembered: since when a Binary is seen without a document."""
    sides.change(*VISIT)
    sides.seen(DOCTOR, 101)
    sides.now += 30 * HOUR
    sides.agree(DOCTOR, 101)
    assert sides.memory.hits == 1


@pytest.mark.parametrize("change", ["UPDATE access.record SET root = NULL WHERE cid = 102",
                                    "UPDATE access.record SET state = 'closed' WHERE cid = 102",
                                    "INSERT INTO access.block VALUES (102, 11, {now})"])  # fmt: skip
def test_what_is_said_in_one_of_a_set_is_known_of_the_others(sides: Sides, change: str) -> None:
    sides.change(*VISIT, "UPDATE access.record SET root = 103 WHERE cid IN (101, 102)")
    assert {rid // 1000 for rid in sides.seen(DOCTOR, 101)} == set(RECORDS)
    sides.change(change)
    assert sides.seen(DOCTOR, 101) == sides.now_seen(DOCTOR, 101)
    assert 102 not in {rid // 1000 for rid in sides.seen(DOCTOR, 101)}


def test_a_record_that_joins_is_read_with_the_others(sides: Sides) -> None:
    sides.change(*VISIT)
    assert {rid // 1000 for rid in sides.seen(DOCTOR, 101)} == {101}
    sides.change("UPDATE access.record SET root = 101 WHERE cid = 102")
    assert {rid // 1000 for rid in sides.seen(DOCTOR, 101)} == {101, 102}


def test_the_sets_a_software_remembers_are_read_again_when_one_has_changed(sides: Sides) -> None:
    software = Actor(ActorKind.SOFTWARE, "software:1", "", "", org=ORGANISATION)

    async def searched(anew: bool) -> dict[int, tuple[int, ...]]:
        async with sides.door.pool.connection() as conn:
            plain = await sides.door.decide(conn, software, [101])
            decision = await sides.door.sets(conn, software, plain, [101], anew=anew)
            await rows(conn, sides.door, decision.scope)
            return dict(decision.merged)

    assert sides.runner.run(searched(anew=False)) == {}
    assert sides.runner.run(searched(anew=False)) == {} and sides.memory.hits == 1
    sides.change("UPDATE access.record SET root = 101 WHERE cid = 102")
    with pytest.raises(SerializationFailure):
        sides.runner.run(searched(anew=False))
    assert sides.runner.run(searched(anew=True)) == {101: (101, 102)}
    assert sides.runner.run(searched(anew=False)) == {101: (101, 102)}


def test_an_erased_record_is_forgotten_by_all(sides: Sides) -> None:
    sides.change(*VISIT)
    assert sides.seen(DOCTOR, 101) and sides.seen(OWN, 101)

    async def erased() -> None:
        async with sides.admin.transaction():
            parts = context_parts(Scope(), erased=101)
            await sides.admin.execute(SET, (sides.plain.context(sides.admin, parts),))
            await sides.admin.execute("SELECT access.erases(101)")
            await sides.admin.execute("DELETE FROM access.consent WHERE cid = 101")
            await sides.admin.execute("UPDATE access.record SET state = 'deleted' WHERE cid = 101")

    sides.runner.run(erased())
    assert not sides.seen(DOCTOR, 101) and not sides.seen(OWN, 101)


# -- in the snapshot of the reading itself --------------------------------------------------------


def test_a_change_between_the_context_and_the_reading_is_seen(sides: Sides) -> None:
    """The context was believed; what it was made of changes before the next statement reads."""
    sides.change(*VISIT)

    async def late() -> None:
        async with sides.door.pool.connection() as conn:
            decision = await sides.door.recall(conn, DOCTOR, [101])
            async with conn.transaction():
                parts = context_parts(decision.scope)
                await conn.execute(SET, (sides.door.context(conn, parts),))
                await sides.admin.execute("UPDATE access.consent SET withdrawn = since")
                await conn.execute("SELECT rid FROM record.resource")

    with pytest.raises(SerializationFailure):
        sides.runner.run(late())


@pytest.mark.parametrize(
    "table", ["idx_string", "idx_date", "idx_number", "history", "id_map", "attachment"]
)
def test_what_follows_a_resource_is_read_under_its_proof(sides: Sides, table: str) -> None:
    async def policies() -> list[str]:
        cursor = await sides.admin.execute(
            "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy"
            " WHERE polrelid = %s::regclass AND polcmd IN ('r', '*') AND polname <> 'erase'",
            (f"record.{table}",),
        )
        return [text for (text,) in await cursor.fetchall()]

    found = sides.runner.run(policies())
    assert found and all("record.resource" in text for text in found)


def test_a_change_undone_leaves_what_is_remembered(sides: Sides) -> None:
    sides.change(*VISIT)
    sides.seen(DOCTOR, 101)

    async def undone() -> None:
        async with sides.admin.transaction(force_rollback=True):
            await sides.admin.execute("UPDATE access.consent SET withdrawn = since")

    sides.runner.run(undone())
    assert sides.seen(DOCTOR, 101) and (sides.memory.hits, sides.stale) == (1, 0)


def test_a_service_may_not_put_a_revision_back(sides: Sides) -> None:
    async def tried(act: str) -> bool:
        async with sides.admin.transaction(force_rollback=True):
            await sides.admin.execute("SET LOCAL ROLE carnet_app")
            cursor = await sides.admin.execute(
                "SELECT has_table_privilege('access.revision', %s)", (act,)
            )
            row = await cursor.fetchone()
            return bool(row and row[0])

    can = {
        act for act in ("INSERT", "UPDATE", "DELETE", "TRUNCATE") if sides.runner.run(tried(act))
    }
    assert can == set()


# -- what is kept ---------------------------------------------------------------------------------


def kept(matrix: matrices.Matrix) -> Kept[str]:
    return Kept("made", START, None, matrix)


def test_the_least_used_is_forgotten_first() -> None:
    memory, matrix = Remembered[str](most=2), matrices.load()
    keys: list[Key] = [(DOCTOR, (cid,)) for cid in RECORDS]
    memory.keep(keys[0], kept(matrix))
    memory.keep(keys[1], kept(matrix))
    assert memory.get(keys[0], START, matrix)
    memory.keep(keys[2], kept(matrix))
    found = [memory.get(key, START, matrix) for key in keys]
    assert found == ["made", None, "made"] and len(memory) == 2


CHANGED: dict[str, Callable[[Actor], Actor]] = {
    "profession": lambda who: replace(who, profession="60"),
    "place": lambda who: replace(who, org=902),
    "secret": lambda who: replace(who, secret=True),
    "token": lambda who: replace(who, rev=2),
}


@pytest.mark.parametrize("what", CHANGED)
def test_another_actor_is_another_decision(what: str) -> None:
    memory, matrix = Remembered[str](), matrices.load()
    memory.keep((DOCTOR, (101,)), kept(matrix))
    assert memory.get((CHANGED[what](DOCTOR), (101,)), START, matrix) is None


def test_another_version_of_the_matrix_is_another_decision() -> None:
    memory, matrix = Remembered[str](), matrices.load()
    memory.keep((DOCTOR, (101,)), kept(matrix))
    assert memory.get((DOCTOR, (101,)), START, replace(matrix, version="next")) is None


# -- by a visit -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_visit_decides_anew_and_leaves_one_trace(space: Space) -> None:
    """Remembered, then withdrawn by somebody else's process: refused, and nothing granted is written."""
    visit = await space.visit("gp")
    id = space.patient_id()
    await visit.read("Patient", id)
    since = "SELECT granted FROM access.audit WHERE sub = %s AND act = 'read' ORDER BY seq"
    before = len(await space.rows(since, visit.actor.sub))
    await visit.read("Patient", id)
    assert len(space.built.door.remembered) == 1
    await space.rows("UPDATE access.consent SET withdrawn = since")
    with pytest.raises(Nothing):
        await visit.read("Patient", id)
    after = await space.rows(since, visit.actor.sub)
    assert [granted for (granted,) in after[before:]] == [True, False]


@pytest.mark.anyio
async def test_a_record_that_never_stops_changing_is_said_to(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await space.visit("patient")

    async def never(*_: object) -> None:
        raise SerializationFailure

    monkeypatch.setattr(Visit, "enter", never)
    with pytest.raises(Changing):
        await visit.read("Patient", space.patient_id())
