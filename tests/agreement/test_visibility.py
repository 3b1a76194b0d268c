# SPDX-License-Identifier: EUPL-1.2
"""A three-way vote: the door's SQL, the plain reference, and row-level security by itself.

Whole sets are compared: every resource for every viewer, in states made by Hypothesis and in the cast's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection
from psycopg import errors as pg

from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door
from carnet.access.labels import Label
from carnet.access.seal import SET
from carnet.access.visibility import (
    Assistant,
    Block,
    Consent,
    Emergency,
    Mandate,
    Member,
    Period,
    Resource,
    State,
    Trusted,
    Viewer,
    visible,
)
from carnet.fhir.search.scope import Scope, condition, context_parts
from tests import people
from tests.agreement import reading, seeds
from tests.agreement.worlds import campaigning
from tests.space import Clock, Peopled, Space, build, clone, pattern

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PATIENTS = (101, 102, 103, 104)
ORGANISATIONS = (901, 902)
RPPS = (11, 12, 13)
TEAMS = {1: 101, 2: 101, 3: 102, 4: 103, 5: 104}
PROFESSIONS = ("10", "10/SM03", "21", "40", "60", "70", "99", "10/SM54")
VIEWERS = (
    *(Actor(ActorKind.PATIENT, f"patient:{cid}", "", "", patient=cid) for cid in PATIENTS),
    *(
        Actor(ActorKind.PROFESSIONAL, f"rpps:{rpps}", "", "", rpps=rpps, org=org)
        for rpps in RPPS
        for org in ORGANISATIONS
    ),
    *(Actor(ActorKind.SOFTWARE, f"software:{org}", "", "", org=org) for org in ORGANISATIONS),
    *(
        Actor(ActorKind.PATIENT, f"patient:{cid}", "", "", patient=cid, secret=True)
        for cid in PATIENTS[:2]
    ),
    Actor(ActorKind.HELPER, "helper:1", "", ""),
    *(
        Actor(ActorKind.ASSISTANT, "assistant:1", "", "", rpps=rpps, org=ORGANISATIONS[0])
        for rpps in RPPS
    ),
    Actor(ActorKind.OPERATOR, "operator:1", "", ""),
)
SUBS = (*(f"patient:{cid}" for cid in PATIENTS), "helper:1")
LEAST = 20_000  # (viewer, resource, state) triples of one run

moments = st.sampled_from([timedelta(hours=hours) for hours in (-48, -24, -23, -1, 0, 1)]).map(
    lambda off: NOW + off
)
periods = st.builds(Period, moments, st.none() | moments)
ended = st.builds(Period, moments, moments)
labels = st.integers(0, 15).map(Label)
resources = st.builds(
    Resource,
    cid=st.sampled_from((*PATIENTS, *PATIENTS, *ORGANISATIONS, 0)),
    rid=st.just(0),
    kind=st.sampled_from((0, 0, 1, 2, 3, 10, 11, 12, 20, 44, 60, 90, 91, 95)),
    labels=labels,
    owners=st.none() | st.sets(st.sampled_from(PATIENTS), min_size=1, max_size=2).map(frozenset),
    dep_pro=st.none() | st.sampled_from(RPPS),
    dep_org=st.none() | st.sampled_from(ORGANISATIONS),
    updated=moments,
)
states = st.builds(
    State,
    records=st.fixed_dictionaries(
        {cid: st.sampled_from(("open", "open", "open", "notice", "closed", "deleted"))
         for cid in PATIENTS}
    ),
    teams=st.just(TEAMS),
    members=st.lists(
        st.builds(
            Member,
            st.sampled_from(sorted(TEAMS)),
            st.sampled_from(RPPS),
            st.sampled_from(("PCP", "353", "ATTPHYS")),
            periods,
        ),
        max_size=8,
        unique_by=lambda member: (member.team, member.rpps, member.period.since),
    ).map(tuple),
    consents=st.lists(
        st.one_of(
            st.sampled_from(sorted(TEAMS)).flatmap(
                lambda team: st.builds(
                    Consent, st.just(TEAMS[team]), periods, team=st.just(team),
                    withdrawn=st.booleans(),
                )
            ),
            st.builds(
                Consent, st.sampled_from(PATIENTS), periods, rpps=st.sampled_from(RPPS),
                withdrawn=st.booleans(),
            ),
        ),
        max_size=8,
    ).map(tuple),
    blocks=st.lists(
        st.builds(Block, st.sampled_from(PATIENTS), st.sampled_from(RPPS), periods),
        max_size=2,
        unique_by=lambda block: (block.cid, block.rpps, block.period.since),
    ).map(tuple),
    reads=st.just(reading.matrix()),
    mandates=st.lists(
        st.builds(
            Mandate, st.sampled_from(PATIENTS), st.sampled_from(SUBS),
            st.sampled_from(("all", "care", "management")), periods, st.booleans(),
        ),
        max_size=8,
    ).map(tuple),
    trusted=st.lists(
        st.builds(Trusted, st.sampled_from(PATIENTS), st.sampled_from(RPPS), periods),
        max_size=4,
        unique_by=lambda one: (one.cid, one.rpps, one.period.since),
    ).map(tuple),
    emergencies=st.lists(
        st.builds(
            Emergency, st.sampled_from(PATIENTS), st.sampled_from(RPPS),
            st.sampled_from(("bris-de-glace", "centre-15")), ended, st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    assistants=st.lists(
        st.builds(Assistant, st.just("assistant:1"), st.sampled_from(RPPS), periods),
        max_size=3,
        unique_by=lambda one: (one.rpps, one.period.since),
    ).map(tuple),
    refused=st.sets(
        st.tuples(st.sampled_from(PATIENTS), st.sampled_from(("bris-de-glace", "centre-15")))
    ).map(frozenset),
    reaches=st.just(reading.reaches()),
    least=st.just(reading.least()),
    # Who was merged into whom: 104 or 103 into another, or nobody.
    persons=st.fixed_dictionaries(
        {}, optional={104: st.sampled_from((101, 102)), 103: st.sampled_from((101, 102))}
    ),
)  # fmt: skip
# People whose records were merged, and mostly open: what one says holds in the others.
merged = st.builds(
    replace,
    states,
    persons=st.sampled_from(({102: 101, 103: 101}, {102: 101, 104: 103}, {101: 102, 103: 104})),
    records=st.fixed_dictionaries(
        {cid: st.sampled_from(("open",) * 9 + ("notice", "closed", "deleted")) for cid in PATIENTS}
    ),
    blocks=st.lists(
        st.builds(
            Block, st.sampled_from(PATIENTS), st.sampled_from(RPPS),
            st.just(Period(NOW - timedelta(hours=1))),
        ),
        max_size=1,
    ).map(tuple),
)  # fmt: skip


@dataclass
class Bench:
    """A database in which states come and go, each undone at its end."""

    runner: asyncio.Runner
    door: Door
    conn: AsyncConnection[Any]
    triples: int = 0
    stale: int = 0  # remembered decisions that no longer held


@contextlib.contextmanager
def voting(peopled: Peopled) -> Iterator[Bench]:
    """An empty installation, with the superuser's connection to it."""
    with clone(peopled.cluster, peopled.name) as name, asyncio.Runner() as runner:
        clock = Clock(NOW)
        built = runner.run(build(pattern(peopled.cluster, name), peopled.folder, clock))
        door = replace(built.door, clock=lambda: NOW)

        async def emptied() -> AsyncConnection[Any]:
            conn = await AsyncConnection.connect(peopled.cluster.url(database=name))
            for table in ("record.resource", "access.mandate", "access.trusted", "access.emergency",
                          "access.assistant", "access.block", "access.consent",
                          "access.team_member", "access.team", "access.record"):  # fmt: skip
                await conn.execute(f"DELETE FROM {table}".encode())
            for team, cid in TEAMS.items():
                await conn.execute("INSERT INTO access.team VALUES (%s, %s, '')", (team, cid))
            for sub in (*SUBS, "assistant:1"):
                kind = "patient" if sub.startswith("patient") else sub.partition(":")[0]
                await conn.execute(
                    "INSERT INTO access.subject (sub, kind, name) VALUES (%s, %s, '')", (sub, kind)
                )
            await conn.commit()
            return conn

        conn = runner.run(emptied())
        yield Bench(runner, door, conn)
        runner.run(conn.close())
        runner.run(built.pool.close())


@pytest.fixture(scope="module")
def bench(peopled: Peopled) -> Iterator[Bench]:
    """One for all the votes of this file."""
    with voting(peopled) as found:
        yield found


def vote(bench: Bench, states: st.SearchStrategy[State], chosen: int, examples: int = 80) -> None:
    """Have the three vote on so many generated states."""

    @seed(chosen)
    @settings(
        max_examples=examples,
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
    )
    @given(
        state=states,
        made=st.lists(resources, min_size=30, max_size=50),
        professions=st.lists(st.sampled_from(PROFESSIONS), min_size=6, max_size=6),
    )
    def agree(state: State, made: list[Resource], professions: list[str]) -> None:
        rows = [replace(row, rid=rid, owners=_owners(row)) for rid, row in enumerate(made, 1)]
        left = iter(professions)
        actors = [
            replace(actor, profession=next(left)) if actor.kind == "professional" else actor
            for actor in VIEWERS
        ]
        bench.runner.run(_agree(bench, state, rows, actors))
        bench.triples += len(rows) * len(actors)

    agree()


@dataclass
class Votes:
    """What a run of the campaign compared; it ends at the first disagreement."""

    seed: int
    triples: int
    seconds: float
    told: str = ""  # the disagreement

    def __add__(self, other: Votes) -> Votes:
        """Two runs as one."""
        return Votes(
            min(self.seed, other.seed),
            self.triples + other.triples,
            self.seconds + other.seconds,
            self.told or other.told,
        )

    def __str__(self) -> str:
        found = self.told or "server = reference = row-level security alone"
        return f"seed {self.seed}: {self.triples:,} triples in {self.seconds:.0f} s: {found}"


def run(triples: int, chosen: int) -> Votes:
    """So many at least, on a server of its own: what `bench/campaign` calls."""
    started, told, round = time.perf_counter(), "", 0
    with campaigning("vote") as peopled, voting(peopled) as found:
        while found.triples < triples and not told:
            try:
                vote(found, (states, merged)[round % 2], chosen * 1000 + round)
            except AssertionError as error:
                told = str(error)
            round += 1
        return Votes(chosen, found.triples, time.perf_counter() - started, told)


@pytest.mark.parametrize("states", [states, merged], ids=["any", "merged"])
def test_three_readings_of_the_rule_agree(bench: Bench, states: st.SearchStrategy[State]) -> None:
    before = bench.triples
    vote(bench, states, seeds.chosen())
    print(f"{bench.triples - before} triples compared")
    assert bench.triples - before >= LEAST


LONG = Period(NOW - timedelta(hours=24))
SOON = Period(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
JOINED = State(  # 102 was merged into 101, whose doctor is 11; 12 opened it in an emergency
    records=dict.fromkeys(PATIENTS, "open"),
    teams=TEAMS,
    members=(Member(1, 11, "PCP", LONG),),
    consents=(Consent(101, LONG, team=1), Consent(102, LONG, rpps=13)),
    blocks=(),
    reads=reading.matrix(),
    mandates=(Mandate(102, "helper:1", "all", LONG),),
    trusted=(Trusted(102, 13, LONG),),
    emergencies=(Emergency(101, 12, "bris-de-glace", SOON),),
    assistants=(Assistant("assistant:1", 11, LONG),),
    reaches=reading.reaches(),
    least=reading.least(),
    persons={102: 101},
)
SAID = {
    "nothing": JOINED,
    "undone": replace(JOINED, persons={}),
    "a block on the double": replace(JOINED, blocks=(Block(102, 11, LONG), Block(102, 13, LONG))),
    "a block on the person": replace(JOINED, blocks=(Block(101, 11, LONG), Block(101, 13, LONG))),
    "the double closed": replace(JOINED, records={**JOINED.records, 102: "closed"}),
    "the person closed": replace(JOINED, records={**JOINED.records, 101: "closed"}),
    "the double in its notice": replace(JOINED, records={**JOINED.records, 102: "notice"}),
    "a refusal in the double": replace(JOINED, refused=frozenset({(102, "bris-de-glace")})),
    "another refusal": replace(JOINED, refused=frozenset({(102, "centre-15")})),
}


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_of_one_holds_in_what_is_merged_with_it(bench: Bench, said: str) -> None:
    made = [
        Resource(cid, 0, kind, label, None, pro, org, NOW)
        for cid in (101, 102, 103)
        for kind in (0, 1, 10, 20, 60)
        for label in (Label.NONE, Label.MASQUE_PS, Label.INVISIBLE_PATIENT)
        for pro, org in ((None, ORGANISATIONS[0]), (RPPS[1], ORGANISATIONS[1]))
    ]
    rows = [replace(row, rid=rid) for rid, row in enumerate(made, 1)]
    actors = [
        replace(actor, profession="10/SM54") if actor.kind == "professional" else actor
        for actor in VIEWERS
    ]
    bench.runner.run(_agree(bench, SAID[said], rows, actors))


def _owners(row: Resource) -> frozenset[int] | None:
    """Several owners are always those of the row's own compartment among others."""
    if row.owners is None or row.cid not in PATIENTS:
        return None
    owners = row.owners | {row.cid}
    return owners if len(owners) > 1 else None


async def _agree(
    bench: Bench, state: State, rows: Sequence[Resource], actors: Sequence[Actor]
) -> None:
    try:
        await _write(bench.conn, state, rows)
        for actor in actors:
            expected = {row.rid for row in rows if visible(reading.viewer(actor), row, state, NOW)}
            decision = await bench.door.decide(bench.conn, actor, None)
            assert await by_sql(bench.conn, decision.scope) == expected, (actor, decision)
            assert await by_rls(bench.conn, bench.door, decision.scope) == expected, (
                actor,
                decision,
            )
            for cid in (*PATIENTS, *ORGANISATIONS):  # as a request that names one record
                named = await bench.door.decide(bench.conn, actor, [cid])
                inside = {row.rid for row in rows if row.cid == cid}
                single = {row.rid for row in rows if row.owners is None}
                # What two people own needs both records, which a request for one does not open.
                shown = await by_sql(bench.conn, named.scope)
                found = shown & inside
                assert found & single == expected & inside & single, (actor, cid, named)
                assert found <= expected
                # The memory is warm with what other states decided; of one record a turn.
                if cid == PATIENTS[bench.triples % len(PATIENTS)]:
                    assert await _recalled(bench, actor, cid) == shown, (actor, cid)
    finally:
        await bench.conn.rollback()


async def _recalled(bench: Bench, actor: Actor, cid: int) -> set[int]:
    """What row-level security shows by a remembered decision, made anew when it no longer holds."""
    for anew in (False, True):
        decision = await bench.door.recall(bench.conn, actor, [cid], anew=anew)
        try:
            async with bench.conn.transaction():
                found = await by_rls(bench.conn, bench.door, decision.scope)
                await bench.conn.execute("SET LOCAL carnet.scope = ''")
                return found
        except pg.SerializationFailure:
            bench.stale += 1
    raise AssertionError("refused twice in one transaction")


async def _write(conn: AsyncConnection[Any], state: State, rows: Sequence[Resource]) -> None:
    async with conn.cursor() as cur:
        await cur.executemany(
            "INSERT INTO access.record (cid, state, since, emergency_refused, regulation_refused, root)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    cid,
                    name,
                    NOW,
                    (cid, "bris-de-glace") in state.refused,
                    (cid, "centre-15") in state.refused,
                    state.persons.get(cid),
                )
                for cid, name in state.records.items()
            ],
        )
        await cur.executemany(
            "INSERT INTO access.team_member VALUES (%s, %s, %s, %s, %s)",
            [(m.team, m.rpps, m.role, m.period.since, m.period.until) for m in state.members],
        )
        await cur.executemany(
            "INSERT INTO access.consent VALUES (%s, %s, %s, %s, 'oral', 'test', %s, %s, %s)",
            [
                (id, c.cid, c.team, c.rpps, c.period.since, c.period.until,
                 NOW if c.withdrawn else None)
                for id, c in enumerate(state.consents)
            ],
        )  # fmt: skip
        await cur.executemany(
            "INSERT INTO access.block VALUES (%s, %s, %s, %s)",
            [(b.cid, b.rpps, b.period.since, b.period.until) for b in state.blocks],
        )
        await cur.executemany(
            "INSERT INTO access.mandate VALUES (%s, %s, %s, 'carer', %s, 'paper', 'test', %s, %s, %s)",
            [
                (
                    id,
                    m.cid,
                    m.sub,
                    m.reach,
                    m.period.since,
                    m.period.until,
                    NOW if m.revoked else None,
                )
                for id, m in enumerate(state.mandates)
            ],
        )
        await cur.executemany(
            "INSERT INTO access.trusted VALUES (%s, %s, %s, %s)",
            [(t.cid, t.rpps, t.period.since, t.period.until) for t in state.trusted],
        )
        await cur.executemany(
            "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until, ended)"
            " VALUES (%s, %s, %s, %s, 'test', %s, %s, %s)",
            [
                (
                    id,
                    e.cid,
                    e.rpps,
                    e.mode,
                    e.period.since,
                    e.period.until,
                    NOW if e.ended else None,
                )
                for id, e in enumerate(state.emergencies)
            ],
        )
        await cur.executemany(
            "INSERT INTO access.assistant VALUES (%s, %s, %s, %s)",
            [(a.sub, a.rpps, a.period.since, a.period.until) for a in state.assistants],
        )
        await cur.executemany(
            "INSERT INTO record.resource VALUES (%s, %s, %s, 1, 'x', 1, %s, '-infinity',"
            " '-infinity', %s, %s, %s, %s, NULL, false, 0, '{}', '',"
            " (SELECT number FROM search.floor))",
            [
                (r.cid, r.rid, sorted(r.owners) if r.owners else None, r.updated, r.kind,
                 int(r.labels), r.dep_pro, r.dep_org)
                for r in rows
            ],
        )  # fmt: skip


async def by_sql(conn: AsyncConnection[Any], scope: Scope) -> set[int]:
    """The door's condition alone, by the superuser, whom row-level security does not bind."""
    values: dict[str, object] = {}
    text = f"SELECT r.rid FROM record.resource r WHERE {condition(scope, values, public=True)}"
    cursor = await conn.execute(text.encode(), values)
    return {rid for (rid,) in await cursor.fetchall()}


async def by_rls(conn: AsyncConnection[Any], door: Door, scope: Scope) -> set[int]:
    """A bare SELECT by the service's role, under the sealed context alone."""
    await conn.execute(SET, (door.context(conn, context_parts(scope)),))
    await conn.execute("SET LOCAL ROLE carnet_app")
    cursor = await conn.execute("SELECT rid FROM record.resource")
    found = {rid for (rid,) in await cursor.fetchall()}
    await conn.execute("RESET ROLE")
    return found


# Who is only announced has no record in a test's space.
AWAITED = {each.key for each in people.POPULATION.announced}
PERSONAS = [
    each.key
    for each in people.POPULATION.personas
    if each.kind in ("patient", "professional", "software", "operator") and each.key not in AWAITED
]


@pytest.mark.anyio
@pytest.mark.parametrize("persona", PERSONAS)
async def test_the_cast_sees_what_the_rule_says(space: Space, persona: str) -> None:
    actor = await space.actor(persona)
    with psycopg.connect(space.admin_url) as plain:
        rows, state = reading.resources(plain), reading.state(plain)
    now = space.clock.now
    looking: Viewer = reading.viewer(actor)
    expected = {row.rid for row in rows if visible(looking, row, state, now)}
    async with await AsyncConnection.connect(space.admin_url) as conn:
        decision = await space.built.door.decide(conn, actor, None)
        assert await by_sql(conn, decision.scope) == expected
        assert await by_rls(conn, space.built.door, decision.scope) == expected
    assert expected or persona == "operator"
    assert len(expected) < len(rows)
