# SPDX-License-Identifier: EUPL-1.2
"""$meta, $meta-add and $meta-delete: the profiles, tags and security labels of one resource.

Adding and deleting make a version, by who may change the resource. What hides a resource from somebody is
changed by its own acts alone. Source: FHIR R4, Resource-meta, -meta-add, -meta-delete.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access import labels
from carnet.access.door import Stored
from carnet.fhir import json
from carnet.rest import http, patches, read
from carnet.rest.acts import Entry, Plan
from carnet.rest.outcome import fhir
from carnet.rest.plans import carry_out

Json = dict[str, Any]
LISTS = ("profile", "security", "tag")


class WrongMeta(errors.Invalid):
    """This operation takes a Parameters resource with one parameter, meta (a Meta)."""


class Hiding(errors.BusinessRule):
    """A label that hides a resource is put and taken away by its own act."""


class OfOne(errors.NotSupported):
    """$meta is asked of one resource: of a type or of the server it would read all that is sealed."""


async def of_many(request: Request) -> Response:
    """GET or POST $meta and [type]/$meta: refused, and not in the capability statement."""
    if "rtype" in request.path_params:
        http.type_of(request)
    http.accepts_json(request)
    await http.desk(request).visit(request)
    raise OfOne


async def meta(request: Request) -> Response:
    """GET or POST [type]/[id]/$meta, GET [type]/[id]/_history/[version]/$meta."""
    rtype, id = http.type_of(request), http.id_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    stored: Stored
    if "version" in request.path_params:
        version = read.version_of(str(request.path_params["version"]))
        stored = await visit.vread(rtype, id, version)
    else:
        stored = await read.current(desk, visit, rtype, id)
    return fhir(_told(stored.resource), ETag=read.etag(stored))


async def add(request: Request) -> Response:
    """POST [type]/[id]/$meta-add."""
    return await _change(request, _added)


async def delete(request: Request) -> Response:
    """POST [type]/[id]/$meta-delete."""
    return await _change(request, _deleted)


async def _change(request: Request, how: Callable[[list[Any], list[Any]], list[Any]]) -> Response:
    rtype, id = http.type_of(request), http.id_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = _given(http.validated(await http.resource(request)))
    entry = Entry("PATCH", rtype, id, if_match=http.if_match(request.headers.get("if-match")))

    async def changed(current: Json) -> Json:
        made = dict(current.get("meta", {}))
        for name in LISTS:
            made[name] = how(made.get(name, []), given.get(name, []))
        kept = {key: value for key, value in made.items() if value != []}
        resource = {**current, "meta": kept}
        await desk.checks.written(resource, within=True, refusal=patches.NotPatched)
        return resource

    entry.patch = changed
    await carry_out(visit, desk.acts, Plan([entry], parser=desk.parser))
    assert entry.written is not None
    told = _told(json.parse(entry.written.body))
    return fhir(told, ETag=f'W/"{entry.written.ver}"')


def _given(content: Json) -> Json:
    """The Meta of the Parameters."""
    parts = content.get("parameter", [])
    if content.get("resourceType") != "Parameters" or len(parts) != 1:
        raise WrongMeta
    given = parts[0].get("valueMeta")
    if parts[0].get("name") != "meta" or not isinstance(given, dict):
        raise WrongMeta
    if labels.of({"meta": given}):
        raise Hiding
    return given


def _same(one: Any, other: Any) -> bool:
    """The same profile, or a coding of the same system and code."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(one.get(key) == other.get(key) for key in ("system", "code"))
    return bool(one == other)


def _added(there: list[Any], given: list[Any]) -> list[Any]:
    made = list(there)
    for each in given:
        if not any(_same(each, one) for one in made):
            made.append(each)
    return made


def _deleted(there: list[Any], given: list[Any]) -> list[Any]:
    return [one for one in there if not any(_same(one, each) for each in given)]


def _told(resource: Json) -> Json:
    part = {"name": "return", "valueMeta": resource.get("meta", {})}
    return {"resourceType": "Parameters", "parameter": [part]}
