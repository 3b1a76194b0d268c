# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to: 15 behind every sign, a way for everybody, and no table that breaks this."""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carnet.care.orientation.table import (
    EMERGENCY,
    SCREENS,
    NotAnAnswer,
    orientation,
    read,
)
from carnet.words import BadTable, table

WRITTEN = table("carnet.care.orientation", "orientation.toml")


@pytest.mark.parametrize("sign", [each["key"] for each in WRITTEN["sign"]])
def test_a_sign_is_15_alone_or_with_any_other(sign: str) -> None:
    made = orientation()
    assert next(each for each in made.signs if each.key == sign).screen in SCREENS
    for other in made.signs:
        found = made.alarm([sign, other.key])
        assert found is not None
        assert found.call == EMERGENCY


def test_whatever_is_answered_there_is_one_way() -> None:
    made = orientation()
    assert made.alarm([]) is None
    ways = set()
    for answers in itertools.product(*(each.answers for each in made.questions)):
        given = dict(zip((each.key for each in made.questions), answers, strict=True))
        way = made.way(given)
        ways.add(way.key)
        if given["worse"] != "no":
            assert way.key == "sas", "what gets worse is heard by a professional"
    assert ways == {"sas", "pharmacy", "gp"}


def test_what_is_not_in_the_table_is_refused() -> None:
    made = orientation()
    with pytest.raises(NotAnAnswer):
        made.alarm(["breathing", "toothache"])
    with pytest.raises(NotAnAnswer):
        made.way({"worse": "no"})
    with pytest.raises(NotAnAnswer):
        made.way({"worse": "no", "need": "surgery", "wait": "yes"})


def test_the_table_of_this_version_is_not_passed_for_reviewed() -> None:
    made = orientation()
    assert made.reviewed is None
    assert all(each.source.unverified for each in made.signs)


PLANTED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a sign on a third screen": (lambda t: t["sign"][0].update(screen=3), "two first screens"),
    "no sign on the second": (
        lambda t: [each.update(screen=1) for each in t["sign"]],
        "asks for signs",
    ),
    "a sign twice": (lambda t: t["sign"].append(t["sign"][0]), "one key"),
    "15 that calls a pharmacist": (
        lambda t: next(each for each in t["way"] if each["key"] == "15").update(call="3237"),
        "calls another number",
    ),
    "no 15": (lambda t: t["way"].pop(0), "missing"),
    "a rule to nowhere": (lambda t: t["rule"][0].update(way="hospital"), "no way"),
    "a rule on what is not asked": (
        lambda t: t["rule"][0].update(when={"age": ["old"]}),
        "not asked",
    ),
    "answers without a way": (lambda t: t["rule"].pop(), "everybody has a way"),
    "a review by nobody": (lambda t: t.update(review={"by": "", "on": "2026-12-01"}), "by whom"),
}


@pytest.mark.parametrize("fault", sorted(PLANTED))
def test_a_table_that_would_harm_is_refused(fault: str) -> None:
    broken = copy.deepcopy(WRITTEN)
    plant, said = PLANTED[fault]
    plant(broken)
    with pytest.raises(BadTable, match=said):
        read(broken)


def test_an_operators_file_is_read_or_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text('version = "1"\n', "utf-8")
    with pytest.raises(BadTable, match="lacks"):
        orientation(str(path))
    with pytest.raises(BadTable, match="cannot be read"):
        orientation(str(tmp_path / "absent.toml"))
