# SPDX-License-Identifier: EUPL-1.2
"""Out of quarantine: absent to all but who deposited before; after, judged as anybody's record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from carnet import errors
from carnet.access import quarantine
from carnet.access.door import Unit, commit
from carnet.config import Instance
from carnet.identity.ins import claim as ins_claim
from carnet.identity.traits import Sex, Traits
from carnet.vigilance import desk, find, merge, release
from carnet.vigilance.insi import Simulator
from carnet.vigilance.pages import TraitsForm
from carnet.vigilance.release import NotApart, ToCompare
from carnet.vigilance.standing import NotOfficer
from tests import people
from tests.space import Space
from tests.vigilance.acts import FIRST, SECOND, SYSTEM, id_of, made, merged, number, patient

pytestmark = pytest.mark.anyio
CLAIMED = number("1800575123456")


async def held(space: Space, family: str = "INCONNU") -> int:
    """An identity a document of the hospital claims, with one result."""
    traits = Traits(
        birth_name=family, birth_given_names="PAUL", first_given_name="PAUL",
        birth_date=date(1980, 5, 4), sex=Sex.MALE, birth_place=None,
    )  # fmt: skip
    resource = {"resourceType": "Patient", "name": [{"family": family, "given": ["PAUL"]}],
                "birthDate": "1980-05-04", "gender": "male"}  # fmt: skip

    async def work(unit: Unit) -> int:
        claim = ins_claim(CLAIMED, SYSTEM)
        return (await quarantine.hold(unit, claim, traits, resource, collision=False)).cid

    cid = await commit(await space.visit("hospital-software"), work, "create")
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"reference": f"Patient/{id_of(space, cid)}"}}  # fmt: skip
    assert (await space.post("Observation", body, as_="hospital-software")).status == 201
    return cid


async def seen(space: Space, cid: int, as_: str) -> int:
    """How many results are found of it, and whether the Patient is there."""
    answer = await space.get(f"Observation?patient={id_of(space, cid)}", as_=as_)
    read = await space.get(f"Patient/{id_of(space, cid)}", as_=as_)
    assert (read.status == 200) == bool(answer.entries), (as_, read.status)
    return len(answer.entries)


async def test_before_it_is_released_its_depositor_alone_sees_it_then_it_is_as_any_other(
    space: Space,
) -> None:
    cid = await held(space)
    form = TraitsForm(birth_date=date(1980, 5, 4), name="INCONNU", sex="male")
    others = ("gp", "outsider", "patient", "lab-software", "operator")
    for persona in others:
        assert await seen(space, cid, persona) == 0
    assert await seen(space, cid, "hospital-software") == 1
    assert await find.find(await space.visit("gp"), form) == []
    shown = (await desk.look(await space.visit(FIRST), Simulator())).apart
    assert [(each.birth_name, each.ins) for each in shown] == [("INCONNU", CLAIMED)]
    await release.release(await space.visit(FIRST), cid, "PA")
    assert (await desk.look(await space.visit(FIRST), Simulator())).apart == ()
    for persona in others:
        assert await seen(space, cid, persona) == 0, "nobody has a link to it yet"
    (found,) = await find.find(await space.visit("outsider"), form)
    from carnet.rights import consent

    await consent.declare(await space.visit("outsider"), found.handle, "oral")
    assert await seen(space, cid, "outsider") == 1
    resource = (await space.get(f"Patient/{id_of(space, cid)}", as_="outsider")).body.decode()
    assert CLAIMED not in resource, "a number that is claimed does not leave"
    assert await space.rows("SELECT status, quarantined, ins FROM access.identity WHERE cid = %s",
                            cid) == [("VALI", False, None)]  # fmt: skip
    acts = await space.rows("SELECT act, proof FROM vigilance.act WHERE cid = %s", cid)
    assert acts == [("validate", "PA")]
    assert await space.rows(
        "SELECT sub FROM access.audit WHERE act = 'identity-validate' AND cid = %s", cid
    ) == [((await space.actor(FIRST)).sub,)]
    assert await space.rows("SELECT template FROM notices.outgoing WHERE cid = %s ORDER BY id", cid) == [
        ("opened",), ("access-changed",),
    ]  # fmt: skip
    with pytest.raises(NotApart):
        await release.release(await space.visit(FIRST), cid, "PA")


async def test_in_production_its_record_begins_with_its_notice(space: Space) -> None:
    cid = await held(space)
    visit = await space.visit(FIRST)
    strict = replace(visit.door, settings=replace(
        visit.door.settings, instance=Instance.PRODUCTION, matrix="demonstration"))  # fmt: skip
    await release.release(replace(visit, door=strict), cid, "CN")
    assert await space.rows("SELECT state FROM access.record WHERE cid = %s", cid) == [("notice",)]
    assert await space.rows("SELECT template FROM notices.outgoing WHERE cid = %s", cid) == []


async def test_who_may_be_somebody_known_is_compared_first_and_only_an_officer_decides(
    space: Space,
) -> None:
    cid = await held(space)
    for persona in ("gp", "patient", "hospital-software"):
        for act in (release.release(await space.visit(persona), cid, "PA"),
                    release.search(await space.visit(persona), cid)):  # fmt: skip
            with pytest.raises(NotOfficer):
                await act
    with pytest.raises(errors.Invalid):
        await release.release(await space.visit(FIRST), cid, "library card")
    known = await made(space, patient("INCONNU", "PAUL", sex="male"))
    with pytest.raises(ToCompare):
        await release.release(await space.visit(FIRST), cid, "PA")
    assert await release.search(await space.visit(FIRST), cid) == 1
    await merge.different(await space.visit(SECOND), cid, known)
    await release.release(await space.visit(FIRST), cid, "PA")


async def test_linked_by_two_officers_it_is_read_as_the_record_it_is_in_and_apart_again(
    space: Space,
) -> None:
    """The person is told; the next document of the same claim goes the same way; an undo hides both."""
    person = space.where.people[people.PATIENT.key]
    cid = await held(space)
    before: Any = await space.rows("SELECT * FROM access.identity WHERE cid = %s", cid)
    joined = await merged(space, cid, person)
    assert await seen(space, cid, "gp") > 0
    assert await seen(space, cid, "patient") > 0
    assert await seen(space, cid, "outsider") == 0
    told = await space.rows("SELECT cid FROM notices.outgoing WHERE template = 'identities-joined'")
    assert told == [(person,)], "what a document claims is nobody's address"
    assert (await desk.look(await space.visit(FIRST), Simulator())).apart == ()
    with pytest.raises(NotApart):
        await release.release(await space.visit(FIRST), cid, "PA")
    assert await held(space) == cid
    await merge.undo(await space.visit(FIRST), joined, "deux personnes")
    assert await seen(space, cid, "gp") == await seen(space, cid, "patient") == 0
    assert await seen(space, cid, "hospital-software") == 2
    assert await space.rows("SELECT * FROM access.identity WHERE cid = %s", cid) == before
