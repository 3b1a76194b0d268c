# SPDX-License-Identifier: EUPL-1.2
"""The capability statement: made from what is implemented, and no more."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import carnet
from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.access.writing import allowed
from carnet.fhir import json
from carnet.fhir.definitions import Definitions, load
from carnet.fhir.search import subsets
from carnet.fhir.search.chains import VIEWS, narrowed
from carnet.fhir.search.parse import ABSENT, OF_ALL
from carnet.fhir.terminology.resources import Known
from carnet.rest import http, patches, terminology
from carnet.rest.acts import Acts
from carnet.rest.outcome import FHIR_JSON

SEARCHED = frozenset("token reference date string uri number quantity composite special".split())
EVERYTHING = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
META_CHANGES = ("meta-add", "meta-delete")
ANYTHING = 100  # types a reference without a target has
SHARED = ("_profile", "_security", "_source", "_tag")  # what every type has, beside ALWAYS
ALWAYS = (("_id", "token"), ("_lastUpdated", "date"))


MODES = frozenset(("full", "normative", "terminology"))
TAKES = frozenset(("mode", "_summary", "_elements"))
OF_SYSTEM = ("transaction", "batch", "search-system", "history-system")
DEFINITION = "http://hl7.org/fhir/"
SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
# Where clients of before `.well-known/smart-configuration` look. Source: SMART App Launch 1.0.
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
COMPARTMENTS = ("device", "encounter", "patient", "practitioner", "relatedPerson")
OF_BASE = [{"name": "audit-root", "definition": "urn:carnet:operation:audit-root"}]
# Source: FHIR R4, "Normative content": types of which no later version takes anything back.
NORMATIVE = frozenset(
    "Binary Bundle CapabilityStatement CodeSystem Observation OperationDefinition OperationOutcome"
    " Parameters Patient StructureDefinition ValueSet".split()
)


class WrongMetadata(errors.Invalid):
    """metadata takes mode (full, normative, terminology), _summary (true, text, data, false), _elements."""


async def metadata(request: Request) -> Response:
    """GET metadata; no token is asked. mode: full, normative, terminology; _summary, _elements."""
    http.accepts_json(request)
    desk = http.desk(request)
    mode, summary, elements = asked(http.parameters(request.scope["query_string"]))
    kept: dict[str, Kept] = request.app.state.__dict__.setdefault("statements", {})
    generation = desk.door.catalogue.changes
    if mode == "terminology":
        async with desk.door.pool.connection() as conn:
            systems = list((await request.app.state.terms.all(conn, "CodeSystem")).values())
            generation = request.app.state.terms.memory.generation
    found = kept.get(f"{desk.base} {mode}")
    # Made once: what it is made of changes with the program, the search parameters or a load.
    if found is None or found.of is not desk.door.definitions or found.generation != generation:
        date = desk.door.clock().isoformat(timespec="seconds")
        if mode == "terminology":
            made = terminology_statement(systems, desk.base, date)
        else:
            made = statement(
                desk.door.definitions,
                desk.acts,
                desk.base,
                date,
                mode=mode,
                versioning="versioned-update" if desk.settings.require_version else "versioned",
            )
        body = json.dump(made)
        found = Kept(desk.door.definitions, generation, body)
        kept[f"{desk.base} {mode}"] = found
    body = found.body
    if elements:
        body = subsets.chosen(desk.door.definitions, body, elements)
    elif summary != "false":
        body = subsets.summarised(desk.door.definitions, body, summary)
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    given = request.headers.get("if-none-match", "")
    if tag in (each.strip() for each in given.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, FHIR_JSON)


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement that was made, and what it was made of."""

    of: Definitions
    generation: int
    body: bytes


def asked(given: list[tuple[str, str]]) -> tuple[str, str, tuple[str, ...]]:
    """mode, _summary and _elements of a request."""
    said = {name: value for name, value in given if name not in http.FORMATS}
    if said.keys() - TAKES:
        raise WrongMetadata
    mode, summary = said.get("mode", "full"), said.get("_summary", "false")
    if mode not in MODES or summary not in subsets.SUMMARIES - {"count"}:
        raise WrongMetadata
    return mode, summary, tuple(filter(None, said.get("_elements", "").split(",")))


def statement(
    definitions: Definitions,
    acts: Acts,
    base: str,
    date: str,
    *,
    mode: str = "full",
    versioning: str = "versioned",
) -> dict[str, Any]:
    """A CapabilityStatement of kind instance; normative: of the types R4 will not change.

    versioning: versioned-update where a change has to name the version it changes.
    """
    types = sorted(definitions.types)
    if mode == "normative":
        types = [name for name in types if name in NORMATIVE]
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{base}/metadata",
        "version": carnet.__version__,
        "name": "Carnet",
        "status": "active",
        "date": date,
        "kind": "instance",
        **({"instantiates": acts.instantiates} if acts.instantiates else {}),
        "software": {"name": "Carnet", "version": carnet.__version__},
        "implementation": {"description": "Carnet", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": list(patches.FORMATS),
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": OAUTH, "extension": _oauth(base)}],
                    "service": [
                        {
                            "coding": [{"system": SERVICES, "code": "OAuth"}],
                            "text": "OAuth 2.0 bearer token (RFC 6750)",
                        }
                    ],
                    "description": "Bearer token; who may read what is decided for each record.",
                },
                "resource": [_of_type(definitions, acts, name, versioning) for name in types],
                "interaction": [{"code": code} for code in OF_SYSTEM],
                "searchParam": _of_all(definitions),
                "operation": _announced(acts, "") + OF_BASE,
                "compartment": [
                    f"{DEFINITION}CompartmentDefinition/{each}" for each in COMPARTMENTS
                ],
            }
        ],
    }


def _oauth(base: str) -> list[dict[str, str]]:
    issuer = base.rpartition("/")[0]
    return [
        {"url": name, "valueUri": f"{issuer}/oauth/{name}"}
        for name in ("authorize", "token", "introspect", "revoke")
    ]


def _of_all(definitions: Definitions) -> list[dict[str, str]]:
    """What all types together are searched by; `_type` names those that are meant."""
    shared = [
        {"name": code, "type": each.type, "definition": each.url}
        for code, each in sorted(definitions.params["Basic"].items())
        if code in SHARED
    ]
    return [{"name": code, "type": kind} for code, kind in (*ALWAYS, *OF_ALL)] + shared


def terminology_statement(systems: list[Known], base: str, date: str) -> dict[str, Any]:
    """The TerminologyCapabilities: what is loaded, and what the operations take."""
    by_url: dict[str, list[dict[str, Any]]] = {}
    for each in systems:
        if each.said.get("content") != "supplement":
            version = {"code": each.said["version"]} if "version" in each.said else {}
            by_url.setdefault(each.said["url"], []).append(version)
    told = []
    for url, versions in sorted(by_url.items()):
        said = [each for each in versions if each]
        told.append({"uri": url, **({"version": said} if said else {})})
    return {
        "resourceType": "TerminologyCapabilities",
        "url": f"{base}/metadata?mode=terminology",
        "version": carnet.__version__,
        "name": "Carnet",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Carnet", "version": carnet.__version__},
        "implementation": {"description": "Carnet", "url": base},
        **({"codeSystem": told} if told else {}),
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in terminology.EXPAND],
            "textFilter": "Each word is the beginning of one, of a code, display or designation,"
            " whatever the case and the accents.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
    }


def _of_type(definitions: Definitions, acts: Acts, name: str, versioning: str) -> dict[str, Any]:
    view = acts.view(name)
    interactions = ["read", "vread", "history-instance", "history-type", "search-type"]
    if view is not None:
        interactions = ["read", "search-type"]
    for act in ("create", "update", "delete"):
        written = any(allowed(Actor(kind, "", "", ""), name, act) for kind in ActorKind)
        if written and acts.written(name, act):
            interactions.append(act)
    if "update" in interactions or acts.has(name, "patch"):
        interactions.append("patch")
    params = definitions.params[name]
    searched = [
        {"name": code, "type": parameter.type, "definition": parameter.url}
        for code, parameter in sorted(params.items())
        if parameter.type in SEARCHED
        and code not in ("_id", "_lastUpdated", *ABSENT, *(code for code, _ in OF_ALL))
        and (view is None or code in view.parameters)
    ]
    searched = [
        {"name": code, "type": kind}
        for code, kind in ALWAYS
        if view is None or code in view.parameters
    ] + searched
    if view is None:
        searched += [{"name": code, "type": kind} for code, kind in OF_ALL]
    for code, (kind, definition) in getattr(view, "own", {}).items():
        searched.append({"name": code, "type": kind, "definition": definition})
    includes, back = _includes(definitions, acts, name)
    found: dict[str, Any] = {
        "type": name,
        **({"supportedProfile": list(acts.supported[name])} if name in acts.supported else {}),
        "interaction": [{"code": code} for code in interactions],
        "versioning": versioning if view is None else "no-version",
        "readHistory": view is None,
        # Under a UUID: other ids are ours to give. What has an act is not made so.
        "updateCreate": "create" in interactions
        and acts.written(name, "update")
        and not acts.has(name, "update"),
        "conditionalCreate": "create" in interactions and view is None,
        "conditionalRead": "full-support",
        "conditionalUpdate": "update" in interactions,
        "conditionalDelete": "single" if "delete" in interactions else "not-supported",
        "searchParam": searched,
    }
    operations = [
        {"name": each, "definition": f"urn:carnet:operation:{name}-{each}"}
        for each in acts.operations(name)
        if (name, each) not in {(rtype, said) for rtype, said, _ in acts.announced}
    ]
    operations += [
        {"name": each, "definition": f"http://hl7.org/fhir/OperationDefinition/Resource-{each}"}
        for each in ("validate", "meta", *META_CHANGES)
        if each not in META_CHANGES or "update" in interactions
    ]
    if name == "Patient":
        operations.append({"name": "everything", "definition": EVERYTHING})
    operations += terminology.announced(name)
    operations += _announced(acts, name)
    if operations:
        found["operation"] = operations
    if includes:
        found["searchInclude"] = ["*", *includes]
    if back:
        found["searchRevInclude"] = back
    return found


def _announced(acts: Acts, rtype: str) -> list[dict[str, str]]:
    """Operations with routes of their own, on a type or, "", on the base."""
    return [
        {"name": name, "definition": definition}
        for of, name, definition in acts.announced
        if of == rtype
    ]


def _includes(definitions: Definitions, acts: Acts, name: str) -> tuple[list[str], list[str]]:
    """What a search on a type includes forward, and back."""
    if acts.view(name) is not None:
        return [], []
    forward = [
        f"{name}:{code}"
        for code, each in sorted(definitions.params[name].items())
        if each.type == "reference"
    ]
    own = (
        f"{source}:{each.code}"
        for source, params in definitions.own.items()
        for each in params
        if definitions.params[source].get(each.code) is each
        and each.type == "reference"
        and len(each.targets) < ANYTHING
        and name in narrowed(source, each)
    )
    return forward, [*_back().get(name, []), *own]


@cache
def _back() -> dict[str, list[str]]:
    """For each type, the reference parameters that name it among their types."""
    found: dict[str, list[str]] = {}
    for source, params in sorted(load().params.items()):
        for code, each in sorted(params.items()):
            targets = narrowed(source, each) if each.type == "reference" else ()
            # Those that point to anything are said by none, or each type would list hundreds.
            if source not in (*VIEWS, "CodeSystem") and len(targets) < ANYTHING:
                for target in targets:
                    found.setdefault(target, []).append(f"{source}:{code}")
    return found
