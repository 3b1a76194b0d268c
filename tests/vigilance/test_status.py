# SPDX-License-Identifier: EUPL-1.2
"""The status of an identity: who may do what, and what leaves with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from carnet import errors
from carnet.identity.status import Act, NoProof, NoSuchAct, NotTrusted
from carnet.vigilance import outward, qualify
from carnet.vigilance.insi import NotConnected, Off, Simulator
from carnet.vigilance.standing import NotOfficer
from tests import people
from tests.space import Space
from tests.vigilance.acts import FIRST, SYSTEM, id_of, known_to_insi, made, number, patient

pytestmark = pytest.mark.anyio
INS = number("2800575056123")
SIMULATOR = Simulator()


async def read(space: Space, cid: int) -> dict[str, Any]:
    """The Patient, as the software that sent it reads it back."""
    answer = await space.get(f"Patient/{id_of(space, cid)}", as_="hospital-software")
    assert answer.status == 200
    return answer.json  # type: ignore[no-any-return]


async def status(space: Space, cid: int) -> str:
    ((found,),) = await space.rows("SELECT status FROM access.identity WHERE cid = %s", cid)
    return str(found)


async def found_by_number(space: Space) -> int:
    answer = await space.get(f"Patient?identifier={SYSTEM}|{INS}", as_="hospital-software")
    return len(answer.entries)


async def test_the_number_leaves_with_a_qualified_identity_and_no_other(space: Space) -> None:
    """RNIV: provisional, retrieved or validated alone, the matricule stays inside."""
    await known_to_insi(space, INS, "DELAUNAY", "HELENE MARIE", "1980-05-04")
    cid = await made(space, patient())
    officer = await space.visit(FIRST)

    async def inside(expected: str) -> None:
        assert await status(space, cid) == expected
        resource = await read(space, cid)
        assert INS not in json.dumps(resource)
        assert resource["meta"]["profile"] == [outward.PATIENT]
        assert await found_by_number(space) == 0

    await inside("PROV")
    assert await qualify.retrieve(officer, SIMULATOR, cid) == "00"
    await inside("RECUP")
    await qualify.validate(officer, cid, "CN")
    resource = await read(space, cid)
    assert await status(space, cid) == "QUAL"
    (official,) = [each for each in resource["identifier"] if each["system"] == SYSTEM]
    assert (official["value"], official["use"]) == (INS, "official")
    assert resource["meta"]["profile"] == [outward.PATIENT_INS]
    assert resource["name"][0]["extension"][0]["valueString"] == "HELENE MARIE"
    assert await found_by_number(space) == 1
    await qualify.mark(officer, cid, Act.DOUBT, "deux photos différentes")
    await inside("RECUP")
    with pytest.raises(NotTrusted):
        await qualify.validate(officer, cid, "CN")
    await qualify.mark(officer, cid, Act.CLEAR, "vérifié au guichet")
    await qualify.validate(officer, cid, "PA")
    assert await found_by_number(space) == 1


async def test_what_a_sender_declares_is_not_enough_without_the_insi(space: Space) -> None:
    """The simulator does not know them: validated by their hospital, not qualified."""
    cid = await made(space, patient(ins=INS, declared="QUAL"))
    assert await status(space, cid) == "VALI"
    assert INS not in json.dumps(await read(space, cid))
    await known_to_insi(space, INS, "DELAUNAY", "HELENE", "1980-05-04")
    assert await qualify.retrieve(await space.visit(FIRST), SIMULATOR, cid) == "00"
    assert await status(space, cid) == "QUAL"
    assert INS in json.dumps(await read(space, cid))


async def test_the_cast_is_qualified_by_the_simulator(space: Space) -> None:
    rows = await space.rows("SELECT status, count(*) FROM access.identity GROUP BY status")
    assert dict(rows).keys() == {"QUAL"}
    resource = (await space.get(f"Patient/{space.patient_id()}", as_="gp")).json
    assert people.PATIENT.ins in json.dumps(resource)
    assert resource["meta"]["profile"] == [outward.PATIENT_INS]


@pytest.mark.parametrize(
    ("fault", "said"),
    [(Simulator(times_out=True), "time-out"), (Simulator(degraded=True), "other-traits")],
)
async def test_a_service_at_fault_changes_nothing(
    space: Space, fault: Simulator, said: str
) -> None:
    await known_to_insi(space, INS, "DELAUNAY", "HELENE", "1980-05-04")
    cid = await made(space, patient())
    before = await space.rows("SELECT * FROM access.identity WHERE cid = %s", cid)
    assert await qualify.retrieve(await space.visit(FIRST), fault, cid) == said
    assert await space.rows("SELECT * FROM access.identity WHERE cid = %s", cid) == before
    ((waits,),) = await space.rows(
        "SELECT next_try IS NOT NULL FROM vigilance.question WHERE cid = %s", cid
    )
    assert waits == (said == "time-out")


async def test_a_question_is_asked_again_and_not_where_the_service_is_off(space: Space) -> None:
    await known_to_insi(space, INS, "DELAUNAY", "HELENE", "1980-05-04")
    cid = await made(space, patient())
    await qualify.retrieve(await space.visit(FIRST), Simulator(times_out=True), cid)
    assert await qualify.ask_again(space.built.door, SIMULATOR) == {}
    space.clock.advance(qualify.AGAIN[0])
    assert await qualify.ask_again(space.built.door, NotConnected()) == {}
    assert await qualify.ask_again(space.built.door, SIMULATOR) == {"00": 1}
    assert await status(space, cid) == "RECUP"
    with pytest.raises(Off):
        await qualify.retrieve(await space.visit(FIRST), NotConnected(), cid)


async def test_several_people_are_told_apart_by_more_traits(space: Space) -> None:
    """02: the other given names, then the birth place; several still is nobody."""
    await known_to_insi(space, INS, "DELAUNAY", "HELENE MARIE", "1980-05-04")
    await known_to_insi(space, number("2800575056124"), "DELAUNAY", "HELENE", "1980-05-04")
    cid = await made(space, patient())
    assert await qualify.retrieve(await space.visit(FIRST), SIMULATOR, cid) == "02"
    assert await status(space, cid) == "PROV"
    cid = await made(space, patient(family="PERSONNE"))
    assert await qualify.retrieve(await space.visit(FIRST), SIMULATOR, cid) == "01"


async def test_one_number_for_two_identities_makes_both_doubtful(space: Space) -> None:
    await known_to_insi(space, INS, "DELAUNAY", "HELENE", "1980-05-04")
    officer = await space.visit(FIRST)
    one = await made(space, patient())
    await qualify.retrieve(officer, SIMULATOR, one)
    await qualify.validate(officer, one, "CN")
    other = await made(space, patient())
    assert await qualify.retrieve(officer, SIMULATOR, other) == "collision"
    rows = await space.rows(
        "SELECT doubtful, status FROM access.identity WHERE cid = ANY (%s) ORDER BY cid",
        [one, other],
    )
    assert rows == [(True, "RECUP"), (True, "PROV")]
    assert INS not in json.dumps(await read(space, one))
    pairs = await space.rows("SELECT one, other FROM vigilance.candidate WHERE settled IS NULL")
    assert (one, other) in pairs


async def test_only_officers_act_and_every_act_is_traced(space: Space) -> None:
    cid = await made(space, patient())
    for persona in ("gp", "patient", "hospital-software", "helper"):
        with pytest.raises(NotOfficer):
            await qualify.validate(await space.visit(persona), cid, "CN")
    await space.rows("DELETE FROM vigilance.officer WHERE sub = 'operator:operator'")
    with pytest.raises(NotOfficer):
        await qualify.validate(await space.visit(FIRST), cid, "CN")
    await space.rows("INSERT INTO vigilance.officer VALUES ('operator:operator')")
    with pytest.raises(NoProof):
        await qualify.validate(await space.visit(FIRST), cid, "carte de bibliothèque")
    with pytest.raises(qualify.NoReason):
        await qualify.mark(await space.visit(FIRST), cid, Act.DOUBT, " ")
    await qualify.validate(await space.visit(FIRST), cid, "CN")
    with pytest.raises((NoSuchAct, errors.NotFound)):
        await qualify.validate(await space.visit(FIRST), 12, "CN")
    acts = await space.rows(
        "SELECT act, before, after, proof FROM vigilance.act WHERE cid = %s", cid
    )
    assert acts == [("validate", "PROV", "VALI", "CN")]
    traced = await space.rows(
        "SELECT count(*) FROM access.audit WHERE cid = %s AND act = 'identity-validate'"
        " AND granted AND sub = 'operator:operator'",
        cid,
    )
    assert traced[0][0] >= 1


async def test_an_officer_sees_nothing_of_the_record(space: Space) -> None:
    """Not even the Patient, through the API; health data never."""
    for persona in (FIRST, "identity-officer"):
        for rtype in ("Patient", "Observation", "DocumentReference"):
            answer = await space.get(rtype, as_=persona)
            assert not answer.json.get("entry")
        assert (await space.get(f"Patient/{space.patient_id()}", as_=persona)).status == 404
