# SPDX-License-Identifier: EUPL-1.2
"""Years of care that hang together: one treatment, quoted by all; answers after what they answer."""

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import count

import pytest
from lxml import etree
from pypdf import PdfReader

from carnet.documents import cda as reader
from carnet.documents import metadata
from carnet.documents.cda.conformance import Profile, conformance
from carnet.fhir.validation import structure
from carnet.population import GeneratedDocument, Person, documents, make, treatment
from carnet.population.clock import paris
from carnet.population.data import table
from tests import people

pytestmark = pytest.mark.slow  # years of documents are made for each

V3 = {"h": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
POPULATION = make(people.SEED, 120)
OPEN_ON_SUNDAY = {"15507-7", "15508-5", "11490-0", "34874-8", "11502-2"}
KINDS = {
    "11502-2", "11488-4", "11490-0", "57833-6", "60593-1", "55115-0", "18748-4", "60591-5",
    "87273-9", "11369-6", "15507-7", "34874-8", "89601-9", "PRESC-AAT", "96173-0", "28653-4",
    "34842-5", "74207-2", "59283-2", "CERT_DECL", "78513-9", "28617-9", "85208-7", "15508-5",
}  # fmt: skip
STRUCTURED = {
    "11502-2", "57833-6", "60593-1", "55115-0", "18748-4", "60591-5", "87273-9", "11369-6",
    "11490-0", "96173-0",
}  # fmt: skip


@cache
def everything() -> tuple[tuple[Person, GeneratedDocument], ...]:
    return tuple((one, each) for one in POPULATION.people for each in documents(POPULATION, one))


def sample(each: int) -> list[tuple[Person, GeneratedDocument]]:
    """Some documents of every kind and level."""
    seen: Counter[tuple[str, bool]] = Counter()
    kept = []
    for person, one in everything():
        seen[one.kind, one.structured] += 1
        if seen[one.kind, one.structured] <= each:
            kept.append((person, one))
    return kept


def found(document: GeneratedDocument, path: str) -> list[str]:
    values = etree.fromstring(document.xml).xpath(path, namespaces=V3)
    assert isinstance(values, list)
    return [str(one) for one in values]


def printed(document: GeneratedDocument) -> str:
    (content,) = found(document, "//*[@representation='B64']/text()")
    pages = PdfReader(BytesIO(b64decode(content)), strict=True).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def of(person: Person, kind: str) -> Iterator[GeneratedDocument]:
    return (one for who, one in everything() if who is person and one.kind == kind)


def test_every_kind_of_document_is_there_at_the_levels_the_field_sends() -> None:
    assert {one.kind for _, one in everything()} == KINDS
    assert {one.kind for _, one in everything() if one.structured} == STRUCTURED
    beside = [one.structured for _, one in everything() if one.kind != "11502-2"]
    assert 0.3 < sum(beside) / len(beside) < 0.6


def test_every_document_conforms_to_the_strict_profile() -> None:
    for _, one in sample(12):
        assert conformance(reader.read(one.xml), profile=Profile.STRICT) == [], one.kind


def test_every_document_becomes_resources_of_right_structure() -> None:
    numbers = count()
    for _, one in sample(2):
        made = metadata.resources(
            reader.read(one.xml),
            patient="Patient/a",
            received=datetime(2026, 11, 22, tzinfo=UTC),
            new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
        )
        for each in made:
            assert structure.check(each.resource) == [], one.kind


def test_structured_documents_have_the_templates_of_their_model() -> None:
    models = {
        "57833-6": "1.2.250.1.213.1.1.1.39",
        "60593-1": "1.2.250.1.213.1.1.1.54",
        "55115-0": "1.2.250.1.213.1.1.1.47",
        "18748-4": "1.2.250.1.213.1.1.1.45",
        "60591-5": "1.2.250.1.213.1.1.1.13",
        "87273-9": "1.2.250.1.213.1.1.1.46",
        "11369-6": "1.2.250.1.213.1.1.1.37",
        "11490-0": "1.2.250.1.213.1.1.1.29",
        "96173-0": "1.2.250.1.213.1.1.1.59",
        "11502-2": "1.2.250.1.213.1.1.1.55",
    }
    for _, one in sample(1):
        templates = found(one, "h:templateId/@root")
        assert templates[:2] == ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"]
        level_1 = "1.3.6.1.4.1.19376.1.2.20"
        assert (models[one.kind] if one.structured else level_1) in templates
        for part in ("recordTarget", "author", "custodian", "legalAuthenticator", "componentOf"):
            assert found(one, f"h:{part}/@*|h:{part}/h:*/text()") is not None
            assert etree.fromstring(one.xml).find(f"h:{part}", V3) is not None, part


def test_anchors_lead_somewhere_and_no_two_are_the_same() -> None:
    for _, one in sample(6):
        anchors = found(one, "//h:text//@ID")
        assert len(anchors) == len(set(anchors))
        pointed = {name.removeprefix("#") for name in found(one, "//h:reference/@value")}
        copies = set(found(one, "//h:observationMedia/@ID"))
        assert pointed <= {*anchors, *copies}, one.kind


def test_no_identifier_of_an_entry_is_given_twice_in_a_record() -> None:
    for person in POPULATION.people[:30]:
        given = Counter(
            name
            for _, one in ((who, each) for who, each in everything() if who is person)
            if one.structured and one.kind not in ("60593-1", "11369-6", "87273-9")
            for name in found(one, "//h:entry//h:id/@root")
        )
        assert [name for name, times in given.items() if times > 1] == []


def test_the_paper_says_what_the_sections_say() -> None:
    for _, one in sample(3):
        if one.structured and one.kind != "11502-2":
            paper = printed(one).replace(" ", "")
            for text in found(one, "//h:section/h:text//h:td//text()|//h:section/h:title/text()"):
                if text != "Copie du document":
                    assert "".join(text.split()) in paper, (one.kind, text)


def test_what_the_pharmacy_gives_was_prescribed_before() -> None:
    compared = 0
    for person in POPULATION.people[:40]:
        asked = {
            name: one
            for one in of(person, "57833-6")
            if one.structured
            for name in found(one, "//h:entry/h:substanceAdministration/h:id/@root")
        }
        for given in of(person, "60593-1"):
            if not given.structured:
                continue
            for name in found(given, "//h:substanceAdministration/h:id/@root"):
                if name in asked:
                    compared += 1
                    before = asked[name]
                    assert before.effective < given.effective
                    medicines = found(before, "//h:manufacturedMaterial/h:name/text()")
                    assert set(found(given, "//h:manufacturedMaterial/h:name/text()")) <= {
                        *medicines
                    }
    assert compared > 50


def test_a_prescription_lists_what_the_summary_of_that_day_lists() -> None:
    compared = 0
    for person in POPULATION.people:
        plain = {
            one.effective.date(): one
            for one in of(person, "57833-6")
            if one.structured and one.author == person.attending
        }
        for summary in of(person, "60591-5"):
            prescription = plain.get(summary.effective.date())
            if prescription is None or not summary.structured:
                continue
            compared += 1
            path = "//h:substanceAdministration//h:manufacturedMaterial/h:name/text()"
            assert found(prescription, path) == found(summary, path)
    assert compared > 10


def test_a_report_of_imaging_comes_after_its_request_and_bears_its_number() -> None:
    answered = 0
    for person in POPULATION.people[:60]:
        reports = [one for one in of(person, "18748-4") if found(one, "h:inFulfillmentOf")]
        requests = [one.effective for one in of(person, "55115-0")]
        for report in reports:
            answered += 1
            assert any(moment < report.effective for moment in requests)
    assert answered > 20


def test_each_summary_replaces_the_one_before() -> None:
    summaries = list(of(POPULATION.person("patient"), "60591-5"))
    assert [one.version for one in summaries] == list(range(1, len(summaries) + 1))
    assert len({one.set_id for one in summaries}) == 1
    assert [one.replaces for one in summaries[1:]] == [one.unique_id for one in summaries[:-1]]


def test_the_patient_s_treatment_follows_her_story() -> None:
    """More against her diabetes when it got worse; less thyroid hormone when there was too much."""
    patient = POPULATION.person("patient")

    def names(on: date) -> set[str]:
        return {line.medicine.name for line in treatment.taken(people.SEED, patient, on)}

    assert names(date(2018, 6, 1)) == set()
    assert names(date(2020, 1, 6)) == {"Metformine 500 mg"}
    assert "Lévothyroxine 100 microgrammes" in names(date(2023, 1, 9))
    assert names(date(2026, 1, 5)) == {
        "Metformine 1000 mg",
        "Gliclazide 30 mg à libération modifiée",
        "Lévothyroxine 75 microgrammes",
        "Rosuvastatine 5 mg",
    }


def test_nobody_is_prescribed_what_they_must_avoid() -> None:
    for person, one in everything():
        if one.kind in ("57833-6", "60593-1") and one.structured:
            avoided = {
                *person.profiles,
                *(each.key for each in treatment.allergies(people.SEED, person)),
            }
            text = one.xml.decode()
            for medicine in treatment.medicines().values():
                if avoided & set(medicine.avoid):
                    assert medicine.name not in text, (person.key, medicine.name)


def test_quantities_are_those_a_pharmacist_would_give() -> None:
    """A bottle holds many takes: nobody takes sixteen of them home in a month."""
    most = {
        (medicine.key, every)
        for medicine in treatment.medicines().values()
        for every in (12, 24)
        if treatment.Line(medicine, 1, every, None, date(2026, 1, 1)).boxes(28) > 12
    }
    assert {key for key, _ in most} <= {"fosfomycin", "vitamin-d"}, "taken once"
    line = treatment.Line(treatment.medicines()["paracetamol-1000"], 1, 8, None, date(2026, 1, 1))
    assert [line.quantity(days) for days in (1, 4)] == ["1 boîte", "2 boîtes"]


def test_children_are_not_given_the_dose_of_adults() -> None:
    """A gram of paracetamol is for those of fifty kilograms; below, half of it."""
    path = "//h:manufacturedMaterial/h:name/text()"
    given: dict[bool, set[str]] = {True: set(), False: set()}
    for person, one in everything():
        age = person.age(paris(one.effective).date())
        if one.kind == "57833-6" and one.structured and age < 18:
            given[age < 15] |= {name for name in found(one, path) if "Paracétamol" in name}
    assert "Paracétamol 1000 mg" in given[False], "the test looks at something"
    assert "Paracétamol 1000 mg" not in given[True]


def test_practices_and_pharmacies_are_closed_on_sundays() -> None:
    for _, one in everything():
        if one.kind not in OPEN_ON_SUNDAY:
            emergency = b'code="EMER"' in one.xml or one.establishment.startswith("hospital")
            answer = b'typeCode="REF"' in one.xml  # of something urgent
            assert paris(one.effective).weekday() != 6 or emergency or answer, one.kind


def test_how_many_documents_people_have_in_a_year() -> None:
    years = (POPULATION.today - date(2021, 1, 4)) / timedelta(days=365.25)
    size = Counter(person.key for person, _ in everything())
    adults = [one for one in POPULATION.people[7:] if one.age(date(2021, 1, 4)) >= 18]
    well = [size[one.key] / years for one in adults if not one.profiles]
    chronic = [size[one.key] / years for one in adults if len(one.profiles) >= 2]
    assert 2.5 < sum(well) / len(well) < 6.5
    assert 11 < sum(chronic) / len(chronic) < 25


def test_a_later_day_adds_documents_and_changes_none_for_anybody() -> None:
    later = make(people.SEED, 120, date(2027, 6, 1))
    for person in POPULATION.people[:40]:
        before = {one.unique_id: one for who, one in everything() if who is person}
        after = {one.unique_id: one for one in documents(later, later.person(person.key))}
        assert before.items() <= after.items()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_written_reads_well(kind: str) -> None:
    for _, one in [pair for pair in sample(3) if pair[1].kind == kind]:
        text = printed(one)
        assert "{" not in text and "}" not in text and "None" not in text
        assert "Document de démonstration" in text


@pytest.mark.parametrize(
    "name", ["conditions", "medicines", "vaccines", "imaging", "episodes", "measures"]
)
def test_the_clinical_tables_say_they_are_not_verified(name: str) -> None:
    content = table(name)
    rows = content["condition"] if name == "conditions" else [content]
    assert all(row["unverified"] is True for row in rows)


def test_official_codes_are_there_only_where_a_source_gave_them() -> None:
    """CIS codes were read in the published examples; a CIM-10 code says where it comes from."""
    for row in (*table("medicines")["medicine"], *table("vaccines")["vaccine"]):
        assert ("cis" in row) == ("brand" in row), row["key"]
    for row in table("conditions")["condition"]:
        assert ("code" in row) == ("source" in row), row["key"]
