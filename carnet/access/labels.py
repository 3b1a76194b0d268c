# SPDX-License-Identifier: EUPL-1.2
"""Mask bits of a resource, and the codes they come from.

Source: ANS, JDV_J08-XdsConfidentialityCode-CISIS and TRE_A07-StatutVisibiliteDocument.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any


class Label(IntFlag):
    """Bits of record.resource.labels; append-only."""

    NONE = 0
    MASQUE_PS = 1
    INVISIBLE_PATIENT = 2
    INVISIBLE_REPRESENTANTS_LEGAUX = 4


# Every masking there is: what a médecin traitant and the depositor still see.
BY_CODE = {
    "MASQUE_PS": Label.MASQUE_PS,
    "INVISIBLE_PATIENT": Label.INVISIBLE_PATIENT,
    "INVISIBLE_REPRESENTANTS_LEGAUX": Label.INVISIBLE_REPRESENTANTS_LEGAUX,
    "INVISIBLE_REP_LEGAUX": Label.INVISIBLE_REPRESENTANTS_LEGAUX,  # HL7 v2 metadata
}


# As a secret connection writes it on everything.
NOT_FOR_REPRESENTATIVES = {
    "system": "urn:oid:1.2.250.1.213.1.1.4.13",  # TRE_A07-StatutVisibiliteDocument
    "code": "INVISIBLE_REPRESENTANTS_LEGAUX",
    "display": "Non visible par les représentants légaux du patient",
}


def of(resource: dict[str, Any]) -> Label:
    """Labels a resource bears: meta.security, and securityLabel of a DocumentReference."""
    label = Label.NONE
    codings = list(resource.get("meta", {}).get("security", []))
    for concept in resource.get("securityLabel", []):
        codings += concept.get("coding", [])
    for coding in codings:
        label |= BY_CODE.get(str(coding.get("code")), Label.NONE)
    return label


def codes(label: int) -> frozenset[str]:
    """The codes of the bits."""
    return frozenset(member.name for member in Label if member and label & member and member.name)
