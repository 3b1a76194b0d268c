# SPDX-License-Identifier: EUPL-1.2
"""What a resource is found by, as plain tuples."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a resource is found by; each tuple starts with the parameter's name.

    Intervals of numbers and quantities are those of the resource's own value: a plain value is both
    ends, a Range or SampledData its bounds, "< 5" everything below. The precision that makes 100
    mean 99.5 to 100.5 is that of what is asked, not of what is stored.
    """

    tokens: list[tuple[str, str | None, str]] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    identifiers: list[tuple[str, str | None, str]] = field(default_factory=list)
    strings: list[tuple[str, str]] = field(default_factory=list)
    dates: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    numbers: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    # (parameter, low, high, system, code, unit as shown)
    quantities: list[tuple[str, Decimal, Decimal, str | None, str | None, str | None]] = field(
        default_factory=list
    )
    uris: list[tuple[str, str]] = field(default_factory=list)
    # What `:text` looks into, under the first of the parameters that share an element (`heads`).
    texts: list[tuple[str, str]] = field(default_factory=list)
    # (parameter, system and code of the identifier's type, value), for `:of-type`
    typed: list[tuple[str, str | None, str, str]] = field(default_factory=list)
    # What each element of a composite parameter has for each of its components, in their order.
    composites: list[tuple[str, tuple[Extracted, ...]]] = field(default_factory=list)
    positions: list[tuple[str, Decimal, Decimal]] = field(
        default_factory=list
    )  # latitude, longitude
    # (parameter, id of what the resource contains), for chains
    contained: list[tuple[str, str]] = field(default_factory=list)
    present: set[str] = field(default_factory=set)  # parameters whose element is there
