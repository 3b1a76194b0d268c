# SPDX-License-Identifier: EUPL-1.2
"""How a treatment is taken: doses, rhythms, steps, words."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import FRENCH, own_id, related, templates
from tests.documents.metadata.entries.test_medications import (
    NO_PRODUCT,
    PRESCRIBED,
    administration,
    one,
)

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"


def line(source: bytes, before: str = "", inside: str = "") -> list[Json]:
    """The dosages of one line of prescription."""
    entry = administration(inside, template="83", mood="INT", before=before)
    found: list[Json] = one(source, entry, code=PRESCRIBED).get("dosageInstruction", [])
    return found


def time(kind: str, inside: str = "", attributes: str = "") -> str:
    return f'<effectiveTime xsi:type="{kind}" {attributes}>{inside}</effectiveTime>'


def step(inside: str, attributes: str = "") -> str:
    return related(
        "COMP",
        f'<substanceAdministration classCode="SBADM" moodCode="INT" {attributes}>'
        f'{templates(FRENCH + "83.1")}{own_id()}<statusCode code="completed"/>{inside}{NO_PRODUCT}'
        "</substanceAdministration>",
    )


@pytest.mark.parametrize(
    ("written", "repeat"),
    [
        (
            time("PIVL_TS", '<period value="8" unit="h"/>', 'operator="A"'),
            {"frequency": 1, "period": 8, "periodUnit": "h"},
        ),
        (  # so many times a day, at the hours of the place
            time("PIVL_TS", '<period value="8" unit="h"/>', 'institutionSpecified="true"'),
            {"frequency": 3, "period": 1, "periodUnit": "d"},
        ),
        (
            time("PIVL_TS", '<period value="1.5" unit="d"/>'),
            {"frequency": 1, "period": 1.5, "periodUnit": "d"},
        ),
        (time("PIVL_TS", '<period value="0" unit="d"/>'), None),
        (time("PIVL_TS", '<period value="2" unit="lunes"/>'), None),
        (time("EIVL_TS", '<event code="HS"/>'), {"when": ["HS"]}),
        (
            time("EIVL_TS", '<event code="ACM"/><offset><low value="-1" unit="h"/></offset>'),
            {"when": ["ACM"], "offset": 60},
        ),
        (  # FHIR wants no offset from a meal itself (tim-9)
            time("EIVL_TS", '<event code="CM"/><offset><low value="10" unit="min"/></offset>'),
            {"when": ["CM"]},
        ),
        (
            time("EIVL_TS", '<event code="ACM"/>')
            + time("EIVL_TS", '<event code="ACV"/>', 'operator="I"'),
            {"when": ["ACM", "ACV"]},
        ),
        (
            time("PIVL_TS", '<period value="2" unit="d"/>')
            + time("EIVL_TS", '<event code="HS"/>', 'operator="A"'),
            {"frequency": 1, "period": 2, "periodUnit": "d", "when": ["HS"]},
        ),
        (
            time("PIVL_TS", '<phase value="202503130800+0100"/><period value="1" unit="d"/>')
            + time(
                "PIVL_TS",
                '<phase value="202503132000+0100"/><period value="24" unit="h"/>',
                'operator="I"',
            ),
            {
                "frequency": 1,
                "period": 1,
                "periodUnit": "d",
                "timeOfDay": ["08:00:00", "20:00:00"],
            },
        ),
        (
            time("IVL_TS", '<low value="20250313"/><high value="20250320"/>'),
            {"boundsPeriod": {"start": "2025-03-13", "end": "2025-03-20"}},
        ),
        (
            time("IVL_TS", '<low value="20250313"/><width value="2" unit="d"/>'),
            {"boundsPeriod": {"start": "2025-03-13", "end": "2025-03-14"}},
        ),
        (
            time("IVL_TS", '<width value="10" unit="d"/>'),
            {"boundsDuration": {"value": 10, "unit": "d", "system": UCUM, "code": "d"}},
        ),
    ],
)  # fmt: skip
def test_a_rhythm_is_said_as_it_is(laboratory: bytes, written: str, repeat: Json | None) -> None:
    found = line(laboratory, written + '<doseQuantity value="1"/>')
    assert found[0].get("timing", {}).get("repeat") == repeat


def test_a_rhythm_that_fhir_has_no_code_for_is_said_in_words(laboratory: bytes) -> None:
    found = line(laboratory, time("EIVL_TS", '<event code="ICM"/>'))
    assert found[0]["timing"]["code"] == {"text": "entre le petit déjeuner et le déjeuner"}
    assert "repeat" not in found[0]["timing"]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ('<doseQuantity value="2" unit="{cp}"/>', ("doseQuantity", "value", 2)),
        (
            '<doseQuantity><low value="1"/><high value="2"/></doseQuantity>',
            ("doseRange", "high", {"value": 2}),
        ),
        (
            '<doseQuantity><low value="2"/><high value="2"/></doseQuantity>',
            ("doseQuantity", "value", 2),
        ),
        ('<doseQuantity><low value="2"/></doseQuantity>', ("doseRange", "low", {"value": 2})),
        ('<doseQuantity><high value="2"/></doseQuantity>', ("doseRange", "high", {"value": 2})),
        (
            '<rateQuantity><low value="9"/><high value="9"/></rateQuantity>',
            ("rateQuantity", "value", 9),
        ),
    ],
)
def test_a_dose_is_what_is_written_and_no_more(
    laboratory: bytes, written: str, given: tuple[str, str, object]
) -> None:
    element, part, value = given
    (dose,) = line(laboratory, written)[0]["doseAndRate"]
    assert dose[element][part] == value
    assert len(dose) == 1


def test_steps_that_begin_one_after_the_other_are_in_order(laboratory: bytes) -> None:
    steps = [
        step(
            time(
                "SXPR_TS",
                f'<comp xsi:type="IVL_TS"><low value="{start}"/><width value="2" unit="d"/></comp>'
                f'<comp xsi:type="PIVL_TS" operator="A"><period value="{hours}" unit="h"/></comp>',
            )
            + '<doseQuantity value="1"/>'
        )
        for start, hours in (("20250313", 8), ("20250315", 12))
    ]
    maximum = (
        '<maxDoseQuantity><numerator value="4"/><denominator value="1" unit="d"/></maxDoseQuantity>'
    )
    found = line(laboratory, maximum, "".join(steps))
    assert [each["sequence"] for each in found] == [1, 2]
    assert [each["timing"]["repeat"]["period"] for each in found] == [8, 12]
    assert [each["timing"]["repeat"]["boundsPeriod"]["end"] for each in found] == [
        "2025-03-14",
        "2025-03-16",
    ]
    # What is said of the whole is said of each step: the most a day cannot be missed.
    assert all(each["maxDosePerPeriod"]["numerator"]["value"] == 4 for each in found)


def test_steps_of_the_same_time_are_taken_together(laboratory: bytes) -> None:
    steps = [
        step(time("EIVL_TS", f'<event code="{event}"/>') + '<doseQuantity value="1"/>')
        for event in ("ACM", "HS")
    ]
    found = line(laboratory, "", "".join(steps))
    assert [each["timing"]["repeat"]["when"] for each in found] == [["ACM"], ["HS"]]
    assert not [each for each in found if "sequence" in each]


def test_a_step_that_is_denied_is_no_step(laboratory: bytes) -> None:
    denied = step('<doseQuantity value="9"/>', 'negationInd="true"')
    found = line(laboratory, "", step('<doseQuantity value="1"/>') + denied)
    assert [each["doseAndRate"][0]["doseQuantity"]["value"] for each in found] == [1]


def test_a_dosage_in_words_is_said_in_words_and_a_name_is_no_dosage(laboratory: bytes) -> None:
    said = line(laboratory, "<text>1 comprimé si fièvre, 3 par jour au plus</text>")
    assert said == [{"text": "1 comprimé si fièvre, 3 par jour au plus"}]
    assert line(laboratory, "<text>MÉDICAMENT FICTIF 5 mg, comprimé</text>") == []


@pytest.mark.parametrize(
    ("condition", "element"),
    [
        ("Si douleur", "asNeededCodeableConcept"),
        ("En cas de crise", "asNeededCodeableConcept"),
        ("À suspendre pendant le séjour", "additionalInstruction"),
    ],
)
def test_only_a_need_makes_a_treatment_as_needed(
    laboratory: bytes, condition: str, element: str
) -> None:
    criterion = f"<precondition><criterion><text>{condition}</text></criterion></precondition>"
    (found,) = line(laboratory, '<doseQuantity value="1"/>', criterion)
    both = {"asNeededCodeableConcept", "additionalInstruction"}
    assert both & set(found) == {element}
    assert condition in str(found[element])
