# SPDX-License-Identifier: EUPL-1.2
"""Quarantine of an identity: a record of its own for what names a person nobody verified.

Such an identity is made from what a document claims. It never bears the INS that is claimed: the number
is kept beside, as a claim. No search for a person finds it and nobody has a link to it, so that its
content is seen by its depositor alone, until somebody in charge of identities decides whose it is.
Source: RNIV 1 (provisional identities); FR Core, fr-core-ident-reliability.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from carnet.access import queries
from carnet.access.door import Address, Unit
from carnet.access.door.placing import PATIENT
from carnet.identity.ins import InsClaim
from carnet.identity.traits import Traits, normal

CLAIM: Final = "urn:carnet:identity:claim"  # extension of a Patient in quarantine
RELIABILITY: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-ident-reliability"
RELIABILITIES: Final = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-fiabilite-identite"
PROVISIONAL: Final = ("PROV", "Identité provisoire")
COLLISION: Final = ("COLP", "Collision potentielle")  # the number it claims is another person's
NO_DATE: Final = date(1, 1, 1)  # where none was given


@dataclass(frozen=True, slots=True)
class Held:
    """An identity in quarantine, ready to be fed."""

    cid: int
    id: str  # of its Patient
    made: bool  # it was not there before


def key(claim: InsClaim | None, traits: Traits) -> dict[str, object]:
    """What tells one identity in quarantine from another: the claim and the five strict traits."""
    return {
        "claim": claim.value if claim else None,
        "claim_system": claim.system if claim else None,
        "birth_name": normal(traits.birth_name or ""),
        "first_given": normal(traits.first_given_name or traits.birth_given_names or ""),
        "birth_date": traits.birth_date or NO_DATE,
        "sex": str(traits.sex or "unknown"),
        "birth_place": traits.birth_place or None,
    }


async def hold(
    unit: Unit, claim: InsClaim | None, traits: Traits, patient: dict[str, Any], *, collision: bool
) -> Held:
    """The identity in quarantine of this claim and these traits; made when there is none.

    patient: a Patient of what is claimed, without identifier.
    collision: whether the number claimed is that of somebody else known here.
    """
    values, ids = key(claim, traits), unit.visit.door.ids
    found = await queries.quarantined(unit.conn, values)
    if found is not None:
        return Held(found, ids.encode(found, found), made=False)
    cid = ids.new()
    await unit.open_compartment(cid, PATIENT)
    address = Address(cid, cid, "Patient", ids.encode(cid, cid))
    code, display = COLLISION if collision else PROVISIONAL
    reliability = {"system": RELIABILITIES, "code": code, "display": display}
    extensions = [
        *patient.get("extension", []),
        {
            "url": RELIABILITY,
            "extension": [{"url": "identityReliability", "valueCoding": reliability}],
        },
    ]
    if claim is not None and claim.value:
        claimed = {"system": claim.system, "value": claim.value}
        extensions.append({"url": CLAIM, "valueIdentifier": claimed})
    kept = {name: value for name, value in patient.items() if name != "identifier"}
    unit.put(address, {**kept, "extension": extensions})
    # Open, or its depositor could not send the next document: no link to it can be made all the same.
    await unit.allow(cid)
    await unit.conn.execute(queries.ADD_RECORD, {"cid": cid, "state": "open", "since": unit.at})
    name = f"{traits.first_given_name or ''} {traits.birth_name or ''}".strip()
    shown = {"shown_name": name, "status": PROVISIONAL[0]}
    await unit.conn.execute(queries.ADD_QUARANTINED, {"cid": cid, **values, **shown})
    return Held(cid, address.id, made=True)
