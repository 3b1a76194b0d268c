# SPDX-License-Identifier: EUPL-1.2
"""Who asks too often from one place is told to wait, in the language of what they asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carnet.access.limits.address import networks
from carnet.access.limits.counter import Counter
from carnet.access.limits.table import load
from carnet.app.guard import FREE, Guard, rate_of
from carnet.postgres.pool import Pool

pytestmark = pytest.mark.anyio
STRICT = load(demonstration=False)
Headers = list[tuple[bytes, bytes]]


class Behind:
    """What a guard protects: notes what reaches it."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(
    guard: Guard, path: str, socket: str = "203.0.113.7", *forwarded: str
) -> tuple[int, dict[str, str], bytes]:
    """One request: status, headers, body."""
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    scope = {"type": "http", "path": path, "method": "GET", "headers": headers, "query_string": b"",
             "client": (socket, 1), "server": ("carnet.test", 80), "scheme": "http"}  # fmt: skip
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await guard(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in said[0]["headers"]}
    return said[0]["status"], found, said[1]["body"]


def guarded(pool: Pool, proxies: str = "") -> tuple[Guard, Behind, Counter]:
    """A guard of the rates of an installation that is none of demonstration."""
    behind, counter = Behind(), Counter(pool, STRICT, b"k" * 32, lambda: 1e6)
    return (
        Guard(behind, counter=lambda: counter, proxies=networks(proxies)),
        behind,
        counter,
    )


def fill(counter: Counter, name: str, address: str) -> None:
    """All that a window lets pass."""
    for _ in range(STRICT[name].most):
        counter.take(name, address)


@pytest.mark.parametrize("path", ["/fhir/Patient", "/pdsm/x", "/oauth/token", "/oauth/authorize"])
async def test_beyond_the_rate_of_an_address_nothing_is_reached(pool: Pool, path: str) -> None:
    guard, behind, counter = guarded(pool)
    fill(counter, rate_of(path), "203.0.113.7")
    status, headers, body = await ask(guard, path)
    assert (status, behind.scopes) == (429, [])
    assert 1 <= int(headers["retry-after"]) <= STRICT[rate_of(path)].seconds + 1
    told = json.loads(body)
    assert told.get("resourceType") == "OperationOutcome" or told["error"]
    assert (await ask(guard, path, "203.0.113.8"))[0] == 200


@pytest.mark.parametrize(
    ("path", "rate"), [("/dossier/", "page"), ("/compte/fournisseur/hopital/retour/", "elsewhere")]
)
async def test_a_page_says_it_in_its_own_words(pool: Pool, path: str, rate: str) -> None:
    guard, behind, counter = guarded(pool)
    assert (await ask(guard, path))[0] == 200
    assert "carnet.wait" not in behind.scopes[-1]
    for _ in range(STRICT[rate].most - 1):
        counter.take(rate, "203.0.113.7")
    await ask(guard, path)
    assert behind.scopes[-1]["carnet.wait"] >= 1
    for free in FREE:
        await ask(guard, free)
        assert "carnet.wait" not in behind.scopes[-1]


async def test_a_header_anybody_may_write_gives_no_other_address(pool: Pool) -> None:
    """The planted fault is a proxy that was named: then what it says counts."""
    guard, _, counter = guarded(pool)
    fill(counter, "api-address", "203.0.113.7")
    for told in ("198.51.100.1", "198.51.100.2"):
        assert (await ask(guard, "/fhir/Patient", "203.0.113.7", told))[0] == 429
    named, behind, counter = guarded(pool, "203.0.113.7")
    fill(counter, "api-address", "203.0.113.7")
    assert (await ask(named, "/fhir/Patient", "203.0.113.7", "198.51.100.1"))[0] == 200
    assert behind.scopes[-1]["client"][0] == "198.51.100.1"
