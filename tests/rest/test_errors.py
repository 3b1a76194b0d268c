# SPDX-License-Identifier: EUPL-1.2
"""Each status a caller may be refused with, its OperationOutcome code, and what makes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, bundle, chosen, get, observation, put
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


async def asked(space: Space, status: int) -> list[Answer]:
    """Answers of this status, each by another way."""
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    new = chosen()
    here, stale = f"Observation/{made['id']}", {"If-Match": 'W/"7"'}
    gone = (await space.post("Observation", observation(patient), as_=LAB)).json["id"]
    await space.call("DELETE", f"Observation/{gone}", as_=LAB)
    document = (await space.get("DocumentReference?_count=1", as_="gp")).entries[0]["id"]
    json_patch = {"Content-Type": "application/json-patch+json"}
    test = b'[{"op":"test","path":"/status","value":"amended"}]'
    of_status = b'[{"op":"replace","path":"/description","value":"x"}]'

    def call(method: str, path: str, body: Any = None, as_: str | None = LAB, **more: Any) -> Any:
        return space.call(method, path, as_=as_, body=body, headers=more.get("headers"))

    ways: dict[int, list[Any]] = {
        400: [
            call("POST", "Observation", b"{"),
            call("POST", "Observation", observation(patient) | {"status": 3}),
            call("GET", "Observation?no-such=1"),
            call("PUT", here, made, headers={"If-Match": "1"}),
        ],
        401: [call("GET", here, as_=None), call("POST", "", bundle(get(here)), as_=None)],
        403: [
            call("PUT", here, made | {"status": "amended"}, as_="gp"),
            call("POST", "Organization", {"resourceType": "Organization", "name": "x"}, as_="patient"),
        ],
        404: [
            call("GET", f"Observation/{'a' * 26}"),
            call("GET", here, as_="outsider"),
            call("PUT", here, made, as_=HOSPITAL),
            call("GET", "NoSuchType/1"),
        ],
        405: [
            call("OPTIONS", here),
            call("PUT", "", bundle()),
            call("PATCH", f"DocumentReference/{document}", of_status, headers=json_patch),
        ],
        406: [call("GET", f"{here}?_format=xml"), call("GET", here, headers={"Accept": "text/turtle"})],
        409: [call("PATCH", here, test, headers=json_patch)],
        410: [call("GET", f"Observation/{gone}"), call("GET", f"Observation/{gone}/_history/2")],
        412: [
            call("PUT", here, made | {"status": "amended"}, headers=stale),
            call("PATCH", here, b"[]", headers=stale | json_patch),
            call("DELETE", here, headers=stale),
            call("PUT", f"Observation/{new}", observation(patient, id=new), headers=stale),
            call("POST", "", bundle(put(made | {"status": "amended"}, ifMatch='W/"7"'))),
            call("DELETE", "Observation?status=final"),
        ],
        415: [
            call("POST", "Observation", b"<x/>", headers={"Content-Type": "application/fhir+xml"}),
            call("PATCH", here, b"[]", headers={"Content-Type": "text/plain"}),
        ],
        422: [
            call("POST", "Observation", observation(f"Patient/{'a' * 26}")),
            call("PATCH", here, b'[{"op":"remove","path":"/nothing"}]', headers=json_patch),
        ],
    }  # fmt: skip
    answers = [await each for each in ways.pop(status)]
    for others in ways.values():
        for each in others:
            each.close()
    return answers


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (400, ["invalid", "value", "not-supported", "invalid"]),
        (401, ["login", "login"]),
        (403, ["forbidden", "forbidden"]),
        (404, ["not-found"] * 4),
        (405, ["not-supported"] * 3),
        (406, ["not-supported"] * 2),
        (409, ["conflict"]),
        (410, ["deleted", "deleted"]),
        (412, ["conflict"] * 5 + ["multiple-matches"]),
        (415, ["not-supported"] * 2),
        (422, ["business-rule", "processing"]),
    ],
)
async def test_each_refusal_has_its_status_its_code_and_a_sentence(
    space: Space, status: int, codes: list[str]
) -> None:
    answers = await asked(space, status)
    assert [each.status for each in answers] == [status] * len(codes), [
        each.body for each in answers
    ]
    assert [each.json["issue"][0]["code"] for each in answers] == codes
    for each in answers:
        assert each.json["resourceType"] == "OperationOutcome"
        assert each.said.endswith((".", "…")) and len(each.said) > 20
        assert each.headers["content-type"].startswith("application/fhir+json")
        assert status != 405 or each.headers["allow"]
        assert status != 401 or each.headers["www-authenticate"].startswith("Bearer")


async def test_a_version_is_asked_for_where_the_operator_says_so(space: Space) -> None:
    """428 for what is there; what is not, a condition and a create name no version."""
    door = space.built.door
    object.__setattr__(door, "settings", replace(door.settings, require_version=True))
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    address, patch = (
        f"Observation/{made['id']}",
        b'[{"op":"add","path":"/valueString","value":"x"}]',
    )
    changed: Json = made | {"status": "amended"}
    headers = {"Content-Type": "application/json-patch+json"}
    for answer in (
        await space.put(address, changed, as_=LAB),
        await space.call("PATCH", address, as_=LAB, body=patch, headers=headers),
        await space.post("", bundle(put(changed)), as_=LAB),
    ):
        assert (answer.status, answer.json["issue"][0]["code"]) == (428, "conflict"), answer.body
    desk = space.built.desk
    object.__setattr__(desk, "settings", door.settings)
    (of_type,) = {
        each["versioning"]
        for each in (await space.get("metadata")).json["rest"][0]["resource"]
        if each["type"] == "Observation"
    }
    assert of_type == "versioned-update"
    hidden = await space.put(address, changed, as_=HOSPITAL)
    assert hidden.status == 404
    named = {"If-Match": 'W/"1"'}
    assert (await space.put(address, changed, as_=LAB, **named)).headers["etag"] == 'W/"2"'
    named = headers | {"If-Match": 'W/"2"'}
    answer = await space.call("PATCH", address, as_=LAB, body=patch, headers=named)
    assert answer.headers["etag"] == 'W/"3"'
    id = chosen()
    put_new = await space.put(f"Observation/{id}", observation(patient, id=id), as_=LAB)
    assert put_new.status == 201
    by = await space.put(
        f"Observation?_id={id}", observation(patient, id=id, status="amended"), as_=LAB
    )
    assert (by.status, by.headers["etag"]) == (200, 'W/"2"')
