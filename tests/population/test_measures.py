# SPDX-License-Identifier: EUPL-1.2
"""What people measure at home: of the national shapes, repeatable, plausible."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from carnet.fhir import json
from carnet.fhir.validation import structure
from carnet.population import Person, bodies, make, measures
from carnet.population.clock import at
from carnet.population.data import table
from tests import people

POPULATION = make(people.SEED, 250)


@cache
def everything() -> tuple[tuple[Person, dict[str, Any]], ...]:
    return tuple((one, each) for one in POPULATION.people for each in measures(POPULATION, one))


def of(name: str) -> Iterator[tuple[Person, dict[str, Any]]]:
    code = table("measures")["measure"][name]["code"]
    return (pair for pair in everything() if pair[1]["code"]["coding"][0]["code"] == code)


def test_measures_follow_the_structure_of_an_observation() -> None:
    for _, one in everything()[::23]:
        whole = {**one, "subject": {"reference": "Patient/a"}}
        assert structure.check(whole) == []
        assert json.parse(json.dump(whole)) == whole


def test_no_measure_names_its_subject() -> None:
    assert not any("subject" in one or "performer" in one for _, one in everything())


def test_every_kind_of_measure_is_there_with_its_unit() -> None:
    for name in ("weight", "height", "heart_rate", "glucose", "steps", "pain"):
        found = [one for _, one in of(name)]
        row = table("measures")["measure"][name]
        assert len(found) > 20, name
        assert {one["valueQuantity"]["code"] for one in found} == {row["ucum"]}
        assert all(one["meta"]["profile"][0].endswith(row["profile"]) for one in found)


def test_a_blood_pressure_has_two_parts_and_no_value() -> None:
    pressures = [one for _, one in of("pressure")]
    assert len(pressures) > 100
    for one in pressures:
        assert "valueQuantity" not in one
        assert [part["code"]["coding"][0]["code"] for part in one["component"]] == [
            "8480-6",
            "8462-4",
        ]
        high, low = (part["valueQuantity"]["value"] for part in one["component"])
        assert 85 < low + 25 < high < 200


def test_a_glucose_says_its_moment_and_the_others_do_not() -> None:
    """The profile asks for it with blood glucose and forbids it elsewhere."""
    code = table("measures")["measure"]["glucose"]["code"]
    for _, one in everything():
        assert ("extension" in one) == (one["code"]["coding"][0]["code"] == code)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("weight", 2, 160), ("height", 45, 205), ("heart_rate", 40, 120), ("glucose", 60, 420),
     ("steps", 500, 16_000), ("pain", 0, 10)],
)  # fmt: skip
def test_values_are_plausible(name: str, low: float, high: float) -> None:
    for _, one in of(name):
        assert low <= one["valueQuantity"]["value"] <= high


def test_measures_come_oldest_first_and_each_once() -> None:
    for person in POPULATION.people:
        mine = [one for who, one in everything() if who is person]
        moments = [datetime.fromisoformat(one["effectiveDateTime"]) for one in mine]
        assert moments == sorted(moments)
    names = [one["identifier"][0]["value"] for _, one in everything()]
    assert len(set(names)) == len(names) > 5000


def test_a_later_day_adds_measures_and_changes_none() -> None:
    later = make(people.SEED, 7, date(2028, 3, 1))
    before = list(measures(POPULATION, people.PATIENT))
    after = list(measures(later, people.PATIENT))
    assert after[: len(before)] == before
    assert len(after) > len(before) > 200


def test_children_grow() -> None:
    for seed in range(20):
        heights = [
            bodies.height(seed, people.MINOR, at(date(year, 6, 21), 8))
            for year in range(2019, 2036)
        ]
        assert heights == sorted(heights)
        assert 70 < heights[0] < 84
        assert 160 < heights[-1] < 195


def test_the_patient_s_glucose_follows_her_hba1c() -> None:
    """Her diabetes was at its worst in the spring of 2023 (laboratory.toml)."""
    values: dict[int, list[float]] = {}
    for person, one in of("glucose"):
        if person is POPULATION.person("patient"):
            year = int(one["effectiveDateTime"][:4])
            values.setdefault(year, []).append(one["valueQuantity"]["value"])
    means = {year: sum(found) / len(found) for year, found in values.items()}
    assert means[2023] > means[2025] + 10
