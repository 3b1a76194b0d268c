# SPDX-License-Identifier: EUPL-1.2
"""Functions that may be a medical device: off for real people until their purpose is signed."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from carnet.access.regulated import functions, on, signed, standings
from carnet.app.orientation import checked
from carnet.config import Instance, Settings, WrongSetting

DAY = date(2026, 12, 1)
GOOD = '[orientation]\nversion = 1\nby = "Dr A. Martin"\non = 2026-12-01\n'


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "regulated.toml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("instance", [Instance.PRODUCTION, Instance.PRIVATE])
def test_where_people_are_real_all_are_off(instance: Instance) -> None:
    told = standings(Settings(instance=instance), DAY)
    assert {each.function.key for each in told} == set(functions())
    assert not any(each.on for each in told)


def test_where_nobody_is_real_all_are_on() -> None:
    assert all(each.on for each in standings(Settings(instance=Instance.DEMONSTRATION), DAY))


def test_the_one_that_is_signed_is_on_from_its_day(tmp_path: Path) -> None:
    settings = Settings(regulated=file(tmp_path, GOOD))
    assert on(settings, "orientation", DAY)
    assert not on(settings, "orientation", date(2026, 11, 30))
    with pytest.raises(KeyError):
        on(settings, "diagnosis", DAY)


WRONG = {
    "another purpose": (GOOD.replace("version = 1", "version = 2"), "sign it again"),
    "nobody": (GOOD.replace("Dr A. Martin", " "), "by whom"),
    "no day": (GOOD.replace("2026-12-01", '"tomorrow"'), "which day"),
    "a moment for a day": (GOOD.replace("2026-12-01", "2026-12-01T00:00:00Z"), "which day"),
    "no function": (GOOD.replace("orientation", "diagnosis"), "none of"),
    "a word": ("orientation = true\n", "another version"),
    "no TOML": ("orientation", "cannot be read"),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_what_is_signed_wrong_stops_with_a_sentence(tmp_path: Path, what: str) -> None:
    text, said = WRONG[what]
    with pytest.raises(WrongSetting, match=said):
        signed(file(tmp_path, text))


def test_every_function_says_its_purpose_in_both_languages() -> None:
    for each in functions().values():
        assert set(each.name) == set(each.purpose) == {"fr", "en"}


def test_orientation_is_not_signed_for_a_table_nobody_reviewed(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD)
    with pytest.raises(WrongSetting, match="nobody has reviewed"):
        checked(Settings(regulated=path))
    written = files("carnet.care.orientation").joinpath("orientation.toml").read_text("utf-8")
    review = '\n[review]\nby = "Dr A. Martin"\non = 2026-12-01\n'
    (tmp_path / "table.toml").write_text(written + review, "utf-8")
    checked(Settings(regulated=path, orientation=str(tmp_path / "table.toml")))
