# SPDX-License-Identifier: EUPL-1.2
"""What is aimed at, asked or planned: Goal, ServiceRequest, and the CarePlan of a section of plans.

A goal or a request is never a result, whatever value it holds. Transfers, transports and places to go are
acts with a destination. Source: IHE PCC, Observation Requests, Transfer, Disposition; FHIR R4.
"""

from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.datatypes import Code, Interval, Quantity
from carnet.documents.cda.statements import Statement
from carnet.documents.cda.values import Value
from carnet.documents.metadata.entries import observations, procedures, void
from carnet.documents.metadata.entries.reading import Found, Reading
from carnet.documents.metadata.entries.shared import notes, recorder, spoken, words
from carnet.documents.metadata.people import known, logical
from carnet.documents.metadata.pieces import (
    INTEGERS,
    Json,
    coded,
    concept,
    identifier,
    kept,
    quantity,
)

SECTION: Final = "18776-5"  # plan of care
IMAGING: Final = ("1.2.250.1.213.1.1.3.27.3",)
SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
# Status of a CDA act → goal-status.
GOALS: Final = {
    "active": "active",
    "new": "proposed",
    "completed": "active",  # it was stated: nothing says that it was reached
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "held": "on-hold",
    "suspended": "on-hold",
    "nullified": "entered-in-error",
}
# What a plan is made of.
PLANNED: Final = frozenset(
    {"Goal", "ServiceRequest", "MedicationRequest", "DeviceRequest", "Appointment"}
)
# Moods of an observation that is not made yet.
MOODS: Final = frozenset({"GOL", *procedures.INTENTS})
DESTINATIONS: Final = ("DST", "RCV", "ORG", "LOC")


def made(reading: Reading, statement: Statement) -> None:
    """One aim or one request; what was observed in the same words is an observation."""
    if statement.mood == "EVN":
        observations.made(reading, statement)
        return
    named = concept(statement.code) or ({"text": statement.text} if statement.text else None)
    if statement.null or named is None:
        reading.keep(statement, "not-done" if statement.null else "no-code")
        return
    if statement.mood == "GOL":
        resource = _goal(reading, statement, named)
    elif statement.mood in procedures.INTENTS:
        resource = _request(reading, statement, named)
    else:
        reading.keep(statement, "not-done")
        return
    said = _precisions(reading, statement)
    resource["note"] = [*resource.get("note", []), *({"text": each} for each in said)]
    reading.take(statement, resource)
    _again(reading, statement)


def moved(reading: Reading, statement: Statement) -> None:
    """A transfer, a transport, a place to go: an act done or meant, and where to."""
    before = len(reading.found)
    procedures.made(reading, statement)
    if len(reading.found) == before:
        return
    resource = reading.found[before].resource
    places = _destinations(statement)
    if places and resource["resourceType"] == "Procedure":
        resource["location"] = places[0]
    elif places:
        resource["performer"] = [*resource.get("performer", []), *places]


def whole(reading: Reading) -> None:
    """The CarePlan of each section of plans: its requests are its activities, its goals its goals."""
    plans: dict[int, list[Found]] = {}
    for each in reading.found:
        if each.resource["resourceType"] in PLANNED and not _set_aside(each.resource):
            plans.setdefault(each.section, []).append(each)
    for index, held in plans.items():
        section = reading.making.document.sections[index]
        if section.code is not None and section.code.code == SECTION:
            plan = kept(_plan(reading, section.title, held))
            url = reading.making.new_url()
            reading.found.append(Found(url, plan, held[0].statement, index, whole=True))


def _set_aside(resource: Json) -> bool:
    """Whether it says what is not to be pursued, or is withdrawn: no part of the plan."""
    rejected = resource.get("lifecycleStatus") == "rejected"
    return rejected or resource.get("doNotPerform") is True or void.withdrawn(resource)


def _plan(reading: Reading, title: str | None, held: list[Found]) -> Json:
    header = reading.making.header
    goals = [each for each in held if each.resource["resourceType"] == "Goal"]
    acts = [each for each in held if each.resource["resourceType"] != "Goal"]
    return {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "category": [coded(LOINC, SECTION)],
        "title": title,
        "subject": reading.making.subject,
        "created": header.effective,
        "author": next(iter(logical(header.authors)), None),
        "goal": [{"reference": each.url} for each in goals],
        "activity": [{"reference": {"reference": each.url}} for each in acts],
        "supportingInfo": [{"reference": reading.making.url}],
    }


def _goal(reading: Reading, statement: Statement, named: Json) -> Json:
    at, value = statement.at, statement.value
    due = (at.high or at.low) if at else None
    detail = _detail(value)
    target = {
        "measure": concept(statement.code) if detail else None,
        **detail,
        "dueDate": due[:10] if due and len(due) >= len("2025-01-01") else None,
    }
    status = GOALS.get(statement.status or "active", "proposed")
    return {
        "resourceType": "Goal",
        "identifier": [identifier(each) for each in statement.ids],
        # An aim that is denied, or answered by no, is one that is not pursued.
        "lifecycleStatus": "rejected" if statement.negated or value is False else status,
        "description": _aim(named, statement, value),
        "subject": reading.making.subject,
        "target": [target] if (target := kept(target)) else None,
        "expressedBy": recorder(reading, statement),
        "note": notes(
            reading,
            statement,
            [*words(statement.code), *([spoken(value)] if value is not None else [])],
        ),
    }


def _aim(named: Json, statement: Statement, value: Value | None) -> Json:
    """The aim in words: what is to be foreseen says little without what it is."""
    if isinstance(value, Code) and statement.label:
        return {**named, "text": f"{named.get('text') or statement.label} : {spoken(value)}"}
    return named


def _detail(value: Value | None) -> Json:
    """What is aimed at, when it is not only that the aim is there."""
    match value:
        case Quantity() if value.comparator:
            end = "low" if value.comparator.startswith(">") else "high"
            return {"detailRange": {end: quantity(d.bare(value))}}
        case Quantity():
            return {"detailQuantity": quantity(value)}
        case Interval():
            return {"detailRange": {"low": quantity(value.low), "high": quantity(value.high)}}
        case Code():
            found = concept(value)
            return {"detailCodeableConcept": found} if found else {}
        case bool():
            return {"detailBoolean": value}
        case int() if -INTEGERS <= value < INTEGERS:
            return {"detailInteger": value}
        case int():
            return {"detailQuantity": {"value": value}}
        case str():
            return {"detailString": value}
        case _:
            return {}


def _request(reading: Reading, statement: Statement, named: Json) -> Json:
    made = procedures.request(reading, statement, named)
    value = statement.value
    if isinstance(value, Code) and statement.code and (detail := concept(value)):
        made["orderDetail"] = [detail]
        shown = {each for each in words(value) if each}
        made["note"] = [each for each in made.get("note", []) if each["text"] not in shown]
    elif value is not None and value is not True:
        made["note"] = [*made.get("note", []), {"text": f"Précision : {spoken(value)}"}]
    if statement.is_a(*IMAGING):
        made["category"] = [
            {"coding": [{"system": SNOMED, "code": "363679005", "display": "Imagerie"}]}
        ]
    return made


def _precisions(reading: Reading, statement: Statement) -> list[str]:
    """Simple observations inside a plan (done, to be done again…), in words: alone they say nothing."""
    found = []
    for link in statement.related:
        each = link.statement
        plain = each.kind == "observation" and link.type != "RSON" and not each.related
        if plain and each.happened and each.label and each.value is not None:
            reading.use(each)
            found.append(f"{each.label} : {spoken(each.value)}")
    return found


def _destinations(statement: Statement) -> list[Json]:
    found: list[Json] = []
    for part in statement.taking(*DESTINATIONS):
        role = d.child(part.element, "participantRole")
        name = part.name or (part.party.name.text if part.party.name else None)
        made = known(part.party.ids, name or d.text(d.child(role, "addr")))
        if made and made not in found:
            found.append(made)
    return found


def _again(reading: Reading, statement: Statement) -> None:
    for link in statement.related:
        if not reading.told(link.statement):
            reading.again(reading, link.statement)
