# SPDX-License-Identifier: EUPL-1.2
"""Patches of a resource: JSON Patch (RFC 6902) and FHIRPath Patch (R4).

    patch = json_patch.read(operations)      # or path_patch.read(parameters)
    changed = apply(patch, resource)         # another resource; the one given is left as it is

What comes out may have the wrong structure: that is for validation to say. Source: FHIR R4, patch.
"""

from __future__ import annotations

from typing import Any, Protocol

from carnet.fhir import json
from carnet.fhir.patch import json_patch, path_patch
from carnet.fhir.patch.refusals import NotApplied, TestFailed, WrongPatch

__all__ = [
    "NotApplied",
    "Patch",
    "TestFailed",
    "WrongPatch",
    "apply",
    "json_patch",
    "path_patch",
]


class Patch(Protocol):
    """Operations that were read and are well formed."""

    def applied(self, resource: dict[str, Any]) -> Any:
        """What they make of a resource of the caller's own copy."""
        ...


def apply(patch: Patch, resource: dict[str, Any]) -> dict[str, Any]:
    """The resource after a patch: the same one, and of the same type."""
    made = patch.applied(json.parse(json.dump(resource)))
    if type(made) is not dict or any(
        made.get(key) != resource.get(key) for key in ("resourceType", "id")
    ):
        raise NotApplied("A patch does not change the type or the id of a resource.")
    return made
