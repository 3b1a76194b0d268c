# SPDX-License-Identifier: EUPL-1.2
"""The metadata of a document and what its CDA says of itself: one uniqueId, the masks of both."""

from __future__ import annotations

import uuid
from typing import Any, Final

from carnet import errors
from carnet.access import labels
from carnet.access.door import Address, Unit
from carnet.access.labels import Label
from carnet.documents import addenda, metadata, unique
from carnet.documents.cda import CdaDocument
from carnet.documents.masks import masked
from carnet.documents.replace import all_of, named

# What a CDA says of its context that stands by itself: the patient as described is contained.
TOLD: Final = frozenset({"event", "period", "facilityType", "practiceSetting", "related"})


class OtherUniqueId(errors.BusinessRule):
    """The masterIdentifier is not the id of the CDA document."""


async def added_to(unit: Unit, address: Address, resource: dict[str, Any]) -> Label:
    """The masks of what this document adds to, transforms or signs."""
    targets = addenda.adds_to(resource)
    if not targets:
        return Label.NONE
    ids = [await named(unit, address, each) for each in targets]
    every = await all_of(unit, address.cid)
    return await addenda.borne(unit, every, [each for each in ids if each is not None])


def unique_id(resource: dict[str, Any], document: CdaDocument | None) -> str | None:
    """The document's uniqueId; the metadata and the CDA say the same, and the CDA's is its form."""
    given = resource.get("masterIdentifier")
    own = document.header.id if document is not None else None
    if own is None:
        return unique.of_fhir(given) if given else None
    if given is None:
        resource["masterIdentifier"] = metadata.identifier(own)
    elif not unique.same(given, own):
        raise OtherUniqueId(path="DocumentReference.masterIdentifier")
    return unique.of_cda(own)


def complete(resource: dict[str, Any], own: dict[str, Any]) -> None:
    """What the metadata leaves out and the CDA says: its masks always, the rest where it is absent."""
    for element in ("type", "category", "date"):
        if element in own:
            resource.setdefault(element, own[element])
    for element in ("author", "authenticator", "custodian"):
        if element in own:
            resource.setdefault(element, _named(own[element]))
    context = {key: value for key, value in own["context"].items() if key in TOLD}
    if context:
        resource["context"] = context | resource.get("context", {})
    marked = masked(resource, labels.of(own))
    if "securityLabel" in marked:
        resource["securityLabel"] = marked["securityLabel"]


def _named(people: Any) -> Any:
    """Who a reference says, without the contained resource it leads to."""
    if isinstance(people, list):
        return [_named(each) for each in people]
    known = {key: value for key, value in people.items() if key != "reference"}
    return known or {"display": metadata.UNKNOWN_AUTHOR}


def made_of(unit: Unit, address: Address, document: CdaDocument) -> list[metadata.Made]:
    """The document as resources; its own DocumentReference first, then its source."""
    door = unit.visit.door
    return metadata.resources(
        document,
        patient=f"Patient/{door.ids.encode(address.cid, address.cid)}",
        received=unit.at,
        new_uuid=lambda: str(uuid.UUID(bytes=door.random(16), version=4)),
    )
