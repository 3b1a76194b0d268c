# SPDX-License-Identifier: EUPL-1.2
"""WADO-RS: files, frames, metadata and pictures of a study, by the rights of the record.

A mask on the manifest is one on all of it: whoever may not see it is told what is told of nothing.
Source: DICOM PS3.18 §10.4 (retrieve transaction).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Nothing, Visit
from carnet.imaging import find
from carnet.imaging.answers import dicom, parts, picture
from carnet.imaging.find import Image
from carnet.imaging.instances import NotTaken
from carnet.imaging.store import DICOM, Keeper
from carnet.rest import http

DRAWING: Final = "carnet.imaging.drawing"
NARROWEST, WIDEST, THUMBNAIL, PLAIN = 16, 1600, 128, 1024  # pixels
FRAMES: Final = 20  # of one answer
MOST: Final = 500  # images whose metadata one answer has
OCTETS: Final = "application/octet-stream"


class NotAcceptable(errors.NotSupported):
    """Files are had as multipart/related; type="application/dicom", pictures as image/jpeg."""

    status = 406


async def retrieve(request: Request) -> Response:
    """GET studies/{study}[/series/{series}[/instances/{instance}]]: the files as they were sent."""
    visit, found = await _images(request)
    accept = request.headers.get("accept", "*/*")
    if not ("*/*" in accept or "multipart/related" in accept or DICOM in accept):
        raise NotAcceptable
    return await parts(find.files(visit, found), DICOM)


async def metadata(request: Request) -> Response:
    """GET …/metadata: all elements but pixels and private ones."""
    visit, found = await _images(request)
    if len(found) > MOST:
        raise errors.TooCostly
    keeper: Keeper = request.app.state.keeper
    told = []
    for image in found:
        data = await find.file(visit, image)
        told.append((await keeper.confined(f"{DRAWING}:metadata", data))[0])
    return dicom(told)


async def frames(request: Request) -> Response:
    """GET …/instances/{instance}/frames/{list}: the pixels of frames, as the file has them."""
    visit, found = await _images(request)
    given = request.path_params["frames"]
    if not re.fullmatch("[0-9]{1,5}(,[0-9]{1,5})*", given, re.ASCII) or given.count(",") >= FRAMES:
        raise Nothing
    data = await find.file(visit, found[0])
    confined = request.app.state.keeper.confined

    async def each() -> AsyncIterator[bytes]:
        for number in given.split(","):
            yield (await _drawn(confined, "frame", data, number=int(number)))[1]

    return await parts(each(), OCTETS)


async def rendered(request: Request) -> Response:
    """GET …/instances/{instance}[/frames/{frame}]/rendered, …/thumbnail: a JPEG."""
    visit, found = await _images(request)
    small = request.url.path.endswith("/thumbnail")
    width = THUMBNAIL if small else _width(request.query_params.get("viewport", ""))
    return picture(
        await drawn(request.app.state.keeper, visit, found[0], _frame(request.path_params), width)
    )


async def drawn(keeper: Keeper, visit: Visit, image: Image, frame: int, width: int) -> bytes:
    """One frame of an image as JPEG, no wider than asked."""
    data = await find.file(visit, image)
    width = max(NARROWEST, min(width, WIDEST))
    return (await _drawn(keeper.confined, "draw", data, number=frame, width=width))[1]


async def _drawn(confined: Any, job: str, data: bytes, **given: Any) -> tuple[Any, bytes]:
    told, made = await confined(f"{DRAWING}:{job}", data, **given)
    if told is not None:
        if told["no"] == "no-frame":
            raise Nothing
        raise NotTaken(told["no"])
    return told, made


async def _images(request: Request) -> tuple[Visit, list[Image]]:
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = request.path_params
    found = await find.images(
        visit, desk.parser, given["study"], given.get("series", ""), given.get("instance", "")
    )
    return visit, found


def _frame(given: Any) -> int:
    text = str(given.get("frame", "1"))
    if not re.fullmatch("[0-9]{1,5}", text, re.ASCII):
        raise Nothing
    return int(text)


def _width(viewport: str) -> int:
    first = viewport.split(",")[0]
    return int(first) if re.fullmatch("[0-9]{1,5}", first, re.ASCII) else PLAIN
