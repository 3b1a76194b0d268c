# SPDX-License-Identifier: EUPL-1.2
"""What comes out of a container: files with what is said of them, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from carnet.identity.ins import ARC, InsClaim, claim
from carnet.identity.traits import Sex, Traits

LARGEST: Final = 256 * 1024 * 1024  # bytes a container may hold, unpacked


@dataclass(frozen=True, slots=True)
class Note:
    """One thing found in a container: never content, only places and rules."""

    rule: str
    severity: str  # error, warning, information
    text: str
    french: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """An identifier of a person, and who gave it."""

    value: str
    oid: str = ""
    kind: str = ""  # of HL7 table 0203: INS, PI, AN…


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom a container says that something is about: claimed, never verified."""

    numbers: tuple[Number, ...] = ()
    birth_name: str = ""
    used_name: str = ""
    given_names: tuple[str, ...] = ()
    birth_date: date | None = None
    sex: Sex | None = None
    birth_place: str = ""

    @property
    def claim(self) -> InsClaim | None:
        """The INS it claims; None when it claims none."""
        for each in self.numbers:
            if each.oid.startswith(ARC) and each.value and each.kind != "NSS":
                return claim(each.value, each.oid)
        return None

    @property
    def traits(self) -> Traits:
        """The strict traits, as they are compared."""
        return Traits(
            birth_name=self.birth_name or None,
            birth_given_names=None,
            first_given_name=self.given_names[0] if self.given_names else None,
            birth_date=self.birth_date,
            sex=self.sex,
            birth_place=self.birth_place or None,
        )

    @property
    def named(self) -> bool:
        """Whether it says enough to know somebody by."""
        return bool(self.claim or (self.birth_name and self.birth_date))


@dataclass(frozen=True, slots=True)
class Code:
    """A code, its system as an OID, its label."""

    code: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Institution:
    """Where somebody works, as a container says."""

    name: str = ""
    number: Number = Number("")


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote or signed, as a container says; role and specialty: as written."""

    number: Number = Number("")
    family: str = ""
    given: str = ""
    places: tuple[Institution, ...] = ()
    role: str = ""
    specialty: str = ""

    @property
    def shown(self) -> str:
        """As they are read: the person, else where they work."""
        named = " ".join(filter(None, (self.given, self.family)))
        return named or next((each.name for each in self.places if each.name), "")


@dataclass(frozen=True, slots=True)
class Related:
    """Another document this one replaces, completes, transforms or signs; code: of FHIR."""

    code: str
    unique_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the container tells of a file: nothing of it is in the file itself."""

    title: str = ""
    type: Code | None = None
    category: Code | None = None
    at: str = ""  # an instant of HL7: YYYYMMDDHHMMSS, or shorter
    until: str = ""
    author: str = ""
    authors: tuple[Author, ...] = ()
    authenticator: Author | None = None
    unique_id: str = ""
    labels: tuple[Code, ...] = ()  # confidentiality
    person: Somebody | None = None
    comments: str = ""
    format: Code | None = None
    facility: Code | None = None
    setting: Code | None = None
    events: tuple[Code, ...] = ()
    language: str = ""
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a container."""

    name: str  # where in the container
    data: bytes = field(repr=False)
    media_type: str = ""
    told: Told = Told()
    altered: bool = False  # its bytes are not those its container describes


@dataclass(frozen=True, slots=True)
class Lot:
    """Documents that were sent together, or put in a folder. members: names of the parts, in order."""

    kind: str  # submissionset, folder
    members: tuple[str, ...]
    unique_id: str = ""
    entry_id: str = ""  # of the metadata: urn:uuid:…
    source_id: str = ""
    title: str = ""
    comments: str = ""
    at: str = ""
    codes: tuple[Code, ...] = ()
    authors: tuple[Author, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """All that a container holds."""

    kind: str  # XDM, ZIP, mail, HL7 v2
    parts: tuple[Part, ...] = ()
    notes: tuple[Note, ...] = ()
    said: tuple[str, ...] = ()  # what there is to say of the container itself: a line each
    lots: tuple[Lot, ...] = ()

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)


def day(text: str) -> date | None:
    """A day of HL7, YYYYMMDD…; None for a partial or wrong one."""
    digits = text.strip()[:8]
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def sex(text: str) -> Sex | None:
    """Administrative sex of HL7 (table 0001)."""
    return {"M": Sex.MALE, "F": Sex.FEMALE}.get(text.strip().upper())
