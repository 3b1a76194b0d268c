# SPDX-License-Identifier: EUPL-1.2
"""The archive flag of a document: kept, found when it is asked for, out of ordinary lists.

Source: ANS, PDSm 3.1.1, extension pdsm-ext-is-archived (XDS availabilityStatus Archived).
"""

from __future__ import annotations

from typing import Any, Final

ARCHIVED: Final = (
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
)


def archived(resource: dict[str, Any]) -> bool:
    """Whether a document or a list says that it is archived."""
    return any(
        each.get("url") == ARCHIVED and each.get("valueBoolean") is True
        for each in resource.get("extension", [])
    )


def marked(resource: dict[str, Any], flag: bool) -> dict[str, Any]:
    """The same, saying that it is archived, or no longer."""
    others = [each for each in resource.get("extension", []) if each.get("url") != ARCHIVED]
    return {**resource, "extension": [*others, {"url": ARCHIVED, "valueBoolean": flag}]}
