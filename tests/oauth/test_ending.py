# SPDX-License-Identifier: EUPL-1.2
"""What was allowed ends with what let it: a mandate, an open record, an account; and says why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from carnet.access.actor import Actor
from carnet.accounts import stop
from carnet.app.apps import AppPages
from carnet.rights import close, connections, mandate, oppose, represent
from tests import people
from tests.oauth.place import Place

pytestmark = pytest.mark.anyio
Act = Callable[[Place], Awaitable[object]]


async def why(place: Place, actor: Actor | None = None) -> tuple[bool, str | None]:
    """The one line of their page: whether it lives, and why it does not."""
    actor = actor or await place.space.actor("patient")
    (line,) = await AppPages(place.space.built).mine(actor)
    return line.live, line.ended_why


async def dead(place: Place, tokens: dict[str, str]) -> bool:
    """Whether neither token is worth anything, half a second later."""
    place.space.built.desk.grants._known.clear()
    read = await place.fhir("Patient", tokens["access_token"])
    refreshed = await place.refresh("an-app", tokens["refresh_token"])
    return (read.status, refreshed.status) == (401, 400)


async def closes(place: Place) -> None:
    await close.close(await place.space.visit("patient"))


async def opposes(place: Place) -> None:
    await oppose.oppose(await place.space.visit("patient"))


async def leaves(place: Place) -> None:
    await connections.end(await place.space.visit("patient"))


async def stops(place: Place) -> None:
    await stop.stop(await place.space.visit("operator"), "patient:patient")


@pytest.mark.parametrize(
    ("act", "reason"),
    [(closes, "record"), (opposes, "record"), (leaves, "connections"), (stops, "connections")],
)
async def test_an_application_ends_with_the_record_and_the_account(
    place: Place, act: Act, reason: str
) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    assert not await dead(place, {**tokens, "refresh_token": "of-nobody"}), (
        "the test sees a live one"
    )
    who = await place.space.actor("patient")
    await act(place)
    assert await dead(place, tokens)
    assert await why(place, who) == (False, reason)


async def test_an_application_ends_with_the_mandate_it_was_allowed_by(place: Place) -> None:
    await place.register("an-app")
    desk, elder = await place.space.visit("operator"), people.ELDER.key
    id = place.space.patient_id(elder)
    given = await represent.declare(desk, id, "patient:patient", "guardian", "TJ Tours, 2026/44")
    cid = place.space.where.people[elder]
    tokens = await place.log_in("an-app", "patient", cid=cid)
    assert await why(place) == (True, None)
    await mandate.revoke(desk, given)
    assert await dead(place, tokens)
    assert await why(place) == (False, "mandate")
    assert await place.rows("SELECT ended_why FROM access.allowed") == [("mandate",)]


async def test_what_another_mandate_still_lets_goes_on(place: Place) -> None:
    await place.register("an-app")
    desk, elder = await place.space.visit("operator"), people.ELDER.key
    id, cid = place.space.patient_id(elder), place.space.where.people[elder]
    for form in ("TJ Tours, 2026/44", "TJ Tours, 2026/45"):
        given = await represent.declare(desk, id, "patient:patient", "guardian", form)
    await place.log_in("an-app", "patient", cid=cid)
    await mandate.revoke(desk, given)
    assert await why(place) == (True, None)


async def test_an_application_that_is_suspended_says_so_and_can_still_be_ended(
    place: Place,
) -> None:
    await place.register("an-app")
    await place.log_in("an-app", "patient")
    await place.rows("UPDATE access.client SET state = 'suspended' RETURNING 1")
    pages, actor = AppPages(place.space.built), await place.space.actor("patient")
    (line,) = await pages.mine(actor)
    assert (line.live, line.suspended) == (True, True)
    await pages.end(actor, str(line.id))
    assert await why(place) == (False, "person")
