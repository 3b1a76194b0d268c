# SPDX-License-Identifier: EUPL-1.2
"""create, update, patch and delete of one resource, by its address or by a condition."""

from __future__ import annotations

import base64
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Visit, Written
from carnet.fhir import json
from carnet.fhir.validation import issues as validation
from carnet.rest import conditions, http, patches
from carnet.rest.acts import Entry, Plan
from carnet.rest.binary import MEDIA
from carnet.rest.desk import Desk
from carnet.rest.outcome import FHIR_JSON, warned
from carnet.rest.plans import OtherId, carry_out


class OtherType(errors.Invalid):
    """The resourceType of the body is not that of the address."""


class OneCondition(errors.Invalid):
    """If-None-Exist is for a create alone: elsewhere the condition is in the address."""


async def create(request: Request) -> Response:
    """POST [type]: 201 and where it is; with If-None-Exist, 200 when it is there.

    Some clients (fhirpy) write the condition in the address, where it was before R4: left out, they would
    make doubles.
    """
    rtype = http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    condition = None
    asked = request.headers.get("if-none-exist") or _criteria(request)
    if asked or "if-none-exist" in request.headers:
        condition = conditions.read(desk.parser, rtype, asked)
    visit = await desk.visit(request)
    if rtype == "Binary":
        content = await _binary(request)
    else:
        content = await http.resource(request)
    if content.get("resourceType") != rtype:
        raise OtherType
    entry = Entry("POST", rtype, resource=content, condition=condition)
    return await _written(request, visit, entry)


async def update(request: Request) -> Response:
    """PUT [type]/[id] or [type]?condition: a new version, or 201 for what was not there."""
    rtype = http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    id, condition = _addressed(request, desk, rtype)
    visit = await desk.visit(request)
    content = await http.resource(request)
    if content.get("resourceType") != rtype:
        raise OtherType
    if id is not None and content.get("id") != id:
        raise OtherId
    if_match = http.if_match(request.headers.get("if-match"))
    entry = Entry("PUT", rtype, id, resource=content, if_match=if_match, condition=condition)
    return await _written(request, visit, entry)


async def patch(request: Request) -> Response:
    """PATCH [type]/[id] or [type]?condition: JSON Patch or FHIRPath Patch."""
    rtype = http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    id, condition = _addressed(request, desk, rtype)
    visit = await desk.visit(request)
    content = await patches.content(request)
    if_match = http.if_match(request.headers.get("if-match"))
    entry = Entry("PATCH", rtype, id, resource=content, if_match=if_match, condition=condition)
    told = http.returned(request) == "OperationOutcome"
    entry.patch = patches.of(desk, entry, told=told)
    await carry_out(visit, desk.acts, Plan([entry], parser=desk.parser))
    return answer(request, entry)


async def delete(request: Request) -> Response:
    """DELETE [type]/[id] or [type]?condition: 204, whether it was there or not."""
    rtype = http.type_of(request)
    desk = http.desk(request)
    id, condition = _addressed(request, desk, rtype)
    visit = await desk.visit(request)
    if_match = http.if_match(request.headers.get("if-match"))
    entry = Entry("DELETE", rtype, id, if_match=if_match, condition=condition)
    await carry_out(visit, desk.acts, Plan([entry]))
    headers = {"Cache-Control": "no-store"}
    if entry.written is not None:
        headers["ETag"] = f'W/"{entry.written.ver}"'
    if http.returned(request) == "OperationOutcome":
        return Response(json.dump(outcome_of(entry)), 200, headers, FHIR_JSON)
    return Response(status_code=204, headers=headers)


def _addressed(
    request: Request, desk: Desk, rtype: str
) -> tuple[str | None, conditions.Condition | None]:
    """The id of the address, or its condition."""
    if "if-none-exist" in request.headers:
        raise OneCondition
    if "id" in request.path_params:
        return http.id_of(request), None
    return None, conditions.read(desk.parser, rtype, _criteria(request))


def _criteria(request: Request) -> str:
    """The condition of an address."""
    given = http.parameters(request.scope["query_string"])
    return urlencode([each for each in given if each[0] not in http.FORMATS])


async def _written(request: Request, visit: Visit, entry: Entry) -> Response:
    """Validate a whole resource, write it, and answer."""
    desk = http.desk(request)
    told = http.returned(request) == "OperationOutcome"
    entry.issues = await desk.checks.written(entry.resource, told=told)
    await carry_out(visit, desk.acts, Plan([entry], parser=desk.parser))
    if told:
        await desk.acts.remarks(visit, [entry])
    if entry.existing and entry.condition is not None and http.returned(request) != "minimal":
        await _there(desk, visit, entry)
    return answer(request, entry)


async def _there(desk: Desk, visit: Visit, entry: Entry) -> None:
    """What a condition named, for who may read it: searched for, as anybody would.

    Clients that create what is missing (get_or_create) go on with what they are answered.
    """
    assert entry.written is not None
    query = desk.parser.parse(entry.rtype, [("_id", entry.written.address.id)])
    for row in (await visit.search(query)).matches:
        entry.written = replace(entry.written, body=row.body)


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
    asked = http.returned(request)
    if asked == "minimal":
        return Response(b"", status, headers)
    if asked == "OperationOutcome" or not written.body:
        return Response(json.dump(outcome_of(entry)), status, headers, FHIR_JSON)
    return Response(body_of(entry), status, headers, FHIR_JSON)


def body_of(entry: Entry) -> bytes:
    """What was written, whole; nothing for what was deleted, or already there."""
    written = entry.written
    if written is None or not written.body or entry.method == "DELETE":
        return b""
    if entry.rtype == "Binary" and "data" in entry.resource:
        return json.dump({**json.parse(written.body), "data": entry.resource["data"]})
    return written.body


def outcome_of(entry: Entry) -> dict[str, Any]:
    """What there is to say of a write: warnings, what validation found, or that it was done."""
    said = warned(entry.warnings)["issue"]
    if entry.issues:
        said += validation.outcome(entry.issues)["issue"]
    if said:
        return {"resourceType": "OperationOutcome", "issue": said}
    written = entry.written
    if written is None:
        done = "Nothing answers to the condition: nothing was deleted."
    elif entry.method == "DELETE":
        done = "It was deleted." if written.changed else "It was deleted already."
    else:
        done = (
            "It was written." if written.changed else "It was already there, and is left as it was."
        )
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
