# SPDX-License-Identifier: EUPL-1.2
"""Resources that others published: HL7's own examples, and the French ones kept beside us."""

from pathlib import Path

import pytest

from carnet.fhir import json
from carnet.fhir.search.extract import extract
from carnet.fhir.validation.structure import check

# Where we and HL7's 5,306 examples disagree, and why we are right: file → what R4 itself says.
NO_BASE = "SearchParameter.base is 1..*; it has none"
BLANK = "txt-2: a narrative has text or an image; this one is blank"
DISAGREEMENTS = {
    "ActivityDefinition-blood-tubes-supply.json": BLANK,
    "ActivityDefinition-heart-valve-replacement.json": BLANK,
    "EventDefinition-example.json": BLANK,
    "Questionnaire-zika-virus-exposure-assessment.json": BLANK,
    "Questionnaire-qs1.json": "Questionnaire.item.linkId is 1..1; 32 items have none",
    "ImplementationGuide-fhir.json": "ImplementationGuide.name and status are 1..1",
    "ig-r4.json": "ImplementationGuide.name and status are 1..1",
    "DeviceMetric-example.json": "DeviceMetric.parent refers to a Device, not a DeviceDefinition",
    "DeviceUseStatement-example.json": "reasonReference does not take a Procedure",
    "MedicationRequest-medrx0301.json": "dispenseRequest.performer is an Organization",
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": (
        "an id has 64 characters at most; this one has 67"
    ),
    **{
        f"SearchParameter-{kind.lower()}-extensions-{kind}-{name}.json": NO_BASE
        for kind in ("CodeSystem", "ValueSet")
        for name in ("author", "effective", "end", "keyword", "workflow")
    },
    "Observation-clinical-gender.json": "Observation.performer does not take an Encounter",
}


@pytest.mark.slow
def test_hl7s_examples_have_no_fault_but_those_we_can_justify(hl7_examples: Path) -> None:
    found, read = set(), 0
    for path in sorted(hl7_examples.glob("*.json")):
        if path.name != "package.json":
            resource = json.parse(path.read_bytes())
            read += 1
            extract(resource)
            assert json.parse(json.dump(resource)) == resource
            if check(resource):
                found.add(path.name)
    assert read == 5_306
    assert found == DISAGREEMENTS.keys()


def test_the_french_guides_examples_have_no_fault(shared: Path) -> None:
    read = 0
    for path in sorted((shared / "data" / "french").glob("*/examples/**/*.json")):
        resource = json.parse(path.read_bytes())
        if "resourceType" in resource:
            read += 1
            assert check(resource) == [], path.name
            extract(resource)
    assert read > 50


@pytest.mark.parametrize("kind", ["StructureDefinition", "SearchParameter", "ValueSet"])
def test_the_french_guides_definitions_can_be_found_by_their_url(shared: Path, kind: str) -> None:
    read = 0
    for path in sorted((shared / "data" / "french").glob(f"*/conformance/{kind}-*.json")):
        resource = json.parse(path.read_bytes())
        assert ("url", resource["url"]) in extract(resource).uris
        read += 1
    assert read > 10
