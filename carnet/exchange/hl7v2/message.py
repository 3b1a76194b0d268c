# SPDX-License-Identifier: EUPL-1.2
"""Messages as they are written: segments, fields, repetitions, components, in ER7 or in XML.

Source: HL7 v2.5, chapter 2 (encoding rules, escapes, batches) and HL7 v2 XML encoding; PAM-FR 2.11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from carnet import errors
from carnet.exchange.parts import LARGEST
from carnet.fhir import xml

MOST_SEGMENTS: Final = 100_000
MOST_MESSAGES: Final = 10_000
STARTS: Final = (b"MSH", b"FHS", b"BHS")
XML2: Final = "urn:hl7-org:v2xml"
# MSH-18, HL7 table 0211; what is not listed is read as UTF-8, else as Windows-1252.
CHARSETS: Final = {
    "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "8859/1": "iso-8859-1", "8859/15": "iso-8859-15",
    "ASCII": "ascii", "UNICODE UTF-16": "utf-16", "8859/9": "iso-8859-9",
}  # fmt: skip


class NotHl7(errors.Invalid):
    """This is not an HL7 v2 message: it does not begin with MSH, its separators are wrong, or it is cut."""


class TooManySegments(errors.TooLarge):
    """The file has more than 100,000 HL7 v2 segments, or 10,000 messages."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The separators of a message (MSH-1 and MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a message: fields → repetitions → components → subcomponents, unescaped."""

    name: str
    fields: tuple[tuple[tuple[tuple[str, ...], ...], ...], ...]  # fields[0] is field 1
    number: int  # its place in the message, from 1

    def repetitions(self, place: int) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """Of a field, by its number; () when it is empty."""
        return self.fields[place - 1] if 0 < place <= len(self.fields) else ()

    def get(
        self, place: int, component: int = 1, subcomponent: int = 1, repetition: int = 0
    ) -> str:
        """One value; "" when it is not there."""
        held = self.repetitions(place)
        return value(held[repetition], component, subcomponent) if repetition < len(held) else ""


def value(repetition: tuple[tuple[str, ...], ...], component: int, subcomponent: int = 1) -> str:
    """A component of a repetition; "" when it is not there."""
    if not 0 < component <= len(repetition):
        return ""
    held = repetition[component - 1]
    return held[subcomponent - 1].strip() if 0 < subcomponent <= len(held) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    segments: tuple[Segment, ...] = field(repr=False)

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def kind(self) -> str:
        """`ORU`, `MDM`, `ADT`, `ACK`…"""
        return self.header.get(9)

    @property
    def event(self) -> str:
        """`R01`, `T02`, `A01`…"""
        return self.header.get(9, 2)

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((each for each in self.segments if each.name == name), None)


def looks(data: bytes) -> bool:
    """Whether bytes begin as HL7 v2, in either encoding."""
    head = data[:512].lstrip(b"\xef\xbb\xbf\x0b \t\r\n")
    if head.startswith(STARTS) and len(head) > 8 and not head[3:4].isalnum():
        return True
    return head.startswith(b"<") and XML2.encode() in data[:4096]


def messages(data: bytes) -> list[Message]:
    """Every message of a file, of a batch, or of an MLLP capture."""
    if len(data) > LARGEST:
        raise errors.TooLarge("The HL7 v2 file is larger than 256 MB.")
    head = data[:512].lstrip(b"\xef\xbb\xbf\x0b \t\r\n")
    if head.startswith(b"<"):
        return [_from_xml(data)]
    found: list[Message] = []
    lines: list[str] = []
    count = 0
    for line in _lines(data):
        count += 1
        if count > MOST_SEGMENTS:
            raise TooManySegments
        if line[:3] in ("FHS", "BHS", "BTS", "FTS"):
            continue
        if line.startswith("MSH") and lines:
            found.append(_message(lines))
            lines = []
            if len(found) > MOST_MESSAGES:
                raise TooManySegments
        lines.append(line)
    if lines:
        found.append(_message(lines))
    if not found:
        raise NotHl7
    return found


def _lines(data: bytes) -> Iterator[str]:
    text = _decoded(data).translate({0x0B: None, 0x1C: None, 0xFEFF: None})
    for line in re.split("\r\n|\r|\n", text):
        if line.strip():
            yield line


def _decoded(data: bytes) -> str:
    named = data[:4096].decode("latin-1").lstrip("\ufeff\x0bï»¿ \r\n").split("\r")[0].split("\n")[0]
    mark = named[3:4] or "|"
    fields = named.split(mark)
    charset = CHARSETS.get(fields[17].split("~")[0].strip().upper(), "") if len(fields) > 17 else ""
    for encoding in dict.fromkeys(filter(None, (charset, "utf-8", "cp1252"))):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _message(lines: list[str]) -> Message:
    head = lines[0]
    if not head.startswith("MSH") or len(head) < 8:
        raise NotHl7
    given = head[4 : head.find(head[3], 4)] if head.find(head[3], 4) > 0 else head[4:8]
    marks = Marks(head[3], *(given + "^~\\&"[len(given) :])[:4])
    if len({marks.field, marks.component, marks.repetition, marks.escape, marks.subcomponent}) < 5:
        raise NotHl7
    segments = []
    for number, line in enumerate(lines, 1):
        fields = line.split(marks.field)
        name = fields[0].strip()
        if not re.fullmatch("[A-Z][A-Z0-9]{2}", name):
            # Text that was broken across lines belongs to the segment before it.
            raise NotHl7(
                f"HL7 v2: line {number} is no segment (three capitals or digits, then fields)."
            )
        held = [_field(each, marks) for each in fields[1:]]
        if name == "MSH":
            held = [(((marks.field,),),), (((given,),),), *held[1:]]
        segments.append(Segment(name, tuple(held), number))
    if not segments[0].get(9):
        raise NotHl7("HL7 v2: the header says no type of message (MSH-9).")
    return Message(tuple(segments))


def _field(text: str, marks: Marks) -> tuple[tuple[tuple[str, ...], ...], ...]:
    if not text:
        return ()
    return tuple(
        tuple(
            tuple(unescaped(piece, marks) for piece in component.split(marks.subcomponent))
            for component in repetition.split(marks.component)
        )
        for repetition in text.split(marks.repetition)
    )


def unescaped(text: str, marks: Marks) -> str:
    """A value without its escapes: \\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\.br\\ \\Xhh\\; others are left out."""
    if marks.escape not in text:
        return text
    names = {
        "F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition,
        "E": marks.escape, ".br": "\n", "P": "",
    }  # fmt: skip

    def one(found: re.Match[str]) -> str:
        name = found[1]
        if name in names:
            return names[name]
        if name.startswith("X") and len(name) % 2 and re.fullmatch("[0-9A-Fa-f]+", name[1:]):
            return bytes.fromhex(name[1:]).decode("utf-8", "replace")
        return "\n" if name.startswith((".sp", ".ce")) else ""

    mark = re.escape(marks.escape)
    return re.sub(f"{mark}([^{mark}]{{0,64}}){mark}", one, text)


# ------------------------------------------------------------------------------------------- in XML


def _from_xml(data: bytes) -> Message:
    root = xml.parse(data)
    if etree.QName(root).namespace != XML2:
        raise NotHl7
    found: list[Segment] = []
    for each in root.iter():
        name = etree.QName(each).localname
        if re.fullmatch("[A-Z][A-Z0-9]{2}", name):
            found.append(Segment(name, _fields(each, name), len(found) + 1))
    if not found or found[0].name != "MSH":
        raise NotHl7
    return Message(tuple(found))


def _fields(
    segment: etree._Element, name: str
) -> tuple[tuple[tuple[tuple[str, ...], ...], ...], ...]:
    held: dict[int, list[tuple[tuple[str, ...], ...]]] = {}
    for each in segment:
        place = etree.QName(each).localname.rpartition(".")[2]
        if place.isdigit() and int(place) < 1000:
            held.setdefault(int(place), []).append(_components(each))
    return tuple(tuple(held.get(place, ())) for place in range(1, max(held, default=0) + 1))


def _components(found: etree._Element) -> tuple[tuple[str, ...], ...]:
    if not len(found):
        return ((found.text or "",),)
    held: dict[int, tuple[str, ...]] = {}
    for each in found:
        place = etree.QName(each).localname.rpartition(".")[2]
        if place.isdigit() and int(place) < 1000:
            inner = (
                tuple("".join(one.itertext()) for one in each) if len(each) else (each.text or "",)
            )
            held[int(place)] = inner
    return tuple(held.get(place, ("",)) for place in range(1, max(held, default=0) + 1))
