# SPDX-License-Identifier: EUPL-1.2
"""Validation: structure, R4's rules, a full profile; beside the parse of the same JSON. One core."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._told import tell
from carnet.fhir import json
from carnet.fhir.fhirpath import Frame, model
from carnet.fhir.search.extract import extract
from carnet.fhir.validation import invariants, structure
from carnet.fhir.validation.validator import Validator

RECORDS = Path(__file__).resolve().parents[2] / "shared" / "data" / "synthea"
VITAL_SIGNS = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
ROUNDS = 5

Json = dict[str, Any]


def run() -> None:
    """Observations of four Synthea records; the best of some rounds."""
    if not RECORDS.is_dir():
        print(
            "  the example data is not here: it stands in a folder `shared` beside the repository"
        )
        return
    all_of_them = [
        entry["resource"]
        for path in sorted(RECORDS.glob("*.json.gz"))[:4]
        for entry in json.parse(gzip.decompress(path.read_bytes()))["entry"]
    ]
    observations = [r for r in all_of_them if r["resourceType"] == "Observation"]
    vital_signs = [r for r in observations if _is_vital_sign(r)]
    bodies = [json.dump(r) for r in observations]
    validator, known = Validator(), model()
    bare = f"JSON parse alone: {_rate(json.parse, bodies):,.0f} /s"

    def rules(resource: Json) -> object:
        return invariants.check(resource, Frame(known, known.item(resource)))

    tell("structure of Observations", f"{_rate(structure.check, observations):,.0f} /s", bare)
    tell("R4's rules of Observations", f"{_rate(rules, observations):,.0f} /s", bare)
    tell(
        "all but profiles, Observations", f"{_rate(validator.validate, observations):,.0f} /s", bare
    )
    asked = 1e6 / _rate(structure.check, observations)
    base = 1e6 / _rate(
        lambda r: validator.validate(r, claimed=False, structured=True), observations
    )
    tell(
        "a write of an Observation, CARNET_VALIDATION=base",
        f"{base:.0f} µs more than without",
        f"structure, always asked: {asked:.0f} µs; {bare}",
    )
    rate = _rate(lambda r: validator.validate(r, (VITAL_SIGNS,)), vital_signs)
    tell("full profile validation, vital signs", f"{rate:,.0f} /s", f"limit 2,000 /s; {bare}")
    tell("search extraction by FHIRPath", f"{_rate(extract, all_of_them):,.0f} resources/s", bare)


def _is_vital_sign(resource: Json) -> bool:
    return any(
        coding.get("code") == "vital-signs"
        for category in resource.get("category", ())
        for coding in category.get("coding", ())
    )


def _rate(work: Callable[[Any], object], on: list[Any]) -> float:
    """Of one core, a second."""
    for one in on:
        work(one)
    best = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        for one in on:
            work(one)
        best = max(best, len(on) / (time.process_time() - start))
    return best
