# SPDX-License-Identifier: EUPL-1.2
"""Imaging: studies with their series and objects, and the report that rests on them."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    coded,
    observation,
    own_id,
    read_in,
    templates,
    why,
)

Json = dict[str, Any]

CATALOGUE = "121181"
DCM = "1.2.840.10008.2.16.4"
STUDY = "2.999.1.155"


def linked(inside: str) -> str:
    return f'<entryRelationship typeCode="COMP">{inside}</entryRelationship>'


def image(number: str = "1", attributes: str = "") -> str:
    return linked(
        f'<observation classCode="DGIMG" moodCode="EVN" {attributes}>{templates(FRENCH + "157")}'
        f'<id root="{STUDY}.1.{number}"/>'
        f"{coded('code', '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.2.6.1', 'CT Image Storage')}"
        "</observation>"
    )


def series(*images: str, modality: bool = True, attributes: str = "") -> str:
    qualifier = (
        f"<qualifier>{coded('name', '121139', DCM, 'Modalité')}"
        f"{coded('value', 'CT', DCM, 'Scanner')}</qualifier>"
        if modality
        else ""
    )
    return linked(
        f'<act classCode="ACT" moodCode="EVN" {attributes}>{templates(FRENCH + "156")}'
        f'<id root="{STUDY}.1"/><code code="113015" codeSystem="{DCM}">{qualifier}</code>'
        f"{''.join(images)}</act>"
    )


def study(*held: str, number: str = f'root="{STUDY}"', attributes: str = "") -> str:
    return (
        f'<act classCode="ACT" moodCode="EVN" {attributes}>{templates(FRENCH + "155")}'
        f"<id {number}/>{coded('code', '113014', DCM, 'Examen')}"
        f'<effectiveTime value="20240108"/>{"".join(held)}</act>'
    )


def kinds(source: bytes, *entries: str, code: str = CATALOGUE) -> dict[str, Json]:
    found = read_in(source, *entries, code=code)
    return {each["resourceType"]: each for each in found if each["resourceType"] != "Provenance"}


def test_a_study_counts_its_series_and_its_objects(laboratory: bytes) -> None:
    found = kinds(laboratory, study(series(image("1"), image("2"))))["ImagingStudy"]
    assert found["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}
    assert (found["numberOfSeries"], found["numberOfInstances"]) == (1, 2)
    assert [each["code"] for each in found["modality"]] == ["CT"]
    (one,) = found["series"]
    assert one["uid"] == f"{STUDY}.1"
    assert [each["uid"] for each in one["instance"]] == [f"{STUDY}.1.1", f"{STUDY}.1.2"]
    assert one["instance"][0]["sopClass"]["code"] == "urn:oid:1.2.840.10008.5.1.4.1.1.2"


def test_an_object_or_a_series_that_is_denied_is_not_counted(laboratory: bytes) -> None:
    denied = 'negationInd="true"'
    found = kinds(laboratory, study(series(image("1"), image("2", denied))))["ImagingStudy"]
    assert found["numberOfInstances"] == 1
    found = kinds(laboratory, study(series(image(), attributes=denied)))["ImagingStudy"]
    assert not {"series", "numberOfSeries", "numberOfInstances", "modality"} & set(found)


@pytest.mark.parametrize("attributes", ['negationInd="true"', 'nullFlavor="MSK"'])
def test_a_study_that_is_denied_or_masked_is_only_kept(laboratory: bytes, attributes: str) -> None:
    entry = study(series(image()), attributes=attributes)
    assert kinds(laboratory, entry) == {}
    assert ("act 1.2.250.1.213.1.1.3.155", "not-done") in why(laboratory, entry, code=CATALOGUE)


@pytest.mark.parametrize(
    "number", ['root="2.999.1" extension="7"', f'root="2.999.{"1" * 60}"', 'root="étude"']
)
def test_a_study_without_a_dicom_number_is_only_kept(laboratory: bytes, number: str) -> None:
    assert kinds(laboratory, study(series(image()), number=number)) == {}


def test_a_series_that_says_no_modality_is_of_another(laboratory: bytes) -> None:
    found = kinds(laboratory, study(series(image(), modality=False)))["ImagingStudy"]
    assert found["series"][0]["modality"]["code"] == "OT"


def test_a_series_alone_is_of_no_study(laboratory: bytes) -> None:
    alone = series(image()).removeprefix('<entryRelationship typeCode="COMP">')
    assert kinds(laboratory, alone.removesuffix("</entryRelationship>")) == {}


def imaging(laboratory: bytes) -> bytes:
    """The document of the tests, as a report of imaging without laboratory entries."""
    start, end = laboratory.index(b"<structuredBody"), laboratory.index(b"</structuredBody>")
    header = laboratory[:start].replace(b"1.2.250.1.213.1.1.1.55", b"1.2.250.1.213.1.1.1.45")
    header = header.replace(b"1.3.6.1.4.1.19376.1.3.3", b"1.2.840.10008.9.1")
    said = (
        f"<component><section>{coded('code', '19005-8', LOINC, 'Conclusion')}"
        "<title>Conclusion</title><text><paragraph>Rien &amp; rien</paragraph>"
        "<paragraph>d'autre.</paragraph></text></section></component>"
    )
    return header + b"<structuredBody>" + said.encode() + laboratory[end:]


def test_a_report_of_imaging_says_its_studies_its_measures_and_its_conclusion(
    laboratory: bytes,
) -> None:
    dose = observation(
        '<value xsi:type="PQ" value="1140.26" unit="mGy.cm"/>',
        FRENCH + "154",
        code=coded("code", "113813", DCM, "Produit dose longueur"),
    )
    found = kinds(imaging(laboratory), study(series(image())), dose)
    report = found["DiagnosticReport"]
    assert report["category"][0]["coding"][0]["code"] == "RAD"
    assert report["conclusion"] == "Rien & rien d'autre."
    assert len(report["imagingStudy"]) == len(report["result"]) == 1
    assert found["Observation"]["valueQuantity"]["unit"] == "mGy.cm"
    # A document of another model only names the study.
    assert "DiagnosticReport" not in kinds(laboratory, study(series(image())))


def test_what_was_done_is_said_of_the_study(laboratory: bytes) -> None:
    technique = (
        f'<procedure classCode="PROC" moodCode="EVN">{templates(FRENCH + "153")}{own_id()}'
        f"{coded('code', '24727-0', LOINC, 'Scanner de la tête')}</procedure>"
    )
    found = kinds(imaging(laboratory), technique, study(series(image())))
    assert found["ImagingStudy"]["procedureCode"][0]["coding"][0]["code"] == "24727-0"
