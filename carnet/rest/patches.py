# SPDX-License-Identifier: EUPL-1.2
"""The patch of a request or of an entry: JSON Patch, or FHIRPath Patch in a Parameters resource."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.requests import Request

from carnet import errors
from carnet.fhir import json, patch
from carnet.fhir.patch import Patch, WrongPatch, json_patch, path_patch
from carnet.rest import http
from carnet.rest.acts import Entry, Patching
from carnet.rest.desk import Desk
from carnet.rest.outcome import NotValid

JSON_PATCH = "application/json-patch+json"
FORMATS = (JSON_PATCH, "application/fhir+json")  # as the capability statement has them


class WrongPatchType(http.WrongMediaType):
    """A patch is application/json-patch+json, or a Parameters resource in application/fhir+json."""


class NotPatched(NotValid):
    """What the patch makes does not follow the structure of its type."""

    status = 422


async def content(request: Request) -> dict[str, Any]:
    """The body of a PATCH as an entry of a Bundle has it: Parameters, or JSON Patch in a Binary."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media in http.JSON_TYPES:
        return http.validated(await http.resource(request))
    if media != JSON_PATCH:
        raise WrongPatchType
    data = base64.b64encode(await http.body(request)).decode()
    return {"resourceType": "Binary", "contentType": JSON_PATCH, "data": data}


def read(given: dict[str, Any]) -> Patch:
    """The patch that a Parameters or a Binary resource holds."""
    if given.get("resourceType") == "Parameters":
        return path_patch.read(given)
    media = str(given.get("contentType", "")).split(";")[0].strip().lower()
    if given.get("resourceType") != "Binary" or media != JSON_PATCH:
        raise WrongPatch
    try:
        body = base64.b64decode(given.get("data", ""), validate=True)
    except (binascii.Error, ValueError):
        raise WrongPatch from None
    return json_patch.read(json.parse_list(body))


def of(desk: Desk, entry: Entry, where: str = "", *, told: bool = False) -> Patching:
    """What the patch of an entry makes of a resource: read, applied, and validated as any write.

    A patch of a Bundle that makes something wrong is refused at its entry.
    """
    given = entry.resource

    async def made(current: dict[str, Any]) -> dict[str, Any]:
        try:
            changed = patch.apply(read(given), current)
        except errors.CarnetError as refusal:
            if where:
                refusal.path = where + (refusal.path or "").removeprefix("Parameters")
            raise
        entry.issues = await desk.checks.written(
            changed, where, told=told, within=True, refusal=NotPatched
        )
        return changed

    return made
