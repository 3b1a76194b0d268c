# SPDX-License-Identifier: EUPL-1.2
"""The emergency by the API: the same act as the page, and no more to learn from its refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carnet.identity.ins import control_key
from carnet.rights import emergency
from tests import people
from tests.rest.samples import Json
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
KEY = people.PATIENT.key
INS = people.PATIENT.ins
NOBODY = INS[:10] + "998"
ICE = {"mode": "bris-de-glace", "reason": "unconscious"}
CALL = {"mode": "centre-15", "reason": "call"}
SECRET = {"carnet-connexion": "secret"}


def parameters(**given: str) -> Json:
    """A Parameters resource; `ins` is a string, the rest are codes."""
    said = [
        {"name": name, "valueString" if name == "ins" else "valueCode": value}
        for name, value in given.items()
    ]
    return {"resourceType": "Parameters", "parameter": said}


async def by_id(space: Space, as_: str = "outsider", said: Any = None, id: str = "") -> Answer:
    path = f"Patient/{id or space.patient_id()}/$emergency"
    return await space.post(path, parameters(**(said or ICE)), as_=as_)


async def by_number(
    space: Space, as_: str = "outsider", said: Any = None, ins: str = INS
) -> Answer:
    return await space.post("Patient/$emergency", parameters(ins=ins, **(said or ICE)), as_=as_)


Way = Callable[..., Any]
WAYS = pytest.mark.parametrize("way", [by_id, by_number])


@WAYS
async def test_it_opens_the_least_until_it_is_ended(space: Space, way: Way) -> None:
    record = f"Patient/{space.patient_id()}"
    assert (await space.get(record, as_="outsider")).status == 404
    answer = await way(space)
    assert answer.status == 200, answer.body
    said = [(each["name"], *each.values()) for each in answer.json["parameter"]]
    assert [name for name, *_ in said][:3] == ["patient", "until", "scope"]
    assert answer.json["parameter"][0]["valueReference"] == {"reference": record}
    assert {one["valueCode"] for one in answer.json["parameter"][2:]} >= {"synthesis", "allergy"}
    assert (await space.get(record, as_="outsider")).status == 200
    told = await space.rows("SELECT reader FROM notices.outgoing ORDER BY id")
    assert told == [("person",), (f"rpps:{int(people.GP.rpps)}",)]
    ended = await space.post(f"{record}/$emergency-end", b"", as_="outsider")
    assert ended.status == 204, ended.body
    assert (await space.get(record, as_="outsider")).status == 404, "at once"
    assert (await space.post(f"{record}/$emergency-end", b"", as_="outsider")).status == 404


@WAYS
async def test_the_regulation_centre_opens_whatever_the_state_of_the_person(
    space: Space, way: Way
) -> None:
    assert (await way(space, "regulator", CALL)).status == 200
    assert (await space.get(f"Patient/{space.patient_id()}", as_="regulator")).status == 200
    assert await space.rows("SELECT mode, purpose FROM access.emergency, access.audit"
                            " WHERE act = 'emergency'") == [("centre-15", "ETREAT")]  # fmt: skip


SHUT = [
    "UPDATE access.record SET emergency_refused = true WHERE cid = %s",
    "UPDATE access.record SET state = 'notice' WHERE cid = %s",
    "UPDATE access.record SET state = 'closed' WHERE cid = %s",
    "UPDATE access.record SET state = 'deleted' WHERE cid = %s",
    f"INSERT INTO access.block (cid, rpps, since) VALUES (%s, {int(people.OUTSIDER.rpps)}, '2026-01-01')",
    "DELETE FROM access.identity WHERE cid = %s",
]


@pytest.mark.parametrize("shut", SHUT)
async def test_shut_refused_and_unknown_are_one_answer(space: Space, shut: str) -> None:
    unknown = [await by_id(space, id=space.built.door.ids.encode(77, 77)), await by_id(space, id="a"),
               await by_number(space, ins=f"{NOBODY}{control_key(NOBODY):02}")]  # fmt: skip
    await space.rows(shut, space.where.people[KEY])
    found = [await by_id(space), await by_number(space), *unknown]
    assert {answer.status for answer in found} == {404}
    assert len({answer.body for answer in found}) == 1
    heads = {tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in found}
    assert len(heads) == 1
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(0,)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resourceType": "Parameters"},
        parameters(mode="bris-de-glace"),
        parameters(**ICE, more="x"),
        parameters(mode="bris-de-glace", reason=""),
        parameters(mode="bris-de-glace", reason="x" * 10_000),
        parameters(mode="bris-de-glace", reason="<script>alert(1)</script>"),
        parameters(mode="bris-de-glace", reason="call"),
        parameters(mode="centre-15", reason="unconscious"),
        parameters(mode="normal", reason="unconscious"),
        {"resourceType": "Parameters", "parameter": [*parameters(**ICE)["parameter"]] * 2},
        {"resourceType": "Parameters", "parameter": [
            {"name": "mode", "valueString": "bris-de-glace"}, {"name": "reason", "valueCode": "call"}]},
        {"resourceType": "Parameters", "parameter": [
            {"name": "mode", "part": []}, {"name": "reason", "valueCode": "unconscious"}]},
        {"resourceType": "Patient"},
        b"[]",
        b"<Parameters/>",
        b"",
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_whoever_the_patient_is(space: Space, body: Any) -> None:
    known = await space.post(f"Patient/{space.patient_id()}/$emergency", body, as_="outsider")
    unknown = await space.post("Patient/aaaa/$emergency", body, as_="outsider")
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert known.status == 400, known.body
    assert "script" not in known.body.decode()
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]


async def test_the_sentence_names_what_is_taken(space: Space) -> None:
    wrong = await by_id(space, said={"mode": "x", "reason": "y"})
    assert "bris-de-glace with the reason unconscious, life-threatening, no-voice" in wrong.said
    assert "mode (code) and reason (code)" in (await by_id(space, said={"mode": "x"})).said
    assert "centre 15" in (await by_id(space, said=CALL)).said
    for number in (INS[:-1], INS[:-2] + "99", "x" * 15, " "):
        wrong = await by_number(space, ins=number)
        assert (wrong.status, "two-digit key" in wrong.said) == (400, True), wrong.body
    assert (await by_number(space, ins=f" {INS[:5]} {INS[5:]}")).status == 200
    typed = await space.call(
        "POST", "Patient/a/$emergency", as_="outsider", body=parameters(**ICE),
        headers={"content-type": "text/plain"},
    )  # fmt: skip
    assert typed.status == 415


@WAYS
@pytest.mark.parametrize(
    ("persona", "said"),
    [("patient", ICE), ("parent", ICE), ("lab-software", ICE), ("operator", ICE),
     ("assistant", ICE), ("helper", ICE), ("outsider", CALL), ("ehpad-nurse", CALL)],
)  # fmt: skip
async def test_who_may_not_is_told_so_without_the_record_being_looked_at(
    space: Space, way: Way, persona: str, said: Any
) -> None:
    answer = await way(space, persona, said)
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "forbidden")
    assert await space.rows("SELECT count(*) FROM access.audit WHERE act = 'find'") == [(0,)]


async def test_the_situation_of_the_token_decides(space: Space) -> None:
    hospital = space.where.places["hospital"]
    org = f"Organization/{space.built.door.ids.encode(0, hospital)}"
    token = await space.token("regulator", org=org)
    answer = await space.call(
        "POST", f"Patient/{space.patient_id()}/$emergency", body=parameters(**CALL),
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert answer.status == 403


async def test_what_the_how_to_says_is_so(space: Space) -> None:
    text = (ROOT / "docs" / "howto" / "open-in-an-emergency.md").read_text("utf-8")
    said = json.loads(text.split("said='")[1].split("'")[0])
    answer = await space.post("Patient/$emergency", said, as_="regulator")
    assert answer.status == 200, answer.body
    for mode, found in emergency.modes().items():
        reasons = ", ".join(f"`{one}`" for one in found["reasons"])
        assert f"| `{mode}` |" in text
        assert f"| {reasons} | {found['hours']} hours |" in text


async def test_no_token_no_answer(space: Space) -> None:
    for path in ("Patient/a/$emergency", "Patient/$emergency", "Patient/a/$emergency-end"):
        assert (await space.post(path, parameters(**ICE))).status == 401


@pytest.mark.parametrize("table", ["notices.outgoing", "access.audit", "access.emergency"])
@WAYS
async def test_when_one_of_its_writings_fails_nothing_is_opened_and_nothing_answered(
    space: Space, way: Way, table: str
) -> None:
    await space.rows(
        "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$"
    )
    await space.rows(
        f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.full()"
    )
    answer = await way(space)
    assert answer.status >= 500, answer.body
    assert answer.json["resourceType"] == "OperationOutcome"
    assert "disk full" not in answer.body.decode()
    await space.rows(f"DROP TRIGGER full_disk ON {table}")
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(0,)]
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 404


async def test_ending_is_traced_or_does_not_happen(space: Space) -> None:
    await by_id(space)
    await space.rows(
        "CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$"
    )
    await space.rows(
        "CREATE TRIGGER full_disk BEFORE INSERT ON access.audit FOR EACH ROW EXECUTE FUNCTION public.full()"
    )
    path = f"Patient/{space.patient_id()}/$emergency-end"
    assert (await space.post(path, b"", as_="outsider")).status >= 500
    assert await space.rows("SELECT count(*) FROM access.emergency WHERE ended IS NULL") == [(1,)]


async def test_of_a_minor_in_secret_nothing_leaves_for_their_home(space: Space) -> None:
    child = space.patient_id("minor")
    path = f"Patient/{child}/$emergency"
    answer = await space.call("POST", path, as_="outsider", body=parameters(**ICE), headers=SECRET)
    assert answer.status == 200, answer.body
    assert await space.rows("SELECT reader FROM notices.outgoing") == [
        (f"rpps:{int(people.GP.rpps)}",)
    ]
    events = await space.get(f"AuditEvent?patient=Patient/{child}&date=ge2026-01-01", as_="parent")
    assert "ETREAT" not in events.body.decode()


async def test_searching_by_number_is_counted_as_a_search(space: Space) -> None:
    await by_number(space)
    assert await space.rows("SELECT count(*) FROM access.audit WHERE act = 'find'") == [(1,)]
    await by_number(space, said={"mode": "x", "reason": "y"})
    assert await space.rows("SELECT count(*) FROM access.audit WHERE act = 'find'") == [(1,)]


async def test_metadata_says_them(space: Space) -> None:
    resources = (await space.get("metadata")).json["rest"][0]["resource"]
    (patient,) = [each for each in resources if each["type"] == "Patient"]
    assert {"emergency", "emergency-end"} <= {one["name"] for one in patient["operation"]}
