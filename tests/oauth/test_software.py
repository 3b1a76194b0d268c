# SPDX-License-Identifier: EUPL-1.2
"""Software of an organisation: by its key, in its own name, and for a professional who works there."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from carnet.oauth.exchange import GRANT
from carnet.oauth.requests import new_secret
from tests.oauth.place import Place, basic, claims_of, running
from tests.space import BASE, Answer, Space

pytestmark = pytest.mark.anyio


async def ask(place: Place, client: str = "lab-server", **form: Any) -> Answer:
    """client_credentials, by a right assertion unless the form has one."""
    said = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    if "client_assertion" not in form:
        said |= place.assertion(client)
    return await place.post("/oauth/token", said | form)


async def test_software_reads_what_it_deposited_with_its_own_token(place: Place) -> None:
    await place.register_software()
    answer = await ask(place)
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    said = claims_of(answer.json["access_token"])
    assert (said["sub"], said["kind"], said["acr"]) == (
        place.subject("lab-software"),
        "software",
        "carnet:0",
    )
    read = await place.fhir("DocumentReference?_count=1", answer.json["access_token"])
    assert read.status == 200, read.body
    await ask(place)
    assert len(await place.rows("SELECT 1 FROM access.allowed")) == 1, (
        "one grant for the same scope"
    )


async def test_software_asks_for_system_scopes_it_registered(place: Place) -> None:
    await place.register_software(scopes="system/Observation.rs")
    for scope in ("", "*", "system/*.rs", "system/Observation.cruds", "patient/*.rs", "openid"):
        assert (await ask(place, scope=scope)).json["error"] == "invalid_scope", scope
    assert (await ask(place, scope="system/Observation.rs")).status == 200


async def test_an_app_has_no_name_of_its_own(place: Place) -> None:
    await place.register("an-app", method="private_key_jwt", scopes="system/*.rs",
                         grants=["client_credentials"])  # fmt: skip
    assert (await ask(place, "an-app")).json["error"] == "unauthorized_client"
    await place.register_software("no-grant", grants=["authorization_code"])
    assert (await ask(place, "no-grant")).json["error"] == "unauthorized_client"


def wrong_claims(now: int) -> list[dict[str, Any]]:
    return [
        {"iss": "other"}, {"iss": None}, {"sub": "other"}, {"sub": None}, {"sub": 7}, {"sub": ["lab-server"]},
        {"aud": f"{BASE}/fhir"}, {"aud": None}, {"aud": [f"{BASE}/oauth/token", "https://other.example"]},
        {"aud": {}}, {"exp": None}, {"exp": now - 1}, {"exp": now + 400}, {"exp": str(now + 60)},
        {"exp": now + 60.5}, {"exp": True}, {"iat": now + 60}, {"iat": "now"}, {"nbf": now + 60},
        {"jti": None}, {"jti": 7}, {"jti": ""}, {"jti": "short"}, {"jti": "j" * 256},
        {"jti": "é" * 20}, {"jti": "\0" * 20}, {"sub": "lab\0server"}, {"sub": "\ud800"},
        {"jti": "\ud800" * 9},
    ]  # fmt: skip


async def test_each_claim_of_an_assertion_is_needed(place: Place) -> None:
    await place.register_software()
    now = int(place.space.clock().timestamp())
    for changes in wrong_claims(now):
        answer = await ask(place, **place.assertion("lab-server", **changes))
        assert (answer.status, answer.json["error"]) == (401, "invalid_client"), changes


def by_what_is_public(key: ECKey, claims: dict[str, Any]) -> str:
    """The old confusion: a public key, taken for the secret of an HMAC."""
    header = {"alg": "HS256", "kid": key.kid}
    said = ".".join(_part(json.dumps(each).encode()) for each in (header, claims))
    return f"{said}.{_part(hmac.digest(key.as_pem(private=False), said.encode(), 'sha256'))}"


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


async def test_an_assertion_is_signed_by_a_key_of_the_client(place: Place) -> None:
    await place.register_software()
    now = int(place.space.clock().timestamp())
    claims = {
        "iss": "lab-server",
        "sub": "lab-server",
        "aud": BASE,
        "exp": now + 60,
        "jti": "j" * 20,
    }
    right = place.signed(claims)
    other = ECKey.generate_key("P-384")
    texts = {
        "of another key": place.signed(claims, other),
        "by what is public": by_what_is_public(place.key, claims),
        "by nobody": ".".join(["eyJhbGciOiJub25lIn0", right.split(".")[1], ""]),
        "cut": right[:-4],
        "of another kind": place.signed(claims, typ="at+jwt"),
        "critical": place.signed(claims, crit=["kid"]),
        "nothing": "a.b.c",
        "long": right + "a" * 9000,
    }
    kind = {"client_assertion_type": place.assertion("x")["client_assertion_type"]}
    for name, text in texts.items():
        answer = await ask(place, client_assertion=text, **kind)
        assert (answer.status, answer.json["error"]) == (401, "invalid_client"), name
    wrong = {"client_assertion": right, "client_assertion_type": "urn:other"}
    assert (await ask(place, **wrong)).status == 401
    assert (await ask(place, client_assertion=right, **kind)).status == 200


async def test_an_rsa_key_signs_as_well(place: Place) -> None:
    key = RSAKey.generate_key(2048, auto_kid=True)
    await place.register_software(keys={"keys": [key.as_dict(private=False)]})
    place.key = key  # type: ignore[assignment]
    now = int(place.space.clock().timestamp())
    claims = {
        "iss": "lab-server",
        "sub": "lab-server",
        "aud": BASE,
        "exp": now + 60,
        "jti": "j" * 20,
    }
    form = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": place.signed(claims, alg="RS384"),
    }
    assert (await ask(place, **form)).status == 200


async def test_an_assertion_serves_once_even_after_a_restart(
    place: Place, space: Space, client_key: ECKey
) -> None:
    await place.register_software()
    form = place.assertion("lab-server")
    assert (await ask(place, **form)).status == 200
    assert (await ask(place, **form)).status == 401
    async with running(space, client_key) as restarted:
        assert (await ask(restarted, **form)).status == 401


# ---------------------------------------------------------------------------- for a professional


async def exchange(place: Place, changes: dict[str, Any] | None = None, **form: Any) -> Answer:
    """Token exchange for the doctor of the laboratory's organisation, right unless said otherwise."""
    now = int(place.space.clock().timestamp())
    claims: dict[str, Any] = {
        "iss": "hospital-server", "aud": BASE, "exp": now + 60, "iat": now, "auth_time": now - 120,
        "sub": place.subject("gp").removeprefix("rpps:"), "jti": new_secret(),
    } | (changes or {})  # fmt: skip
    said = {
        "grant_type": GRANT, "scope": "user/*.rs",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": place.signed({n: v for n, v in claims.items() if v is not None}),
    } | place.assertion("hospital-server") | form  # fmt: skip
    return await place.post("/oauth/token", {name: value for name, value in said.items() if value})


async def hospital(place: Place) -> None:
    """Software of the organisation where `gp` works."""
    await place.rows(
        "INSERT INTO access.subject (sub, kind, name) VALUES ('software:h', 'software', 'H')"
    )
    await place.rows(
        "INSERT INTO access.situation (id, sub, org) SELECT 'software:h', 'software:h', org"
        " FROM access.situation WHERE sub = %s ORDER BY id LIMIT 1", place.subject("gp"),
    )  # fmt: skip
    await place.register_software("hospital-server", subject="software:h")


async def test_software_acts_for_a_professional_of_its_organisation(place: Place) -> None:
    await hospital(place)
    answer = await exchange(place)
    assert answer.status == 200, answer.body
    assert answer.json["issued_token_type"].endswith(":access_token")
    said = claims_of(answer.json["access_token"])
    assert (said["sub"], said["kind"]) == (place.subject("gp"), "professional")
    assert said["act"] == {"sub": "software:h", "client_id": "hospital-server"}
    read = await place.fhir("Practitioner?_count=1", answer.json["access_token"])
    assert read.status == 200, read.body


async def test_software_acts_for_nobody_else(place: Place) -> None:
    await hospital(place)
    now = int(place.space.clock().timestamp())
    wrong: list[dict[str, Any]] = [
        {"sub": "19999999999"}, {"sub": None}, {"sub": 7}, {"sub": "rpps:1"}, {"sub": "software:h"},
        {"iss": "lab-server"}, {"iss": None}, {"aud": "https://other.example"}, {"exp": now - 1},
        {"exp": now + 400}, {"jti": None}, {"auth_time": None}, {"auth_time": now + 90},
        {"auth_time": now - 50_000}, {"auth_time": True}, {"situation": "elsewhere"}, {"situation": 7},
        {"situation": "\0"}, {"situation": "\ud800"}, {"jti": "\ud800" * 9}, {"sub": "\ud800"},
    ]  # fmt: skip
    for changes in wrong:
        answer = await exchange(place, changes)
        assert (answer.status, answer.json["error"]) == (400, "invalid_grant"), changes
    forms: list[tuple[dict[str, Any], str]] = [
        ({"scope": "system/*.rs"}, "invalid_scope"), ({"scope": "patient/*.rs"}, "invalid_scope"),
        ({"scope": "*"}, "invalid_scope"), ({"scope": ""}, "invalid_scope"),
        ({"subject_token": "a.b.c"}, "invalid_grant"), ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": "urn:x"}, "invalid_request"), ({"actor_token": "x"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"audience": "https://other.example"}, "invalid_target"),
    ]  # fmt: skip
    for form, error in forms:
        assert (await exchange(place, **form)).json["error"] == error, form
    assert await place.rows("SELECT 1 FROM access.allowed") == []


async def test_a_professional_who_left_the_organisation_is_not_acted_for(place: Place) -> None:
    await place.register_software("hospital-server")  # of the laboratory, where gp does not work
    assert (await exchange(place)).json["error"] == "invalid_grant"


async def test_a_shared_secret_does_not_vouch_for_a_professional(place: Place) -> None:
    await place.register_software("by-secret", method="client_secret_basic")
    answer = await place.post(
        "/oauth/token",
        {"grant_type": GRANT, "scope": "user/*.rs"},
        authorization=basic("by-secret"),
    )
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


async def test_what_is_said_of_a_professional_serves_once_and_ends_with_its_token(
    place: Place,
) -> None:
    await hospital(place)
    jti = {"jti": "said-once-and-for-all"}
    first = await exchange(place, jti)
    assert first.status == 200
    assert (await exchange(place, jti)).json["error"] == "invalid_grant"
    place.space.clock.advance(timedelta(seconds=first.json["expires_in"] + 1))
    assert (await place.fhir("Practitioner", first.json["access_token"])).status == 401
