# SPDX-License-Identifier: EUPL-1.2
"""Binary: raw bytes for who asks for their form, a resource with base64 for who asks for FHIR.

Bytes of others are never shown in our own pages' context: they come as a file, under a policy that lets
nothing run.
"""

from __future__ import annotations

import base64

from starlette.requests import Request
from starlette.responses import Response

from carnet.access.door import Stored, Visit
from carnet.rest.outcome import fhir

INERT = "default-src 'none'; sandbox"


async def answer(request: Request, visit: Visit, stored: Stored) -> Response:
    """A Binary that was just read."""
    content = stored.resource
    media = str(content.get("contentType", "application/octet-stream"))
    plain = await visit.attachment(stored)
    accept = request.query_params.get("_format") or request.headers.get("accept", "*/*")
    etag = f'W/"{stored.ver}"'
    if "fhir" in accept or accept.startswith("application/json"):
        content["data"] = base64.b64encode(plain).decode()
        return fhir(content, ETag=etag)
    return Response(
        plain,
        headers={
            "ETag": etag,
            "Cache-Control": "no-store",
            "Content-Security-Policy": INERT,
            "Content-Disposition": "attachment",
            "X-Content-Type-Options": "nosniff",
        },
        media_type=media,
    )
