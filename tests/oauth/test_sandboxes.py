# SPDX-License-Identifier: EUPL-1.2
"""A developer's sandbox: ready-made clients, a token of a day, never where people are real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from carnet.access.door import Visit
from carnet.app import sandboxes
from carnet.cli import check
from carnet.cli.sandbox import HAND, NoKey, assertion
from carnet.config import Instance
from carnet.oauth import registering
from tests.oauth.place import Place
from tests.space import BASE

pytestmark = pytest.mark.anyio


async def ready(place: Place, folder: Path) -> Path:
    """As `carnet client sandbox` does."""
    on = Visit(place.space.built.door, HAND, "request")
    return await sandboxes.ready(on, folder, place.subject("lab-software"))


async def token(place: Place) -> tuple[int, int]:
    """Status of the token endpoint and seconds of the token, by the key of the file."""
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    answer = await place.post("/oauth/token", form | place.assertion(sandboxes.SOFTWARE))
    return answer.status, answer.json.get("expires_in", 0)


async def test_it_is_ready_in_one_act_and_again_changes_nothing(
    place: Place, tmp_path: Path
) -> None:
    path = await ready(place, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_bytes()
    with_key = replace(place, key=sandboxes.held(path))
    assert await token(with_key) == (200, 86_400)
    await ready(place, tmp_path)
    assert path.read_bytes() == first
    assert await place.rows("SELECT id, state FROM access.client ORDER BY id") == [
        (sandboxes.APP, "live"), (sandboxes.SOFTWARE, "live"),
    ]  # fmt: skip
    assert str(sandboxes.held(path).as_dict(private=True)["d"]) not in str(
        await place.rows("SELECT c::text FROM access.client c")
    )


async def test_a_key_that_was_lost_is_another_and_the_lost_one_proves_nothing(
    place: Place, tmp_path: Path
) -> None:
    path = await ready(place, tmp_path)
    lost = replace(place, key=sandboxes.held(path))
    path.unlink()
    await ready(place, tmp_path)
    assert (await token(lost))[0] == 401
    assert (await token(replace(place, key=sandboxes.held(path))))[0] == 200


async def test_no_instance_of_real_people_serves_with_a_sandbox(
    place: Place, tmp_path: Path
) -> None:
    await ready(place, tmp_path)
    settings = place.space.built.settings
    async with await psycopg.AsyncConnection.connect(place.space.admin_url) as conn:
        for instance in Instance:
            found = await check.no_sandbox(conn, replace(settings, instance=instance))
            assert found.ok == (instance in (Instance.DEMONSTRATION, Instance.TEST)), instance
            assert found.required
        on = Visit(place.space.built.door, HAND, "request")
        for id in (sandboxes.APP, sandboxes.SOFTWARE):
            await registering.decide(on, id, "end", "Not here.")
        production = replace(settings, instance=Instance.PRODUCTION)
        assert (await check.no_sandbox(conn, production)).ok


async def test_what_is_no_private_key_is_said(tmp_path: Path) -> None:
    for text in ("", "{}", "[]", '{"kty": "EC"}'):
        path = tmp_path / "key.json"
        path.write_text(text)
        with pytest.raises(NoKey):
            assertion(BASE, "a-client", path)
