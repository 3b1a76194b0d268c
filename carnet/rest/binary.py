# SPDX-License-Identifier: EUPL-1.2
"""Binary: raw bytes for who asks for their form, a resource with base64 for who asks for FHIR.

Bytes of others are never shown in our own pages' context: they come as a file, under a policy that lets
nothing run.
"""

from __future__ import annotations

import base64
import re

from starlette.requests import Request
from starlette.responses import Response

from carnet.access.door import Stored, Visit
from carnet.fhir import json
from carnet.rest import http
from carnet.rest.outcome import fhir

INERT = "default-src 'none'; sandbox"
MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;[\x20-\x7e]*)?", re.ASCII)
UNKNOWN = "application/octet-stream"


async def answer(request: Request, visit: Visit, stored: Stored) -> Response:
    """A Binary that was just read."""
    etag = f'W/"{stored.ver}"'
    headers = request.headers
    if http.unchanged(
        headers.get("if-none-match"), headers.get("if-modified-since"), stored.ver, stored.upd
    ):
        return Response(status_code=304, headers={"ETag": etag})
    if _as_resource(request, str(stored.resource.get("contentType", ""))):
        return fhir(await whole(visit, stored), ETag=etag)
    media = str(stored.resource.get("contentType", ""))
    return Response(
        await visit.attachment(stored),
        headers={
            "Content-Type": media if MEDIA.fullmatch(media) else UNKNOWN,
            "ETag": etag,
            "Cache-Control": "no-store",
            "Content-Security-Policy": INERT,
            "Content-Disposition": "attachment",
        },
    )


async def whole(visit: Visit, stored: Stored) -> bytes:
    """A Binary as FHIR JSON, its bytes in base64."""
    plain = await visit.attachment(stored)
    return json.dump({**stored.resource, "data": base64.b64encode(plain).decode()})


def _as_resource(request: Request, media: str) -> bool:
    """Whether FHIR is asked for; a FHIR document asked for in its own form is itself (ITI-68)."""
    wanted = request.query_params.get("_format")
    if wanted is not None:
        return "json" in wanted
    accept = request.headers.get("accept", "*/*")
    if accept.split(";")[0].strip().lower() == media.split(";")[0].strip().lower():
        return False
    return "fhir" in accept or accept.startswith("application/json")
