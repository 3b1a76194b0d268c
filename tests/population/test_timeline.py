# SPDX-License-Identifier: EUPL-1.2
"""Years of documents: repeatable, in order, understood whole by a reader of another hand."""

import os
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from io import BytesIO

import pytest
from lxml import etree
from pypdf import PdfReader

from carnet.documents import cda as reader
from carnet.identity import ins
from carnet.identity.traits import differences
from carnet.population import GeneratedDocument, Person, documents, make, report
from tests import people

pytestmark = pytest.mark.slow
V3 = {"h": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}


@cache
def known() -> dict[str, list[GeneratedDocument]]:
    """The documents of each of the cast."""
    return {
        person.key: list(documents(people.POPULATION, person))
        for person in people.POPULATION.people
    }


def every() -> list[tuple[Person, GeneratedDocument]]:
    return [(person, one) for person in people.POPULATION.people for one in known()[person.key]]


def reports() -> list[tuple[Person, GeneratedDocument]]:
    return [(person, one) for person, one in every() if one.kind == "11502-2"]


def _tree(document: GeneratedDocument) -> etree._Element:
    return etree.fromstring(document.xml)


def _texts(document: GeneratedDocument, path: str) -> list[str]:
    found = _tree(document).xpath(path, namespaces=V3)
    if isinstance(found, float):
        return [f"{found:g}"]
    assert isinstance(found, list)
    return [str(one) for one in found]


def _pdf_text(document: GeneratedDocument) -> str:
    (content,) = _texts(document, "//*[@representation='B64']/text()")
    pages = PdfReader(BytesIO(b64decode(content)), strict=True).pages
    return "\n".join(page.extract_text() for page in pages)


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = make(people.SEED)
    for person in again.people:
        assert list(documents(again, person)) == known()[person.key]


def test_another_process_gives_the_same_bytes() -> None:
    """Nothing leans on the order of a set or on the hash of a string."""
    script = (
        "from hashlib import sha256; from carnet.population import *; p = make(1)\n"
        "print(sha256(b''.join(d.xml for d in documents(p, p.person('patient')))).hexdigest())"
    )
    expected = sha256(b"".join(d.xml for d in known()["patient"])).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Pacific/Auckland"}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == expected


def test_another_seed_gives_other_values() -> None:
    other = list(documents(make(2), people.PATIENT))
    assert other[0].unique_id not in {one.unique_id for one in known()["patient"]}


def test_a_later_day_adds_documents_and_changes_none() -> None:
    later = list(documents(make(people.SEED, today=date(2028, 3, 1)), people.PATIENT))
    assert later[: len(known()["patient"])] == known()["patient"]
    assert len(later) > len(known()["patient"]) + 5


def test_documents_come_oldest_first_and_stop_today() -> None:
    for person in people.POPULATION.people:
        moments = [one.effective for one in known()[person.key]]
        assert moments == sorted(moments)
        assert all(moment.date() <= people.POPULATION.today for moment in moments)


def test_every_document_has_its_own_id() -> None:
    ids = [one.unique_id for _, one in every()]
    assert len(set(ids)) == len(ids) > 200
    assert all(len(one) <= 64 for one in ids)  # DICOM and XDS limit an OID to 64 characters


def test_every_result_has_its_own_id() -> None:
    ids = [name for _, one in reports() for name in _texts(one, "//h:observation/h:id/@root")]
    assert len(set(ids)) == len(ids) > 1000


def test_everybody_has_laboratory_reports() -> None:
    grown = [p for p in people.POPULATION.people if p.birth_date < date(2022, 1, 1)]
    for person in grown:
        assert any(one.kind == "11502-2" for one in known()[person.key]), person.key


def test_the_patient_has_the_richest_record() -> None:
    size = {key: sum(one.results for one in found) for key, found in known().items()}
    assert max(size, key=lambda key: size[key]) == "patient"
    assert {one.kind for one in known()["patient"]} > {"11502-2", "11488-4", "11490-0", "57833-6"}
    years = {one.effective.year for one in known()["patient"] if one.kind == "11502-2"}
    assert len(years) >= 5


def test_the_patient_s_curves_cross_two_laboratories() -> None:
    places = {one.establishment for one in known()["patient"] if b'code="4548-4"' in one.xml}
    assert places == {"lab-quais", "lab-indrois"}


def test_the_patient_has_a_corrected_report() -> None:
    versions = {one.unique_id: one for one in known()["patient"]}
    corrected = [one for one in known()["patient"] if one.replaces and one.kind == "11502-2"]
    assert corrected
    for second in corrected:
        first = versions[second.replaces or ""]
        assert (first.version, second.version) == (1, 2)
        assert first.set_id == second.set_id
        assert first.effective < second.effective
        assert _values(first) != _values(second)
        assert len(_values(first)) == len(_values(second))
        assert "annule et remplace" in _pdf_text(second)
        parent = _texts(second, "//h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root")
        assert parent == [first.unique_id]


def _values(document: GeneratedDocument) -> list[str]:
    return _texts(document, "//h:observation/h:value[@xsi:type='PQ']/@value")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("h:realmCode/@code", ["FR"]),
        ("h:templateId/@root", ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"]),
        ("h:languageCode/@code", ["fr-FR"]),
        ("h:recordTarget/h:patientRole/h:id[1]/@root", ["1.2.250.1.213.1.4.10"]),
        ("h:custodian//h:name/text()", ["Laboratoire des Quais"]),
        ("h:legalAuthenticator/h:signatureCode/@code", ["S"]),
        ("h:participant[@typeCode='REF']//h:family/text()", ["Lemoine"]),
        ("h:participant/h:functionCode/@code", ["PCP"]),
        ("h:componentOf//h:healthCareFacility/h:code/@code", ["SA25"]),
        ("h:documentationOf[1]//h:standardIndustryClassCode/@code", ["AMBULATOIRE"]),
        ("count(h:inFulfillmentOf/h:order/h:id/@extension)", ["1"]),
    ],
)
def test_the_head_of_a_report_is_complete(path: str, expected: list[str]) -> None:
    one = next(d for d in known()["patient"] if d.establishment == "lab-quais")
    assert _texts(one, path)[: len(expected)] == expected


def test_a_minor_s_document_names_a_parent() -> None:
    for one in known()["minor"]:
        assert _texts(one, "//h:guardianPerson//h:family/text()") == ["Garnier"]
    assert not any(b"guardian" in one.xml for one in known()["patient"])


def test_authors_work_where_the_document_was_made() -> None:
    for person, one in every():
        author = people.POPULATION.professional(one.author)
        assert one.establishment in {s.establishment for s in author.situations}
        assert author.key not in ("outsider", "blocked"), person.key


def test_the_reader_understands_everything_written() -> None:
    """Results out equal results in; nothing of a laboratory is kept without being understood."""
    for _, one in every():
        read = reader.read(one.xml)
        assert len(read.results.results) == one.results
        if one.kind == "11502-2" or not one.structured:
            assert [line for line in read.report if line.fate == "kept"] == []
        assert read.copy is not None
        assert read.structured == one.structured


def test_the_reader_finds_the_person_who_was_written() -> None:
    for person, one in every():
        patient = reader.read(one.xml).header.patient
        assert patient is not None and patient.claim is not None
        assert patient.claim.value == person.ins
        assert patient.claim.defects == {ins.Defect.TEST_SYSTEM}
        assert differences(patient.traits, person.traits) == ()


def test_the_reader_finds_each_value_with_its_unit_range_and_interpretation() -> None:
    for _, one in reports():
        observations = _tree(one).xpath("//h:observation[h:referenceRange]", namespaces=V3)
        assert isinstance(observations, list)
        assert len(observations) == one.results
        for result in reader.read(one.xml).results.results:
            assert result.value is not None
            value, bounds = result.value, result.ranges[0]
            number = Decimal(str(getattr(value, "value", None)))
            (said,) = (code.code for code in result.interpretations)
            low = Decimal(str(bounds.low.value)) if bounds.low else number
            high = Decimal(str(bounds.high.value)) if bounds.high else number
            assert said == ("L" if number < low else "H" if number > high else "N")
            unit = getattr(value, "unit", None)
            assert unit
            assert {b.unit for b in (bounds.low, bounds.high) if b} == {unit}


def test_readable_text_and_pdf_say_what_the_entries_say() -> None:
    one = next(d for d in known()["patient"] if b'code="4548-4"' in d.xml)
    text = _pdf_text(one)
    narrative = " ".join(_texts(one, "//h:section/h:text//text()"))
    for value in _values(one):
        assert value.replace(".", ",") in text
        assert value.replace(".", ",") in narrative
    assert people.PATIENT.ins in text
    assert "Hémoglobine glyquée" in text and "Hémoglobine glyquée" in narrative
    assert "Document de démonstration" in text


def test_anchors_of_the_text_are_those_the_entries_point_to() -> None:
    for _, one in reports()[:20]:
        anchors = {f"#{name}" for name in _texts(one, "//h:text//h:content/@ID")}
        pointed = _texts(one, "//h:observation/h:code/h:originalText/h:reference/@value")
        assert len(pointed) == one.results
        assert set(pointed) == anchors


def test_letters_read_well() -> None:
    for person, one in every():
        if one.kind != "11502-2":
            text = _pdf_text(one)
            assert "{" not in text and "}" not in text
            assert person.used_name in text or person.used_name.replace("œ", "oe") in text


def test_a_name_with_markup_in_it_stays_a_name() -> None:
    odd = replace(people.PATIENT, used_name='<b>&"R&D"</b>')
    one = next(iter(documents(people.POPULATION, odd)))
    used = _texts(one, "//h:recordTarget//h:family[@qualifier='CL']/text()")
    assert used == ['<b>&"R&D"</b>']


def test_a_report_can_be_made_for_this_minute() -> None:
    """The one a laboratory sends while a visitor watches: other minute, other document."""
    now = datetime(2026, 11, 2, 14, 3, 7, tzinfo=UTC)
    one = report(people.POPULATION, people.PATIENT, now, panels=("glycaemia",))
    other = report(people.POPULATION, people.PATIENT, now.replace(minute=4))
    assert one.effective == now
    assert (one.results, one.establishment) == (2, "lab-quais")
    assert one.unique_id != other.unique_id
    assert one == report(people.POPULATION, people.PATIENT, now, panels=("glycaemia",))
    assert len(reader.read(one.xml).results.results) == 2


def _sizes(person: Person) -> list[int]:
    return [len(one.xml) for one in known()[person.key]]


def test_documents_have_the_size_of_real_ones() -> None:
    assert all(8_000 < size < 120_000 for size in _sizes(people.PATIENT))
