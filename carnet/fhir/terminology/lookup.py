# SPDX-License-Identifier: EUPL-1.2
"""CodeSystem/$lookup and $subsumes: what is known of a code, and of two.

Source: FHIR R4, CodeSystem/$lookup, CodeSystem/$subsumes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.grammars import GRAMMARS, says
from carnet.fhir.terminology.labels import preferred
from carnet.fhir.terminology.queries import Conn, Found, System
from carnet.fhir.terminology.refusals import UnknownCode
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
) -> Json:
    """The Parameters of $lookup; UnknownSystem or UnknownCode without it."""
    if url in GRAMMARS:
        return _of_grammar(url, code)
    system = await terms.system(conn, url, version)
    found = await queries.concept(conn, system, code)
    if found is None:
        raise UnknownCode(code, url)
    display = preferred(language, _labels(system, found), found.display)
    told: list[Json] = [{"name": "name", "valueString": system.title or system.name or system.url}]
    if system.version:
        told.append({"name": "version", "valueString": system.version})
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
