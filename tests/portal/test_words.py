# SPDX-License-Identifier: EUPL-1.2
"""Numbers, ranges, readings and trends in words, in both languages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.portal.preview import RESULTS

pytestmark = pytest.mark.db


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        ("5.40", "5,40", "5.40"),
        ("0", "0", "0"),
        ("-0.5", "-0,5", "-0.5"),
        ("1500", "1500", "1500"),
        ("148000", "148\u202f000", "148,000"),
        ("1E+5", "100\u202f000", "100,000"),
        ("12345.60", "12\u202f345,60", "12,345.60"),
    ],
)
def test_a_number_keeps_its_digits(site: Any, value: str, french: str, english: str) -> None:
    from django.utils import translation

    from carnet.portal.record import words

    with translation.override("fr"):
        assert words.number(Decimal(value)) == french
    with translation.override("en"):
        assert words.number(Decimal(value)) == english


@pytest.mark.parametrize(
    ("flag", "number", "low", "high", "side"),
    [
        ("H", "5", "4", "6", "above"),  # what the laboratory says holds
        (None, "7", "4", "6", "above"),
        (None, "3", "4", "6", "below"),
        (None, "6", "4", "6", "inside"),
        (None, "3", "4", None, "below"),
        (None, "7", None, "6", "above"),
        ("unheard-of", "7", "4", "6", "above"),
        (None, "7", None, None, None),
        (None, None, "4", "6", None),
        ("POS", None, None, None, "flagged"),
    ],
)
def test_a_reading_repeats_the_flag_else_says_the_side_of_the_range(
    site: Any,
    flag: str | None,
    number: str | None,
    low: str | None,
    high: str | None,
    side: str | None,
) -> None:
    from dataclasses import replace

    from carnet.portal.record import words

    def exact(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    line = replace(
        RESULTS[0], interpretation=flag, number=exact(number), low=exact(low), high=exact(high)
    )
    reading = words.reading(line)
    assert (reading.side if reading else None) == side


def test_a_trend_is_arithmetic(site: Any) -> None:
    from django.utils import translation

    from carnet.portal.record import words

    then = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)  # the first of February in Paris
    with translation.override("en"):
        assert (
            words.trend(Decimal(2), Decimal(1), then, "g/L")
            == "Up from 1\u00a0g/L on 1 February 2026"
        )
        assert words.trend(Decimal(1), Decimal("1.0"), then, "").startswith("Unchanged")
        assert words.trend(Decimal(1), None, None, "") == ""


def test_every_word_of_the_data_tables_has_its_english(site: Any) -> None:
    import tomllib

    from django.utils import translation

    import carnet
    from carnet.portal.record import vocabulary

    home = __import__("pathlib").Path(carnet.__file__).parent
    types = tomllib.loads((home / "documents/nomenclature/types.toml").read_text("utf-8"))
    matrix = tomllib.loads((home / "access/matrix/demonstration.toml").read_text("utf-8"))
    labels = {one["label"] for one in types["type"]} | {
        one["label"] for one in matrix["profession"]
    }
    with translation.override("en"):
        french = [label for label in labels if vocabulary.word(label) == label.replace("'", "’")]
    assert french == []


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("Lecture : Bilan : suite (1 élément)", "Reading: Bilan : suite (1 élément)"),
        ("Liste ou recherche (3 éléments)", "List or search (3 items)"),
        ("Liste ou recherche : A, B, C et 4 autres", "List or search: A, B, C and 4 others"),
        ("Ajout (refusé)", "Addition (refused)"),
        ("Un mot inconnu", "Un mot inconnu"),
        ("", ""),
    ],
)
def test_what_was_done_is_said_in_english_but_for_titles(
    site: Any, french: str, english: str
) -> None:
    from django.utils import translation

    from carnet.portal.record import vocabulary

    with translation.override("en"):
        assert vocabulary.deed(french) == english


def test_every_act_that_patients_read_of_has_its_english(site: Any) -> None:
    from carnet.portal.record import vocabulary
    from carnet.rights import readers

    assert {*readers.ACTS.values(), readers.OTHERWISE} == set(vocabulary.DEEDS)


WRITERS = frozenset(("trace", "traced", "ruling", "record", "commit", "change"))  # of the log
OF_NOBODY = {
    "assistant", "assistant-ended", "directory", "erase", "import", "operator-added", "reviews",
    "vigilance",
}  # fmt: skip


def test_every_act_of_the_log_that_names_a_record_has_words() -> None:
    import ast
    from pathlib import Path

    import carnet
    from carnet.rights import readers

    found = set()
    for path in Path(carnet.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            said = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if name in WRITERS and said and isinstance(said[0], str):
                found.add(said[0])
    assert {"open", "letter", "family-link", "identity-match", "announced"} <= found
    assert found - set(readers.ACTS) == OF_NOBODY
