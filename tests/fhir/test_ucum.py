# SPDX-License-Identifier: EUPL-1.2
"""Units: exact, agreeing with another reading of UCUM, and never a digit that was not there."""

import csv
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir import ucum

MEASURED = (
    "g/L", "mg/L", "ug/L", "ng/mL", "pg/mL", "g/dL", "mg/dL", "ug/dL", "g%", "kg/m3",
    "mmol/L", "umol/L", "mol/m3", "nmol/L", "pmol/dL",
    "10*9/L", "10*3/uL", "10^9/L", "/mm3", "/uL", "10*12/L", "10*6/uL", "{cells}/uL", "/[HPF]",
    "U/L", "kat/L", "nkat/L", "ukat/L", "m[iU]/L", "[IU]/mL", "u[IU]/mL", "k[iU]/L",
    "%", "1", "{ratio}", "L/L", "10*-2", "[ppth]", "[ppm]", "mL/dL",
    "mL/min", "mL/min/{1.73_m2}", "L/h", "mL/s", "m3/(60.min)",
    "kg", "g", "[lb_av]", "[oz_av]", "cm", "m", "[in_i]", "[ft_i]", "mm", "fL", "um3", "pg",
    "mm[Hg]", "kPa", "cm[H2O]", "[psi]", "bar", "/min", "Hz", "s", "min", "h", "d", "wk", "mo", "a",
    "kg/m2", "mg/kg/d", "kcal", "kJ", "[Cal]", "mGy.cm", "mV", "mA", "Ohm", "deg", "rad", "[diop]",
    "10.L/(min.m2)", "dyn.s/(cm5.m2)", "mg/mmol", "g/mol", "mosm/kg", "eq/L", "meq/L",
)  # fmt: skip
units = st.sampled_from(MEASURED)
numbers: st.SearchStrategy[Decimal] = st.decimals(
    min_value="-1000000", max_value="1000000", allow_nan=False, places=3
) | st.integers(-100000, 100000).map(Decimal)


@pytest.fixture(scope="module")
def other() -> Any:
    """Another implementation: ucumvert's grammar, pint's arithmetic (tests only)."""
    from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]

    return PintUcumRegistry()


def as_it_reads(other: Any, expression: str) -> Any:
    """Its reading; None where it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return other.from_ucum(expression).to_base_units()
        except Exception:
            return None


# What the two readings do not share, each with why.
APART = re.compile(
    r"eq|osm"  # one mole for ucumvert; a dimension of its own here
    r"|\[[^]]*['_][^]]*\]|\[(IU|iU|IR|BAU|AU|PNU|Lf|FEU|ELU|EU|PFU|FFU|CFU)\]"  # arbitrary: numbers there
    r"|Cel|\[deg|\[pH\]|B\[|Np|B"  # special
    r"|\[HPF\]|\[LPF\]|\[MET\]|\[S\]|\[drp\]"  # defined otherwise by pint
    r"|g%|deg|rad|sr|gon|^'|cd|lm|lx"  # angles are numbers there, g% another unit
    r"|RAD|REM|cal|Cal|m\[H2O\]|m\[Hg\]|mo|^a$|/a$|/a\b|wk"  # an older value there
)


def agree(other: Any, expressions: list[str]) -> int:
    """Compares factors and dimensions two by two; how many pairs were comparable."""
    read = {one: as_it_reads(other, one) for one in expressions if not APART.search(one)}
    read = {one: each for one, each in read.items() if each is not None}
    compared, apart = 0, []
    for one, two in combinations(read, 2):
        same = read[one].dimensionality == read[two].dimensionality
        if ucum.convertible(one, two) is not same:
            apart.append((one, two))
        elif same:
            scale, _ = ucum.relation(one, two)
            theirs = read[one].magnitude / read[two].magnitude
            if float(scale) != pytest.approx(theirs, rel=1e-4):
                apart.append((one, two))
            compared += 1
    assert apart == []
    return compared


def test_another_reading_of_ucum_agrees(other: Any) -> None:
    assert agree(other, list(MEASURED)) > 100


def test_every_published_example_is_read(other: Any) -> None:
    """The table of UCUM's own examples for electronic messages."""
    table = files("ucumvert").joinpath("vendor/ucum_examples.tsv").read_text("utf-8")
    rows = csv.reader(table.splitlines()[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    codes = [row[1] for row in rows if len(row) > 1 and row[1]]
    assert len(codes) > 800
    unread = [code for code in codes if not ucum.known(code)]
    assert unread == ["Torr"], "an example that the table itself does not define"
    assert agree(other, codes[::9]) > 100


def test_every_unit_of_the_agency_s_examples_is_read(shared: Path, other: Any) -> None:
    found: set[str] = set()
    for file in (shared / "data/french/cda-examples").rglob("*.xml"):
        found |= set(re.findall(r'\bunit="([^"]*)"', file.read_text("utf-8", "replace")))
    assert len(found) > 40
    assert {each for each in found if not ucum.known(each)} <= set()
    assert agree(other, sorted(each for each in found if not each.isdigit())) > 20


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("0.97", "g/L", "mg/dL", "97"),
        ("148000", "/mm3", "10*9/L", "148"),
        ("148123", "/mm3", "10*9/L", "148.123"),
        ("4.50", "10*12/L", "10*6/uL", "4.50"),
        ("1.20", "10*3/uL", "10^9/L", "1.20"),
        ("150", "10*9/L", "/mm3", "150000"),
        ("12.5", "g/dL", "g/L", "125"),
        ("37.0", "Cel", "[degF]", "98.6"),
        ("98.6", "[degF]", "Cel", "37.00"),
        ("37.0", "Cel", "K", "310.2"),
        ("2.5", "m[IU]/L", "u[iU]/mL", "2.5"),
        ("45", "%", "L/L", "0.45"),
        ("120", "mm[Hg]", "kPa", "16.0"),
        ("72.5", "kg", "[lb_av]", "159.8"),
        ("0", "g/L", "mg/dL", "0"),
        ("60", "mL/min/{1.73_m2}", "mL/min", "60"),
    ],
)
def test_a_value_in_another_unit(value: str, source: str, target: str, expected: str) -> None:
    assert str(ucum.convert(Decimal(value), source, target)) == expected


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("g/L", "mmol/L"),
        ("mmol/L", "10*9/L"),  # UCUM's mole is a number; a patient's is not
        ("meq/L", "mmol/L"),  # true of sodium, false of calcium
        ("[iU]/L", "U/L"),
        ("[iU]/L", "[arb'U]/L"),
        ("[iU]", "1"),
        ("[pH]", "mol/L"),
        ("Cel/h", "K/h"),
        ("kg", "kg/m2"),
        ("kg", "nothing"),
    ],
)
def test_what_is_not_the_same_thing_is_not_converted(one: str, two: str) -> None:
    assert not ucum.convertible(one, two)
    with pytest.raises(ValueError):
        ucum.convert(Decimal(1), one, two)


@pytest.mark.parametrize(
    "text",
    [
        "Torr", "g/", "/", "g//L", "(g", "g)", "{", "m{", "m{a{b}}", "µg", "g L", "0", "m99", "dkg",
        "kkg", "k[lb_av]", "U I", "UI/L", "." , "g.", "[", "[none]", "a" * 201, "(" * 30 + "g",
        "10*999", "10*" * 40, "g\n",
    ],
)  # fmt: skip
def test_what_is_no_unit_is_refused(text: str) -> None:
    assert not ucum.known(text)


@given(st.text(max_size=30) | st.text("mgLdk10*^[]IU{}()./-+2'", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    if ucum.known(text):
        assert ucum.parse(text).factor > 0


@given(numbers, units, units)
def test_no_digit_is_invented_and_none_is_lost(value: Decimal, source: str, target: str) -> None:
    if not ucum.convertible(source, target):
        return
    found = ucum.convert(value, source, target)
    scale, shift = ucum.relation(source, target)
    exact = Fraction(value) * scale + shift
    step = abs(scale) * Fraction(10) ** int(
        value.as_tuple().exponent
    )  # of the value, in the target
    finest = Fraction(10) ** 40
    while finest > step:
        finest /= 10
    assert Fraction(found) % finest == 0, "no digit below a tenth of the last one given"
    assert abs(Fraction(found) - exact) <= step / 2, "the last digit given is still there"


@given(numbers, units, units, units)
def test_by_one_way_or_another_the_factor_is_the_same(
    value: Decimal, one: str, two: str, three: str
) -> None:
    if ucum.convertible(one, two) and ucum.convertible(two, three):
        assert (
            ucum.relation(one, two)[0] * ucum.relation(two, three)[0]
            == (ucum.relation(one, three)[0])
        )
