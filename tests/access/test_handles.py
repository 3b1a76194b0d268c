# SPDX-License-Identifier: EUPL-1.2
"""Handles of people found: one account's, for a while, opening nothing."""

from datetime import timedelta

import pytest

from carnet.access import handles
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_a_handle_is_of_one_account_and_twelve_hours(space: Space) -> None:
    gp, nurse = await space.visit("gp"), await space.visit("nurse")
    text = handles.write(gp, 42)
    assert handles.read(gp, text) == 42
    for other in (
        text[:-2],
        text + "A",
        "",
        "é",
        space.built.door.cursors.write("Patient", "1", 42, 0),
    ):
        with pytest.raises(handles.WrongHandle):
            handles.read(gp, other)
    with pytest.raises(handles.WrongHandle):
        handles.read(nurse, text)
    space.clock.advance(timedelta(hours=handles.HOURS, minutes=1))
    with pytest.raises(handles.WrongHandle):
        handles.read(gp, text)


async def test_a_number_is_not_looked_up_for_who_may_not_register_people(space: Space) -> None:
    """Whether a person is known here is told to a software, and to a professional who searches."""
    rows = await space.rows(
        "SELECT ins_system, ins FROM access.identity WHERE ins IS NOT NULL LIMIT 1"
    )
    ((system, known),) = rows
    for persona in ("outsider", "gp", "patient", "minor", "operator"):
        answers = [
            await space.post(
                "Patient",
                {"resourceType": "Patient", "identifier": [{"system": system, "value": value}]},
                as_=persona,
            )
            for value in (known, "1" * 15)
        ]
        assert [answer.status for answer in answers] == [403, 403]
        assert answers[0].body == answers[1].body


@pytest.mark.parametrize("named", ["reference", "identifier"])
async def test_a_patient_learns_nothing_of_anothers_number(space: Space, named: str) -> None:
    cid = space.where.people["elder"]
    ((system, known),) = await space.rows(
        "SELECT ins_system, ins FROM access.identity WHERE cid = %s", cid
    )
    answers = []
    for value in (known, "1" * 15):
        subject: dict[str, object] = {"identifier": {"system": system, "value": value}}
        if named == "reference":
            subject = {"reference": f"Patient?identifier={system}|{value}"}
        body = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": subject}
        answers.append(await space.post("QuestionnaireResponse", body, as_="patient"))
    assert answers[0].status in (412, 422)
    assert (answers[0].status, answers[0].body) == (answers[1].status, answers[1].body)


async def test_feeding_by_number_without_a_link_counts_as_a_search(space: Space) -> None:
    cid = space.where.people["patient"]
    ((system, known),) = await space.rows(
        "SELECT ins_system, ins FROM access.identity WHERE cid = %s", cid
    )
    finds = "SELECT count(*) FROM access.audit WHERE act = 'find' AND sub = %s"
    sub = (await space.actor("outsider")).sub
    for number, value in enumerate((known, "1" * 15), 1):
        body = {
            "resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"identifier": {"system": system, "value": value}},
        }  # fmt: skip
        await space.post("Observation", body, as_="outsider")
        assert await space.rows(finds, sub) == [(number,)]
