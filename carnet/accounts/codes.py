# SPDX-License-Identifier: EUPL-1.2
"""Activation codes: 65 random bits as people copy them, with two characters that catch a slip of the pen.

Letters and digits are those of Crockford's base 32, without I, L, O and U; what was read as one of those is
taken for the digit it looks like. The whole, read as a number, is a multiple of 1021, a prime: one character
that is wrong, or two neighbours that changed places, is always noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOOKS: Final = str.maketrans("ILO", "110")
BITS: Final = 65
LENGTH: Final = 15
PRIME: Final = 1021


def made(random: Callable[[int], bytes]) -> str:
    """A new code, as it is printed: 7K2M-9QXT-….  random: so many bytes that nobody can guess."""
    drawn = int.from_bytes(random(9)) >> (72 - BITS)
    number = (drawn << 10) + (-(drawn << 10)) % PRIME
    text = "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(LENGTH)))
    return "-".join(text[at : at + 4] for at in range(0, LENGTH, 4))


def plain(typed: str) -> str | None:
    """A code as it is hashed; None when it was not copied right."""
    kept = typed.upper().translate(LOOKS)
    kept = "".join(each for each in kept if each not in " -\u00a0\u202f.–—‐‑")
    if len(kept) != LENGTH or any(each not in ALPHABET for each in kept):
        return None
    number = 0
    for each in kept:
        number = number * 32 + ALPHABET.index(each)
    return kept if number % PRIME == 0 else None
