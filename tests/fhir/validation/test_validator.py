# SPDX-License-Identifier: EUPL-1.2
"""Validation whole: R4's own rules, extensions, Bundles, packages, and what stops it."""

import tarfile
from pathlib import Path
from random import Random
from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.definitions import load
from carnet.fhir.validation import invariants
from carnet.fhir.validation.issues import Issue, right
from carnet.fhir.validation.packages import NoPackage, Packages
from carnet.fhir.validation.validator import Validator
from tests.fhir import generate, samples

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
VALIDATOR = Validator()


def found(resource: Json) -> list[Issue]:
    return VALIDATOR.validate(resource)


def rules(resource: Json, severity: str = "error") -> list[tuple[str, str]]:
    return [(i.path, i.rule) for i in found(resource) if i.severity == severity]


def observation(**more: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **more}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (observation(valueString="a", dataAbsentReason={"text": "b"}), [("Observation", "obs-6")]),
        (observation(valueString="a", component=[{"code": {"text": "x"}}]), []),
        (observation(subject={"reference": "#nobody"}), [("Observation.subject", "ref-1")]),
        (observation(subject={"display": "somebody"}), []),
        (observation(effectivePeriod={"start": "2020-02-01", "end": "2020-01-01"}),
         [("Observation.effective.ofType(Period)", "per-1")]),
        (observation(valueQuantity={"code": "g"}),
         [("Observation.value.ofType(Quantity)", "qty-3")]),
        (observation(component=[{"code": {"text": "a"}, "referenceRange": [{"type": {"text": "x"}}]}]),
         [("Observation.component[0].referenceRange[0]", "obs-3")]),
        ({"resourceType": "Patient", "contact": [{"gender": "male"}]},
         [("Patient.contact[0]", "pat-1")]),
        ({"resourceType": "Patient", "contained": [{"resourceType": "Basic", "id": "a",
          "code": {"text": "x"}}]}, [("Patient", "dom-3")]),
        ({"resourceType": "Bundle", "type": "collection", "total": 3}, [("Bundle", "bdl-1")]),
        ({"resourceType": "Timing"}, [("Resource", "Resource")]),
    ],
)  # fmt: skip
def test_rules_of_r4_are_held_where_they_stand(
    resource: Json, expected: list[tuple[str, str]]
) -> None:
    assert rules(resource) == expected


def test_a_rule_is_told_in_its_own_words() -> None:
    issue = next(i for i in found(observation(valueString="a", dataAbsentReason={"text": "b"}))
                 if i.rule == "obs-6")  # fmt: skip
    assert issue.text.startswith("obs-6: dataAbsentReason SHALL only be present")


def test_what_is_contained_knows_what_contains_it() -> None:
    """ref-1 in a contained resource asks %rootResource."""
    inner = {
        "resourceType": "Basic",
        "id": "a",
        "code": {"text": "x"},
        "author": {"reference": "#b"},
    }
    other = {"resourceType": "Practitioner", "id": "b"}
    extension = {"url": "urn:x", "valueReference": {"reference": "#a"}}
    whole = {"resourceType": "Patient", "extension": [extension], "contained": [inner, other]}
    assert rules(whole) == []
    assert rules(whole | {"contained": [inner]}) == [("Patient.contained[0].author", "ref-1")]


def test_every_correction_is_of_a_rule_that_r4_has() -> None:
    known = {
        i.key
        for shape in load().shapes.values()
        for i in (*shape.invariants, *(i for e in shape.elements for i in e.invariants))
    }
    assert invariants.corrections()["invariants"].keys() <= known


def test_any_right_structure_gets_an_answer() -> None:
    for resource in samples.ALL:
        assert found(resource) is not None
    for kind in load().types:
        found(generate.resource(Random(f"validator {kind}"), kind))  # whatever is found


@pytest.mark.slow
def test_nothing_hostile_stops_it_otherwise_than_by_an_answer() -> None:
    chance = Random("hostile")
    junk: list[Any] = [
        None,
        0,
        "",
        [],
        {},
        [None],
        {"a": 1},
        True,
        "x" * 50,
        -1,
        [[]],
        {"value": {}},
    ]
    for kind in sorted(load().types)[::4]:
        resource = generate.resource(chance, kind)
        for key in list(resource):
            if key != "resourceType":
                for value in junk:
                    assert found(resource | {key: value}) is not None


# ---------------------------------------------------------------- extensions


def extended(url: str, key: str = "extension", **value: Any) -> list[Issue]:
    resource = {"resourceType": "Patient", key: [{"url": url, **value}]}
    return [
        i for i in found(resource) if i.code == "extension" or i.profile or "extension" in i.path
    ]


def test_an_extension_is_known_or_it_is_said() -> None:
    assert extended(BASE + "patient-birthPlace", valueAddress={"city": "x"}) == []
    assert [i.severity for i in extended("urn:own", valueString="x")] == ["information"]
    assert [i.severity for i in extended(BASE + "nothing", valueString="x")] == ["warning"]
    told = extended("urn:own", "modifierExtension", valueString="x")
    assert [i.severity for i in told] == ["error"]
    told = extended("own", valueString="x")
    assert [(i.path, i.severity) for i in told] == [("Patient.extension[0].url", "error")]


def test_an_extension_is_held_to_its_definition() -> None:
    told = extended(BASE + "patient-birthPlace", valueString="x")
    assert [(i.path, i.rule) for i in told] == [
        ("Patient.extension[0].value.ofType(string)", "Extension.value[x]")
    ]
    told = extended(BASE + "patient-nationality", extension=[{"url": "code", "valueString": "x"}])
    assert [i.severity for i in told] == ["error"]


def test_an_extension_stands_where_its_definition_says() -> None:
    told = extended(BASE + "birthPlace-of-nobody", valueString="x")
    assert told[0].severity == "warning"
    wrong = observation(
        extension=[{"url": BASE + "patient-birthPlace", "valueAddress": {"city": "x"}}]
    )
    assert [i.code for i in found(wrong) if i.severity == "error"] == ["extension"]
    on_date = {"resourceType": "Patient", "birthDate": "1980", "_birthDate": {"extension": [
        {"url": BASE + "patient-birthTime", "valueDateTime": "1980-01-01"}]}}  # fmt: skip
    assert right(found(on_date))


def test_what_changes_the_meaning_stands_in_modifier_extension() -> None:
    packages = Packages()
    packages.add([{
        "resourceType": "StructureDefinition", "url": "urn:not", "type": "Extension",
        "kind": "complex-type", "derivation": "constraint", "baseDefinition": BASE + "Extension",
        "context": [{"type": "element", "expression": "Patient"}],
        "differential": {"element": [
            {"id": "Extension", "path": "Extension", "isModifier": True}]},
    }])  # fmt: skip
    validator = Validator(packages)
    one = [{"url": "urn:not", "valueBoolean": True}]
    assert right(validator.validate({"resourceType": "Patient", "modifierExtension": one}))
    assert not right(validator.validate({"resourceType": "Patient", "extension": one}))


# ---------------------------------------------------------------- bundles


def bundle(*entries: Json, type: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


PATIENT = {"resourceType": "Patient", "id": "1", "active": True}


@pytest.mark.parametrize(
    ("url", "right_one"),
    [
        ("http://example.org/fhir/Patient/1", True),
        ("http://example.org/fhir/Patient/2", False),
        ("http://example.org/fhir/Group/1", False),
        ("urn:uuid:0c9a4d1e-8a26-4b2c-9d0e-0d3f6a1c2b3d", True),
        ("urn:uuid:1", False),
        ("Patient/1", False),
        ("urn:oid:1.2.3", True),
    ],
)
def test_an_entry_has_the_address_of_its_resource(url: str, right_one: bool) -> None:
    assert right(found(bundle({"fullUrl": url, "resource": PATIENT}))) == right_one


def test_a_fault_in_an_entry_is_told_there_with_its_own_rules() -> None:
    wrong = {"resourceType": "Patient", "contact": [{"gender": "male"}]}
    assert ("Bundle.entry[1].resource.contact[0]", "pat-1") in rules(
        bundle({"fullUrl": "http://example.org/fhir/Patient/1", "resource": PATIENT},
               {"fullUrl": "http://example.org/fhir/Patient/2", "resource": wrong})
    )  # fmt: skip


def test_a_document_whose_references_lead_nowhere_is_warned_of() -> None:
    composition = {
        "resourceType": "Composition", "status": "final", "type": {"text": "x"}, "title": "x",
        "date": "2020", "author": [{"reference": "Practitioner/9"}],
        "subject": {"reference": "Patient/1"},
    }  # fmt: skip
    base = "http://example.org/fhir/"
    document = bundle(
        {"fullUrl": base + "Composition/1", "resource": composition},
        {"fullUrl": base + "Patient/1", "resource": PATIENT}, type="document",
    )  # fmt: skip
    loose = [i.path for i in found(document) if i.code == "not-found"]
    assert loose == ["Bundle.entry[0].resource.author[0].reference"]


# ---------------------------------------------------------------- packages

STRUCTURE: Json = {
    "resourceType": "StructureDefinition", "url": "urn:profile", "type": "Patient",
    "kind": "resource", "derivation": "constraint", "baseDefinition": "urn:absent",
    "differential": {"element": [
        {"id": "Patient.gender", "path": "Patient.gender",
         "binding": {"strength": "required", "valueSet": "urn:absent-too|1"}}]},
}  # fmt: skip


def test_a_folder_and_an_archive_bring_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "StructureDefinition-a.json").write_bytes(json.dump(STRUCTURE))
    (folder / ".index.json").write_bytes(b'{"files": []}')
    (folder / "notes.json").write_bytes(b"not json")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        archive.add(folder, "package")
    for path in (folder, tmp_path / "a.tgz"):
        packages = Packages()
        assert packages.load(path) == 1
        assert packages.structure("urn:profile|2") == STRUCTURE
    with pytest.raises(NoPackage):
        Packages().load(folder / "notes.json")


def test_what_a_package_leans_on_and_nobody_brought_is_said() -> None:
    packages = Packages()
    packages.add([STRUCTURE])
    assert packages.missing() == {"urn:absent": ["urn:profile"], "urn:absent-too": ["urn:profile"]}


def test_the_national_packages_load_and_say_what_they_miss(shared: Path) -> None:
    packages = Packages()
    for folder in sorted((shared / "data" / "french").glob("*/conformance")):
        assert packages.load(folder) > 0
    assert len(packages.loaded) > 350
    missing = packages.missing()
    assert "http://interopsante.org/fhir/StructureDefinition/FrAppointment" in missing
    assert not any(url in packages.structures for url in missing)


def test_no_error_is_left_out_for_many_warnings() -> None:
    odd = {"coding": [{"system": "urn:s", "code": "x"}]}
    many = {"resourceType": "Patient", "identifier": [{"type": odd} for _ in range(300)]}
    broken = many | {"contact": [{"gender": "male"}]}
    assert ("Patient.contact[0]", "pat-1") in [(i.path, i.rule) for i in found(broken)]
    assert len(found(broken)) == 200
