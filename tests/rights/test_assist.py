# SPDX-License-Identifier: EUPL-1.2
"""Assistants: who names them, where, and that the end of it is the end, at the next request."""

from datetime import timedelta

import pytest

from carnet import errors
from carnet.documents import consult
from carnet.rights import assist
from carnet.vigilance import find as finding
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio

SUB = "assistant:assistant"
GP, NURSE = int(people.GP.rpps), int(people.NURSE.rpps)
SECOND = int(people.POPULATION.professional("gp-2").rpps)


async def reads(space: Space) -> bool:
    try:
        await consult.documents(await space.visit("assistant"), space.patient_id())
    except errors.NotFound:
        return False
    return True


async def alone(space: Space) -> None:
    """Nobody has an assistant."""
    await space.rows("UPDATE access.assistant SET until = %s", space.clock())


async def test_a_professional_names_and_dismisses_their_assistant_at_once(space: Space) -> None:
    await alone(space)
    assert not await reads(space)
    gp = await space.visit("gp")
    (one,) = await assist.colleagues(gp)
    assert (one.sub, one.since) == (SUB, None)
    await assist.name(gp, SUB)
    await assist.name(gp, SUB)
    (one,) = await assist.colleagues(gp)
    assert one.since is not None
    assert await reads(space)
    await assist.dismiss(gp, SUB)
    assert not await reads(space)
    rows = await space.rows(
        "SELECT rpps, named_by, ended_by FROM access.assistant WHERE named_by LIKE 'rpps:%%'"
    )
    assert rows == [(GP, gp.actor.sub, gp.actor.sub)], "named twice is once"
    traces = await space.rows(
        "SELECT act, rule FROM access.audit WHERE act LIKE 'assistant%%' ORDER BY seq"
    )
    named, ended = (
        ("assistant", "named-by-professional"),
        ("assistant-ended", "ended-by-professional"),
    )
    assert traces == [named, named, ended]


async def test_nobody_names_the_assistant_of_another_place_or_of_another_professional(
    space: Space,
) -> None:
    with pytest.raises(assist.NotColleague):
        await assist.name(await space.visit("outsider"), SUB)
    for other in ("patient:patient", "operator:operator", "assistant:nobody"):
        with pytest.raises(assist.NotColleague):
            await assist.name(await space.visit("gp"), other)
    with pytest.raises(assist.NotYours):
        await assist.name(await space.visit("nurse"), SUB, GP)
    for who in ("patient", "assistant", "lab-software"):
        with pytest.raises(assist.NotYours):
            await assist.name(await space.visit(who), SUB, GP)
        with pytest.raises(assist.NotYours):
            await assist.everybody(await space.visit(who))
    with pytest.raises(assist.NotYours):
        await assist.name(await space.visit("operator"), SUB)
    refused = await space.rows(
        "SELECT rule FROM access.audit WHERE act = 'assistant' AND NOT granted"
    )
    assert set(refused) == {("not-a-colleague",)}


async def test_the_operator_names_within_one_establishment_and_dismisses(space: Space) -> None:
    await alone(space)
    desk = await space.visit("operator")
    with pytest.raises(assist.NotColleague):
        await assist.name(desk, SUB, int(people.OUTSIDER.rpps))
    await assist.name(desk, SUB, SECOND)
    (one,) = await assist.everybody(desk)
    assert (one.sub, one.rpps) == (SUB, SECOND)
    await assist.dismiss(desk, SUB, SECOND)
    (one,) = await assist.everybody(desk)
    assert one.rpps is None


async def test_the_services_role_names_nobody_but_where_it_was_let(space: Space) -> None:
    """Row-level security: the context of one establishment lets write none of another."""
    gp = await space.visit("gp")
    text = (
        "INSERT INTO access.assistant (sub, rpps, since, org)"
        " SELECT %s, %s, now(), max(cid) FROM access.organisation WHERE cid <> %s"
    )
    assert gp.actor.org is not None
    async with gp.door.pool.connection() as conn:
        with pytest.raises(Exception, match="row-level security"):
            async with conn.transaction():
                await gp.rights_of(conn, [gp.actor.org])
                await conn.execute(text.encode(), (SUB, NURSE, gp.actor.org))
        async with conn.transaction():
            done = await conn.execute("UPDATE access.assistant SET until = now()")
        assert done.rowcount == 0, "nothing moves without a context"


async def test_an_assistant_finds_whom_their_professional_treats_and_nobody_else(
    space: Space,
) -> None:
    visit = await space.visit("assistant")
    (found,) = await finding.find(visit, TraitsForm(ins=people.PATIENT.ins))
    assert found.consented
    assert await finding.resolve(visit, found.handle) == space.patient_id()
    await space.rows("UPDATE access.consent SET withdrawn = %s", space.clock())
    assert await finding.find(visit, TraitsForm(ins=people.PATIENT.ins)) == []
    await space.rows(
        "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
        " VALUES (1, %s, %s, 'bris-de-glace', 'unconscious', %s, %s)",
        space.where.people["patient"], visit.actor.rpps,
        space.clock.now, space.clock.now + timedelta(hours=2),
    )  # fmt: skip
    assert await finding.find(visit, TraitsForm(ins=people.PATIENT.ins)) == [], "nor in emergency"
    with pytest.raises(errors.NotFound):
        await finding.resolve(visit, found.handle)
