# SPDX-License-Identifier: EUPL-1.2
"""search, by GET and by POST _search."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.rest import bundles, http
from carnet.rest.outcome import fhir

FORM = "application/x-www-form-urlencoded"


class WrongForm(errors.Invalid):
    """A search by POST is a form, application/x-www-form-urlencoded."""


async def search(request: Request) -> Response:
    """GET [type]?…, POST [type]/_search."""
    rtype = http.type_of(request)
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if request.method == "POST":
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        content = await http.body(request)
        if content and media != FORM:
            raise WrongForm
        given += parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True)
    return await answer(request, rtype, given)


async def answer(request: Request, rtype: str, given: list[tuple[str, str]]) -> Response:
    """The page of one search."""
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    query = desk.parser.parse(rtype, given, lenient=http.lenient(request))
    page = await visit.search(query)
    address = f"{desk.base}/{rtype}"
    links = [("self", _link(address, query.shown))]
    if page.next is not None:
        links.append(("next", _link(address, (*query.shown, ("_cursor", page.next)))))
    return fhir(bundles.searchset(desk.base, page.matches, page.included, links, page.total))


def _link(address: str, shown: tuple[tuple[str, str], ...]) -> str:
    return f"{address}?{urlencode(shown)}" if shown else address
