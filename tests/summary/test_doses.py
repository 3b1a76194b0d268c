# SPDX-License-Identifier: EUPL-1.2
"""A coded dose in words, in French and in English; what has no words stays as its source wrote it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from carnet.summary.doses import dosages, dose
from carnet.summary.facts import rules
from carnet.summary.pages import Ours
from carnet.summary.words import LANGUAGES

UCUM, EDQM = "http://unitsofmeasure.org", "http://standardterms.edqm.eu"


def taken(value: float | Decimal, unit: str, code: str = "", **repeat: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit, "system": UCUM} | ({"code": code} if code else {})
    return {"doseAndRate": [{"doseQuantity": quantity}], "timing": {"repeat": repeat}}


DAILY: dict[str, Any] = {"frequency": 1, "period": 1, "periodUnit": "d"}


@pytest.mark.parametrize(
    ("dosage", "french", "english"),
    [
        (taken(1, "tablet", **DAILY), "1 comprimé, 1 fois par jour", "1 tablet, once a day"),
        (
            taken(1, "{tablet}", frequency=1, period=24, periodUnit="h"),
            "1 comprimé, 1 fois par jour",
            "1 tablet, once a day",
        ),
        (
            taken(2, "", "15054000", frequency=2, period=1, periodUnit="d"),
            "2 comprimés, 2 fois par jour",
            "2 tablets, twice a day",
        ),
        (
            taken(Decimal("0.5"), "Comprimé", "15054000", when=["MORN", "NOON", "EVE"]),
            "0,5 comprimé, le matin, à midi et le soir",
            "0.5 tablet, in the morning, at noon and in the evening",
        ),
        (taken(1, "cp", when=["AC"]), "1 comprimé, avant le repas", "1 tablet, before the meal"),
        (
            taken(1, "cp", when=["PCD", "HS"]),
            "1 comprimé, après le déjeuner et au coucher",
            "1 tablet, after lunch and at bedtime",
        ),
        (
            taken(1, "gélule", when=["ACM"], offset=30),
            "1 gélule, 30 minutes avant le petit-déjeuner",
            "1 capsule, 30 minutes before breakfast",
        ),
        (
            taken(500, "mg", "mg", frequency=1, period=8, periodUnit="h"),
            "500 mg, toutes les 8 heures",
            "500 mg, every 8 hours",
        ),
        (
            taken(1, "Patch", "15036000", frequency=1, period=72, periodUnit="h"),
            "1 patch, toutes les 72 heures",
            "1 patch, every 72 hours",
        ),
        (
            taken(10, "[drp]", frequency=3, period=1, periodUnit="d"),
            "10 gouttes, 3 fois par jour",
            "10 drops, 3 times a day",
        ),
        (
            taken(1, "dose", frequency=1, frequencyMax=2, period=1, periodUnit="d"),
            "1 dose, 1 à 2 fois par jour",
            "1 dose, 1 to 2 times a day",
        ),
        (
            taken(1, "g", frequencyMax=1, period=6, periodUnit="h"),
            "1 g, au plus 1 fois toutes les 6 heures",
            "1 g, at most once every 6 hours",
        ),
        (
            taken(1, "Seringue", frequency=1, periodUnit="wk", dayOfWeek=["fri"]),
            "1 seringue, le vendredi",
            "1 syringe, on Friday",
        ),
        (
            {"timing": {"repeat": {**DAILY, "boundsDuration": {"value": 7, "code": "d"}}}},
            "1 fois par jour, pendant 7 jours",
            "once a day, for 7 days",
        ),
        ({"timing": {"code": {"coding": [{"code": "BID"}]}}}, "2 fois par jour", "twice a day"),
        (
            {**taken(1, "cp"), "asNeededBoolean": True},
            "1 comprimé, si besoin",
            "1 tablet, as needed",
        ),
        (
            {**taken(1, "cp"), "asNeededCodeableConcept": {"text": "douleur"}},
            "1 comprimé, si besoin\u00a0: douleur",
            "1 tablet, as needed: douleur",
        ),
        (
            {**taken(1, "cp"), "maxDosePerPeriod": {
                "numerator": {"value": 4, "unit": "g"}, "denominator": {"value": 24, "code": "h"}}},
            "1 comprimé, au plus 4 g par jour",
            "1 tablet, at most 4 g a day",
        ),
        # What has no words stays as it is.
        (taken(1, "cuillère-mesure", when=["IMD"]), "1 cuillère-mesure, IMD", "1 cuillère-mesure, IMD"),
        (
            taken(2, "", "99999999", frequency=1, period=3, periodUnit="moon"),
            "2 99999999, 1 fois × / 3 moon",
            "2 99999999, once × / 3 moon",
        ),
    ],
)  # fmt: skip
def test_a_coded_dose_is_said(dosage: dict[str, Any], french: str, english: str) -> None:
    own = {"dosageInstruction": [dosage]}
    assert dose(own, "fr") == french
    assert dose(own, "en") == english
    assert isinstance(dose(own, "en"), Ours)


def test_the_words_of_a_source_stay_its_own() -> None:
    own = {"dosage": [{"text": "1 matin et soir", **taken(1, "tablet", **DAILY)}]}
    assert dose(own, "en") == "1 matin et soir"
    assert not isinstance(dose(own, "en"), Ours)


def test_several_lines_of_one_dose_are_all_told() -> None:
    own = {"dosage": [taken(1, "tablet", when=["MORN"]), taken(2, "tablet", when=["EVE"])]}
    assert dose(own, "fr") == "1 comprimé, le matin ; 2 comprimés, le soir"


@pytest.mark.parametrize(
    "dosage",
    [
        {"doseAndRate": "x", "timing": 3},
        {"doseAndRate": [{"doseQuantity": {"unit": "mg"}}], "timing": {"repeat": []}},
        {"timing": {"repeat": {"frequency": "2", "period": None, "when": "AC", "dayOfWeek": 3}}},
        {"timing": {"repeat": {"frequency": 10**9, "period": Decimal("1E+3"), "periodUnit": "h"}}},
        {"timing": {"repeat": {"timeOfDay": ["08:00:00"] * 500, "offset": -4, "when": ["", None]}}},
        {"maxDosePerPeriod": {"numerator": {"value": 1}, "denominator": {}}},
        {"asNeededCodeableConcept": {}, "additionalInstruction": [{}]},
        {"doseAndRate": [{"rateRatio": {"numerator": {"value": 1, "unit": "mL"}}}]},
    ],
)
def test_a_dose_of_any_shape_is_no_error(dosage: dict[str, Any]) -> None:
    for language in LANGUAGES:
        assert len(dose({"dosage": [dosage]}, language)) < 400


def test_every_word_is_in_both_languages() -> None:
    data = rules("doses")
    for table in ("time", "when", "far", "day", "code", "words"):
        for name, each in data[table].items():
            assert set(each) == set(LANGUAGES), (table, name)
    for each in data["unit"]:
        assert all(len(each[language]) == 2 for language in LANGUAGES), each
    codes = [code for each in data["unit"] for code in each["as"]]
    assert len(codes) == len(set(codes))


def test_the_doses_of_the_published_prescriptions_have_no_code_left(shared: Path) -> None:
    """ePrescription of ANS: each coded dose is words and numbers, with no code among them."""
    told: list[str] = []

    def look(found: Any) -> None:
        if isinstance(found, dict):
            for each in dosages(found):
                bare = {k: v for k, v in each.items() if k not in ("text", "patientInstruction")}
                told.append(dose({"dosage": [bare]}, "fr"))
            for inner in found.values():
                look(inner)
        elif isinstance(found, list):
            for inner in found:
                look(inner)

    for file in sorted((shared / "data/french/eprescription/examples").rglob("*.json")):
        look(json.loads(file.read_text("utf-8"), parse_float=Decimal))
    said = [each for each in told if each]
    assert len(said) > 20
    raw = re.compile(
        r"(?<!°)\b(?:AC|PC|HS|C|CM|CD|CV|AC[MDV]|PC[MDV]|MORN|NOON|AFT|EVE|NIGHT|WAKE)\b|[{}×]|(?<![\d,])\d{7}"
    )
    assert not [each for each in said if raw.search(each)]
