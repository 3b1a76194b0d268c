# SPDX-License-Identifier: EUPL-1.2
"""Curves: every point is inside the drawing, and the words say what the drawing shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from carnet.documents.pages import Curve, Point
from tests.portal.preview import GLUCOSE, PLATELETS

pytestmark = pytest.mark.db


@pytest.fixture(autouse=True)
def french(site: Any) -> Iterator[None]:
    """Whatever language the last page of another test was in."""
    from django.utils import translation

    with translation.override("fr"):
        yield


values = st.decimals(min_value="-1000", max_value="1000000", places=3)
spans = st.integers(min_value=0, max_value=40 * 365 * 24 * 60)
START = datetime(1990, 1, 1, tzinfo=UTC)

curves_of_any_kind = st.builds(
    lambda points, ends, text: Curve(
        "1-8",
        text,
        text,
        min(ends) if ends and ends[0] is not None else None,
        max(ends) if len(ends) == 2 and None not in ends else None,
        tuple(
            Point(START + timedelta(minutes=minute), value, "d", "")
            for minute, value in sorted(points)
        ),
    ),
    st.lists(st.tuples(spans, values), min_size=1, max_size=30),
    st.lists(values, max_size=2),
    st.text(max_size=8, alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(curve=curves_of_any_kind)
def test_a_curve_of_any_values_is_whole(site: Any, curve: Curve) -> None:
    from carnet.portal.components import curves

    for size in (curves.WIDE, curves.NARROW):
        tree = etree.fromstring(str(curves.draw(curve, size)))
        shapes = tree.xpath("//*[contains(@class, 'dot')]")
        assert len(shapes) == len(curve.points)
        for shape in shapes:
            if shape.tag == "circle":
                places = [(float(shape.get("cx")), float(shape.get("cy")))]
            else:
                corners = shape.get("points").split()
                places = [(float(x), float(y)) for x, y in (one.split(",") for one in corners)]
            for x, y in places:
                assert 0 <= x <= size.width
                assert 0 <= y <= size.height - size.bottom + 9
        assert tree.xpath("//@style") == []
        assert len(tree.xpath("//*[@class='tick']")) < 24


def test_the_drawing_is_named_and_described(site: Any) -> None:
    from carnet.portal.components import curves

    tree = etree.fromstring(str(curves.draw(GLUCOSE, curves.WIDE)))
    assert tree.get("role") == "img"
    title, described = (
        tree.xpath(f"//*[@id='{one}']")[0] for one in str(tree.get("aria-labelledby")).split()
    )
    assert title.text.split() == "Courbe : Glucose à jeun (mmol/L)".split()
    assert described.text.replace("\u00a0", " ") == (
        "13 valeurs, du 12 janvier 2022 au 12 janvier 2026. La plus basse : 4,9 mmol/L. La plus "
        "haute : 6,8 mmol/L. La dernière : 5,4 mmol/L. Intervalle de référence : de 3,9 à 6,1."
    )


def test_outside_the_range_the_shape_differs_as_well_as_the_colour(site: Any) -> None:
    from carnet.portal.components import curves

    tree = etree.fromstring(str(curves.draw(GLUCOSE, curves.WIDE)))
    assert len(tree.xpath("//polygon[@class='dot-outside']")) == 4
    assert len(tree.xpath("//circle[@class='dot']")) == 9


def test_a_range_with_one_end_is_a_band_open_on_the_other(site: Any) -> None:
    from carnet.portal.components import curves

    tree = etree.fromstring(str(curves.draw(PLATELETS, curves.WIDE)))
    assert len(tree.xpath("//*[@class='band']")) == 1
    assert len(tree.xpath("//*[@class='band-edge']")) == 1


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2020-01-15", "2026-06-01", ["2021", "2022", "2023", "2024", "2025", "2026"]),
        (
            "2026-01-20",
            "2026-06-20",
            ["fév. 2026", "mars 2026", "avr. 2026", "mai 2026", "juin 2026"],
        ),
        (
            "2026-03-01",
            "2026-03-13",
            ["1 mars", "3 mars", "5 mars", "7 mars", "9 mars", "11 mars", "13 mars"],
        ),
        ("2026-03-01", "2026-03-01", ["1 mars 2026"]),
    ],
)
def test_time_is_marked_by_round_dates(
    site: Any, first: str, last: str, expected: list[str]
) -> None:
    from carnet.portal.components import curves

    ends = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last)]
    assert [text for _, text in curves.time_marks(ends[0], ends[1], 6)] == expected


@pytest.mark.parametrize(
    ("value", "low", "high", "drawn"),
    [
        ("5", "4", "6", "gauge-inside"),
        ("4", "4", "6", "gauge-inside"),
        ("7", "4", "6", "gauge-outside"),
        ("900", "4", "6", "gauge-outside"),
        ("-900", "4", "6", "gauge-outside"),
    ],
)
def test_a_gauge_stands_where_the_number_does(
    site: Any, value: str, low: str, high: str, drawn: str
) -> None:
    from carnet.portal.components.gauges import gauge

    tree = etree.fromstring(str(gauge(Decimal(value), Decimal(low), Decimal(high))))
    assert tree.get("aria-hidden") == "true"
    assert len(tree.xpath(f"//*[@class='{drawn}']")) == 1


@pytest.mark.parametrize(
    "missing", [(None, "4", "6"), ("5", None, "6"), ("5", "4", None), ("5", "6", "6")]
)
def test_no_gauge_without_a_whole_range(site: Any, missing: tuple[str | None, ...]) -> None:
    from carnet.portal.components.gauges import gauge

    value, low, high = (None if one is None else Decimal(one) for one in missing)
    assert gauge(value, low, high) == ""
