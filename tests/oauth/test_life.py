# SPDX-License-Identifier: EUPL-1.2
"""What a token is asked about, given back, ended by, forgotten: its life after it was given."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carnet.access import grants
from carnet.access.tokens import WrongToken
from carnet.oauth import queries
from carnet.oauth.forget import forget
from carnet.postgres.pool import open_pool
from tests.oauth.place import Place, Proof, basic, claims_of, pattern_of
from tests.space import BASE

pytestmark = pytest.mark.anyio


async def ask(place: Place, token: str, client: str = "an-app", to: str = "introspect") -> Any:
    """What a client is told of a token."""
    answer = await place.post(f"/oauth/{to}", {"token": token, "client_id": client})
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    return answer.json


async def test_a_client_is_told_of_its_own_tokens_alone(place: Place) -> None:
    await place.register("an-app")
    await place.register("other-app")
    tokens = await place.log_in("an-app", "patient")
    said = await ask(place, tokens["access_token"])
    assert (said["active"], said["client_id"], said["iss"]) == (True, "an-app", BASE)
    assert (said["patient"], said["token_type"]) == (tokens["patient"], "Bearer")
    assert (await ask(place, tokens["refresh_token"]))["active"] is True
    for token in (tokens["access_token"], tokens["refresh_token"], "x" * 43, "a.b.c"):
        assert await ask(place, token, "other-app") == {"active": False}
    inside = await place.space.token("patient")
    assert await ask(place, inside) == {"active": False}, "no client's"


async def test_a_token_is_asked_about_by_who_proves_who_they_are(place: Place) -> None:
    await place.register("an-app", method="client_secret_basic")
    for to in ("introspect", "revoke"):
        for headers in ({}, {"authorization": basic("an-app", "x" * 43)}):
            answer = await place.post(
                f"/oauth/{to}", {"token": "x", "client_id": "an-app"}, **headers
            )
            assert (answer.status, answer.json["error"]) == (401, "invalid_client")
        answer = await place.post(f"/oauth/{to}", {}, authorization=basic("an-app"))
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("given", ["access_token", "refresh_token"])
async def test_a_token_given_back_ends_every_token_of_its_grant(place: Place, given: str) -> None:
    await place.register("an-app")
    await place.register("other-app")
    tokens = await place.log_in("an-app", "patient")
    answer = await place.post("/oauth/revoke", {"token": tokens[given], "client_id": "other-app"})
    assert answer.json["error"] == "invalid_grant", "of another client"
    assert (await place.fhir("Patient", tokens["access_token"])).status == 200
    assert await ask(place, tokens[given], to="revoke") == {}
    assert await place.rows("SELECT ended_why FROM access.allowed") == [("client",)]
    await asyncio.sleep(grants.FRESH)
    assert (await place.fhir("Patient", tokens["access_token"])).status == 401
    assert (await place.refresh("an-app", tokens["refresh_token"])).status == 400
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await ask(place, token) == {"active": False}
    assert await ask(place, "x" * 43, to="revoke") == {}, "RFC 7009: what is not known is no error"


ENDINGS = [
    "UPDATE access.allowed SET ended_at = made_at, ended_why = 'person'",
    "UPDATE access.allowed SET until = made_at",
    "UPDATE access.allowed SET scope = 'launch'",
    "UPDATE access.client SET state = 'suspended'",
    "UPDATE access.client SET rev = rev + 1",
    "UPDATE access.subject SET rev = rev + 1",
]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_a_grant_ends_its_tokens_within_a_second(place: Place, ending: str) -> None:
    await place.register("an-app")
    token = (await place.log_in("an-app", "patient", "patient/*.rs"))["access_token"]
    assert (await place.fhir("Patient", token)).status == 200
    await place.rows(ending)
    await asyncio.sleep(grants.FRESH)
    assert (await place.fhir("Patient", token)).status == 401


async def test_without_the_grants_row_an_ended_token_would_still_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: a grant is believed for ever."""
    monkeypatch.setattr(grants, "FRESH", 3600)
    await place.register("an-app")
    token = (await place.log_in("an-app", "patient", "patient/*.rs"))["access_token"]
    assert (await place.fhir("Patient", token)).status == 200
    await place.rows(ENDINGS[0])
    assert (await place.fhir("Patient", token)).status == 200


async def test_an_actor_is_what_the_row_says_and_not_the_token(place: Place) -> None:
    await place.register("an-app")
    at = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    tokens = await place.log_in(
        "an-app", "patient", "patient/*.cruds", kinds=[1, 2], writes=False, authenticated=at
    )
    said = claims_of(tokens["access_token"])
    assert "kinds" not in said
    actor = await place.actor(tokens["access_token"])
    assert (actor.grant, actor.kinds, actor.writes) == (said["grant"], frozenset((1, 2)), False)
    assert (actor.acr, actor.authenticated, actor.context) == ("carnet:3", at, actor.patient)
    assert actor.scopes == {"patient/*.cruds"}
    await place.rows("UPDATE access.allowed SET kinds = '{1}'")
    await asyncio.sleep(grants.FRESH)
    assert (await place.actor(tokens["access_token"])).kinds == frozenset((1,))


async def test_the_claims_of_a_grant_are_all_there_or_none(place: Place) -> None:
    await place.register("an-app")
    token = (await place.log_in("an-app", "patient"))["access_token"]
    given = claims_of(token)
    right = {name: given[name] for name in ("grant", "client_rev", "auth_time", "client")}
    assert (
        await place.fhir(
            "Patient", await place.space.token("patient", scope="patient/*.rs", **right)
        )
    ).status == 200
    wrong: list[dict[str, Any]] = [
        {"client_rev": None}, {"client_rev": "1"}, {"client_rev": True}, {"client_rev": 2},
        {"auth_time": None}, {"auth_time": "1"}, {"grant": "x"}, {"grant": 7}, {"grant": None},
        {"grant": given["grant"].upper()}, {"grant": "00000000-0000-4000-8000-000000000000"},
        {"client": "tests"}, {"scope": "*"}, {"scope": "patient/*.rs *"}, {"scope": "user/*.rs"},
    ]  # fmt: skip
    for changes in wrong:
        claims = {"scope": "patient/*.rs"} | right | changes
        try:
            token = await place.space.token("patient", **claims)
        except WrongToken:
            continue  # it is not even made
        assert (await place.fhir("Patient", token)).status == 401, changes


async def test_a_sandbox_has_tokens_of_a_day_and_nobody_else(place: Place) -> None:
    await place.register("an-app")
    await place.register("a-sandbox", sandbox=True)
    assert (await place.log_in("an-app", "patient"))["expires_in"] == 300
    assert (await place.log_in("a-sandbox", "patient"))["expires_in"] == 86_400
    short = await place.log_in(
        "a-sandbox", "patient", until=place.space.clock() + timedelta(seconds=100)
    )
    assert short["expires_in"] <= 100, "never past the day the person chose"


async def test_what_is_past_its_date_is_forgotten_and_a_living_family_is_not(place: Place) -> None:
    await place.register("an-app")
    first = await place.log_in("an-app", "patient")
    second = (await place.refresh("an-app", first["refresh_token"])).json
    await place.ask("an-app", Proof())
    pool = await open_pool(pattern_of(place.space).replace("{role}", "carnet_worker"), min_size=1)
    try:
        now = place.space.clock()
        assert await forget(pool, now) == 0
        assert await forget(pool, now + timedelta(days=2)) == 3, "two requests and a code"
        await place.rows("UPDATE access.refresh SET until = made_at WHERE used_at IS NOT NULL")
        assert await forget(pool, now + timedelta(days=2)) == 0, "how a thief is seen"
        assert (await place.refresh("an-app", first["refresh_token"])).status == 400
        assert (await place.refresh("an-app", second["refresh_token"])).status == 400
        assert await forget(pool, now + timedelta(days=400)) == 2
    finally:
        await pool.close()


async def test_a_fault_of_ours_is_a_reference_and_no_log_has_a_secret(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")

    def breaks(conn: object, hash: bytes) -> None:
        raise RuntimeError(f"it held {hash!r}")

    monkeypatch.setattr(queries, "refresh", breaks)
    answer = await place.refresh("an-app", tokens["refresh_token"])
    assert (answer.status, answer.json["error"]) == (500, "server_error")
    assert "held" not in answer.json["error_description"]
    said = caplog.text + "".join(capsys.readouterr())
    assert "unforeseen" in said
    for secret in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"], "held"):
        assert secret not in said
