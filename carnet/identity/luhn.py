# SPDX-License-Identifier: EUPL-1.2
"""Luhn's key, the last digit of RPPS and FINESS numbers (ISO/IEC 7812-1, annex B)."""


def key(root: str) -> int:
    """The digit, 0 to 9, to write after `root`, a string of ASCII digits."""
    total = 0
    for place, digit in enumerate(reversed(root)):
        value = int(digit)
        if place % 2 == 0:  # doubled: the key itself will stand at the right of it
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return -total % 10
