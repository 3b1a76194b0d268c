# SPDX-License-Identifier: EUPL-1.2
"""The last same examination, as a table a doctor could check."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carnet.documents.same.already import (
    LOINC,
    Already,
    Examination,
    NoSource,
    already,
    families,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HBA1C = frozenset(((LOINC, "4548-4"),))
COUNT = frozenset(((LOINC, "58410-2"),))


def done(code: str, days: float, address: str = "a", status: str = "final") -> Examination:
    at = NOW - timedelta(days=days)
    return Examination(frozenset(((LOINC, code),)), at, status, address, "Labo")


def found(asked: frozenset[tuple[str, str]], *some: Examination) -> Already | None:
    return already(asked, some, NOW, families())


def test_the_last_of_the_family_is_told_with_its_days_and_no_judgement() -> None:
    at = NOW - timedelta(days=12.5)
    told = found(HBA1C, done("4548-4", 80, "old"), done("17856-6", 12.5, "new"))
    assert told == Already("Hémoglobine glyquée", at, "new", "Labo", 12)
    assert not told.holds
    assert told.sentence == "Already done 12 days ago by Labo: new."


@pytest.mark.parametrize(
    "one",
    [
        done("4548-4", -1),  # after now
        done("2160-0", 1),  # another examination
        done("4548-4", 1, status="entered-in-error"),
        done("4548-4", 1, status="cancelled"),
        done("4548-4", 1, status="registered"),
    ],
)
def test_what_is_not_the_same_one_says_nothing(one: Examination) -> None:
    assert found(HBA1C, one) is None


def test_a_code_of_no_family_is_the_same_when_it_is_that_code_of_that_system() -> None:
    asked = frozenset(((LOINC, "99999-9"),))
    assert found(asked, done("99999-9", 900)) is not None
    other = Examination(frozenset((("urn:oid:1", "99999-9"),)), NOW, "final", "x")
    assert found(asked, other) is None


def test_a_panel_was_done_when_all_its_parts_are_of_one_instant() -> None:
    parts = [done(code, 3, code) for code in ("718-7", "6690-2", "777-3", "789-8")]
    assert found(COUNT, *parts) is not None
    assert found(COUNT, *parts[1:]) is None
    assert found(COUNT, *parts[1:], done("718-7", 4)) is None  # another day
    assert found(frozenset(((LOINC, "718-7"),)), done("58410-2", 1)) is None  # not the reverse


def test_how_long_one_holds_is_said_with_its_source_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    one = '[[family]]\nname = "x"\nlabel = "X"\nsystem = "http://loinc.org"\ncodes = ["4548-4"]\n'
    own.write_text(one + 'days = 90\nsource = "A text"\n')
    for days, holds in ((90, True), (91, False)):
        told = already(HBA1C, [done("4548-4", days)], NOW, families(own))
        assert told is not None
        assert told.holds is holds
        assert ("A text: within 90 days" in told.sentence) is holds
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(one + "days = 90\n")
    with pytest.raises(NoSource):
        families(wrong)


def test_no_code_stands_in_two_families_and_none_of_carnet_s_own_judges() -> None:
    codes = [code for family in families() for code in family.codes]
    assert len(codes) == len(set(codes))
    assert not any(family.within for family in families())
