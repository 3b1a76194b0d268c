# SPDX-License-Identifier: EUPL-1.2
"""What every interaction reads of a request: body, type, versions, formats."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request

from carnet import errors
from carnet.fhir import json
from carnet.fhir.validation.structure import check
from carnet.rest.desk import Desk
from carnet.rest.outcome import NotValid

ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
JSON_TYPES = ("application/fhir+json", "application/json", "text/json")


class WrongMediaType(errors.NotSupported):
    """This server takes application/fhir+json."""

    status = 415


class NotAcceptable(errors.NotSupported):
    """This server answers in application/fhir+json."""

    status = 406


class UnknownType(errors.NotFound):
    """There is no resource type of this name."""


class WrongIfMatch(errors.Invalid):
    """If-Match is W/"n" where n is a version number."""


class ContentTooLarge(errors.TooLarge):
    """The body of the request is larger than this server accepts."""


def desk(request: Request) -> Desk:
    """The parts of the API."""
    found: Desk = request.app.state.desk
    return found


def type_of(request: Request) -> str:
    """The resource type of the address; UnknownType for another word."""
    rtype = str(request.path_params["rtype"])
    if rtype not in desk(request).door.definitions.types:
        raise UnknownType
    return rtype


def id_of(request: Request) -> str:
    """The id of the address; one that cannot be an id is simply not found."""
    id = str(request.path_params["id"])
    if not ID.fullmatch(id):
        raise errors.NotFound
    return id


async def body(request: Request) -> bytes:
    """The whole body, refused as soon as it passes the limit."""
    limit = desk(request).settings.body_limit
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise ContentTooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise ContentTooLarge
        chunks.append(chunk)
    return b"".join(chunks)


async def resource(request: Request) -> dict[str, Any]:
    """The JSON resource of the body, not yet validated."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in JSON_TYPES:
        raise WrongMediaType
    return json.parse(await body(request))


def validated(content: dict[str, Any], where: str = "") -> dict[str, Any]:
    """The same resource, once its structure holds."""
    issues = check(content)
    if issues:
        raise NotValid(issues, where)
    return content


def if_match(value: str | None) -> int | None:
    """The version named by an If-Match."""
    if value is None:
        return None
    found = ETAG.fullmatch(value.strip())
    if not found:
        raise WrongIfMatch
    return int(found[1])


def accepts_json(request: Request) -> None:
    """Refuse a caller who takes only XML or another form."""
    wanted = request.query_params.get("_format") or request.headers.get("accept", "*/*")
    if not any(word in wanted for word in ("json", "*/*", "application/*")):
        raise NotAcceptable


def lenient(request: Request) -> bool:
    """`Prefer: handling=lenient`."""
    return "handling=lenient" in request.headers.get("prefer", "").replace(" ", "")
