# SPDX-License-Identifier: EUPL-1.2
"""CodeSystem/$lookup and $subsumes: what is known of a code, and of two.

Source: FHIR R4, CodeSystem/$lookup, CodeSystem/$subsumes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.grammars import GRAMMARS, says
from carnet.fhir.terminology.labels import preferred
from carnet.fhir.terminology.queries import Conn, Found, System
from carnet.fhir.terminology.refusals import UnknownCode, UnknownSupplement
from carnet.fhir.terminology.resolve import NONE, Pins
from carnet.fhir.terminology.terms import Terms

Json = dict[str, Any]
TYPES: Final = {"code": "valueCode", "boolean": "valueBoolean", "Coding": "valueCode",
                "string": "valueString", "dateTime": "valueDateTime"}  # fmt: skip
SHOWN: Final = ("definition", "inactive", "parent", "child")  # unless others are asked for


async def lookup(
    terms: Terms,
    conn: Conn,
    url: str,
    code: str,
    *,
    version: str = "",
    language: str | None = None,
    properties: Collection[str] = (),
    pins: Pins = NONE,
) -> Json:
    """The Parameters of $lookup; UnknownSystem or UnknownCode without it."""
    if url in GRAMMARS:
        return _of_grammar(url, code)
    await terms.memory.look(conn)
    system = await terms.system(conn, url, version, pins.at)
    found = await queries.concept(conn, system, code)
    if found is None:
        raise UnknownCode(code, url)
    found = await _supplemented(terms, conn, system, found, pins)
    display = preferred(language, _labels(system, found), found.display) or found.display
    told: list[Json] = [{"name": "name", "valueString": system.name or system.title or system.url}]
    if system.version:
        told.append({"name": "version", "valueString": system.version})
    told.append({"name": "code", "valueCode": found.code})
    told.append({"name": "system", "valueUri": system.url})
    told.append({"name": "display", "valueString": display or found.code})
    told += [_designation(each) for each in found.designations if each.get("value")]
    every = not properties or "*" in properties
    if found.definition and (every or "definition" in properties):
        told.append(_property("definition", "valueString", found.definition))
    if every or "inactive" in properties:
        told.append(_property("inactive", "valueBoolean", found.inactive))
    if found.abstract and (every or "notSelectable" in properties):
        told.append(_property("notSelectable", "valueBoolean", True))
    if every or "parent" in properties:
        told += [_property("parent", "valueCode", each) for each in found.parents]
    if every or "child" in properties:
        below = await queries.children(conn, system.id, found.code)
        told += [_property("child", "valueCode", each) for each in below]
    for name, values in found.properties.items():
        if name in (*SHOWN, "notSelectable", "subsumedBy") or not (every or name in properties):
            continue
        kind = TYPES.get(system.properties.get(name, "string"), "valueString")
        for value in values:
            told.append(_property(name, kind, value == "true" if kind == "valueBoolean" else value))
    return {"resourceType": "Parameters", "parameter": told}


async def _supplemented(
    terms: Terms, conn: Conn, system: System, found: Found, pins: Pins
) -> Found:
    """A concept with what every supplement of its system adds, and those that are named."""
    rows = list(terms.memory.supplements.get(system.url, ()))
    for each in pins.supplements:
        url, _, version = each.partition("|")
        named = await queries.supplements(conn, url=url, version=version)
        if not named:
            raise UnknownSupplement(each)
        rows += [row for row, _ in named]
    if not rows:
        return found
    designations, properties = [*found.designations], dict(found.properties)
    for _, _, labels, values in await queries.added(conn, list(dict.fromkeys(rows)), [found.code]):
        designations += labels
        for name, given in values.items():
            properties[name] = [*properties.get(name, ()), *given]
    return replace(found, designations=designations, properties=properties)


def _of_grammar(url: str, code: str) -> Json:
    if not says(url, code):
        raise UnknownCode(code, url)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "name", "valueString": url},
            {"name": "display", "valueString": code},
        ],
    }


def _labels(system: System, found: Found) -> list[Json]:
    own = [{"language": system.language, "value": found.display}] if system.language else []
    return [*own, *found.designations]


def _designation(each: Json) -> Json:
    parts: list[Json] = []
    if "language" in each:
        parts.append({"name": "language", "valueCode": each["language"]})
    if "use" in each:
        parts.append({"name": "use", "valueCoding": each["use"]})
    parts.append({"name": "value", "valueString": each["value"]})
    return {"name": "designation", "part": parts}


def _property(name: str, kind: str, value: Any) -> Json:
    return {
        "name": "property",
        "part": [{"name": "code", "valueCode": name}, {"name": "value", kind: value}],
    }


async def subsumes(
    terms: Terms, conn: Conn, url: str, first: str, second: str, version: str = ""
) -> Json:
    """The Parameters of $subsumes."""
    system = await terms.system(conn, url, version)
    one, other = [await queries.concept(conn, system, code) for code in (first, second)]
    for code, found in ((first, one), (second, other)):
        if found is None:
            raise UnknownCode(code, url)
    assert one is not None and other is not None
    outcome = "not-subsumed"
    if one.code == other.code:
        outcome = "equivalent"
    elif one.code in await queries.above(conn, system.id, other.code):
        outcome = "subsumes"
    elif other.code in await queries.above(conn, system.id, one.code):
        outcome = "subsumed-by"
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "outcome", "valueCode": outcome}],
    }
