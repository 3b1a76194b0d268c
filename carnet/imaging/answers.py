# SPDX-License-Identifier: EUPL-1.2
"""Answers of DICOMweb: DICOM JSON, parts, pictures; none is kept by a cache or taken for a page."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from carnet.fhir import json

JSON: Final = "application/dicom+json"
SAFE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def dicom(content: Any, status: int = 200) -> Response:
    """DICOM JSON."""
    return Response(json.dump(content), status, SAFE, JSON)


def element(vr: str, *values: Any) -> dict[str, Any]:
    """An element of DICOM JSON; None is no value."""
    held = [each for each in values if each is not None]
    return {"vr": vr, "Value": held} if held else {"vr": vr}


def picture(data: bytes) -> Response:
    """A JPEG."""
    return Response(data, 200, SAFE, "image/jpeg")


async def parts(files: AsyncIterator[bytes], media: str) -> Response:
    """A part for each; what is refused of the first is the answer, since nothing was sent yet."""
    boundary = secrets.token_hex(16)
    first = await anext(files)

    async def body() -> AsyncIterator[bytes]:
        head = f"--{boundary}\r\nContent-Type: {media}\r\n\r\n".encode()
        yield head + first
        async for each in files:
            yield b"\r\n" + head + each
        yield f"\r\n--{boundary}--\r\n".encode()

    headers = {**SAFE, "Content-Disposition": "attachment"}
    kind = media.split(";")[0]
    told = f'multipart/related; type="{kind}"; boundary={boundary}'
    return StreamingResponse(body(), 200, headers, told)
