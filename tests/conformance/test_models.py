# SPDX-License-Identifier: EUPL-1.2
"""`fhir.resources` (PyPI) reads every answer without complaint: strict models made from HL7's definitions.

It has R4B, whose resources used here are those of R4.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from carnet.fhir.definitions import load
from tests.rest.samples import LAB, Json, bundle, get, observation, organization, post
from tests.space import FHIR, Answer, Space

pytestmark = pytest.mark.anyio

# Types of R4 that R4B changed: their models read another thing.
CHANGED = frozenset(
    "DeviceDefinition EffectEvidenceSynthesis Evidence EvidenceVariable MedicinalProduct"
    " RiskEvidenceSynthesis SubstanceSpecification".split()
)
PERSONAS = ("patient", "gp", LAB, "hospital-software")


@functools.cache
def model(rtype: str) -> Any:
    return get_fhir_model_class(rtype)


def read(answer: Answer) -> Any:
    """The model of an answer; it says the same when it is written again."""
    assert answer.headers["content-type"].startswith(FHIR)
    content = answer.json
    found = model(content["resourceType"]).model_validate_json(answer.body)
    assert found.get_resource_type() == content["resourceType"]
    return found


@pytest.mark.slow
async def test_a_page_of_each_type_is_read(space: Space) -> None:
    """What the cast has, as four personas see it; an empty page too is a Bundle."""
    seen: set[str] = set()
    every = sorted(space.built.door.definitions.types.keys() - CHANGED)
    for persona in PERSONAS:
        for rtype in sorted(seen) if seen else every:
            answer = await space.get(f"{rtype}?_count=3&_total=accurate", as_=persona)
            if answer.status != 200:
                read(answer)
                continue
            page = read(answer)
            assert page.type == "searchset"
            seen |= {each["resourceType"] for each in answer.entries}
    assert len(seen) > 8, seen


async def test_every_other_form_of_answer_is_read(space: Space) -> None:
    patient = f"Patient/{space.patient_id()}"
    made = await space.post("Observation", observation(patient, date="2020-01-02"), as_=LAB)
    address = f"Observation/{made.json['id']}"
    changed = await space.put(address, made.json | {"status": "amended"}, as_=LAB)
    sent = bundle(post(observation(patient)), get(address), kind="batch")
    parameters = {"resourceType": "Parameters", "parameter": [
        {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}]}  # fmt: skip
    answers = [
        made, changed,
        await space.get("metadata"),
        await space.get("metadata?mode=terminology"),
        await space.get(address, as_=LAB),
        await space.get(f"{address}/_history/1", as_=LAB),
        await space.get(f"{address}/_history", as_=LAB),
        await space.get("Observation/_history?_count=5", as_=LAB),
        await space.get("_history?_count=5", as_=LAB),
        await space.get(f"{patient}/$everything?_count=20", as_="patient"),
        await space.get(f"{patient}/Observation?_count=2", as_="patient"),
        await space.get("Observation?_count=2&_include=*&_revinclude=Provenance:target", as_="patient"),
        await space.get("Observation?_count=2&_summary=true", as_="patient"),
        await space.get("Observation?_count=2&_elements=status,code", as_="patient"),
        await space.get("Observation?_summary=count", as_="patient"),
        await space.get("AuditEvent?_count=3", as_="patient"),
        await space.get("Consent?_count=3", as_="patient"),
        await space.get(f"{address}/$meta", as_=LAB),
        await space.post(f"{address}/$meta-add", parameters, as_=LAB),
        await space.post("Observation/$validate", observation(patient, status="x"), as_=LAB),
        await space.post("Observation/$validate", observation(patient), as_=LAB),
        await space.post("", sent, as_=LAB),
        await space.post("", bundle(post(observation(patient))), as_=LAB, prefer="return=representation"),
        await space.post("Organization", organization("x"), as_=LAB, prefer="return=OperationOutcome"),
        await space.post("Observation", {"resourceType": "Observation"}, as_=LAB),
        await space.get("Observation/nowhere", as_=LAB),
        await space.get("Nothing/1", as_=LAB),
        await space.get(address),
        await space.get("ValueSet/$expand?url=urn:a", as_=LAB),
    ]  # fmt: skip
    told = {read(answer).get_resource_type() for answer in answers}
    assert told >= {
        "Bundle",
        "CapabilityStatement",
        "Observation",
        "OperationOutcome",
        "Parameters",
    }
    assert {answer.status for answer in answers} <= {200, 201, 400, 401, 404}


async def test_a_wrong_answer_would_be_seen(space: Space) -> None:
    """The control: one key that R4 does not have, one code, one date."""
    answer = await space.get("Observation?_count=1", as_="patient")
    wrong: tuple[Json, ...] = ({"colour": "x"}, {"effectiveDateTime": "x"}, {"subject": []})
    for each in wrong:
        content = answer.json
        content["entry"][0]["resource"] |= each
        with pytest.raises(ValueError, match="validation error"):
            read(Answer(200, answer.headers, json.dumps(content).encode()))


def test_types_that_are_left_out_are_types() -> None:
    """So that a name misspelt above leaves nothing unread."""
    assert load().types.keys() >= CHANGED
