# SPDX-License-Identifier: EUPL-1.2
"""What is prescribed, by whom, for whom: values that cannot exist wrong.

Source: CSP R.5132-3 (what a prescription says), L.5125-23 (substitution), R.5123-2 (a year at most).
"""

from __future__ import annotations

import re
import tomllib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from carnet import errors

CIS = re.compile(r"[0-9]{8}", re.ASCII)


class NotAPrescriber(errors.Forbidden):
    """Your profession does not prescribe medicines here."""


class WrongPrescription(errors.Invalid):
    """A prescription has between one line and twenty."""


class WrongLine(errors.Invalid):
    """A line says a medicine, a dose, how often and for how long."""


@cache
def rules() -> dict[str, Any]:
    """The data of rules.toml."""
    return tomllib.loads(files(__package__).joinpath("rules.toml").read_text("utf-8"))


def prescribes(profession: str) -> bool:
    """Whether a profession (TRE_G15, perhaps with a specialty after a slash) prescribes here."""
    return profession.split("/")[0] in rules()["prescribers"]


@dataclass(frozen=True, slots=True)
class Line:
    """One medicine.

    medicine: its name as prescribed, the international one first. dose: of `unit` (rules.toml) each time.
    times: a day. days: of treatment. renewals: how many times it is delivered again. cis: of the national
    base of medicines, "" when not chosen. unsubstitutable: why (rules.toml), "" when it may be.
    """

    medicine: str
    dose: Decimal
    unit: str
    times: int
    days: int
    renewals: int = 0
    needed: bool = False  # to be taken when needed
    words: str = ""
    cis: str = ""
    unsubstitutable: str = ""

    def __post_init__(self) -> None:
        limits = rules()["limits"]
        told = (self.medicine, self.words)
        if not self.medicine.strip() or any(len(each) > limits["words"] for each in told):
            raise WrongLine("The medicine has a name; a text has two hundred characters at most.")
        if any(not each.isprintable() for each in told):
            raise WrongLine("A text is one line of printable characters.")
        if not self.dose.is_finite() or not 0 < self.dose <= limits["dose"]:
            raise WrongLine("The dose is a number above zero.")
        if self.dose.as_tuple().exponent not in range(-3, 5) or self.unit not in rules()["units"]:
            raise WrongLine(
                "The dose has three decimals at most, and one of the units that are listed."
            )
        if not 1 <= self.times <= limits["times"]:
            raise WrongLine("How many times a day is between 1 and 24.")
        if not (self.days >= 1 and 0 <= self.renewals <= 12):
            raise WrongLine(
                "A treatment lasts at least a day, and is renewed twelve times at most."
            )
        if self.days * (1 + self.renewals) > limits["days"]:
            raise WrongLine("With its renewals, a treatment lasts a year at most.")
        if self.cis and not CIS.fullmatch(self.cis):
            raise WrongLine("A CIS code is eight digits.")
        if self.unsubstitutable and self.unsubstitutable not in rules()["unsubstitutable"]:
            raise WrongLine("A medicine is not substituted for one of the reasons of the law.")

    @property
    def dosage(self) -> str:
        """How it is taken, as it is read."""
        one, many = rules()["units"][self.unit]
        amount = f"{self.dose.normalize():f}".replace(".", ",")
        said = f"{amount} {many if self.dose >= 2 else one}, {self.times} fois par jour"
        if self.needed:
            said += " si besoin"
        said += f", pendant {duration(self.days)}"
        return f"{said}. {self.words}".strip() if self.words else f"{said}."

    @property
    def renewal(self) -> str:
        """How it is delivered again, "" when it is not."""
        if not self.renewals:
            return ""
        return (
            f"À renouveler {self.renewals} fois" if self.renewals > 1 else "À renouveler une fois"
        )

    @property
    def substitution(self) -> str:
        """The mention of the law, "" when it may be substituted."""
        if not self.unsubstitutable:
            return ""
        why = rules()["unsubstitutable"][self.unsubstitutable]
        return f"Non substituable ({self.unsubstitutable} : {why})"


def duration(days: int) -> str:
    """Days, as they are read."""
    return "1 jour" if days == 1 else f"{days} jours"


class WrongReason(errors.Invalid):
    """A line is stopped for one of the reasons that are listed, or for one that is written."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why lines are ended, and whether their treatment had begun.

    code: of rules.toml, "" for another one, which words then say.
    """

    code: str
    begun: bool
    words: str = ""

    def __post_init__(self) -> None:
        said = bool(self.words.strip()) or bool(self.code)
        if self.code not in rules()["reasons"] or not said or not self.words.isprintable():
            raise WrongReason
        if len(self.words) > rules()["limits"]["words"]:
            raise WrongReason("A text has two hundred characters at most.")

    @property
    def status(self) -> str:
        """FHIR R4: stopped once the treatment has begun, cancelled when it never will."""
        return "stopped" if self.begun else "cancelled"

    @property
    def text(self) -> str:
        """As it is read."""
        known = rules()["reasons"][self.code] if self.code else ""
        return " : ".join(filter(None, (known, self.words)))


@dataclass(frozen=True, slots=True)
class Prescriber:
    """Who prescribes: RPPS of eleven digits, profession of TRE_G15, where they practise."""

    rpps: str
    name: str
    profession: str
    place: str

    def __post_init__(self) -> None:
        if not prescribes(self.profession):
            raise NotAPrescriber

    @property
    def title(self) -> str:
        """The profession, as it is read."""
        return str(rules()["prescribers"][self.profession.split("/")[0]])


@dataclass(frozen=True, slots=True)
class Subject:
    """For whom: as shown, and their address in the record. number: a qualified INS, "" for none."""

    reference: str
    name: str
    birth_name: str
    given: str  # the first one of the birth certificate
    born: str  # ISO
    sex: str
    number: str


@dataclass(frozen=True, slots=True)
class Written:
    """A line as it is in a record. line: None when it was not written here, and cannot be typed again."""

    id: str
    ver: int
    medicine: str
    dosage: str
    status: str  # of the MedicationRequest
    reason: str
    line: Line | None

    @property
    def going(self) -> bool:
        """Whether it may be ended."""
        return self.status == "active"

    def over(self, at: datetime, now: datetime) -> bool:
        """Whether it ended by itself; at: when it was written."""
        if self.line is None:
            return False
        days = self.line.days * (1 + self.line.renewals)
        return at + timedelta(days=days + 1) < now


@dataclass(frozen=True, slots=True)
class Group:
    """A prescription that is in a record. at: when it was written, aware."""

    document: str
    at: datetime
    lines: tuple[Written, ...]

    @property
    def going(self) -> tuple[Written, ...]:
        """The lines that may be ended."""
        return tuple(each for each in self.lines if each.going)


@dataclass(frozen=True, slots=True)
class Act:
    """Who writes, for whom and when. number: of its document; it is no national number."""

    number: uuid.UUID
    at: datetime
    prescriber: Prescriber
    subject: Subject

    @property
    def group(self) -> str:
        """The group identifier, as FHIR writes it and as the QR code holds it."""
        return self.number.urn


@dataclass(frozen=True, slots=True)
class Prescription(Act):
    """The whole of it; its number is that of the group."""

    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.lines) <= rules()["limits"]["lines"]:
            raise WrongPrescription
