# SPDX-License-Identifier: EUPL-1.2
"""A seeded part of the requests that try the whole API: none is a fault, each refusal says why.

`./run bench campaign` sends 200,000 of them (part `requests`). CARNET_SEED repeats a run.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from carnet import errors
from carnet.rest import search
from carnet.rest.routes import ROUTES
from tests.hostile.fuzz.answers import judged
from tests.hostile.fuzz.requests import Grammar, Known, Sent
from tests.hostile.fuzz.runs import tried
from tests.hostile.share import ALL, SEED
from tests.hostile.test_entries import serves
from tests.people import PATIENT
from tests.space import FHIR, Answer, Space

REQUESTS = 10_000 if ALL else 1000
KNOWN = Known({"Patient": ["a"], "Observation": ["b", "c"]}, "a", {"patient": {"Patient": ["a"]}})


def made(seed: int, count: int) -> list[str]:
    grammar = Grammar(seed, KNOWN, ROUTES)
    return [str(grammar.next()) for _ in range(count)]


def test_the_same_seed_makes_the_same_requests() -> None:
    assert made(5, 200) == made(5, 200)
    assert made(5, 200) != made(6, 200)


def test_every_route_and_method_is_asked_for() -> None:
    """Of the routes as they are: a new one is fuzzed from its first day."""
    grammar = Grammar(1, KNOWN, ROUTES)
    missing = {(route.path, method) for route in ROUTES for method in route.methods or ()}
    assert {(path, method) for path, method, _ in grammar.routes} == missing
    assert {sent.method for sent in islice(iter(grammar.next, None), 2000)} >= {
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.anyio
async def test_no_request_is_a_fault_of_the_server(space: Space) -> None:
    told: list[str] = []
    figures = await tried(space, REQUESTS, SEED, told.append)
    assert not figures.faults, f"seed {SEED}: " + "\n".join(told[:5])
    assert figures.statuses[200] > REQUESTS // 20  # what is behind the door was tried
    assert figures.statuses[201] and figures.statuses[400] > REQUESTS // 10
    await serves(space)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_planted_fault_is_seen(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a page that breaks, and a refusal that repeats what is in a record."""
    real = search.page

    async def broken(*given: Any, **more: Any) -> bytes:
        if given[2] > "P":
            raise errors.Invalid(f"{PATIENT.ins} is not searched.")
        if given[2] > "L":
            raise ZeroDivisionError
        return await real(*given, **more)

    monkeypatch.setattr(search, "page", broken)
    faults: list[str] = []
    for seed in range(SEED, SEED + 8):  # few requests are searches of these types
        faults += (await tried(space, 200, seed, lambda _: None)).faults
        broke = [each for each in faults if ": 500:" in each]
        told = [each for each in faults if "what is in a record" in each]
        if broke and told:
            return
    raise AssertionError(f"seed {SEED}: what was planted is not seen")


def test_an_answer_is_judged_by_its_status_its_form_and_what_it_tells() -> None:
    sent = Sent("patient", "GET", "Observation?_count=1")

    def said(status: int, body: bytes, kind: str = FHIR) -> str | None:
        return judged(sent, Answer(status, {"content-type": kind}, body))

    outcome = b'{"resourceType":"OperationOutcome","issue":[{"diagnostics":"%s"}]}'
    assert said(400, outcome % b"No.") is None
    assert said(200, b'{"resourceType":"Bundle"}') is None
    assert said(503, outcome % b"No.")
    assert said(400, b"{}")
    assert said(404, b"no", "text/plain")
    assert said(400, outcome % b"")
    assert said(400, outcome % b"psycopg.errors.DataError")
    assert said(400, outcome % PATIENT.ins.encode())
    assert said(200, b'{"entry":[{"response":{"status":"500"}}]}')
