# SPDX-License-Identifier: EUPL-1.2
"""DICOMweb: the addresses images are sent to, found at and had at, below /dicom-web."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.imaging import multipart, qido, stow, wado
from carnet.imaging.answers import dicom
from carnet.imaging.instances import NotTaken
from carnet.imaging.store import DICOM, Keeper, NotSoftware
from carnet.rest import http
from carnet.rest.desk import Desk
from carnet.rest.outcome import refuse
from carnet.rest.routes import Traced


async def store(request: Request) -> Response:
    """POST studies, studies/{study}: images, by the software of an organisation."""
    visit = await http.desk(request).visit(request)
    if visit.actor.kind is not ActorKind.SOFTWARE:
        raise NotSoftware
    keeper: Keeper = request.app.state.keeper
    settings = http.desk(request).settings
    delimiter = multipart.boundary_of(request.headers.get("content-type", ""), DICOM)
    parts = multipart.parts(request.stream(), delimiter, DICOM, settings.image_limit)
    study = request.path_params.get("study", "")
    done = await stow.store(keeper, visit, parts, study, settings.images_limit)
    if not done:
        raise NotTaken("not-dicom")
    status, told = stow.answer(done, keeper.retrieve)
    return dicom(told, status)


STUDY: Final = "/studies/{study}"
SERIES: Final = STUDY + "/series/{series}"
INSTANCE: Final = SERIES + "/instances/{instance}"
ROUTES: Final = [
    Route("/studies", store, methods=["POST"]),
    Route(STUDY, store, methods=["POST"]),
    Route("/studies", qido.by_key, methods=["GET"]),
    Route(STUDY + "/series", qido.series, methods=["GET"]),
    Route(STUDY + "/instances", qido.instances, methods=["GET"]),
    Route(SERIES + "/instances", qido.instances, methods=["GET"]),
    *(Route(each, wado.retrieve, methods=["GET"]) for each in (STUDY, SERIES, INSTANCE)),
    *(
        Route(each + "/metadata", wado.metadata, methods=["GET"])
        for each in (STUDY, SERIES, INSTANCE)
    ),
    Route(INSTANCE + "/rendered", wado.rendered, methods=["GET"]),
    Route(INSTANCE + "/thumbnail", wado.rendered, methods=["GET"]),
    Route(INSTANCE + "/frames/{frames}", wado.frames, methods=["GET"]),
    Route(INSTANCE + "/frames/{frame}/rendered", wado.rendered, methods=["GET"]),
]


def application(desk: Desk, keeper: Keeper) -> ASGIApp:
    """To be mounted at /dicom-web."""
    foreseen = (errors.CarnetError, psycopg.Error, PoolTimeout, HTTPException)
    app = Starlette(routes=ROUTES, exception_handlers=dict.fromkeys((*foreseen, Exception), refuse))
    app.state.desk = desk
    app.state.keeper = keeper
    return Traced(app, desk)
