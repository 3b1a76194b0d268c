# SPDX-License-Identifier: EUPL-1.2
"""transaction and batch: a Bundle posted to the base; answers in the order of the requests."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access.door import Visit
from carnet.fhir import definitions as r4
from carnet.fhir import json
from carnet.fhir.search.parse import Parser
from carnet.fhir.validation.structure import check
from carnet.rest import conditions, http, inner, patches
from carnet.rest.acts import Entry, Plan
from carnet.rest.desk import Desk
from carnet.rest.inner import Inner, WrongEntry
from carnet.rest.outcome import NotValid, fhir, told, unforeseen
from carnet.rest.plans import SameTwice, carry_out
from carnet.rest.write import body_of, outcome_of

WRITES = frozenset(("POST", "PUT", "DELETE", "PATCH"))
ADDRESS = re.compile(r"([A-Z][A-Za-z]+)(?:/([A-Za-z0-9.-]{1,64}))?(?:\?(.*))?", re.ASCII)


class NotABundle(errors.Invalid):
    """What is posted to the base is a Bundle of type transaction or batch."""


class TooManyEntries(errors.TooCostly):
    """The Bundle has more entries than this server takes at once."""


async def transaction(request: Request) -> Response:
    """POST [base]."""
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    bundle = await http.resource(request)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("transaction", "batch"):
        raise NotABundle
    http.validated({name: value for name, value in bundle.items() if name != "entry"})
    given = bundle.get("entry", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise NotABundle
    if len(given) > desk.settings.entry_limit:
        raise TooManyEntries
    prefers = http.returned(request)
    if bundle["type"] == "batch":
        answers = await _each(request, desk, visit, given, prefers)
    else:
        answers = await _together(request, desk, visit, bundle, given, prefers)
    head = b'{"resourceType":"Bundle","type":"' + bundle["type"].encode() + b'-response"'
    return fhir(head + (b',"entry":[' + b",".join(answers) + b"]}" if answers else b"}"))


async def _together(
    request: Request,
    desk: Desk,
    visit: Visit,
    bundle: dict[str, Any],
    given: list[dict[str, Any]],
    prefers: str | None,
) -> list[bytes]:
    """All or nothing; reads come after the writes, in the same transaction."""
    entries = [
        await entry_of(desk, each, index, prefers) if _writes(each) else None
        for index, each in enumerate(given)
    ]
    reads = {
        index: reading_of(request, desk, each, index)
        for index, each in enumerate(given)
        if entries[index] is None
    }
    writes = [entry for entry in entries if entry is not None]
    urls = [entry.full_url for entry in writes if entry.full_url]
    targets = [(entry.rtype, entry.id) for entry in writes if entry.id is not None]
    if len(set(urls)) < len(urls) or len(set(targets)) < len(targets):
        raise SameTwice
    answers: dict[int, bytes] = {}

    async def reading(within: Visit) -> None:
        for index, wanted in reads.items():
            answers[index] = await inner.answer(desk, within, wanted)

    profiles = frozenset(bundle.get("meta", {}).get("profile", []))
    if writes:
        plan = Plan(writes, profiles, parser=desk.parser)
        await carry_out(visit, desk.acts, plan, then=reading if reads else None)
        await _remarked(desk, visit, writes, prefers)
    else:
        await reading(visit)
    return [
        answers[index] if entry is None else written(entry, prefers)
        for index, entry in enumerate(entries)
    ]


async def _each(
    request: Request,
    desk: Desk,
    visit: Visit,
    given: list[dict[str, Any]],
    prefers: str | None,
) -> list[bytes]:
    """One entry after the other."""
    answers = [
        await _alone(request, desk, visit, each, index, prefers) for index, each in enumerate(given)
    ]
    await _remarked(desk, visit, [each for each in answers if isinstance(each, Entry)], prefers)
    return [written(each, prefers) if isinstance(each, Entry) else each for each in answers]


async def _remarked(desk: Desk, visit: Visit, entries: list[Entry], prefers: str | None) -> None:
    """What a slice has to tell of what was created, for who asks to be told."""
    if prefers == "OperationOutcome":
        await desk.acts.remarks(visit, entries)


async def _alone(
    request: Request,
    desk: Desk,
    visit: Visit,
    each: dict[str, Any],
    index: int,
    prefers: str | None,
) -> bytes | Entry:
    """One entry of a batch, read or written: its refusal is its own."""
    try:
        if not _writes(each):
            return await inner.answer(desk, visit, reading_of(request, desk, each, index))
        entry = await entry_of(desk, each, index, prefers)
        await carry_out(visit, desk.acts, Plan([entry], parser=desk.parser))
        return entry
    except Exception as error:
        status, issues = told(error) or (500, unforeseen(visit.request, error))
        return json.dump({"response": {"status": str(status), "outcome": issues}})


def _method(each: dict[str, Any]) -> str:
    request = each.get("request")
    return str(request.get("method")) if isinstance(request, dict) else ""


def _writes(each: dict[str, Any]) -> bool:
    method = _method(each)
    return method in WRITES and not inner.asks(each, method)


def reading_of(request: Request, desk: Desk, each: dict[str, Any], index: int) -> Inner:
    """What an entry asks, its address known."""
    place = f"Bundle.entry[{index}]"
    asked = _request(each, index)
    if not inner.asks(each, asked["method"]):
        raise errors.NotSupported(
            "An entry does not take this method.", path=f"{place}.request.method"
        )
    return inner.of(request, desk, each, asked, place)


def _request(each: dict[str, Any], index: int) -> dict[str, Any]:
    """The request of an entry, once the entry has the structure of one."""
    bare = {name: value for name, value in each.items() if name != "resource"}
    issues = check({"resourceType": "Bundle", "type": "batch", "entry": [bare]})
    if issues:
        here = f"Bundle.entry[{index}]"
        raise NotValid(
            [replace(one, path=one.path.replace("Bundle.entry[0]", here, 1)) for one in issues]
        )
    if "request" not in each:
        raise WrongEntry(path=f"Bundle.entry[{index}].request")
    found: dict[str, Any] = each["request"]
    return found


def shape_of(parser: Parser, each: dict[str, Any], index: int) -> Entry:
    """A write of the Bundle, its content as given; paths in its refusals begin at the Bundle."""
    where = f"Bundle.entry[{index}]"
    request = _request(each, index)
    method, url = request["method"], request["url"]
    if method not in WRITES:
        raise WrongEntry(path=f"{where}.request.method")
    found = ADDRESS.fullmatch(url.strip("/"))
    # A create has the address of a type; the others that of a resource, or a condition on a type.
    if not found or (found[2] is None) != (method == "POST" or found[3] is not None):
        raise WrongEntry(path=f"{where}.request.url")
    if method == "POST" and found[3] is not None:
        raise WrongEntry(path=f"{where}.request.url")
    if "ifNoneExist" in request and method != "POST":
        raise WrongEntry("Only a create is conditional on ifNoneExist.", path=where)
    rtype, id = found[1], found[2]
    if rtype not in r4.load().types:
        raise http.UnknownType(path=f"{where}.request.url")
    asked = request.get("ifNoneExist", found[3])
    condition = None if asked is None else conditions.read(parser, rtype, asked)
    content = each.get("resource", {})
    if method != "DELETE" and not isinstance(content, dict):
        raise WrongEntry("An entry that writes has a resource.", path=f"{where}.resource")
    if method in ("POST", "PUT"):
        if content.get("resourceType") != rtype:
            raise WrongEntry(
                "The resource is not of the type of its address.", path=f"{where}.resource"
            )
        if method == "PUT" and id is not None and content.get("id") != id:
            raise WrongEntry(
                "The id of the resource is not that of its address.", path=f"{where}.resource.id"
            )
    if_match = http.if_match(request.get("ifMatch"))
    entry = Entry(
        method, rtype, id, each.get("fullUrl", ""), content, if_match=if_match, where=where
    )
    entry.condition = condition
    return entry


async def entry_of(desk: Desk, each: dict[str, Any], index: int, prefers: str | None) -> Entry:
    """A write of the Bundle, validated; paths in its refusals begin at the Bundle."""
    entry = shape_of(desk.parser, each, index)
    place, told = f"Bundle.entry[{index}].resource", prefers == "OperationOutcome"
    if entry.method == "PATCH":
        http.validated(entry.resource, place)
        entry.patch = patches.of(desk, entry, place, told=told)
    elif entry.method != "DELETE":
        entry.issues = await desk.checks.written(entry.resource, place, told=told)
    return entry


def written(entry: Entry, prefers: str | None = None) -> bytes:
    """The response entry of a write; prefers: what `Prefer: return=` asks of the whole Bundle."""
    done = entry.written
    if done is None:  # a delete whose condition meant nothing
        return json.dump({"response": {"status": "204 No Content"}})
    status = {"DELETE": "204 No Content"}.get(
        entry.method, "201 Created" if done.created else "200 OK"
    )
    response: dict[str, Any] = {"status": status}
    if entry.existing:  # it may have changed since, and not be this caller's to read
        response["location"] = done.address.literal
    else:
        if entry.method != "DELETE":
            response["location"] = f"{done.address.literal}/_history/{done.ver}"
        response["etag"] = f'W/"{done.ver}"'
        response["lastModified"] = done.upd.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        )
    if entry.warnings or prefers == "OperationOutcome":
        response["outcome"] = outcome_of(entry)
    body = body_of(entry) if prefers == "representation" else b""
    if body:
        return b'{"resource":' + body + b',"response":' + json.dump(response) + b"}"
    return json.dump({"response": response})
