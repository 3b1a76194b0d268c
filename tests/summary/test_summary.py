# SPDX-License-Identifier: EUPL-1.2
"""The one page of a real record, and its International Patient Summary: through the door, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carnet.access.door import Nothing
from carnet.fhir import json as fhir_json
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.validator import Validator
from carnet.summary import health
from tests.documents.lots import corrected, document_of, fresh, lot
from tests.space import Answer, Space
from tests.summary.facts import (
    ATC,
    ICD,
    IPS,
    SNOMED,
    allergy,
    concept,
    condition,
    prescription,
    taking,
)

pytestmark = pytest.mark.anyio

WISH = {
    "resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-05-01",
    "code": concept("http://loinc.org", "75320-2", "Directives"), "valueString": "Ne pas réanimer",
}  # fmt: skip
SECTIONS = {"11450-4", "48765-2", "10160-0"}


async def send(space: Space, resource: dict[str, Any], as_: str = "gp") -> str:
    subject = (
        "patient"
        if resource["resourceType"] in ("AllergyIntolerance", "Immunization")
        else "subject"
    )
    body = resource | {subject: {"reference": f"Patient/{space.patient_id()}"}}
    answer = await space.post(resource["resourceType"], body, as_=as_)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def summary(space: Space, as_: str = "patient") -> Answer:
    return await space.get(f"Patient/{space.patient_id()}/$summary", as_=as_)


def sections(answer: Answer) -> dict[str, Any]:
    composition = answer.json["entry"][0]["resource"]
    return {each["code"]["coding"][0]["code"]: each for each in composition["section"]}


async def test_a_record_becomes_one_page(space: Space) -> None:
    await send(space, condition(concept(ICD, "J45", "Asthme")))
    await send(space, allergy(concept(SNOMED, "764146007", "Pénicilline"), criticality="high"))
    await send(space, allergy(concept(IPS, "no-known-allergies", "Aucune allergie connue")))
    metformin = concept(ATC, "A10BA02", "Metformine")
    await send(space, prescription(metformin, "2026-11-01", "500 mg"))
    await send(space, taking(metformin, "2026-11-02", "1000 mg"), as_="hospital-doctor")
    page = await health(await space.visit("patient"), "")
    assert "Asthme" in [line.label for line in page.problems.lines]
    assert page.allergies.lines[0].severe
    assert page.allergies.nothing[0].conflicts == ("contradicted",)
    taken = {line.label: line.conflicts for line in page.treatments.lines}
    assert taken["Metformine"] == ("doses",)
    assert page.results, "the laboratory reports of the population have key results"
    assert all(value.sources[0].document for value in page.results)


@pytest.mark.parametrize("persona", ["outsider", "blocked", "minor", "operator", "lab-software"])
async def test_a_page_is_absent_to_who_may_not_open_the_record(space: Space, persona: str) -> None:
    visit = await space.visit(persona)
    for id in (space.patient_id(), "a" * 26, "nothing"):
        with pytest.raises(Nothing):
            await health(visit, id)
    unknown = await space.get(f"Patient/{'a' * 26}/$summary", as_=persona)
    hidden = await summary(space, persona)
    assert (hidden.status, hidden.json["issue"]) == (unknown.status, unknown.json["issue"])
    assert hidden.status == 404


async def test_an_empty_page_says_that_nothing_is_known_not_that_there_is_nothing(
    space: Space,
) -> None:
    page = await health(await space.visit("patient"), "")
    assert (page.allergies.empty, page.allergies.nothing) == ("unknown", ())
    answer = await summary(space)
    assert answer.status == 200, answer.body
    empty = sections(answer)["48765-2"]
    assert "entry" not in empty
    assert empty["emptyReason"]["coding"][0]["code"] == "unavailable"


async def test_the_summary_is_a_document_whose_references_stand_in_it(space: Space) -> None:
    await send(space, condition(concept(ICD, "J45", "Asthme <b>&amp;")))
    await send(space, taking(concept(ATC, "A10BA02", "Metformine"), "2026-11-02"))
    answer = await summary(space)
    bundle = answer.json
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == (
        "document",
        "Composition",
    )
    held = {each["fullUrl"] for each in bundle["entry"]}
    assert len(held) == len(bundle["entry"])
    for section in sections(answer).values():
        for entry in section.get("entry", []):
            assert entry["reference"] in held
    assert set(sections(answer)) >= SECTIONS
    assert "Asthme &lt;b&gt;" in sections(answer)["11450-4"]["text"]["div"]
    posted = await space.post(f"Patient/{space.patient_id()}/$summary", {}, as_="patient")
    assert posted.status == 200


async def test_the_summary_conforms_to_ips(space: Space, shared: Path) -> None:
    packages = Packages()
    folder = shared / "data" / "french" / "ips" / "conformance"
    packages.add([json.loads(each.read_text("utf-8")) for each in sorted(folder.glob("*.json"))])
    await send(space, condition(concept(ICD, "J45", "Asthme")))
    await send(space, allergy(concept(SNOMED, "764146007", "Pénicilline")))
    await send(space, taking(concept(ATC, "A10BA02", "Metformine"), "2026-11-02"))
    await send(space, prescription(concept(ATC, "C07AB07", "Bisoprolol"), "2026-11-02"))
    await send(space, WISH)
    answer = await summary(space)
    assert "Ne pas réanimer" in sections(answer)["42348-3"]["text"]["div"], "a wish is told"
    assert "entry" not in sections(answer)["42348-3"], "IPS has no place there for an Observation"
    found = Validator(packages).validate(
        fhir_json.parse(answer.body),
        ("http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips",),
    )
    wrong = [(i.path, i.rule, i.text) for i in found if i.severity in ("error", "fatal")]
    assert not wrong, "\n".join(map(str, wrong))
    broken = fhir_json.parse(answer.body)
    broken["entry"][0]["resource"]["section"] = broken["entry"][0]["resource"]["section"][:2]
    again = Validator(packages).validate(
        broken, ("http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips",)
    )
    assert [i for i in again if i.severity == "error"], "a summary without its treatments is none"


async def test_the_page_is_traced_with_what_it_released(space: Space) -> None:
    before = (await space.rows("SELECT count(*) FROM access.audit"))[0][0]
    await summary(space, "gp")
    after = (await space.rows("SELECT count(*) FROM access.audit"))[0][0]
    assert after > before


async def test_the_statement_says_the_operation_of_ips(space: Space) -> None:
    stated = (await space.get("metadata")).json["rest"][0]["resource"]
    patient = next(each for each in stated if each["type"] == "Patient")
    found = [each["definition"] for each in patient["operation"] if each["name"] == "summary"]
    assert found == ["http://hl7.org/fhir/uv/ips/OperationDefinition/summary"]


async def test_what_came_of_a_masked_document_is_not_on_the_page_of_others(space: Space) -> None:
    sent = await space.post("", lot(fresh().xml), as_="lab-software")
    document = document_of(sent)
    seen = await health(await space.visit("gp"), space.patient_id())
    assert document in {f"DocumentReference/{s.document}" for v in seen.results for s in v.sources}
    answer = await space.post(f"{document}/$hide", {}, as_="patient")
    assert answer.status == 204, answer.body
    own = await health(await space.visit("patient"), "")
    assert document in {f"DocumentReference/{s.document}" for v in own.results for s in v.sources}
    for persona in ("nurse", "pharmacist", "midwife"):
        hidden = await summary(space, persona)
        assert document.split("/")[1] not in hidden.body.decode(), persona


async def test_what_a_corrected_report_replaced_is_left_out(space: Space) -> None:
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    second = document_of(await space.post("", lot(corrected(old)), as_="lab-software"))
    page = await health(await space.visit("patient"), "")
    named = {f"DocumentReference/{s.document}" for v in page.results for s in v.sources}
    assert second in named
    assert first not in named
