# SPDX-License-Identifier: EUPL-1.2
"""What the pages of a record show: one frozen object each, made by the acts of `consult.py`.

Texts that come from a document (titles, labels, sections) stay in the language of the document.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Status = Literal["current", "superseded"]


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


@dataclass(frozen=True, slots=True)
class CurveLine:
    """One measure that has a curve: enough to link to it."""

    code: str  # LOINC
    label: str
    unit: str
    count: int  # points on the curve
    last: Decimal
    last_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class DocumentList:
    """A record as its first page: documents newest first, measures by label."""

    lines: tuple[DocumentLine, ...]
    curves: tuple[CurveLine, ...]


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


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a curve."""

    at: datetime  # aware, UTC
    value: Decimal
    document: str  # id of the document it comes from
    place: str  # laboratory or author, "" when unknown


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure over time, oldest first, in one unit."""

    code: str  # LOINC
    label: str
    unit: str
    low: Decimal | None  # most recent reference range
    high: Decimal | None
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A file of a document."""

    media_type: str
    title: str  # what the file is called when saved, without suffix
    data: bytes
