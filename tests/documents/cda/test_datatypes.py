# SPDX-License-Identifier: EUPL-1.2
"""Dates, numbers, intervals: what CDA writes and what is understood."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.documents.cda import datatypes as d
from carnet.fhir import xml


def element(inside: str) -> d.Element:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    return xml.parse(f'<v xmlns="urn:hl7-org:v3" xmlns:xsi="{xsi}" {inside}</v>'.encode())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025", "2025"),
        ("202503", "2025-03"),
        ("20250312", "2025-03-12"),
        ("202503121645+0100", "2025-03-12T16:45:00+01:00"),
        ("20250312164503+0100", "2025-03-12T16:45:03+01:00"),
        ("20250312164503.25+0100", "2025-03-12T16:45:03.25+01:00"),
        ("20250312164503-0430", "2025-03-12T16:45:03-04:30"),
        ("20250312164503Z", "2025-03-12T16:45:03+00:00"),
        ("2025031216+0100", "2025-03-12T16:00:00+01:00"),
        ("20250112164503", "2025-01-12T16:45:03+01:00"),  # no zone: mainland France, winter
        ("20250712164503", "2025-07-12T16:45:03+02:00"),  # and summer
        ("20240229", "2024-02-29"),
        ("20250229", None),
        ("20251301", None),
        ("20250312256099+0100", None),
        ("20250312164503+9900", None),
        ("2025-03-12", None),
        ("٢٠٢٥", None),
        ("0000", None),
        ("", None),
        ("hier", None),
    ],
)
def test_a_timestamp_keeps_its_precision(written: str, read: str | None) -> None:
    """As a FHIR dateTime; what is no date is nothing, never another date."""
    assert d.moment(written) == read


@given(st.text(alphabet="0123456789+-.:Z", max_size=24))
def test_no_timestamp_makes_the_reader_fail(written: str) -> None:
    """Nor gives what FHIR could not hold."""
    read = d.moment(written)
    assert read is None or len(read) in (4, 7, 10) or ("T" in read and ":" in read)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("1.950", "1.950"),
        ("63.000000", "63.000000"),
        ("-0.5", "-0.5"),
        ("+3", "3"),
        (".5", "0.5"),
        ("1e5", "1E+5"),
        (" 7 ", "7"),
    ],
)
def test_a_number_keeps_its_digits(written: str, digits: str) -> None:
    """1.950 is more than 1.95: it says how well it was measured."""
    assert str(d.number(written)) == digits


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "1,5", "< 5", "NaN", "Infinity", "INF", "0x10", "1_000", "1 000", "١٢", "1e999",
        "1" * 31, "--1", "1.2.3",
    ],
)  # fmt: skip
def test_what_is_no_number_is_none(written: str) -> None:
    """Python would read some of these."""
    assert d.number(written) is None


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        ('><high value="0.5" unit="mg/L"/>', d.Quantity(Decimal("0.5"), "mg/L", "<=")),
        ('><high value="5" inclusive="false"/>', d.Quantity(Decimal(5), None, "<")),
        ('><low value="5"/>', d.Quantity(Decimal(5), None, ">=")),
        ('><low value="5" inclusive="false"/>', d.Quantity(Decimal(5), None, ">")),
        (
            '><low value="1"/><high value="2" inclusive="false"/>',
            d.Interval(d.Quantity(Decimal(1)), d.Quantity(Decimal(2)), True, False),
        ),
        ('><low nullFlavor="NINF"/><high value="2"/>', d.Quantity(Decimal(2), None, "<=")),
        ('><center value="2"/>', d.Quantity(Decimal(2))),
        ('nullFlavor="NI">', None),
        (">", None),
    ],
)
def test_an_interval_with_one_end_is_a_comparison(
    inside: str, value: d.Quantity | d.Interval | None
) -> None:
    """An end belongs to its interval unless it says not."""
    assert d.interval(element(inside)) == value


@pytest.mark.parametrize(
    ("number", "system"),
    [
        (d.Id("1.2.250.1.71.4.2.1", "8"), "urn:oid:1.2.250.1.71.4.2.1"),
        (d.Id("8D5E778C-E155-4685-95C6-5FF65A362964"), "urn:uuid:8d5e778c-e155-4685-95c6-5ff65a362964"),
    ],
)  # fmt: skip
def test_an_identifier_has_a_uri(number: d.Id, system: str) -> None:
    """OIDs and UUIDs are told apart."""
    assert number.system == system
    assert number.well_formed


@pytest.mark.parametrize("root", ["1.2.03", "1", "3.1", "1..2", "abc", "1.2.", "1.2\n"])
def test_a_root_that_is_no_oid_is_known_for_it(root: str) -> None:
    """The document is judged for it, the reader does not fail."""
    assert not d.Id(root).well_formed


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (">a<br/>b", "a b"),
        (">H<sub>2</sub>O", "H2O"),
        ("> a \n b <content> c</content>d", "a b cd"),
        ("><td>a</td><td>b</td>", "a b"),
        (">  ", None),
    ],
)
def test_text_is_read_as_the_eye_reads_it(inside: str, text: str | None) -> None:
    """Lines and cells separate words, superscripts do not."""
    assert d.text(element(inside)) == text
