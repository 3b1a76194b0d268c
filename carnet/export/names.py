# SPDX-License-Identifier: EUPL-1.2
"""File names that people can read, and no system takes for something else."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

LONGEST = 80  # characters of a title
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
# What a browser would run is kept as received, under a name that opens as text.
SUFFIXES = {
    "application/pdf": ".pdf", "application/xml": ".xml", "text/xml": ".xml", "text/plain": ".txt",
    "application/hl7-v3+xml": ".xml", "text/hl7v3+xml": ".xml", "text/x-hl7-text+xml": ".xml",
    "application/json": ".json", "application/fhir+json": ".json", "image/png": ".png",
    "image/jpeg": ".jpg", "image/tiff": ".tif", "image/gif": ".gif", "application/rtf": ".rtf",
    "text/rtf": ".rtf", "application/dicom": ".dcm", "application/zip": ".zip",
    "text/html": ".html.txt", "application/xhtml+xml": ".html.txt", "image/svg+xml": ".svg.txt",
}  # fmt: skip


def suffix(media: str) -> str:
    """Of a media type; `.bin` for one that is not known here."""
    return SUFFIXES.get(media.split(";")[0].strip().lower(), ".bin")


def safe(title: str) -> str:
    """A title without what a file name cannot have: separators, controls, changes of direction."""
    title = FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
    # Controls, formats, surrogates, unassigned, private use; line and paragraph separators.
    kept = (each for each in title if not unicodedata.category(each).startswith(("C", "Zl", "Zp")))
    return " ".join("".join(kept).split())[:LONGEST].strip(" .") or "document"


@dataclass
class Names:
    """Names of one archive, each once, whatever the case of its letters."""

    taken: set[str] = field(default_factory=set)

    def free(self, folder: str, name: str, end: str) -> str:
        """`folder/name end`, numbered when it is taken."""
        number, path = 1, f"{folder}/{name}{end}"
        while path.casefold() in self.taken:
            number += 1
            path = f"{folder}/{name} ({number}){end}"
        self.taken.add(path.casefold())
        return path


def cell(text: str) -> str:
    """A cell of a CSV that no spreadsheet takes for a formula."""
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
