# SPDX-License-Identifier: EUPL-1.2
"""An installation to test against: a real database with the cast in it, and the API in process.

    @pytest.mark.anyio
    async def test_something(space: Space) -> None:
        answer = await space.get("Observation?_count=1", as_="patient")
        assert answer.status == 200

The cast (tests/people.py) is loaded once a worker, with the documents of `PATIENT`; each test has a clone
of that database. Requests go straight to the ASGI application: no socket, no other process, the same code.
`space.clock` is the installation's clock, which a test may move.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from carnet.access import door
from carnet.access.actor import Actor
from carnet.access.door import Visit
from carnet.app import demonstration, parts
from carnet.app.demonstration import Where
from carnet.app.parts import Built
from carnet.config import Instance, Settings
from carnet.postgres.cluster import DATABASE, Cluster
from carnet.rest.routes import application
from tests import people

BASE = "http://carnet.test"
FHIR = "application/fhir+json"


class Clock:
    """The time of an installation, which goes only when it is told to, or a millisecond a look."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass(frozen=True)
class Answer:
    """A whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Resources of a searchset or history."""
        return [entry.get("resource", {}) for entry in self.json.get("entry", [])]

    @property
    def said(self) -> str:
        """The first sentence of an OperationOutcome."""
        return str(self.json["issue"][0].get("diagnostics", ""))


@dataclass
class Space:
    """An installation: its parts, its people, and a caller."""

    built: Built
    where: Where
    clock: Clock
    admin_url: str
    app: Any = None
    _tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = application(self.built.desk)

    def patient_id(self, key: str = people.PATIENT.key) -> str:
        """FHIR id of a person of the cast."""
        cid = self.where.people[key]
        return self.built.door.ids.encode(cid, cid)

    async def actor(self, persona: str) -> Actor:
        """The actor of a persona."""
        found = people.POPULATION.persona(persona)
        subject = demonstration.subject_of(found, people.POPULATION)
        return await parts.actor(self.built, subject, client="tests")

    async def visit(self, persona: str) -> Visit:
        """A visit of a persona, for acts called without HTTP."""
        return Visit(self.built.door, await self.actor(persona), uuid.uuid4().hex)

    async def token(self, persona: str, **changes: Any) -> str:
        """A token of a persona; `changes` replace claims, None removes one."""
        claims = parts.claims(self.built, await self.actor(persona), "*")
        claims |= changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.built.desk.tokens.issue(claims, lifetime=300)

    async def call(
        self,
        method: str,
        path: str,
        *,
        as_: str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `path` after /fhir/; a dict body goes as FHIR JSON."""
        sent: dict[str, str] = {"accept": FHIR}
        if as_ is not None:
            sent["authorization"] = f"Bearer {await self.token(as_)}"
        content = b""
        if isinstance(body, bytes):
            content = body
        elif body is not None:
            content = json.dumps(body).encode()
        if body is not None:
            sent["content-type"] = FHIR
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        return await asgi(self.app, method, "/" + path.lstrip("/"), content, sent)

    async def get(self, path: str, *, as_: str | None = None, **headers: str) -> Answer:
        """GET."""
        return await self.call("GET", path, as_=as_, headers=headers)

    async def post(self, path: str, body: Any, *, as_: str | None = None, **headers: str) -> Answer:
        """POST."""
        return await self.call("POST", path, as_=as_, body=body, headers=headers)

    async def put(self, path: str, body: Any, *, as_: str | None = None, **headers: str) -> Answer:
        """PUT."""
        return await self.call("PUT", path, as_=as_, body=body, headers=headers)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, as its owner sees it."""
        conn = await psycopg.AsyncConnection.connect(self.admin_url, autocommit=True)
        async with conn:
            # The owner is bound by row security too, unless it is a superuser as here.
            cursor = await conn.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []


async def asgi(
    app: Any, method: str, path: str, content: bytes, headers: Mapping[str, str]
) -> Answer:
    """One request through an ASGI application, without a client library in between."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("carnet.test", 80),
    }
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    status, found, chunks = 0, {}, []

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message["headers"]:
                found[name.decode().lower()] = value.decode()
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, found, b"".join(chunks))


@dataclass(frozen=True)
class Peopled:
    """A database with the cast in it, to clone from."""

    cluster: Cluster
    name: str
    folder: Path
    where: Where
    at: datetime


def settings_of(folder: Path, **changes: Any) -> Settings:
    """Settings of a test installation: a demonstration, in a folder."""
    values: dict[str, Any] = {
        "data": folder, "instance": Instance.DEMONSTRATION, "base_url": BASE, "log_level": "ERROR",
    }  # fmt: skip
    return Settings(**(values | changes))


async def build(url: str, folder: Path, clock: Clock, seed: int = 7, **changes: Any) -> Built:
    """The parts on one database, with a clock and randomness of the test's own."""
    chance = random.Random(seed)
    return await parts.build(
        settings_of(folder, **changes),
        _Url(url),
        name="tests",
        clock=clock,
        random=chance.randbytes,
        random_bits=chance.getrandbits,
    )


@dataclass(frozen=True)
class _Url:
    """A server of one address, by role."""

    pattern: str

    def url(self, role: str = "carnet_admin", /) -> str:
        return self.pattern.replace("{role}", role)

    def stop(self) -> None:
        """Not ours."""


@contextlib.contextmanager
def clone(cluster: Cluster, template: str) -> Iterator[str]:
    """A database of its own, dropped at the end."""
    name = f"space_{uuid.uuid4().hex}"
    with psycopg.connect(cluster.url(database="postgres"), autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield name
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def pattern(cluster: Cluster, name: str) -> str:
    """The address of a database with its role left open."""
    return cluster.url("{role}", name)


@contextlib.contextmanager
def populated(cluster: Cluster, folder: Path) -> Iterator[Peopled]:
    """A database of this server with the cast in it, its keys and files in `folder`."""
    clock = Clock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    with clone(cluster, DATABASE) as name:
        with psycopg.connect(cluster.url(database=name)) as conn:
            door.install(conn, door.load_or_make(folder / "keys"))

        async def load() -> Where:
            built = await build(pattern(cluster, name), folder, clock)
            try:
                where = await demonstration.load_people(
                    built, cluster.url(database=name), people.POPULATION
                )
                await demonstration.load_documents(built, people.POPULATION, [people.PATIENT])
                return where
            finally:
                await built.pool.close()

        where = asyncio.run(load())
        yield Peopled(cluster, name, folder, where, clock.now)


@pytest.fixture(scope="session")
def peopled(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peopled]:
    """The cast, loaded once."""
    with populated(cluster, tmp_path_factory.mktemp("installation")) as found:
        yield found


@pytest.fixture
async def space(peopled: Peopled) -> AsyncIterator[Space]:
    """An installation of the test's own."""
    with clone(peopled.cluster, peopled.name) as name:
        clock = Clock(peopled.at)
        built = await build(pattern(peopled.cluster, name), peopled.folder, clock, seed=11)
        built.settings.roots.unlink(missing_ok=True)  # handed out by another test's database
        try:
            yield Space(built, peopled.where, clock, peopled.cluster.url(database=name))
        finally:
            await built.pool.close()
