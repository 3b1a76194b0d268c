# SPDX-License-Identifier: EUPL-1.2
"""Primitive values, type by type: what each takes, and what it refuses."""

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carnet.fhir.definitions import load
from carnet.fhir.validation.primitives import CHECKS

TAKEN: dict[str, list[Any]] = {
    "base64Binary": ["AA==", "JVBERi0xLjcK", "AA\nBB CC+/"],
    "boolean": [True, False],
    "canonical": ["https://example.org/q|1.0", "#a"],
    "code": ["final", "entered-in-error", "two words", "<=", "é"],
    "date": ["2024", "2024-02", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": [
        "2024", "2024-02", "2024-02-29", "2024-02-29T10:00:00Z", "2016-12-31T23:59:60Z",
        "2024-02-29T10:00:00.123456789+14:00", "2024-02-29T10:00:00-13:59",
    ],
    "decimal": [0, -1, Decimal("1.10"), Decimal("1E+2")],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.1+02:00"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# title\n\n* a\tb"],
    "oid": ["urn:oid:1.2.250.1.0.3"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " ", "é\r\n\t", "\U0001f600", "x" * 1024 * 1024],
    "time": ["00:00:00", "23:59:60", "10:00:00.5"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["urn:x:é", "Patient/1", "http://a/b?c=d#e"],
    "url": ["https://example.org/fhir"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
}  # fmt: skip

REFUSED: dict[str, list[Any]] = {
    "base64Binary": ["", " ", "A", "AAA", "AA=", "AA==AA", "=AAA", "A*==", "AAAé", 1, b"AA=="],
    "boolean": ["true", 0, 1, "", Decimal(1)],
    "canonical": ["", "a b", 1],
    "code": ["", " a", "a ", "a  b", "a\nb", "a\tb", "\x00", 1, True],
    "date": ["", "24", "2024-2", "2024-13", "2024-00", "2023-02-29", "2024-04-31", "0000",
             "2024-02-29T10:00:00Z", "20240229", "2024-02-29\n", "٢٠٢٤", 2024],
    "dateTime": ["2024-02-29T10:00:00", "2024-02-29T10:00Z", "2024-02-29T24:00:00Z",
                 "2024-02-29 10:00:00Z", "2024-02-30T10:00:00Z", "2024-02T10:00:00Z",
                 "2024-02-29T10:00:00+15:00", "2024-02-29T10:00:00z"],
    "decimal": ["1", True, 1.5, "", [1]],
    "id": ["", "x" * 65, "a_b", "a/b", "é", "a\n", 1],
    "instant": ["2024", "2024-02-29", "2024-02-29T10:00:00", "2024-02-30T10:00:00Z"],
    "integer": ["1", 2**31, -(2**31) - 1, Decimal("1.0"), True, 1.0],
    "markdown": ["", "a\x00", 1],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:", "urn:oid:1"],
    "positiveInt": [0, -1, True, "1"],
    "string": ["", "a\x00b", "\x07", "x" * (1024 * 1024 + 1), 1, True, {}],
    "time": ["24:00:00", "10:00", "10:00:00Z", "1:00:00"],
    "unsignedInt": [-1, 2**31, "0"],
    "uri": ["", "a b", "\n", "a\x00", 1],
    "url": ["", "http://a b"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
}  # fmt: skip


def pairs(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(kind, value) for kind, values in table.items() for value in values]


def test_every_primitive_of_r4_has_its_check() -> None:
    known = {s.path for s in load().shapes.values() if s.kind == "primitive"}
    assert known == CHECKS.keys() | {"xhtml"}
    assert known - {"xhtml"} == TAKEN.keys() == REFUSED.keys()


@pytest.mark.parametrize(("kind", "value"), pairs(TAKEN), ids=lambda v: str(v)[:20])
def test_a_right_value_is_taken(kind: str, value: Any) -> None:
    assert CHECKS[kind](value) is None


@pytest.mark.parametrize(("kind", "value"), pairs(REFUSED), ids=lambda v: ascii(v)[:20])
def test_a_wrong_value_is_refused_with_a_rule(kind: str, value: Any) -> None:
    rule = CHECKS[kind](value)
    assert rule is not None
    assert rule.endswith(".")


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize(
    "hostile",
    ["A" * 100_000 + "!", " " * 100_000 + "!", "a " * 50_000 + "!\n", "0." * 50_000 + "x",
     "urn:oid:1" + ".1" * 50_000 + "x", "2024-01-01T00:00:00." + "0" * 100_000],
    ids=["letters", "spaces", "words", "digits", "oid", "fraction"],
)  # fmt: skip
def test_no_long_text_holds_a_check_up(kind: str, hostile: str) -> None:
    """threats.md C9; a check that backtracks would take minutes, not a fraction of a second."""
    began = time.process_time()
    CHECKS[kind](hostile)
    assert time.process_time() - began < 1


@given(st.sampled_from(sorted(CHECKS)), st.text() | st.integers() | st.none() | st.floats())
def test_any_value_is_judged(kind: str, value: Any) -> None:
    CHECKS[kind](value)
