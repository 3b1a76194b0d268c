# SPDX-License-Identifier: EUPL-1.2
"""The capability statement: made from what is implemented, and no more."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import carnet
from carnet.access.actor import Actor, ActorKind
from carnet.access.writing import allowed
from carnet.fhir.definitions import Definitions, load
from carnet.fhir.search.chains import VIEWS, narrowed
from carnet.fhir.search.parse import ABSENT
from carnet.rest import http, patches, terminology
from carnet.rest.acts import Acts
from carnet.rest.outcome import fhir

SEARCHED = frozenset("token reference date string uri number quantity composite special".split())
EVERYTHING = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
META_CHANGES = ("meta-add", "meta-delete")
ANYTHING = 100  # types a reference without a target has
ALWAYS = (("_id", "token"), ("_lastUpdated", "date"))


async def metadata(request: Request) -> Response:
    """GET metadata; no token is asked."""
    http.accepts_json(request)
    desk = http.desk(request)
    date = desk.door.clock().isoformat(timespec="seconds")
    return fhir(statement(desk.door.definitions, desk.acts, desk.base, date))


def statement(definitions: Definitions, acts: Acts, base: str, date: str) -> dict[str, Any]:
    """A CapabilityStatement of kind instance."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "Carnet", "version": carnet.__version__},
        "implementation": {"description": "Carnet", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "patchFormat": list(patches.FORMATS),
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "Bearer token; who may read what is decided for each record."
                },
                "resource": [
                    _of_type(definitions, acts, name) for name in sorted(definitions.types)
                ],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "operation": _announced(acts, ""),
            }
        ],
    }


def _of_type(definitions: Definitions, acts: Acts, name: str) -> dict[str, Any]:
    view = acts.view(name)
    interactions = ["read", "vread", "history-instance", "search-type"]
    if view is not None:
        interactions = ["read", "search-type"]
    for act in ("create", "update", "delete"):
        written = any(allowed(Actor(kind, "", "", ""), name, act) for kind in ActorKind)
        if written and acts.written(name, act):
            interactions.append(act)
    if "update" in interactions:
        interactions.append("patch")
    params = definitions.params[name]
    searched = [
        {"name": code, "type": parameter.type, "definition": parameter.url}
        for code, parameter in sorted(params.items())
        if parameter.type in SEARCHED
        and code not in ("_id", "_lastUpdated", *ABSENT)
        and (view is None or code in view.parameters)
    ]
    searched = [
        {"name": code, "type": kind}
        for code, kind in ALWAYS
        if view is None or code in view.parameters
    ] + searched
    includes, back = _includes(definitions, acts, name)
    found: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update",
        "readHistory": view is None,
        "updateCreate": "update" in interactions,
        "conditionalCreate": "create" in interactions and view is None,
        "conditionalRead": "full-support",
        "conditionalUpdate": "update" in interactions,
        "conditionalDelete": "single" if "delete" in interactions else "not-supported",
        "searchParam": searched,
    }
    operations = [
        {"name": each, "definition": f"urn:carnet:operation:{name}-{each}"}
        for each in acts.operations(name)
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
            if source not in VIEWS and len(targets) < ANYTHING:
                for target in targets:
                    found.setdefault(target, []).append(f"{source}:{code}")
    return found
