# SPDX-License-Identifier: EUPL-1.2
"""What a document is before it is CDA or paper: who, about whom, and parts made of lines.

A line says in words what its entry says in codes: both come from one FHIR resource, so that neither can
say what the other does not. What a professional writes freely stands in words alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from carnet.identity.titles import title as civil

NOTHING: Final = "Rien à signaler dans ce document."
Json = Mapping[str, Any]
Kind = Literal[
    "problem", "history", "procedure", "allergy", "treatment", "stopped", "observation",
    "vaccination", "family", "lifestyle", "device",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where the author works: IDNST, name, and the codes of what it is."""

    idnst: str
    name: str
    phone: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    setting: str = "AMBULATOIRE"  # JDV_J04-XdsPracticeSettingCode


@dataclass(frozen=True, slots=True)
class Signer:
    """Who writes and signs: IDNPS, profession (TRE_G15, with the specialty of TRE_R38), name, place."""

    idnps: str
    profession: str
    family: str
    given: str
    title: str
    place: Place

    @property
    def shown(self) -> str:
        """As they are read."""
        return " ".join(filter(None, (civil(self.title), self.given, self.family)))


@dataclass(frozen=True, slots=True)
class Peer:
    """A professional a document names, as the directory knows them; place: of their work, if it has one."""

    idnps: str
    profession: str
    family: str
    given: str
    title: str
    place: Place | None = None

    @property
    def shown(self) -> str:
        """As they are read."""
        return " ".join(filter(None, (civil(self.title), self.given, self.family)))


@dataclass(frozen=True, slots=True)
class Stay:
    """The care a document tells of; dates are HL7 or FHIR instants."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: its cells as read, and the resource its entry is made of (None: words alone)."""

    cells: tuple[str, ...]
    kind: Kind | None = None
    resource: Json | None = None
    # The same cells in pieces its entry points to: (name, words). None: the first cell is the line.
    pieces: tuple[tuple[tuple[str, str], ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A section: LOINC code and label, title, templates, words, lines under a header, parts inside."""

    code: str
    label: str
    title: str
    templates: tuple[str, ...]
    header: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    words: tuple[str, ...] = ()
    inside: tuple[Part, ...] = ()

    @property
    def nothing(self) -> str:
        """What a section says that has nothing to say; "" for one that has."""
        said = self.lines or self.inside or any(each.strip() for each in self.words)
        return "" if said else NOTHING


@dataclass(frozen=True, slots=True)
class Sort:
    """A kind of document: its type, the templates it claims, the act and the care it documents."""

    key: str
    type: tuple[str, str, str]  # code, system, label
    templates: tuple[tuple[str, str | None], ...]
    act: tuple[str, str, str]
    care: tuple[str, str, str] | None
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """All of it. number: of this version; before: that of the document it replaces, with its set."""

    sort: Sort
    number: UUID
    patient: Json
    signer: Signer
    at: datetime
    parts: Sequence[Part]
    stay: Stay | None = None
    attending: Peer | None = None  # the treating doctor
    recipients: Sequence[Peer] = ()
    version: int = 1
    set: UUID | None = None
    before: UUID | None = None
    title: str = field(default="")

    @property
    def named(self) -> str:
        """Its title."""
        return self.title or self.sort.title
