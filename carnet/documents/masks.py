# SPDX-License-Identifier: EUPL-1.2
"""Masks as a DocumentReference writes them, in accord with the label bits of its row.

Source: ANS, JDV_J08-XdsConfidentialityCode-CISIS: one level, and up to three masks.
"""

from __future__ import annotations

from typing import Any

from carnet.access import labels
from carnet.access.labels import Label
from carnet.documents import nomenclature


def masked(resource: dict[str, Any], label: Label) -> dict[str, Any]:
    """The same resource, bearing every mask of `label`; it never loses one."""
    known = nomenclature.confidentiality()
    absent = sorted(labels.codes(label & ~labels.of(resource)))
    if not absent:
        return resource
    concepts = [
        {
            "coding": [
                {
                    "system": nomenclature.system(known[code]["system"]),
                    "code": code,
                    "display": known[code]["label"],
                }
            ]
        }
        for code in absent
    ]
    return {**resource, "securityLabel": [*resource.get("securityLabel", []), *concepts]}


def unmasked(resource: dict[str, Any], label: Label) -> dict[str, Any]:
    """The same resource without the masks of `label`, in securityLabel and in meta.security."""
    if not labels.of(resource) & label:
        return resource

    def stays(coding: dict[str, Any]) -> bool:
        return not labels.BY_CODE.get(str(coding.get("code")), Label.NONE) & label

    made = dict(resource)
    concepts = [
        {**concept, "coding": [one for one in concept.get("coding", []) if stays(one)]}
        for concept in resource.get("securityLabel", [])
    ]
    _set(made, "securityLabel", [each for each in concepts if each["coding"] or each.get("text")])
    meta = dict(resource.get("meta", {}))
    _set(meta, "security", [one for one in meta.get("security", []) if stays(one)])
    _set(made, "meta", meta)
    return made


def masked_list(resource: dict[str, Any], label: Label) -> dict[str, Any]:
    """A List says its masks in meta.security: it has no securityLabel."""
    missing = label & ~labels.of(resource)
    if not missing:
        return resource
    shown = masked({"resourceType": "List"}, missing).get("securityLabel", [])
    meta = resource.get("meta", {})
    codings = [coding for concept in shown for coding in concept["coding"]]
    return {**resource, "meta": {**meta, "security": [*meta.get("security", []), *codings]}}


def _set(table: dict[str, Any], name: str, value: Any) -> None:
    """Nothing empty is kept in JSON."""
    if value:
        table[name] = value
    else:
        table.pop(name, None)
