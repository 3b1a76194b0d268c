# SPDX-License-Identifier: EUPL-1.2
"""Laboratory values: plausible, slow, and consistent with one another."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from carnet.identity import luhn
from carnet.population import Person, laboratory, make
from carnet.population.data import table
from carnet.population.laboratory import Measure
from tests import people

EVERYTHING = tuple(laboratory.panels())
NOON = datetime(2024, 6, 3, 6, 30, tzinfo=UTC)


def _all(person: Person, at: datetime = NOON, lab: str = "lab-quais") -> dict[str, Measure]:
    found = laboratory.measures(people.SEED, person, EVERYTHING, at, lab)
    return {m.analyte.key: m for _, measures in found for m in measures}


def test_every_line_of_the_tables_says_where_it_comes_from() -> None:
    for row in table("laboratory")["analyte"]:
        assert row["source"].startswith(f"LOINC {row['code']} ")
        assert row["unverified"] is True


def test_loinc_codes_have_right_check_digits_and_are_not_shared() -> None:
    """LOINC's check digit is Luhn's (LOINC Users' Guide)."""
    codes = [analyte.code for analyte in laboratory.analytes().values()]
    codes += [panel.battery for panel in laboratory.panels().values() if panel.battery]
    codes += [panel.chapter for panel in laboratory.panels().values()]
    for code in codes:
        root, digit = code.split("-")
        assert luhn.key(root) == int(digit), code
    measured = [analyte.code for analyte in laboratory.analytes().values()]
    assert len(set(measured)) == len(measured)


def test_the_same_moment_gives_the_same_values_whatever_is_asked_with() -> None:
    alone = laboratory.measures(people.SEED, people.PATIENT, ["thyroid"], NOON, "lab-quais")
    assert alone[0][1][0].value == _all(people.PATIENT)["tsh"].value


def test_no_analyte_comes_twice_in_a_report() -> None:
    found = laboratory.measures(
        people.SEED, people.PATIENT, ["glucose", "glycaemia"], NOON, "lab-quais"
    )
    assert [(panel.key, len(measures)) for panel, measures in found] == [("glycaemia", 2)]


def test_values_have_the_digits_of_their_table() -> None:
    values = _all(people.PATIENT)
    assert values["hba1c"].value.as_tuple().exponent == -1
    assert values["platelets"].value.as_tuple().exponent == 0


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        ("4.0", "4.0", "6.0", "N"),
        ("6.0", "4.0", "6.0", "N"),
        ("6.1", "4.0", "6.0", "H"),
        ("3.9", "4.0", "6.0", "L"),
        ("9.9", None, "5.0", "H"),
        ("0.1", None, "5.0", "N"),
        ("9.9", "60", None, "L"),
        ("9.9", None, None, "N"),
    ],
)
def test_interpretation_follows_the_printed_range(
    value: str, low: str | None, high: str | None, said: str
) -> None:
    measure = Measure(
        laboratory.analytes()["hba1c"],
        Decimal(value),
        Decimal(low) if low else None,
        Decimal(high) if high else None,
    )
    assert measure.interpretation == said


def test_ranges_depend_on_sex_age_and_laboratory() -> None:
    woman, man, child = people.PARENT, people.PARTNER, people.MINOR
    assert (_all(woman)["haemoglobin"].low, _all(man)["haemoglobin"].low) == (
        Decimal("12.0"),
        Decimal("13.0"),
    )
    assert _all(child)["haemoglobin"].low == Decimal("11.5")
    assert _all(woman)["tsh"].high == Decimal("4.20")
    assert _all(woman, lab="lab-indrois")["tsh"].high == Decimal("4.00")


def test_a_child_has_no_estimated_filtration_rate() -> None:
    assert "egfr" not in _all(people.MINOR)
    assert "egfr" in _all(people.ELDER)


def test_the_filtration_rate_follows_the_published_equation() -> None:
    """CKD-EPI 2009: a woman of 57 with 0.7 mg/dL (62 µmol/L), and worked by hand."""
    values = _all(people.PATIENT)
    ratio = float(values["creatinine"].value) / 88.4 / 0.7
    power = ratio**-0.329 if ratio <= 1 else ratio**-1.209
    expected = 144 * power * 0.993 ** people.PATIENT.age(NOON.date())
    assert abs(float(values["egfr"].value) - expected) <= 2


def test_ldl_is_what_friedewald_says() -> None:
    v = {key: float(measure.value) for key, measure in _all(people.HUSBAND).items()}
    assert abs(v["cholesterol"] - v["hdl"] - v["triglycerides"] / 2.2 - v["ldl"]) < 0.03


def test_red_cells_haematocrit_and_volume_agree() -> None:
    v = {key: float(measure.value) for key, measure in _all(people.ELDER).items()}
    assert abs(v["haematocrit"] / v["erythrocytes"] * 10 - v["mcv"]) < 1.5


def test_values_move_slowly() -> None:
    """Two measures a day apart are nearer than two laboratories would agree."""
    for key, measure in _all(people.PATIENT).items():
        tomorrow = _all(people.PATIENT, NOON + timedelta(days=1))[key]
        gap = abs(measure.value - tomorrow.value)
        assert gap <= max(measure.value * Decimal("0.15"), measure.analyte.step * 2), key


def test_the_patient_s_diabetes_gets_worse_then_better() -> None:
    years = {
        year: _all(people.PATIENT, datetime(year, 5, 10, 6, tzinfo=UTC))["hba1c"].value
        for year in range(2021, 2027)
    }
    assert years[2021] < years[2023] > years[2026]
    assert years[2023] > Decimal("8")


def test_healthy_adults_are_mostly_within_range() -> None:
    healthy = [p for p in make(5, 300).people if not p.profiles]
    said = [m.interpretation for p in healthy for k, m in _all(p).items() if k != "inr"]
    assert len(healthy) > 60
    assert said.count("N") / len(said) > 0.85


def test_every_value_stays_within_its_limits() -> None:
    for person in make(6, 200).people:
        for measure in _all(person).values():
            low, high = measure.analyte.limits
            assert low <= float(measure.value) <= high


def test_numbers_are_printed_as_french_people_read_them() -> None:
    egfr = _all(people.PATIENT)["egfr"]
    assert laboratory.printed(Decimal("7.2"), "%") == "7,2 %"
    assert laboratory.printed(Decimal("2.5"), "") == "2,5"
    assert laboratory.printed_range(egfr) == "supérieur à 60 mL/min/1,73 m²"
