# SPDX-License-Identifier: EUPL-1.2
"""A whole CDA document, read: header, sections, results, files, and what was understood of it."""

from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.documents.cda import (
    attachments,
    body,
    datatypes,
    header,
    images,
    results,
    statements,
    understood,
    values,
)
from carnet.documents.cda.attachments import Attachment, NotExtracted, Role
from carnet.documents.cda.body import Section
from carnet.documents.cda.header import Header
from carnet.documents.cda.results import Results
from carnet.fhir import xml

ROOT: Final = datatypes.V3 + "ClinicalDocument"

COPY_SECTION: Final = "55108-5"  # LOINC, section "copie du document"
ATTACHED: Final = frozenset({"1.2.250.1.213.1.1.3.18"})  # FR-Document-attache
MAX_SECTIONS: Final = 2000


class NotCda(errors.Structure):
    """The XML document is not a CDA: it has no ClinicalDocument element, or several."""


class SeveralPatients(errors.BusinessRule):
    """A document is about one person: this one has several recordTarget elements."""

    code = "906"


@dataclass(frozen=True, slots=True)
class Entry:
    """One coded entry that is no result of a laboratory, as it is written."""

    section: int  # index in the sections
    statement: statements.Statement


@dataclass(frozen=True, slots=True)
class CdaDocument:
    """What was read; `source` is what was received, byte for byte."""

    source: bytes
    media_type: str  # text/xml, or application/xslt+xml for a self-presenting document
    header: Header
    sections: tuple[Section, ...]
    results: Results
    entries: tuple[Entry, ...]  # the others: `metadata/entries` says what they become
    attachments: tuple[Attachment, ...]
    not_extracted: tuple[NotExtracted, ...]
    structured: bool  # False for a level 1
    report: tuple[understood.Line, ...]  # of the results and files; the rest by `metadata.told`

    @property
    def copy(self) -> Attachment | None:
        """The report as people print it: the body of a level 1, or the copy beside the data."""
        for role in (Role.BODY, Role.COPY):
            for attachment in self.attachments:
                if attachment.role is role:
                    return attachment
        return None


def read(source: bytes) -> CdaDocument:
    """Reads a CDA R2 document, plain or wrapped in its stylesheet.

    Raises errors.Invalid for what is no XML, NotCda for what is no CDA, SeveralPatients for one of
    several persons; anything else that is wrong or missing is told by `conformance`, and what is
    not understood by `report`.
    """
    top = xml.parse(source)
    root = _clinical_document(top)
    if len(datatypes.children(root, "recordTarget")) > 1:
        raise SeveralPatients(path="ClinicalDocument/recordTarget[2]")
    report = understood.Report()
    bodies = datatypes.down(root, "component", "structuredBody")
    level_1 = datatypes.down(root, "component", "nonXMLBody")
    found: list[Attachment | NotExtracted] = []
    entries: list[Entry] = []
    sections: list[body.Placed] = []
    reader = results.Reader(report)
    if bodies is not None:
        narrative = datatypes.Narrative(bodies.iter())
        shown = images.Images(bodies)
        sections = body.sections(bodies, narrative, shown.show)
        if len(sections) > MAX_SECTIONS:
            raise errors.Invalid("The document has too many sections.")
        for placed in sections:
            _entries(placed, reader, narrative, shown, report, found, entries)
    elif level_1 is not None:
        found.append(_level_1(level_1, report))
    return CdaDocument(
        source=source,
        media_type="text/xml" if top is root else "application/xslt+xml",
        header=header.read(root),
        sections=tuple(placed.section for placed in sections),
        results=reader.done(),
        entries=tuple(entries),
        attachments=tuple(f for f in found if isinstance(f, Attachment)),
        not_extracted=tuple(f for f in found if isinstance(f, NotExtracted)),
        structured=bodies is not None,
        report=report.lines(),
    )


def _clinical_document(top: datatypes.Element) -> datatypes.Element:
    if top.tag == ROOT:
        return top
    inside = list(top.iter(ROOT))
    if len(inside) != 1:
        raise NotCda
    return inside[0]


def _level_1(element: datatypes.Element, report: understood.Report) -> Attachment | NotExtracted:
    place = "nonXMLBody/text"
    text = datatypes.child(element, "text")
    if text is None:
        return NotExtracted(place, Role.BODY, None, attachments.Trouble.EMPTY)
    file = attachments.read(text, place=place, role=Role.BODY, title=None, section=None)
    _told(file, "nonXMLBody", report)
    return file


def _entries(
    placed: body.Placed,
    reader: results.Reader,
    narrative: datatypes.Narrative,
    shown: images.Images,
    report: understood.Report,
    found: list[Attachment | NotExtracted],
    entries: list[Entry],
) -> None:
    """Every entry of one section: results, files, or a statement for others to understand."""
    report.section(placed.section.named)
    for index, entry in enumerate(datatypes.children(placed.element, "entry"), 1):
        place = f"{placed.section.place}/entry[{index}]"
        inside = list(statements.held(entry, place))
        if not inside:
            report.kept("entry", place, "kind")
        for statement, where in inside:
            templates = {*datatypes.templates(entry), *datatypes.templates(statement)}
            whole = False  # whether all it holds, what is said of its files included, is read
            if (
                datatypes.local(statement) == "act"
                and results.ENTRY & templates
                and statements.happened(statement)
                and not placed.section.subject
                and statement.find(f".//{datatypes.V3}subject") is None  # of somebody else
            ):
                reader.entry(statement, where, placed.index, narrative)
            elif ATTACHED & templates:
                report.data(statements.what(statement, entry), where)
                _attached(statement, where, narrative, report)
            elif datatypes.local(statement) != "observationMedia":
                told = statements.read(statement, where, narrative, entry)
                entries.append(Entry(placed.index, told))
                whole = True
            for media in statement.iter(datatypes.V3 + "observationMedia"):
                found.append(
                    _media(media, statement, where, placed, narrative, shown, report, len(found))
                )
                if not whole:
                    _below(media, f"{where}//observationMedia", report)


def _below(media: datatypes.Element, place: str, report: understood.Report) -> None:
    """Tell what stands in a file, which nothing reads."""
    for _, inside, where in statements.linked(media, place):
        report.kept(statements.what(inside), where, "kind")
        _below(inside, where, report)


def _attached(
    statement: datatypes.Element,
    place: str,
    narrative: datatypes.Narrative,
    report: understood.Report,
) -> None:
    """What is said of an attached document: what it is titles it, the rest is told as kept."""
    titled = False
    for _, inside, where in statements.linked(statement, place):
        if datatypes.local(inside) == "observationMedia":
            continue  # read with the attachments
        label = _label(datatypes.child(inside, "value"), narrative)
        if not titled and datatypes.local(inside) == "observation" and label:
            titled = True
            report.data(statements.what(inside), where)
        else:
            report.kept(statements.what(inside), where, "kind")
        _attached(inside, where, narrative, report)


def _media(
    media: datatypes.Element,
    statement: datatypes.Element,
    where: str,
    placed: body.Placed,
    narrative: datatypes.Narrative,
    shown: images.Images,
    report: understood.Report,
    before: int,
) -> Attachment | NotExtracted:
    inside = "" if media is statement else "//observationMedia"
    place = f"{where}{inside}"
    value = datatypes.child(media, "value")
    role = _role(media, value, placed, shown)
    if value is None:
        file: Attachment | NotExtracted = NotExtracted(place, role, None, attachments.Trouble.EMPTY)
    elif before >= attachments.MAX_FILES:
        file = NotExtracted(place, role, value.get("mediaType"), attachments.Trouble.NUMBER)
    else:
        title = _title(media, narrative) or placed.section.title
        file = attachments.read(value, place=place, role=role, title=title, section=placed.index)
    _told(file, "observationMedia", report)
    return file


def _role(
    media: datatypes.Element,
    value: datatypes.Element | None,
    placed: body.Placed,
    shown: images.Images,
) -> Role:
    section = placed.section.code
    if section is not None and section.code == COPY_SECTION:
        return Role.COPY
    return shown.role(media, value.get("mediaType", "") if value is not None else "")


def _title(media: datatypes.Element, narrative: datatypes.Narrative) -> str | None:
    """What the organizer of an attached document says it is."""
    organizer = media.getparent()
    organizer = organizer.getparent() if organizer is not None else None
    for component in datatypes.children(organizer, "component"):
        label = _label(datatypes.down(component, "observation", "value"), narrative)
        if label:
            return label
    return None


def _label(value: datatypes.Element | None, narrative: datatypes.Narrative) -> str | None:
    """What a value says, as a code or in words."""
    said = values.typed(value, narrative) if value is not None else None
    return (
        said.label if isinstance(said, datatypes.Code) else said if isinstance(said, str) else None
    )


def _told(file: Attachment | NotExtracted, what: str, report: understood.Report) -> None:
    if isinstance(file, Attachment):
        report.data(f"{what} {file.media_type}", file.place)
    else:
        report.kept(f"{what} {file.media_type or 'without type'}", file.place, file.trouble.value)
