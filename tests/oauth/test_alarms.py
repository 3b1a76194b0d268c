# SPDX-License-Identifier: EUPL-1.2
"""A secret that is used twice is told to an operator."""

from __future__ import annotations

import pytest

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
