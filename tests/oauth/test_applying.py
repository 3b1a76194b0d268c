# SPDX-License-Identifier: EUPL-1.2
"""What a developer asks for waits for an operator, in a sandbox alone, and never too many at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.config import Instance
from carnet.oauth import registering
from carnet.oauth.registering import Proposal, TooManyWait, WrongClient
from tests.space import Space

pytestmark = pytest.mark.anyio
APP = Proposal(
    "app-one", "Ma tension", "app", "openid patient/Observation.rs",
    redirects=("https://app.example/back",), sandbox=True,
)  # fmt: skip


def nobody(space: Space, instance: Instance = Instance.TEST) -> Visit:
    settings = replace(space.built.door.settings, instance=instance)
    door = replace(space.built.door, settings=settings)
    return Visit(door, Actor(ActorKind.SOFTWARE, "developer", "", "carnet-pages"), "0" * 16)


async def test_it_waits_until_an_operator_approves_it(space: Space) -> None:
    assert await registering.apply(nobody(space), APP) is None
    operator = await space.visit("operator")
    client, acts = await registering.shown(operator, "app-one")
    assert (client.state, client.sandbox, client.made_by) == ("proposed", True, "developer")
    assert [each.act for each in acts] == ["propose"]
    await registering.decide(operator, "app-one", "approve", "Looked at.")
    assert (await registering.shown(operator, "app-one"))[0].state == "live"


async def test_where_people_are_real_nothing_is_there(space: Space) -> None:
    with pytest.raises(errors.NotFound):
        await registering.apply(nobody(space, Instance.PRODUCTION), APP)


@pytest.mark.parametrize(
    "other",
    [{"sandbox": False}, {"kind": "software", "subject": "software:lab-software", "redirects": ()}],
)
async def test_it_is_an_application_of_the_sandbox_and_nothing_else(
    space: Space, other: dict[str, object]
) -> None:
    with pytest.raises(WrongClient):
        await registering.apply(nobody(space), replace(APP, **other))  # type: ignore[arg-type]


async def test_while_many_wait_no_other_is_taken(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "MOST_WAITING", 1)
    await registering.apply(nobody(space), APP)
    with pytest.raises(TooManyWait):
        await registering.apply(nobody(space), replace(APP, id="app-two", name="Autre chose"))
    await registering.decide(await space.visit("operator"), "app-one", "end", "Not looked at.")
    await registering.apply(nobody(space), replace(APP, id="app-two", name="Autre chose"))
