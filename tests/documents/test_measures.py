# SPDX-License-Identifier: EUPL-1.2
"""Curves by plain functions: any set of results, in any order and any units, against a plain reference."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.documents import units
from carnet.documents.consult.measures import Measure, Replaced, curve

GLUCOSE = "14771-0"
MASS = Fraction("180.16")  # grams in a mole
# What one of each unit is in mol/L, written by hand; None is another thing, comparable with itself.
WORTH: dict[str, Fraction | None] = {
    "mmol/L": Fraction(1, 1000),
    "umol/L": Fraction(1, 1_000_000),
    "mol/m3": Fraction(1, 1000),
    "g/L": 1 / MASS,
    "mg/dL": Fraction(1, 100) / MASS,
    "ug/mL": Fraction(1, 1000) / MASS,
    "?croix": None,
    "?": None,
    "[IU]/L": None,
}
START = datetime(2026, 1, 1, 8, tzinfo=UTC)
REPLACED = {"old": Replaced("new", START), "older": Replaced()}


@st.composite
def sets(draw: st.DrawFn) -> list[Measure]:
    """Results of one code: few instants and values, so that they meet."""
    made = []
    for rid in range(draw(st.integers(0, 12))):
        number = draw(st.decimals("0.1", "30", places=draw(st.integers(0, 3))))
        plain = draw(st.integers(0, 5)) > 0
        low = draw(st.none() | st.sampled_from([Decimal("0.7"), Decimal("3.9")]))
        made.append(
            Measure(
                rid=rid,
                code=GLUCOSE,
                label="Glucose",
                at=START + timedelta(days=draw(st.integers(0, 4))),
                value=number if plain else None,
                text=str(number) if plain else draw(st.sampled_from([f"<{number}", "Négatif"])),
                unit=draw(st.sampled_from(sorted(WORTH))),
                low=low,
                high=None if low is None else low * 2,
                interpretation=None,
                document=draw(st.sampled_from(["a", "b", "new", "old", "older", ""])),
                by_patient=False,
                place="",
            )
        )
    return made


def same_family(one: str, other: str) -> bool:
    return one == other or (WORTH[one] is not None and WORTH[other] is not None)


@given(sets(), st.randoms())
def test_a_curve_is_what_a_plain_reading_says(found: list[Measure], chance: object) -> None:
    order = sorted(found, key=lambda each: (each.at, each.rid))
    live = [each for each in order if each.document not in REPLACED and each.value is not None]
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    drawn = curve(GLUCOSE, shuffled, REPLACED, {})
    if not live:
        assert drawn is None
        return
    assert drawn is not None
    families: dict[bool | str, list[Measure]] = defaultdict(list)
    for each in live:
        families[WORTH[each.unit] is not None or each.unit].append(each)
    most = max(map(len, families.values()))
    chosen = max(
        (each for each in families.values() if len(each) == most),
        key=lambda each: (each[-1].at, each[-1].rid),
    )
    unit = chosen[-1].unit
    assert drawn.unit == units.shown(unit)

    # Every live value of the family is on the line, exact to its own last digit, and nothing else is.
    def exact(each: Measure) -> Fraction:
        assert each.value is not None
        here, there = WORTH[each.unit], WORTH[unit]
        scale = Fraction(1) if here is None or there is None else here / there
        return Fraction(each.value) * scale

    def step(each: Measure) -> Fraction:
        assert each.value is not None
        shift = Fraction(10) ** int(each.value.as_tuple().exponent)
        return exact(replace(each, value=Decimal(1))) * shift

    for each in chosen:
        at = [point for point in drawn.points if point.at == each.at]
        assert any(abs(Fraction(point.value) - exact(each)) <= step(each) / 2 for point in at)
    for point in drawn.points:
        close = [
            each
            for each in chosen
            if each.at == point.at and abs(Fraction(point.value) - exact(each)) <= step(each) / 2
        ]
        assert close
        assert point.document in {each.document for each in close}
        assert point.document not in REPLACED, "a replaced report is never in the line"
    places = [(point.at, point.value) for point in drawn.points]
    assert len(places) == len(set(places)), "no point twice"
    assert [at for at, _ in places] == sorted(at for at, _ in places)
    for point in drawn.points:
        others = {one.document for one in drawn.points if one.at == point.at}
        assert point.disputed is (len(others) > 1)

    # What is not on the line is told, each with its reason.
    for each in found:
        told = {
            aside.why
            for aside in drawn.asides
            if aside.at == each.at and aside.value.startswith(each.text)
        }
        if each.document in REPLACED:
            assert "replaced" in told
        elif each.value is None:
            assert told & {"bound", "text"}
        elif not same_family(each.unit, unit):
            assert "unit" in told
    assert len(drawn.asides) <= len(found) - len(drawn.points)


def one(value: str, unit: str = "mmol/L", rid: int = 1, **more: object) -> Measure:
    plain = Measure(
        rid,
        GLUCOSE,
        "Glucose",
        START,
        Decimal(value),
        value,
        unit,
        None,
        None,
        None,
        "a",
        False,
        "",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def test_the_same_value_from_two_documents_is_one_point_of_the_first() -> None:
    twice = [one("5.38", rid=2, document="b"), one("0.970", "g/L", rid=1, document="a")]
    drawn = curve(GLUCOSE, [*twice, one("5.0", rid=3, at=START + timedelta(days=1))], {}, {})
    assert drawn is not None
    assert [(str(p.value), p.document) for p in drawn.points] == [
        ("5.384", "a"),
        ("5.38", "b"),
        ("5.0", "a"),
    ], "digits that differ are two values"
    twice[1] = one("0.97", "g/L", rid=1, document="a")
    drawn = curve(GLUCOSE, [*twice, one("5.0", rid=3, at=START + timedelta(days=1))], {}, {})
    assert drawn is not None
    assert [(str(p.value), p.document) for p in drawn.points] == [("5.38", "a"), ("5.0", "a")]
    assert [p.also for p in drawn.points] == [(("b", ""),), ()], "its other source is named"


def test_two_documents_that_disagree_are_both_shown_with_a_note() -> None:
    drawn = curve(GLUCOSE, [one("5.0"), one("5.4", rid=2, document="b")], {}, {})
    assert drawn is not None
    assert [(str(p.value), p.disputed) for p in drawn.points] == [("5.0", True), ("5.4", True)]


def test_each_point_keeps_the_range_of_its_own_laboratory_in_the_curve_s_unit() -> None:
    first = one("0.97", "g/L", low=Decimal("0.70"), high=Decimal("1.10"))
    last = one("5.5", at=START + timedelta(days=1), low=Decimal("3.9"), high=Decimal("6.1"), rid=2)
    drawn = curve(GLUCOSE, [last, first], {}, {})
    assert drawn is not None
    assert [(str(p.low), str(p.high)) for p in drawn.points] == [("3.89", "6.11"), ("3.9", "6.1")]
    assert (str(drawn.low), str(drawn.high), drawn.ranges) == ("3.9", "6.1", 2)


@pytest.mark.parametrize(
    ("code", "source", "target"),
    [
        ("4548-4", "mmol/mol", "%"),  # haemoglobin A1c: not proportional
        ("718-7", "g/L", "mmol/L"),  # haemoglobin: monomer or tetramer
        (GLUCOSE, "?", "mmol/L"),
        (GLUCOSE, "?30009000", "1"),
    ],
)
def test_what_would_be_false_is_not_converted(code: str, source: str, target: str) -> None:
    assert units.convert(code, Decimal("48"), source, target) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("g/l", "g/l"), ("G/L", "10*9/L"), ("T/L", "10*12/L"), ("Téra/L", "10*12/L"),
        ("UI/L", "[IU]/L"), ("mUI/L", "m[IU]/L"), ("kUI/L", "k[IU]/L"), ("U.I./mL", "[IU]/mL"),
        ("µmol/L", "umol/L"), ("μg/L", "ug/L"), ("mm³", "mm3"), ("/mm³", "/mm3"),
        ("10⁹/L", "10*9/L"), ("x10⁹/L", "10*9/L"), ("mL/min/1,73 m²", "mL/min/{1.73_m2}"),
        ("°C", "Cel"), ("mmHg", "mm[Hg]"), ("", "?"), ("30009000", "?30009000"),
        ("croix", "?croix"),
    ],
)  # fmt: skip
def test_units_written_the_french_way_are_understood(written: str, meant: str) -> None:
    assert units.ucum_of(written) == meant
