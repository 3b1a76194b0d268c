# SPDX-License-Identifier: EUPL-1.2
"""Tokens and requests that are wrong in one way: none is accepted, and all are refused in the same words.

A tenth here; 100,000 with CARNET_WHOLE=1, in `./run bench campaign`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest
from starlette.requests import Request

from carnet.access.tokens import NoToken, Tokens, WrongToken
from tests.hostile.share import SEED
from tests.hostile.tokens import Forger
from tests.rest.samples import LAB
from tests.space import Answer, Space, asgi

pytestmark = pytest.mark.anyio
COUNT = 100_000 if os.environ.get("CARNET_WHOLE") == "1" else 10_000
ASKED = 20  # one in so many is asked through the whole application
PATHS = ("Observation", "Patient", "$meta", "Patient/x", "Observation/x/_history", "_history")
PERSONAS = ("patient", "gp", LAB, "operator", "assistant")


async def forger(space: Space) -> Forger:
    """With a token of every kind of account."""
    tokens = [await space.token(persona) for persona in PERSONAS]
    return Forger(tokens, space.built.desk.tokens.keys.signing(), random.Random(SEED))


async def bearer(space: Space, *headers: bytes) -> Any:
    """Whom a request speaks for."""
    named = [(b"authorization", each) for each in headers]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": named}
    return await space.built.desk.bearer(Request(scope))


async def ask(space: Space, path: str, headers: dict[str, str], **more: Any) -> Answer:
    """One request through the whole application."""
    sent = {"accept": "application/fhir+json"} | headers
    return await asgi(space.app, more.get("method", "GET"), path, more.get("body", b""), sent)


def told(answer: Answer) -> tuple[int, bytes, str]:
    """All that a refusal says: its number is the request's alone."""
    return answer.status, answer.body, answer.headers["www-authenticate"]


async def judged(space: Space, token: str) -> str:
    """What becomes of a token: refused, or the name of what else happened."""
    try:
        await bearer(space, b"Bearer " + token.encode("utf-8", "replace"))
    except (WrongToken, NoToken):
        return "refused"
    except Exception as error:  # a fault is no refusal
        return type(error).__name__
    return "accepted"


async def test_no_mutant_of_a_token_is_accepted_and_all_are_refused_alike(space: Space) -> None:
    thief = await forger(space)
    for token in thief.tokens:
        assert await judged(space, token) == "accepted"
    space.built.desk.tokens._verified.clear()
    found: Counter[tuple[str, str]] = Counter()
    bodies: Counter[tuple[int, bytes, str]] = Counter()
    for number, (family, token) in enumerate(thief.mutants(COUNT)):
        found[family, await judged(space, token)] += 1
        if number % ASKED == 0 and token.strip(" "):
            given = {"authorization": f"Bearer {token}"}
            bodies[told(await ask(space, "/" + thief.chance.choice(PATHS), given))] += 1
    print(
        f"FIGURE {sum(found.values())} mutants of {len(thief.tokens)} tokens, seed {SEED}, none accepted"
    )
    assert {what for _, what in found} == {"refused"}, found
    assert len({family for family, _ in found}) == 14
    assert len(bodies) == 1, list(bodies)
    assert next(iter(bodies))[0] == 401


async def test_a_token_is_taken_from_one_header_alone(space: Space) -> None:
    """Never from an address, a form, a cookie, another scheme, or one of two."""
    token = await space.token("gp")
    good = f"Bearer {token}"
    assert (await ask(space, "/Observation", {"authorization": good})).status == 200
    form = {"content-type": "application/x-www-form-urlencoded"}
    answers = [
        await ask(space, f"/Observation?access_token={token}", {}),
        await ask(space, f"/Observation?token={token}", {}),
        await ask(space, "/Observation/_search", form, method="POST",
                  body=f"access_token={token}".encode()),
        *[
            await ask(space, "/Observation", {name: value})
            for name, value in (
                ("cookie", f"access_token={token}"), ("cookie", f"authorization={good}"),
                ("cookie", f"carnet={token}"), ("proxy-authorization", good), ("x-authorization", good),
                ("authorization", f"Basic {token}"), ("authorization", f"Token {token}"),
                ("authorization", f"DPoP {token}"), ("authorization", token),
                ("authorization", f"Bearer{token}"), ("authorization", f"Bearer\t{token}"),
                ("authorization", ""), ("x-access-token", token), ("x-forwarded-user", "rpps:10000000001"),
            )
        ],
    ]  # fmt: skip
    refusals = {told(answer) for answer in answers}
    assert len(refusals) == 1, refusals
    assert next(iter(refusals))[0] == 401
    for headers in ((good, good), (good, "Bearer x"), ("Bearer x", good), (good, "")):
        with pytest.raises(NoToken):
            await bearer(space, *[each.encode() for each in headers])
    for joined in (f"{good}, {good}", f"{good},Bearer x", f"Bearer x, {good}"):
        with pytest.raises(WrongToken):
            await bearer(space, joined.encode())


async def test_a_verifier_that_believes_the_header_is_found(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faults these mutants are for: claims unchecked, and a signature unchecked."""
    thief = await forger(space)
    monkeypatch.setattr("carnet.access.tokens._check_claims", lambda claims: None)
    found = {await judged(space, thief.retyped()) for _ in range(200)}
    assert found - {"refused"}
    monkeypatch.undo()
    monkeypatch.setattr(Tokens, "_check", unsigned)
    assert "accepted" in {await judged(space, thief.algorithm()) for _ in range(50)}


def unsigned(self: Tokens, token: str, now: float) -> Any:
    """A verifier that forgot the signature."""
    import json

    from carnet.access.tokens import Verified
    from tests.hostile.tokens import unb64

    claims = json.loads(unb64(token.split(".")[1]))
    return Verified(claims, claims["exp"])
