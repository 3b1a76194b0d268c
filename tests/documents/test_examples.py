# SPDX-License-Identifier: EUPL-1.2
"""The national agency's own examples: every header read, every laboratory report understood, and all
that is wrong in each told, no more and no less."""

import tomllib
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from carnet.access import quarantine
from carnet.documents import cda, metadata
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.conformance import Profile, Severity, conformance
from carnet.documents.cda.datatypes import Code, Quantity
from carnet.documents.metadata import resources
from carnet.documents.receive import receive
from carnet.fhir import json
from carnet.fhir.validation import structure
from tests.space import Space
from tools import findings
from tools.findings import judged


@pytest.fixture(scope="session")
def examples(shared: Path) -> dict[str, Path]:
    """Files by name."""
    return {f.name: f for f in sorted((shared / "data/french/cda-examples").glob("*.xml"))}


@cache
def read(path: Path) -> cda.CdaDocument:
    return cda.read(path.read_bytes())


def test_every_header_is_read_whole(examples: dict[str, Path]) -> None:
    """69 documents of 30 models."""
    assert len(examples) == 69
    for name, path in examples.items():
        header = read(path).header
        assert header.id, name
        assert header.set_id, name
        assert header.version, name
        assert header.code, name
        assert header.title, name
        assert header.effective, name
        assert header.language == "fr-FR", name
        assert header.authors, name
        assert header.custodian, name
        assert header.legal_authenticator, name
        assert header.legal_authenticator.name, name
        assert header.encounter, name
        assert header.encounter.facility_type, name
        assert header.patient, name
        assert header.patient.claim, name
        assert header.patient.traits.birth_date, name


TABLE = tomllib.loads((Path(__file__).parent / "examples.toml").read_text("utf-8"))["example"]


def test_what_is_found_in_each_is_in_the_table(examples: dict[str, Path]) -> None:
    """Every rule of every file, by profile: `python -m tools.findings --examples FOLDER` writes it."""
    assert set(TABLE) == set(examples)
    for name, path in examples.items():
        assert judged(read(path)) == TABLE[name], name


def test_the_page_of_findings_is_that_of_the_table() -> None:
    """When it is not: .venv/bin/python -m tools.findings."""
    assert findings.PAGE.read_text("utf-8") == findings.page()


def test_a_demonstration_refuses_none_of_them() -> None:
    """And a strict one, or a production instance, refuses for their identity alone."""
    rules: Counter[str] = Counter()
    for name, found in TABLE.items():
        assert found["refused"] == [], name
        rules.update(found["warnings"])
        identity = {"ins-key", "ins-production-system", "several-ins", "ins-test-system"}
        assert {*found["strict"], *found["production"]} <= identity, name
    assert rules["ins-key"] == 8
    assert rules["ins-production-system"] == 9


def test_every_finding_has_a_place(examples: dict[str, Path]) -> None:
    """A vendor asks where: a path in the document and a line of the file."""
    for name, path in examples.items():
        lines = path.read_bytes().count(b"\n") + 1
        for each in conformance(read(path), profile=Profile.STRICT):
            assert each.path.startswith("ClinicalDocument/") or each.line, (name, each.rule)
            assert each.line is None or 1 <= each.line <= lines, (name, each.rule)


# Numbers that several files give to people whose traits differ: whichever comes first is the holder.
COLLISIONS = {
    ("CSE-CS24_2025.01.xml", "CSE-CS8_2025.01.xml"),
    ("CSE-CS8_2024.01.xml", "OBP-SNE_2024.01.xml"),
    ("OBP-SAP_2024.01.xml", "eDISP-MED_2024.01.xml"),
    ("OBP-SCM_2024.01.xml", "eDISP-MED_2024.01.xml"),
    ("OBP-SNM_2024.01.xml", "eDISP-MED_2024.01.xml"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
async def test_a_demonstration_takes_them_all_whatever_comes_first(
    space: Space, examples: dict[str, Path], backwards: bool
) -> None:
    """69 of 69, and never two people in one record."""
    visit, acts = await space.visit("lab-software"), space.built.desk.acts
    where: dict[str, int] = {}
    apart = set()
    for name in sorted(examples, reverse=backwards):
        done = await receive(visit, acts, examples[name].read_bytes(), create_patient=True)
        assert done.created, name
        place = space.built.door.ids.decode(done.address.split("/")[1])
        assert place is not None
        where[name] = place[0]
        found = {each.rule for each in done.findings if each.severity is not Severity.INFORMATION}
        assert found >= {*TABLE[name]["warnings"]}, name
        assert ("quarantined" in found) == done.quarantined, name
        if done.quarantined:
            apart.add(name)
    for one, other in COLLISIONS:
        assert where[one] != where[other], (one, other)
    by_traits: dict[tuple[object, ...], set[int]] = {}
    for name, path in examples.items():
        said = read(path).header.patient
        assert said is not None
        assert said.claim is not None
        key = quarantine.key(said.claim, said.traits)
        by_traits.setdefault(tuple(key.values()), set()).add(where[name])
    assert {len(records) for records in by_traits.values()} == {1}, "the same person, one record"
    # Wrong keys are nobody's number; of a collision, who came second.
    wrong = {name for name, found in TABLE.items() if "ins-key" in found["warnings"]}
    assert apart >= wrong
    assert apart - wrong <= {name for pair in COLLISIONS for name in pair}


REPORTS = {
    "BIO-CR-BIO_2021.01_CDA-R2-Niveau-1.xml": (0, 0),
    "BIO-CR-BIO_2021.01_Electrophorese.xml": (44, 20),
    "BIO-CR-BIO_2021.01_Microbiologie_V1.xml": (14, 0),
    "BIO-CR-BIO_2021.01_Microbiologie_V2.xml": (14, 0),
    "BIO-CR-BIO_2024.01_CR-2nde-intention-PDF.xml": (1, 0),
    "BIO-CR-BIO_2024.01_CRP_non_LOINC.xml": (1, 0),
    "BIO-CR-BIO_2024.01_DEP-CCU-HPV-structuré-CYTO-pdf.xml": (1, 1),
    "BIO-CR-BIO_2024.01_DEP-CCU-tout-structuré.xml": (2, 2),
    "BIO-CR-BIO_2024.01_Electrophorese.xml": (44, 20),
    "BIO-CR-BIO_2024.01_Glycémie mole.xml": (1, 0),
    "BIO-CR-BIO_2024.01_Microbiologie_V1.xml": (14, 0),
    "BIO-CR-BIO_2024.01_TSH_1.xml": (2, 0),
}


def test_every_laboratory_report_is_in_the_table(examples: dict[str, Path]) -> None:
    """A new example is a line to add below."""
    assert {n for n in examples if n.startswith("BIO-CR-BIO")} == set(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_every_observation_of_a_laboratory_report_becomes_a_result(
    examples: dict[str, Path], name: str
) -> None:
    """As many as the source holds: present ones, and recalls of earlier ones."""
    path = examples[name]
    document = read(path)
    results = document.results.results
    assert (len(results), sum(len(r.previous) for r in results)) == REPORTS[name]
    text = path.read_text("utf-8")
    assert text.count('"1.2.250.1.213.1.1.3.80"') == len(results)
    assert all(r.value is not None for r in results)
    assert all(r.at for r in results)
    # What is not understood there is neither a result nor about one.
    for line in metadata.told(document):
        if line.fate == "kept":
            assert line.why == "kind"
            assert line.what.split()[0] in ("observation", "substanceAdministration")
            assert "/act/" not in line.first


KNOWN = [
    # file, code, value, unit, comparator, interpretation, low, high
    ("2024.01_TSH_1", "3016-3", "1.950", "m[IU]/L", None, "N", "0.270", "4.200"),
    ("2024.01_TSH_1", "3024-7", "7.67", "pg/mL", None, "L", "9.30", "17.00"),
    ("2024.01_Glycémie mole", "40193-5", "4.89", "mmol/L", None, "N", "3.89", "3.89"),
    ("2024.01_CR-2nde-intention-PDF", "6301-6", "2.0", None, None, "N", None, None),
    ("2024.01_CRP_non_LOINC", None, "1.0", "mg/L", "<=", "N", None, "5.0"),
    ("2024.01_Electrophorese", "2885-2", "75.0", "g/L", None, None, "63.000000", "83.000000"),
    ("2024.01_Electrophorese", "2865-4", "3.8", "g/L", None, "H", "0.800000", "3.200000"),
    ("2024.01_Electrophorese", "44429-9", "1.50", "{ratio}", None, None, None, None),
    ("2021.01_Electrophorese", "22664-7", "10.02", "mmol/L", None, "H", "3.50", "8"),
    ("2021.01_Electrophorese", "6690-2", "8.2", "10*9/L", None, "N", "5", "10"),
    ("2024.01_Microbiologie_V1", "30405-5", "500", "/mL", None, None, None, None),
    ("2024.01_Microbiologie_V1", "51480-2", "100000", "/mL", None, None, None, None),
    ("2024.01_Microbiologie_V1", "20-8", "0.512", "ug/mL", ">=", "R", None, None),
    ("2024.01_Microbiologie_V1", "28-1", "0.128", "ug/mL", "<", "I", None, None),
]


@pytest.mark.parametrize(
    ("name", "code", "value", "unit", "comparator", "interpretation", "low", "high"), KNOWN
)
def test_values_read_by_eye_are_the_values_read(
    examples: dict[str, Path],
    name: str,
    code: str | None,
    value: str,
    unit: str | None,
    comparator: str | None,
    interpretation: str | None,
    low: str | None,
    high: str | None,
) -> None:
    """The first result of that code in the file, digits included."""
    document = read(examples[f"BIO-CR-BIO_{name}.xml"])
    result = next(r for r in document.results.results if r.code.code == code)
    assert isinstance(result.value, Quantity)
    assert (str(result.value.value), result.value.unit, result.value.comparator) == (
        value,
        unit,
        comparator,
    )
    codes = [i.code for i in result.interpretations]
    assert codes == ([interpretation] if interpretation else [])
    bounds = result.ranges[0] if result.ranges else None
    assert (bounds.low.value if bounds and bounds.low else None) == (Decimal(low) if low else None)
    assert (bounds.high.value if bounds and bounds.high else None) == (
        Decimal(high) if high else None
    )


@pytest.mark.parametrize(
    ("name", "code", "coded", "words"),
    [
        ("2024.01_DEP-CCU-tout-structuré", "77379-6", "1269497006", "ADN d'HPV-HR détecté"),
        ("2024.01_DEP-CCU-tout-structuré", "10524-7", "MED-1194", "adénocarcinome SAP"),
        ("2024.01_Microbiologie_V1", "5778-6", None, "paille"),
        ("2024.01_Microbiologie_V1", "653-6", None, "nombreux Gram - ; quelques Gram +"),
    ],
)
def test_coded_values_read_by_eye_are_the_values_read(
    examples: dict[str, Path], name: str, code: str, coded: str | None, words: str
) -> None:
    """With a code or only with words."""
    document = read(examples[f"BIO-CR-BIO_{name}.xml"])
    result = next(r for r in document.results.results if r.code.code == code)
    assert isinstance(result.value, Code)
    assert (result.value.code, result.value.original) == (coded, words)


def test_a_local_code_stands_for_a_missing_loinc_one(examples: dict[str, Path]) -> None:
    """The laboratory's own code, named as the report names it."""
    (result,) = read(examples["BIO-CR-BIO_2024.01_CRP_non_LOINC.xml"]).results.results
    assert result.label == "CRP"
    assert [t.code for t in result.code.translations] == ["1234"]


def test_isolates_carry_their_antibiograms(examples: dict[str, Path]) -> None:
    """Two germs from one urine, three antibiotics each."""
    results = read(examples["BIO-CR-BIO_2024.01_Microbiologie_V1.xml"]).results
    isolates = [i for i, g in enumerate(results.groups) if g.isolate]
    organisms = [results.specimens[results.groups[i].specimen or 0].type for i in isolates]
    assert [o and o.code for o in organisms] == ["112283007", "58800005"]
    for isolate in isolates:
        (battery,) = [i for i, g in enumerate(results.groups) if g.parent == isolate]
        tested = [r for r in results.results if r.group == battery]
        assert [r.code.code for r in tested] == ["20-8", "28-1", "18928-2"]
    assert results.comments == ("Traitement immédiat",)


def test_a_second_version_names_the_first(examples: dict[str, Path]) -> None:
    """RPLC, version 2 of the same set."""
    header = read(examples["BIO-CR-BIO_2021.01_Microbiologie_V2.xml"]).header
    assert header.version == 2
    assert [i.root for i in header.replaces] == ["1.2.250.1.213.1.1.1.55.12345.8"]


@pytest.mark.parametrize("name", [n for n in REPORTS if "2024" in n or "Niveau-1" in n])
def test_the_printed_report_is_found(examples: dict[str, Path], name: str) -> None:
    """The copy of a level 3, the body of a level 1."""
    copy = read(examples[name]).copy
    assert copy
    assert copy.role is (Role.BODY if "Niveau-1" in name else Role.COPY)
    assert copy.data.startswith(b"%PDF-")
    assert b"%%EOF" in copy.data[-2000:]


def test_every_document_gives_resources_of_the_right_structure(examples: dict[str, Path]) -> None:
    """Judged by the validator of what comes from outside; the JSON door takes them."""
    numbers = count()
    for name, path in examples.items():
        found = resources(
            read(path),
            patient="Patient/x",
            received=datetime(2025, 1, 1, tzinfo=UTC),
            new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
        )
        for one in found:
            assert structure.check(one.resource) == [], (name, one.resource["resourceType"])
            assert json.parse(json.dump(one.resource)) == one.resource, name
