# SPDX-License-Identifier: EUPL-1.2
"""$validate, and what validation does to writes by CARNET_VALIDATION."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carnet.config import Validation
from carnet.rest.checks import Checks
from tests.fhir.terminology.conftest import put
from tests.fhir.terminology.herbs import HERBS, SET, SYSTEM, value_set
from tests.rest.samples import LAB, Json, bundle, observation, post
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

BMI = "http://hl7.org/fhir/StructureDefinition/bmi"
OUTCOME = {"Prefer": "return=OperationOutcome"}


def broken(space: Space, **more: Any) -> Json:
    """Of the right structure, and against obs-6: a reason why there is no value, beside a value."""
    absent = {"text": "no"}
    return observation(
        f"Patient/{space.patient_id()}", valueString="x", dataAbsentReason=absent, **more
    )


def parameters(resource: Json | None = None, **more: str) -> Json:
    given: list[Json] = [] if resource is None else [{"name": "resource", "resource": resource}]
    for name, value in more.items():
        given.append({"name": name, "valueCode" if name == "mode" else "valueUri": value})
    return {"resourceType": "Parameters", "parameter": given}


def issues(answer: Answer, severity: str = "error") -> list[Json]:
    assert answer.json["resourceType"] == "OperationOutcome"
    return [each for each in answer.json["issue"] if each["severity"] == severity]


def rules(answer: Answer, severity: str = "error") -> str:
    found = [
        one["valueString"] for each in issues(answer, severity) for one in each.get("extension", ())
    ]
    return " ".join(found)


def held_to(space: Space, level: Validation, packages: str = "") -> None:
    settings = replace(space.built.settings, validation=level, packages=packages)
    object.__setattr__(space.built.desk, "checks", Checks(settings, space.built.pool))


async def test_a_type_is_asked_whether_a_resource_is_right(space: Space) -> None:
    before = await space.rows("SELECT count(*) FROM record.resource")
    fine = observation(f"Patient/{space.patient_id()}")
    for body in (
        fine,
        parameters(fine),
        parameters(fine, mode="create"),
        parameters(fine, mode="profile"),
    ):
        answer = await space.post("Observation/$validate", body, as_=LAB)
        assert (answer.status, issues(answer)) == (200, []), answer.body
    answer = await space.post("Observation/$validate", broken(space), as_=LAB)
    assert (answer.status, "obs-6" in rules(answer)) == (200, True)
    answer = await space.post(
        "Observation/$validate", fine | {"status": "x", "unknown": 1}, as_=LAB
    )
    assert len(issues(answer)) == 2
    answer = await space.post("Observation/$validate", {"resourceType": "Patient"}, as_=LAB)
    assert "type of its address" in issues(answer)[0]["diagnostics"]
    assert await space.rows("SELECT count(*) FROM record.resource") == before


async def test_profiles_are_asked_by_address_and_one_that_is_unknown_is_said(space: Space) -> None:
    fine = observation(f"Patient/{space.patient_id()}")
    answer = await space.post("Observation/$validate", parameters(fine, profile=BMI), as_=LAB)
    found = issues(answer)
    assert found
    assert BMI in rules(answer)
    by_address = await space.post(f"Observation/$validate?profile={BMI}", fine, as_=LAB)
    assert issues(by_address) == found
    answer = await space.post("Observation/$validate?profile=urn:nobody", fine, as_=LAB)
    assert [each["code"] for each in issues(answer)] == ["not-found"]


async def test_a_resource_that_is_there_is_validated_and_one_that_is_hidden_is_not_found(
    space: Space,
) -> None:
    stored = (await space.post("Observation", broken(space), as_=LAB)).json
    address = f"Observation/{stored['id']}/$validate"
    for answer in (
        await space.get(address, as_=LAB),
        await space.post(address, parameters(), as_=LAB),
    ):
        assert "obs-6" in rules(answer)
    fixed = {key: value for key, value in stored.items() if key != "dataAbsentReason"}
    answer = await space.post(address, parameters(fixed, mode="update"), as_=LAB)
    assert issues(answer) == []
    answer = await space.post(address, parameters(fixed | {"id": "x"}, mode="update"), as_=LAB)
    assert "id of the resource" in issues(answer)[0]["diagnostics"]
    assert issues(await space.get(f"{address}?mode=delete", as_=LAB)) == []
    told = await space.get(f"{address}?mode=delete", as_="patient")
    assert [each["code"] for each in issues(told)] == ["forbidden"]
    for persona in ("outsider", "hospital-software"):
        hidden = await space.get(address, as_=persona)
        absent = await space.get(f"Observation/{'a' * 26}/$validate", as_=persona)
        assert (hidden.status, hidden.body) == (absent.status, absent.body) == (404, absent.body)
    lines = await space.rows("SELECT count(*) FROM access.audit WHERE act = 'read' AND granted")
    assert lines[0][0] >= 6  # to validate what is stored is to read it


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Observation/$validate", {"resourceType": "Parameters"}),
        ("Observation/$validate", {"resourceType": "Parameters", "parameter": 3}),
        ("Observation/$validate", parameters({"resourceType": "Observation"}, mode="delete")),
        ("Observation/$validate", parameters({"resourceType": "Observation"}, mode="x")),
        ("Observation/$validate", parameters({"resourceType": "Observation"}, other="x")),
        (
            "Observation/$validate?mode=create",
            parameters({"resourceType": "Observation"}, mode="create"),
        ),
        ("Observation/$validate", {"resourceType": "Parameters", "parameter": [{"name": ["x"]}]}),
    ],
)
async def test_what_is_asked_wrongly_is_refused(space: Space, path: str, body: Json) -> None:
    answer = await space.post(path, body, as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid"), answer.body


async def test_by_default_nothing_beyond_structure_refuses_and_who_asks_is_told(
    space: Space,
) -> None:
    sent = broken(space, meta={"profile": [BMI]})
    assert (await space.post("Observation", sent, as_=LAB)).status == 201
    told = await space.post("Observation", sent, as_=LAB, **OUTCOME)
    assert (told.status, "obs-6" in rules(told), BMI in rules(told)) == (201, True, True)
    answer = await space.post("", bundle(post(sent), post(sent)), as_=LAB, **OUTCOME)
    assert answer.status == 200
    for each in answer.json["entry"]:
        assert "obs-6" in json.dumps(each["response"]["outcome"])
    body = [{"op": "replace", "path": "/valueString", "value": "y"}]
    told = await space.call(
        "PATCH", told.headers["location"].split("/fhir/")[1].split("/_history")[0], as_=LAB,
        body=json.dumps(body).encode(), headers=OUTCOME | {"Content-Type": "application/json-patch+json"},
    )  # fmt: skip
    assert (told.status, "obs-6" in rules(told)) == (200, True)


async def test_what_breaks_the_base_is_refused_when_the_operator_says_so(space: Space) -> None:
    held_to(space, Validation.BASE)
    fine = observation(f"Patient/{space.patient_id()}", meta={"profile": [BMI]})
    stored = await space.post("Observation", fine, as_=LAB)
    assert stored.status == 201  # the profile is not asked
    before = await space.rows("SELECT count(*), sum(ver) FROM record.resource")
    answer = await space.post("Observation", broken(space), as_=LAB)
    assert (answer.status, "obs-6" in rules(answer)) == (422, True)
    answer = await space.post("", bundle(post(fine), post(broken(space))), as_=LAB)
    assert answer.status == 422
    assert issues(answer)[0]["expression"][0].startswith("Bundle.entry[1].resource")
    answer = await space.post("", bundle(post(fine), post(broken(space)), kind="batch"), as_=LAB)
    assert [each["response"]["status"][:3] for each in answer.json["entry"]] == ["201", "422"]
    patch = [{"op": "add", "path": "/valueString", "value": "x"},
             {"op": "add", "path": "/dataAbsentReason", "value": {"text": "no"}}]  # fmt: skip
    answer = await space.call(
        "PATCH", f"Observation/{stored.json['id']}", as_=LAB, body=json.dumps(patch).encode(),
        headers={"Content-Type": "application/json-patch+json"},
    )  # fmt: skip
    assert answer.status == 422
    after = await space.rows("SELECT count(*), sum(ver) FROM record.resource")
    assert after[0][0] == before[0][0] + 1  # the one of the batch


async def test_profiles_of_a_package_are_held_to_when_the_operator_says_so(
    space: Space, tmp_path: Path
) -> None:
    profile = {
        "resourceType": "StructureDefinition", "url": "urn:test:noted", "name": "Noted",
        "status": "active", "kind": "resource", "abstract": False, "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": [
            {"id": "Observation", "path": "Observation"},
            {"id": "Observation.note", "path": "Observation.note", "min": 1}]},
    }  # fmt: skip
    (tmp_path / "noted.json").write_text(json.dumps(profile))
    held_to(space, Validation.PROFILES, str(tmp_path))
    patient = f"Patient/{space.patient_id()}"
    claiming = observation(patient, meta={"profile": ["urn:test:noted"]})
    answer = await space.post("Observation", claiming, as_=LAB)
    assert (answer.status, "urn:test:noted" in rules(answer)) == (422, True)
    assert (
        await space.post("Observation", claiming | {"note": [{"text": "x"}]}, as_=LAB)
    ).status == 201
    unknown = observation(patient, meta={"profile": ["urn:test:nobody-brought-it"]})
    told = await space.post("Observation", unknown, as_=LAB, **OUTCOME)
    assert told.status == 201
    assert any("not known here" in each["diagnostics"] for each in issues(told, "warning"))


SPICES = SET + "epices"


def bound_profile(folder: Path) -> str:
    """A package whose profile binds the code of an Observation to a value set it does not bring."""
    profile = {
        "resourceType": "StructureDefinition", "url": "urn:test:spiced", "name": "Spiced",
        "status": "active", "kind": "resource", "abstract": False, "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": [
            {"id": "Observation.method", "path": "Observation.method",
             "binding": {"strength": "required", "valueSet": SPICES}}]},
    }  # fmt: skip
    (folder / "spiced.json").write_text(json.dumps(profile))
    return str(folder)


def spiced(space: Space, code: str) -> Json:
    return observation(
        f"Patient/{space.patient_id()}",
        meta={"profile": ["urn:test:spiced"]},
        method={"coding": [{"system": HERBS, "code": code}]},
    )


async def test_a_missing_value_set_is_told_one_way_by_every_entry(
    space: Space, tmp_path: Path
) -> None:
    held_to(space, Validation.PROFILES, bound_profile(tmp_path))
    sentence = f"The value set {SPICES} is not known here."
    sent = spiced(space, "thym")
    for answer in (
        await space.post("Observation/$validate", sent, as_=LAB),
        await space.post("Observation", sent, as_=LAB, **OUTCOME),
        await space.post(
            "Observation/$validate", parameters(sent, profile="urn:test:spiced"), as_=LAB
        ),
    ):
        assert answer.status in (200, 201)
        told = [each for each in answer.json["issue"] if sentence in each["diagnostics"]]
        assert [(each["severity"], each["code"]) for each in told] == [("warning", "not-found")]
        assert told[0]["expression"] == ["Observation.method"]
    for path in (
        f"ValueSet/$validate-code?url={SPICES}&system={HERBS}&code=thym",
        f"ValueSet/$expand?url={SPICES}",
        f"Observation?method:in={SPICES}",
    ):
        answer = await space.get(path, as_=LAB)
        told = [each for each in answer.json["issue"] if sentence in each["diagnostics"]]
        assert [(each["severity"], each["code"]) for each in told] == [("error", "not-found")], path


async def test_a_nomenclature_decides_from_the_moment_it_is_loaded(
    space: Space, tmp_path: Path
) -> None:
    held_to(space, Validation.PROFILES, bound_profile(tmp_path))
    thyme, nettle = spiced(space, "thym"), spiced(space, "ortie")
    stored = await space.post("Observation", nettle, as_=LAB)
    assert stored.status == 201  # nobody brought the value set: nothing is refused for it
    clause = {"system": HERBS, "concept": [{"code": "thym"}]}
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        put(conn, SYSTEM, value_set("epices", clause))
    patch = [{"op": "replace", "path": "/method", "value": nettle["method"]}]
    as_patch = {"Content-Type": "application/json-patch+json"}

    async def patched(id: str) -> Answer:
        return await space.call(
            "PATCH", f"Observation/{id}", as_=LAB, body=json.dumps(patch).encode(), headers=as_patch
        )

    right = await space.post("Observation", thyme, as_=LAB)
    assert right.status == 201, right.body
    refused = await patched(right.json["id"])  # never asked of this code before
    assert (refused.status, "Observation.method" in rules(refused)) == (422, True)
    refused = await space.post("Observation", nettle, as_=LAB)
    assert (refused.status, issues(refused)[0]["expression"]) == (422, ["Observation.method"])
    refused = await space.post("", bundle(post(thyme), post(nettle)), as_=LAB)
    assert issues(refused)[0]["expression"] == ["Bundle.entry[1].resource.method"]
    told = await space.post("Observation/$validate", nettle, as_=LAB)
    assert [each["code"] for each in issues(told)] == ["code-invalid"]
    clause["concept"].append({"code": "ortie"})  # type: ignore[attr-defined]
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        put(conn, value_set("epices", clause), replace=True)
    assert (await space.post("Observation", nettle, as_=LAB)).status == 201
    assert (await patched(right.json["id"])).status == 200


async def test_a_patch_is_validated_without_a_second_connection(space: Space) -> None:
    """More patches and creates than the pool has connections: none waits for what the others hold."""
    held_to(space, Validation.BASE)
    sent = observation(f"Patient/{space.patient_id()}", note=[{"text": "0"}])
    made = [(await space.post("Observation", sent, as_=LAB)).json["id"] for _ in range(12)]
    assert space.built.settings.pool_size < len(made)
    body = json.dumps([{"op": "add", "path": "/note/-", "value": {"text": "x"}}]).encode()
    headers = {"Content-Type": "application/json-patch+json"}
    answers = await asyncio.gather(
        *(
            space.call("PATCH", f"Observation/{id}", as_=LAB, body=body, headers=headers)
            for id in made
        )
    )
    assert {each.status for each in answers} == {200}
    answers = await asyncio.gather(
        *(
            space.call("PATCH", f"Observation/{id}", as_=LAB, body=body, headers=headers)
            for id in made
        ),
        *(space.post("Observation", sent, as_=LAB, **OUTCOME) for _ in made),
    )
    assert {each.status for each in answers} == {200, 201}
