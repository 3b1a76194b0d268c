# SPDX-License-Identifier: EUPL-1.2
"""search, by GET and by POST _search."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Page, Stored, Visit
from carnet.fhir.search import subsets
from carnet.fhir.search.query import EVERY, Query
from carnet.rest import bundles, http
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir

FORM = "application/x-www-form-urlencoded"
RESULT = frozenset(("_count", "_cursor", "_total", "_summary", "_elements", "_format", "_pretty"))


class UnknownParameter(errors.NotSupported):
    """This type is not searched by this parameter."""

    status = 400


class NotWithin(errors.NotSupported):
    """AuditEvent and Consent are searched by their patient, not in a compartment."""


class SearchedAlone(errors.NotSupported):
    """This type is searched alone, not with other types."""


class WrongForm(errors.Invalid):
    """A search by POST is a form, application/x-www-form-urlencoded."""


async def search(request: Request) -> Response:
    """GET [type]?…, POST [type]/_search."""
    rtype = http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = await parameters(request)
    if visit.endpoint in desk.acts.guides:
        desk.acts.guides[visit.endpoint](rtype, [name for name, _ in given])
    return fhir(await page(desk, visit, rtype, given, lenient=http.lenient(request)))


async def everywhere(request: Request) -> Response:
    """GET ?…, POST _search: of every type, or of those that `_type` names."""
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = await parameters(request)
    lenient = http.lenient(request)
    return fhir(await page(desk, visit, EVERY, given, lenient=lenient))


async def parameters(request: Request) -> list[tuple[str, str]]:
    """Those of the address, then those of a form."""
    given = http.parameters(request.scope["query_string"])
    if request.method == "POST":
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        content = await http.body(request)
        if content and media != FORM:
            raise WrongForm
        given += http.parameters(content)
    return given


async def within(request: Request) -> Response:
    """GET [compartment]/[id]/[type]?…, POST …/_search: what is in a compartment, of one type or all (*)."""
    rtype = EVERY if request.path_params["rtype"] == EVERY else http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = await parameters(request)
    compartment = (request.path_params["compartment"], http.id_of(request))
    lenient = http.lenient(request)
    return fhir(await page(desk, visit, rtype, given, lenient=lenient, within=compartment))


async def page(
    desk: Desk,
    visit: Visit,
    rtype: str,
    given: list[tuple[str, str]],
    *,
    lenient: bool = False,
    within: tuple[str, str] | None = None,
) -> bytes:
    """The searchset of one search; of several types where rtype is "*"."""
    address = desk.base
    named = [value for name, value in given if name == "_type"] if within is None else []
    if rtype != EVERY or within is not None:
        address = "/".join((desk.base, *(within or ()), rtype))
        named = []
    elif len(named) == 1 and named[0] in desk.door.definitions.types:  # one: as that type is
        rtype, given = named[0], [each for each in given if each[0] != "_type"]
    else:
        told = {each for value in named for each in value.split(",") if desk.acts.view(each)}
        if told:
            raise SearchedAlone(f"{', '.join(sorted(told))}: searched alone, not with other types.")
    view = desk.acts.view(rtype)
    if view is not None:
        known = view.parameters | RESULT
        if not lenient and (other := next((n for n, _ in given if n not in known), None)):
            raise UnknownParameter(f"This type is not searched by {other}.")
    if within is not None and view is not None:
        raise NotWithin
    own = [each for each in given if each[0] in getattr(view, "own", ())]
    read = [each for each in given if each not in own]
    query = desk.parser.parse(rtype, read, lenient=lenient, within=within)
    if view is None:
        found = await visit.search(query)
    else:
        found = await view.search(visit, query, [each for each in given if each[0] in known])
    shown = (*query.shown, *own, *found.shown)
    if named and rtype != EVERY:
        shown = (("_type", rtype), *shown)
    links = [("self", _link(address, shown))]
    if found.next is not None:
        links.append(("next", _link(address, (*shown, ("_cursor", found.next)))))
    matches, included = parts(desk, query, found)
    return bundles.searchset(desk.base, matches, included, links, _total(query, given, found))


def _total(query: Query, given: list[tuple[str, str]], found: Page) -> int | None:
    """How many match: counted when that was asked, and known anyway of what is on one page."""
    if found.total is not None or found.next is not None or query.after is not None:
        return found.total
    return None if ("_total", "none") in given else len(found.matches)


def parts(desk: Desk, query: Query, found: Page) -> tuple[list[Stored], list[Stored]]:
    """Matches and included, whole or the part that is asked for: _elements is of matches alone."""
    definitions = desk.door.definitions
    if query.elements:
        cut = [
            replace(each, body=subsets.chosen(definitions, each.body, query.elements))
            for each in found.matches
        ]
        return cut, found.included
    if query.summary == "false":
        return found.matches, found.included
    matches, included = (
        [replace(one, body=subsets.summarised(definitions, one.body, query.summary)) for one in of]
        for of in (found.matches, found.included)
    )
    return matches, included


def _link(address: str, shown: tuple[tuple[str, str], ...]) -> str:
    return f"{address}?{urlencode(shown)}" if shown else address
