# SPDX-License-Identifier: EUPL-1.2
"""Each claim missing, null, of another type, twice, huge, negative, a list: refused, its signature right.

The key that signs is the server's or the client's own, so the claim alone is at fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jws

from carnet.access.tokens import COMMON, OF_GRANT, OF_KIND, Tokens
from carnet.oauth.requests import new_secret
from tests.hostile.tokens import unb64
from tests.oauth.place import Place, client_key, place
from tests.oauth.test_software import ask, exchange, hospital
from tests.rest.samples import LAB

__all__ = ["client_key", "place"]
pytestmark = pytest.mark.anyio
ABSENT = object()
WRONG: dict[type, tuple[Any, ...]] = {
    str: (ABSENT, None, "", 1, -1, 0.5, True, [], {}, ["x"], {"value": "x"}, "x" * 9000),
    int: (ABSENT, None, "1", -1, -(10**30), 10**400, 1e400, 0.5, True, [], {}, [1]),
}
FREE = {"name", "purpose", "acr", "client", "jti", "scope", "profession", "situation", "fhirUser"}


def altered(claims: dict[str, Any], name: str, wrong: Any) -> bytes:
    """The claims with one of them wrong."""
    if wrong is ABSENT:
        return json.dumps({key: value for key, value in claims.items() if key != name}).encode()
    return json.dumps(claims | {name: wrong}).replace("Infinity", "1e400").encode()


def twice(claims: dict[str, Any], name: str) -> Iterator[bytes]:
    """One of them twice: the same, and another before and after."""
    text = json.dumps(claims)
    for value in (claims.get(name), "other", 1, None):
        member = f"{json.dumps(name)}: {json.dumps(value)}"
        yield f"{{{member}, {text[1:]}".encode()
        yield f"{text[:-1]}, {member}}}".encode()


def signed(tokens: Tokens, payload: bytes) -> str:
    """By the server's own key."""
    key = tokens.keys.signing()
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid}
    return jws.serialize_compact(header, payload, key, ["Ed25519"])


async def whole(place: Place, persona: str) -> dict[str, Any]:
    """Claims of a right token."""
    found: dict[str, Any] = json.loads(unb64((await place.space.token(persona)).split(".")[1]))
    return found


async def accepted(place: Place, payloads: list[tuple[str, bytes]]) -> list[str]:
    """Of these, which the API takes; all are asked by their signed token."""
    tokens = place.space.built.desk.tokens
    statuses = {
        what: (await place.fhir("Patient?_summary=count", signed(tokens, payload))).status
        for what, payload in payloads
    }
    return [what for what, status in statuses.items() if status != 401]


def wrongs(claims: dict[str, Any], types: dict[str, type]) -> list[tuple[str, bytes]]:
    """Every claim in every wrong way."""
    found = []
    for name, kind in types.items():
        for number, wrong in enumerate(WRONG[kind]):
            if type(wrong) is kind and name in FREE | {"rev"} and wrong != "":
                continue  # long words alone: the whole token is judged by its length elsewhere
            found.append((f"{name} {number}", altered(claims, name, wrong)))
        found += [(f"{name} twice {at}", text) for at, text in enumerate(twice(claims, name))]
    return found


@pytest.mark.parametrize("persona", ["patient", "gp", LAB, "operator", "assistant"])
async def test_each_claim_of_an_access_token_is_needed_once_and_of_its_type(
    place: Place, persona: str
) -> None:
    claims = await whole(place, persona)
    kind = next(each for each in OF_KIND if each == claims["kind"])
    assert await accepted(place, [("right", json.dumps(claims).encode())]) == ["right"]
    tried = wrongs(claims, COMMON | OF_KIND[kind])
    assert len(tried) > 200
    assert await accepted(place, tried) == []


async def test_each_claim_of_a_grant_too(place: Place) -> None:
    await place.register("an-app")
    given = (await place.log_in("an-app", "patient"))["access_token"]
    claims = json.loads(unb64(given.split(".")[1]))
    assert await accepted(place, [("right", json.dumps(claims).encode())]) == ["right"]
    assert await accepted(place, wrongs(claims, {"grant": str, "client_rev": int})) == []
    types = wrongs(claims, {"auth_time": OF_GRANT["auth_time"]})
    kept = {
        f"auth_time {at}" for at in (3, 4, 5)
    }  # integers: they say when, the row is what counts
    assert set(await accepted(place, types)) <= kept


async def test_a_verifier_that_takes_the_last_of_two_would_be_seen(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted faults: a reader of JSON that lets a member stand twice, and claims unchecked."""
    claims = await whole(place, "patient")
    double = [("twice", text) for text in twice(claims, "sub")][1:2]
    assert await accepted(place, double) == []
    monkeypatch.setattr("carnet.access.tokens.strict.parse", json.loads)
    assert await accepted(place, double) == ["twice"]


# ---------------------------------------------------------------------- what others sign for us


def by_client(place: Place, payload: bytes) -> str:
    """By the client's own key."""
    header = {"alg": "ES384", "kid": place.key.kid}
    return jws.serialize_compact(header, payload, place.key, ["ES384"])


SAID = {"iss": str, "sub": str, "aud": str, "jti": str, "exp": int}


def said(claims: dict[str, Any], types: dict[str, type]) -> Iterator[tuple[str, bytes]]:
    """Wrong ones, each with an identifier of its own: none is refused because another was seen."""
    for name, kind in types.items():
        for number in range(len(wrongs(claims, {name: kind}))):
            fresh = claims | {"jti": new_secret()}
            yield wrongs(fresh, {name: kind})[number]


async def test_each_claim_of_an_assertion_is_needed_once_and_of_its_type(place: Place) -> None:
    await place.register_software()
    form = place.assertion("lab-server")
    claims = json.loads(unb64(form["client_assertion"].split(".")[1]))
    taken = []
    for what, payload in said(claims, SAID | {"iat": int}):
        if what == "iat 0":
            continue  # RFC 7523: it may be absent
        answer = await ask(place, **(form | {"client_assertion": by_client(place, payload)}))
        if (answer.status, answer.json.get("error")) != (401, "invalid_client"):
            taken.append((what, answer.status, answer.json))
    assert taken == []
    assert (await ask(place, **form)).status == 200


async def test_each_claim_of_a_subject_token_is_needed_once_and_of_its_type(place: Place) -> None:
    await hospital(place)
    now = int(place.space.clock().timestamp())
    claims = {
        "iss": "hospital-server", "aud": place.base, "exp": now + 60, "iat": now,
        "auth_time": now - 120, "sub": place.subject("gp").removeprefix("rpps:"), "jti": "j" * 30,
    }  # fmt: skip
    taken = []
    for what, payload in said(claims, SAID | {"auth_time": int}):
        answer = await exchange(place, subject_token=by_client(place, payload))
        if (answer.status, answer.json.get("error")) != (400, "invalid_grant"):
            taken.append((what, answer.status, answer.json))
    assert taken == []
    right = by_client(place, json.dumps(claims | {"jti": new_secret()}).encode())
    assert (await exchange(place, subject_token=right)).status == 200
