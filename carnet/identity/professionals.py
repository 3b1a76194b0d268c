# SPDX-License-Identifier: EUPL-1.2
"""Professionals: the RPPS number, and the IDNPS that carries it in documents and tokens.

The IDNPS is one digit of type, then the number: 8 for RPPS. The other types (ADELI, internal
numbers of a structure) are kept as received. Key: Luhn; many numbers
of official examples have a wrong one.
"""

import re
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.identity import luhn

IDNPS: Final = "urn:oid:1.2.250.1.71.4.2.1"
SHAPE: Final = re.compile("[0-9]{11}")


class WrongRpps(errors.Invalid):
    """An RPPS number is ten digits, then their Luhn key."""


@dataclass(frozen=True, slots=True)
class Rpps:
    """A professional's number in the national register, key verified."""

    value: str

    def __post_init__(self) -> None:
        if not SHAPE.fullmatch(self.value) or luhn.key(self.value[:10]) != int(self.value[10]):
            raise WrongRpps

    @property
    def idnps(self) -> str:
        """The number as documents and tokens write it, in system IDNPS."""
        return f"8{self.value}"


def numbered(root: str) -> Rpps:
    """The RPPS number whose ten first digits are `root`; for those who make numbers."""
    return Rpps(f"{root}{luhn.key(root)}")


def rpps(idnps: str) -> str | None:
    """The eleven digits inside an IDNPS of type RPPS, None for other types; the key is not judged.

    Official examples carry wrong keys: a document is not refused for its author's number.
    """
    return idnps[1:] if idnps[:1] == "8" and SHAPE.fullmatch(idnps[1:]) else None
