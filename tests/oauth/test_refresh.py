# SPDX-License-Identifier: EUPL-1.2
"""Refresh tokens: each once, one winner, and one used twice ends the family, restart or not."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from carnet.oauth import queries
from carnet.oauth.queries import Conn
from tests.oauth.place import Place, claims_of, running
from tests.space import Space

pytestmark = pytest.mark.anyio
RACES = 1000 if os.environ.get("CARNET_WHOLE") == "1" else 6
ENDED = "SELECT ended_why FROM access.allowed"


async def test_each_refresh_token_gives_the_next(place: Place) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    seen = {tokens["refresh_token"]}
    for _ in range(3):
        answer = await place.refresh("an-app", tokens["refresh_token"])
        assert answer.status == 200, answer.body
        tokens = answer.json
        assert tokens["refresh_token"] not in seen
        seen.add(tokens["refresh_token"])
        assert (await place.fhir("Patient", tokens["access_token"])).status == 200
    assert "id_token" not in tokens


async def test_who_did_not_ask_to_go_on_gets_no_refresh_token(place: Place) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient", "patient/*.rs")
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "patient"}


async def test_a_refresh_token_used_twice_ends_the_family(place: Place) -> None:
    await place.register("an-app")
    first = await place.log_in("an-app", "patient")
    second = (await place.refresh("an-app", first["refresh_token"])).json
    again = await place.refresh("an-app", first["refresh_token"])
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert await place.rows(ENDED) == [("reuse",)]
    assert (await place.refresh("an-app", second["refresh_token"])).status == 400
    for tokens in (first, second):
        assert (await place.fhir("Patient", tokens["access_token"])).status == 401


async def test_a_refresh_token_is_one_clients(place: Place) -> None:
    await place.register("an-app")
    await place.register("other-app")
    tokens = await place.log_in("an-app", "patient")
    for wrong in (tokens["refresh_token"] + "x", "x" * 43, tokens["access_token"]):
        assert (await place.refresh("an-app", wrong)).json["error"] == "invalid_grant"
    assert (await place.refresh("other-app", tokens["refresh_token"])).status == 400
    assert (await place.refresh("an-app", tokens["refresh_token"])).status == 200


async def test_a_refresh_asks_for_no_more_than_was_allowed(place: Place) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient", "offline_access patient/*.rs")
    for wider in ("patient/*.cruds", "openid", "*", "system/*.rs"):
        answer = await place.refresh("an-app", tokens["refresh_token"], scope=wider)
        assert answer.json["error"] == "invalid_scope", wider
    less = await place.refresh("an-app", tokens["refresh_token"], scope="patient/*.rs")
    assert less.json["scope"] == "patient/*.rs"
    assert (await place.refresh("an-app", less.json["refresh_token"])).json["scope"] == (
        "offline_access patient/*.rs"
    )


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE access.allowed SET ended_at = made_at, ended_why = 'person'",
        "UPDATE access.allowed SET until = made_at",
        "UPDATE access.subject SET rev = rev + 1",
        "UPDATE access.client SET state = 'suspended'",
        "UPDATE access.refresh SET until = made_at",
    ],
)
async def test_nothing_is_given_once_it_has_ended(place: Place, ending: str) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    await place.rows(ending)
    answer = await place.refresh("an-app", tokens["refresh_token"])
    assert answer.json["error"] in ("invalid_grant", "invalid_client")


async def test_a_refresh_token_nobody_uses_is_over_after_ninety_days(place: Place) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    place.space.clock.advance(timedelta(days=91))
    assert (await place.refresh("an-app", tokens["refresh_token"])).json["error"] == "invalid_grant"


async def _race(place: Place) -> Counter[str]:
    """64 use one token at once; what became of each, of what the winner was given, and of the family."""
    tokens = await place.log_in("an-app", "patient")
    answers = await asyncio.gather(
        *(place.refresh("an-app", tokens["refresh_token"]) for _ in range(64))
    )
    found = Counter(str(each.json.get("error", each.status)) for each in answers)
    for won in [each.json for each in answers if each.status == 200]:
        again = await place.refresh("an-app", won["refresh_token"])
        read = await place.fhir("Patient", won["access_token"])
        found[f"then {again.status}, {read.status}"] += 1
    grant = claims_of(tokens["access_token"])["grant"]
    ((why,),) = await place.rows(f"{ENDED} WHERE id = %s", grant)
    found[str(why)] += 1
    place.space.clock.advance(timedelta(minutes=1))  # no rate is what refuses
    return found


async def test_of_sixty_four_at_once_one_wins_and_the_family_ends(place: Place) -> None:
    """Some rounds here, a thousand with CARNET_WHOLE=1."""
    await place.register("an-app")
    rounds: Counter[frozenset[tuple[str, int]]] = Counter()
    for _ in range(RACES):
        rounds[frozenset((await _race(place)).items())] += 1
    right = {"200": 1, "invalid_grant": 63, "then 400, 401": 1, "reuse": 1}
    print(f"FIGURE {rounds[frozenset(right.items())]:,} of {RACES:,} rounds of 64 had one winner")
    assert rounds == {frozenset(right.items()): RACES}


async def test_without_the_lock_and_the_mark_more_than_one_would_win(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: tokens are read without a lock and marked whatever they are."""

    def unlocked(conn: Conn, hash: bytes, now: object) -> bool:
        return True

    monkeypatch.setattr(queries, "refresh_used", unlocked)
    await place.register("an-app")
    assert (await _race(place))["200"] > 1


async def test_a_used_refresh_token_stays_used_after_a_restart(
    place: Place, space: Space, client_key: ECKey
) -> None:
    await place.register("an-app")
    tokens = await place.log_in("an-app", "patient")
    assert (await place.refresh("an-app", tokens["refresh_token"])).status == 200
    async with running(space, client_key) as restarted:
        answer = await restarted.refresh("an-app", tokens["refresh_token"])
    assert answer.json["error"] == "invalid_grant"
    assert await place.rows(ENDED) == [("reuse",)]
