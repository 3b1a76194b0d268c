# SPDX-License-Identifier: EUPL-1.2
"""A running installation with registered clients, and a person who answers.

    async def test_something(place: Place) -> None:
        await place.register("an-app")
        tokens = await place.log_in("an-app", "patient", scope="openid patient/*.rs")
        answer = await place.fhir("Patient", tokens["access_token"])

`place.app` is what a process serves to programs: /fhir, /pdsm, /oauth and the documents about them, on the
database of `place.space`. `place.answer` does what the page `/autoriser/` does, by the rows it makes.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from carnet.access.actor import Actor
from carnet.app import demonstration, protocol
from carnet.oauth.requests import Asked, digest, issue_code, new_secret
from tests import people
from tests.space import BASE, Answer, Space, asgi

REDIRECT = "https://app.example/back"
SECRET = "s" * 43
FORM = "application/x-www-form-urlencoded"
AUTHORIZE = "/oauth/authorize"
SCOPES = "openid fhirUser launch launch/patient offline_access patient/*.cruds user/*.cruds"


@dataclass(frozen=True)
class Proof:
    """A verifier of PKCE and its challenge."""

    verifier: str = field(default_factory=lambda: new_secret())

    @property
    def challenge(self) -> str:
        """S256."""
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass
class Place:
    """An installation, by its addresses."""

    space: Space
    app: Starlette
    pool: ConnectionPool[Any]
    key: ECKey
    base: str = BASE

    # ------------------------------------------------------------------ what an operator does

    async def register(self, id: str, **changes: Any) -> str:
        """A live client: public, with REDIRECT and SCOPES, unless `changes` (columns) say otherwise."""
        row: dict[str, Any] = {
            "id": id, "name": id, "kind": "app", "subject": None, "method": "none", "secret": None,
            "keys": None, "redirects": [REDIRECT], "origins": ["https://app.example"],
            "grants": ["authorization_code", "refresh_token"], "scopes": SCOPES, "state": "live",
            "made_at": self.space.clock(), "made_by": "tests",
        } | changes  # fmt: skip
        if row["method"].startswith("client_secret"):
            row["secret"] = digest(SECRET)
        if row["method"] == "private_key_jwt" and row["keys"] is None:
            row["keys"] = {"keys": [self.key.as_dict(private=False)]}
        row["keys"] = None if row["keys"] is None else Jsonb(row["keys"])
        await self.rows(
            f"INSERT INTO access.client ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            *row.values(),
        )
        return id

    async def register_software(self, id: str = "lab-server", **changes: Any) -> str:
        """The software of the laboratory, by its key, with every grant software may have."""
        values: dict[str, Any] = {
            "kind": "software", "subject": self.subject("lab-software"), "method": "private_key_jwt",
            "scopes": "system/*.cruds user/*.cruds", "redirects": [],
            "grants": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
        } | changes  # fmt: skip
        return await self.register(id, **values)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the owner of the database."""
        return await self.space.rows(query, *values)

    def subject(self, persona: str) -> str:
        """`sub` of a persona."""
        return demonstration.subject_of(people.POPULATION.persona(persona), people.POPULATION)

    # ------------------------------------------------------------------ what an application does

    async def get(
        self, path: str, parameters: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        """GET."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return await asgi(self.app, "GET", path + query, b"", headers)

    async def call(self, method: str, path: str, **headers: str) -> Answer:
        """Any method, nothing in the body."""
        return await asgi(self.app, method, path, b"", headers)

    async def post(self, path: str, form: dict[str, str] | str, **headers: str) -> Answer:
        """POST of a form."""
        body = form if isinstance(form, str) else urlencode(form)
        headers = {"content-type": FORM} | {
            name.replace("_", "-"): v for name, v in headers.items()
        }
        return await asgi(self.app, "POST", path, body.encode(), headers)

    async def fhir(self, path: str, token: str) -> Answer:
        """GET under /fhir with a token."""
        return await self.get(f"/fhir/{path}", authorization=f"Bearer {token}")

    async def actor(self, token: str) -> Actor:
        """Whom the API takes a token for."""
        given = [(b"authorization", f"Bearer {token}".encode())]
        request = Request({"type": "http", "headers": given})
        return (await self.space.built.desk.bearer(request))[1]

    def request(self, client: str, proof: Proof, **changes: str | None) -> dict[str, str]:
        """Parameters of the authorization endpoint that are right; None leaves one out."""
        said: dict[str, str | None] = {
            "response_type": "code", "client_id": client, "redirect_uri": REDIRECT, "state": "st",
            "scope": "openid fhirUser launch/patient offline_access patient/*.rs", "nonce": "nn",
            "aud": f"{self.base}/fhir", "code_challenge": proof.challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return {name: value for name, value in (said | changes).items() if value is not None}

    async def ask(self, client: str, proof: Proof, **changes: str | None) -> str:
        """Send a person to the authorization endpoint; the secret of the page that asks them."""
        answer = await self.get(AUTHORIZE, self.request(client, proof, **changes))
        assert answer.status == 303, answer.body
        address = answer.headers["location"]
        assert address.startswith(f"{self.base}/autoriser/"), address
        return address.removeprefix(f"{self.base}/autoriser/").rstrip("/")

    async def answer(self, secret: str, persona: str, **changes: Any) -> str:
        """A persona allows all that was asked; `changes` are columns of the grant. The redirect."""
        now = self.space.clock()
        conn = await psycopg.AsyncConnection.connect(self.space.admin_url)
        async with conn:
            found = await conn.execute(
                "UPDATE access.asked SET answered_at = %s WHERE id = %s AND answered_at IS NULL"
                " RETURNING parameters", (now, digest(secret)),
            )  # fmt: skip
            answered = await found.fetchone()
            assert answered is not None, "nobody asked, or somebody answered"
            asked = Asked.of(answered[0])
            who = await self.space.actor(persona)
            row: dict[str, Any] = {
                "id": uuid.uuid4(), "client": asked.client, "sub": who.sub, "scope": asked.scope,
                "cid": who.patient, "situation": who.situation or None, "writes": True,
                "offline": "offline_access" in asked.scopes, "acr": "carnet:3", "amr": ["hwk"],
                "authenticated": now, "sub_rev": who.rev, "made_at": now,
                "until": now + timedelta(days=365),
            } | changes  # fmt: skip
            await conn.execute(
                f"INSERT INTO access.allowed ({', '.join(row)})"
                f" VALUES ({', '.join(['%s'] * len(row))})".encode(),
                list(row.values()),
            )
            return await issue_code(conn, row["id"], asked, issuer=self.base, now=now)

    async def code(
        self, client: str, persona: str, proof: Proof, scope: str | None = None, **changes: Any
    ) -> str:
        """A code: asked, answered."""
        more = {} if scope is None else {"scope": scope}
        return code_of(await self.answer(await self.ask(client, proof, **more), persona, **changes))

    async def redeem(self, client: str, secret: str, proof: Proof, **changes: str) -> Answer:
        """The token endpoint, with a code."""
        form = {
            "grant_type": "authorization_code", "code": secret, "redirect_uri": REDIRECT,
            "client_id": client, "code_verifier": proof.verifier,
        } | changes  # fmt: skip
        return await self.post("/oauth/token", {name: v for name, v in form.items() if v})

    async def refresh(self, client: str, token: str, **changes: str) -> Answer:
        """The token endpoint, with a refresh token."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": client,
        } | changes
        return await self.post("/oauth/token", form)

    async def log_in(
        self, client: str, persona: str, scope: str | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Everything, from the question to the tokens; `changes` are columns of the grant."""
        proof = Proof()
        code = await self.code(client, persona, proof, scope, **changes)
        answer = await self.redeem(client, code, proof)
        assert answer.status == 200, answer.body
        return dict(answer.json)

    def signed(self, claims: dict[str, Any], key: Any = None, **header: Any) -> str:
        """A JWT of the client's key."""
        full = {"alg": "ES384", "kid": self.key.kid} | header
        return jws.serialize_compact(full, json.dumps(claims), key or self.key, [full["alg"]])

    def assertion(self, client: str, **changes: Any) -> dict[str, str]:
        """private_key_jwt, right unless `changes` (claims; None leaves one out) say otherwise."""
        now = int(self.space.clock().timestamp())
        claims: dict[str, Any] = {
            "iss": client, "sub": client, "aud": f"{self.base}/oauth/token", "iat": now, "exp": now + 60,
            "jti": new_secret(),
        } | changes  # fmt: skip
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.signed({n: v for n, v in claims.items() if v is not None}),
        }


def code_of(address: str) -> str:
    """The code in a redirect."""
    return query_of(address)["code"]


def query_of(address: str) -> dict[str, str]:
    """Parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))


def basic(client: str, secret: str = SECRET) -> str:
    """The header of client_secret_basic."""
    return "Basic " + b64encode(f"{client}:{secret}".encode()).decode()


def claims_of(token: str) -> dict[str, Any]:
    """Of a JWT, unverified."""
    part = token.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))))


class At:
    """A server by one address, its role left open."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def url(self, role: str = "carnet_admin", /) -> str:
        """Of a role."""
        return self._pattern.replace("{role}", role)

    def stop(self) -> None:
        """Not ours."""


def pattern_of(space: Space) -> str:
    """The address of a space's database, its role left open."""
    info = psycopg.conninfo.conninfo_to_dict(space.admin_url)
    return psycopg.conninfo.make_conninfo(**(info | {"user": "{role}"}))  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def running(space: Space, key: ECKey) -> AsyncIterator[Place]:
    """What a process serves, on the database of a space; another call is another process."""
    pool = protocol.connections(At(pattern_of(space)))
    await run_in_threadpool(partial(pool.open, wait=True))
    try:
        yield Place(space, Starlette(routes=protocol.routes(space.built, pool)), pool, key)
    finally:
        await run_in_threadpool(pool.close)


@pytest.fixture(scope="session")
def client_key() -> ECKey:
    """A key of a client."""
    return ECKey.generate_key("P-384", auto_kid=True)


@pytest.fixture
async def place(space: Space, client_key: ECKey) -> AsyncIterator[Place]:
    """An installation of the test's own."""
    async with running(space, client_key) as found:
        yield found
