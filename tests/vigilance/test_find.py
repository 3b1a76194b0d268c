# SPDX-License-Identifier: EUPL-1.2
"""Finding a person: the whole number, or enough traits; never more than was typed, never a list."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from carnet import errors
from carnet.rights.readers import openings
from carnet.vigilance import find as finding
from carnet.vigilance.find import NotEnough, NotForYou, TooManyFinds, TooManyFound, find
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio

PERSON = people.PATIENT
WHOLE = TraitsForm(
    birth_date=PERSON.birth_date,
    name=PERSON.birth_name,
    given_name=PERSON.birth_given_names[0],
    sex=str(PERSON.sex),
    birth_place=PERSON.birth_place.code,
)


def only(*names: str, **others: Any) -> TraitsForm:
    """A form with some of the right traits."""
    return TraitsForm(**{name: getattr(WHOLE, name) for name in names}, **others)


ENOUGH = {
    "the number": TraitsForm(ins=PERSON.ins),
    "the number in groups": TraitsForm(
        ins=" ".join((PERSON.ins[:1], PERSON.ins[1:3], PERSON.ins[3:]))
    ),
    "name, date and given name": only("birth_date", "name", "given_name"),
    "name, date and sex": only("birth_date", "name", "sex"),
    "name, date and place": only("birth_date", "name", "birth_place"),
    "all": WHOLE,
    "in small letters": replace(WHOLE, name=PERSON.birth_name.lower()),
    "number and name": only("name", ins=PERSON.ins),
}


@pytest.mark.parametrize("what", ENOUGH)
async def test_enough_finds_the_person(space: Space, what: str) -> None:
    form = ENOUGH[what]
    (found,) = await find(await space.visit("outsider"), form)
    assert (found.birth_date, found.sex) == (form.birth_date, form.sex)
    assert found.name == " ".join(filter(None, (form.given_name, form.name)))
    assert not found.consented
    assert space.patient_id() not in found.handle


NOT_ENOUGH = {
    "nothing": TraitsForm(),
    "blank": TraitsForm(ins="  ", name=" ", given_name=" "),
    "a name": only("name"),
    "a date": only("birth_date"),
    "name and date": only("name", "birth_date"),
    "name and sex": only("name", "sex"),
    "all but the name": replace(WHOLE, name=""),
    "all but the date": replace(WHOLE, birth_date=None),
    "a name of signs": replace(WHOLE, name="-'"),
}


@pytest.mark.parametrize("what", NOT_ENOUGH)
async def test_less_finds_nobody(space: Space, what: str) -> None:
    with pytest.raises(NotEnough):
        await find(await space.visit("outsider"), NOT_ENOUGH[what])


OTHER = {
    "part of a number": TraitsForm(ins=PERSON.ins[:13]),
    "a number with one digit wrong": TraitsForm(
        ins=PERSON.ins[:-1] + str((int(PERSON.ins[-1]) + 1) % 10)
    ),
    "a wildcard": TraitsForm(ins="%"),
    "a wildcard name": replace(WHOLE, name="%"),
    "part of a name": replace(WHOLE, name=PERSON.birth_name[:4]),
    "the used name": replace(WHOLE, name=PERSON.used_name),
    "another day": replace(WHOLE, birth_date=date(1950, 1, 1)),
    "another sex": replace(WHOLE, sex="male"),
    "the number, and another's name": TraitsForm(ins=PERSON.ins, name="DURAND"),
    "the number, and another day": TraitsForm(ins=PERSON.ins, birth_date=date(1950, 1, 1)),
}


@pytest.mark.parametrize("what", OTHER)
async def test_a_trait_that_is_not_theirs_finds_nobody(space: Space, what: str) -> None:
    """Beside the number too: the answer repeats what was typed, as theirs."""
    assert await find(await space.visit("outsider"), OTHER[what]) == []


async def test_a_doctor_with_consent_is_told_so(space: Space) -> None:
    (found,) = await find(await space.visit("gp"), WHOLE)
    assert found.consented
    assert await finding.resolve(await space.visit("gp"), found.handle) == space.patient_id()


async def test_a_handle_opens_nothing_by_itself(space: Space) -> None:
    (found,) = await find(await space.visit("outsider"), WHOLE)
    with pytest.raises(errors.NotFound):
        await finding.resolve(await space.visit("outsider"), found.handle)


async def test_a_record_that_must_look_absent_is_not_found(space: Space) -> None:
    """Blocked, closed, in its six weeks: as somebody who is not here."""
    nobody = await find(await space.visit("blocked"), replace(WHOLE, name="PERSONNE"))
    assert await find(await space.visit("blocked"), WHOLE) == nobody == []
    for state in ("notice", "closed", "deleted"):
        await space.rows("UPDATE access.record SET state = %s WHERE cid = %s",
                         state, space.where.people[PERSON.key])  # fmt: skip
        assert await find(await space.visit("outsider"), TraitsForm(ins=PERSON.ins)) == []


async def twins(space: Space, number: int) -> None:
    for each in range(number):
        made = await space.post(
            "Patient",
            {
                "resourceType": "Patient",
                "name": [{"use": "official", "family": "JUMEAU", "given": [f"ENFANT{each}"]}],
                "gender": "female",
                "birthDate": "2001-02-03",
            },
            as_="hospital-software",
        )
        assert made.status == 201, made.body


async def test_five_at_most_are_shown_and_never_six(space: Space) -> None:
    form = TraitsForm(birth_date=date(2001, 2, 3), name="Jumeau", sex="female")
    await twins(space, 5)
    assert len(await find(await space.visit("outsider"), form)) == 5
    await twins(space, 1)
    with pytest.raises(TooManyFound):
        await find(await space.visit("outsider"), form)
    (one,) = await find(await space.visit("outsider"), replace(form, given_name="Enfant3"))
    assert one.name == "Enfant3 Jumeau"


async def test_an_account_finds_so_many_an_hour_and_no_more(space: Space) -> None:
    limit = space.built.settings.find_per_hour
    for _ in range(limit):
        await find(await space.visit("outsider"), replace(WHOLE, name="PERSONNE"))
    for _ in range(3):
        with pytest.raises(TooManyFinds):
            await find(await space.visit("outsider"), WHOLE)
    assert await find(await space.visit("dentist"), WHOLE), "another account has its own count"
    space.clock.advance(timedelta(minutes=61))
    assert await find(await space.visit("outsider"), WHOLE), "refusals did not prolong the hour"


async def test_each_search_is_traced_and_names_nobody(space: Space) -> None:
    before = await space.rows("SELECT count(*) FROM access.audit WHERE act = 'find'")
    own = len(await openings(await space.visit("patient"), ""))
    await find(await space.visit("outsider"), WHOLE)
    rows = await space.rows(
        "SELECT sub, granted, cid, cids, rids FROM access.audit WHERE act = 'find'"
        " ORDER BY seq DESC LIMIT 1"
    )
    actor = await space.actor("outsider")
    assert rows == [(actor.sub, True, None, None, [])]
    after = await space.rows("SELECT count(*) FROM access.audit WHERE act = 'find'")
    assert after[0][0] == before[0][0] + 1
    found = await openings(await space.visit("patient"), "")
    assert not any(each.who == people.OUTSIDER.name for each in found)
    assert len(found) >= own


@pytest.mark.parametrize("persona", ["patient", "lab-software", "operator"])
async def test_only_a_professional_searches(space: Space, persona: str) -> None:
    with pytest.raises(NotForYou):
        await find(await space.visit(persona), WHOLE)
