# SPDX-License-Identifier: EUPL-1.2
"""Mask bits of a resource, and the codes they come from.

Source: ANS, JDV_J08-XdsConfidentialityCode-CISIS and TRE_A07-StatutVisibiliteDocument.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from carnet.fhir.search.scope import REPLACED


class Label(IntFlag):
    """Bits of record.resource.labels; append-only."""

    NONE = 0
    MASQUE_PS = 1
    INVISIBLE_PATIENT = 2
    INVISIBLE_REPRESENTANTS_LEGAUX = 4
    REPLACED = REPLACED  # hides from nobody: read by its address, and found by no search


# Types that never bear REPLACED: a document that was replaced is found, with its files and its lot.
FILED = ("Binary", "DocumentReference", "List")
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


def without(resource: dict[str, Any], label: Label) -> dict[str, Any]:
    """The same resource without the masks of `label`, in securityLabel and in meta.security."""
    if not of(resource) & label:
        return resource

    def stays(coding: dict[str, Any]) -> bool:
        return not BY_CODE.get(str(coding.get("code")), Label.NONE) & label

    made = dict(resource)
    concepts = []
    for concept in resource.get("securityLabel", []):
        concept = dict(concept)
        _set(concept, "coding", [one for one in concept.get("coding", []) if stays(one)])
        concepts += [concept] if concept else []
    _set(made, "securityLabel", concepts)
    meta = dict(resource.get("meta", {}))
    _set(meta, "security", [one for one in meta.get("security", []) if stays(one)])
    _set(made, "meta", meta)
    return made


def again(resource: dict[str, Any], before: dict[str, Any], label: Label) -> dict[str, Any]:
    """The resource with the masks of `label` that it leaves out, as the version before it said them."""
    missing = label & ~of(resource)
    if not of(before) & missing:
        return resource

    def lost(coding: dict[str, Any]) -> bool:
        return bool(BY_CODE.get(str(coding.get("code")), Label.NONE) & missing)

    made = dict(resource)
    concepts = [
        {**concept, "coding": kept}
        for concept in before.get("securityLabel", [])
        if (kept := [one for one in concept.get("coding", []) if lost(one)])
    ]
    _set(made, "securityLabel", [*resource.get("securityLabel", []), *concepts])
    meta = dict(resource.get("meta", {}))
    codings = [one for one in before.get("meta", {}).get("security", []) if lost(one)]
    _set(meta, "security", [*meta.get("security", []), *codings])
    _set(made, "meta", meta)
    return made


def _set(table: dict[str, Any], name: str, value: Any) -> None:
    """Nothing empty is kept in JSON."""
    if value:
        table[name] = value
    else:
        table.pop(name, None)
