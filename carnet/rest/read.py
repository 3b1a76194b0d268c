# SPDX-License-Identifier: EUPL-1.2
"""read and vread."""

from __future__ import annotations

import re
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Nothing, Stored, Visit
from carnet.fhir.search import subsets
from carnet.rest import http
from carnet.rest.binary import answer as binary
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir

VERSION = re.compile("[1-9][0-9]{0,8}", re.ASCII)


async def read(request: Request) -> Response:
    """GET [type]/[id]."""
    rtype, id = http.type_of(request), http.id_of(request)
    if rtype != "Binary":
        http.accepts_json(request)
    visit = await http.desk(request).visit(request)
    return await answer(request, visit, await current(http.desk(request), visit, rtype, id))


async def current(desk: Desk, visit: Visit, rtype: str, id: str) -> Stored:
    """The current version, of the store or of the rows a type is a view of."""
    view = desk.acts.view(rtype)
    return await (visit.read(rtype, id) if view is None else view.read(visit, id))


async def vread(request: Request) -> Response:
    """GET [type]/[id]/_history/[version]."""
    rtype, id = http.type_of(request), http.id_of(request)
    if rtype != "Binary":
        http.accepts_json(request)
    visit = await http.desk(request).visit(request)
    version = version_of(str(request.path_params["version"]))
    return await answer(request, visit, await visit.vread(rtype, id, version))


def version_of(text: str) -> int:
    """A version number; a text that cannot be one is not found."""
    if not VERSION.fullmatch(text):
        raise Nothing
    return int(text)


async def answer(request: Request, visit: Visit, stored: Stored) -> Response:
    """One version with its ETag; a Binary in its own form when asked so."""
    request.scope["carnet.modified"] = stored.upd  # an entry of a Bundle says it to the millisecond
    if stored.rtype == "Binary":
        return await binary(request, visit, stored)
    if unchanged(request, stored):
        return Response(status_code=304, headers={"ETag": etag(stored)})
    return fhir(
        part(http.desk(request), request, stored),
        ETag=etag(stored),
        Last_Modified=format_datetime(stored.upd, usegmt=True),
    )


class NoCount(errors.NotSupported):
    """_summary=count is of a search: one resource is not counted."""


def part(desk: Desk, request: Request, stored: Stored) -> bytes:
    """The resource, or what _summary and _elements ask of it; a part is tagged as one."""
    given = http.parameters(request.scope["query_string"])
    asked = [each for each in given if each[0] in ("_summary", "_elements")]
    if not asked:
        return stored.body
    query = desk.parser.parse(stored.rtype, asked)
    definitions = desk.door.definitions
    if query.only_total:
        raise NoCount
    if query.elements:
        return subsets.chosen(definitions, stored.body, query.elements)
    if query.summary == "false":
        return stored.body
    return subsets.summarised(definitions, stored.body, query.summary)


def unchanged(request: Request, stored: Stored) -> bool:
    """Whether the caller has this version (conditional read)."""
    headers = request.headers
    return http.unchanged(
        headers.get("if-none-match"), headers.get("if-modified-since"), stored.ver, stored.upd
    )


def etag(stored: Stored) -> str:
    """The version as a weak ETag."""
    return f'W/"{stored.ver}"'
