# SPDX-License-Identifier: EUPL-1.2
"""Allergies and intolerances. Source: IHE PCC, Allergies and Intolerances; FHIR R4, AllergyIntolerance.

"No known allergy" and "no information" stand as the codes of IPS, never as an allergy to something; one
that is denied is refuted.
"""

from dataclasses import replace
from typing import Final

from carnet.documents.cda.datatypes import Code
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.conditions import ABSENT, CERTAIN, PROBLEM, STATES
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import (
    CERTAINTY,
    CRITICALITY,
    SEVERE,
    SEVERITY,
    STATUS,
    coded_inside,
    notes,
    recorded,
    recorder,
    words,
)
from carnet.documents.metadata.entries.shared import denied as said_denied
from carnet.documents.metadata.pieces import (
    Json,
    answers,
    coded,
    concept,
    denies,
    identifier,
    kept,
    says_nothing,
)

CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFIED: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
# Kind of a reaction, SNOMED CT and HL7 v3 ObservationIntoleranceType → type and category of FHIR.
KINDS: Final = {
    "416098002": ("allergy", "medication"),
    "DALG": ("allergy", "medication"),
    "414285001": ("allergy", "food"),
    "FALG": ("allergy", "food"),
    "426232007": ("allergy", "environment"),
    "EALG": ("allergy", "environment"),
    "609328004": ("allergy", None),
    "419199007": ("allergy", None),
    "ALG": ("allergy", None),
    "609398007": ("intolerance", "medication"),
    "59037007": ("intolerance", "medication"),
    "DINT": ("intolerance", "medication"),
    "235719002": ("intolerance", "food"),
    "FINT": ("intolerance", "food"),
    "EINT": ("intolerance", "environment"),
    "OINT": ("intolerance", None),
}
CRITICAL: Final = {"low": "low", "high": "high", "unable-to-assess": "unable-to-assess"}


def made(reading: Reading, statement: Statement) -> None:
    """One allergy; without an agent nor a word it is kept."""
    if statement.mood != "EVN" or statement.null:
        reading.keep(statement, "not-done")
        return
    named = _agent(statement)
    if named is None:
        reading.keep(statement, "no-code")
        return
    reading.take(statement, _allergy(reading, statement, named))


def _agent(statement: Statement) -> Json | None:
    """What it is to; else what the document says of allergies as a whole."""
    value = statement.value
    if isinstance(value, Code) and value.system == ABSENT:
        return concept(value)
    for part in statement.taking("CSM"):
        if part.code and part.code.original and answers(part.code.original):
            found = concept(replace(part.code, original=None)) or {}
        else:
            found = concept(part.code) or {}
        if part.name and "text" not in found:
            found["text"] = part.name
        if found:
            return found
    if isinstance(value, Code) and value.code and not denies(value.original):
        return concept(value)
    kind = statement.label
    for said in ((value.label if isinstance(value, Code) else None), statement.text):
        if said and says_nothing(said):
            return None
        if said and answers(said):  # "food allergy: yes" names no food
            return {"text": kind} if kind else None
        if said:
            return {"text": said}
    return None


def _allergy(reading: Reading, statement: Statement, named: Json) -> Json:
    value, kind = statement.value, statement.code
    absent = isinstance(value, Code) and value.system == ABSENT
    type_, category = KINDS.get((kind and kind.code) or "", (None, None))
    status = coded_inside(reading, statement, *STATUS)
    certainty = coded_inside(reading, statement, *CERTAINTY)
    critical = coded_inside(reading, statement, *CRITICALITY)
    severity = coded_inside(reading, statement, *SEVERITY)
    agents = [part.code for part in statement.taking("CSM")]
    spoken = said_denied(statement, value if isinstance(value, Code) else None, *agents)
    denied = spoken and not absent
    verification = "refuted" if denied else CERTAIN.get((certainty and certainty.code) or "")
    at = statement.at
    ended = at.high if at and not at.point else None
    said = STATES.get((status and status.code) or "", "resolved" if ended else "active")
    lasts = said if said in ("active", "inactive", "resolved") else "inactive"
    reactions = _reactions(reading, statement, severity)
    return {
        "resourceType": "AllergyIntolerance",
        "identifier": [identifier(each) for each in statement.ids],
        "clinicalStatus": coded(CLINICAL, "inactive" if denied else lasts),
        "verificationStatus": coded(VERIFIED, _verified(verification, absent=absent)),
        "type": None if absent else type_,
        "category": [category] if category and not absent else None,
        "criticality": CRITICAL.get((critical and critical.code) or ""),
        "code": named,
        "patient": reading.making.subject,
        "onsetDateTime": at.low if at else None,
        "recordedDate": recorded(reading, statement),
        "recorder": recorder(reading, statement),
        "note": [
            *notes(reading, statement, [*words(kind, *_codes(statement)), named.get("text")]),
            *([{"text": f"Fin indiquée : {ended}"}] if ended else []),
            *([{"text": f"Sévérité : {severity.label}"}] if severity and not reactions else []),
        ],
        "reaction": reactions,
    }


def _verified(said: str | None, *, absent: bool) -> str:
    """A state of FHIR's: what a professional writes without more is taken as confirmed."""
    if said == "refuted":
        return "refuted"
    if absent or said == "confirmed" or said is None:
        return "confirmed"
    return "unconfirmed"


def _codes(statement: Statement) -> list[Code]:
    agents = [part.code for part in statement.taking("CSM") if part.code]
    return [*agents, *([statement.value] if isinstance(statement.value, Code) else [])]


def _reactions(reading: Reading, statement: Statement, severity: Code | None) -> list[Json]:
    """What it does: each manifestation that took place; one that is denied is told as denied."""
    found: list[Json] = []
    value = statement.value
    own = value if isinstance(value, Code) and value.system != ABSENT else None
    if own is not None and any(statement.taking("CSM")) and (own.code or own.label):
        shown = concept(own)
        if shown:
            found.append(kept({"manifestation": [shown], "severity": _severe(severity)}))
    for each in list(statement.inside("MFST")):
        if not each.is_a(*PROBLEM) or not each.happened:
            reading.keep(each, "not-done")
            continue
        shown = concept(each.value) if isinstance(each.value, Code) else None
        shown = shown or ({"text": each.text} if each.text else None)
        if shown is None:
            reading.keep(each, "no-value")
            continue
        reading.use(each)
        how = coded_inside(reading, each, *SEVERITY)
        found.append(
            kept(
                {
                    "manifestation": [shown],
                    "onset": each.at.first if each.at else None,
                    "severity": _severe(how or severity),
                }
            )
        )
    return found


def _severe(code: Code | None) -> str | None:
    return SEVERE.get((code and code.code) or "")
