# SPDX-License-Identifier: EUPL-1.2
"""An operator stops an account, by its subject: connections and codes end, and it opens again."""

from __future__ import annotations

import pytest

from carnet import errors
from carnet.access.limits.refusals import AccountStopped
from carnet.access.stepup import StepUp
from carnet.accounts import activate, prove, stop
from carnet.accounts.activate import WrongActivation
from carnet.accounts.stop import NoAccount
from tests.accounts.test_activation import BORN, given
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_nobody_enters_by_an_account_that_is_stopped(space: Space) -> None:
    before, operator = await space.visit("patient"), await space.visit("operator")
    sub, code = before.actor.sub, (await given(space)).code
    assert [(each.sub, each.stopped) for each in await stop.listed(operator)] == [(sub, None)]
    await stop.stop(operator, sub)
    await stop.stop(operator, sub)
    with pytest.raises(AccountStopped):
        await space.visit("patient")
    with pytest.raises(WrongActivation):
        await activate.check(space.built.door, "r", code, BORN)
    (line,) = await stop.listed(operator)
    assert (line.stopped, line.code) == ("operator", None)
    await stop.reopen(operator, sub)
    assert await stop.listed(operator) == []
    assert (await space.visit("patient")).actor.rev > before.actor.rev
    acts = await space.rows(
        "SELECT act FROM access.audit WHERE starts_with(act, 'account-') ORDER BY seq"
    )
    assert [act for (act,) in acts] == ["account-stop", "account-stop", "account-reopen"]


@pytest.mark.parametrize("who", ["patient", "gp", "assistant", "helper"])
async def test_it_is_the_operators_alone(space: Space, who: str) -> None:
    visit, sub = await space.visit(who), (await space.visit("patient")).actor.sub
    for doing in (stop.listed(visit), stop.stop(visit, sub), stop.reopen(visit, sub)):
        with pytest.raises(errors.NotFound):
            await doing
    await space.visit("patient")


async def test_an_account_nobody_has_is_said_to_be_none(space: Space) -> None:
    operator = await space.visit("operator")
    with pytest.raises(NoAccount):
        await stop.stop(operator, "patient:nobody")


async def test_a_session_left_open_at_the_counter_gives_no_code(space: Space) -> None:
    from dataclasses import replace

    me, operator = await space.visit("patient"), await space.visit("operator")
    assert me.actor.patient is not None
    patient = space.built.door.ids.encode(me.actor.patient, me.actor.patient)
    left = replace(operator, actor=replace(operator.actor, authenticated=None))
    with pytest.raises(StepUp):
        await prove.give(left, patient, "CN")
