# SPDX-License-Identifier: EUPL-1.2
"""What several subjects read in the same way: comments, severity, status, certainty, who said it."""

from collections.abc import Iterable
from typing import Final

from carnet.documents.cda.datatypes import Code
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json

# CI-SIS templates, and the IHE PCC ones they refine.
COMMENT: Final = ("1.2.250.1.213.1.1.3.32", "1.3.6.1.4.1.19376.1.5.3.1.4.2")
SEVERITY: Final = ("1.2.250.1.213.1.1.3.29", "1.3.6.1.4.1.19376.1.5.3.1.4.1")
STATUS: Final = ("1.2.250.1.213.1.1.3.30", "1.3.6.1.4.1.19376.1.5.3.1.4.1.1")
CLINICAL: Final = ("1.2.250.1.213.1.1.3.31", "1.3.6.1.4.1.19376.1.5.3.1.4.1.2")
CERTAINTY: Final = ("1.2.250.1.213.1.1.3.171",)
CRITICALITY: Final = ("1.2.250.1.213.1.1.3.172",)
INTERNAL: Final = ("1.2.250.1.213.1.1.3.36", "1.3.6.1.4.1.19376.1.5.3.1.4.4.1")
EXTERNAL: Final = ("1.2.250.1.213.1.1.3.35", "1.3.6.1.4.1.19376.1.5.3.1.4.4")
# How severe: SNOMED CT and the short codes that stand for it → a word of FHIR.
SEVERE: Final = {
    "255604002": "mild",
    "L": "mild",
    "6736007": "moderate",
    "M": "moderate",
    "24484000": "severe",
    "H": "severe",
}


def comments(reading: Reading, statement: Statement) -> list[Json]:
    """The comments on a statement, as notes."""
    found = []
    for each in list(statement.inside(None, *COMMENT)):
        if each.text:
            reading.use(each)
            found.append({"text": each.text})
        else:
            reading.keep(each, "no-text")
    return found


def notes(reading: Reading, statement: Statement, said: Iterable[str | None]) -> list[Json]:
    """The comments, after the statement's own words when the codes do not say them.

    said: what is shown of it elsewhere.
    """
    shown = {_folded(each) for each in said if each}
    own = statement.text
    first = [{"text": own}] if own and _folded(own) not in shown else []
    return [*first, *comments(reading, statement)]


def words(*codes: Code | None) -> list[str | None]:
    """All that a code says in words."""
    return [said for code in codes if code for said in (code.display, code.original)]


def coded_inside(reading: Reading, statement: Statement, *templates: str) -> Code | None:
    """The coded value of the observation inside that bears one of these templates."""
    for each in statement.inside(None, *templates):
        value = each.value
        if isinstance(value, Code) and each.happened:
            reading.use(each)
            return value
        reading.keep(each, "no-value")
    return None


def recorder(reading: Reading, statement: Statement) -> Json | None:
    """Who wrote it: its own author, else those of the document."""
    own = [part.party for part in statement.taking("author")]
    return next(iter(logical(own or reading.making.header.authors)), None)


def recorded(reading: Reading, statement: Statement) -> str | None:
    """When it was written: as its author says, else the document's date."""
    for part in statement.taking("author"):
        if part.party.time and part.party.time.first:
            return part.party.time.first
    return reading.making.header.effective


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
