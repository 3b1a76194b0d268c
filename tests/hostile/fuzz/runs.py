# SPDX-License-Identifier: EUPL-1.2
"""Runs of the fuzz: each request is sent to an installation, its answer judged; a share of the campaign."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import structlog

from carnet.fhir.definitions import load
from carnet.rest.routes import ROUTES
from tests.agreement.worlds import campaigning, quickly
from tests.hostile.fuzz.answers import judged
from tests.hostile.fuzz.requests import Grammar, Known, Sent
from tests.rest.samples import LAB, observation
from tests.space import Answer, Clock, Peopled, Space, build, clone, pattern

RENEWED: Final = 400  # requests that a token serves for
KEPT: Final = 40  # ids of a type


@dataclass
class Fuzzed:
    """What a run saw."""

    seed: int = 0
    requests: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    slow: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __add__(self, other: Fuzzed) -> Fuzzed:
        """Two runs as one."""
        return Fuzzed(
            min(self.seed, other.seed), self.requests + other.requests, self.seconds + other.seconds,
            self.statuses + other.statuses, self.slow + other.slow, self.faults + other.faults,
        )  # fmt: skip

    def __str__(self) -> str:
        statuses = dict(sorted(self.statuses.items()))
        return (
            f"seed {self.seed}: {self.requests:,} requests, {len(self.faults)} faults"
            f" in {self.seconds:.0f} s {statuses}"
        )


async def known(space: Space) -> Known:
    """What a space has to aim at."""
    ids: dict[str, list[str]] = {}
    seen: dict[str, dict[str, list[str]]] = {}
    for _ in range(KEPT // 2):
        made = observation(f"Patient/{space.patient_id()}", date="2020-01-02")
        assert (await space.post("Observation", made, as_=LAB)).status == 201
    for who in (LAB, "patient", "gp"):
        for rtype in load().params:
            answer = await space.get(f"{rtype}?_count={KEPT}", as_=who)
            found = [each["id"] for each in answer.entries] if answer.status == 200 else []
            if found:
                seen.setdefault(who, {})[rtype] = found
                ids.setdefault(rtype, []).extend(found)
    return Known(ids, space.patient_id(), seen)


class Caller:
    """Sends requests to an installation, each person with a token that is still good."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.sent = 0
        self._tokens: dict[str, str] = {}

    async def __call__(self, sent: Sent) -> Answer:
        """The answer of one request."""
        if self.sent % RENEWED == 0:
            self._tokens.clear()
        self.sent += 1
        headers = list(sent.headers)
        if sent.who is not None and not any(name == "authorization" for name, _ in headers):
            headers.append(("authorization", f"Bearer {await self._token(sent.who)}"))
        return await raw_asgi(self.space.app, sent, headers)

    async def _token(self, who: str) -> str:
        if who == "wrong":
            return "a.b.c"
        if who not in self._tokens:
            self._tokens[who] = await self.space.token(who)
        return self._tokens[who]


async def raw_asgi(app: Any, sent: Sent, headers: Sequence[tuple[str, str]]) -> Answer:
    """One request as a server would hand it on: bytes of the address as they came, path decoded."""
    path, _, query = sent.path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method,
        "scheme": "http", "path": unquote(path, errors="replace"), "root_path": "",
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode("utf-8", "surrogatepass"),
        "headers": [(n.encode("latin-1"), v.encode("utf-8", "replace")) for n, v in headers],
        "client": ("127.0.0.1", 1), "server": ("carnet.test", 80),
    }  # fmt: skip
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": sent.body, "more_body": False}

    status, chunks = 0, []
    found: dict[str, str] = {}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            found.update((n.decode().lower(), v.decode("latin-1")) for n, v in message["headers"])
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, found, b"".join(chunks))


async def tried(
    space: Space, requests: int, seed: int, told: Callable[[str], None] = print
) -> Fuzzed:
    """So many requests to one installation, one after the other; `told` hears each fault at once."""
    grammar = Grammar(seed, await known(space), [*space.built.desk.acts.routes, *ROUTES])
    call, figures, started = Caller(space), Fuzzed(seed), time.perf_counter()
    for number in range(requests):
        sent = grammar.next()
        begun = time.perf_counter()
        try:
            answer = await call(sent)
            wrong = judged(sent, answer)
        except Exception as error:
            answer, wrong = Answer(0, {}, b""), f"{type(error).__name__}: {error!s:.300}"
        figures.requests += 1
        figures.statuses[answer.status] += 1
        took = time.perf_counter() - begun
        if took > 4:
            figures.slow.append(f"{took:.1f} s, {answer.status}: {sent}")
        if answer.status == 201 and (
            where := re.search(r"/fhir/(\w+)/([^/]+)", answer.headers.get("location", ""))
        ):
            held = grammar.known.seen.setdefault(sent.who or "", {}).setdefault(where[1], [])
            held[number % KEPT : number % KEPT + 1] = [where[2]]
        if wrong is not None:
            figures.faults.append(f"seed {seed}, request {number}: {wrong}\n    {sent}")
            told(figures.faults[-1])
    figures.seconds = time.perf_counter() - started
    return figures


async def _alone(peopled: Peopled, requests: int, seed: int) -> Fuzzed:
    """On an installation of its own."""
    with clone(peopled.cluster, peopled.name) as name:
        clock = Clock(peopled.at)
        built = await build(pattern(peopled.cluster, name), peopled.folder, clock, seed=11)
        try:
            space = Space(built, peopled.where, clock, peopled.cluster.url(database=name))
            figures = await tried(space, requests, seed)
            last = await space.get("Observation?_count=1", as_="patient")
            if last.status != 200:
                figures.faults.append(f"it no longer serves: {last.status}")
            return figures
        finally:
            await asyncio.wait_for(built.pool.close(), 30)


def run(requests: int, seed: int) -> Fuzzed:
    """A share of the campaign, on a server of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with campaigning("requests") as peopled:
        return quickly(_alone(peopled, requests, seed))
