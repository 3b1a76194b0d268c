# SPDX-License-Identifier: EUPL-1.2
"""Values held against `fixed[x]`, which they equal, and `pattern[x]`, which they contain."""

from decimal import Decimal
from typing import Any


def same(value: Any, expected: Any) -> bool:
    """Whether two values of JSON are equal, order and all."""
    if type(expected) is dict:
        return (
            type(value) is dict
            and value.keys() == expected.keys()
            and all(same(value[key], inner) for key, inner in expected.items())
        )
    if type(expected) is list:
        return (
            type(value) is list and len(value) == len(expected) and all(map(same, value, expected))
        )
    return _plain(value, expected)


def contains(value: Any, pattern: Any) -> bool:
    """Whether a value has everything a pattern has; of a list, each entry somewhere."""
    if type(pattern) is dict:
        return type(value) is dict and all(
            key in value and contains(value[key], inner) for key, inner in pattern.items()
        )
    if type(pattern) is list:
        return type(value) is list and all(
            any(contains(one, inner) for one in value) for inner in pattern
        )
    return _plain(value, pattern)


def _plain(value: Any, expected: Any) -> bool:
    if type(value) in (int, Decimal, float) and type(expected) in (int, Decimal, float):
        return Decimal(str(value)) == Decimal(str(expected))
    return type(value) is type(expected) and bool(value == expected)
