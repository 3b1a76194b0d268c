# SPDX-License-Identifier: EUPL-1.2
"""PATCH over HTTP and in Bundles: by who may change a resource, on its current version, all or nothing."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import partial
from typing import Any

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, bundle, chosen, insisted, observation
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

JSON_PATCH = "application/json-patch+json"
AMENDED = [{"op": "replace", "path": "/status", "value": "amended"}]


def steps(*operations: tuple[str, str, Json]) -> Json:
    """A FHIRPath Patch that replaces."""
    parameter = [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": kind},
                {"name": "path", "valueString": path},
                {"name": "value", **value},
            ],
        }
        for kind, path, value in operations
    ]
    return {"resourceType": "Parameters", "parameter": parameter}


async def made(space: Space, **more: Any) -> Json:
    sent = observation(f"Patient/{space.patient_id()}", **more)
    found: Json = (await space.post("Observation", sent, as_=LAB)).json
    return found


async def patch(
    space: Space, address: str, body: Any, as_: str = LAB, media: str = JSON_PATCH, **headers: str
) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await space.call(
        "PATCH", address, as_=as_, body=sent, headers={"Content-Type": media} | headers
    )


async def test_a_json_patch_makes_a_version_and_keeps_digits(space: Space) -> None:
    sent = json.dumps(observation(f"Patient/{space.patient_id()}", valueQuantity={"value": 0}))
    exact = sent.replace('"value": 0', '"value": 72.50').encode()
    address = "Observation/" + (await space.post("Observation", exact, as_=LAB)).json["id"]
    body = (
        b'[{"op":"test","path":"/valueQuantity/value","value":72.5},'
        b'{"op":"replace","path":"/status","value":"amended"},'
        b'{"op":"add","path":"/referenceRange","value":[{"low":{"value":60.0}}]}]'
    )
    answer = await patch(space, address, body, **{"If-Match": 'W/"1"'})
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"2"')
    assert answer.headers["location"].endswith(f"{address}/_history/2")
    stored = (await space.get(address, as_="patient")).body
    assert b'"value":72.50' in stored
    assert b'"value":60.0' in stored
    assert b'"status":"amended"' in stored
    late = await patch(space, address, AMENDED, **{"If-Match": 'W/"1"'})
    assert late.status == 412
    same = await patch(space, address, AMENDED)
    assert same.headers["etag"] == 'W/"2"'  # the same content makes no version
    found = await space.get(f"Observation?_id={address.split('/')[1]}&status=amended", as_=LAB)
    assert len(found.entries) == 1
    line = await space.rows("SELECT act FROM access.audit WHERE sub = 'software:lab-software'")
    assert ("update",) in line


async def test_a_fhirpath_patch_changes_what_its_path_leads_to(space: Space) -> None:
    address = "Observation/" + (await made(space))["id"]
    answer = await space.call(
        "PATCH", address, as_=LAB, headers={"Prefer": "return=minimal"},
        body=steps(
            ("replace", "Observation.status", {"valueCode": "amended"}),
            ("replace", "Observation.code.coding.where(code = '2339-0').display",
             {"valueString": "Glucose"}),
        ),
    )  # fmt: skip
    assert answer.status == 422  # there was no display to replace
    assert answer.json["issue"][0]["expression"] == ["Parameters.parameter[1]"]
    body = steps(("replace", "Observation.status", {"valueCode": "amended"}))
    answer = await space.call("PATCH", address, as_=LAB, body=body)
    assert (answer.status, answer.json["status"]) == (200, "amended")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid"), (b"{}", 400, "invalid"), (b"[", 400, "invalid"),
        (b'[{"op":"spam","path":"/a"}]', 400, "invalid"),
        (b'[{"op":"test","path":"/status","value":"amended"}]', 409, "conflict"),
        (b'[{"op":"remove","path":"/issued"}]', 422, "processing"),
        (b'[{"op":"replace","path":"/id","value":"x"}]', 422, "processing"),
        (b'[{"op":"replace","path":"/resourceType","value":"Patient"}]', 422, "processing"),
        (b'[{"op":"remove","path":"/status"}]', 422, "structure"),
        (b'[{"op":"add","path":"/unknown","value":1}]', 422, "structure"),
        (b'[{"op":"add","path":"/status","value":1,"value":2}]', 400, "invalid"),
        (b'[{"op":"add","path":"/note","value":[{"text":"\\u0000"}]}]', 400, "invalid"),
    ],
)  # fmt: skip
async def test_a_patch_that_cannot_be_done_leaves_everything_and_says_why(
    space: Space, body: bytes, status: int, code: str
) -> None:
    address = "Observation/" + (await made(space))["id"]
    answer = await patch(space, address, body)
    said = answer.json["issue"][0]
    assert (answer.status, said["diagnostics"] != "") == (status, True), answer.body
    if code != "structure":
        assert said["code"] == code
    assert (await space.get(f"{address}/_history", as_=LAB)).json["total"] == 1


async def test_a_patch_moves_nothing_to_another_person_and_hides_nothing(space: Space) -> None:
    """F8: the subject of a stored resource never changes, by any verb."""
    address = "Observation/" + (await made(space))["id"]
    other = f"Patient/{space.patient_id('minor')}"
    security = {"security": [{"code": "MASQUE_PS"}]}
    for body, status in (
        ([{"op": "replace", "path": "/subject/reference", "value": other}], 422),
        ([{"op": "remove", "path": "/subject"}], 422),
        ([{"op": "add", "path": "/meta", "value": security}], 422),
    ):
        answer = await patch(space, address, body)
        assert answer.status == status, answer.body
        sent = bundle(entry(body, address))
        assert (await space.post("", sent, as_=LAB)).status == status
    assert (await space.get(f"{address}/_history", as_=LAB)).json["total"] == 1


def entry(body: Any, url: str, **request: str) -> Json:
    """A JSON Patch in a Bundle."""
    data = base64.b64encode(json.dumps(body).encode()).decode()
    resource = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": data}
    return {"resource": resource, "request": {"method": "PATCH", "url": url} | request}


async def test_who_may_not_change_it_learns_nothing_of_it_by_a_test(space: Space) -> None:
    """A reader is refused before the patch is tried; who does not see it finds nothing."""
    address = "Observation/" + (await made(space))["id"]
    answers: dict[str, set[tuple[int, bytes]]] = {}
    for value in ("final", "amended"):
        body = [{"op": "test", "path": "/status", "value": value}, *AMENDED]
        for persona in ("gp", "patient", HOSPITAL, "outsider"):
            answer = await patch(space, address, body, as_=persona)
            answers.setdefault(persona, set()).add((answer.status, answer.body))
    assert {persona: {status for status, _ in told} for persona, told in answers.items()} == {
        "gp": {403}, "patient": {403}, HOSPITAL: {404}, "outsider": {404},
    }  # fmt: skip
    assert all(len(told) == 1 for told in answers.values())
    refused = await space.rows("SELECT count(*) FROM access.audit WHERE NOT granted")
    assert refused[0][0] >= 8


async def test_a_test_that_fails_is_a_line_in_the_audit(space: Space) -> None:
    """What a patch tells its depositor of a record is told to the record."""
    address = "Observation/" + (await made(space))["id"]
    before = (await space.rows("SELECT count(*) FROM access.audit"))[0][0]
    await patch(space, address, [{"op": "test", "path": "/status", "value": "amended"}])
    lines = await space.rows(
        "SELECT act, rule, granted, cid IS NOT NULL FROM access.audit ORDER BY seq OFFSET %s",
        before,
    )
    assert lines == [("update", "test-failed", False, True)]


async def test_patches_in_bundles_are_theirs_alone_or_all_together(space: Space) -> None:
    one, two = ["Observation/" + (await made(space))["id"] for _ in range(2)]
    wrong = [{"op": "remove", "path": "/status"}]
    fhirpath = {
        "resource": steps(("replace", "Observation.status", {"valueCode": "amended"})),
        "request": {"method": "PATCH", "url": two, "ifMatch": 'W/"1"'},
    }
    answer = await space.post("", bundle(fhirpath, entry(wrong, one)), as_=LAB)
    assert answer.status == 422
    assert answer.json["issue"][0]["expression"][0].startswith("Bundle.entry[1].resource")
    assert (await space.get(two, as_=LAB)).json["status"] == "final"
    absent = fhirpath | {
        "resource": steps(
            ("replace", "Observation.issued", {"valueInstant": "2020-01-01T00:00:00Z"})
        )
    }
    answer = await space.post("", bundle(entry(AMENDED, one), absent), as_=LAB)
    assert answer.json["issue"][0]["expression"] == ["Bundle.entry[1].resource.parameter[0]"]
    answer = await space.post(
        "", bundle(fhirpath, entry(AMENDED, one, ifMatch='W/"7"'), kind="batch"), as_=LAB
    )
    assert [each["response"]["status"][:3] for each in answer.json["entry"]] == ["200", "412"]
    answer = await space.post(
        "", bundle(entry(AMENDED, one)), as_=LAB, Prefer="return=representation"
    )
    assert answer.json["entry"][0]["resource"]["status"] == "amended"
    assert answer.json["entry"][0]["response"]["etag"] == 'W/"2"'
    plain = {"resource": {"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA"},
             "request": {"method": "PATCH", "url": one}}  # fmt: skip
    assert (await space.post("", bundle(plain), as_=LAB)).status == 400


async def test_what_is_gone_or_of_a_type_with_its_own_acts_is_not_patched(space: Space) -> None:
    address = "Observation/" + (await made(space))["id"]
    await space.call("DELETE", address, as_=LAB)
    assert (await patch(space, address, AMENDED)).status == 410
    assert (await patch(space, f"Observation/{chosen()}", AMENDED)).status == 404
    name = [{"op": "replace", "path": "/gender", "value": "other"}]
    assert (await patch(space, f"Patient/{space.patient_id()}", name)).status == 400
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]["id"]
    body = [{"op": "replace", "path": "/status", "value": "entered-in-error"}]
    assert (await patch(space, f"DocumentReference/{document}", body, HOSPITAL)).status in (
        404,
        405,
    )


def added(n: int) -> list[Json]:
    return [{"op": "add", "path": "/note/-", "value": {"text": str(n)}}]


async def test_patches_at_the_same_instant_are_all_applied(space: Space) -> None:
    address = "Observation/" + (await made(space, note=[{"text": "0"}]))["id"]
    answers = await asyncio.gather(
        *(insisted(partial(patch, space, address, added(n)))
          for n in range(1, 21))
    )  # fmt: skip
    assert {each.status for each in answers} == {200}
    notes = (await space.get(address, as_=LAB)).json["note"]
    assert sorted(int(each["text"]) for each in notes) == list(range(21))
