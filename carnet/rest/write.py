# SPDX-License-Identifier: EUPL-1.2
"""create, update and delete of one resource."""

from __future__ import annotations

import base64
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Written
from carnet.fhir import json
from carnet.rest import conditions, http
from carnet.rest.acts import Entry, Plan
from carnet.rest.binary import MEDIA
from carnet.rest.outcome import FHIR_JSON, warned
from carnet.rest.plans import carry_out


class OtherType(errors.Invalid):
    """The resourceType of the body is not that of the address."""


class OtherId(errors.Invalid):
    """The id of the body is not that of the address."""


async def create(request: Request) -> Response:
    """POST [type]: 201 and where it is."""
    rtype = http.type_of(request)
    http.accepts_json(request)
    condition = request.headers.get("if-none-exist", "")
    if "if-none-exist" in request.headers:
        conditions.read(condition)
    desk = http.desk(request)
    visit = await desk.visit(request)
    if rtype == "Binary":
        content = await _binary(request)
    else:
        content = await http.resource(request)
    if content.get("resourceType") != rtype:
        raise OtherType
    entry = Entry("POST", rtype, resource=http.validated(content), condition=condition)
    await carry_out(visit, desk.acts, Plan([entry]))
    return answer(request, entry)


async def update(request: Request) -> Response:
    """PUT [type]/[id]: a new version, or 201 for an id the caller chose."""
    rtype, id = http.type_of(request), http.id_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    content = await http.resource(request)
    if content.get("resourceType") != rtype:
        raise OtherType
    if content.get("id") != id:
        raise OtherId
    entry = Entry(
        "PUT",
        rtype,
        id,
        resource=http.validated(content),
        if_match=http.if_match(request.headers.get("if-match")),
    )
    await carry_out(visit, desk.acts, Plan([entry]))
    return answer(request, entry)


async def delete(request: Request) -> Response:
    """DELETE [type]/[id]: 204."""
    rtype, id = http.type_of(request), http.id_of(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    entry = Entry("DELETE", rtype, id, if_match=http.if_match(request.headers.get("if-match")))
    await carry_out(visit, desk.acts, Plan([entry]))
    assert entry.written is not None
    return Response(status_code=204, headers={"ETag": f'W/"{entry.written.ver}"'})


def answer(request: Request, entry: Entry) -> Response:
    """What was written, or what `Prefer: return=` asks for (minimal, OperationOutcome)."""
    desk, written = http.desk(request), entry.written
    assert written is not None
    headers = {"Cache-Control": "no-store"}
    if entry.existing:  # it may have changed since, and not be this caller's to read
        headers["Location"] = f"{desk.base}/{written.address.literal}"
    else:
        headers["Location"] = location(desk.base, written)
        headers["ETag"] = f'W/"{written.ver}"'
        headers["Last-Modified"] = format_datetime(written.upd, usegmt=True)
    status = 201 if written.created else 200
    asked = http.preferred(request, "return")
    if asked == "minimal":
        return Response(b"", status, headers)
    if asked == "OperationOutcome" or not written.body:
        return Response(json.dump(_outcome(entry)), status, headers, FHIR_JSON)
    body = written.body
    if entry.rtype == "Binary":
        body = json.dump({**json.parse(body), "data": entry.resource["data"]})
    return Response(body, status, headers, FHIR_JSON)


def _outcome(entry: Entry) -> dict[str, Any]:
    if entry.warnings:
        return warned(entry.warnings)
    written = entry.written
    assert written is not None
    done = "It was written." if written.changed else "It was already there, and is left as it was."
    return warned([done], code="informational")


def location(base: str, written: Written) -> str:
    """Address of the version that was written."""
    return f"{base}/{written.address.literal}/_history/{written.ver}"


async def _binary(request: Request) -> dict[str, object]:
    """A Binary as FHIR JSON, or raw bytes in their own media type."""
    media = request.headers.get("content-type", "").strip()
    if media.split(";")[0].strip().lower() in http.JSON_TYPES:
        return await http.resource(request)
    if not MEDIA.fullmatch(media):
        raise http.WrongMediaType("Content-Type says what the bytes are.")
    content = await http.body(request)
    return {
        "resourceType": "Binary",
        "contentType": media,
        "data": base64.b64encode(content).decode(),
    }
