# SPDX-License-Identifier: EUPL-1.2
"""Resources that others published: HL7's own examples, and the French ones kept beside us."""

import json as stdlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.search.extract import extract
from carnet.fhir.validation.issues import Issue, right
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.structure import check
from carnet.fhir.validation.validator import Validator

# Reason → files, or rules, on which we and others disagree.
DISAGREEMENTS: dict[str, dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "disagreements.toml").read_text("utf-8")
)


def listed(of: str) -> set[str]:
    return {one for ones in DISAGREEMENTS[of].values() for one in ones}


LARGE = 200_000  # bytes; the largest are lists of definitions


def digits(body: bytes) -> Any:
    """What a text of JSON says, its numbers as they are written."""
    return stdlib.loads(body, parse_float=str, parse_int=str)


@pytest.mark.slow
def test_hl7s_examples_have_no_fault_but_those_we_can_justify(hl7_examples: Path) -> None:
    found, read, validator = set(), 0, Validator()
    for path in sorted(hl7_examples.glob("*.json")):
        if path.name != "package.json":
            body = path.read_bytes()
            resource = json.parse(body)
            read += 1
            extract(resource)
            # Digit for digit, and in order: 1.50 is no 1.5.
            assert len(body) > LARGE or digits(json.dump(resource)) == digits(
                body.removeprefix(b"\xef\xbb\xbf")
            ), path.name
            if not right(validator.validate(resource)):
                found.add(path.name)
    assert read == 5_306
    assert found == listed("hl7")


def test_the_french_guides_examples_have_no_fault(shared: Path) -> None:
    read = 0
    for path in sorted((shared / "data" / "french").glob("*/examples/**/*.json")):
        resource = json.parse(path.read_bytes())
        if "resourceType" in resource:
            read += 1
            assert check(resource) == [], path.name
            extract(resource)
    assert read > 50


def place(issue: Issue) -> str:
    """The rule an issue is of, and whose: the same wherever it is met."""
    profile = issue.profile.rpartition("/")[2].partition("|")[0]
    return f"{profile}#{issue.rule}" if profile else issue.rule


@pytest.mark.slow
def test_the_french_examples_keep_their_profiles_but_for_what_we_can_justify(shared: Path) -> None:
    """What refuses them, and what is said beside: what nobody brought, codes of other systems."""
    packages, found, read, held = Packages(), set(), 0, 0
    beside: dict[str, set[str]] = {"missing": set(), "elsewhere": set(), "untold": set()}
    kinds = {"not-found": "missing", "extension": "missing", "code-invalid": "elsewhere"}
    folder = shared / "data" / "french"
    for conformance in sorted(folder.glob("*/conformance")):
        packages.load(conformance)
    validator = Validator(packages)
    for path in sorted(folder.glob("*/examples/**/*.json")):
        resource = json.parse(path.read_bytes())
        if "resourceType" in resource:
            read += 1
            profiles = resource.get("meta", {}).get("profile", ())
            held += any(validator.known(url) for url in profiles)
            for issue in validator.validate(resource):
                if issue.severity == "error":
                    found.add(place(issue))
                elif issue.rule != "dom-6":
                    beside[kinds.get(issue.code, "untold")].add(place(issue))
    assert read > 240
    assert held > 150
    assert found == listed("french")
    assert beside == {of: listed(of) for of in beside}


@pytest.mark.parametrize("kind", ["StructureDefinition", "SearchParameter", "ValueSet"])
def test_the_french_guides_definitions_can_be_found_by_their_url(shared: Path, kind: str) -> None:
    read = 0
    for path in sorted((shared / "data" / "french").glob(f"*/conformance/{kind}-*.json")):
        resource = json.parse(path.read_bytes())
        assert ("url", resource["url"]) in extract(resource).uris
        read += 1
    assert read > 10
