# SPDX-License-Identifier: EUPL-1.2
"""What real records taught of how the one page reads."""

from __future__ import annotations

from typing import Any

import pytest

from carnet.summary.facts import legible, name
from carnet.summary.pages import Ours
from carnet.summary.stays import procedures
from carnet.summary.vaccinations import vaccinations
from carnet.summary.words import rounded
from tests.summary.claims import done, given, shown, stay, wish
from tests.summary.facts import SNOMED, concept, told


def test_an_act_done_many_times_is_one_line_with_its_days() -> None:
    acts = [
        done("completed") | {"code": concept(SNOMED, "80146002", "Injection"),
                             "performedDateTime": f"2026-0{month}-01T10:00:00Z"}
        for month in (3, 1, 2)
    ]  # fmt: skip
    (line,) = procedures([told(each) for each in acts]).lines
    assert line.days == ("2026-03-01", "2026-02-01", "2026-01-01")
    assert line.since.startswith("2026-03-01")
    assert len(line.sources) == 3
    assert line.act


def test_two_acts_of_one_day_are_two_lines() -> None:
    acts = [done("completed") | {"code": concept(SNOMED, code, code)} for code in ("1", "2")]
    assert len(procedures([told(each) for each in acts]).lines) == 2


def test_what_took_a_while_is_dated_of_its_start() -> None:
    lasting = done("completed")
    del lasting["performedDateTime"]
    (line,) = procedures([told(lasting | {"performedPeriod": {"start": "2019-01-17"}})]).lines
    assert str(line.at).startswith("2019-01-17")


def test_words_in_the_place_of_a_date_are_whole_and_come_last() -> None:
    unsaid = {k: v for k, v in given("completed").items() if k != "occurrenceDateTime"}
    unsaid["occurrenceString"] = "date non indiquée"
    (line,) = vaccinations([told(unsaid), told(given("completed"))]).lines
    assert line.days == ("2026-01-01", "date non indiquée")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("82.34808907510904", "≈ 82.348"),
        ("409.2113347375189", "≈ 409.21"),
        ("0.0012345678901", "≈ 0.0012346"),
        ("-12.345678901", "≈ -12.346"),
        ("5.40", "5.40"),
        ("192", "192"),
        ("1.9500", "1.9500"),
        ("1234567890", "1234567890"),
        ("<0.5", "<0.5"),
        ("128/76", "128/76"),
        ("A positif", "A positif"),
        ("", ""),
    ],
)
def test_a_number_with_more_digits_than_a_measure_has_is_about_five(
    text: str, expected: str
) -> None:
    assert rounded(text) == expected


def test_a_file_written_as_letters_is_no_words() -> None:
    file = "JVBERi0xLjcNCiW1tbW1DQoxIDAgb2JqDQo8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFIv" * 9
    assert legible(f"Directives : {file} (voir)") == "Directives : … (voir)"
    assert name({"text": file}) == "…"
    anticonstitutional = "anticonstitutionnellement " * 12
    assert "…" not in legible(anticonstitutional)
    found = shown((wish("final") | {"valueBoolean": None, "valueString": file,
                                    "note": [{"text": file}]}, ("Dr A", "2026-01-01")))  # fmt: skip
    assert found.directives.lines[0].details == ()


def test_the_words_of_the_page_are_told_from_those_of_the_record() -> None:
    def first(details: tuple[str, ...]) -> Any:
        return isinstance(details[0], Ours), details[0]

    found = shown(
        (wish("final"), ("Dr A", "2026-01-01")), (stay("finished"), ("Dr A", "2026-01-01"))
    )
    assert first(found.directives.lines[0].details) == (True, "oui")
    assert isinstance(found.stays.lines[0].label, Ours)
    noted = wish("final") | {"valueBoolean": None, "valueString": "oui"}
    assert first(shown((noted, ("Dr A", "2026-01-01"))).directives.lines[0].details) == (
        False,
        "oui",
    )
