# SPDX-License-Identifier: EUPL-1.2
"""Resources of others that the tests of the standard may take."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from carnet.fhir import json


@pytest.fixture(scope="session")
def population(shared: Path) -> list[dict[str, Any]]:
    """Every resource of three Synthea records."""
    bundles = sorted((shared / "data" / "synthea").glob("*.json.gz"))[:3]
    return [
        entry["resource"]
        for bundle in bundles
        for entry in json.parse(gzip.decompress(bundle.read_bytes()))["entry"]
    ]


@pytest.fixture(scope="session")
def hl7_examples(peers: Path) -> Path:
    """The folder of HL7's 5,306 examples (npm hl7.fhir.r4.examples 4.0.1)."""
    return peers / "hl7.fhir.r4.examples"
