# SPDX-License-Identifier: EUPL-1.2
"""Simple observations and measures: what was seen, counted, asked or scored, with its value."""

from dataclasses import replace
from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda.datatypes import Code, Quantity
from carnet.documents.cda.statements import Range, Statement
from carnet.documents.cda.values import Value
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import notes, titled, values_words, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    Json,
    coded,
    concept,
    effective,
    identifier,
    kept,
    quantity,
    value,
)
from carnet.documents.metadata.report import STATUS

# Refraction, acuity, keratometry, lenses. Source: CI-SIS, OPH-BRE; UCUM.
EYE: Final = tuple(f"1.2.250.1.213.1.1.3.{each}" for each in (119, 120, 121, 122))
DIOPTRE: Final = "[diop]"


def made(reading: Reading, statement: Statement) -> None:
    """An observation that took place; one that is denied, planned or without a name is kept."""
    if not statement.happened:
        reading.keep(statement, "not-done")
        return
    if statement.code is None or not statement.label:
        reading.keep(statement, "no-code")
        return
    if statement.value is None and statement.value_null is None and not statement.text:
        reading.keep(statement, "no-value")
        return
    reading.take(statement, observation(reading, statement))
    with reading.during(statement):
        for link in statement.related:
            if not reading.told(link.statement):
                reading.again(reading, link.statement)


def observation(reading: Reading, statement: Statement) -> Json:
    """What all observations have in common."""
    found = STATUS.get(statement.status or "completed", "unknown")
    header = reading.making.header
    return {
        "resourceType": "Observation",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "corrected" if found == "final" and reading.making.replaced else found,
        "code": titled(statement),
        "subject": reading.making.subject,
        **effective(statement.at or reading.at or reading.making.act, header.effective),
        "performer": logical([part.party for part in statement.taking("performer", "author")]),
        **value(_measured(statement)),
        "dataAbsentReason": absent(statement),
        "interpretation": [each for each in map(concept, statement.interpretations) if each],
        "note": [
            *notes(reading, statement, words(statement.code, *_coded(statement))),
            *({"text": each} for each in values_words(statement)),
        ],
        "bodySite": concept(statement.sites[0]) if statement.sites else None,
        "method": concept(statement.methods[0]) if statement.methods else None,
        "referenceRange": [_range(each) for each in statement.ranges],
        "derivedFrom": [{"reference": reading.making.url}],
    }


def _measured(statement: Statement) -> Value | None:
    """Its value; in measures of the eye the "d" of some is a dioptre, where UCUM reads a day."""
    found = statement.value
    if isinstance(found, Quantity) and found.unit in ("d", "D") and statement.is_a(*EYE):
        return replace(found, unit=DIOPTRE)
    return found


def absent(statement: Statement) -> Json | None:
    """Why there is no value, when that is what is said."""
    if statement.value is not None or not statement.value_null:
        return None
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return coded(system, nomenclature.absent(statement.value_null))


def _coded(statement: Statement) -> list[Code]:
    """The values that are codes: what they say is not said again."""
    return [each for each in statement.values if isinstance(each, Code)]


def _range(found: Range) -> Json:
    return kept(
        {
            "low": quantity(found.low) if found.low else None,
            "high": quantity(found.high) if found.high else None,
            "type": concept(found.meaning),
            "text": found.text,
        }
    )
