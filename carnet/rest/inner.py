# SPDX-License-Identifier: EUPL-1.2
"""What an entry of a Bundle asks without writing: any address that is read, answered by its own route.

GET and HEAD of everything there is (reads, histories, searches, compartments, operations, metadata), and the
operations that are asked by POST and write nothing. In a transaction they are read on its connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from carnet import errors
from carnet.access.door import Visit
from carnet.fhir import definitions as r4
from carnet.fhir import json
from carnet.fhir.search.query import EVERY
from carnet.rest import bundles, http
from carnet.rest.desk import Desk
from carnet.rest.outcome import FHIR_JSON

# Asked by POST, and they write nothing.
ASKED = frozenset(
    "_search $everything $expand $lookup $meta $subsumes $validate $validate-code".split()
)


class WrongEntry(errors.Invalid):
    """An entry has a request with a method and the address of a type or of a resource."""


class NotInside(errors.NotSupported):
    """This is asked outside of a Bundle."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A request of an entry, its route found."""

    place: str  # Bundle.entry[3]
    route: Route
    scope: Mapping[str, Any]
    body: bytes


def asks(entry: dict[str, Any], method: str) -> bool:
    """Whether an entry is of the methods that read, or an operation that only reads."""
    if method != "POST":
        return method in ("GET", "HEAD")
    url = str(entry.get("request", {}).get("url", ""))
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] in ASKED


def of(
    request: Request, desk: Desk, entry: dict[str, Any], asked: dict[str, Any], place: str
) -> Inner:
    """What an entry asks; asked: its request. WrongEntry when there is no such address."""
    where = f"{place}.request.url"
    url = asked["url"].removeprefix(desk.base + "/")
    address, _, query = url.strip("/").partition("?")
    method = asked["method"]
    resource = entry.get("resource")
    body = json.dump(resource) if method == "POST" and resource is not None else b""
    headers = {
        "accept": "application/fhir+json",
        "if-none-match": asked.get("ifNoneMatch"),
        "if-modified-since": asked.get("ifModifiedSince"),
        "prefer": request.headers.get("prefer"),
        "content-length": str(len(body)),
        "content-type": "application/fhir+json" if body else None,
    }
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": f"/{unquote(address)}",
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items() if text],
        "app": request.app,
        "carnet.request": request.scope["carnet.request"],
    }
    for route in request.app.routes:
        if isinstance(route, Route) and route not in desk.acts.routes:
            match, found = route.matches(scope)
            if match is Match.FULL and (address or query):
                rtype = found["path_params"].get("rtype")
                if rtype not in (None, EVERY) and rtype not in r4.load().types:
                    raise http.UnknownType(path=where)
                http.parameters(scope["query_string"])
                return Inner(place, route, {**scope, **found}, body)
    raise WrongEntry(path=where)


async def answer(desk: Desk, visit: Visit, inner: Inner) -> bytes:
    """The response entry."""
    scope = dict(inner.scope)
    scope["carnet.visit"] = visit
    if visit.door is not desk.door:  # in a transaction
        if desk.checks.late:
            async with visit.door.pool.connection() as conn:
                await desk.checks.look(conn)
        desk = replace(desk, door=visit.door, checks=desk.checks.within(visit.door.pool))
    scope["carnet.desk"] = desk

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": inner.body, "more_body": False}

    try:
        made = await inner.route.endpoint(Request(scope, receive))
    except errors.CarnetError as refusal:
        refusal.path = refusal.path or inner.place
        raise
    if type(made) is not Response:  # a file that is made as it is sent
        raise NotInside(path=inner.place)
    return _entry(made, scope)


def _entry(made: Response, scope: Mapping[str, Any]) -> bytes:
    status = HTTPStatus(made.status_code)
    response = {"status": f"{status.value} {status.phrase}"}
    if "location" in made.headers:
        response["location"] = made.headers["location"]
    if "etag" in made.headers:
        response["etag"] = made.headers["etag"]
    if "carnet.modified" in scope:
        response["lastModified"] = bundles.instant(scope["carnet.modified"])
    told = json.dump(response)
    whole = bytes(made.body)
    if not whole or scope["method"] == "HEAD" or made.headers.get("content-type") != FHIR_JSON:
        return b'{"response":' + told + b"}"
    return b'{"resource":' + whole + b',"response":' + told + b"}"
