# SPDX-License-Identifier: EUPL-1.2
"""history of a resource, of a type and of the server: versions, newest first, page by page.

A Bundle says in meta.lastUpdated until when it is sure to be complete: a write that began before may still
come. Who asks again with that as `_since` misses nothing, and may see again what it had.
Source: FHIR R4, RESTful API, history.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Visit, versions
from carnet.fhir import dates
from carnet.rest import bundles, http
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir

NAMES = frozenset(("_count", "_since", "_at", "_cursor"))
LATEST = timedelta(seconds=70)  # no request's transaction lives as long (postgres/pool.py)


class WrongHistory(errors.NotSupported):
    """A history takes _since (an instant), _at (a date), _count (a number), each once, and _format."""


class NoHistory(errors.NotSupported):
    """Resources of this type are made when they are read: they have no versions."""


async def of_one(request: Request) -> Response:
    """GET [type]/[id]/_history."""
    return await _answer(request, http.type_of(request), http.id_of(request))


async def of_type(request: Request) -> Response:
    """GET [type]/_history."""
    return await _answer(request, http.type_of(request), None)


async def of_all(request: Request) -> Response:
    """GET _history."""
    return await _answer(request, None, None)


async def _answer(request: Request, rtype: str | None, id: str | None) -> Response:
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = http.parameters(request.scope["query_string"])
    return fhir(await bundle(desk, visit, rtype, id, given, lenient=http.lenient(request)))


async def bundle(
    desk: Desk,
    visit: Visit,
    rtype: str | None,
    id: str | None,
    given: list[tuple[str, str]],
    *,
    lenient: bool = False,
) -> bytes:
    """One page, as a Bundle of type history."""
    given = [each for each in given if each[0] not in http.FORMATS]
    if lenient:
        given = [each for each in given if each[0] in NAMES]
    said = dict(given)
    if len(said) < len(given) or said.keys() - NAMES:
        raise WrongHistory
    if rtype is not None and desk.acts.view(rtype) is not None:
        raise NoHistory
    until = desk.door.clock() - LATEST
    found = await versions.page(visit, asked(desk, rtype, id, said))
    address = "/".join((desk.base, *filter(None, (rtype, id)), "_history"))
    shown = [each for each in given if each[0] != "_cursor"]
    links = [("self", _link(address, shown))]
    if found.next is not None:
        links.append(("next", _link(address, [*shown, ("_cursor", found.next)])))
    whole = id is not None and found.next is None and "_cursor" not in said
    total = len(found.found) if whole else None  # of many pages it would change on the way
    return bundles.history(desk.base, found.found, links, total, until)


def asked(desk: Desk, rtype: str | None, id: str | None, said: dict[str, str]) -> versions.Asked:
    """What the parameters ask."""
    count = said.get("_count", str(desk.parser.page_size))
    if not re.fullmatch("[1-9][0-9]{0,98}", count, re.ASCII):
        raise WrongHistory
    since, at = _span(said.get("_since")), _span(said.get("_at"))
    return versions.Asked(
        rtype,
        id,
        min(int(count), desk.parser.page_limit),
        since[0] if since else None,
        at,
        said.get("_cursor"),
    )


def _span(text: str | None) -> tuple[datetime, datetime] | None:
    if text is None:
        return None
    try:
        # A plus sign that was not escaped in the URL arrives as a space.
        return dates.span(text.replace(" ", "+"))
    except dates.NotADate:
        raise WrongHistory from None


def _link(address: str, shown: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(shown)}" if shown else address
