# SPDX-License-Identifier: EUPL-1.2
"""The addresses of the API, and the application that serves them."""

from __future__ import annotations

import time

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carnet import errors
from carnet.fhir.terminology import Terms
from carnet.rest import (
    audit_events,
    everything,
    history,
    http,
    metadata,
    metas,
    operations,
    read,
    search,
    terminology,
    transaction,
    validate,
    write,
)
from carnet.rest.desk import Desk
from carnet.rest.outcome import refuse
from carnet.rest.router import Indexed

log = structlog.get_logger("carnet.rest")

ROUTES = [
    Route("/", transaction.transaction, methods=["POST"]),
    Route("/", search.everywhere, methods=["GET"]),
    Route("/_search", search.everywhere, methods=["POST"]),
    Route("/metadata", metadata.metadata, methods=["GET"]),
    Route("/$audit-root", audit_events.root, methods=["GET"]),
    Route("/$meta", metas.of_many, methods=["GET", "POST"]),
    Route("/_history", history.of_all, methods=["GET"]),
    Route("/{rtype}", search.search, methods=["GET"]),
    Route("/{rtype}", write.create, methods=["POST"]),
    Route("/{rtype}", write.update, methods=["PUT"]),
    Route("/{rtype}", write.patch, methods=["PATCH"]),
    Route("/{rtype}", write.delete, methods=["DELETE"]),
    Route("/{rtype}/_search", search.search, methods=["POST"]),
    *terminology.ROUTES,
    Route("/{rtype}/$validate", validate.validate, methods=["POST"]),
    Route("/{rtype}/$meta", metas.of_many, methods=["GET", "POST"]),
    Route("/{rtype}/${name}", operations.operate_type, methods=["POST"]),
    Route("/{rtype}/_history", history.of_type, methods=["GET"]),
    Route("/{rtype}/{id}", read.read, methods=["GET"]),
    Route("/{rtype}/{id}", write.update, methods=["PUT"]),
    Route("/{rtype}/{id}", write.patch, methods=["PATCH"]),
    Route("/{rtype}/{id}", write.delete, methods=["DELETE"]),
    Route("/Patient/{id}/$everything", everything.everything, methods=["GET", "POST"]),
    Route("/{rtype}/{id}/$validate", validate.validate, methods=["GET", "POST"]),
    Route("/{rtype}/{id}/$meta", metas.meta, methods=["GET", "POST"]),
    Route("/{rtype}/{id}/$meta-add", metas.add, methods=["POST"]),
    Route("/{rtype}/{id}/$meta-delete", metas.delete, methods=["POST"]),
    Route("/{rtype}/{id}/${name}", operations.operate, methods=["GET", "POST"]),
    Route("/{rtype}/{id}/_history", history.of_one, methods=["GET"]),
    Route("/{rtype}/{id}/_history/{version}", read.vread, methods=["GET"]),
    Route("/{rtype}/{id}/_history/{version}/$meta", metas.meta, methods=["GET"]),
    Route("/{compartment}/{id}/{rtype}", search.within, methods=["GET"]),
    Route("/{compartment}/{id}/{rtype}/_search", search.within, methods=["POST"]),
]


async def other_method(request: Request, error: Exception) -> Response:
    """405, with the methods every route of the address takes."""
    routes = [*http.desk(request).acts.routes, *ROUTES]
    routes = [each for each in routes if each.matches(request.scope)[0] is not Match.NONE]
    routes = [each for each in routes if not each.param_convertors] or routes  # metadata is no type
    methods = {method for route in routes for method in route.methods or ()}
    allow = {"Allow": ", ".join(sorted(methods))}
    return await refuse(request, HTTPException(405, headers=allow))


def application(desk: Desk) -> ASGIApp:
    """The API, to be mounted at /fhir."""
    # A handler of Exception also re-raises to the server; those of what is foreseen do not.
    foreseen = (errors.CarnetError, psycopg.Error, PoolTimeout, HTTPException)
    app = Starlette(exception_handlers=dict.fromkeys((*foreseen, Exception), refuse))
    app.add_exception_handler(405, other_method)
    app.router = Indexed([*desk.acts.routes, *ROUTES])
    app.state.desk = desk
    app.state.terms = Terms()
    return Traced(app, desk)


class Indented:
    """Sends a FHIR answer that comes whole with its lines indented (`_pretty=true`), digits untouched."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            headers = dict(start["headers"])
            body = message.get("body", b"")
            fhir = headers.get(b"content-type", b"").startswith(b"application/fhir+json")
            if fhir and body and not message.get("more_body", False):
                body = msgspec.json.format(body)
                headers[b"content-length"] = str(len(body)).encode()
                message = {**message, "body": body}
            await self._send({**start, "headers": list(headers.items())})
        await self._send(message)


class Traced:
    """Gives each request its id and one log line: ids and codes, never content."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = scope["carnet.request"] = self._desk.request_id()
        started = time.perf_counter()
        status = 0
        path = scope["path"]
        # Some clients write Patient/?name=.
        if path.endswith("/") and path != scope.get("root_path", "") + "/":
            scope = {**scope, "path": path[:-1]}
        if b"_pretty=true" in scope["query_string"].split(b"&"):
            send = Indented(send)

        async def telling(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, telling)
        except Exception as error:
            # Answered and logged already, unless it broke before the application could.
            if status == 0:
                answer = await refuse(Request(scope), error)
                await answer(scope, receive, telling)
        finally:
            log.info(
                "request",
                request=request,
                method=scope["method"],
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
