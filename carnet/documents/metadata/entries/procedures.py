# SPDX-License-Identifier: EUPL-1.2
"""Acts done, and acts meant: Procedure or ServiceRequest. Source: IHE PCC, Procedure Entry; FHIR R4."""

from typing import Final

from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import (
    INTERNAL,
    notes,
    recorded,
    recorder,
    words,
)
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, identifier, kept, period

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
    named = concept(statement.code) or ({"text": statement.text} if statement.text else None)
    if named is None or statement.null:
        reading.keep(statement, "no-code" if not statement.null else "not-done")
        return
    if statement.mood == "EVN":
        reading.take(statement, _procedure(reading, statement, named))
    elif statement.mood in INTENTS:
        reading.take(statement, request(reading, statement, named))
    else:
        reading.keep(statement, "not-done")
        return
    for each in statement.related:
        if not reading.told(each.statement):
            reading.again(reading, each.statement)


def _procedure(reading: Reading, statement: Statement, named: Json) -> Json:
    status = STATUS.get(statement.status or "completed", "unknown")
    return {
        "resourceType": "Procedure",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "not-done" if statement.negated else status,
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
            *({"text": f"Voie d’abord : {each.label}"} for each in statement.approaches),
            *({"text": f"Méthode : {each.label}"} for each in statement.methods),
            *(
                [{"text": f"Priorité : {statement.priority.label}"}]
                if statement.priority and statement.priority.label
                else []
            ),
        ],
    }


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
        "doNotPerform": True if statement.negated else None,
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
    if at.point or not at.high:
        return {"performedDateTime": at.first}
    return {"performedPeriod": period(at)}


def _wanted(statement: Statement) -> Json:
    at = statement.at
    if at is None:
        return {}
    if at.point or not at.high:
        return {"occurrenceDateTime": at.first}
    return {"occurrencePeriod": period(at)}
