# SPDX-License-Identifier: EUPL-1.2
"""A person allows one kind of data until a day, once, and ends it: over the real endpoints."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carnet.access.door import Visit
from carnet.app import parts
from carnet.oauth import allowing, asking
from carnet.oauth.allowing import Choice, NoneChosen, NotAllowed, NotOffered, WrongEnd
from carnet.oauth.asking import LogInAgain, NobodyToAllow, NotAsked
from tests.oauth.place import Place, Proof, code_of, query_of
from tests.space import BASE

pytestmark = pytest.mark.anyio


async def visit(place: Place, persona: str, **changes: Any) -> Visit:
    """Of somebody at the pages."""
    return parts.visit(place.space.built, replace(await place.space.actor(persona), **changes))


async def choice(place: Place, persona: str = "patient", **changes: Any) -> Choice:
    """One kind for a day, of their own record."""
    who = await place.space.actor(persona)
    until = place.space.clock() + timedelta(days=1)
    return replace(Choice(who.patient, ("laboratory",), False, until, True), **changes)


async def test_one_kind_is_read_until_it_is_ended(place: Place) -> None:
    await place.register("an-app")
    proof, me = Proof(), await visit(place, "patient")
    secret = await place.ask("an-app", proof)
    question = await asking.question(me, secret)
    assert (question.name, question.reads, question.writes) == ("an-app", True, False)
    address = await allowing.allow(me, secret, await choice(place), issuer=BASE)
    tokens = (await place.redeem("an-app", code_of(address), proof)).json
    found = await place.fhir("DocumentReference?_summary=count", tokens["access_token"])
    every = await place.space.get("DocumentReference?_summary=count", as_="patient")
    assert found.status == 200
    assert 0 < found.json["total"] < every.json["total"], "one kind, not all"
    one = (await allowing.mine(me))[0]
    assert one.live
    await allowing.end(me, one.id)
    place.space.built.desk.grants._known.clear()  # half a second later
    assert (await place.fhir("DocumentReference", tokens["access_token"])).status == 401
    assert (await place.refresh("an-app", tokens["refresh_token"])).status == 400
    with pytest.raises(NotAllowed):
        await allowing.end(me, one.id)
    assert not (await allowing.mine(me))[0].live


async def test_a_request_is_of_who_looked_first_and_is_answered_once(place: Place) -> None:
    await place.register("an-app")
    me, other = await visit(place, "patient"), await visit(place, "gp")
    secret = await place.ask("an-app", Proof())
    await asking.question(me, secret)
    for act in (
        asking.question(other, secret),
        allowing.refuse(other, secret, issuer=BASE),
        asking.question(me, "x" * 43),
    ):
        with pytest.raises(NotAsked):
            await act
    address = await allowing.refuse(me, secret, issuer=BASE)
    assert query_of(address) == {"error": "access_denied", "state": "st", "iss": BASE}
    with pytest.raises(NotAsked):
        await allowing.allow(me, secret, await choice(place), issuer=BASE)


async def test_what_was_not_offered_allows_nothing(place: Place) -> None:
    await place.register("an-app")
    me, good = await visit(place, "patient"), await choice(place)
    secret = await place.ask("an-app", Proof(), scope="openid patient/Immunization.rs")
    good = replace(good, kinds=("vaccines",))
    now = place.space.clock()
    for wrong, error in (
        ({"kinds": ("laboratory",)}, NotOffered),
        ({"kinds": ()}, NoneChosen),
        ({"writes": True}, NotOffered),
        ({"record": 999_999}, NotOffered),
        ({"record": None}, NotOffered),
        ({"until": now - timedelta(seconds=1)}, WrongEnd),
        ({"until": now + timedelta(days=367)}, WrongEnd),
    ):
        with pytest.raises(error):
            await allowing.allow(me, secret, replace(good, **wrong), issuer=BASE)
    assert await place.rows("SELECT 1 FROM access.allowed") == []
    assert "code=" in await allowing.allow(me, secret, good, issuer=BASE)


async def test_a_client_suspended_or_a_request_over_is_absent(place: Place) -> None:
    await place.register("an-app")
    me, secret = await visit(place, "patient"), await place.ask("an-app", Proof())
    await asking.question(me, secret)
    await place.rows("UPDATE access.client SET state = 'suspended' RETURNING 1")
    with pytest.raises(NotAsked):
        await allowing.allow(me, secret, await choice(place), issuer=BASE)
    await place.rows("UPDATE access.client SET state = 'live' RETURNING 1")
    place.space.clock.advance(timedelta(minutes=21))
    with pytest.raises(NotAsked):
        await allowing.allow(me, secret, await choice(place), issuer=BASE)


async def test_who_is_asked_to_log_in_again_does(place: Place) -> None:
    await place.register("an-app")
    before = place.space.clock()
    me, secret = await visit(place, "patient"), await place.ask("an-app", Proof(), prompt="login")
    me = parts.visit(place.space.built, replace(me.actor, authenticated=None))
    with pytest.raises(LogInAgain):
        await asking.question(me, secret, before)
    assert (await asking.question(me, secret, place.space.clock())).name == "an-app"


async def test_nobody_allows_in_secret_and_software_allows_nothing(place: Place) -> None:
    await place.register("an-app")
    secret = await place.ask("an-app", Proof())
    for me in (await visit(place, "patient", secret=True), await visit(place, "lab-software")):
        with pytest.raises(NobodyToAllow):
            await asking.question(me, secret)
