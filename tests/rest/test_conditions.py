# SPDX-License-Identifier: EUPL-1.2
"""Conditional create: what is already there is not written twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

LAB, HOSPITAL = "lab-software", "hospital-software"
SYSTEM, VALUE = "urn:oid:1.2.840.10004.1.1.1", "FE-ED-AB"
CONDITION = f"identifier={SYSTEM}|{VALUE}"


def device(value: str = VALUE) -> dict[str, Any]:
    return {"resourceType": "Device", "identifier": [{"system": SYSTEM, "value": value}]}


async def sent(space: Space, as_: str = LAB, condition: str = CONDITION) -> Answer:
    request = {"method": "POST", "url": "Device", "ifNoneExist": condition}
    entry = {"fullUrl": "urn:uuid:0b0a1b1e-0000-4000-8000-000000000001", "resource": device(),
             "request": request}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    return await space.post("", bundle, as_=as_)


def response(answer: Answer) -> tuple[str, str]:
    assert answer.status == 200, answer.body
    found = answer.json["entry"][0]["response"]
    return found["status"].split()[0], found["location"].split("/_history")[0]


async def test_the_second_time_it_is_the_first_one(space: Space) -> None:
    first, again = response(await sent(space)), response(await sent(space))
    assert (first[0], again[0]) == ("201", "200")
    assert first[1] == again[1]
    alone = await space.post("Device", device(), as_=LAB, **{"If-None-Exist": CONDITION})
    assert (alone.status, alone.headers["location"].endswith(first[1])) == (200, True)


async def test_two_at_the_same_instant_make_one(space: Space) -> None:
    answers = await asyncio.gather(*(sent(space) for _ in range(6)))
    assert len({response(each)[1] for each in answers}) == 1
    assert [response(each)[0] for each in answers].count("201") == 1


async def test_another_organisation_s_is_not_seen(space: Space) -> None:
    """The condition tells nobody what they may not read."""
    first = response(await sent(space))
    assert response(await sent(space, HOSPITAL))[0] == "201"
    assert response(await sent(space, HOSPITAL))[1] != first[1]


async def test_several_that_answer_are_412(space: Space) -> None:
    for _ in range(2):
        assert (await space.post("Device", device(), as_=LAB)).status == 201
    answer = await sent(space)
    assert (answer.status, "Several" in answer.said) == (412, True)


@pytest.mark.parametrize(
    "condition",
    ["code=1", "identifier=1", "identifier=|1", "identifier=a|", "identifier=a|1,a|2", "?",
     "identifier=a|1&code=2", "identifier:not=a|1", "%ff=%ff", "identifier=a|1&identifier=a|1"],
)  # fmt: skip
async def test_another_condition_is_refused_plainly(space: Space, condition: str) -> None:
    answer = await sent(space, condition=condition)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "not-supported")
    assert "one identifier" in answer.said


async def test_a_conditional_reference_finds_what_the_sender_deposited(space: Space) -> None:
    """And nothing of another organisation."""
    place = {"resourceType": "Organization", "name": "Lab",
             "identifier": [{"system": "https://e.example", "value": "7"}]}  # fmt: skip
    made = (await space.post("Organization", place, as_=LAB)).json["id"]
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{space.patient_id()}"},
        "performer": [{"reference": "Organization?identifier=https://e.example|7"}],
    }  # fmt: skip
    answer = await space.post("Observation", observation, as_=LAB)
    assert answer.json["performer"][0]["reference"] == f"Organization/{made}"
    assert (await space.post("Observation", observation, as_=HOSPITAL)).status == 412


async def test_the_same_place_sent_twice_is_one_and_another_description_of_it_is_beside(
    space: Space,
) -> None:
    place = {"resourceType": "Organization", "name": "Lab",
             "identifier": [{"system": "https://e.example", "value": "7"}]}  # fmt: skip
    first = await space.post("Organization", place, as_=LAB)
    again = await space.post("Organization", place, as_=LAB)
    other = await space.post("Organization", place | {"name": "Laboratoire"}, as_=LAB)
    assert (first.status, again.status, other.status) == (201, 200, 201)
