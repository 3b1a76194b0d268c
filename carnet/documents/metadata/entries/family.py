# SPDX-License-Identifier: EUPL-1.2
"""Family history: one FamilyMemberHistory a relative. Source: IHE PCC, Family History Organizer."""

from dataclasses import replace
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.datatypes import Code, Quantity
from carnet.documents.cda.statements import Part, Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import comments, denied, recorded
from carnet.documents.metadata.pieces import Json, concept, denies, kept

SEXES: Final = "http://hl7.org/fhir/administrative-gender"
GENDERS: Final = {"M": "male", "F": "female", "UN": "other"}
UNKNOWN: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "FAMMEMB"}]
}


def made(reading: Reading, statement: Statement) -> None:
    """What is known of one relative; of nobody in particular it is of the family."""
    alone = statement.kind == "observation"
    if not (statement.happened or (alone and statement.negated)):
        reading.keep(statement, "not-done")
        return
    found: list[Json] = []
    absent: list[str] = []
    for each in [statement] if alone else list(statement.inside()):
        condition = illness(reading, each)
        if condition is not None:
            found.append(condition)
        elif (said := _absent(reading, each)) is not None:
            absent.append(said)
        else:
            reading.keep(each, "not-done")
    if not found and not absent:
        reading.keep(statement, "no-value")
        return
    part = next(statement.taking("subject"), None)
    history = _history(reading, statement, part, found)
    history["note"] = [*history["note"], *({"text": f"Absent : {said}"} for said in absent)]
    reading.take(statement, history)


def relative(part: Part | None) -> Json:
    """Who somebody is to the patient, as far as it is said."""
    person = None if part is None else d.down(part.element, "relatedSubject", "subject")
    code = part.party.profession if part else None
    gender = GENDERS.get(d.attribute(d.child(person, "administrativeGenderCode"), "code") or "")
    born = d.time(d.child(person, "birthTime"))
    return kept(
        {
            "name": d.text(d.child(person, "name")),
            "relationship": concept(code),
            "sex": {"coding": [{"system": SEXES, "code": gender}]} if gender else None,
            "bornDate": born[:10] if born else None,
        }
    )


def _history(reading: Reading, statement: Statement, part: Part | None, found: list[Json]) -> Json:
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": reading.making.subject,
        "date": recorded(reading, statement),
        "relationship": UNKNOWN,
        **relative(part),
        "condition": found,
        "note": comments(reading, statement),
    }


def _absent(reading: Reading, statement: Statement) -> str | None:
    """What is denied of the relative, in words: R4's conditions know no denial."""
    code = statement.value if isinstance(statement.value, Code) else None
    told = statement.mood == "EVN" and statement.null is None and denied(statement, code)
    if not told or code is None or not (code.display or code.original):
        return None
    if code.display and code.original and denies(code.original):
        code = replace(code, original=None)
    named = concept(code) or {}
    reading.use(statement)
    return str(named.get("text") or code.label)


def illness(reading: Reading, statement: Statement) -> Json | None:
    """One illness of the relative; one that is denied is said nowhere as an illness."""
    value = statement.value
    if not statement.happened or denied(statement, value if isinstance(value, Code) else None):
        return None
    named = concept(value) if isinstance(value, Code) else None
    named = named or ({"text": statement.text} if statement.text else None)
    if named is None:
        reading.keep(statement, "no-value")
        return None
    reading.use(statement)
    age = next(
        (each.value for each in statement.inside("SUBJ") if isinstance(each.value, Quantity)), None
    )
    onset = statement.at.first if statement.at else None
    return kept(
        {
            "code": named,
            "onsetString": onset if age is None else None,
            "note": comments(reading, statement),
        }
    )
