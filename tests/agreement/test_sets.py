# SPDX-License-Identifier: EUPL-1.2
"""A record that is a set of compartments: random histories of decisions, merges and their undoing.

After each act the plain reference, the door's SQL and row-level security alone agree on who sees what.
Once every merge is undone, what was decided is what each person decided of theirs, as if the two had
never met; and a merge undone at once leaves every access table as it was, row for row.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.visibility import visible
from carnet.documents import hide
from carnet.rights import block, close, consent, erase, mandate, oppose, refuse, reopen, trust
from carnet.rights.clock import due
from carnet.vigilance import merge
from tests import people
from tests.agreement import reading, seeds
from tests.agreement.test_visibility import by_rls, by_sql
from tests.rights.jobs import worker
from tests.space import Space
from tests.vigilance.acts import FIRST, SECOND, made, merged, patient

__all__ = ["worker"]
pytestmark = [pytest.mark.anyio, pytest.mark.slow]
NAMES = ("HELENE", "HELENA", "HELEN")
RPPS = (int(people.OUTSIDER.rpps), int(people.GP.rpps))
MODES = ("bris-de-glace", "centre-15")


@dataclass
class World:
    """Three people of one name, each with an account, documents and whoever may look at them."""

    space: Space
    cids: list[int]
    merges: list[int] = field(default_factory=list)
    numbers: int = 0

    def visit(self, person: int) -> Visit:
        cid = self.cids[person]
        who = Actor(ActorKind.PATIENT, f"patient:set-{person}", "", "tests", patient=cid)
        return Visit(self.space.built.door, who, f"r{self.numbers}")


async def world(space: Space) -> World:
    """Each has one observation of a laboratory and one of the hospital."""
    cids = [await made(space, patient(given=name)) for name in NAMES]
    for number, cid in enumerate(cids):
        await space.rows(
            "INSERT INTO access.subject (sub, kind, name, patient) VALUES (%s, 'patient', %s, %s)",
            f"patient:set-{number}", NAMES[number], cid,
        )  # fmt: skip
        subject = {"reference": f"Patient/{space.built.door.ids.encode(cid, cid)}"}
        for persona in ("hospital-software", "lab-software"):
            body = {
                "resourceType": "Observation", "status": "final", "subject": subject,
                "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            }  # fmt: skip
            assert (await space.post("Observation", body, as_=persona)).status == 201
    return World(space, cids)


# ------------------------------------------------------------------------------------- the acts

PERSONAL = (
    "block", "unblock", "trust", "untrust", "refuse", "accept", "consent", "withdraw", "mandate",
    "revoke", "feeding", "feed-again", "close", "reopen", "ask", "keep", "oppose",
)  # fmt: skip


async def decide(on: World, act: str, person: int, chance: random.Random) -> None:
    """One decision of one person over their record; what their record does not allow is refused."""
    visit, space = on.visit(person), on.space
    rpps, mode = chance.choice(RPPS), chance.choice(MODES)
    cid, now = on.cids[person], space.clock()
    match act:
        case "block":
            await block.block(visit, rpps)
        case "unblock":
            await block.unblock(visit, rpps)
        case "trust":
            await trust.trust(visit, rpps)
        case "untrust":
            await trust.untrust(visit, rpps)
        case "refuse" | "accept":
            await refuse.refuse(visit, mode, refused=act == "refuse")
        case "consent":
            await given(on, cid, rpps)
        case "withdraw":
            await consent.withdraw(visit, rpps)
        case "mandate":
            async with space.built.pool.connection() as conn, conn.transaction():
                await visit.rights_of(conn, [cid])
                on.numbers += 1
                await mandate.write(
                    visit, conn, cid, "patient:set-0" if person else "patient:set-1", "carer",
                    chance.choice(("all", "care")), "paper", "test", f"f{on.numbers}",
                    now + timedelta(days=300),
                )  # fmt: skip
        case "revoke":
            for one in await mandate.mandated(visit):
                await mandate.revoke(visit, one.id)
        case "feeding":
            await oppose.feeding(visit, opposed=True, motive="personal")
        case "feed-again":
            await oppose.feeding(visit, opposed=False)
        case "close":
            await close.close(visit)
        case "reopen":
            await reopen.reopen(visit)
        case "ask":
            await erase.ask(visit)
        case "keep":
            await erase.keep(visit)
        case "oppose":
            await oppose.oppose(visit)


async def given(on: World, cid: int, rpps: int) -> None:
    """A consent for visits, of months."""
    now = on.space.clock()
    added = await on.space.rows(
        "INSERT INTO access.consent (id, cid, rpps, how, declared_by, since, until)"
        " SELECT %s, %s, %s, 'oral', 'test', %s, %s"
        " WHERE (SELECT state FROM access.record WHERE cid = %s) = 'open' RETURNING id",
        on.space.built.door.ids.new(), cid, rpps, now, now + timedelta(days=300), cid,
    )  # fmt: skip
    if not added:
        raise errors.Conflict


async def join(on: World, chance: random.Random) -> None:
    """Merge two of them that are not one person yet."""
    source, target = chance.sample(on.cids, 2)
    on.merges.append(await merged(on.space, source, target))


async def part(on: World, chance: random.Random) -> None:
    """Undo one of the merges in force."""
    if on.merges:
        number = on.merges.pop(chance.randrange(len(on.merges)))
        await merge.undo(await on.space.visit(SECOND), number, "erreur")


# ------------------------------------------------------------------------------------- the vote


async def agree(on: World, actors: Sequence[Actor], done: Any) -> int:
    """The reference, the SQL and row-level security alone; how many pairs were compared."""
    space = on.space
    with psycopg.connect(space.admin_url) as plain:
        rows = [row for row in reading.resources(plain) if row.cid in (*on.cids, 0)]
        state = reading.state(plain)
    now, count = space.clock(), 0
    async with await AsyncConnection.connect(space.admin_url) as conn:
        for actor in actors:
            looking = reading.viewer(actor)
            expected = {row.rid for row in rows if visible(looking, row, state, now)}
            among = {row.rid for row in rows}
            decision = await space.built.door.decide(conn, actor, None)
            assert await by_sql(conn, decision.scope) & among == expected, (done, actor)
            found = await by_rls(conn, space.built.door, decision.scope)
            assert found & among == expected, (done, actor)
            for cid in on.cids:  # as a request that names one of them
                named = await space.built.door.decide(conn, actor, [cid])
                inside = {row.rid for row in rows if row.cid == cid}
                assert await by_sql(conn, named.scope) & inside == expected & inside, (done, actor)
            count += len(rows)
    return count


async def viewers(on: World) -> list[Actor]:
    """The three, those who care for them or do not, and the software that deposited."""
    personas = ("gp", "outsider", "nurse", "hospital-software", "lab-software", "operator")
    found = [await on.space.actor(persona) for persona in personas]
    return [*found, *(on.visit(person).actor for person in range(3))]


@pytest.mark.parametrize("number", range(2))
async def test_after_every_act_the_three_readings_agree(
    space: Space, worker: Door, number: int
) -> None:
    chance = random.Random(seeds.chosen() + number)
    on = await world(space)
    actors = await viewers(on)
    done: list[tuple[str, int]] = []
    for cid in on.cids:
        await given(on, cid, RPPS[0])
    compared = await agree(on, actors, "nothing")
    kinds = [*PERSONAL, *(("join",) * 6), *(("part",) * 3), "mask", "time"]
    for _ in range(24):
        act, person = chance.choice(kinds), chance.randrange(3)
        done.append((act, person))
        try:
            if act == "join":
                await join(on, chance)
            elif act == "part":
                await part(on, chance)
            elif act == "time":  # deletions asked for are done
                space.clock.advance(timedelta(days=31))
                await due(worker)
            elif act == "mask":
                with pytest.raises(errors.NotFound):
                    await hide.hide(on.visit(person), "a" * 26)
            else:
                await decide(on, act, person, chance)
        except errors.CarnetError:
            done.pop()
            continue
        compared += await agree(on, actors, done)
    assert len(done) > 6
    assert compared > 100
    print(done)


# ------------------------------------------------------------------------------------- exactness

TABLES = {
    "record": "cid, state, motive, archived_until IS NULL, feeding_opposed, feeding_motive,"
              " emergency_refused, regulation_refused, erase_asked IS NULL, root",
    "consent": "cid, rpps, withdrawn IS NULL",
    "block": "cid, rpps, until IS NULL",
    "trusted": "cid, rpps, until IS NULL",
    "refusal": "cid, mode, until IS NULL",
    "mandate": "cid, sub, reach, form, revoked IS NULL",
}  # fmt: skip
EVERY = (*TABLES, "emergency", "identity", "team", "team_member", "family", "offer", "announcement",
         "meanwhile")  # fmt: skip


async def said(on: World) -> dict[str, Any]:
    """What the access tables say of the three, by place and not by number."""
    found: dict[str, Any] = {}
    places = {cid: place for place, cid in enumerate(on.cids)}
    for name, columns in TABLES.items():
        rows = await on.space.rows(
            f"SELECT {columns} FROM access.{name} WHERE cid = ANY (%s)", on.cids
        )
        found[name] = sorted(repr(tuple(places.get(each, each) for each in row)) for row in rows)
        if name in ("block", "trusted", "refusal"):  # said again, it is said once more
            found[name] = sorted(set(found[name]))
    return found


@pytest.mark.parametrize("number", range(3))
async def test_once_apart_each_has_what_was_decided_of_theirs(space: Space, number: int) -> None:
    """The same decisions with merges in between, and without: the same tables at the end."""
    seed = seeds.chosen() + number
    chance = random.Random(seed)
    together, alone = await world(space), await world_beside(space)
    history: list[tuple[str, int, int]] = []
    for turn in range(30):
        act, person = (
            chance.choice((*PERSONAL, *(("join",) * 5), *(("part",) * 2))),
            chance.randrange(3),
        )
        if act in ("keep", "reopen"):  # of what another closed: nothing to compare with
            continue
        try:
            if act == "join":
                await join(together, chance)
            elif act == "part":
                await part(together, chance)
            else:
                await decide(together, act, person, random.Random(f"{seed} {turn}"))
                history.append((act, person, turn))
        except errors.CarnetError:
            continue
    while together.merges:
        await part(together, chance)
    for act, person, turn in history:
        try:
            await decide(alone, act, person, random.Random(f"{seed} {turn}"))
        except errors.CarnetError:
            continue
    assert await said(together) == await said(alone), history
    assert await space.rows("SELECT * FROM access.meanwhile") == []


async def world_beside(space: Space) -> World:
    """Three others in the same base."""
    cids = [await made(space, patient(family="AUTRE", given=name)) for name in NAMES]
    await space.rows("DELETE FROM vigilance.candidate")
    return World(space, cids)


async def exactly(space: Space) -> dict[str, list[str]]:
    """Every row of every table that decides."""
    return {
        name: sorted(map(repr, await space.rows(f"SELECT * FROM access.{name}"))) for name in EVERY
    }


async def test_a_merge_undone_leaves_every_access_table_row_for_row(space: Space) -> None:
    chance = random.Random(seeds.chosen())
    on = await world(space)
    for _ in range(25):
        act = chance.choice([each for each in PERSONAL if each not in ("ask", "oppose")])
        try:
            await decide(on, act, chance.randrange(3), chance)
        except errors.CarnetError:
            continue
    before = await exactly(space)
    for _ in range(2):
        try:
            await join(on, chance)
        except errors.Conflict:
            continue
    assert on.merges
    assert await exactly(space) != before
    while on.merges:
        await part(on, chance)
    assert await exactly(space) == before


async def test_planted_an_undo_that_gives_nothing_back_is_seen(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was blocked by one would be let in by the other's unblocking."""
    on = await world(space)
    await block.block(on.visit(0), RPPS[0])
    number = await merged(space, on.cids[0], on.cids[1])
    await block.unblock(on.visit(1), RPPS[0])

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(merge, "give_back", nothing)
    await merge.undo(await space.visit(FIRST), number, "erreur")
    assert (await said(on))["block"] == [repr((0, RPPS[0], False))]
