# SPDX-License-Identifier: EUPL-1.2
"""What the pages of a record show: one frozen object each, made by the acts of `consult`.

Texts that come from a document (titles, labels, sections) stay in the language of the document.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Status = Literal["current", "superseded", "entered-in-error"]


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One document in a list."""

    id: str
    title: str
    kind: str  # LOINC or TRE_A05 code of the document type
    kind_label: str  # its French label, e.g. "CR d'examens biologiques"
    date: datetime  # aware, UTC: of the act or of the writing
    author: str  # name as it is read, "" when unknown
    place: str  # establishment, "" when unknown
    status: Status
    labels: frozenset[str]  # MASQUE_PS, INVISIBLE_PATIENT…
    warnings: tuple[str, ...]  # defects met when it was received, in plain French
    archived: bool = False  # by who deposited it
    # Of those its viewer sees: the same document from elsewhere; those that look like it and differ.
    copies: tuple["DocumentLine", ...] = ()
    unlike: tuple["DocumentLine", ...] = ()


@dataclass(frozen=True, slots=True)
class CurveLine:
    """One measure that has a curve: enough to link to it."""

    code: str  # LOINC
    label: str
    unit: str
    last: str  # last value as written: 5.40, <0.5, or 128/76
    last_at: datetime  # aware, UTC
    days: int = 0  # since that day, in Paris


@dataclass(frozen=True, slots=True)
class Facet:
    """One choice of a filter, and how many documents it keeps with the other filters as they are."""

    value: str  # as it stands in the address
    label: str  # in French
    count: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the list is asked for; "" and None ask for everything.

    after, before: where another page of the same list ended or began.
    """

    kind: str = ""  # code of a document type, or OTHER
    year: int | None = None  # in Paris
    place: str = ""  # who deposited: the id of an organisation
    author: str = ""  # who wrote, in a search: as a facet gave it
    after: str = ""
    before: str = ""


OTHER = "autres"  # documents of a type that is not listed, or of none


@dataclass(frozen=True, slots=True)
class DocumentList:
    """A record as its first page: documents newest first, a page at a time, and the last measures."""

    lines: tuple[DocumentLine, ...]
    total: int = 0  # documents that the filters keep
    kinds: tuple[Facet, ...] = ()  # the most frequent first
    years: tuple[Facet, ...] = ()  # newest first
    places: tuple[Facet, ...] = ()  # by name
    latest: tuple[CurveLine, ...] = ()  # measures of the last days, on the first page alone
    newer: str = ""  # where the neighbour pages are; "" when there is none
    older: str = ""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One result of a report."""

    id: str
    code: str  # LOINC; "" when the report gives none
    label: str
    value: str  # as written, number or text
    number: Decimal | None  # when the value is one: digits are kept
    unit: str
    low: Decimal | None  # reference range, either end may be missing
    high: Decimal | None
    range_text: str  # as written, "" when the report gives none
    interpretation: str | None  # HL7 ObservationInterpretation: N, L, H, LL, HH, A, AA…
    at: datetime  # aware, UTC: of the sample
    section: str  # chapter it stands in, "" when none
    previous: Decimal | None = None  # last earlier number of the same code and unit in the record
    previous_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One narrative section; `html` is already safe: text, tables, lists, no styling attribute."""

    title: str
    html: str
    read: tuple[str, ...] = ()  # what became data of it, in the words of the document
    ranks: str = ""  # its own and of those it stands in: 2-1


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One document, readable."""

    line: DocumentLine
    versions: tuple[DocumentLine, ...]  # the whole chain, newest first, this one included
    results: tuple[ResultLine, ...]
    sections: tuple[Section, ...]
    pdf: str | None  # Binary id of the PDF copy
    source: str | None  # Binary id of the source, byte for byte
    patient_name: str
    kept: int = 0  # coded entries of the source that are kept and not read as data
    read: int = 0  # coded entries that became data
    shown: bool = False  # a file of it can be looked at: page images, or its text


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a curve, in the curve's unit."""

    at: datetime  # aware, UTC
    value: Decimal
    document: str  # id of the document it comes from, "" when it was measured outside one
    place: str  # laboratory or author, "" when unknown
    low: Decimal | None = None  # its own laboratory's range, in the curve's unit
    high: Decimal | None = None
    interpretation: str | None = None  # HL7 ObservationInterpretation of its laboratory
    written: str = ""  # as the report has it, when it was converted
    by_patient: bool = False  # measured by the patient
    disputed: bool = False  # another document gives another value at the same instant
    also: tuple[tuple[str, str], ...] = ()  # other documents that say the same: id, place


# Why a value is in the table and not on the line.
Why = Literal["unit", "bound", "text", "replaced"]


@dataclass(frozen=True, slots=True)
class Aside:
    """A value of the same code that has no point."""

    at: datetime  # aware, UTC
    value: str  # as the report has it, with its unit
    why: (
        Why  # its unit cannot be converted, <0.5 is no number, it is words, its report was replaced
    )
    document: str
    place: str
    by_patient: bool = False
    newer: str = ""  # id of the report that replaces its own, "" when it is not seen
    newer_at: datetime | None = None  # the date of that report


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure over time, oldest first, in one unit: that of the last value that can be told in it."""

    code: str  # LOINC
    label: str
    unit: str
    low: Decimal | None  # most recent reference range
    high: Decimal | None
    points: tuple[Point, ...]
    asides: tuple[Aside, ...] = ()  # oldest first
    beside: tuple["Curve", ...] = ()  # other lines of the same figure
    joint: str = ""  # between the values of one instant: 128/76
    line: str = ""  # what its own line is called, when the figure has several

    @property
    def ranges(self) -> int:
        """How many different reference ranges the points came with."""
        return len({(p.low, p.high) for p in self.points if (p.low, p.high) != (None, None)})


@dataclass(frozen=True, slots=True)
class Content:
    """A file of a document."""

    media_type: str
    title: str  # what the file is called when saved, without suffix
    data: bytes
