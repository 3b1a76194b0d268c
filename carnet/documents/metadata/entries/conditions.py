# SPDX-License-Identifier: EUPL-1.2
"""Problems, history and diagnoses as Conditions. Source: IHE PCC, Concern and Problem Entry; FHIR R4.

A problem that is denied is a Condition that is refuted: its absence is a fact too, and nobody can take
it for its presence. "No known problem" and "no information" are the codes of IPS.
"""

from dataclasses import replace
from typing import Final

from carnet.documents.cda.datatypes import Code
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import (
    CERTAINTY,
    CLINICAL,
    SEVERITY,
    STATUS,
    coded_inside,
    notes,
    recorded,
    recorder,
    words,
)
from carnet.documents.metadata.entries.shared import denied as said_denied
from carnet.documents.metadata.pieces import Json, answers, coded, concept, identifier, says_nothing

ACTIVE: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/condition-category"
PROBLEM: Final = ("1.2.250.1.213.1.1.3.37", "1.3.6.1.4.1.19376.1.5.3.1.4.5")
ALLERGY: Final = ("1.2.250.1.213.1.1.3.41", "1.3.6.1.4.1.19376.1.5.3.1.4.6")  # a problem too
ABSENT: Final = "2.16.840.1.113883.5.1150.1"  # IPS: absent or unknown
# Status as documents write it → FHIR condition-clinical. Source: SNOMED CT and FHIR codes seen.
STATES: Final = {
    "active": "active",
    "55561003": "active",
    "recurrence": "recurrence",
    "relapse": "relapse",
    "inactive": "inactive",
    "73425007": "inactive",
    "90734009": "active",  # chronic
    "7087005": "active",  # intermittent
    "255227004": "recurrence",
    "remission": "remission",
    "resolved": "resolved",
    "413322009": "resolved",
}
CERTAIN: Final = {
    "confirmed": "confirmed",
    "410605003": "confirmed",
    "unconfirmed": "unconfirmed",
    "provisional": "provisional",
    "410592001": "provisional",
    "differential": "differential",
    "refuted": "refuted",
    "410594000": "refuted",
}
CURRENT: Final = "1.2.250.1.213.1.1.2.132"  # CI-SIS, section FR-Problemes-actifs
OVER: Final = frozenset({"inactive", "remission", "resolved"})
# Sections whose problems are of this document alone, and not on the list of problems.
DIAGNOSES: Final = frozenset({"11535-2", "46241-6", "42349-1", "29299-5"})


def concern(reading: Reading, statement: Statement) -> None:
    """The problems a concern holds; what else it holds goes to its own subject."""
    if statement.negated or statement.null:
        for each in statement.walk():  # nothing in what is denied or masked is a fact
            reading.keep(each, "not-done")
        return
    for link in statement.related:
        problem = link.statement.is_a(*PROBLEM) and not link.statement.is_a(*ALLERGY)
        if problem and not any(link.statement.taking("subject")):  # of somebody else: `others`
            made(reading, link.statement, statement)
        else:
            reading.again(reading, link.statement)
    if any(reading.is_data(each.statement) for each in statement.related):
        reading.use(statement)


def made(reading: Reading, statement: Statement, held: Statement | None = None) -> None:
    """One problem. held: the concern it stands in."""
    if statement.mood != "EVN" or statement.null:
        reading.keep(statement, "not-done")
        return
    value = statement.value
    code = value if isinstance(value, Code) else None
    named = _named(code)
    if named is None:
        nothing = says_nothing(statement.text, absence=False)
        if nothing or not statement.text or answers(statement.text):
            reading.keep(statement, "narrative" if nothing else "no-value")
            return
        named = {"text": statement.text}
    reading.take(statement, _condition(reading, statement, held, code, named))


def _named(code: Code | None) -> Json | None:
    """What it is; a yes or a no in the place of its words is no name."""
    if code is None or not code.label:
        return None
    if not code.code and (answers(code.label) or says_nothing(code.label, absence=False)):
        return None
    if code.display and code.original and answers(code.original):
        code = replace(code, original=None)
    return concept(code)


def _condition(
    reading: Reading,
    statement: Statement,
    held: Statement | None,
    code: Code | None,
    named: Json,
) -> Json:
    denied = said_denied(statement, code)
    if denied and code and code.system == ABSENT:
        denied = False  # "no known problem", said twice: the code says the absence by itself
    status = coded_inside(reading, statement, *STATUS)
    severity = coded_inside(reading, statement, *SEVERITY)
    certainty = coded_inside(reading, statement, *CERTAINTY)
    state = coded_inside(reading, statement, *CLINICAL)
    verification = "refuted" if denied else CERTAIN.get((certainty and certainty.code) or "")
    # Nobody who asks for active problems is given one that is denied.
    lasts = "inactive" if verification == "refuted" else _state(reading, statement, held, status)
    when, late = _when(statement, lasts)
    return {
        "resourceType": "Condition",
        "identifier": [identifier(each) for each in statement.ids],
        "clinicalStatus": coded(ACTIVE, lasts),
        "verificationStatus": coded(VERIFIED, verification) if verification else None,
        "category": [
            coded(
                CATEGORY,
                "encounter-diagnosis" if reading.section_code in DIAGNOSES else "problem-list-item",
            ),
            *([found] if (found := concept(statement.code)) else []),
        ],
        "severity": concept(severity),
        "code": named,
        "bodySite": [each for each in map(concept, statement.sites) if each],
        "subject": reading.making.subject,
        **when,
        "recordedDate": recorded(reading, statement),
        "recorder": recorder(reading, statement),
        "note": [
            *notes(reading, statement, words(code, statement.code)),
            *([{"text": f"Statut clinique : {state.label}"}] if state and state.label else []),
            *([{"text": f"Fin indiquée : {late}"}] if late else []),
        ],
    }


def _state(
    reading: Reading, statement: Statement, held: Statement | None, status: Code | None
) -> str:
    """Whether it lasts: as said, else by its end and the state of the concern that holds it.

    In the national section of active problems, one without an end is active, though the act around it be
    completed: the published examples write there what their titles call current.
    """
    said = STATES.get((status and status.code) or "")
    if said:
        return said
    if statement.at and statement.at.high and not statement.at.point:
        return "resolved"
    where = reading.where
    if where is not None and CURRENT in where.templates:
        return "active"
    if held is not None and held.status in ("completed", "aborted", "suspended"):
        return "inactive"
    return "active"


def _when(statement: Statement, lasts: str) -> tuple[Json, str | None]:
    """Its beginning and its end; the end apart for what is said to last all the same (con-4)."""
    at = statement.at
    if at is None:
        return {}, None
    ended = None if at.point else at.high
    if ended and lasts not in OVER:
        return {"onsetDateTime": at.low}, ended
    return {"onsetDateTime": at.low, "abatementDateTime": ended}, None
