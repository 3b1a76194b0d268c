# SPDX-License-Identifier: EUPL-1.2
"""What its author says was entered in error, or broken off, is no fact: whatever subject read it.

A nullified act takes with it all it holds: the problem of a concern that is withdrawn is withdrawn.
"""

from collections.abc import Iterator
from typing import Final

from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.pieces import Json

NULLIFIED: Final = "nullified"
ERROR: Final = "entered-in-error"
VERIFIED: Final = {
    "Condition": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "AllergyIntolerance": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
}
# By the subjects that do not read a status themselves: what `aborted` and `cancelled` are.
BROKEN_OFF: Final = {
    "Immunization": "not-done", "Encounter": "cancelled", "SupplyDelivery": "abandoned",
    "CarePlan": "revoked", "Appointment": "cancelled", "DiagnosticReport": "cancelled",
}  # fmt: skip


def whole(reading: Reading) -> None:
    """Amend every resource of a statement that is void, or in one that is."""
    void = {
        place
        for entry in reading.making.document.entries
        for place in _void(entry.statement, within=False)
    }
    for each in reading.found:
        kind = str(each.resource["resourceType"])
        if each.statement.place in void:
            _withdraw(each.resource, kind)
        elif each.statement.status in ("aborted", "cancelled") and kind in BROKEN_OFF:
            each.resource["status"] = BROKEN_OFF[kind]


def _void(statement: Statement, *, within: bool) -> Iterator[str]:
    within = within or statement.status == NULLIFIED
    if within:
        yield statement.place
    for link in statement.related:
        yield from _void(link.statement, within=within)


def _withdraw(resource: Json, kind: str) -> None:
    if kind in VERIFIED:
        resource.pop("clinicalStatus", None)
        resource["verificationStatus"] = {"coding": [{"system": VERIFIED[kind], "code": ERROR}]}
    elif kind == "Goal":
        resource["lifecycleStatus"] = ERROR
    elif "status" in resource:
        resource["status"] = ERROR
