# SPDX-License-Identifier: EUPL-1.2
"""read, vread and the history of an instance."""

from __future__ import annotations

import re
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Stored, Visit
from carnet.rest import bundles, http
from carnet.rest.binary import answer as binary
from carnet.rest.outcome import fhir

VERSION = re.compile("[1-9][0-9]{0,8}", re.ASCII)


async def read(request: Request) -> Response:
    """GET [type]/[id]."""
    rtype, id = http.type_of(request), http.id_of(request)
    visit = await http.desk(request).visit(request)
    stored = await visit.read(rtype, id)
    return await answer(request, visit, stored)


async def vread(request: Request) -> Response:
    """GET [type]/[id]/_history/[version]."""
    rtype, id = http.type_of(request), http.id_of(request)
    visit = await http.desk(request).visit(request)
    text = str(request.path_params["version"])
    if not VERSION.fullmatch(text):
        raise errors.NotFound
    return await answer(request, visit, await visit.vread(rtype, id, int(text)))


async def history(request: Request) -> Response:
    """GET [type]/[id]/_history: every version, newest first."""
    rtype, id = http.type_of(request), http.id_of(request)
    http.accepts_json(request)
    visit = await http.desk(request).visit(request)
    versions = await visit.history(rtype, id)
    base = http.desk(request).base
    return fhir(bundles.history(base, versions, f"{base}/{rtype}/{id}/_history"))


async def answer(request: Request, visit: Visit, stored: Stored) -> Response:
    """One version with its ETag; a Binary in its own form when asked so."""
    if stored.rtype == "Binary":
        return await binary(request, visit, stored)
    http.accepts_json(request)
    if request.headers.get("if-none-match") == etag(stored):
        return Response(status_code=304, headers={"ETag": etag(stored)})
    return fhir(
        stored.body,
        ETag=etag(stored),
        Last_Modified=format_datetime(stored.upd, usegmt=True),
    )


def etag(stored: Stored) -> str:
    """The version as a weak ETag."""
    return f'W/"{stored.ver}"'
