# SPDX-License-Identifier: EUPL-1.2
"""Visits and stays: an Encounter that took place, an Appointment asked for. Source: IHE PCC, Encounter."""

from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import comments, denied, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, identifier, kept, period

CLASS: Final = "2.16.840.1.113883.5.4"  # ActCode, where ActEncounterCode is
PLANNED: Final = {"ARQ": "proposed", "INT": "proposed", "PRP": "proposed", "APT": "booked"}


def made(reading: Reading, statement: Statement) -> None:
    """An encounter of the past, or an appointment to come."""
    if statement.null or denied(statement):
        reading.keep(statement, "not-done")
    elif statement.mood == "EVN":
        reading.take(statement, _encounter(reading, statement))
    elif statement.mood in PLANNED:
        reading.take(statement, _appointment(reading, statement))
    else:
        reading.keep(statement, "not-done")


def _encounter(reading: Reading, statement: Statement) -> Json:
    code = statement.code
    coding = (concept(code) or {}).get("coding", [])
    known = code is not None and code.system == CLASS
    at = statement.at
    return {
        "resourceType": "Encounter",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "finished",
        "class": coding[0]
        if known and coding
        else {"system": nomenclature.system(CLASS), "code": "AMB"}
        if code is None
        else {"display": code.label or "rencontre"},
        "type": [] if known or code is None else [concept(code)],
        "subject": reading.making.subject,
        "participant": [
            {"individual": actor}
            for part in statement.taking("performer")
            for actor in logical([part.party])
        ],
        "period": kept({"start": at.low, "end": at.high}) if at else None,
        "location": [{"location": {"display": name}} for name in _places(statement)],
    }


def _appointment(reading: Reading, statement: Statement) -> Json:
    at = statement.at
    actors = logical([part.party for part in statement.taking("performer")])
    said = [statement.text] if statement.text not in words(statement.code) else []
    notes = [note["text"] for note in comments(reading, statement)]
    priority = statement.priority.label if statement.priority else None
    return {
        "resourceType": "Appointment",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "proposed",
        "serviceType": [c for c in (concept(statement.code),) if c],
        "requestedPeriod": [period(at)] if at else None,
        "comment": "\n".join(
            each for each in (*said, *notes, priority, *_places(statement)) if each
        ),
        "participant": [
            {"actor": reading.making.subject, "status": "needs-action"},
            *({"actor": actor, "status": "needs-action"} for actor in actors),
        ],
    }


def _places(statement: Statement) -> list[str]:
    """Where, in words."""
    found = []
    for part in statement.taking("LOC", "DST"):
        organisation = part.party.organisation
        name = part.name or (organisation.name if organisation else None)
        if name:
            found.append(name)
    return found
