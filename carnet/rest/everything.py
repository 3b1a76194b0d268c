# SPDX-License-Identifier: EUPL-1.2
"""Patient/[id]/$everything, by GET and by POST."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Nothing
from carnet.access.door.everything import LINK, Wanted, page
from carnet.fhir import dates, json
from carnet.rest import bundles, http
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir

NAMES = frozenset(("start", "end", "_since", "_type", "_count", "_cursor"))
IGNORED = frozenset(("_format", "_pretty"))


class WrongParameter(errors.Invalid):
    """$everything takes start, end (dates), _since (an instant), _type (types) and _count."""


async def everything(request: Request) -> Response:
    """GET or POST Patient/[id]/$everything."""
    id = http.id_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    given = http.parameters(request.scope["query_string"])
    if request.method == "POST" and (content := await http.body(request)):
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media not in http.JSON_TYPES:
            raise http.WrongMediaType
        given += _of_body(json.parse(content))
    given = [each for each in given if each[0] not in IGNORED]
    if not http.lenient(request) and any(name not in NAMES for name, _ in given):
        raise WrongParameter
    shown = [each for each in given if each[0] in NAMES and each[0] != "_cursor"]
    found = await page(visit, wanted(desk, id, given))
    if found is None:
        raise Nothing
    address = f"{desk.base}/Patient/{id}/$everything"
    links = [("self", _link(address, shown))]
    if found.next is not None:
        links.append(("next", _link(address, [*shown, ("_cursor", found.next)])))
    return fhir(bundles.searchset(desk.base, found.matches, found.included, links, None))


def wanted(desk: Desk, id: str, given: list[tuple[str, str]]) -> Wanted:
    """What the parameters ask."""
    said = dict(given)
    types = [each for name, text in given if name == "_type" for each in text.split(",") if each]
    if any(each not in desk.door.definitions.types for each in types):
        raise WrongParameter
    count = said.get("_count", str(desk.parser.page_size))
    if not re.fullmatch("[1-9][0-9]{0,98}", count, re.ASCII):
        raise WrongParameter
    after = None
    if "_cursor" in said:
        _, rid, cid = desk.door.cursors.read(said["_cursor"], LINK)
        after = (rid, cid)
    return Wanted(
        id,
        min(int(count), desk.parser.page_limit),
        tuple(dict.fromkeys(types)),
        _moment(said.get("_since"), 0),
        _moment(said.get("start"), 0),
        _moment(said.get("end"), 1),
        after,
    )


def _moment(text: str | None, side: int) -> datetime | None:
    """The beginning (0) or the end (1) of a date."""
    if not text:
        return None
    try:
        # A plus sign that was not escaped in the URL arrives as a space.
        return dates.span(text.replace(" ", "+"))[side]
    except dates.NotADate:
        raise WrongParameter from None


def _of_body(resource: dict[str, object]) -> list[tuple[str, str]]:
    """Parameters, as those of an address."""
    parts = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or not isinstance(parts, list):
        raise WrongParameter
    found = []
    for part in parts:
        values = (
            [part[key] for key in part if key.startswith("value")] if isinstance(part, dict) else []
        )
        if len(values) != 1 or isinstance(values[0], bool | dict | list):
            raise WrongParameter
        found.append((str(part.get("name")), str(values[0])))
    return found


def _link(address: str, shown: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(shown)}" if shown else address
