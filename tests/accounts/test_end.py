# SPDX-License-Identifier: EUPL-1.2
"""An account ends for good by an operator, and with the life of who had it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carnet import errors
from carnet.access import ended
from carnet.access.ended import Over
from carnet.access.limits.refusals import AccountStopped
from carnet.access.stepup import StepUp
from carnet.accounts import activate, end, show, stop
from carnet.accounts.activate import WrongActivation
from carnet.accounts.end import YourOwn
from carnet.accounts.stop import NoAccount
from carnet.rights import close, life, reopen
from tests.accounts.test_activation import BORN, given
from tests.space import Space

pytestmark = pytest.mark.anyio


async def stopped(space: Space, persona: str) -> bool:
    try:
        await space.visit(persona)
    except AccountStopped:
        return True
    return False


async def answered(space: Space, token: str) -> int:
    """What a token is answered."""
    headers = {"authorization": f"Bearer {token}", "accept": "*/*"}
    return (await space.call("GET", "Patient", headers=headers)).status


async def test_an_account_that_was_ended_is_entered_no_more_and_no_word_opens_it(
    space: Space,
) -> None:
    operator, sub = await space.visit("operator"), (await space.visit("gp")).actor.sub
    token = await space.token("gp")
    await end.end(operator, sub)
    await end.end(operator, sub)
    assert await stopped(space, "gp")
    assert await answered(space, token) == 401
    for again in (stop.reopen(operator, sub), stop.reopen(operator, sub)):
        with pytest.raises(Over):
            await again
    seen = await show.seen(operator, sub)
    assert (seen.kind, seen.stopped, seen.for_good) == ("professional", "ended", True)
    assert seen.since is not None
    assert seen.since <= space.clock.now
    acts = await space.rows("SELECT act FROM access.audit WHERE act LIKE 'account-%%' ORDER BY seq")
    assert [act for (act,) in acts] == ["account-end", "account-end"]


async def test_who_is_proven_since_begins_their_account_from_nothing(space: Space) -> None:
    operator, sub = await space.visit("operator"), (await space.visit("patient")).actor.sub
    before = (await given(space)).code
    await end.end(operator, sub)
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", before, BORN)
    patient = space.patient_id()
    assert await show.of_patient(operator, patient) == sub
    from carnet.accounts import prove

    code = (await prove.give(operator, patient, "CN")).code
    assert await stopped(space, "patient"), "a code opens nothing before it is used"
    await activate.use(space.built.door, "r", code, BORN)
    assert not await stopped(space, "patient")


@pytest.mark.parametrize("who", ["patient", "gp", "assistant", "helper"])
async def test_it_is_the_operators_alone(space: Space, who: str) -> None:
    visit, sub = await space.visit(who), (await space.visit("nurse")).actor.sub
    for doing in (
        end.end(visit, sub), show.seen(visit, sub), show.of_patient(visit, space.patient_id())
    ):  # fmt: skip
        with pytest.raises(errors.NotFound):
            await doing
    assert not await stopped(space, "nurse")


async def test_an_operator_ends_neither_their_own_nor_nobodys_nor_after_a_while(
    space: Space,
) -> None:
    operator = await space.visit("operator")
    with pytest.raises(YourOwn):
        await end.end(operator, operator.actor.sub)
    for nobody in ("rpps:1", "patient:nobody", ""):
        with pytest.raises(NoAccount):
            await end.end(operator, nobody)
    left = replace(operator, actor=replace(operator.actor, authenticated=None))
    with pytest.raises(StepUp):
        await end.end(left, "rpps:1")


async def died(space: Space) -> None:
    """The patient's death is declared, and what that does to their account."""
    operator, token = await space.visit("operator"), await space.token("patient")
    patient = space.patient_id()
    await close.close(operator, patient, motive="death", how="paper")
    assert await stopped(space, "patient")
    assert await answered(space, token) == 401


async def test_at_death_the_account_is_entered_no_more(space: Space) -> None:
    code = (await given(space)).code
    sub = (await space.visit("patient")).actor.sub
    await died(space)
    with pytest.raises(WrongActivation):
        await activate.check(space.built.door, "r", code, BORN)
    operator = await space.visit("operator")
    with pytest.raises(Over):
        await stop.reopen(operator, sub)
    # a death that was said by mistake
    await reopen.reopen(operator, space.patient_id(), how="paper")
    assert not await stopped(space, "patient")


async def test_the_test_above_sees_a_death_that_leaves_the_account_open(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: no account is of this record."""
    monkeypatch.setattr(
        ended, "OF_RECORD", ended.OF_RECORD.replace("ANY (%s)", "ANY (%s) AND false")
    )
    with pytest.raises(AssertionError):
        await died(space)


async def test_an_account_ended_for_good_stays_so_when_a_death_was_said_by_mistake(
    space: Space,
) -> None:
    operator, sub = await space.visit("operator"), (await space.visit("patient")).actor.sub
    await end.end(operator, sub)
    await close.close(operator, space.patient_id(), motive="death", how="paper")
    assert (await show.seen(operator, sub)).stopped == "death"
    await reopen.reopen(operator, space.patient_id(), how="paper")
    seen = await show.seen(operator, sub)
    assert (seen.stopped, seen.for_good) == ("ended", True)


async def test_who_closed_their_record_comes_back_to_see_that_it_is(space: Space) -> None:
    await close.close(await space.visit("patient"))
    assert not await stopped(space, "patient")
    assert (await life.of(await space.visit("patient"))).life.state == "closed"


async def test_no_log_in_of_an_account_that_goes_on_is_forgotten(space: Space) -> None:
    """The application may ask it of the database, which refuses."""
    from psycopg import errors as said

    sub = (await space.visit("patient")).actor.sub
    with pytest.raises(said.InsufficientPrivilege):
        async with space.built.pool.connection() as conn:
            await conn.execute("SELECT access.forget_log_in(%s)", ([sub],))
