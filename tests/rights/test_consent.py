# SPDX-License-Identifier: EUPL-1.2
"""A consent is a team's or a visit's; it opens a record, ends, and is withdrawn at any time."""

from datetime import timedelta

import pytest

from carnet import errors
from carnet.access import handles
from carnet.documents import consult
from carnet.rights.consent import NotForYou, NotYours, WrongHow, declare, withdraw
from carnet.rights.readers import openings
from carnet.vigilance.find import find
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


async def handle(space: Space, persona: str, key: str = people.PATIENT.key) -> str:
    visit = await space.visit(persona)
    return handles.write(visit, space.where.people[key])


async def reads(space: Space, persona: str, key: str = people.PATIENT.key) -> bool:
    try:
        await consult.documents(await space.visit(persona), space.patient_id(key))
    except errors.NotFound:
        return False
    return True


async def test_outside_the_team_a_consent_is_for_one_visit(space: Space) -> None:
    assert not await reads(space, "outsider")
    form = TraitsForm(ins=people.PATIENT.ins)
    (found,) = await find(await space.visit("outsider"), form)
    assert not found.consented
    patient = await declare(await space.visit("outsider"), found.handle, "oral")
    assert patient == space.patient_id()
    assert await reads(space, "outsider")
    hours = space.built.settings.visit_hours
    space.clock.advance(timedelta(hours=hours) - timedelta(minutes=1))
    assert await reads(space, "outsider")
    space.clock.advance(timedelta(minutes=2))
    assert not await reads(space, "outsider")
    assert (await space.get(f"Observation?patient={patient}", as_="outsider")).entries == []


async def test_a_visit_is_the_visitor_s_alone(space: Space) -> None:
    await declare(await space.visit("outsider"), await handle(space, "outsider"), "written")
    assert not await reads(space, "dentist")


async def test_a_member_of_the_team_declares_for_the_team(space: Space) -> None:
    await space.rows("UPDATE access.consent SET withdrawn = now()")
    assert not await reads(space, "gp")
    await declare(await space.visit("nurse"), await handle(space, "nurse"), "oral")
    assert await reads(space, "nurse")
    assert await reads(space, "gp"), "of the same team"
    assert not await reads(space, "hospital-doctor"), "of another team"
    space.clock.advance(timedelta(days=400))
    assert await reads(space, "gp"), "until it is withdrawn"


async def test_a_team_that_has_its_consent_needs_no_other(space: Space) -> None:
    before = await space.rows("SELECT count(*) FROM access.consent")
    patient = await declare(await space.visit("gp"), await handle(space, "gp"), "oral")
    assert patient == space.patient_id()
    assert await space.rows("SELECT count(*) FROM access.consent") == before


async def test_to_a_blocked_professional_the_record_is_absent(space: Space) -> None:
    before = await space.rows("SELECT count(*) FROM access.consent")
    with pytest.raises(errors.NotFound) as blocked:
        await declare(await space.visit("blocked"), await handle(space, "blocked"), "oral")
    await space.rows("UPDATE access.record SET state = 'closed' WHERE cid = %s",
                     space.where.people["parent"])  # fmt: skip
    with pytest.raises(errors.NotFound) as closed:
        await declare(
            await space.visit("outsider"), await handle(space, "outsider", "parent"), "oral"
        )
    assert (str(blocked.value), blocked.type) == (str(closed.value), closed.type)
    assert await space.rows("SELECT count(*) FROM access.consent") == before
    assert not await reads(space, "blocked")


async def test_a_handle_is_of_one_account_and_one_day(space: Space) -> None:
    theirs = await handle(space, "outsider")
    for persona, text in (("dentist", theirs), ("outsider", theirs[:-4]), ("outsider", "")):
        with pytest.raises(errors.NotFound):
            await declare(await space.visit(persona), text, "oral")
    space.clock.advance(timedelta(hours=13))
    with pytest.raises(errors.NotFound):
        await declare(await space.visit("outsider"), theirs, "oral")


@pytest.mark.parametrize("persona", ["patient", "lab-software", "operator"])
async def test_only_a_professional_declares(space: Space, persona: str) -> None:
    with pytest.raises(NotForYou):
        await declare(await space.visit(persona), await handle(space, persona), "oral")


async def test_how_it_was_had_is_one_of_three(space: Space) -> None:
    for how in ("", "presumed", "ORAL"):
        with pytest.raises(WrongHow):
            await declare(await space.visit("outsider"), await handle(space, "outsider"), how)


async def test_the_patient_is_told_by_whom(space: Space) -> None:
    await declare(await space.visit("outsider"), await handle(space, "outsider"), "oral")
    newest = (await openings(await space.visit("patient"), ""))[0]
    assert (newest.who, newest.what) == (people.OUTSIDER.name, "Déclaration de votre accord")


async def test_a_consent_is_withdrawn_at_any_time(space: Space) -> None:
    await declare(await space.visit("outsider"), await handle(space, "outsider"), "oral")
    ended = await withdraw(await space.visit("patient"), int(people.OUTSIDER.rpps))
    assert ended == 1
    assert not await reads(space, "outsider")
    assert await reads(space, "gp"), "another's consent is untouched"
    assert await withdraw(await space.visit("patient"), int(people.GP.rpps)) == 1
    assert not await reads(space, "gp")
    assert not await reads(space, "nurse"), "the consent was the team's"
    assert await reads(space, "hospital-doctor")
    assert await withdraw(await space.visit("patient"), int(people.GP.rpps)) == 0


async def test_only_the_patient_withdraws_and_only_on_their_record(space: Space) -> None:
    with pytest.raises(NotYours):
        await withdraw(await space.visit("gp"), int(people.GP.rpps))
    await withdraw(await space.visit("parent"), int(people.GP.rpps))
    assert await reads(space, "gp")
