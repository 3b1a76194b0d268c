# SPDX-License-Identifier: EUPL-1.2
"""transaction and batch: a Bundle posted to the base; answers in the order of the requests."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Visit
from carnet.fhir import json
from carnet.rest import bundles, http
from carnet.rest.acts import Entry, Plan
from carnet.rest.desk import Desk
from carnet.rest.outcome import fhir, known, outcome
from carnet.rest.plans import carry_out
from carnet.rest.read import etag

WRITES = frozenset(("POST", "PUT", "DELETE", "PATCH"))
ADDRESS = re.compile(r"([A-Z][A-Za-z]+)(?:/([A-Za-z0-9.-]{1,64}))?", re.ASCII)


class NotABundle(errors.Invalid):
    """What is posted to the base is a Bundle of type transaction or batch."""


class TooManyEntries(errors.TooCostly):
    """The Bundle has more entries than this server takes at once."""


class WrongEntry(errors.Invalid):
    """An entry has a request with a method and the address of a type or of a resource."""


class SameTwice(errors.Invalid):
    """Two entries of a transaction write the same resource, or bear the same fullUrl."""


async def transaction(request: Request) -> Response:
    """POST [base]."""
    desk = http.desk(request)
    visit = await desk.visit(request)
    bundle = await http.resource(request)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("transaction", "batch"):
        raise NotABundle
    given = bundle.get("entry", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise NotABundle
    if len(given) > desk.settings.entry_limit:
        raise TooManyEntries
    if bundle["type"] == "batch":
        answers = [await _alone(desk, visit, each, index) for index, each in enumerate(given)]
    else:
        answers = await _together(desk, visit, bundle, given)
    head = b'{"resourceType":"Bundle","type":"' + bundle["type"].encode() + b'-response","entry":['
    return fhir(head + b",".join(answers) + b"]}")


async def _together(
    desk: Desk, visit: Visit, bundle: dict[str, Any], given: list[dict[str, Any]]
) -> list[bytes]:
    """All or nothing; reads come after the commit."""
    entries = [
        entry_of(each, index) if _method(each) in WRITES else None
        for index, each in enumerate(given)
    ]
    writes = [entry for entry in entries if entry is not None]
    urls = [entry.full_url for entry in writes if entry.full_url]
    targets = [(entry.rtype, entry.id) for entry in writes if entry.id is not None]
    if len(set(urls)) < len(urls) or len(set(targets)) < len(targets):
        raise SameTwice
    profiles = bundle.get("meta", {}).get("profile", []) if bundle.get("meta") else []
    if writes:
        await carry_out(visit, desk.acts, Plan(writes, frozenset(map(str, profiles))))
    return [
        written(entry) if entry is not None else await _read(desk, visit, each, index)
        for index, (entry, each) in enumerate(zip(entries, given, strict=True))
    ]


async def _alone(desk: Desk, visit: Visit, each: dict[str, Any], index: int) -> bytes:
    """One entry of a batch: its refusal is its own."""
    try:
        if _method(each) not in WRITES:
            return await _read(desk, visit, each, index)
        entry = entry_of(each, index)
        await carry_out(visit, desk.acts, Plan([entry]))
        return written(entry)
    except Exception as error:
        refusal = known(error)
        if refusal is None:
            raise
        answer = {"response": {"status": str(refusal.status), "outcome": outcome(refusal)}}
        return json.dump(answer)


def _method(each: dict[str, Any]) -> str:
    request = each.get("request")
    return str(request.get("method")) if isinstance(request, dict) else ""


def entry_of(each: dict[str, Any], index: int) -> Entry:
    """A write of the Bundle, validated; paths in its refusals begin at the Bundle."""
    where = f"Bundle.entry[{index}]"
    request, method = each["request"], _method(each)
    found = ADDRESS.fullmatch(str(request.get("url", "")).strip("/"))
    if not found or (found[2] is None) != (method == "POST"):
        if "?" in str(request.get("url", "")):
            raise errors.NotSupported(
                "Conditional update and delete are not supported yet.", path=where
            )
        raise WrongEntry(path=f"{where}.request.url")
    if request.get("ifNoneExist"):
        raise errors.NotSupported("Conditional create is not supported yet.", path=where)
    rtype, id = found[1], found[2]
    content = each.get("resource", {})
    full_url = each.get("fullUrl", "")
    if not isinstance(full_url, str):
        raise WrongEntry(path=f"{where}.fullUrl")
    if method in ("POST", "PUT"):
        if not isinstance(content, dict) or content.get("resourceType") != rtype:
            raise WrongEntry(
                "The resource is not of the type of its address.", path=f"{where}.resource"
            )
        if method == "PUT" and content.get("id") != id:
            raise WrongEntry(
                "The id of the resource is not that of its address.", path=f"{where}.resource.id"
            )
        http.validated(content, f"{where}.resource")
    return Entry(
        method, rtype, id, full_url, content, if_match=http.if_match(request.get("ifMatch"))
    )


def written(entry: Entry) -> bytes:
    """The response entry of a write."""
    done = entry.written
    assert done is not None
    status = {"DELETE": "204 No Content"}.get(
        entry.method, "201 Created" if done.created else "200 OK"
    )
    response: dict[str, Any] = {
        "status": status,
        "location": f"{done.address.literal}/_history/{done.ver}",
        "etag": f'W/"{done.ver}"',
        "lastModified": done.upd.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if entry.warnings:
        response["outcome"] = {
            "resourceType": "OperationOutcome",
            "issue": [
                {"severity": "warning", "code": "business-rule", "diagnostics": text}
                for text in entry.warnings
            ],
        }
    return json.dump({"response": response})


async def _read(desk: Desk, visit: Visit, each: dict[str, Any], index: int) -> bytes:
    """A GET entry: a read or a search."""
    where = f"Bundle.entry[{index}].request"
    request = each.get("request")
    if _method(each) != "GET" or not isinstance(request, dict):
        raise WrongEntry(path=where)
    address, _, query = str(request.get("url", "")).strip("/").partition("?")
    found = ADDRESS.fullmatch(address)
    if not found or found[1] not in desk.door.definitions.types:
        raise WrongEntry(path=f"{where}.url")
    if found[2] is not None:
        stored = await visit.read(found[1], found[2])
        response = {
            "status": "200 OK",
            "etag": etag(stored),
            "lastModified": bundles.instant(stored),
        }
        return b'{"resource":' + stored.body + b',"response":' + json.dump(response) + b"}"
    parsed = desk.parser.parse(found[1], parse_qsl(query, keep_blank_values=True))
    page = await visit.search(parsed)
    body = bundles.searchset(
        desk.base, page.matches, page.included, [("self", f"{desk.base}/{address}")], page.total
    )
    return b'{"resource":' + body + b',"response":{"status":"200 OK"}}'
