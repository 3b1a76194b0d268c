# SPDX-License-Identifier: EUPL-1.2
"""Acts done, and acts meant: Procedure or ServiceRequest. Source: IHE PCC, Procedure Entry; FHIR R4."""

from typing import Final

from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import (
    INTERNAL,
    denied,
    notes,
    recorded,
    recorder,
    words,
)
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, identifier, kept

RECEIVED: Final = ("1.2.250.1.213.1.1.3.107", "1.3.6.1.4.1.19376.1.3.1.3")
# Status of a CDA act → FHIR event-status. Source: HL7 v3 ActStatus.
STATUS: Final = {
    "completed": "completed",
    "active": "in-progress",
    "aborted": "stopped",
    "cancelled": "not-done",
    "new": "preparation",
    "held": "on-hold",
    "suspended": "on-hold",
    "nullified": "entered-in-error",
}
# Moods of what is not done yet → FHIR request-intent. A goal or an appointment is no request.
INTENTS: Final = {"INT": "plan", "RQO": "order", "PRP": "proposal", "PRMS": "plan"}
# ActPriority → FHIR request-priority.
PRIORITIES: Final = {
    "R": "routine",
    "EL": "routine",
    "UR": "urgent",
    "A": "asap",
    "S": "stat",
    "EM": "stat",
}


def made(reading: Reading, statement: Statement) -> None:
    """An act: what took place or did not is a Procedure, what is meant a ServiceRequest."""
    named = _named(statement)
    if named is None or statement.null:
        reading.keep(statement, "no-code" if not statement.null else "not-done")
        return
    if statement.mood == "EVN" and not _to_come(reading, statement):
        reading.take(statement, _procedure(reading, statement, named))
    elif statement.mood in ("EVN", *INTENTS):
        reading.take(statement, request(reading, statement, named))
    else:
        reading.keep(statement, "not-done")
        return
    for each in statement.related:
        if not reading.told(each.statement):
            reading.again(reading, each.statement)


def _named(statement: Statement) -> Json | None:
    """What it is; a bare code ("SURG") is called by the words of the line."""
    code = statement.code
    found = concept(code)
    if statement.text and (found is None or not (code and (code.display or code.original))):
        return {**(found or {}), "text": statement.text}
    return found


def _to_come(reading: Reading, statement: Statement) -> bool:
    """Whether it is written as if it took place, on a day after its document, and is not said to be over."""
    at, written = statement.at, reading.making.header.effective
    begins = at.first if at else None
    if not begins or not written or statement.status == "completed" or denied(statement):
        return False
    day = min(len(begins), len(written), len("2025-01-01"))
    return begins[:day] > written[:day]


def _procedure(reading: Reading, statement: Statement, named: Json) -> Json:
    status = STATUS.get(statement.status or "completed", "unknown")
    return {
        "resourceType": "Procedure",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "not-done" if denied(statement, statement.code) else status,
        "code": named,
        "subject": reading.making.subject,
        **_performed(statement),
        "recorder": recorder(reading, statement),
        "performer": [
            kept({"function": concept(part.party.function), "actor": actor})
            for part in statement.taking("performer")
            for actor in logical([part.party])
        ],
        "reasonCode": reasons(reading, statement),
        "bodySite": [each for each in map(concept, statement.sites) if each],
        "note": [
            *notes(reading, statement, words(statement.code)),
            *_received(reading, statement),
            *({"text": f"Voie d’abord : {each.label}"} for each in statement.approaches),
            *({"text": f"Méthode : {each.label}"} for each in statement.methods),
            *(
                [{"text": f"Priorité : {statement.priority.label}"}]
                if statement.priority and statement.priority.label
                else []
            ),
        ],
    }


def _received(reading: Reading, statement: Statement) -> list[Json]:
    """When what was taken came to the laboratory: a Procedure has no place for it."""
    said = []
    for each in list(statement.inside(None, *RECEIVED)):
        if each.happened and each.at and each.at.first:
            reading.use(each)
            said.append({"text": f"Échantillon reçu le {each.at.first}"})
    return said


def request(reading: Reading, statement: Statement, named: Json) -> Json:
    """Something meant, asked or proposed, as a ServiceRequest."""
    priority = statement.priority
    done = statement.status in ("completed", "aborted", "cancelled")
    return {
        "resourceType": "ServiceRequest",
        "identifier": [identifier(each) for each in statement.ids],
        # An intention that is completed says that it was stated, not that it was done.
        "status": "unknown" if done else "active",
        "intent": INTENTS.get(statement.mood, "plan"),
        "priority": PRIORITIES.get((priority and priority.code) or ""),
        "doNotPerform": True if denied(statement) or statement.value is False else None,
        "code": named,
        "subject": reading.making.subject,
        **_wanted(statement),
        "authoredOn": recorded(reading, statement),
        "requester": recorder(reading, statement),
        "performer": logical([part.party for part in statement.taking("performer")]),
        "reasonCode": reasons(reading, statement),
        "bodySite": [each for each in map(concept, statement.sites) if each],
        "note": notes(reading, statement, words(statement.code)),
    }


def reasons(reading: Reading, statement: Statement) -> list[Json]:
    """Why: the codes of what the statement names as its reason, by reference to it or in full."""
    found = []
    for each in list(statement.inside("RSON")):
        if each.is_a(*INTERNAL) and (reason := concept(each.code)):
            reading.use(each)
            found.append(reason)
    return found


def _performed(statement: Statement) -> Json:
    at = statement.at
    if at is None:
        return {}
    going_on = statement.status in ("active", "held", "suspended")
    if at.point or (not at.high and not going_on):
        return {"performedDateTime": at.first}
    return {"performedPeriod": kept({"start": at.low, "end": at.high})}


def _wanted(statement: Statement) -> Json:
    at = statement.at
    if at is None:
        return {}
    if at.point or not at.high:
        return {"occurrenceDateTime": at.first}
    return {"occurrencePeriod": kept({"start": at.low, "end": at.high})}
