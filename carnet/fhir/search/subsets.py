# SPDX-License-Identifier: EUPL-1.2
"""`_summary` and `_elements`: a part of a resource, and the tag that says it is one.

What must be there, and what changes the meaning of the rest, is always in it.
Source: FHIR R4, Search, "Summary" and "Elements".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from carnet.fhir import json
from carnet.fhir.definitions import Definitions, Element

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
ALWAYS = frozenset(("resourceType", "id", "meta"))
SUMMARIES = frozenset(("false", "true", "text", "data", "count"))


def keys(element: Element) -> tuple[str, ...]:
    """What `_elements` and JSON call an element: `value`, `valueQuantity`…"""
    if not element.choice:
        return (element.name,)
    forms = (f"{element.name}{each.code[0].upper()}{each.code[1:]}" for each in element.types)
    return (element.name, *forms)


def summarised(definitions: Definitions, body: bytes, summary: str) -> bytes:
    """The same resource with the part `_summary` asks for: true, text or data."""
    if summary == "true":
        return _tagged(body, lambda rtype, of: _marked(definitions, rtype, of))
    if summary == "data":
        return _tagged(body, lambda _, of: {k: v for k, v in of.items() if k != "text"})
    return _tagged(body, lambda rtype, of: _kept(definitions, rtype, of, ("text",)))


def chosen(definitions: Definitions, body: bytes, elements: Collection[str]) -> bytes:
    """The same resource with these elements."""
    return _tagged(body, lambda rtype, of: _kept(definitions, rtype, of, elements))


def _tagged(body: bytes, cut: Callable[[str, dict[str, Any]], dict[str, Any]]) -> bytes:
    resource = json.parse(body)
    made = cut(resource["resourceType"], resource)
    meta = dict(made.get("meta", {}))
    tags = [each for each in meta.get("tag", []) if each.get("code") != SUBSETTED["code"]]
    made["meta"] = {**meta, "tag": [*tags, SUBSETTED]}
    return json.dump(made)


def _kept(
    definitions: Definitions, rtype: str, resource: dict[str, Any], named: Collection[str]
) -> dict[str, Any]:
    kept: set[str] = set(ALWAYS)
    for each in definitions.shapes[rtype].elements:
        if each.min or each.modifier or not set(named).isdisjoint(keys(each)):
            kept.update(keys(each))
    return {key: value for key, value in resource.items() if key.removeprefix("_") in kept}


def _marked(definitions: Definitions, shape: str, part: dict[str, Any]) -> dict[str, Any]:
    """The elements R4 marks as summary, in a type or a nested part."""
    kept: dict[str, Element] = {}
    for each in definitions.shapes[shape].elements:
        if each.summary or each.min or each.modifier:
            kept |= dict.fromkeys(keys(each), each)
    made: dict[str, Any] = {}
    for key, value in part.items():
        element = kept.get(key.removeprefix("_"))
        if element is None:
            if key in ALWAYS:
                made[key] = value
        elif element.children is None or key.startswith("_"):
            made[key] = value
        elif isinstance(value, list):
            made[key] = [_marked(definitions, element.children, each) for each in value]
        else:
            made[key] = _marked(definitions, element.children, value)
    return made
