# SPDX-License-Identifier: EUPL-1.2
"""An application that asks for everything gets what was ticked, however it asks; an answer is given once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from carnet.app import parts
from carnet.oauth import allowing, asking
from carnet.oauth.allowing import Choice
from carnet.oauth.asking import NotAsked
from tests.oauth.place import Place, Proof, code_of
from tests.space import BASE

pytestmark = pytest.mark.anyio

ALWAYS = {"Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Device",
          "Provenance", "RelatedPerson", "HealthcareService", "OperationOutcome"}  # fmt: skip
WAYS = (
    "Patient/{}/$everything?_count=500",
    "_history?_count=500",
    "DocumentReference/_history?_count=500",
    "Patient?_id={}&_revinclude=*&_count=500",
    "DocumentReference?_include:iterate=*&_count=200",
    "Observation?_include=*&_count=200",
)
ASKED_OF = (  # of a document that was not ticked
    "DocumentReference?_id={}",
    "Patient?_has:DocumentReference:patient:_id={}",
    "Patient?_id=nobody&_revinclude=DocumentReference:patient&_has:DocumentReference:patient:_id={}",
    "DocumentReference/{}",
    "DocumentReference/{}/_history",
)


async def allowed(place: Place, *kinds: str) -> str:
    """A token of an application that asked for all of it, and was ticked these."""
    proof, me = Proof(), parts.visit(place.space.built, await place.space.actor("patient"))
    secret = await place.ask("an-app", proof)
    assert len((await asking.question(me, secret)).kinds) > 5
    until = place.space.clock() + timedelta(days=1)
    address = await allowing.allow(
        me, secret, Choice(me.actor.patient, kinds, False, until, False), issuer=BASE
    )
    return str((await place.redeem("an-app", code_of(address), proof)).json["access_token"])


async def told(place: Place, path: str, token: str) -> set[str]:
    """What is told, but for who the person is and who wrote."""
    found = await place.fhir(path, token)
    assert found.status == 200, (path, found.body[:200])
    every = [one for one in found.entries if one.get("resourceType", "") not in ALWAYS | {""}]
    return {f"{one['resourceType']}/{one['id']}" for one in every}


async def test_what_was_not_ticked_is_nowhere(place: Place) -> None:
    """Two ticks that share nothing: what one tells the other never does, whatever the way."""
    await place.register("an-app")
    me, every = place.space.patient_id(), await _all(place)
    others = tuple(name for name in every if name != "laboratory")
    seen: list[dict[str, set[str]]] = []
    for ticked in (("laboratory",), others):
        token = await allowed(place, *ticked)
        seen.append({way: await told(place, way.format(me), token) for way in WAYS})
    few, rest = seen
    for way in WAYS:
        assert not few[way] & rest[way], way
    assert all(few[way] and rest[way] for way in WAYS[:2]), "the test sees both"
    hidden = next(one for one in sorted(rest[WAYS[0]]) if one.startswith("DocumentReference/"))
    for ticked, shown in ((every, True), (("laboratory",), False)):
        token = await allowed(place, *ticked)
        for way in ASKED_OF:
            answer = await place.fhir(way.format(hidden.partition("/")[2]), token)
            kept = answer.entries or ([answer.json] if answer.status == 200 else [])
            found = [one for one in kept if one["resourceType"] in ("DocumentReference", "Patient")]
            assert bool(found) == (shown and "nobody" not in way), (way, ticked)


async def _all(place: Place) -> tuple[str, ...]:
    """Every kind that is asked for."""
    me = parts.visit(place.space.built, await place.space.actor("patient"))
    return (await asking.question(me, await place.ask("an-app", Proof()))).kinds


async def test_two_answers_at_once_give_one_grant(place: Place) -> None:
    await place.register("an-app")
    me = parts.visit(place.space.built, await place.space.actor("patient"))
    secret, until = await place.ask("an-app", Proof()), place.space.clock() + timedelta(days=1)
    choice = Choice(me.actor.patient, ("vaccines",), False, until, False)
    await asking.question(me, secret)
    answers = await asyncio.gather(
        *(allowing.allow(me, secret, choice, issuer=BASE) for _ in range(4)),
        allowing.refuse(me, secret, issuer=BASE),
        return_exceptions=True,
    )
    assert len([one for one in answers if isinstance(one, str)]) == 1
    assert all(isinstance(one, (str, NotAsked)) for one in answers)
    grants = await place.rows("SELECT 1 FROM access.allowed")
    assert len(grants) == sum("code=" in str(one) for one in answers)
