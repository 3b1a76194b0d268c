# SPDX-License-Identifier: EUPL-1.2
"""Operations on one resource, `Type/id/$name`, or on a type, `Type/$name`: each the act of a slice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from carnet import errors
from carnet.access.door import Visit
from carnet.fhir import json
from carnet.fhir.terminology import labels
from carnet.rest import http
from carnet.rest.acts import Asking, Forms, Streamed
from carnet.rest.binary import INERT
from carnet.rest.outcome import fhir

LONGEST = 100  # characters of one parameter


class NoOperation(errors.NotFound):
    """There is no operation of this name on this type, by this method."""


class NoBody(errors.Invalid):
    """This operation takes no parameter."""


class NoLanguage(errors.Invalid):
    """This is not a language that this operation answers in."""


class WrongParameters(errors.Invalid):
    """This operation takes a Parameters resource."""


async def operate(request: Request) -> Response:
    """GET or POST [type]/[id]/$[name]: what the act has to say, or 204."""
    rtype, id = http.type_of(request), http.id_of(request)
    name = str(request.path_params["name"])
    desk = http.desk(request)
    if (forms := desk.acts.forms(rtype, name)) is not None:
        return await _tell(request, id, forms)
    http.accepts_json(request)
    visit = await desk.visit(request)
    asking = desk.acts.asking(rtype, name) if request.method == "POST" else None
    if asking is not None:
        return await _ask(request, visit, id, asking)
    method = "GET" if request.method == "HEAD" else request.method
    operation = desk.acts.operation(method, rtype, name)
    if operation is None:
        raise NoOperation
    await _no_body(request)
    told = await operation(visit, id)
    if isinstance(told, Streamed):
        return await _stream(told)
    return Response(status_code=204) if told is None else fhir(told)


async def _no_body(request: Request) -> None:
    content = await http.body(request) if request.method == "POST" else b""
    if content and json.parse(content) not in ({}, {"resourceType": "Parameters"}):
        raise NoBody


async def _tell(request: Request, id: str, forms: Forms) -> Response:
    """An operation in the form and the language asked for."""
    media = http.form_of(request, [each for each in forms.run if each])
    language = _language(request, forms.languages)
    visit = await http.desk(request).visit(request)
    await _no_body(request)
    told = await forms.run[media](visit, id, language)
    if told is None:
        return Response(status_code=204)
    response = await _stream(told) if isinstance(told, Streamed) else fhir(told)
    response.headers["Content-Language"] = language
    return response


def _language(request: Request, known: Sequence[str]) -> str:
    """`_language` first, which has to be one that is known; then the one preferred; then the first."""
    said = request.query_params.get("_language")
    if said is not None:
        for each in labels.asked(said):
            if each in known:
                return each
        raise NoLanguage(f"This is answered in {' and '.join(known)}.")
    wanted = labels.asked(request.headers.get("accept-language"))
    return next((each for each in wanted if each in known), known[0])


async def _stream(told: Streamed) -> Response:
    """A file as it is made. What fails once it has begun breaks the answer off: it is not ended."""
    first = await anext(told.chunks)

    async def every() -> AsyncIterator[bytes]:
        yield first
        async for chunk in told.chunks:
            yield chunk

    headers = {
        "Content-Disposition": f'attachment; filename="{told.name}"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": INERT,
    }
    return StreamingResponse(every(), media_type=told.media, headers=headers)


async def operate_type(request: Request) -> Response:
    """POST [type]/$[name]: what the act has to say, or 204."""
    rtype = http.type_of(request)
    http.accepts_json(request)
    desk = http.desk(request)
    visit = await desk.visit(request)
    asking = desk.acts.asking(rtype, str(request.path_params["name"]), of_type=True)
    if asking is None:
        raise NoOperation
    return await _ask(request, visit, "", asking)


async def _ask(request: Request, visit: Visit, id: str, asking: Asking) -> Response:
    given = parameters(http.validated(await http.resource(request)), asking.takes)
    told = await asking.run(visit, id, given)
    return Response(status_code=204) if told is None else fhir(told)


def parameters(content: Mapping[str, Any], takes: Mapping[str, str]) -> dict[str, str]:
    """What a Parameters resource says, by name: each of `takes` once, in its type, and nothing else."""
    found: dict[str, str] = {}
    wrong = content.get("resourceType") != "Parameters"
    for each in content.get("parameter", ()):
        name = each.get("name")
        value = (
            each.get(f"value{takes[name][:1].upper()}{takes[name][1:]}") if name in takes else None
        )
        wrong = wrong or name in found or not isinstance(value, str) or len(each) != 2
        if isinstance(value, str):
            wrong = wrong or not 0 < len(value) <= LONGEST
            found[name] = value
    if wrong or found.keys() != takes.keys():
        said = " and ".join(f"{name} ({kind})" for name, kind in takes.items())
        raise WrongParameters(f"This operation takes a Parameters resource with {said}, each once.")
    return found
