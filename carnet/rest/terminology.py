# SPDX-License-Identifier: EUPL-1.2
"""The operations of terminology: $lookup, $subsumes, $validate-code, $expand.

Simple parameters come in the address (GET) or in a Parameters resource (POST), complex ones in the
latter alone. A parameter that is not one of the operation's is refused; what is not known is 404.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carnet import errors
from carnet.fhir import json
from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.compose import Compose, sent
from carnet.fhir.terminology.expand import Expansion, expand
from carnet.fhir.terminology.lookup import lookup, subsumes
from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.validate import Coding, in_system, in_value_set, parameters
from carnet.rest import http
from carnet.rest.outcome import fhir

Json = dict[str, Any]
Given = Mapping[str, list[Any]]

LONGEST: Final = 2_000  # characters of one value
NUMBER: Final = re.compile("[0-9]{1,9}", re.ASCII)
TEXTS: Final = frozenset(("string", "uri", "canonical", "code", "dateTime"))
MANY: Final = frozenset(("property", "designation", "system-version", "exclude-system"))
FORMATS: Final = frozenset(("_format", "_pretty"))
# What an operation takes, by name, in its FHIR type.
LOOKUP: Final = {"code": "code", "system": "uri", "version": "string", "coding": "Coding",
                 "displayLanguage": "code", "property": "code"}  # fmt: skip
SUBSUMES: Final = {"codeA": "code", "codeB": "code", "system": "uri", "version": "string",
                   "codingA": "Coding", "codingB": "Coding"}  # fmt: skip
IN_SYSTEM: Final = {"url": "uri", "code": "code", "version": "string", "display": "string",
                    "coding": "Coding", "codeableConcept": "CodeableConcept", "abstract": "boolean",
                    "displayLanguage": "code"}  # fmt: skip
IN_SET: Final = {"url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "code": "code",
                 "system": "uri", "systemVersion": "string", "display": "string", "coding": "Coding",
                 "codeableConcept": "CodeableConcept", "abstract": "boolean",
                 "displayLanguage": "code"}  # fmt: skip
EXPAND: Final = {"url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "filter": "string",
                 "offset": "integer", "count": "integer", "includeDesignations": "boolean",
                 "designation": "string", "activeOnly": "boolean", "excludeNested": "boolean",
                 "excludeNotForUI": "boolean", "displayLanguage": "code",
                 "exclude-system": "canonical", "system-version": "canonical"}  # fmt: skip


class WrongOperation(errors.Invalid):
    """The parameters of the operation are not as they should be."""


class NotTaken(errors.NotSupported):
    """This operation does not take this parameter here."""


# ---------------------------------------------------------------- what is given


async def given(request: Request, takes: Mapping[str, str]) -> dict[str, list[Any]]:
    """The parameters of a request, each of its type; those of the address come first."""
    found: dict[str, list[Any]] = {}
    for name, value in http.parameters(request.scope["query_string"]):
        if name in FORMATS:
            continue
        kind = _kind(takes, name)
        if kind not in TEXTS | {"boolean", "integer"}:
            raise NotTaken(f"{name} goes in a Parameters resource, by POST.")
        found.setdefault(name, []).append(_read(name, kind, value))
    if request.method == "POST":
        content = http.validated(await http.resource(request))
        if content.get("resourceType") != "Parameters":
            raise WrongOperation("This operation takes a Parameters resource.")
        for each in content.get("parameter", ()):
            name = each.get("name", "")
            found.setdefault(name, []).append(_valued(name, _kind(takes, name), each))
    for name, values in found.items():
        if len(values) > 1 and name not in MANY:
            raise WrongOperation(f"{name} is given more than once.")
    return found


def _kind(takes: Mapping[str, str], name: str) -> str:
    if name not in takes:
        raise NotTaken(f"This operation does not take this parameter; it takes {', '.join(takes)}.")
    return takes[name]


def _read(name: str, kind: str, value: str) -> Any:
    if kind == "boolean":
        if value not in ("true", "false"):
            raise WrongOperation(f"{name} is true or false.")
        return value == "true"
    if kind == "integer":
        if not NUMBER.fullmatch(value):
            raise WrongOperation(f"{name} is a number, 0 or more.")
        return int(value)
    if len(value) > LONGEST:
        raise WrongOperation(f"{name} has at most {LONGEST} characters.")
    return value


def _valued(name: str, kind: str, each: Json) -> Any:
    """The value of a parameter: of its type, or of another that is text as well."""
    if kind == "ValueSet":
        resource = each.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") != "ValueSet":
            raise WrongOperation(f"{name} is a ValueSet.")
        return resource
    if kind in TEXTS:
        value = next((v for k, v in each.items() if k.startswith("value")), None)
        if not isinstance(value, str):
            raise WrongOperation(f"{name} is text.")
        return _read(name, kind, value)
    value = each.get(f"value{kind[:1].upper()}{kind[1:]}")
    if value is None:
        raise WrongOperation(f"{name} is of type {kind}.")
    if kind == "integer":
        return _read(name, kind, str(value))
    return value


def one(found: Given, name: str, default: Any = None) -> Any:
    """The one value of a parameter."""
    return found[name][0] if name in found else default


def coding(found: Given, name: str = "coding") -> Coding | None:
    """A Coding that was given."""
    value = one(found, name)
    if value is None:
        return None
    if not value.get("code"):
        raise WrongOperation(f"{name} has no code.")
    return Coding(
        value["code"], value.get("system"), value.get("version", ""), value.get("display")
    )


def codings(found: Given, system: str | None, version: str) -> list[Coding]:
    """What is to be found: a code, a Coding, or those of a CodeableConcept; one of the three."""
    told: list[Coding] = []
    ways = sum(name in found for name in ("code", "coding", "codeableConcept"))
    if ways != 1:
        raise WrongOperation("One of code, coding and codeableConcept is given.")
    if "code" in found:
        told = [Coding(one(found, "code"), system, version, one(found, "display"))]
    elif "coding" in found:
        single = coding(found)
        assert single is not None
        told = [single]
    else:
        for each in one(found, "codeableConcept").get("coding", ()):
            if each.get("code"):
                told.append(Coding(each["code"], each.get("system"), each.get("version", ""),
                                   each.get("display")))  # fmt: skip
    return told


# ---------------------------------------------------------------- the operations


async def run_lookup(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$lookup."""
    wanted = coding(found)
    if wanted is None:
        if "code" not in found:
            raise WrongOperation("A code and its system are given, or a coding.")
        wanted = Coding(one(found, "code"), one(found, "system"), one(found, "version", ""))
    if not wanted.system:
        raise WrongOperation("A code is looked up in its system: system is missing.")
    return await lookup(
        terms, conn, wanted.system, wanted.code, version=wanted.version,
        language=one(found, "displayLanguage"), properties=found.get("property", ()),
    )  # fmt: skip


async def run_subsumes(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$subsumes."""
    first, second = coding(found, "codingA"), coding(found, "codingB")
    one_code = first.code if first else one(found, "codeA")
    other_code = second.code if second else one(found, "codeB")
    systems = {each.system for each in (first, second) if each}
    systems |= {one(found, "system")} if "system" in found else set()
    system = systems.pop() if len(systems) == 1 else None
    if not one_code or not other_code or not system:
        raise WrongOperation("Two codes and their one system are given.")
    return await subsumes(terms, conn, system, one_code, other_code, one(found, "version", ""))


async def run_in_system(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$validate-code."""
    url, version = one(found, "url"), one(found, "version", "")
    wanted = codings(found, url, version)
    answers = []
    for each in wanted:
        system = each.system if url is None else url
        if system is None:
            raise WrongOperation("The code system is missing: url, or the system of the coding.")
        if each.system not in (None, system):
            raise WrongOperation("The coding is of another system than url.")
        version = each.version or version
        asked = Coding(each.code, system, version, each.display)
        answer = await in_system(
            terms, conn, system, asked, one(found, "displayLanguage"),
            abstract=one(found, "abstract", True),
        )  # fmt: skip
        if answer.result:
            return parameters(answer)
        answers.append(answer)
    if not answers:
        raise WrongOperation("The codeableConcept has no coding with a code.")
    return parameters(answers[0])


async def run_in_set(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """ValueSet/$validate-code."""
    of, version = _of(found)
    wanted = codings(found, one(found, "system"), one(found, "systemVersion", ""))
    answer = await in_value_set(
        terms, conn, of, wanted, one(found, "displayLanguage"), version=version,
        abstract=one(found, "abstract", True),
    )  # fmt: skip
    return parameters(answer)


async def run_expand(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """ValueSet/$expand."""
    of, version = _of(found)
    versions = {}
    for each in found.get("system-version", ()):
        system, _, said = each.partition("|")
        versions[system] = said
    asked = Expansion(
        filter=one(found, "filter", ""),
        offset=one(found, "offset", 0),
        count=one(found, "count"),
        active=one(found, "activeOnly", False),
        selectable=one(found, "excludeNotForUI", False),
        designations=one(found, "includeDesignations", False) or "designation" in found,
        language=one(found, "displayLanguage"),
        versions=versions,
        without=frozenset(found.get("exclude-system", ())),
    )
    return await expand(terms, conn, of, asked, at, version)


def _of(found: Given) -> tuple[str | Compose, str]:
    """The value set asked about: by its address, or sent along."""
    url, resource = one(found, "url"), one(found, "valueSet")
    if (url is None) == (resource is None):
        raise WrongOperation("One of url and valueSet is given.")
    return (sent(resource), "") if url is None else (url, one(found, "valueSetVersion", ""))


# ---------------------------------------------------------------- addresses

Run = Callable[[Given, Terms, Conn, datetime], Awaitable[Json]]
OPERATIONS: Final[dict[str, dict[str, tuple[Run, Mapping[str, str]]]]] = {
    "CodeSystem": {
        "lookup": (run_lookup, LOOKUP),
        "subsumes": (run_subsumes, SUBSUMES),
        "validate-code": (run_in_system, IN_SYSTEM),
    },
    "ValueSet": {
        "expand": (run_expand, EXPAND),
        "validate-code": (run_in_set, IN_SET),
    },
}
DEFINITION: Final = "http://hl7.org/fhir/OperationDefinition/"


def announced(rtype: str) -> list[Json]:
    """What the capability statement says of a type."""
    return [
        {"name": name, "definition": f"{DEFINITION}{rtype}-{name}"}
        for name in sorted(OPERATIONS.get(rtype, ()))
    ]


def _endpoint(run: Run, takes: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        http.accepts_json(request)
        desk = http.desk(request)
        visit = await desk.visit(request)  # whoever has a token may ask: nothing is about anybody
        found = await given(request, takes)
        if "id" in request.path_params:  # a ValueSet that is stored as a resource
            stored = await visit.read("ValueSet", http.id_of(request))
            found.setdefault("valueSet", []).append(json.parse(stored.body))
        # All is read before a connection is held: what waits for a caller holds none.
        async with desk.door.pool.connection() as conn, conn.transaction():
            return fhir(await run(found, request.app.state.terms, conn, desk.door.clock()))

    return answer


def _routes() -> Iterator[Route]:
    for rtype, operations in OPERATIONS.items():
        for name, (run, takes) in operations.items():
            endpoint = _endpoint(run, takes)
            yield Route(f"/{rtype}/${name}", endpoint, methods=["GET", "POST"])
            if rtype == "ValueSet":
                yield Route(f"/{rtype}/{{id}}/${name}", endpoint, methods=["GET", "POST"])


ROUTES: Final = list(_routes())  # to stand before those of any operation
