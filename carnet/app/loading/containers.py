# SPDX-License-Identifier: EUPL-1.2
"""What is inside a file: an archive, an XDM, a mail, HL7 v2 messages. What is in them is loaded in turn.

Archives in archives are opened within one budget of bytes, files and levels for the file of the caller
they come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from carnet import errors
from carnet.app.loading import messages
from carnet.app.loading.files import PAGES, Named, NotYet
from carnet.app.loading.outcomes import Remark
from carnet.exchange import archive, ebrim, eml, hl7v2, xdm
from carnet.exchange.parts import LARGEST, Lot, Note, Opened, Part

DEEPEST: Final = 4  # containers in containers
OFFICE: Final = (
    "This is an office document or a program's archive: it is not read. Make a PDF of it."
)
UNPACKED: Final = (
    "This is the METADATA.XML of an XDM that was unpacked: open the ZIP it comes from, so that its documents"
    " are read with what it says of them."
)
ONE_OF: Final = ("[Content_Types].xml", "META-INF/MANIFEST.MF", "META-INF/manifest.xml", "mimetype")


class TooDeep(errors.TooLarge):
    """There are more than four archives or mails inside each other."""


class TooMuch(errors.TooLarge):
    """All that this file holds, archives in archives included, is more than 256 MB or 20,000 files."""


@dataclass(slots=True)
class Budget:
    """What the containers of one file may still hold."""

    left: int = LARGEST
    files: int = archive.MOST

    def take(self, opened: Opened) -> None:
        """Count what was opened; TooMuch when it goes beyond."""
        self.left -= sum(len(each.data) for each in opened.parts)
        self.files -= len(opened.parts)
        if self.left < 0 or self.files < 0:
            raise TooMuch


@dataclass(slots=True)
class Inside:
    """The files of one container, and what there is to say of it."""

    kind: str
    files: list[Named] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    said: tuple[str, ...] = ()
    lots: tuple[tuple[Lot, tuple[Named, ...]], ...] = ()  # with the files each holds


def opened(named: Named, data: bytes, budget: Budget) -> Inside | None:
    """What a file holds; None when it is no container."""
    found = _read(data, named.path.name, budget)
    if found is None:
        return None
    if named.depth >= DEEPEST:
        raise TooDeep
    budget.take(found)
    inside = Inside(found.kind, said=found.said)
    inside.remarks = [_remark(each) for each in found.notes]
    for each in found.parts:
        told = each.told if each.told.person or named.told is None else named.told
        inside.files.append(
            replace(
                named,
                path=named.path / each.name,
                page=Path(each.name).suffix.lower() in PAGES or _index(found, each),
                held=each.data,
                told=told,
                media_type=each.media_type,
                altered=each.altered,
                depth=named.depth + 1,
                budget=budget,
            )
        )
    names = {each.name: file for each, file in zip(found.parts, inside.files, strict=True)}
    inside.lots = tuple((lot, tuple(names[each] for each in lot.members)) for lot in found.lots)
    return inside


def _read(data: bytes, name: str, budget: Budget) -> Opened | None:
    if archive.looks(data):
        found = archive.read(data, budget.left)
        if any(each.name in ONE_OF for each in found.parts):
            raise NotYet(OFFICE)
        return xdm.read(found) if xdm.looks(found.parts) else found
    if name.upper() == xdm.METADATA and ebrim.RIM.strip("{}").encode() in data[:4096]:
        raise NotYet(UNPACKED)
    if hl7v2.looks(data):
        return messages.opened(data)
    if data.lstrip()[:1] not in (b"{", b"<") and eml.looks(data, name):
        return eml.read(data)
    return None


def _index(found: Opened, part: Part) -> bool:
    """A page of an archive that shows the others to those who have no software."""
    return found.kind in ("XDM", "ZIP") and Path(part.name).name.upper() in (
        "INDEX.HTM", "INDEX.HTML", "README.TXT", "README.HTM", "LISEZMOI.TXT",
    )  # fmt: skip


def _remark(note: Note) -> Remark:
    return Remark(note.severity, note.text, "", note.place, note.rule, note.french)
