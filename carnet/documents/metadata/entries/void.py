# SPDX-License-Identifier: EUPL-1.2
"""What its author says was entered in error, or broken off, is no fact: whatever subject read it.

A nullified act takes with it all it holds: the problem of a concern that is withdrawn is withdrawn.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from carnet.documents.cda.document import Entry
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.pieces import Json

NULLIFIED: Final = "nullified"
ERROR: Final = "entered-in-error"
BROKEN: Final = frozenset({"aborted", "cancelled"})
VERIFIED: Final = {
    "Condition": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "AllergyIntolerance": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
}
# By the subjects that do not read a status themselves: what `aborted` and `cancelled` are.
BROKEN_OFF: Final = {
    "Immunization": "not-done", "Encounter": "cancelled", "SupplyDelivery": "abandoned",
    "Appointment": "cancelled", "FamilyMemberHistory": "partial", "DeviceUseStatement": "stopped",
}  # fmt: skip


def places(entries: Iterable[Entry]) -> frozenset[str]:
    """Where all that was withdrawn stands."""
    return frozenset(place for entry in entries for place in _void(entry.statement, within=False))


def whole(reading: Reading) -> None:
    """Amend every resource of a statement that is void, or in one that is."""
    for each in reading.found:
        kind = str(each.resource["resourceType"])
        if each.statement.place in reading.void:
            _withdraw(each.resource, kind)
        elif each.statement.status in BROKEN:
            _break_off(each.resource, kind)


def withdrawn(resource: Json) -> bool:
    """Whether it was entered in error: no part of a plan nor of a report."""
    verified = resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code")
    return ERROR in (resource.get("status"), resource.get("lifecycleStatus"), verified)


def _break_off(resource: Json, kind: str) -> None:
    if kind in BROKEN_OFF:
        resource["status"] = BROKEN_OFF[kind]
    elif kind == "AllergyIntolerance" and "verificationStatus" in resource:
        # Not gone into to the end: still an allergy until somebody has.
        said = resource["verificationStatus"]["coding"][0]
        if said["code"] == "confirmed":
            said["code"] = "unconfirmed"


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
