# SPDX-License-Identifier: EUPL-1.2
"""uniqueId: the producer's own number of a document, one form whatever the way it was written.

XDS writes root^extension, FHIR a URN or a system and a value, CDA a root and an extension. A document
is one per record, depositor and uniqueId: another organisation's number says nothing to this one.
Source: IHE MHD 4.2; ANS PDSm4DMP, annexe on the identifiers of XDS and FHIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carnet.access.actor import Actor
from carnet.access.door import Door
from carnet.documents.cda.datatypes import Id

OID: Final = "urn:oid:"
URN: Final = ("", "urn:ietf:rfc:3986")  # systems whose values are whole numbers


def of_cda(number: Id) -> str:
    """The one form of a CDA identifier."""
    return canonical(number.system, number.extension or "")


def of_fhir(identifier: Mapping[str, Any]) -> str | None:
    """The one form of a FHIR Identifier; None when it has no value."""
    value = str(identifier.get("value", "")).strip()
    if not value:
        return None
    system = str(identifier.get("system", ""))
    if system not in URN:
        return canonical(system, value)
    root, _, extension = value.partition("^")
    return canonical(root, extension)


def canonical(root: str, extension: str) -> str:
    """root^extension, with neither urn:oid: nor capitals in a UUID."""
    bare = root.removeprefix(OID)
    return f"{bare.lower() if bare.lower().startswith('urn:uuid:') else bare}^{extension}"


def same(given: Mapping[str, Any], own: Id) -> bool:
    """Whether a masterIdentifier is the id of a CDA; root and extension may be joined by a dot."""
    found = of_fhir(given)
    joined = f"{own.root}.{own.extension}" if own.extension else own.root
    return found in (of_cda(own), canonical(joined, ""))


def key(door: Door, actor: Actor, number: str) -> bytes:
    """What the table of uniqueIds knows a number by; a depositor without organisation has their own."""
    alone = "" if actor.org is not None else actor.sub
    return door.hasher.long(f"uid|{alone}|{number}".encode())
