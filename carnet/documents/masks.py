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


def masked_list(resource: dict[str, Any], label: Label) -> dict[str, Any]:
    """A List says its masks in meta.security: it has no securityLabel."""
    missing = label & ~labels.of(resource)
    if not missing:
        return resource
    shown = masked({"resourceType": "List"}, missing).get("securityLabel", [])
    meta = resource.get("meta", {})
    codings = [coding for concept in shown for coding in concept["coding"]]
    return {**resource, "meta": {**meta, "security": [*meta.get("security", []), *codings]}}
