# SPDX-License-Identifier: EUPL-1.2
"""The bearer: every token but a valid one is a 401, and none widens a right."""

import base64
import hashlib
import hmac
import json
import random
import string
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

from carnet.access.tokens import COMMON, OF_KIND
from tests.rest.samples import LAB
from tests.space import Answer, Space, asgi

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
PERSONAS = {"patient": "patient", "gp": "professional", LAB: "software"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def opened(token: str) -> tuple[Json, Json]:
    header, payload, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload))


async def ask(space: Space, authorization: str, path: str = "Observation") -> Answer:
    headers = {"accept": "application/fhir+json", "authorization": authorization}
    return await asgi(space.app, "GET", f"/{path}", b"", headers)


async def refused(space: Space, authorization: str) -> None:
    answer = await ask(space, authorization)
    assert answer.status == 401, authorization
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.json["issue"][0]["code"] == "login"


@pytest.fixture
def key(space: Space) -> OKPKey:
    """The installation's own signing key: these tests forge with all but it, then with it."""
    return space.built.desk.tokens.keys.signing()


def signed(key: OKPKey, claims: Json | bytes, **header: Any) -> str:
    """A token with our own key, whatever it says."""
    full = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.kid} | header
    full = {name: value for name, value in full.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    head = b64(json.dumps(full).encode())
    private = key.private_key
    assert isinstance(private, Ed25519PrivateKey)
    signature = private.sign(f"{head}.{b64(payload)}".encode())
    return f"{head}.{b64(payload)}.{b64(signature)}"


async def test_the_forger_below_makes_what_is_accepted(space: Space, key: OKPKey) -> None:
    """Else every refusal below could be for another reason."""
    for persona in PERSONAS:
        _, claims = opened(await space.token(persona))
        assert (await ask(space, f"Bearer {signed(key, claims)}")).status == 200
        assert (await ask(space, f"bearer  {signed(key, claims)}")).status == 200


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer ..", "é", "Bearer é"]
)
async def test_no_token_is_no_answer(space: Space, given: str) -> None:
    await refused(space, given)
    absent = await asgi(space.app, "GET", "/Observation", b"", {})
    assert absent.status == 401
    assert absent.headers["www-authenticate"] == 'Bearer realm="carnet"'
    assert (await asgi(space.app, "GET", "/metadata", b"", {})).status == 200


async def test_two_tokens_are_none(space: Space) -> None:
    token = await space.token("patient")
    scope_headers = [(b"authorization", f"Bearer {token}".encode())] * 2
    given: list[Any] = []

    async def receive() -> Json:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        given.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/Observation", "raw_path": b"/Observation", "root_path": "",
        "query_string": b"", "client": None, "server": None, "headers": scope_headers,
    }  # fmt: skip
    await space.app(scope, receive, send)
    assert given[0]["status"] == 401


async def test_a_token_ends_at_its_time(space: Space) -> None:
    token = await space.token("patient")
    assert (await ask(space, f"Bearer {token}")).status == 200
    space.clock.advance(timedelta(seconds=301))
    await refused(space, f"Bearer {token}")


async def test_a_raised_revision_ends_every_token_within_a_second(space: Space) -> None:
    token = await space.token("gp")
    assert (await ask(space, f"Bearer {token}")).status == 200
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        sub = opened(token)[1]["sub"]
        conn.execute("UPDATE access.subject SET rev = rev + 1 WHERE sub = %s", (sub,))
    time.sleep(1)  # noqa: ASYNC251 - the promise is a second
    await refused(space, f"Bearer {token}")


def algorithms(key: OKPKey, token: str) -> dict[str, str]:
    """The same claims under other algorithms, with what an attacker has: the public key."""
    payload = token.split(".")[1]
    public = key.as_dict(private=False)
    made = {}

    def part(**header: Any) -> str:
        return b64(json.dumps({"typ": "at+jwt", "kid": key.kid} | header).encode()) + "." + payload

    for alg in ("none", "None", "NONE", ""):
        made[f"alg {alg}"] = part(alg=alg) + "."
        made[f"alg {alg}, signature kept"] = part(alg=alg) + "." + token.split(".")[2]
    raw = unb64(str(public["x"]))
    for name, secret in [
        ("raw", raw), ("base64", str(public["x"]).encode()), ("empty", b""),
        ("jwk", json.dumps(public).encode()),
    ]:  # fmt: skip
        signing = part(alg="HS256")
        mac = hmac.new(secret, signing.encode(), hashlib.sha256).digest()
        made[f"HS256 {name}"] = f"{signing}.{b64(mac)}"
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signing = part(alg="RS256")
    made["RS256"] = (
        f"{signing}.{b64(pair.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
    )
    other = Ed25519PrivateKey.generate()
    for alg in ("Ed25519", "EdDSA"):
        signing = part(alg=alg)
        made[f"another key, {alg}"] = f"{signing}.{b64(other.sign(signing.encode()))}"
    own = {"kty": "OKP", "crv": "Ed25519", "x": b64(other.public_key().public_bytes_raw())}
    for header in (
        {"jwk": own},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example"},
    ):
        signing = part(alg="Ed25519", **header)
        made[f"own key in {next(iter(header))}"] = f"{signing}.{b64(other.sign(signing.encode()))}"
    return made


async def test_another_algorithm_or_key_is_no_signature(space: Space, key: OKPKey) -> None:
    token = await space.token("patient")
    for name, forged in algorithms(key, token).items():
        answer = await ask(space, f"Bearer {forged}")
        assert answer.status == 401, name


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "other"}, {"kid": None}, {"kid": 1}, {"typ": "JWT"}, {"typ": None}, {"typ": "AT+JWT"},
        {"crit": ["exp"]}, {"jku": "https://evil.example"}, {"cty": "JWT"}, {"alg": "EdDSA"}, {"b64": False},
    ],
)  # fmt: skip
async def test_a_header_of_ours_has_three_words(space: Space, key: OKPKey, header: Json) -> None:
    _, claims = opened(await space.token("patient"))
    await refused(space, f"Bearer {signed(key, claims, **header)}")


CHANGES: dict[str, Callable[[Any], Any]] = {
    "missing": lambda value: ...,
    "null": lambda value: None,
    "empty": lambda value: "",
    "a list": lambda value: [value],
    "an object": lambda value: {"value": value},
    "a boolean": lambda value: True,
    "the other type": lambda value: str(value) if isinstance(value, int) else 1,
    "a fraction": lambda value: value + 0.5 if isinstance(value, int) else 0.5,
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("change", CHANGES)
async def test_every_claim_is_needed_and_has_its_type(
    space: Space, key: OKPKey, persona: str, change: str
) -> None:
    """A missing claim is never a wider right (F2)."""
    _, claims = opened(await space.token(persona))
    kind = next(each for each in OF_KIND if each == PERSONAS[persona])
    for name in COMMON | OF_KIND[kind]:
        value = CHANGES[change](claims[name])
        changed = {**claims, name: value}
        if value is ...:
            del changed[name]
        answer = await ask(space, f"Bearer {signed(key, changed)}")
        assert answer.status == 401, name


async def test_a_claim_said_twice_is_refused(space: Space, key: OKPKey) -> None:
    _, claims = opened(await space.token("patient"))
    for name, value in claims.items():
        twice = json.dumps(claims)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}"
        await refused(space, f"Bearer {signed(key, twice.encode())}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"}, {"aud": "Carnet"}, {"iss": "http://evil.example"}, {"iss": "http://carnet.test/"},
        {"kind": "professional"}, {"kind": "platform"}, {"kind": "Patient"}, {"sub": "patient:nobody"},
        {"rev": 0}, {"rev": 2}, {"rev": -1}, {"iat": 4_102_444_800, "exp": 4_102_444_900},
        {"exp": 4_102_444_800}, {"iat": 0}, {"exp": 0}, {"exp": 10**30}, {"iat": -(10**30)},
        {"patient": "Patient/" + "a" * 26}, {"patient": "Organization/x"}, {"patient": "*"},
        {"patient": "Patient/"}, {"patient": "Patient/" + "b" * 5000},
    ],
)  # fmt: skip
async def test_a_claim_of_another_value_is_refused(
    space: Space, key: OKPKey, changes: Json
) -> None:
    _, claims = opened(await space.token("patient"))
    await refused(space, f"Bearer {signed(key, claims | changes)}")


@pytest.mark.parametrize("rpps", ["", "1", "1" * 12, "١" * 11, "1000000000a", " 1000000000"])
async def test_an_rpps_is_eleven_digits(space: Space, key: OKPKey, rpps: str) -> None:
    _, claims = opened(await space.token("gp"))
    await refused(space, f"Bearer {signed(key, claims | {'rpps': rpps})}")


async def test_two_thousand_mutants_of_a_token_and_none_lives(space: Space) -> None:
    """Each differs from the token in its text; most decoders let some pass."""
    rng = random.Random(20261122)
    token = await space.token("patient")
    verify = space.built.desk.tokens.verify
    assert verify(token).claims["kind"] == "patient"
    alphabet = string.ascii_letters + string.digits + "-_.=+/ \n\t!é"
    accepted = []
    for _ in range(2000):
        text = list(token)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            at = rng.choice((rng.randrange(len(text)), len(text) - 1, token.rindex(".") + 1))
            at = min(at, len(text) - 1)
            match rng.randrange(5):
                case 0:
                    text[at] = rng.choice(alphabet)
                case 1:
                    del text[at]
                case 2:
                    text.insert(at, rng.choice(alphabet))
                case 3:
                    other = rng.randrange(len(text))
                    text[at], text[other] = text[other], text[at]
                case _:
                    text.append(rng.choice(alphabet))
        mutant = "".join(text)
        if mutant == token:
            continue
        try:
            verify(mutant)
        except Exception as error:
            assert type(error).__name__ == "WrongToken", mutant
        else:
            accepted.append(mutant)
    assert accepted == []


async def test_our_own_library_reads_what_the_forger_makes(key: OKPKey) -> None:
    """The forger's signature is a real one, so its refusals are about what it signs."""
    found = jws.deserialize_compact(signed(key, {"a": 1}).encode(), key, ["Ed25519"])
    assert found.payload == b'{"a": 1}'
