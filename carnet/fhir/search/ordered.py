# SPDX-License-Identifier: EUPL-1.2
"""Numbers that can be compared while sealed rows hold them (docs/decisions/0029).

A number becomes a 64-bit integer in the same order; it rests under a keystream of its own, which the
statement that compares it takes off with a key the database does not keep (record.opened, migration 0025).
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

from carnet.fhir import dates
from carnet.fhir.store.hashes import Hasher

SIGN = 0x7FFF_FFFF_FFFF_FFFF
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Number:
    """A value and what it is a value of, not yet sealed.

    lo, hi: as written. lo2, hi2: in base units, or the second number of a composite. tags: hashes.
    """

    lo: int
    hi: int | None
    lo2: int | None
    hi2: int | None
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """As it rests."""

    salt: int
    lo: int
    hi: int | None
    lo2: int | None
    hi2: int | None
    tags: tuple[int, ...]


def order(number: Decimal | Fraction | int) -> int:
    """An integer that is greater where the number is: 15 digits of it count."""
    if isinstance(number, Decimal) and not number.is_finite():
        near = float(number)
    else:
        try:
            near = float(number)
        except OverflowError:
            near = sys.float_info.max if number > 0 else -sys.float_info.max
    if near in (float("inf"), float("-inf")) and not (
        isinstance(number, Decimal) and number.is_infinite()
    ):
        near = sys.float_info.max if near > 0 else -sys.float_info.max
    bits: int = struct.unpack(">q", struct.pack(">d", near or 0.0))[0]
    return bits if bits >= 0 else bits ^ SIGN


def instant(moment: datetime) -> int:
    """The same of an instant: microseconds."""
    return (moment - dates.EARLIEST) // MICROSECOND


def key(hasher: Hasher) -> bytes:
    """What opens every number; given to a statement, kept by none."""
    return hasher.long(b"numbers")


def seal(hasher: Hasher, cid: int, rid: int, number: Number) -> Sealed:
    """A number as it rests in one row; another value, or another row, has another keystream."""
    numbers = (number.lo, number.hi, number.lo2, number.hi2)
    salt = hasher.number(f"n{cid}.{rid}.{numbers}.{number.tags}")
    stream = struct.unpack(">4q", sha256(key(hasher) + struct.pack(">q", salt)).digest())
    lo, hi, lo2, hi2 = (
        None if each is None else each ^ mask for each, mask in zip(numbers, stream, strict=True)
    )
    assert lo is not None
    return Sealed(salt, lo, hi, lo2, hi2, number.tags)


def opened(alias: str, first: str, last: str, places: tuple[int, int]) -> tuple[str, str]:
    """SQL of both ends of a pair of columns of idx_number; `%(n_key)s` is the key."""
    low, high = (
        f"record.opened({alias}.{column}, {alias}.salt, %(n_key)s::bytea, {place})"
        for column, place in zip((first, last), places, strict=True)
    )
    return low, f"coalesce({high}, {low})"


def written(alias: str) -> tuple[str, str]:
    """Both ends of the value as written, or of the first number of a composite."""
    return opened(alias, "lo", "hi", (0, 1))


def based(alias: str) -> tuple[str, str]:
    """Both ends of the value in base units, or of the second number of a composite."""
    return opened(alias, "lo2", "hi2", (2, 3))
