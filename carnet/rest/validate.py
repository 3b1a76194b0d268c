# SPDX-License-Identifier: EUPL-1.2
"""$validate of a type and of one resource: everything that is found is said, and nothing is written.

Whether this caller may write the type is said too; whose a resource is, and what else of the record
decides, is known at the write alone, so that asking here tells nothing of what is hidden.
Source: FHIR R4, Resource-validate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Visit
from carnet.access.writing import allowed
from carnet.fhir.validation.issues import Issue, outcome
from carnet.rest import http, read
from carnet.rest.outcome import fhir

MODES = ("create", "update", "delete", "profile")
TAKEN = {
    "mode": ("valueCode", "valueString"),
    "profile": ("valueUri", "valueCanonical", "valueUrl"),
}
MOST_PROFILES = 20


class WrongAsking(errors.Invalid):
    """$validate takes a resource, a mode (create, update, delete, profile) and profiles."""


class NeedsOne(errors.Invalid):
    """update and delete are modes of one resource: [type]/[id]/$validate."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be validated, and as what."""

    resource: dict[str, Any] | None
    mode: str | None
    profiles: tuple[str, ...]


async def validate(request: Request) -> Response:
    """POST [type]/$validate; GET or POST [type]/[id]/$validate."""
    rtype = http.type_of(request)
    id = http.id_of(request) if "id" in request.path_params else None
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    asked = await _asked(request, rtype)
    if id is None and asked.mode in ("update", "delete"):
        raise NeedsOne
    issues: list[Issue] = []
    resource = asked.resource
    if id is not None:
        stored = await read.current(desk, visit, rtype, id)
        if resource is None:
            resource = stored.resource
        elif resource.get("id") != id:
            text = "The id of the resource is not that of its address."
            issues.append(Issue(f"{rtype}.id", "invalid", text))
    elif resource is None:
        raise WrongAsking
    if asked.mode is not None and asked.mode != "profile":
        issues += _rights(visit, rtype, asked.mode)
    if asked.mode != "delete":
        if resource.get("resourceType") != rtype:
            text = "The resource is not of the type of its address."
            issues.append(Issue(rtype, "invalid", text))
        issues += await desk.checks.found(resource, asked.profiles)
    return fhir(outcome(issues))


def _rights(visit: Visit, rtype: str, mode: str) -> list[Issue]:
    if allowed(visit.actor, rtype, mode):
        return []
    return [Issue(rtype, "forbidden", f"You may not {mode} a resource of type {rtype}.")]


async def _asked(request: Request, rtype: str) -> Asked:
    """What the address and the body say: a Parameters resource, or the resource alone."""
    said = http.parameters(request.scope["query_string"])
    resource = None
    if request.method == "POST":
        content = await http.resource(request) if await _has_body(request) else None
        resource, more = _of_body(content, rtype)
        said += more
    modes = [value for name, value in said if name == "mode"]
    profiles = tuple(dict.fromkeys(value for name, value in said if name == "profile"))
    if len(modes) > 1 or set(modes) - set(MODES) or len(profiles) > MOST_PROFILES:
        raise WrongAsking
    return Asked(resource, modes[0] if modes else None, profiles)


async def _has_body(request: Request) -> bool:
    return request.headers.get("content-length") != "0" and "content-type" in request.headers


def _of_body(
    content: dict[str, Any] | None, rtype: str
) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
    """The resource of a body, and what stands beside it."""
    if content is None or content.get("resourceType") != "Parameters":
        return content, []
    given = content.get("parameter", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise WrongAsking
    if rtype == "Parameters" and all(each.get("name") != "resource" for each in given):
        return content, []
    resource, said = None, []
    for each in given:
        name = each.get("name")
        if name == "resource" and resource is None and isinstance(each.get("resource"), dict):
            resource = each["resource"]
            continue
        keys = TAKEN.get(name, ()) if isinstance(name, str) else ()
        values = [each[key] for key in keys if isinstance(each.get(key), str)]
        if len(values) != 1:
            raise WrongAsking
        said.append((str(name), values[0]))
    return resource, said
