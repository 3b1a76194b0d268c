# SPDX-License-Identifier: EUPL-1.2
"""Snapshots made here beside those HL7 published of its own profiles, and what cannot be made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.definitions import profiles
from carnet.fhir.validation.packages import Packages
from carnet.fhir.validation.snapshots import Part, Snapshots, code_of, flat, value_of

Json = dict[str, Any]

# Where HL7's snapshot and ours differ, and why: element of a profile → reason.
SHORT = (
    "valueQuantity is the slice of value[x] of that type; HL7 has put its parts on value[x] here"
)
SLICE = "a slice has the binding its element has in the profile; HL7 has taken that of the type"
OTHERWISE = {
    **{
        f"bp Observation.component:{part}.value[x].{what}": SHORT
        for part in ("SystolicBP", "DiastolicBP")
        for what in (
            "value cardinality 0..1", "unit cardinality 0..1", "system cardinality 0..1",
            "system fixed", "code cardinality 0..1", "code fixed",
        )
    },
    "provenance-relevant-history Provenance.agent:Author.type binding": SLICE,
}  # fmt: skip


def part_at(snapshots: Snapshots, root: Part, id: str) -> Part | None:
    """The part an id names; None when the snapshot has none such."""
    part: Part | None = root
    for segment in id.split(".")[1:]:
        name, _, slice = segment.partition(":")
        assert part is not None
        part = next((p for p in snapshots.open(part) if p.name == name), None)
        for at in range(len(slice.split("/")) if slice else 0):
            wanted = "/".join(slice.split("/")[: at + 1])
            part = next((s for s in part.slices if s.slice == wanted), None) if part else None
        if part is None:
            return None
    return part


def differences(snapshots: Snapshots, structure: Json) -> Iterator[str]:
    root = snapshots.of(structure["url"])
    assert root is not None
    for element in structure["snapshot"]["element"][1:]:
        part = part_at(snapshots, root, element["id"])
        where = f"{structure['id']} {element['id']}"
        if part is None:
            yield f"{where} absent"
            continue
        ours, theirs = part.data, element
        if (ours["min"], ours["max"]) != (theirs["min"], theirs["max"]):
            yield f"{where} cardinality {ours['min']}..{ours['max']}"
        for prefix in ("fixed", "pattern"):
            if value_of(ours, prefix) != value_of(theirs, prefix):
                yield f"{where} {prefix}"
        codes = {code_of(t) for t in theirs.get("type", ())}
        told = part.types() and not any("fhirpath" in t["code"] for t in theirs.get("type", ()))
        if told and codes != {code_of(t) for t in part.types()}:
            yield f"{where} types {sorted(codes)}"
        bound = theirs.get("binding", {})
        if "valueSet" in bound and bound["strength"] in {"required", "extensible"}:
            mine = ours.get("binding", {})
            same = mine.get("strength") == bound["strength"] and (
                mine["valueSet"].partition("|")[0] == bound["valueSet"].partition("|")[0]
            )
            if not same:
                yield f"{where} binding"


@pytest.mark.slow
def test_our_snapshots_are_those_that_hl7_published(hl7_examples: Path) -> None:
    snapshots, read, found = Snapshots(Packages()), 0, []
    for path in sorted(hl7_examples.glob("StructureDefinition-*.json")):
        structure = json.parse(path.read_bytes())
        if structure["url"] in {s["url"] for s in profiles().structures}:
            found += list(differences(snapshots, structure))
            read += 1
    assert read > 400
    assert found == list(OTHERWISE)


def test_every_profile_of_r4_has_a_snapshot() -> None:
    snapshots = Snapshots(Packages())
    for structure in profiles().structures:
        assert snapshots.of(structure["url"]) is not None
        assert snapshots.problems[structure["url"]] == [], structure["url"]


def profile(url: str, base: str, *elements: Json, kind: str = "Patient") -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": kind,
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": base,
        "differential": {"element": list(elements)},
    }


PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"


def test_a_profile_keeps_what_its_base_says_and_adds_its_own() -> None:
    packages = Packages()
    packages.add([
        profile("urn:a", PATIENT, {"id": "Patient.name", "path": "Patient.name", "min": 1}),
        profile("urn:b", "urn:a", {"id": "Patient.name.family", "path": "Patient.name.family",
                                   "min": 1}),
    ])  # fmt: skip
    root = Snapshots(packages).of("urn:b")
    assert root is not None
    told = {e["id"]: e for e in flat(root)}
    assert told["Patient.name"]["min"] == 1
    assert told["Patient.name.family"]["min"] == 1
    assert told["Patient.gender"]["min"] == 0


def test_slices_and_reslices_are_copies_of_what_they_cut() -> None:
    slicing = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    packages = Packages()
    packages.add([profile("urn:a", PATIENT,
        {"id": "Patient.identifier", "path": "Patient.identifier", "slicing": slicing},
        {"id": "Patient.identifier:ins", "path": "Patient.identifier", "sliceName": "ins", "min": 1},
        {"id": "Patient.identifier:ins/nir", "path": "Patient.identifier",
         "sliceName": "ins/nir", "max": "1"},
    )])  # fmt: skip
    root = Snapshots(packages).of("urn:a")
    assert root is not None
    slices = {e["sliceName"]: e for e in flat(root) if "sliceName" in e}
    assert slices["ins"]["min"] == 1
    assert slices["ins/nir"]["max"] == "1"
    assert slices["ins/nir"]["type"] == slices["ins"]["type"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (profile("urn:a", "urn:nowhere"), "its base is not known here: urn:nowhere"),
        (profile("urn:a", PATIENT, {"id": "Patient.nam", "path": "Patient.nam"}),
         "it has no such element: Patient.nam"),
        (profile("urn:a", "urn:a"), "its base is not known here: urn:a"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_said(made: Json, said: str) -> None:
    packages = Packages()
    packages.add([made])
    snapshots = Snapshots(packages)
    snapshots.of("urn:a")
    assert snapshots.problems["urn:a"] == [said]
