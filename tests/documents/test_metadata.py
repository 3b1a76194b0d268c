# SPDX-License-Identifier: EUPL-1.2
"""A document as FHIR resources: metadata, files, results."""

import base64
import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from carnet.documents import cda
from carnet.documents.cda.datatypes import Id
from carnet.documents.metadata import Made, identifier, resources, unique_id
from carnet.fhir import json
from carnet.fhir.validation import structure

Json = dict[str, Any]

RECEIVED = datetime(2025, 3, 13, 8, 0, tzinfo=UTC)


def made(source: bytes, **others: Any) -> list[Made]:
    """The resources of a document, with UUIDs that can be told from one another."""
    numbers = itertools.count(1)
    return resources(
        cda.read(source),
        patient="Patient/leonie",
        received=RECEIVED,
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
        **others,
    )


@pytest.fixture(scope="module")
def report(laboratory: bytes) -> list[Made]:
    return made(laboratory)


def of(kind: str, found: list[Made]) -> list[Json]:
    return [m.resource for m in found if m.resource["resourceType"] == kind]


def observation(code: str, found: list[Made]) -> Json:
    (one,) = [
        o for o in of("Observation", found) if o["code"].get("coding", [{}])[0].get("code") == code
    ]
    return one


def references(value: Any) -> Iterator[str]:
    """Every Reference.reference and attachment url below."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("reference", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


# ------------------------------------------------------------ the whole


@pytest.mark.parametrize("sample", ["laboratory", "consultation"])
def test_every_resource_follows_the_structure_of_its_type(
    sample: str, request: pytest.FixtureRequest
) -> None:
    """Judged by the same validator as what comes from outside."""
    for one in made(request.getfixturevalue(sample)):
        assert structure.check(one.resource) == []
        assert json.parse(json.dump(one.resource)) == one.resource


def test_references_lead_somewhere(report: list[Made]) -> None:
    """To another resource of the document, to a contained one, or to the patient."""
    urls = {m.url for m in report}
    assert len(urls) == len(report)
    for one in report:
        inside = {f"#{c['id']}" for c in one.resource.get("contained", [])}
        for reference in references(one.resource):
            if reference.startswith(("urn:uuid:", "#")):
                assert reference in urls | inside
        # Every contained resource is used (FHIR dom-3).
        assert inside <= set(references(one.resource))


def test_the_document_comes_first_then_its_files(report: list[Made], laboratory: bytes) -> None:
    """The source byte for byte, then what was extracted."""
    kinds = [m.resource["resourceType"] for m in report]
    assert kinds[:4] == ["DocumentReference", "Binary", "Binary", "DiagnosticReport"]
    assert (kinds.count("Specimen"), kinds.count("Observation")) == (3, 13)
    assert report[1].data is laboratory
    assert report[2].data
    assert report[2].data.startswith(b"%PDF")
    assert all(m.data is None for m in report[3:])
    for binary in report[1:3]:
        assert binary.resource["securityContext"] == {"reference": report[0].url}


# ------------------------------------------------------------ metadata


def test_the_metadata_are_those_of_the_header(report: list[Made], laboratory: bytes) -> None:
    """PDSm's comprehensive shape."""
    document = report[0].resource
    assert document["masterIdentifier"] == {
        "system": "urn:oid:1.2.250.1.999.7.1",
        "value": "CR-2025-0001",
    }
    assert document["identifier"][0]["value"] == "LOT-1"
    assert document["status"] == "current"
    assert document["type"]["coding"][0]["code"] == "11502-2"
    assert document["category"][0]["coding"][0]["code"] == "10"
    assert document["subject"] == {"reference": "Patient/leonie"}
    assert document["date"] == "2025-03-12T16:45:00+01:00"
    assert document["custodian"]["display"] == "Laboratoire des Deux Rives"
    attachment = document["content"][0]["attachment"]
    digest = hashlib.sha1(laboratory, usedforsecurity=False).digest()
    assert attachment == {
        "contentType": "text/xml",
        "language": "fr-FR",
        "url": report[1].url,
        "size": len(laboratory),
        "hash": base64.b64encode(digest).decode(),
        "title": "Compte rendu d'examens biologiques",
        "creation": "2025-03-12T16:45:00+01:00",
    }
    assert document["content"][1]["attachment"]["contentType"] == "application/pdf"
    assert document["content"][1]["attachment"]["url"] == report[2].url
    context = document["context"]
    assert context["period"] == {
        "start": "2025-03-12T08:00:00+01:00",
        "end": "2025-03-12T16:05:00+01:00",
    }
    assert context["facilityType"]["coding"][0]["code"] == "SA25"
    assert context["practiceSetting"]["coding"][0]["code"] == "AMBULATOIRE"
    assert context["event"][0]["coding"][0]["code"] == "18719-5"
    assert context["related"][0]["identifier"]["value"] == "ORD-77"


def test_authors_are_contained_and_their_number_is_in_sight(report: list[Made]) -> None:
    """A role in a place; the IDNPS beside the reference, for those who search."""
    document = report[0].resource
    contained = {f"#{c['id']}": c for c in document["contained"]}
    (author,) = document["author"]
    assert author["identifier"] == {
        "system": "urn:oid:1.2.250.1.71.4.2.1",
        "value": "899700000013",
    }
    role = contained[author["reference"]]
    assert role["resourceType"] == "PractitionerRole"
    assert contained[role["practitioner"]["reference"]]["name"][0]["family"] == "LOMBREUIL"
    assert contained[role["organization"]["reference"]]["name"] == "Laboratoire des Deux Rives"
    assert role["code"][0]["coding"][0]["code"] == "G15_10/SM03"
    # The same person and the same place are contained once.
    kinds = sorted(c["resourceType"] for c in document["contained"])
    assert kinds == ["Organization", "Patient", "Practitioner", "PractitionerRole"]


def test_the_patient_of_the_document_is_contained_as_claimed(report: list[Made]) -> None:
    """What the document said, apart from whom the record says it is."""
    document = report[0].resource
    (patient,) = [c for c in document["contained"] if c["resourceType"] == "Patient"]
    assert document["context"]["sourcePatientInfo"] == {"reference": f"#{patient['id']}"}
    assert patient["identifier"][0] == {
        "system": "urn:oid:1.2.250.1.213.1.4.10",
        "value": "284059999978968",
    }
    official, usual = patient["name"]
    assert (official["family"], official["given"]) == ("ÉTOURNEAU-D'ARC", ["LÉONIE"])
    assert official["extension"][0]["valueString"] == "LÉONIE MARIE-JEANNE"
    assert (usual["use"], usual["family"]) == ("usual", "MARTELLAN")
    assert (patient["gender"], patient["birthDate"]) == ("female", "1984-05-17")


@pytest.mark.parametrize(
    ("header", "asked", "codes"),
    [
        ("N", [], ["N"]),
        ("R", [], ["R"]),
        ("MASQUE_PS", [], ["N", "MASQUE_PS"]),
        ("N", ["INVISIBLE_PATIENT", "MASQUE_PS"], ["N", "MASQUE_PS", "INVISIBLE_PATIENT"]),
        ("MASQUE_PS", ["MASQUE_PS"], ["N", "MASQUE_PS"]),
        ("N", ["INCONNU"], ["N"]),
    ],
)
def test_a_document_has_one_level_and_its_masks(
    laboratory: bytes, header: str, asked: list[str], codes: list[str]
) -> None:
    """Those of the header and those asked for beside it; a mask is never lost."""
    source = laboratory.replace(
        b'confidentialityCode code="N"', f'confidentialityCode code="{header}"'.encode()
    )
    labels = made(source, labels=asked)[0].resource["securityLabel"]
    assert [label["coding"][0]["code"] for label in labels] == codes
    systems = {label["coding"][0]["code"]: label["coding"][0]["system"] for label in labels}
    assert systems.get("MASQUE_PS", "urn:oid:1.2.250.1.213.1.1.4.13").startswith("urn:oid:")


def test_an_identifier_without_extension_is_a_uri(laboratory: bytes) -> None:
    """As PDSm4DMP writes it."""
    source = laboratory.replace(b' extension="CR-2025-0001"', b"")
    assert unique_id(cda.read(source).header) == {
        "system": "urn:ietf:rfc:3986",
        "value": "urn:oid:1.2.250.1.999.7.1",
    }


def test_a_replacement_points_at_what_it_replaces(laboratory: bytes) -> None:
    """By identifier: whoever writes it knows where that document is."""
    source = laboratory.replace(
        b"<componentOf>",
        b'<relatedDocument typeCode="RPLC"><parentDocument>'
        b'<id root="1.2.250.1.999.7.1" extension="CR-2025-0000"/></parentDocument>'
        b"</relatedDocument><componentOf>",
    )
    found = made(source)
    assert found[0].resource["relatesTo"] == [
        {
            "code": "replaces",
            "target": {
                "type": "DocumentReference",
                "identifier": {"system": "urn:oid:1.2.250.1.999.7.1", "value": "CR-2025-0000"},
            },
        }
    ]
    assert {o["status"] for o in of("Observation", found)} == {"corrected"}
    assert of("DiagnosticReport", found)[0]["status"] == "corrected"


def test_a_level_1_has_its_pdf_and_its_format(consultation: bytes) -> None:
    """No result is invented."""
    found = made(consultation)
    assert [m.resource["resourceType"] for m in found] == ["DocumentReference", "Binary", "Binary"]
    formats = [c["format"]["code"] for c in found[0].resource["content"]]
    assert formats[0] == "urn:ihe:iti:xds-sd:pdf:2008"


def test_a_document_without_an_instant_takes_that_of_its_reception(laboratory: bytes) -> None:
    """DocumentReference.date is an instant; the day stays in the attachment."""
    source = laboratory.replace(b'"20250312164500+0100"', b'"20250312"')
    document = made(source)[0].resource
    assert document["date"] == "2025-03-13T08:00:00Z"
    assert document["content"][0]["attachment"]["creation"] == "2025-03-12"


def test_an_empty_document_is_still_a_valid_reference() -> None:
    """Nothing is written as null or empty."""
    found = made(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>')
    assert structure.check(found[0].resource) == []


# ------------------------------------------------------------ results


def test_a_quantity_keeps_its_digits(report: list[Made]) -> None:
    """5.10 is not 5.1."""
    glucose = observation("40193-5", report)
    assert glucose["valueQuantity"] == {
        "value": Decimal("5.10"),
        "unit": "mmol/L",
        "system": "http://unitsofmeasure.org",
        "code": "mmol/L",
    }
    assert b'"value":5.10,' in json.dump(glucose)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("2951-2", {"valueQuantity": {"value": 140}}),
        ("1988-5", {"valueQuantity": {"value": Decimal("0.50"), "comparator": "<"}}),
        ("99999-1", {"valueCodeableConcept": {"text": "non réactif"}}),
        ("99999-2", {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 160}}}),
        ("99999-3", {"valueInteger": 3}),
        ("5767-9", {"valueString": "clair <b>x</b>"}),
        ("99999-4", {"valueString": "environ 12 mg/L"}),
        ("51480-2", {"valueQuantity": {"value": 100_000}}),
        ("28-1", {"valueQuantity": {"value": 32, "comparator": ">="}}),
    ],
)
def test_each_type_of_value_has_its_place(report: list[Made], code: str, value: Json) -> None:
    """Only one value[x], and no reason for its absence."""
    one = observation(code, report)
    ((key, expected),) = value.items()
    assert [k for k in one if k.startswith("value")] == [key]
    if isinstance(expected, dict):
        assert expected.items() <= one[key].items()
    else:
        assert one[key] == expected
    assert "dataAbsentReason" not in one


def test_a_masked_value_says_so(report: list[Made]) -> None:
    """Absent, and why."""
    one = observation("2276-4", report)
    assert [k for k in one if k.startswith("value")] == []
    assert one["dataAbsentReason"]["coding"][0]["code"] == "masked"


def test_an_odd_unit_is_shown_and_not_called_ucum(laboratory: bytes) -> None:
    """A code of UCUM has no space and no Greek letter."""
    source = laboratory.replace(
        b'value="140" unit="mmol/L"', 'value="140" unit="µmol / L"'.encode()
    )
    assert observation("2951-2", made(source))["valueQuantity"] == {
        "value": 140,
        "unit": "µmol / L",
    }


def test_ranges_interpretation_and_method_follow(report: list[Made]) -> None:
    """HL7's systems for HL7's codes."""
    sodium, crp = observation("2951-2", report), observation("1988-5", report)
    assert sodium["interpretation"][0]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        "code": "N",
        "display": "Normal",
    }
    (found,) = sodium["referenceRange"]
    assert (found["low"]["value"], found["high"]["value"]) == (136, 145)
    assert found["type"]["coding"][0]["code"] == "normal"
    assert "low" not in crp["referenceRange"][0]
    glucose = observation("40193-5", report)
    assert glucose["method"]["coding"][0]["code"] == "DEG"
    assert glucose["referenceRange"][0]["text"] == "à jeun depuis douze heures"


def test_what_fhir_has_no_place_for_is_said_in_a_note(report: list[Made]) -> None:
    """Comment, earlier result, other unit: read by people, never counted twice on a curve."""
    notes = [n["text"] for n in observation("2951-2", report)["note"]]
    assert notes == ["Contrôlé deux fois.", "Résultat antérieur du 2024-09-01 : 139.0 mmol/L"]
    assert observation("40193-5", report)["note"] == [{"text": "Autre unité : 0.92 g/L"}]


def test_results_follow_their_document(report: list[Made]) -> None:
    """Each says where it comes from, of whom, and by whom."""
    for one in of("Observation", report):
        assert one["derivedFrom"] == [{"reference": report[0].url}]
        assert one["subject"] == {"reference": "Patient/leonie"}
        assert one["category"][0]["coding"][0]["code"] == "laboratory"
        assert one["status"] == "final"
    performers = observation("2951-2", report)["performer"]
    assert [p["display"] for p in performers] == ["Odette PRINVAL", "Dr Ambroise LOMBREUIL"]


def test_a_time_is_always_given(report: list[Made]) -> None:
    """Of the result, else of its sample: the day a curve is drawn on."""
    assert observation("2951-2", report)["effectiveDateTime"] == "2025-03-12T10:15:00+01:00"
    assert observation("5767-9", report)["effectiveDateTime"] == "2025-03-12T07:35:00+01:00"


def test_the_report_lists_its_results_in_reading_order(report: list[Made]) -> None:
    """Results by themselves, then the isolate; what an isolate holds is under it."""
    diagnostic = of("DiagnosticReport", report)[0]
    by_url = {m.url: m.resource for m in report}
    listed = [by_url[r["reference"]] for r in diagnostic["result"]]
    assert [o["code"].get("coding", [{}])[0].get("code") for o in listed] == [
        "2951-2", "1988-5", "40193-5", "99999-1", "99999-2", "2276-4", "99999-3", "5767-9",
        "99999-4", None,
    ]  # fmt: skip
    isolate = listed[-1]
    assert isolate["code"] == {"text": "Isolat"}
    assert isolate["valueCodeableConcept"]["coding"][0]["code"] == "112283007"
    count, battery = (by_url[r["reference"]] for r in isolate["hasMember"])
    assert count["code"]["coding"][0]["code"] == "51480-2"
    assert battery["code"]["coding"][0]["code"] == "18769-0"
    (ampicillin,) = (by_url[r["reference"]] for r in battery["hasMember"])
    assert ampicillin["interpretation"][0]["coding"][0]["code"] == "R"
    assert by_url[ampicillin["specimen"]["reference"]]["parent"]
    assert diagnostic["conclusion"] == "Prélèvement légèrement hémolysé."
    assert diagnostic["presentedForm"][0]["url"] == report[2].url


def test_a_battery_without_a_name_leaves_its_results_by_themselves(laboratory: bytes) -> None:
    """An Observation that says nothing is not made."""
    source = laboratory.replace(
        b'<code code="18769-0" codeSystem="2.16.840.1.113883.6.1" displayName="Antibiogramme"/>',
        b"",
    )
    found = made(source)
    isolate = next(o for o in of("Observation", found) if o["code"] == {"text": "Isolat"})
    assert len(isolate["hasMember"]) == 2
    assert len(of("Observation", found)) == 12


def test_a_model_that_only_recalls_results_is_no_laboratory_report(laboratory: bytes) -> None:
    """Its results are kept, no DiagnosticReport is made of it."""
    source = laboratory.replace(b'<templateId root="1.3.6.1.4.1.19376.1.3.3"/>', b"")
    source = source.replace(b'<templateId root="1.2.250.1.213.1.1.1.55"/>', b"")
    found = made(source)
    assert of("DiagnosticReport", found) == []
    assert len(of("Observation", found)) == 13


def test_an_identifier_can_be_made_again() -> None:
    """OID and extension, OID alone, UUID."""
    assert identifier(Id("1.2", "a")) == {"system": "urn:oid:1.2", "value": "a"}
    assert identifier(Id("1.2")) == {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2"}
    uuid = "8D5E778C-E155-4685-95C6-5FF65A362964"
    assert identifier(Id(uuid))["value"] == f"urn:uuid:{uuid.lower()}"
