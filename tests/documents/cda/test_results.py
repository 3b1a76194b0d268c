# SPDX-License-Identifier: EUPL-1.2
"""Results of a report of ours: each type of value, and what is never taken for a result."""

from decimal import Decimal

import pytest

from carnet.documents import cda
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.datatypes import Code, Id, Interval, Period, Quantity, Ratio
from carnet.documents.cda.results import Result
from carnet.documents.cda.values import Value


@pytest.fixture(scope="module")
def document(laboratory: bytes) -> CdaDocument:
    return cda.read(laboratory)


def result(document: CdaDocument, code: str) -> Result:
    (found,) = [r for r in document.results.results if r.code.code == code]
    return found


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("2951-2", Quantity(Decimal("140"), "mmol/L")),
        ("1988-5", Quantity(Decimal("0.50"), "mg/L", "<")),
        (
            "40193-5",
            Quantity(Decimal("5.10"), "mmol/L", None, (Quantity(Decimal("0.92"), "g/L"),)),
        ),
        ("99999-2", Ratio(Quantity(Decimal(1)), Quantity(Decimal(160)))),
        ("99999-3", 3),
        ("5767-9", "clair <b>x</b>"),
        ("99999-4", "environ 12 mg/L"),  # a PQ that is no number: shown as written
        ("51480-2", Quantity(Decimal("1e5"), "/mL")),
        ("28-1", Quantity(Decimal("32"), "ug/mL", ">=")),
    ],
)
def test_a_value_is_read_as_its_type_says(document: CdaDocument, code: str, value: Value) -> None:
    """Digits, unit and comparison as written."""
    assert result(document, code).value == value


def test_a_coded_value_keeps_its_words(document: CdaDocument) -> None:
    """The author's text is found in the narrative."""
    value = result(document, "99999-1").value
    assert isinstance(value, Code)
    assert (value.code, value.original) == ("131194007", "non réactif")


def test_a_masked_value_is_masked(document: CdaDocument) -> None:
    """No value, and why."""
    assert (result(document, "2276-4").value, result(document, "2276-4").null) == (None, "MSK")


def test_a_result_is_named_as_its_author_named_it(document: CdaDocument) -> None:
    """The line of the narrative, line breaks made spaces; the code system's name beside."""
    glucose = result(document, "40193-5")
    assert glucose.code.original == "Glycémie à jeun"
    assert glucose.code.display == "Glucose à jeun [Moles/Volume] Sérum/Plasma"


def test_interpretations_methods_and_ranges_are_kept(document: CdaDocument) -> None:
    """Several interpretations, a range with one end, a range in words."""
    glucose, crp = result(document, "40193-5"), result(document, "1988-5")
    assert [i.code for i in glucose.interpretations] == ["N", "U"]
    assert [m.code for m in glucose.methods] == ["DEG"]
    assert glucose.ranges[0].text == "à jeun depuis douze heures"
    assert (crp.ranges[0].low, crp.ranges[0].high) == (None, Quantity(Decimal("5.0"), "mg/L"))
    sodium = result(document, "2951-2").ranges[0]
    assert (sodium.low, sodium.high) == (
        Quantity(Decimal(136), "mmol/L"),
        Quantity(Decimal(145), "mmol/L"),
    )
    assert sodium.meaning
    assert sodium.meaning.code == "N"


def test_a_recalled_result_is_not_a_new_one(document: CdaDocument) -> None:
    """It stands beside the present one, with its own date."""
    sodium = result(document, "2951-2")
    (earlier,) = sodium.previous
    assert earlier.value == Quantity(Decimal("139.0"), "mmol/L")
    assert earlier.at == Period("2024-09-01", "2024-09-01", point=True)


def test_comments_stand_with_what_they_are_about(document: CdaDocument) -> None:
    """A result, or the whole entry."""
    assert result(document, "2951-2").comments == ("Contrôlé deux fois.",)
    assert document.results.comments == ("Prélèvement légèrement hémolysé.",)


def test_the_sample_of_an_entry_is_that_of_its_results(document: CdaDocument) -> None:
    """Nature, collection, reception; the isolate comes from the urine, not from the blood."""
    blood, urine, isolate = document.results.specimens
    assert result(document, "2951-2").specimen == 0
    assert blood.ids == (Id("1.2.250.1.999.10", "TUBE-1"),)
    assert blood.type
    assert blood.type.code == "BLD"
    assert blood.collected
    assert blood.collected.first == "2025-03-12T07:35:00+01:00"
    assert blood.received == "2025-03-12T07:52:00+01:00"
    assert urine.type
    assert urine.type.code == "UR"
    assert isolate.parent == 1
    assert isolate.type
    assert isolate.type.code == "112283007"


def test_with_two_samples_none_is_assumed(laboratory: bytes) -> None:
    """A result is never given to the wrong tube; it may name its own."""
    start = laboratory.index(b'<entryRelationship typeCode="COMP"><procedure')
    end = laboratory.index(b"</procedure></entryRelationship>", start) + 32
    second = laboratory[start:end].replace(b"TUBE-1", b"TUBE-2")
    source = laboratory[:end] + second + laboratory[end:]
    document = cda.read(source)
    assert result(document, "2951-2").specimen is None
    named = (
        b'<specimen><specimenRole><id root="1.2.250.1.999.10" extension="TUBE-2"/>'
        b"</specimenRole></specimen>"
    )
    sodium = b'<value xsi:type="PQ" value="140" unit="mmol/L"/>'
    document = cda.read(source.replace(sodium, sodium + named))
    assert result(document, "2951-2").specimen == 1


def test_a_battery_with_its_own_samples_forgets_that_of_the_entry(laboratory: bytes) -> None:
    """Two more inside it: neither those nor the one above is assumed."""
    start = laboratory.index(b'<entryRelationship typeCode="COMP"><procedure')
    end = laboratory.index(b"</procedure></entryRelationship>", start) + 32
    inside = laboratory[start:end].replace(b'entryRelationship typeCode="COMP"', b"component", 1)
    inside = inside.removesuffix(b"</entryRelationship>") + b"</component>"
    battery = b'displayName="Antibiogramme"/>'
    document = cda.read(laboratory.replace(battery, battery + inside + inside))
    assert result(document, "28-1").specimen is None


def test_an_antibiogram_belongs_to_its_isolate(document: CdaDocument) -> None:
    """Isolate, its battery, its results: each knows the one above."""
    isolate, battery = document.results.groups
    assert (isolate.isolate, isolate.parent, isolate.specimen) == (True, None, 2)
    assert battery.parent == 0
    assert battery.code
    assert battery.code.code == "18769-0"
    assert result(document, "28-1").group == 1
    assert result(document, "28-1").specimen == 2
    assert result(document, "51480-2").group == 0


def test_who_performed_and_who_validated_is_known(document: CdaDocument) -> None:
    """Said once for the entry, true of each result in it."""
    sodium = result(document, "2951-2")
    assert [p.name.text for p in sodium.performers if p.name] == ["Odette PRINVAL"]
    assert [p.name.text for p in sodium.validators if p.name] == ["Dr Ambroise LOMBREUIL"]


def test_a_time_is_that_of_the_result_or_of_what_holds_it(document: CdaDocument) -> None:
    """The isolate's time for its count; none for a result nobody dated."""
    count, aspect = result(document, "51480-2"), result(document, "5767-9")
    assert count.at
    assert count.at.first == "2025-03-14T09:00:00+01:00"
    assert aspect.at is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('moodCode="EVN">', 'moodCode="EVN" negationInd="true">'),
        ('moodCode="EVN">', 'moodCode="INT">'),
        ('moodCode="EVN">', 'moodCode="EVN" nullFlavor="NI">'),
    ],
)
def test_what_did_not_happen_is_no_result(laboratory: bytes, before: str, after: str) -> None:
    """Negated, intended or void: kept in the source, told in the report."""
    start = laboratory.index(b"<observation")
    source = laboratory[:start] + laboratory[start:].replace(before.encode(), after.encode(), 1)
    document = cda.read(source)
    assert "2951-2" not in [r.code.code for r in document.results.results]
    assert any(line.why == "not-done" and line.count == 2 for line in document.report)


VALUES = [
    ('<value xsi:type="REAL" value="2.0"/>', Quantity(Decimal("2.0")), None),
    ('<value xsi:type="v3:PQ" value="2.0" unit="1"/>', Quantity(Decimal("2.0"), "1"), None),
    ('<value xmlns:o="urn:other" xsi:type="o:PQ" value="2.0" unit="mg"/>', "2.0 mg", None),
    ('<value xsi:type="nowhere:PQ" value="2.0" unit="mg"/>', "2.0 mg", None),
    ('<v3:value xmlns="urn:other" xsi:type="PQ" value="2.0" unit="mg"/>', "2.0 mg", None),
    ('<v3:value xmlns="" xsi:type="PQ" value="2.0"/>', Quantity(Decimal("2.0")), None),
    ('<v3:value xsi:type="PQ" value="2.0"/>', Quantity(Decimal("2.0")), None),
    ('<value xsi:type="BL" value="false"/>', False, None),
    ('<value xsi:type="TS" value="20250101"/>', Period("2025-01-01", "2025-01-01", True), None),
    (
        '<value xsi:type="IVL_TS"><low value="2024"/><high value="2025"/></value>',
        Period("2024", "2025"),
        None,
    ),
    (
        '<value xsi:type="IVL_PQ"><low value="1" unit="g"/><high value="2.50" unit="g"/></value>',
        Interval(Quantity(Decimal(1), "g"), Quantity(Decimal("2.50"), "g")),
        None,
    ),
    ('<value xsi:type="ED">clair</value>', "clair", None),
    ('<value xsi:type="ED"><reference value="#com-na"/></value>', "Contrôlé deux fois.", None),
    ('<value xsi:type="CE" nullFlavor="OTH"><originalText>x</originalText></value>',
     Code(None, None, None, "x", (), "OTH"), None),
    ('<value xsi:type="CD" nullFlavor="UNK"/>', None, "UNK"),
    ('<value xsi:type="PQ" nullFlavor="PINF"/>', None, "PINF"),
    ('<value xsi:type="INT" value="3.5"/>', "3.5", None),
    ('<value xsi:type="MO" value="12" currency="EUR"/>', "12", None),
    ('<value value="7" unit="mg"/>', "7 mg", None),
    ("", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value", "null"), VALUES)
def test_every_type_of_value_has_its_reading(
    laboratory: bytes, written: str, value: Value | None, null: str | None
) -> None:
    """What is not understood is shown as written, never dropped, never guessed."""
    sodium = b'<value xsi:type="PQ" value="140" unit="mmol/L"/>'
    source = laboratory.replace(sodium, written.encode())
    source = source.replace(
        b"<ClinicalDocument ", b'<ClinicalDocument xmlns:v3="urn:hl7-org:v3" ', 1
    )
    found = result(cda.read(source), "2951-2")
    assert (found.value, found.null) == (value, null)
    assert type(found.value) is type(value)


def test_a_type_of_another_namespace_is_told_as_not_understood(laboratory: bytes) -> None:
    sodium = b'<value xsi:type="PQ" value="140" unit="mmol/L"/>'
    foreign = sodium.replace(b'xsi:type="', b'xmlns:o="urn:other" xsi:type="o:')
    report = cda.read(laboratory.replace(sodium, foreign)).report
    assert ("value foreign", "value") in {(line.what, line.why) for line in report}


def test_the_report_tells_what_was_kept(document: CdaDocument) -> None:
    """By place and template, never by content."""
    kept = {(line.what, line.why) for line in document.report if line.fate == "kept"}
    assert kept == {
        ("value PQ", "value"),
        ("observation 1.2.250.1.213.1.1.3.80", "not-done"),
        ("supply", "kind"),
    }
    (line,) = [r for r in document.report if r.what == "supply"]
    assert line.first == (
        "structuredBody/component[1]/section/entry[1]/act/entryRelationship[12]/supply"
    )
