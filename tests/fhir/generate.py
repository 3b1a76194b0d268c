# SPDX-License-Identifier: EUPL-1.2
"""Resources of any type, made from the definitions by a seeded generator.

They are right in structure and mean nothing: every type, every choice, siblings of primitives,
codes of required bindings, extensions, contained resources.
"""

import base64
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from carnet.fhir.definitions import Element, ElementType, load

Json = dict[str, Any]

WORDS = ("fièvre", "Été 1", "a", "naïve – text", "line\nbreak", "Ωmega", "x" * 40)


def resource(rng: Random, kind: str, depth: int = 3) -> Json:
    """A resource of a type; `depth` bounds how far optional parts nest."""
    made: Json = {"resourceType": kind}
    if rng.random() < 0.8:
        made["id"] = _primitive(rng, "id")
    made.update(_object(rng, kind, depth))
    return made


def _object(rng: Random, path: str, depth: int) -> Json:
    made: Json = {}
    elements = [e for e in load().shapes[path].elements if e.max != 0]
    for element in elements:
        if path == "Extension" and element.name in {"extension", "value"}:
            continue
        likely = 0.35 if depth > 1 else 0.1 if depth > 0 else 0
        if element.name in {"id", "extension", "modifierExtension", "contained", "text"}:
            likely = 0.05 if depth > 1 else 0
        if element.min == 0 and rng.random() >= likely:
            continue
        _put(rng, made, element, depth)
    if path == "Extension":
        name = "extension" if depth > 1 and rng.random() < 0.2 else "value"
        _put(rng, made, next(e for e in elements if e.name == name), depth)
    elif not made.keys() - {"id"}:
        # An element has more than an id: its first own one will do.
        own = [e for e in elements if e.name not in {"id", "extension", "modifierExtension"}]
        own = own or [e for e in elements if e.name == "extension"]
        _put(rng, made, own[0], depth)
    return made


def _put(rng: Random, made: Json, element: Element, depth: int) -> None:
    kind = rng.choice(element.types) if element.types else None
    key = element.name
    if element.choice and kind is not None:
        key += kind.code[0].upper() + kind.code[1:]
    if not element.many:
        made[key] = _value(rng, element, kind, depth)
        if kind and _extensible(kind) and rng.random() < 0.03:
            made["_" + key] = _aside(rng)
        return
    count = rng.choice((1, 1, 2)) if element.max is None else 1
    values = [_value(rng, element, kind, depth) for _ in range(count)]
    made[key] = values
    if kind and _extensible(kind) and rng.random() < 0.1:
        # The last value is masked, as the first of a pair of aligned lists.
        made["_" + key] = [None] * (count - 1) + [_aside(rng)]
        values[-1] = None


def _extensible(kind: ElementType) -> bool:
    shape = load().shapes.get(kind.code)
    return shape is not None and shape.kind == "primitive" and kind.code != "xhtml"


def _aside(rng: Random) -> Json:
    return {"extension": [{"url": "urn:example:aside", "valueString": rng.choice(WORDS)}]}


def _value(rng: Random, element: Element, kind: ElementType | None, depth: int) -> Any:
    definitions = load()
    if element.children:
        return _object(rng, element.children, depth - 1)
    assert kind is not None
    code = kind.code.removeprefix("System.")
    if code == "Resource":
        inner = rng.choice(("Basic", "Patient", "Observation", "Medication"))
        return resource(rng, inner, depth=min(depth - 1, 1))
    if code == "xhtml":
        return '<div xmlns="http://www.w3.org/1999/xhtml"><p>text</p></div>'
    if code == "Reference":
        target = rng.choice(kind.targets or tuple(definitions.types))
        written = rng.choice((f"{target}/{_primitive(rng, 'id')}", _primitive(rng, "uuid")))
        return {"reference": written, "type": target}
    bound = element.binding and element.binding.strength == "required" and element.binding.value_set
    listed = definitions.value_sets.get(bound) if bound else None
    if listed:
        system, codes = rng.choice(list(listed.systems.items()))
        chosen = rng.choice(codes)
        if code == "Coding":
            return {"system": system, "code": chosen}
        if code == "CodeableConcept":
            return {"coding": [{"system": system, "code": chosen}]}
        return chosen
    if definitions.shapes[code].kind == "primitive":
        return _primitive(rng, code)
    return _object(rng, kind.profile or code, depth - 1)


def _primitive(rng: Random, code: str) -> Any:
    day = date(1900, 1, 1) + timedelta(days=rng.randrange(60_000))
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    zone = rng.choice(("Z", "+02:00", "-11:30", "+14:00"))
    moment = f"{day}T{clock}{rng.choice(('', '.5', '.123456789'))}{zone}"
    match code:
        case "boolean":
            return rng.random() < 0.5
        case "integer":
            return rng.randrange(-(2**31), 2**31)
        case "unsignedInt":
            return rng.randrange(2**31)
        case "positiveInt":
            return rng.randrange(1, 2**31)
        case "decimal":
            return rng.choice((rng.randrange(-99, 99), Decimal(rng.randrange(9999)).scaleb(-2)))
        case "base64Binary":
            return base64.b64encode(rng.randbytes(rng.randrange(1, 20))).decode()
        case "date":
            return str(day)[: rng.choice((4, 7, 10))]
        case "dateTime":
            return rng.choice((str(day)[: rng.choice((4, 7, 10))], moment))
        case "instant":
            return moment
        case "time":
            return clock
        case "id":
            return "".join(rng.choices("abcXYZ019-.", k=rng.randrange(1, 20)))
        case "oid":
            return "urn:oid:1.2.250." + str(rng.randrange(10**6))
        case "uuid":
            digits = f"{rng.getrandbits(128):032x}"
            parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            return "urn:uuid:" + "-".join(parts)
        case "canonical":
            return f"https://example.org/{rng.randrange(99)}" + rng.choice(("", "|1.0"))
        case "uri" | "url":
            return f"https://example.org/{rng.randrange(99)}"
        case "code":
            return f"code-{rng.randrange(99)}"
        case _:
            return rng.choice(WORDS)
