# SPDX-License-Identifier: EUPL-1.2
"""Operations on one resource: `Type/id/$name`, each the act of a slice."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.rest import http
from carnet.rest.outcome import fhir


class NoOperation(errors.NotFound):
    """There is no operation of this name on this type, by this method."""


class NoBody(errors.Invalid):
    """This operation takes no parameter."""


async def operate(request: Request) -> Response:
    """GET or POST [type]/[id]/$[name]: what the act has to say, or 204."""
    rtype, id = http.type_of(request), http.id_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    operation = desk.acts.operation(request.method, rtype, str(request.path_params["name"]))
    if operation is None:
        raise NoOperation
    if request.method == "POST" and await http.body(request) not in (b"", b"{}", EMPTY):
        raise NoBody
    told = await operation(visit, id)
    return Response(status_code=204) if told is None else fhir(told)


EMPTY = b'{"resourceType":"Parameters"}'
