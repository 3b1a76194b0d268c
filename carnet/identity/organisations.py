# SPDX-License-Identifier: EUPL-1.2
"""Places: the FINESS number, and the IDNST that carries it in documents.

The IDNST is one digit of type, then the number: 1 for FINESS. The other types (SIREN, SIRET,
private practice) are kept as received. Key: Luhn. How Corsica's letters enter the key is
unverified: those numbers are judged on their shape alone.
"""

import re
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.identity import luhn

IDNST: Final = "urn:oid:1.2.250.1.71.4.2.2"
SHAPE: Final = re.compile("([0-9]{2}|2[AB])[0-9]{7}")


class WrongFiness(errors.Invalid):
    """A FINESS number is eight characters that begin with the department, then their Luhn key."""


@dataclass(frozen=True, slots=True)
class Finess:
    """An establishment's number in the national register, key verified."""

    value: str

    def __post_init__(self) -> None:
        if not SHAPE.fullmatch(self.value):
            raise WrongFiness
        if self.value.isdigit() and luhn.key(self.value[:8]) != int(self.value[8]):
            raise WrongFiness

    @property
    def idnst(self) -> str:
        """The number as documents write it, in system IDNST."""
        return f"1{self.value}"


def numbered(root: str) -> Finess:
    """The FINESS number whose eight first digits are `root`; for those who make numbers."""
    return Finess(f"{root}{luhn.key(root)}")


def finess(idnst: str) -> str | None:
    """The nine characters inside an IDNST of type FINESS, else None; the key is not judged."""
    return idnst[1:] if idnst[:1] == "1" and SHAPE.fullmatch(idnst[1:]) else None
