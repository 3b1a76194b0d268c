# SPDX-License-Identifier: EUPL-1.2
"""Is this document about this person? The INS and the strict traits, against the record's.

Source: CI-SIS, answers of a receiver that integrates a document: 903, 904, 905, 906.
"""

from __future__ import annotations

from carnet import errors
from carnet.access import queries
from carnet.access.door import Unit
from carnet.documents.cda import CdaDocument
from carnet.identity.traits import normal


class OtherIns(errors.BusinessRule):
    """The INS of the document is not that of the record."""

    code = "904"


class OtherTraits(errors.BusinessRule):
    """The strict traits of the document are not those of the record."""

    code = "906"


class NoIns(errors.BusinessRule):
    """The document has no INS: it cannot be filed without a person's decision."""

    code = "903"


async def check_identity(unit: Unit, cid: int, document: CdaDocument) -> None:
    """Refuse a document whose identity is not the record's; a gap is no difference."""
    patient = document.header.patient
    known = await queries.identity(unit.conn, cid)
    if known is None or patient is None:
        return
    if patient.claim is None:
        raise NoIns
    if known.ins is not None and patient.claim.value != known.ins:
        raise OtherIns
    traits = patient.traits
    pairs = [
        (normal(traits.birth_name or ""), known.birth_name),
        (normal((traits.first_given_name or "").split(" ")[0]), known.first_given),
        (traits.birth_date.isoformat() if traits.birth_date else "", known.birth_date.isoformat()),
        (str(traits.sex or "unknown"), known.sex),
    ]
    if any(a and b and "unknown" not in (a, b) and a != b for a, b in pairs):
        raise OtherTraits
