# SPDX-License-Identifier: EUPL-1.2
"""The authorization code, from the question to the record, and each way to refuse it."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from carnet.oauth import queries
from carnet.oauth.identity import who
from tests.oauth.place import (
    AUTHORIZE,
    REDIRECT,
    Place,
    Proof,
    basic,
    claims_of,
    code_of,
    query_of,
)
from tests.space import BASE

pytestmark = pytest.mark.anyio
HOSTILE = "https://thief.example/back"


async def test_an_application_that_was_allowed_reads_the_record(place: Place) -> None:
    await place.register("an-app")
    proof = Proof()
    address = await place.answer(await place.ask("an-app", proof), "patient")
    assert query_of(address) == {"code": code_of(address), "state": "st", "iss": BASE}
    answer = await place.redeem("an-app", code_of(address), proof)
    assert answer.status == 200, answer.body
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json
    assert tokens["patient"] == place.space.patient_id()
    said = claims_of(tokens["id_token"])
    assert (said["iss"], said["aud"], said["nonce"]) == (BASE, "an-app", "nn")
    assert (said["acr"], said["amr"]) == ("carnet:3", ["hwk"])
    assert said["fhirUser"] == f"{BASE}/fhir/Patient/{place.space.patient_id()}"
    read = await place.fhir(f"Patient/{tokens['patient']}", tokens["access_token"])
    assert read.status == 200, read.body
    assert (await place.fhir("Patient", tokens["id_token"])).status == 401, (
        "an ID token opens nothing"
    )
    info = await place.get("/oauth/userinfo", authorization=f"Bearer {tokens['access_token']}")
    assert info.json == {name: said[name] for name in ("sub", "name", "fhirUser")}


async def test_a_professional_is_the_one_of_the_directory(place: Place) -> None:
    await place.register("an-app")
    scope = "openid fhirUser user/*.rs"
    tokens = await place.log_in("an-app", "gp", scope=scope, cid=None)
    address = claims_of(tokens["id_token"])["fhirUser"]
    reference = address.removeprefix(f"{BASE}/fhir/")
    read = await place.fhir(reference, tokens["access_token"])
    assert read.status == 200, read.body
    numbers = {each["value"][-11:] for each in read.json["identifier"]}
    assert place.subject("gp").removeprefix("rpps:") in numbers


UNTRUSTED: list[tuple[dict[str, str | None], str]] = [
    ({"client_id": None}, "no client"),
    ({"client_id": "nobody"}, "a client nobody registered"),
    ({"redirect_uri": None}, "no redirect"),
    ({"redirect_uri": HOSTILE}, "a redirect of somebody else"),
    ({"redirect_uri": REDIRECT + "/"}, "a redirect with a slash more"),
    ({"redirect_uri": REDIRECT + "?x=1"}, "a redirect with a query"),
    ({"redirect_uri": REDIRECT.upper()}, "a redirect in capitals"),
    ({"redirect_uri": REDIRECT + "/../back"}, "a redirect by another way"),
    ({"redirect_uri": "https://é.example/"}, "a redirect that is not ASCII"),
    ({"redirect_uri": 'https://app.example/"'}, "a quote"),
    ({"response_type": "é"}, "not ASCII"),
    ({"max_age": "٣"}, "a digit that is not ASCII"),
    ({"response_type": "token", "redirect_uri": HOSTILE}, "two faults, one of the redirect"),
]


@pytest.mark.parametrize(("changes", "why"), UNTRUSTED, ids=lambda each: str(each)[:40])
async def test_what_is_not_trusted_is_told_and_never_redirected(
    place: Place, changes: dict[str, str | None], why: str
) -> None:
    await place.register("an-app")
    for accept in ("application/json", "text/html"):
        answer = await place.get(
            AUTHORIZE, place.request("an-app", Proof(), **changes), accept=accept
        )
        assert answer.status == 400, why
        assert "location" not in answer.headers
        assert HOSTILE.encode() not in answer.body
        assert not answer.headers["content-type"].startswith("text/html")


SENT_BACK: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "*"}, "invalid_scope"),
    ({"scope": "patient/*.rs *"}, "invalid_scope"),
    ({"scope": "system/*.rs"}, "invalid_scope"),
    ({"scope": "patient/*.rs patient/*.rs"}, "invalid_scope"),
    ({"scope": "launch/encounter"}, "invalid_scope"),
    ({"scope": "patient/*.sr"}, "invalid_scope"),
    ({"scope": "launch patient/*.rs"}, "invalid_scope"),
    ({"launch": "x"}, "invalid_scope"),
    ({"scope": "launch patient/*.rs", "launch": "nobody made it"}, "invalid_request"),
    ({"aud": None}, "invalid_request"),
    ({"aud": "https://thief.example/fhir"}, "invalid_request"),
    ({"resource": "https://thief.example/fhir"}, "invalid_request"),
    ({"prompt": "none"}, "interaction_required"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "now"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "1e3"}, "invalid_request"),
    ({"state": "s" * 1025}, "invalid_request"),
    ({"nonce": "n" * 256}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "urn:x"}, "request_not_supported"),
]


async def test_what_is_wrong_in_a_trusted_request_is_told_to_the_application(place: Place) -> None:
    await place.register(
        "an-app", scopes="openid launch launch/patient patient/*.cruds system/*.rs"
    )
    for changes, error in SENT_BACK:
        request = place.request("an-app", Proof(), **{"scope": "patient/*.rs", **changes})
        answer = await place.get(AUTHORIZE, request)
        assert answer.status == 303, (changes, answer.body)
        assert answer.headers["location"].startswith(REDIRECT + "?"), changes
        said = query_of(answer.headers["location"])
        assert (said["error"], said["iss"]) == (error, BASE), changes
        assert said["state"] == request["state"], changes
    assert await place.rows("SELECT 1 FROM access.asked") == []


async def test_a_parameter_sent_twice_is_refused_wherever_it_is(place: Place) -> None:
    await place.register("an-app")
    request = place.request("an-app", Proof())
    for name in request:
        answer = await place.get(
            f"{AUTHORIZE}?{name}=x", request
        )  # not a form: two questions marks
        assert answer.status in (303, 400)
        twice = "&".join(f"{n}={v}" for n, v in [*request.items(), (name, request[name])])
        answer = await place.get(f"{AUTHORIZE}?{twice.replace(' ', '+')}")
        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), name
        answer = await place.post("/oauth/token", twice.replace(" ", "+"))
        assert (answer.status, answer.json["error"]) == (400, "invalid_request"), name


async def test_a_client_that_is_not_live_does_not_exist(place: Place) -> None:
    for state in ("proposed", "suspended", "ended"):
        await place.register(state, state=state)
        answer = await place.get(AUTHORIZE, place.request(state, Proof()))
        assert (answer.status, answer.json["error"]) == (400, "invalid_client")


async def test_a_request_may_be_posted(place: Place) -> None:
    await place.register("an-app")
    answer = await place.post(AUTHORIZE, place.request("an-app", Proof()))
    assert answer.status == 303
    assert "/autoriser/" in answer.headers["location"]


async def test_the_question_is_kept_by_the_digest_of_its_secret_for_a_while(place: Place) -> None:
    await place.register("an-app")
    secret = await place.ask("an-app", Proof(), prompt="login", max_age="600")
    [(parameters, lasts)] = await place.rows("SELECT parameters, until - made_at FROM access.asked")
    assert secret not in str(parameters)
    assert (parameters["prompt"], parameters["max_age"]) == ("login", 600)
    assert lasts == timedelta(minutes=20)


WRONG_CODE: list[tuple[dict[str, str], str]] = [
    ({"code": ""}, "invalid_request"),
    ({"code": "x" * 43}, "invalid_grant"),
    ({"redirect_uri": ""}, "invalid_grant"),
    ({"redirect_uri": HOSTILE}, "invalid_grant"),
    ({"code_verifier": ""}, "invalid_grant"),
    ({"code_verifier": "v" * 43}, "invalid_grant"),
    ({"code_verifier": "short"}, "invalid_request"),
    ({"client_id": "other-app"}, "invalid_grant"),
    ({"client_id": "nobody"}, "invalid_client"),
    ({"client_id": ""}, "invalid_client"),
    ({"client_secret": "guess"}, "invalid_client"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"grant_type": "implicit"}, "unsupported_grant_type"),
    ({"grant_type": ""}, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, "invalid_client"),
]


async def test_a_code_is_for_one_client_one_redirect_and_one_verifier(place: Place) -> None:
    await place.register("an-app")
    await place.register("other-app")
    proof = Proof()
    code = await place.code("an-app", "patient", proof)
    for changes, error in WRONG_CODE:
        answer = await place.redeem("an-app", code, proof, **changes)
        assert answer.json["error"] == error, (changes, answer.body)
        assert answer.status == (401 if error == "invalid_client" else 400), changes
        assert answer.headers["cache-control"] == "no-store"
    assert (await place.redeem("an-app", code, proof)).status == 200, "none of these used it"


async def test_a_code_used_twice_ends_what_the_first_use_gave(place: Place) -> None:
    await place.register("an-app")
    proof = Proof()
    code = await place.code("an-app", "patient", proof)
    tokens = (await place.redeem("an-app", code, proof)).json
    second = await place.redeem("an-app", code, proof)
    assert (second.status, second.json["error"]) == (400, "invalid_grant")
    assert await place.rows("SELECT ended_why FROM access.allowed") == [("code-reuse",)]
    assert (await place.refresh("an-app", tokens["refresh_token"])).json["error"] == "invalid_grant"
    assert (await place.fhir("Patient", tokens["access_token"])).status == 401


@pytest.mark.parametrize("broken", ["next_refresh", "used", "code_used"])
async def test_a_crash_in_the_middle_leaves_the_code_as_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    await place.register("an-app")
    proof = Proof()
    code = await place.code("an-app", "patient", proof)

    def crash(*args: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(queries, broken, crash)
        assert (await place.redeem("an-app", code, proof)).status == 500
    assert await place.rows("SELECT 1 FROM access.refresh") == []
    assert await place.rows("SELECT used_at FROM access.code") == [(None,)]
    assert (await place.redeem("an-app", code, proof)).status == 200


async def test_a_client_named_by_what_is_no_text_is_not_known(place: Place) -> None:
    for name in ("lab\0server", "\udcff", "é", "c" * 300):
        secret = b64encode(f"{name}:x".encode("utf-8", "surrogateescape")).decode()
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        answer = await place.post("/oauth/token", form, authorization=f"Basic {secret}")
        assert (answer.status, answer.json["error"]) == (401, "invalid_client"), name


async def test_a_code_waits_a_minute(place: Place) -> None:
    await place.register("an-app")
    proof = Proof()
    code = await place.code("an-app", "patient", proof)
    place.space.clock.advance(timedelta(seconds=61))
    assert (await place.redeem("an-app", code, proof)).json["error"] == "invalid_grant"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
async def test_a_client_proves_who_it_is_by_its_own_method_alone(place: Place, method: str) -> None:
    await place.register("an-app", method=method)
    proof = Proof()
    code = await place.code("an-app", "patient", proof)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
            "code_verifier": proof.verifier}  # fmt: skip
    ways: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        "none": ({"client_id": "an-app"}, {}),
        "client_secret_basic": ({}, {"authorization": basic("an-app")}),
        "client_secret_post": ({"client_id": "an-app", "client_secret": "s" * 43}, {}),
        "private_key_jwt": (place.assertion("an-app"), {}),
    }
    for name, (more, headers) in ways.items():
        if name != method:
            answer = await place.post("/oauth/token", form | more, **headers)
            assert (answer.status, answer.json["error"]) == (401, "invalid_client"), name
    for wrong in ("", "s" * 42, "S" * 43):
        answer = await place.post("/oauth/token", form, authorization=basic("an-app", wrong))
        assert answer.status == 401, wrong
    both = ways["client_secret_basic"][1], {"client_id": "an-app", "client_secret": "s" * 43}
    answer = await place.post("/oauth/token", form | both[1], **both[0])
    assert answer.json["error"] == "invalid_request"
    more, headers = ways[method]
    answer = await place.post("/oauth/token", form | more, **headers)
    assert answer.status == 200, answer.body


UNREADABLE: list[tuple[dict[str, Any], int]] = [
    ({"content_type": "application/json"}, 415),
    ({"content_type": "multipart/form-data; boundary=x"}, 415),
    ({"content_type": ""}, 415),
    ({"content_type": "application/x-www-form-urlencoded; charset=utf-16"}, 415),
    ({"form": "grant_type=refresh_token&refresh_token=" + "r" * 20_000}, 413),
    ({"form": "&".join(f"a{number}=1" for number in range(65))}, 400),
    ({"form": "grant_type=refresh_token&refresh_token=%00"}, 400),
    ({"form": "grant_type=refresh_token&refresh_token=%ff"}, 400),
    ({"form": "grant_type=refresh_token&refresh_token=a%0d%0ab"}, 400),
    ({"form": "grant_type"}, 400),
    ({"path": "/oauth/token?grant_type=refresh_token"}, 400),
]


async def test_a_request_that_cannot_be_read_is_refused_before_anything(place: Place) -> None:
    for address in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        for method in ("GET", "PUT", "DELETE"):
            assert (await place.call(method, address)).status == 405
        for said, status in UNREADABLE:
            headers = {"content_type": said["content_type"]} if "content_type" in said else {}
            path = said.get("path", address).replace("/oauth/token", address)
            answer = await place.post(path, said.get("form", {"a": "b"}), **headers)
            assert answer.status == status, said
            assert answer.json["error"] == "invalid_request"


def test_a_number_that_the_directory_does_not_have_is_no_address() -> None:
    said = {"sub": "rpps:1", "name": "A", "fhirUser": "Practitioner?identifier=00000000001"}
    assert who(BASE, said) == {"sub": "rpps:1", "name": "A"}
