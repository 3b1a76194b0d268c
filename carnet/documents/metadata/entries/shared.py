# SPDX-License-Identifier: EUPL-1.2
"""What several subjects read in the same way: comments, severity, status, certainty, who said it."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from carnet.documents.cda.datatypes import Code, Interval, Period, Quantity, Ratio
from carnet.documents.cda.statements import Statement
from carnet.documents.cda.values import Value
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, denies

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


def spoken(value: Value) -> str:
    """A value in words."""
    match value:
        case bool():
            return "oui" if value else "non"
        case Code():
            return str((concept(value) or {}).get("text") or value.label or "")
        case Quantity():
            parts = (value.comparator, value.value, value.unit)
            return " ".join(str(part) for part in parts if part is not None)
        case Interval():
            return f"{spoken(value.low)} à {spoken(value.high)}"
        case Ratio():
            return f"{spoken(value.numerator)} / {spoken(value.denominator)}"
        case Period():
            return value.first or ""
        case _:
            return str(value)


def denied(statement: Statement, *codes: Code | None) -> bool:
    """Whether it says that something is not so: by its negation, or by a no in its very words.

    codes: whose words, in the text shown, may be that no.
    """
    said = [statement.text, *(code.original for code in codes if code)]
    return statement.negated or any(map(denies, said))


def titled(statement: Statement) -> Json | None:
    """What an observation is called; never by its own value, which some point at as its name."""
    code = statement.code
    if code is not None and code.display and _valued(statement, code):
        return concept(replace(code, original=None))
    return concept(code)


def values_words(statement: Statement) -> list[str]:
    """The words of the code that are the value's: told beside it when the value says otherwise."""
    code, value = statement.code, statement.value
    if code is None or value is None or not code.display or not _valued(statement, code):
        return []
    own = str(code.original)
    return [] if _folded(own) in _folded(spoken(value)) else [own]


def _valued(statement: Statement, code: Code) -> bool:
    own, value = _folded(code.original or ""), statement.value
    if not own or value is None:
        return False
    if own in _folded(spoken(value)) or own in {_folded(w) for w in _values(value) if w}:
        return True
    shared = _words(own) & _words(_folded(code.display or ""))
    return own[0].isdigit() and not isinstance(value, Code | str) and not shared


def _values(value: Value) -> list[str | None]:
    return words(value) if isinstance(value, Code) else []


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text))


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
