# SPDX-License-Identifier: EUPL-1.2
"""$export and $import over HTTP: the asynchronous pattern of Bulk Data Access, and NDJSON sent in.

Source: HL7 FHIR Bulk Data Access 2.0.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from carnet import errors
from carnet.access.door import Visit, bulk
from carnet.access.tokens import WrongToken
from carnet.bulk import asked as reading
from carnet.bulk import export, imports
from carnet.bulk.spool import Spool
from carnet.fhir import json
from carnet.rest import http
from carnet.rest.binary import INERT
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir

NDJSON = "application/fhir+ndjson"
ASK_AGAIN = 2  # seconds
MOST_WATCHED = 1000  # exports
MOST_LOOKS = 20  # in that time, of one export, by one process
CHUNK = 32 << 10  # bytes sent at once
NUMBER = re.compile("[1-9][0-9]{0,8}", re.ASCII)
TOKEN = re.compile("[0-9a-f]{40}", re.ASCII)


class WrongLines(http.WrongMediaType):
    """An import takes application/fhir+ndjson, the lines themselves: no address of a manifest is fetched."""


class WrongImport(errors.Invalid):
    """An import has a name, the name of an input, and says as which software: name, input, as; keep is
    true or false."""


class TooOften(errors.TooMany):
    """This export is not ready: ask again after the seconds of Retry-After."""


class WrongPatients(errors.Invalid):
    """patient is a Reference to a Patient, in a Parameters resource."""


async def start(request: Request) -> Response:
    """GET or POST $export, Patient/$export, Group/[id]/$export: 202 and where to ask."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    http.accepts_json(request)
    given = http.parameters(request.scope["query_string"])
    named = [text for name, text in given if name == "patient" and text]
    if request.method == "POST" and (content := await http.body(request)):
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media not in http.JSON_TYPES:
            raise http.WrongMediaType
        more, others = _body(http.validated(json.parse(content)))
        given, named = given + more, named + others
    path = request.url.path
    level = "group" if "/Group/" in path else "patient" if "/Patient/" in path else "system"
    url = str(request.url.replace(scheme="", netloc="")).partition("$export")[2]
    place = {
        "system": "",
        "patient": "Patient/",
        "group": f"Group/{request.path_params.get('id')}/",
    }
    shown = f"{desk.base}/{place[level]}$export{url}"
    wanted = reading.asked(
        desk.parser, desk.acts, level, shown, given, lenient=http.lenient(request)
    )
    wanted = await _chosen(request, visit, wanted, level, named)
    token = await export.start(visit, wanted)
    return Response(
        status_code=202,
        headers={
            "Content-Location": f"{desk.base}/$export-job/{token}",
            "Cache-Control": "no-store",
        },
    )


async def _chosen(
    request: Request, visit: Visit, wanted: reading.Asked, level: str, named: list[str]
) -> reading.Asked:
    """With the records it is narrowed to: those of a Group, those named, those of both."""
    chosen: set[int] | None = None
    if level == "group":
        chosen = set(await export.members(visit, http.id_of(request)))
    if named:
        if level == "system":
            raise WrongPatients
        persons = [bulk.patient_of(visit, each) for each in named]
        mine = set(await bulk.whole(visit, persons))
        chosen = mine if chosen is None else chosen & mine
    if chosen is None:
        return wanted
    return reading.read(wanted.values() | {"chosen": sorted(chosen)})


async def job(request: Request) -> Response:
    """GET: 202 while it is listed, then the manifest. DELETE: it is forgotten."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    token = _token(request)
    if request.method == "DELETE":
        await export.cancel(visit, token)
        return Response(status_code=202)
    found = await export.held(visit, token)
    if found.state == "failed":
        code, _, sentence = found.refusal.partition("|")
        issue = {"severity": "error", "code": code, "diagnostics": sentence}
        return fhir({"resourceType": "OperationOutcome", "issue": [issue]}, found.status)
    if found.state != "ready":
        _looked(desk, token)
        said = "waiting" if found.state == "waiting" else f"{found.found} resources listed"
        return Response(
            status_code=202,
            headers={
                "X-Progress": said,
                "Retry-After": str(ASK_AGAIN),
                "Cache-Control": "no-store",
            },
        )
    body = await export.manifest(visit, found, desk.base)
    expires = format_datetime(found.until, usegmt=True)
    headers = {"Expires": expires, "Cache-Control": "no-store"}
    return Response(json.dump(body), 200, headers, "application/json")


_looks: dict[str, tuple[datetime, int]] = {}  # since when an export is asked after, and how often


def _looked(desk: Desk, token: str) -> None:
    """Refuse who asks again and again after what is not ready."""
    now = desk.door.clock()
    since, count = _looks.get(token, (now, 0))
    if not timedelta() <= now - since < timedelta(seconds=ASK_AGAIN):
        since, count = now, 0
    _looks[token] = since, count + 1
    while len(_looks) > MOST_WATCHED:
        del _looks[next(iter(_looks))]
    if count >= MOST_LOOKS:
        raise TooOften


async def file(request: Request) -> Response:
    """GET: a file, as it is read."""
    visit = await http.desk(request).visit(request)
    number = str(request.path_params["number"])
    if not NUMBER.fullmatch(number):
        raise errors.NotFound
    lines = export.fetched(visit, _token(request), int(number))
    await anext(lines)  # what is refused is refused here
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": INERT}
    return StreamingResponse(_joined(lines), media_type=NDJSON, headers=headers)


async def _joined(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines, some at a time."""
    waiting, size = [], 0
    async for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


async def take_in(request: Request) -> Response:
    """POST $import?name=…&input=…&as=…: lines of NDJSON, answered once all of them are done.

    They are read several times; meanwhile they lie sealed in a file without a name.
    """
    desk = http.desk(request)
    visit = await desk.visit(request)
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in reading.FORMATS:
        raise WrongLines
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise http.WrongEncoding
    said = dict(http.parameters(request.scope["query_string"]))
    if not {"name", "input", "as"} <= said.keys():
        raise WrongImport
    keep = said.get("keep", "false")
    if keep not in ("true", "false"):
        raise WrongImport
    importer = await imports.begin(desk, visit, said["name"], said["as"], keep=keep == "true")

    async def allowed() -> None:
        if await desk.revisions.current(visit.actor.sub) != visit.actor.rev:
            raise WrongToken

    with Spool(desk.settings.data) as spool:
        async for piece in request.stream():
            await allowed()
            await asyncio.to_thread(spool.write, piece)
        done = await replace(importer, allowed=allowed).run({said["input"]: spool.read})
    report = f"{desk.base}/$import-job/{said['name']}/{said['input']}"
    counts = {"lines": done.lines, "refused": done.refused, "before": done.before}
    parts: list[dict[str, Any]] = [{"name": k, "valueInteger": n} for k, n in counts.items()]
    parts.append({"name": "report", "valueUrl": report})
    return fhir({"resourceType": "Parameters", "parameter": parts})


async def report(request: Request) -> Response:
    """GET: what became of each line, an OperationOutcome a line."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    lines = await imports.answered(
        desk, visit, str(request.path_params["name"]), str(request.path_params["input"])
    )
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": INERT}
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)


def _token(request: Request) -> str:
    token = str(request.path_params["token"])
    if not TOKEN.fullmatch(token):
        raise errors.NotFound
    return token


def _body(content: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """The parameters of a Parameters resource, and the patients it names."""
    if content.get("resourceType") != "Parameters":
        raise reading.WrongExport
    given, named = [], []
    for part in content.get("parameter", []):
        values = [part[key] for key in part if key.startswith("value")]
        name = part.get("name", "")
        if len(values) != 1:
            raise reading.WrongExport
        if name == "patient":
            if not isinstance(values[0], dict) or not values[0].get("reference"):
                raise WrongPatients
            named.append(str(values[0]["reference"]))
        elif isinstance(values[0], dict | list | bool):
            raise reading.WrongExport
        else:
            given.append((name, str(values[0])))
    return given, named


ROUTES = (
    Route("/$export", start, methods=["GET", "POST"]),
    Route("/Patient/$export", start, methods=["GET", "POST"]),
    Route("/Group/{id}/$export", start, methods=["GET", "POST"]),
    Route("/$export-job/{token}", job, methods=["GET", "DELETE"]),
    Route("/$export-job/{token}/{number}", file, methods=["GET"]),
    Route("/$import", take_in, methods=["POST"]),
    Route("/$import-job/{name}/{input}", report, methods=["GET"]),
)

DEFINED = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
# (type, "" for the base), name, definition: what the capability statement says.
ANNOUNCED = (
    ("", "export", f"{DEFINED}/export"),
    ("Patient", "export", f"{DEFINED}/patient-export"),
    ("Group", "export", f"{DEFINED}/group-export"),
    ("", "import", "urn:carnet:operation:import"),
)
