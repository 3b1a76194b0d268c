# SPDX-License-Identifier: EUPL-1.2
"""What a probe of the twin worlds asks for: its route, parameters, modifiers, prefixes, headers, entries.

Read from the request itself, not from the name of its kind, so that tests/agreement/test_covered.py says
what is covered in truth. No server is asked, and no database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.routing import Match, Route

from carnet.access.visibility import Viewer
from carnet.app import parts
from carnet.fhir.definitions import load
from carnet.fhir.search import chains, expressions
from carnet.fhir.search.parse import OF_ALL, RESULT
from carnet.rest.routes import ROUTES
from tests.agreement.aims import Aim, Probe
from tests.agreement.items import CAST, make
from tests.agreement.told import Reader
from tests.agreement.worlds import START, STEP, Twins, World

SERVED: list[Route] = [*parts.acts().routes, *ROUTES]
PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?-?[0-9]")
PREFIXED = frozenset(("date", "number", "quantity"))
# Of every type, or of none: they stand by their own names.
NAMED = frozenset(
    (*RESULT, *(name for name, _ in OF_ALL), "_filter", "_id", "_lastUpdated", "_type")
)
VALUED = frozenset(("_total", "_summary"))  # their values are words of FHIR
EVERYTHING = "Observation"  # as which what every type has is read
OPERATORS = re.compile(r" (eq|ne|co|sw|ew|gt|lt|ge|le|ap|sa|eb|pr|po|ss|sb|in|ni|re) ")
ITEMS = 120


def twins(kind: str) -> Twins:
    """What an Aim looks at, of no world: half of the items are hidden."""
    items = make(1, ITEMS)
    keys = [*CAST, *(item.new for item in items if item.new)]
    places = [f"i{item.number}" + (f"-{at}" if at else "")
              for item in items for at in range(len(item.types))]  # fmt: skip
    ids = {key: f"{number:026}" for number, key in enumerate((*keys, *places))}
    for item in items:
        if item.name == "chosen-id":
            ids[f"i{item.number}"] = item.steps[0].path.partition("/")[2]
    nothing = cast(World, None)
    return Twins(
        "outsider", Viewer(kind), items, ids, nothing, nothing,
        {item.number: "masked" for item in items if item.number % 2}, frozenset(), frozenset(),
        START + ITEMS * STEP + timedelta(hours=1), ("185047512345678",), Reader(frozenset(), ""),
    )  # fmt: skip


def probes(grammar: dict[str, Any], each: int, seed: str) -> Iterator[Probe]:
    """So many probes of each kind, as a patient, a professional and a software."""
    for viewer in ("patient", "professional", "software"):
        of = twins(viewer)
        for kind, made in grammar.items():
            chance = Random(f"{seed} {viewer} {kind}")
            for _ in range(each):
                yield made(Aim(of, chance.choice(of.items), chance))


def asked(probe: Probe) -> Iterator[str]:
    """All that one probe asks for; pages of the people's web ask for nothing here."""
    if probe.page and probe.page[0] != "export":
        return
    if probe.page:
        yield from _exported(probe.path, json.loads(probe.page[2] or "null"))
        return
    yield from _request(probe.method, probe.path)
    for name, value in probe.headers:
        yield f"header {name}"
        if name == "if-none-exist":
            yield from _search(probe.path.partition("?")[0], value)
    if probe.path.partition("?")[0].endswith("_search"):
        yield from _search((EVERYTHING + "/" + probe.path).split("/")[-2], probe.body.decode())
    if probe.method == "POST" and probe.path == "":
        yield from _bundle(json.loads(probe.body))


def _exported(path: str, sent: dict[str, Any] | None) -> Iterator[str]:
    """The asking of an export, its job looked at and ended, its files: tests/agreement/exported.py."""
    yield from _request("POST" if sent else "GET", path)
    level = re.sub("Group/[^/]+", "Group/{id}", path)
    yield from (f"/{level} {part['name']}" for part in (sent or {"parameter": ()})["parameter"])
    for method, job in (("GET", "a"), ("GET", "a/1"), ("DELETE", "a")):
        yield from _request(method, f"$export-job/{job}")


def _bundle(sent: dict[str, Any]) -> Iterator[str]:
    style = sent["type"]
    for entry in sent["entry"]:
        request = entry["request"]
        path, _, query = request["url"].partition("?")
        conditional = "?" if query and request["method"] not in ("GET",) else ""
        yield f"{style} {request['method']}{conditional}"
        yield from (f"{style} {name}" for name in request if name.startswith("if"))
        if query:
            yield from _search(path, query)
        yield from (
            f"{style} reference?" for each in _references(entry.get("resource")) if "?" in each
        )


def _references(of: Any) -> Iterator[str]:
    if isinstance(of, list):
        for each in of:
            yield from _references(each)
    elif isinstance(of, dict):
        for name, value in of.items():
            if name == "reference" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)


def _request(method: str, address: str) -> Iterator[str]:
    path, _, query = address.partition("?")
    scope = {"type": "http", "method": method, "path": f"/{path}", "headers": [], "root_path": ""}
    for route in SERVED:
        matched, found = route.matches(scope)
        if matched is not Match.FULL:
            continue
        yield f"{method} {route.path}" + (
            "?" if query and method in ("PUT", "PATCH", "DELETE") else ""
        )
        said = found["path_params"]
        names = path.split("/")
        if (last := names[-1]).startswith("$"):
            rtype = names[0] if len(names) > 1 and not names[0].startswith("$") else ""
            yield f"operation {rtype if not said.get('rtype') or '{name}' in route.path else '*'} {last}"
        searched = said.get("rtype") or (names[0] if names[0] in load().types else None)
        if route.path == "/" and method == "GET":
            searched = EVERYTHING
        if "_history" in route.path or last.startswith("$"):
            yield from (f"{route.path} {name}" for name, _ in parse_qsl(query))
        elif searched:
            yield from _search(searched, query)
        return


def _search(rtype: str, query: str) -> Iterator[str]:
    for name, value in parse_qsl(query):
        yield from _parameter(rtype, name, value)


def _parameter(rtype: str, name: str, value: str) -> Iterator[str]:
    if name.startswith("_has:"):
        _, source, _, rest = name.split(":", 3)
        yield "_has of _has" if rest.startswith("_has:") else "_has"
        yield from _parameter(source, rest, value)
    elif name in NAMED or name.partition(":")[0] == "_include":
        yield from _named(rtype, name, value)
    elif "." in name.partition(":_has")[0] and chains.cut(name):
        first, _, rest = name.partition(".")
        code, _, target = first.partition(":")
        yield "chain with a type" if target else "chain"
        yield "chain of chains" if "." in rest.partition(":_has")[0] else "chain once"
        known = load().params.get(rtype, {}).get(code)
        after = target or (known.targets[0] if known and known.targets else rtype)
        yield from _parameter(after, rest, value)
    else:
        bare, _, modifier = name.partition(":")
        known = load().params.get(rtype, {}).get(bare)
        if known is not None:
            typed = "[type]" if modifier in load().types else modifier
            yield f"{known.type}:{typed}" if typed else known.type
            if known.type in PREFIXED and not modifier and (found := PREFIX.match(value)):
                yield f"{known.type} {found[1] or 'eq'}"


def _named(rtype: str, name: str, value: str) -> Iterator[str]:
    yield name
    if name in VALUED:
        yield f"{name}={value}"
    if name in ("_include", "_revinclude", "_include:iterate", "_revinclude:iterate"):
        yield f"{name}={'*' if '*' in value else 'Type:name'}"
    if name == "_filter":
        yield from (f"_filter {each}" for each in OPERATORS.findall(f" {value} "))
        yield from (f"_filter {each}" for each in ("not", "or", "and") if f"{each} " in value)
    if name == "_sort":
        for key in value.split(","):
            key = key.lstrip("-")
            known = load().params.get(rtype, {}).get(key) if key not in NAMED else None
            yield f"_sort by {known.type if known else key}"


__all__ = ["OPERATORS", "SERVED", "asked", "expressions", "probes", "twins"]
