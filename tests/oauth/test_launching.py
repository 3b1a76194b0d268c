# SPDX-License-Identifier: EUPL-1.2
"""A professional opens an application on a patient, or chooses one when it asks: once, for them alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carnet.access.door import Visit, decide
from carnet.app import parts
from carnet.oauth import allowing, asking, declared, launching
from carnet.oauth.allowing import Choice, NotOffered
from carnet.oauth.asking import LogInAgain, NotAsked, NotChosen
from carnet.oauth.launching import NotOpened
from carnet.rights import block
from tests import people
from tests.oauth.place import AUTHORIZE, Place, Proof, code_of, query_of
from tests.space import BASE

pytestmark = pytest.mark.anyio

EHR = "launch openid patient/*.rs user/Practitioner.rs"
ALONE = "launch/patient openid patient/*.rs user/Practitioner.rs"
BEGINS = "https://app.example/launch?kept=1"


async def visit(place: Place, persona: str = "gp", **changes: Any) -> Visit:
    """Of somebody at the pages."""
    return parts.visit(place.space.built, replace(await place.space.actor(persona), **changes))


def choice(place: Place, record: int | None = None) -> Choice:
    """What a professional answers, for a day."""
    return Choice(record, (), False, place.space.clock() + timedelta(days=1), False)


async def opened(place: Place, client: str = "an-app", me: Visit | None = None) -> str:
    """The secret of a launch on the patient of the cast."""
    me = me or await visit(place)
    address = await launching.launch(me, place.space.patient_id(), client, issuer=BASE)
    assert address.startswith(f"{BEGINS}&")
    assert query_of(address)["iss"] == f"{BASE}/fhir"
    return query_of(address)["launch"]


async def apps(place: Place) -> None:
    await place.register("an-app", launch=BEGINS)
    await place.register("other-app", launch=BEGINS)


async def error(place: Place, client: str = "an-app", **changes: str | None) -> str:
    """What the authorization endpoint refuses a request with, back at its redirect."""
    answer = await place.get(AUTHORIZE, place.request(client, Proof(), **changes))
    assert answer.headers["location"].startswith("https://app.example/back?")
    return query_of(answer.headers["location"])["error"]


async def test_a_launch_is_used_once_and_reads_that_record_alone(place: Place) -> None:
    await apps(place)
    me, proof = await visit(place), Proof()
    launch = await opened(place)
    secret = await place.ask("an-app", proof, scope=EHR, launch=launch)
    again = await place.ask(
        "an-app", Proof(), scope=EHR, launch=launch
    )  # asked twice, answered once
    question = await asking.question(me, secret)
    assert not question.needs_record
    assert question.record
    with pytest.raises(NotOffered):
        await allowing.allow(me, secret, choice(place, 999_999), issuer=BASE)
    address = await allowing.allow(me, secret, choice(place), issuer=BASE)
    answer = (await place.redeem("an-app", code_of(address), proof)).json
    assert answer["patient"] == place.space.patient_id()
    assert answer["need_patient_banner"] is False
    assert (await place.actor(answer["access_token"])).context == question.cid
    found = await place.fhir("Patient?_summary=count", answer["access_token"])
    every = await place.space.get("Patient?_summary=count", as_="gp")
    assert found.json["total"] == 1 < every.json["total"]
    with pytest.raises(NotAsked):
        await asking.question(me, again)
    assert await error(place, scope=EHR, launch=launch) == "invalid_request"


async def test_a_launch_is_over_after_five_minutes(place: Place) -> None:
    await apps(place)
    me, launch = await visit(place), await opened(place)
    secret = await place.ask("an-app", Proof(), scope=EHR, launch=launch)
    place.space.clock.advance(timedelta(minutes=5))
    with pytest.raises(NotAsked):
        await asking.question(me, secret)
    assert await error(place, scope=EHR, launch=launch) == "invalid_request"


async def test_a_launch_is_of_one_professional_in_one_situation_and_of_one_client(
    place: Place,
) -> None:
    await apps(place)
    launch = await opened(place)
    assert await error(place, "other-app", scope=EHR, launch=launch) == "invalid_request"
    for other in (
        await visit(place, "nurse"),
        await visit(place, "patient"),
        await visit(place, situation="another"),
    ):
        secret = await place.ask("an-app", Proof(), scope=EHR, launch=launch)
        with pytest.raises(NotAsked):
            await asking.question(other, secret)


async def test_a_launch_ends_with_the_link(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: who does not ask the door again tells the name of a record that was closed to them."""
    await apps(place)
    me, launch = await visit(place), await opened(place)
    secret = await place.ask("an-app", Proof(), scope=EHR, launch=launch)
    assert (await asking.question(me, secret)).record
    await block.block(await visit(place, "patient"), int(people.GP.rpps))
    with pytest.raises(NotAsked):
        await asking.question(me, secret)
    with pytest.raises(NotAsked):
        await allowing.allow(me, secret, choice(place), issuer=BASE)
    with pytest.raises(NotOpened):
        await opened(place)
    real = me.door.decide

    async def careless(*said: Any) -> decide.Decision:
        return replace(await real(*said), granted=True)

    monkeypatch.setattr(type(me.door), "decide", lambda _, *said: careless(*said))
    assert (await asking.question(me, secret)).record, "the test sees the fault"


async def test_nobody_opens_an_absent_record_a_dead_client_or_in_another_role(place: Place) -> None:
    await apps(place)
    me, patient = await visit(place), place.space.patient_id()
    for who, id, client in (
        (me, patient, "no-app"),
        (me, "unknown", "an-app"),
        (await visit(place, "patient"), patient, "an-app"),
    ):
        with pytest.raises(NotOpened):
            await launching.launch(who, id, client, issuer=BASE)
    assert len(await launching.offered(me)) == 2
    await place.register("alone", launch=BEGINS, scopes="launch/patient patient/*.rs")
    assert len(await launching.offered(me)) == 2, "launch/patient is not launch"
    await place.rows("UPDATE access.client SET state = 'suspended' RETURNING 1")
    assert await launching.offered(me) == []
    with pytest.raises(NotOpened):
        await opened(place)


async def test_another_server_and_a_scope_without_its_launch_are_refused(place: Place) -> None:
    await apps(place)
    launch = await opened(place)
    for aud in ("https://elsewhere.example/fhir", f"{BASE}/fhir/Patient", BASE):
        assert await error(place, scope=EHR, launch=launch, aud=aud) == "invalid_request"
    assert await error(place, scope=EHR, launch=launch, aud=None) == "invalid_request"
    assert await error(place, scope=EHR) == "invalid_scope"
    assert await error(place, scope=ALONE, launch=launch) == "invalid_scope"
    assert await error(place, scope=EHR, launch="x" * 43) == "invalid_request"


# ------------------------------------------------------------------ standalone, by a professional


async def test_a_professional_chooses_the_patient_an_application_asks_for(place: Place) -> None:
    await apps(place)
    me, proof = await visit(place), Proof()
    cid = place.space.where.people[people.PATIENT.key]
    secret = await place.ask("an-app", proof, scope=ALONE)
    question = await asking.question(me, secret)
    assert (question.needs_record, question.record) == (True, "")
    with pytest.raises(NotOffered):
        await allowing.allow(me, secret, choice(place), issuer=BASE)
    question = await asking.question(me, secret, chosen=cid)
    assert (question.needs_record, bool(question.record)) == (False, True)
    address = await allowing.allow(me, secret, choice(place, cid), issuer=BASE)
    answer = (await place.redeem("an-app", code_of(address), proof)).json
    assert answer["patient"] == place.space.patient_id()
    assert (await place.actor(answer["access_token"])).context == cid
    found = await place.fhir("Patient?_summary=count", answer["access_token"])
    assert found.json["total"] == 1


async def test_a_patient_who_is_closed_to_them_cannot_be_chosen(place: Place) -> None:
    await apps(place)
    me = await visit(place)
    cid = place.space.where.people[people.PATIENT.key]
    secret = await place.ask("an-app", Proof(), scope=ALONE)
    await block.block(await visit(place, "patient"), int(people.GP.rpps))
    for closed in (cid, 999_999):
        with pytest.raises(NotChosen):
            await asking.question(me, secret, chosen=closed)
        with pytest.raises(NotChosen):
            await allowing.allow(me, secret, choice(place, closed), issuer=BASE)
    assert await place.rows("SELECT 1 FROM access.allowed") == []


@pytest.mark.parametrize(
    ("address", "lenient", "taken"),
    [
        ("https://app.example/launch?a=1", False, True),
        ("http://127.0.0.1:8765/launch", True, True),
        ("http://[::1]:8765/launch", True, True),
        ("http://localhost:8765/launch", True, True),
        ("http://127.0.0.1:8765/launch", False, False),  # where people are real
        ("http://localhost:8765/launch", False, False),
        ("http://127.0.0.1.app.example/launch", True, False),
        ("http://127.0.0.2/launch", True, False),
        ("http://127.1/launch", True, False),
        ("http://localhost.app.example/launch", True, False),
        ("http://localhost@app.example/launch", True, False),
        ("http://10.0.0.1/launch", True, False),
        ("javascript:alert(1)", True, False),
    ],
)
async def test_an_opening_begins_on_the_web_or_on_the_device_of_who_tries(
    address: str, lenient: bool, taken: bool
) -> None:
    if taken:
        assert declared.opening(address, lenient=lenient) == address
        return
    with pytest.raises(declared.WrongAddress):
        declared.opening(address, lenient=lenient)


async def test_online_access_ends_with_the_day_and_offline_access_with_the_grant(
    place: Place,
) -> None:
    await apps(place)
    await place.rows("UPDATE access.client SET scopes = scopes || ' online_access' RETURNING 1")
    for word, later in (("online_access", 400), ("offline_access", 200)):
        tokens = await place.log_in("an-app", "patient", f"{word} patient/*.rs", offline=True)
        place.space.clock.advance(timedelta(hours=13))
        answer = await place.refresh("an-app", tokens["refresh_token"])
        assert answer.status == later, word


async def test_how_they_proved_who_they_are_is_never_supposed(place: Place) -> None:
    await apps(place)
    me = await visit(place, acr="")
    secret = await place.ask("an-app", Proof(), scope="user/Practitioner.rs")
    with pytest.raises(LogInAgain):
        await allowing.allow(me, secret, choice(place), issuer=BASE)
