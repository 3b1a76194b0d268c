# SPDX-License-Identifier: EUPL-1.2
"""Pages of registered applications call us from a browser, others do not; and what tells who we are."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from carnet.access import keyring
from carnet.access.tokens import Tokens, WrongToken
from carnet.oauth import discovery, origins
from tests.access.test_keyring import CLAIMS
from tests.oauth.place import FORM, Place
from tests.space import BASE, Clock

pytestmark = pytest.mark.anyio
OURS = "https://app.example"
OTHERS = ("https://thief.example", "https://app.example.thief.example", "https://APP.example",
          "http://app.example", "https://app.example:8443", "null", "*", "")  # fmt: skip
ADDRESSES = (
    "/fhir/metadata",
    "/fhir",
    "/fhir/Patient/x",
    "/pdsm/metadata",
    "/oauth/token",
    "/oauth/userinfo",
)
OPEN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
        "/fhir/.well-known/smart-configuration", "/pdsm/.well-known/smart-configuration",
        "/oauth/jwks")  # fmt: skip
ASKING = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
}


async def test_pages_of_a_registered_application_read_our_answers(place: Place) -> None:
    await place.register("an-app")
    for address in ADDRESSES:
        answer = await place.get(address, origin=OURS)
        assert answer.headers["access-control-allow-origin"] == OURS, address
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        asked = await place.call("OPTIONS", address, origin=OURS, **ASKING)
        assert asked.status == 204
        assert asked.headers["access-control-allow-origin"] == OURS
        assert "Authorization" in asked.headers["access-control-allow-headers"]


async def test_pages_of_nobody_registered_do_not(place: Place) -> None:
    await place.register("an-app")
    await place.register("proposed", origins=["https://thief.example"], state="proposed")
    for address in ADDRESSES:
        for origin in OTHERS:
            for answer in (
                await place.get(address, origin=origin),
                await place.call("OPTIONS", address, origin=origin, **ASKING),
            ):
                told = [name for name in answer.headers if name.startswith("access-control")]
                assert told == [], (address, origin)
                assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-origin" not in (await place.get(address)).headers


async def test_no_page_asks_in_a_persons_stead(place: Place) -> None:
    """RFC 9700, 2.6: the authorization endpoint is for navigation, not for scripts."""
    await place.register("an-app")
    for method in ("GET", "OPTIONS"):
        answer = await place.call(method, "/oauth/authorize", origin=OURS, **ASKING)
        assert "access-control-allow-origin" not in answer.headers


async def test_a_refusal_is_read_by_the_page_that_asked(place: Place) -> None:
    await place.register("an-app")
    answer = await place.get("/fhir/Patient", origin=OURS)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, OURS)
    answer = await place.post("/oauth/token", {"grant_type": "x"}, origin=OURS, content_type=FORM)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (400, OURS)


async def test_an_application_that_ended_calls_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "FRESH", 0)
    await place.register("an-app")
    assert "access-control-allow-origin" in (await place.get("/fhir/metadata", origin=OURS)).headers
    await place.rows("UPDATE access.client SET state = 'ended'")
    answer = await place.get("/fhir/metadata", origin=OURS)
    assert "access-control-allow-origin" not in answer.headers


async def test_documents_about_the_server_are_open_to_everybody(place: Place) -> None:
    for address in OPEN:
        answer = await place.get(address, origin="https://anybody.example")
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*"), address


async def test_each_address_that_is_announced_is_there(place: Place) -> None:
    said = (await place.get("/fhir/.well-known/smart-configuration")).json
    assert said["issuer"] == BASE
    addresses = {name: each for name, each in said.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) == 6
    for name, address in addresses.items():
        status = (await place.get(address.removeprefix(BASE))).status
        assert status != 404, name
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"]
    openid = (await place.get("/.well-known/openid-configuration")).json
    assert {name: said[name] for name in openid} == openid
    assert set(discovery.CAPABILITIES) == set(said["capabilities"])


async def test_each_grant_that_is_announced_is_taken_and_no_other(place: Place) -> None:
    said = (await place.get("/.well-known/oauth-authorization-server")).json
    for grant in [*said["grant_types_supported"], "password", "implicit", "device_code"]:
        answer = await place.post("/oauth/token", {"grant_type": grant})
        known = grant in said["grant_types_supported"]
        assert (answer.json["error"] != "unsupported_grant_type") == known, grant


async def test_an_id_token_is_verified_by_the_published_keys(place: Place) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    keys = KeySet.import_key_set((await place.get("/oauth/jwks")).json)
    said = (await place.get("/.well-known/openid-configuration")).json
    algorithms = said["id_token_signing_alg_values_supported"]
    found = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
    assert found.claims["sub"] == place.subject("patient")


async def test_keys_turn_while_tokens_are_given_and_read_and_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes on one file of keys; the clock runs an hour while eight tasks work."""
    monkeypatch.setattr(keyring, "FRESH", 0)
    clock, lifetime = Clock(datetime(2026, 11, 22, 8, tzinfo=UTC)), 300
    made = [_process(tmp_path, clock, lifetime) for _ in range(2)]
    signed: set[str] = set()
    done = asyncio.Event()

    async def works(number: int) -> int:
        count = 0
        while not done.is_set():
            token = made[number % 2].issue(CLAIMS, lifetime=lifetime)
            signed.add(_key_of(token))
            await asyncio.sleep(0)
            made[(number + 1) % 2].verify(token)
            count += 1
        return count

    tasks = [asyncio.create_task(works(number)) for number in range(8)]
    for _ in range(8):
        keyring.rotate(tmp_path, clock, lifetime, leaked=False)
        for _ in range(keyring.LEAD // 40 + 1):  # a token is read before it is over
            clock.advance(timedelta(seconds=40))
            for _ in range(3):
                await asyncio.sleep(0)
    done.set()
    counts = await asyncio.gather(*tasks)
    assert len(signed) >= 8, "each key has signed"
    assert sum(counts) > 400


async def test_with_a_key_that_signs_at_once_the_other_process_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: no time between the publication of a key and its first signature."""
    clock = Clock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    first, second = (_process(tmp_path, clock, 300) for _ in range(2))
    monkeypatch.setattr(keyring, "FRESH", 3600)  # the others have not looked yet
    monkeypatch.setattr(keyring, "LEAD", 0)
    keyring.rotate(tmp_path, clock, 300, leaked=False)
    third = _process(tmp_path, clock, 300)
    with pytest.raises(WrongToken):
        second.verify(third.issue(CLAIMS, lifetime=300))
    first.verify(second.issue(CLAIMS, lifetime=300))


def _process(folder: Path, clock: Clock, lifetime: int) -> Tokens:
    keys = keyring.load_or_make(folder, clock, lifetime)
    return Tokens(keys, BASE, clock, lifetime=lifetime)


def _key_of(token: str) -> str:
    head = token.split(".")[0]
    return str(json.loads(urlsafe_b64decode(head + "=="))["kid"])
