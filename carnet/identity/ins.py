# SPDX-License-Identifier: EUPL-1.2
"""INS, the national health identity (Identifiant National de Santé).

Source: ANS, Référentiel INS; key: INSEE, complement to 97 of the NIR. The OIDs are those of the
FR Core profile fr-core-patient-ins.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from carnet import errors

# ASCII digits only: `\d` would take Arabic or full-width ones, and int() would read them.
SHAPE: Final = re.compile("[0-9]{5}([0-9]{2}|2[AB])[0-9]{8}")

# Every OID the INS has had starts so; .2 is the retired computed INS-C.
ARC: Final = "1.2.250.1.213.1.4."


class InsSystem(StrEnum):
    """Who assigned the number, as FHIR writes it."""

    NIR = "urn:oid:1.2.250.1.213.1.4.8"
    NIA = "urn:oid:1.2.250.1.213.1.4.9"
    NIR_TEST = "urn:oid:1.2.250.1.213.1.4.10"
    NIR_DEMO = "urn:oid:1.2.250.1.213.1.4.11"

    @property
    def real(self) -> bool:
        """True where the number may be a living person's; test and demonstration ones are not."""
        return self in (InsSystem.NIR, InsSystem.NIA)


class Defect(StrEnum):
    """What is wrong, or worth knowing, in an identity as it was received.

    TEST_SYSTEM and PRODUCTION_SYSTEM describe the number: which of the two is a fault depends on
    the instance that receives it (see `InsClaim.faults`).
    """

    WRONG_KEY = "wrong-key"
    WRONG_SHAPE = "wrong-shape"
    TEST_SYSTEM = "test-system"
    PRODUCTION_SYSTEM = "production-system"
    UNKNOWN_SYSTEM = "unknown-system"
    MISSING_TRAITS = "missing-traits"


class WrongIns(errors.Invalid):
    """An INS is thirteen characters of NIR or NIA, then their two-digit key."""


@dataclass(frozen=True, slots=True)
class Ins:
    """A verified number: 13 characters of NIR or NIA, 2 of key. What a message claims: InsClaim."""

    value: str
    system: InsSystem

    def __post_init__(self) -> None:
        if not SHAPE.fullmatch(self.value) or int(self.value[13:]) != control_key(self.value[:13]):
            raise WrongIns


@dataclass(frozen=True, slots=True)
class InsClaim:
    """An INS as a document or a message states it: kept as received, with what is wrong in it."""

    value: str
    system: str  # urn:oid:…; not always one of InsSystem
    defects: frozenset[Defect]

    def verified(self) -> Ins:
        """The number, when its shape, key and system are right; WrongIns otherwise."""
        if self.defects & {Defect.WRONG_SHAPE, Defect.WRONG_KEY, Defect.UNKNOWN_SYSTEM}:
            raise WrongIns
        return Ins(self.value, InsSystem(self.system))

    def faults(self, *, production: bool) -> frozenset[Defect]:
        """The defects that count for an instance: a production one knows no test number, and
        a demonstration has no business with real ones."""
        expected = Defect.PRODUCTION_SYSTEM if production else Defect.TEST_SYSTEM
        return self.defects - {expected}

    def lacking(self, *defects: Defect) -> Self:
        """The same claim with more defects."""
        return type(self)(self.value, self.system, self.defects | set(defects))


def claim(value: str, oid: str) -> InsClaim:
    """Judges a number as received.

    value: the fifteen characters, untouched. oid: its assigning authority, with or without
    `urn:oid:`.
    """
    system = oid if oid.startswith("urn:oid:") else f"urn:oid:{oid}"
    found: set[Defect] = set()
    try:
        found.add(Defect.PRODUCTION_SYSTEM if InsSystem(system).real else Defect.TEST_SYSTEM)
    except ValueError:
        found.add(Defect.UNKNOWN_SYSTEM)
    if not SHAPE.fullmatch(value):
        found.add(Defect.WRONG_SHAPE)
    elif int(value[13:]) != control_key(value[:13]):
        found.add(Defect.WRONG_KEY)
    return InsClaim(value, system, frozenset(found))


def control_key(root: str) -> int:
    """Key, 1 to 97, of a 13-character NIR; Corsica's 2A, 2B count as 19, 18."""
    digits = root.replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97
