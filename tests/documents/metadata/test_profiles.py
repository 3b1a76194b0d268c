# SPDX-License-Identifier: EUPL-1.2
"""What the national agency's documents become, against R4 whole and the International Patient Summary."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from carnet.documents import cda
from carnet.documents.metadata import resources
from carnet.fhir import json
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.validator import Validator

Json = dict[str, Any]

# Types the summary takes as they are made; what it asks beside of others is made when it is.
SUMMARY = frozenset(
    {
        "Device",
        "DeviceUseStatement",
        "ImagingStudy",
        "Immunization",
        "MedicationRequest",
        "MedicationStatement",
    }
)
IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
FOR_OTHERS = frozenset({"Device-observer-uv-ips"})  # of those who measure, not of the patient's


def made(path: Path) -> list[Json]:
    numbers = itertools.count(1)
    found = resources(
        cda.read(path.read_bytes()),
        patient="Patient/x",
        received=datetime(2025, 1, 1, tzinfo=UTC),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )
    return [each.resource for each in found if each.data is None]


@pytest.fixture(scope="module")
def validator(shared: Path) -> Validator:
    packages = Packages()
    folder = shared / "data/french/ips/conformance"
    packages.add([json.parse(path.read_bytes()) for path in sorted(folder.glob("*.json"))])
    return Validator(packages)


@pytest.fixture(scope="module")
def profiles(shared: Path) -> dict[str, list[str]]:
    """Those of the summary, by type."""
    found: dict[str, list[str]] = {}
    folder = shared / "data/french/ips/conformance"
    for path in sorted(folder.glob("StructureDefinition-*.json")):
        one = json.parse(path.read_bytes())
        if one["type"] in SUMMARY and one["url"].rpartition("/")[2] not in FOR_OTHERS:
            found.setdefault(one["type"], []).append(one["url"])
    return found


@pytest.mark.slow
def test_all_that_the_documents_become_is_right_and_fit_for_the_summary(
    shared: Path, validator: Validator, profiles: dict[str, list[str]]
) -> None:
    assert set(profiles) == SUMMARY
    seen: set[str] = set()
    wrong: set[tuple[str, str, str, str]] = set()
    for path in sorted((shared / "data/french/cda-examples").glob("*.xml")):
        for resource in made(path):
            kind = resource["resourceType"]
            seen.add(kind)
            for issue in validator.validate(resource, tuple(profiles.get(kind, ()))):
                if issue.severity in ("error", "fatal"):
                    wrong.add((path.name, kind, issue.rule, issue.path))
    assert wrong == set()
    assert seen >= SUMMARY | {"CarePlan", "Coverage", "Goal", "MedicationDispense", "DeviceRequest"}
