# SPDX-License-Identifier: EUPL-1.2
"""What every interaction reads of a request: body, type, versions, formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from carnet import errors
from carnet.fhir import dates, json
from carnet.fhir.validation.structure import check
from carnet.rest.desk import Desk
from carnet.rest.outcome import NotValid

ETAG = re.compile(r'(?:W/)?"([0-9]{1,9})"', re.ASCII)
ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
FHIR_VERSION = re.compile(r';\s*fhirVersion="?([^";,\s]*)', re.ASCII | re.IGNORECASE)
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*(?:Z|[+-][0-9]{2}:[0-9]{2})$", re.ASCII)
CHARSET = re.compile(r';\s*charset="?([^";\s]*)', re.ASCII | re.IGNORECASE)
NEVER = re.compile(r";\s*q=0(?:\.0{0,3})?\s*(?:;|$)", re.ASCII)  # of a media type in Accept
MOST_FIELDS = 1000  # of a form; a search takes less
ALONE = ("metadata", "_history")  # addresses that stand where a type does
FORMATS = frozenset(("_format", "_pretty"))  # of any address
JSON_TYPES = ("application/fhir+json", "application/json", "text/json")


class WrongMediaType(errors.NotSupported):
    """This server takes application/fhir+json, of FHIR 4.0."""

    status = 415


class WrongEncoding(WrongMediaType):
    """This server takes bodies as they are (no Content-Encoding), in UTF-8."""


class WrongParameters(errors.Invalid):
    """The parameters of the address are not UTF-8 text, are too many, or hold U+0000."""


class NotAcceptable(errors.NotSupported):
    """This server answers in application/fhir+json, of FHIR 4.0."""

    status = 406


class UnknownType(errors.NotFound):
    """There is no resource type of this name."""


class WrongIfMatch(errors.Invalid):
    """If-Match is W/"n" where n is a version number."""


class WrongPreference(errors.Invalid):
    """Prefer: return= is minimal, representation or OperationOutcome."""


class ContentTooLarge(errors.TooLarge):
    """The body of the request is larger than this server accepts."""


def desk(request: Request) -> Desk:
    """The parts of the API, at the address that was called."""
    found: Desk | None = request.scope.get("carnet.desk")  # of a Bundle
    if found is not None:
        return found
    ours: Desk = request.app.state.desk
    endpoint = request.scope.get("carnet.endpoint", "")
    return ours.at(endpoint) if endpoint else ours


def type_of(request: Request) -> str:
    """The resource type of the address; UnknownType for another word."""
    rtype = str(request.path_params["rtype"])
    if rtype not in desk(request).door.definitions.types:
        if rtype in ALONE and request.url.path.endswith(rtype):
            raise HTTPException(405)
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
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongEncoding
    limit = desk(request).settings.body_limit
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
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
    if not of_r4(request.headers["content-type"]):
        raise WrongMediaType
    charset = CHARSET.search(request.headers["content-type"])
    if charset and charset[1].lower() not in ("utf-8", "utf8"):
        raise WrongEncoding
    return json.parse(await body(request))


def parameters(query: bytes) -> list[tuple[str, str]]:
    """The parameters of an address or of a form, in the order given."""
    try:
        found = parse_qsl(
            query.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise WrongParameters from None
    if any("\0" in name or "\0" in value for name, value in found):
        raise WrongParameters
    return found


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
    """Refuse a caller who takes only XML or another form; `_format` says more than Accept."""
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    if not takes_json(wanted.lower()) or not of_r4(wanted):
        raise NotAcceptable


def form_of(request: Request, media: Sequence[str]) -> str:
    """Which of some media types the caller asked for by its name; "" for JSON, else a refusal."""
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    named = [each.split(";")[0].strip() for each in wanted.lower().split(",")]
    found = next((each for each in media if each in named), "")
    if found and not any("json" in each for each in named[: named.index(found)]):
        return found
    accepts_json(request)
    return ""


@lru_cache(1000)
def takes_json(wanted: str) -> bool:
    """Whether JSON is among the media types taken, and not by `q=0`. Source: RFC 9110, 12.5.1."""
    ranges = [(each.split(";")[0].strip(), not NEVER.search(each)) for each in wanted.split(",")]
    named = [taken for media, taken in ranges if "json" in media]
    return any(named or (taken for media, taken in ranges if media in ("*/*", "application/*")))


def of_r4(media: str) -> bool:
    """Whether a media type that names a version of FHIR (`fhirVersion=4.0`) names this one."""
    named = FHIR_VERSION.findall(media)
    return not named or any(each in ("4.0", "4.0.1") for each in named)


def preferred(request: Request, name: str) -> str | None:
    """The value of one preference (Prefer: return=minimal, handling=lenient)."""
    for header in request.headers.getlist("prefer"):
        for part in re.split("[,;]", header):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
    return None


RETURNS = ("minimal", "representation", "OperationOutcome")


def returned(request: Request) -> str | None:
    """`Prefer: return=`: what a write answers; another word is none, or refused by handling=strict."""
    asked = preferred(request, "return")
    if asked is not None and asked not in RETURNS:
        if preferred(request, "handling") == "strict":
            raise WrongPreference
        return None
    return asked


def unchanged(none_match: str | None, modified_since: str | None, ver: int, upd: datetime) -> bool:
    """Whether the caller already has this version; an ETag says more than a date (RFC 9110)."""
    if none_match is not None:
        given = [each.strip() for each in none_match.split(",")]
        return "*" in given or any(
            (found := ETAG.fullmatch(e)) and int(found[1]) == ver for e in given
        )
    if modified_since is None:
        return False
    try:
        if INSTANT.match(modified_since):  # an entry of a Bundle has an instant of FHIR
            return upd <= dates.span(modified_since)[0]  # which knows 23:59:60
        since = parsedate_to_datetime(modified_since)
    except (ValueError, dates.NotADate):  # RFC 9110: a date that cannot be read is left out
        return False
    if since.tzinfo is None:
        return False
    return upd.replace(microsecond=0) <= since


def lenient(request: Request) -> bool:
    """`Prefer: handling=lenient`."""
    return preferred(request, "handling") == "lenient"
