# SPDX-License-Identifier: EUPL-1.2
"""What a statement holds or points at, once all are read: their resources refer to each other.

An internal reference names another statement by its number, before or after it; an external one a
document elsewhere. Source: IHE PCC, Internal References and External References.
"""

from typing import Final

from carnet.documents.cda.datatypes import Id
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Found, Reading
from carnet.documents.metadata.entries.shared import COMMENT, EXTERNAL, INTERNAL
from carnet.documents.metadata.pieces import Json, concept, identifier

DEVICES: Final = "1.2.250.1.213.2.68"  # EMDN
# Where a resource of a type refers to one of another. Source: FHIR R4.
WHERE: Final = {
    ("Procedure", "Device"): "usedReference",
    ("Procedure", "Condition"): "reasonReference",
    ("Procedure", "Observation"): "reasonReference",
    ("Procedure", "DiagnosticReport"): "report",
    ("Procedure", "Procedure"): "partOf",
    ("Observation", "Observation"): "derivedFrom",
    ("Observation", "ImagingStudy"): "derivedFrom",
    ("Observation", "Procedure"): "partOf",
    ("Observation", "Immunization"): "partOf",
    ("Observation", "MedicationAdministration"): "partOf",
    ("Encounter", "Condition"): "reasonReference",
    ("Encounter", "Observation"): "reasonReference",
    ("Encounter", "Procedure"): "reasonReference",
    ("ServiceRequest", "Condition"): "reasonReference",
    ("ServiceRequest", "Observation"): "reasonReference",
    ("DeviceUseStatement", "Condition"): "reasonReference",
    ("DeviceUseStatement", "Observation"): "reasonReference",
    ("MedicationStatement", "Condition"): "reasonReference",
    ("MedicationStatement", "Observation"): "reasonReference",
    ("MedicationRequest", "Condition"): "reasonReference",
    ("MedicationRequest", "Observation"): "reasonReference",
    ("MedicationAdministration", "Condition"): "reasonReference",
    ("MedicationAdministration", "Observation"): "reasonReference",
    ("Immunization", "Condition"): "reasonReference",
    ("Immunization", "Observation"): "reasonReference",
}

DOCUMENTS: Final = {"Observation": "derivedFrom", "Procedure": "report"}


def whole(reading: Reading) -> None:
    """Every reference that leads somewhere, and what stands inside a resource with none of its own."""
    own = [each for each in reading.found if not each.whole]
    by_place = {each.statement.place: each for each in own}
    by_number: dict[Id, Found] = {}
    for each in own:
        for number in each.statement.ids:
            by_number.setdefault(number, each)
    for each in own:
        for link in each.statement.related:
            inside = link.statement
            if inside.is_a(*INTERNAL) and not reading.told(inside):
                targets = (by_number.get(number) for number in inside.ids)
                _internal(reading, each, inside, next((t for t in targets if t), None))
            elif inside.is_a(*EXTERNAL) and not reading.told(inside) and inside.references:
                _external(reading, each.resource, inside)
            elif (held := by_place.get(inside.place)) is not None:
                _hold(each, held, link.type)
    for entry in reading.making.document.entries:
        statement = entry.statement
        if statement.is_a(*EXTERNAL) and statement.references and not reading.told(statement):
            reading.related.extend(identifier(number) for number in statement.references)
            reading.use(statement)
        elif statement.is_a(*COMMENT) and statement.text and not reading.told(statement):
            reading.keep(statement, "narrative")  # words on the section, which its text says


def _internal(reading: Reading, holder: Found, inside: Statement, target: Found | None) -> None:
    code = inside.code
    if target is not None and target is not holder and _refer(holder.resource, target):
        reading.use(inside)
    elif holder.resource["resourceType"] == "Procedure" and code and code.system == DEVICES:
        holder.resource.setdefault("usedCode", []).append(concept(code))
        reading.use(inside)
    else:
        reading.keep(inside, "no-target")


def _external(reading: Reading, resource: Json, inside: Statement) -> None:
    """A document elsewhere, by its number."""
    element = DOCUMENTS.get(resource["resourceType"])
    for number in inside.references:
        if element is None:
            reading.related.append(identifier(number))
        else:
            named = {"type": "DocumentReference", "identifier": identifier(number)}
            resource.setdefault(element, []).append(named)
    reading.use(inside)


def _hold(holder: Found, held: Found, relation: str) -> None:
    """What stands inside: the evidence of a problem, the reason of an act, a part of a score."""
    resource, rtype = holder.resource, holder.resource["resourceType"]
    if held.resource["resourceType"] != "Observation":
        return
    if rtype == "Condition":
        resource.setdefault("evidence", []).append({"detail": [{"reference": held.url}]})
    elif (
        rtype == "Observation" and holder.statement.kind != "organizer"
    ):  # a group has them already
        resource.setdefault("hasMember", []).append({"reference": held.url})
    elif relation == "RSON":
        _refer(resource, held)


def _refer(resource: Json, target: Found) -> bool:
    """A reference to another resource, where its type has a place for one."""
    element = WHERE.get((resource["resourceType"], target.resource["resourceType"]))
    if element is None:
        return False
    resource.setdefault(element, []).append({"reference": target.url})
    return True
