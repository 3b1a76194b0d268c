# SPDX-License-Identifier: EUPL-1.2
"""The operations of terminology: $lookup, $subsumes, $validate-code, $expand.

Simple parameters come in the address (GET) or in a Parameters resource (POST), complex ones in the
latter alone. A parameter that is not one of the operation's is refused; what is not known is 404.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carnet import errors
from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.compose import Compose, sent
from carnet.fhir.terminology.expand import Expansion, answer
from carnet.fhir.terminology.lookup import lookup, subsumes
from carnet.fhir.terminology.queries import Conn, bounded
from carnet.fhir.terminology.refusals import shown
from carnet.fhir.terminology.resolve import Pins
from carnet.fhir.terminology.validate import (
    Coding,
    Manner,
    in_system,
    in_value_set,
    parameters,
)
from carnet.rest import http
from carnet.rest.outcome import fhir

Json = dict[str, Any]
Given = Mapping[str, list[Any]]

LONGEST: Final = 2_000  # characters of one value
SWITCHES: Final = ("excludeNested", "activeOnly", "excludeNotForUI", "includeDesignations")
LONGEST_WORK: Final = 10_000  # ms of one statement of a value set that was sent
NUMBER: Final = re.compile("[0-9]{1,9}", re.ASCII)
MOMENT: Final = re.compile("[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.{1,40})?)?)?$", re.ASCII)
TEXTS: Final = frozenset(("string", "uri", "canonical", "code", "dateTime"))
MANY: Final = frozenset(
    ("property", "designation", "exclude-system", "useSupplement", "default-valueset-version",
     "system-version", "check-system-version", "force-system-version")
)  # fmt: skip
FORMATS: Final = frozenset(("_format", "_pretty"))
MODES: Final = ("ALL_CHECKS", "CHECK_MEMBERSHIP_ONLY")
# What an operation takes, by name, in its FHIR type.
LOOKUP: Final = {"code": "code", "system": "uri", "version": "string", "coding": "Coding",
                 "displayLanguage": "code", "property": "code", "date": "dateTime",
                 "useSupplement": "canonical"}  # fmt: skip
SUBSUMES: Final = {"codeA": "code", "codeB": "code", "system": "uri", "version": "string",
                   "codingA": "Coding", "codingB": "Coding"}  # fmt: skip
IN_SYSTEM: Final = {"url": "uri", "code": "code", "version": "string", "display": "string",
                    "coding": "Coding", "codeableConcept": "CodeableConcept", "abstract": "boolean",
                    "displayLanguage": "code", "date": "dateTime", "codeSystem": "CodeSystem",
                    "lenient-display-validation": "boolean", "activeOnly": "boolean"}  # fmt: skip
IN_SET: Final = {"url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "code": "code",
                 "system": "uri", "systemVersion": "string", "display": "string", "coding": "Coding",
                 "codeableConcept": "CodeableConcept", "abstract": "boolean",
                 "displayLanguage": "code", "date": "dateTime", "activeOnly": "boolean",
                 "inferSystem": "boolean", "lenient-display-validation": "boolean",
                 "valueset-membership-only": "boolean", "useSupplement": "canonical",
                 "default-valueset-version": "canonical", "system-version": "canonical",
                 "check-system-version": "canonical", "force-system-version": "canonical",
                 # What validators send: the version of the system, how much is checked, a mark of theirs.
                 "version": "string", "valueSetMode": "code", "uuid": "uri"}  # fmt: skip
EXPAND: Final = {"url": "uri", "valueSet": "ValueSet", "valueSetVersion": "string", "filter": "string",
                 "offset": "integer", "count": "integer", "includeDesignations": "boolean",
                 "designation": "string", "activeOnly": "boolean", "excludeNested": "boolean",
                 "excludeNotForUI": "boolean", "displayLanguage": "code",
                 "excludePostCoordinated": "boolean", "includeDefinition": "boolean",
                 "date": "dateTime", "property": "code", "useSupplement": "canonical",
                 "default-valueset-version": "canonical", "exclude-system": "canonical",
                 "system-version": "canonical", "check-system-version": "canonical",
                 "force-system-version": "canonical"}  # fmt: skip


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
        raise NotTaken(f"This operation does not take {shown(name)}; it takes {', '.join(takes)}.")
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
    if kind == "dateTime" and not MOMENT.match(value):
        raise WrongOperation(f"{name} is a date, with or without a time.")
    return value


def _valued(name: str, kind: str, each: Json) -> Any:
    """The value of a parameter: of its type, or of another that is text as well."""
    if kind in ("ValueSet", "CodeSystem"):
        resource = each.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") != kind:
            raise WrongOperation(f"{name} is a {kind}.")
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
    ways = sum(name in found for name in ("code", "coding", "codeableConcept"))
    if ways != 1:
        raise WrongOperation("One of code, coding and codeableConcept is given.")
    if "code" in found:
        return [Coding(one(found, "code"), system, version, one(found, "display"))]
    if "coding" in found:
        single = coding(found)
        assert single is not None
        return [replace(single, path="Coding.")]
    told: list[Coding] = []
    for at, each in enumerate(one(found, "codeableConcept").get("coding", ())):
        if each.get("code"):
            told.append(Coding(each["code"], each.get("system"), each.get("version", ""),
                               each.get("display"), f"CodeableConcept.coding[{at}]."))  # fmt: skip
    if not told:
        raise WrongOperation("The codeableConcept has no coding with a code.")
    return told


def pins(found: Given) -> Pins:
    """The versions that are asked for."""
    at = str(one(found, "date", ""))[:10]
    # The latest moment of what is said: 2020 is the end of it.
    at = at + "-12-31"[-(10 - len(at)) :] if at and len(at) < 10 else at
    return Pins(
        default=_versions(found, "system-version"),
        check=_versions(found, "check-system-version"),
        force=_versions(found, "force-system-version"),
        sets=_versions(found, "default-valueset-version"),
        at=at,
        supplements=tuple(found.get("useSupplement", ())),
    )


def _versions(found: Given, name: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for each in found.get(name, ()):
        system, _, said = each.partition("|")
        if not said:
            raise WrongOperation(f"{name} is an address and a version: system|version.")
        told[system] = said
    return told


def manner(found: Given) -> Manner:
    """How strictly a code is judged."""
    mode = one(found, "valueSetMode", MODES[0])
    if mode not in MODES:
        raise WrongOperation(f"valueSetMode is one of {', '.join(MODES)}.")
    return Manner(
        language=one(found, "displayLanguage"),
        abstract=one(found, "abstract", True),
        active=one(found, "activeOnly", False),
        lenient=one(found, "lenient-display-validation", False),
        membership=one(found, "valueset-membership-only", mode == MODES[1]),
        infer=one(found, "inferSystem", True),
    )


# ---------------------------------------------------------------- the operations


async def run_lookup(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$lookup."""
    wanted = coding(found)
    if wanted is None:
        if "code" not in found:
            raise WrongOperation("A code and its system are given, or a coding.")
        wanted = Coding(one(found, "code"), one(found, "system"), one(found, "version", ""))
    elif "code" in found:
        raise WrongOperation("A code and its system are given, or a coding: not both.")
    if not wanted.system:
        raise WrongOperation("A code is looked up in its system: system is missing.")
    return await lookup(
        terms, conn, wanted.system, wanted.code, version=wanted.version, pins=pins(found),
        language=one(found, "displayLanguage"), properties=found.get("property", ()),
    )  # fmt: skip


async def run_subsumes(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$subsumes."""
    first, second = coding(found, "codingA"), coding(found, "codingB")
    if ("codeA" in found) == (first is not None) or ("codeB" in found) == (second is not None):
        raise WrongOperation("codeA and codeB are given, or codingA and codingB.")
    one_code = first.code if first else one(found, "codeA")
    other_code = second.code if second else one(found, "codeB")
    systems = {each.system for each in (first, second) if each}
    systems |= {one(found, "system")} if "system" in found else set()
    system = systems.pop() if len(systems) == 1 else None
    if not system:
        raise WrongOperation("Two codes and their one system are given.")
    versions = {each.version for each in (first, second) if each and each.version}
    versions |= {one(found, "version")} if "version" in found else set()
    if len(versions) > 1:
        raise WrongOperation("The two codes are of one version of their system.")
    version = versions.pop() if versions else ""
    return await subsumes(terms, conn, system, one_code, other_code, version)


async def run_in_system(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """CodeSystem/$validate-code."""
    if "codeSystem" in found:
        raise NotTaken("codeSystem is not taken here: a code system is loaded, then named by url.")
    url, version = one(found, "url"), one(found, "version", "")
    wanted = codings(found, url, version)
    answers = []
    for each in wanted:
        system = each.system if url is None else url
        if system is None:
            raise WrongOperation("The code system is missing: url, or the system of the coding.")
        if each.system is not None and each.system != system:
            raise WrongOperation("The coding is of another system than url.")
        asked = replace(each, system=system, version=each.version or version)
        answer = await in_system(terms, conn, system, asked, manner(found), pins(found))
        if answer.result:
            return parameters(answer)
        answers.append(answer)
    return parameters(answers[0])


async def run_in_set(found: Given, terms: Terms, conn: Conn, at: datetime) -> Json:
    """ValueSet/$validate-code."""
    of, version = _of(found)
    wanted = codings(
        found, one(found, "system"), one(found, "systemVersion", one(found, "version", ""))
    )
    answer = await in_value_set(
        terms, conn, of, wanted, manner(found), version=version, pins=pins(found),
        concept=one(found, "codeableConcept"),
    )  # fmt: skip
    return parameters(answer)


async def run_expand(found: Given, terms: Terms, conn: Conn, at: datetime) -> bytes:
    """ValueSet/$expand."""
    of, version = _of(found)
    asked = Expansion(
        filter=one(found, "filter", ""),
        offset=one(found, "offset"),
        count=one(found, "count"),
        active=one(found, "activeOnly", False),
        selectable=one(found, "excludeNotForUI", False),
        designations=one(found, "includeDesignations", False) or "designation" in found,
        definition=one(found, "includeDefinition", False),
        language=one(found, "displayLanguage"),
        pins=pins(found),
        without=frozenset(found.get("exclude-system", ())),
        chosen=tuple(found.get("designation", ())),
        properties=tuple(found.get("property", ())),
        said=tuple(_said(found)),
    )
    return await answer(terms, conn, of, asked, at, version)


def _said(found: Given) -> Iterator[Json]:
    """What was asked, as the expansion repeats it."""
    for name in SWITCHES:  # excludeNested too: it is flat whatever is said
        if name in found:
            yield {"name": name, "valueBoolean": one(found, name)}
    for name in (
        "exclude-system",
        "system-version",
        "check-system-version",
        "force-system-version",
    ):
        for each in found.get(name, ()):
            yield {"name": name, "valueUri": each}
    if "date" in found:
        yield {"name": "date", "valueDateTime": one(found, "date")}


def _of(found: Given) -> tuple[str | Compose, str]:
    """The value set asked about: by its address, or sent along."""
    url, resource = one(found, "url"), one(found, "valueSet")
    if (url is None) == (resource is None):
        raise WrongOperation("One of url and valueSet is given.")
    return (sent(resource), "") if url is None else (url, one(found, "valueSetVersion", ""))


# ---------------------------------------------------------------- addresses

Run = Callable[[Given, Terms, Conn, datetime], Awaitable[Json] | Awaitable[bytes]]
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


async def instance(
    found: dict[str, list[Any]], rtype: str, id: str, terms: Terms, conn: Conn
) -> None:
    """What is asked of a code system or value set by its id: its address and its version."""
    known = await terms.known(conn, rtype, id)
    if known is None:
        raise errors.NotFound
    names = {"url": "url", "version": "valueSetVersion"} if rtype == "ValueSet" else {
        "url": "system" if "system" in found or "codeA" in found or "codingA" in found else "url",
        "version": "version",
    }  # fmt: skip
    if "valueSet" in found:
        raise WrongOperation("One of url and valueSet is given.")
    for key, name in names.items():
        said = known.said.get(key)
        if said and found.setdefault(name, [said]) != [said]:
            raise WrongOperation(f"{name} is not that of the resource the operation is asked of.")


def _endpoint(
    rtype: str, run: Run, takes: Mapping[str, str]
) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        http.accepts_json(request)
        desk = http.desk(request)
        await desk.visit(request)  # whoever has a token may ask: nothing is about anybody
        found = await given(request, takes)
        spoken = request.headers.get("accept-language", "").strip()
        if spoken and "displayLanguage" in takes and len(spoken) <= LONGEST:
            found.setdefault("displayLanguage", [spoken])
        terms: Terms = request.app.state.terms
        # All is read before a connection is held: what waits for a caller holds none.
        async with desk.door.pool.connection() as conn, conn.transaction():
            if "valueSet" in found:  # a regex of the caller's runs in PostgreSQL
                await bounded(conn, LONGEST_WORK)
            if "id" in request.path_params:
                await instance(found, rtype, http.id_of(request), terms, conn)
            return fhir(await run(found, terms, conn, desk.door.clock()))

    return serve


def _routes() -> Iterator[Route]:
    for rtype, operations in OPERATIONS.items():
        for name, (run, takes) in operations.items():
            endpoint = _endpoint(rtype, run, takes)
            yield Route(f"/{rtype}/${name}", endpoint, methods=["GET", "POST"])
            if name != "lookup":  # R4: of the type alone
                yield Route(f"/{rtype}/{{id}}/${name}", endpoint, methods=["GET", "POST"])


ROUTES: Final = list(_routes())  # to stand before those of any operation
