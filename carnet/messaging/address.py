# SPDX-License-Identifier: EUPL-1.2
"""Addresses of secure mail: small letters, ASCII alone; a patient's is made of their number.

Source: ANS, guide FHIR des boîtes aux lettres MSSanté; CI-SIS examples (matricule@patient.mssante.fr).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.identity.ins import SHAPE

LOCAL: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN: Final = re.compile(rf"{LABEL}(\.{LABEL})+")
PATIENT: Final = "patient."


class WrongAddress(errors.Invalid):
    """This is no address of secure mail: ASCII letters, digits and usual signs, an @, a domain."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address, in small letters."""

    local: str
    domain: str

    def __post_init__(self) -> None:
        if len(self.local) > 64 or len(self.domain) > 253:
            raise WrongAddress
        if not LOCAL.fullmatch(self.local) or not DOMAIN.fullmatch(self.domain):
            raise WrongAddress

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def matricule(self) -> str:
        """The number of a patient's address, in capitals; empty for another address."""
        number = self.local.upper()
        return number if self.domain.startswith(PATIENT) and SHAPE.fullmatch(number) else ""


def read(text: str) -> Address:
    """An address as it is compared; WrongAddress."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not text.isascii():
        raise WrongAddress
    return Address(local.lower(), domain.lower())


def of_patient(matricule: str, domain: str) -> Address:
    """A patient's address at an operator's domain."""
    return Address(matricule.lower(), PATIENT + domain)
