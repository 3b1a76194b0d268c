# SPDX-License-Identifier: EUPL-1.2
"""Why can I not see this: what is said follows from the link and the matrix, never from what is there."""

from datetime import timedelta
from typing import Any

import pytest

from carnet.access import handles
from carnet.access.handles import WrongHandle
from carnet.documents.hide import hide
from carnet.rights.block import block
from carnet.rights.consent import declare, withdraw
from carnet.rights.explain import NotForYou, explain
from carnet.rights.pages import Explanation
from tests import people
from tests.documents.lots import document_of, fresh, lot, mask, metadata, subject
from tests.space import Space

pytestmark = pytest.mark.anyio
NURSE = int(people.NURSE.rpps)


async def said(space: Space, persona: str, patient: str) -> Explanation:
    return await explain(await space.visit(persona), patient)


async def unknown(space: Space) -> Any:
    return await said(space, "nurse", space.built.door.ids.encode(77, 77))


async def blocked(space: Space) -> Any:
    await block(await space.visit("patient"), NURSE)
    return await said(space, "nurse", space.patient_id())


async def withdrawn(space: Space) -> Any:
    await withdraw(await space.visit("patient"), NURSE)
    return await said(space, "nurse", space.patient_id())


async def closed(space: Space) -> Any:
    await space.rows("UPDATE access.record SET state = 'closed' WHERE cid = %s",
                     space.where.people["patient"])  # fmt: skip
    return await said(space, "nurse", space.patient_id())


async def of_no_link(space: Space) -> Any:
    return await said(space, "outsider", space.patient_id())


async def of_no_id(space: Space) -> Any:
    return await said(space, "nurse", "not-an-id")


@pytest.mark.parametrize("case", [blocked, withdrawn, closed, of_no_link, of_no_id])
async def test_without_a_link_the_answer_is_one_and_the_same(space: Space, case: Any) -> None:
    assert await case(space) == await unknown(space)


async def test_by_the_handle_of_a_search_the_answer_is_the_same(space: Space) -> None:
    visit = await space.visit("outsider")
    handle = handles.write(visit, space.where.people["patient"])
    assert await explain(visit, handle=handle) == await unknown(space)
    with pytest.raises(WrongHandle):
        await explain(await space.visit("dentist"), handle=handle)


@pytest.mark.parametrize("persona", ["nurse", "pharmacist", "hospital-doctor", "gp", "assistant"])
async def test_nothing_that_is_in_the_record_changes_the_answer(space: Space, persona: str) -> None:
    before = await said(space, persona, space.patient_id())
    assert before.linked
    document = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    await hide(await space.visit("patient"), document.split("/")[1])
    psychiatric = {"coding": [{"system": "http://loinc.org", "code": "34794-8"}]}
    hidden = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    several: list[dict[str, Any]] = [{"type": psychiatric}, {"securityLabel": hidden}]
    for minutes, changes in enumerate(several, 1):
        data = fresh(minutes=minutes).xml
        assert (await space.post("", lot(data, **changes), as_="lab-software")).status == 200
    assert await said(space, persona, space.patient_id()) == before


async def test_it_says_what_the_line_of_the_profession_leaves_out(space: Space) -> None:
    nurse = await said(space, "nurse", space.patient_id())
    codes = {reason.code for reason in nurse.reasons}
    assert {"matrix-60", "matrix-95", "matrix-sensitive-10", "masks", "unclassified"} <= codes
    assert "matrix-42" not in codes
    assert nurse.rule == "care-team"
    assert nurse.until is None
    gp = await said(space, "gp", space.patient_id())
    assert {reason.code for reason in gp.reasons} == {"unmasked"}
    assistant = await said(space, "assistant", space.patient_id())
    assert "matrix-10" in {reason.code for reason in assistant.reasons}
    assert space.built.door.matrix.version in nurse.matrix


async def test_of_a_visit_it_says_when_it_ends(space: Space) -> None:
    visit = await space.visit("outsider")
    await declare(visit, handles.write(visit, space.where.people["patient"]), "oral")
    found = await said(space, "outsider", space.patient_id())
    assert found.rule == "visit-consent"
    assert found.until is not None
    assert found.until - space.clock.now < timedelta(hours=space.built.settings.visit_hours)


async def test_of_an_emergency_it_says_that_it_is_the_least(space: Space) -> None:
    await space.rows(
        "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
        " VALUES (1, %s, %s, 'centre-15', 'call', %s, %s)",
        space.where.people["patient"], int(people.OUTSIDER.rpps),
        space.clock.now, space.clock.now + timedelta(hours=2),
    )  # fmt: skip
    found = await said(space, "outsider", space.patient_id())
    assert "emergency" in {reason.code for reason in found.reasons}
    assert found.until is not None


@pytest.mark.parametrize("persona", ["lab-software", "operator"])
async def test_who_reads_no_record_is_told_nothing(space: Space, persona: str) -> None:
    with pytest.raises(NotForYou):
        await said(space, persona, space.patient_id())


@pytest.mark.parametrize(("persona", "person", "rule", "told"), [
    ("patient", "patient", "patient-self", set()),
    ("minor", "minor", "patient-self", set()),
    ("parent", "minor", "representative", {"kept"}),
    ("carer", "elder", "carer-mandate", {"kept", "reach-care"}),
])  # fmt: skip
async def test_the_person_and_who_acts_for_them_are_told_the_rules_of_every_record(
    space: Space, persona: str, person: str, rule: str, told: set[str]
) -> None:
    found = await said(space, persona, space.patient_id(person))
    assert found.rule == rule
    assert {one.code for one in found.reasons} == {"not-sent", "identity", "announcement"} | told


async def test_no_hidden_document_changes_what_patient_and_parent_are_told(space: Space) -> None:
    cases = (("patient", people.PATIENT), ("parent", people.MINOR))
    before = [await said(space, who, space.patient_id(person.key)) for who, person in cases]
    hidden = ("INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX")
    for minutes, (mark, (who, person)) in enumerate(zip(hidden, cases, strict=True)):
        data = fresh(person, minutes=minutes).xml
        labels = [*metadata(b"x")["securityLabel"], mask(mark)]
        sent = await space.post(
            "", lot(data, subject=subject(person), securityLabel=labels), as_="lab-software"
        )
        assert sent.status == 200, sent.body
        document = document_of(sent)
        assert (await space.get(document, as_=who)).status == 404
    after = [await said(space, who, space.patient_id(person.key)) for who, person in cases]
    assert after == before


async def test_who_holds_nothing_is_told_the_same_of_a_record_and_of_none(space: Space) -> None:
    theirs = await said(space, "carer", space.patient_id())
    nobodys = await said(space, "carer", space.built.door.ids.encode(77, 77))
    assert theirs == nobodys
    assert not theirs.linked


async def test_by_the_api_it_is_an_operation_outcome(space: Space) -> None:
    found = await space.get(f"Patient/{space.patient_id()}/$explain", as_="nurse")
    assert found.status == 200
    assert found.json["resourceType"] == "OperationOutcome"
    codes = [each["details"]["coding"][0]["code"] for each in found.json["issue"]]
    assert "matrix-60" in codes
    absent = await space.get(f"Patient/{'a' * 26}/$explain", as_="nurse")
    hidden = await space.get(f"Patient/{space.patient_id()}/$explain", as_="outsider")
    assert (absent.status, absent.body) == (hidden.status, hidden.body)


async def test_it_is_traced(space: Space) -> None:
    await said(space, "nurse", space.patient_id())
    await said(space, "outsider", space.patient_id())
    rows = await space.rows(
        "SELECT granted, rule FROM access.audit WHERE act = 'explain' ORDER BY seq"
    )
    assert rows == [(True, "care-team"), (False, "no-live-link")]
