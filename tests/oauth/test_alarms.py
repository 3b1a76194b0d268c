# SPDX-License-Identifier: EUPL-1.2
"""A secret that is used twice is told to an operator."""

from __future__ import annotations

import asyncio

import pytest
from anyio import to_thread

from carnet.access.limits import alarms
from carnet.app.protocol import office
from carnet.oauth.server import UnknownSubject
from tests.oauth.place import Place, Proof, code_of

pytestmark = pytest.mark.anyio
TOLD = "SELECT reason, client, done FROM access.alarm"


async def test_a_refresh_token_used_twice(place: Place) -> None:
    await place.register("an-app")
    first = await place.log_in("an-app", "patient")
    await place.refresh("an-app", first["refresh_token"])
    assert await place.rows(TOLD) == []
    await place.refresh("an-app", first["refresh_token"])
    assert await place.rows(TOLD) == [("refresh-reuse", "an-app", "grant-ended")]


async def test_a_code_used_twice(place: Place) -> None:
    await place.register("an-app")
    proof = Proof()
    code = code_of(await place.answer(await place.ask("an-app", proof), "patient"))
    assert (await place.redeem("an-app", code, proof)).status == 200
    assert await place.rows(TOLD) == []
    assert (await place.redeem("an-app", code, proof)).status == 400
    assert await place.rows(TOLD) == [("code-reuse", "an-app", "grant-ended")]


async def test_an_account_that_is_stopped_gets_no_token_by_any_application(place: Place) -> None:
    """What it was given ends, and nothing new is made of it, by an error that says no more."""
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    sub = (await place.space.actor("patient")).sub
    async with place.space.built.pool.connection() as conn, conn.transaction():
        await alarms.stop(conn, sub, "walk", place.space.clock())
    refused = await place.refresh("an-app", tokens["refresh_token"])
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    await asyncio.sleep(0.6)  # a token is believed half a second
    assert (await place.fhir("Patient", tokens["access_token"])).status == 401
    office_claims = office(place.space.built).claims
    with pytest.raises(UnknownSubject):
        await to_thread.run_sync(office_claims, sub, None, "an-app", "patient/*.rs")
