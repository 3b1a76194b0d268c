# SPDX-License-Identifier: EUPL-1.2
"""Requests from a seed, over every route, method, header, parameter, modifier and odd value of the API.

`Grammar.next` makes one request. Most are right but for a place or two: what is refused at the door tries
nothing behind it.
"""
# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

from carnet.fhir.definitions import Definitions, load
from tests.fhir.generate import resource as generated
from tests.hostile.fuzz.mutate import of_value
from tests.hostile.fuzz.oddities import (
    CODES,
    DATES,
    HEADERS,
    METHODS,
    MODIFIERS,
    NUMBERS,
    ODD,
    OFTEN,
    OPERATIONS,
    PATHS,
    PREFIXES,
    RESULTS,
    Json,
    about,
    bodies,
    extreme,
    plain,
    raw,
    resources,
    text,
)
from tests.rest.samples import LAB, bundle, observation
from tests.space import FHIR

PERSONAS: Final = ((LAB, 20), ("patient", 10), ("gp", 8), ("hospital-software", 4), ("outsider", 2),
                   ("operator", 2), ("nurse", 2), (None, 1), ("wrong", 1))  # fmt: skip


@dataclass(slots=True)
class Sent:
    """One request: the address as it goes over the wire, after /fhir."""

    who: str | None
    method: str
    path: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.who} {self.method} {self.path[:300]!r} {self.headers!r:.600} {self.body[:600]!r}"


@dataclass
class Known:
    """What is there to aim at: ids by type, and the operations that have routes."""

    ids: dict[str, list[str]]  # by type
    patient: str
    seen: dict[str, dict[str, list[str]]]  # by persona: what each may read


class Grammar:
    """Requests without end, the same for the same seed and the same installation."""

    def __init__(self, seed: int, known: Known, routes: Sequence[Any]) -> None:
        self.chance = Random(f"requests-{seed}")
        self.known = known
        self.routes = [
            (route.path, method, OFTEN.get((route.path, method), 2 if method != "HEAD" else 0.3))
            for route in routes
            for method in sorted(route.methods or ())
        ]
        self.weights = list(accumulate(weight for *_, weight in self.routes))
        self.definitions: Definitions = load()
        self.types = sorted(self.definitions.types)
        self.held = known.ids

    # ------------------------------------------------------------------- one request

    def next(self) -> Sent:
        """The next one."""
        chance = self.chance
        who = chance.choices([w for w, _ in PERSONAS], [much for _, much in PERSONAS])[0]
        self.held = self.known.seen.get(who or "") or self.known.ids
        path, method, _ = chance.choices(self.routes, cum_weights=self.weights)[0]
        if chance.random() < 0.04:
            method = chance.choice(METHODS)
        rtype = self.rtype(held="{id}" in path)
        if method in ("PUT", "PATCH") and chance.random() < 0.5:  # what one may change
            who, rtype = LAB, "Observation"
            self.held = self.known.seen.get(LAB) or self.known.ids
        address = re.sub(r"\{(\w+)\}", lambda found: self.part(found[1], rtype), path)
        if chance.random() < 0.03:
            address += chance.choice(
                ("/", "//", "/x", "/%2e%2e/x", "%00", ";a=b", "/" + self.odd(), "%20")
            )
        query = self.query(rtype, path, method)
        sent = Sent(who, method, address + (f"?{query}" if query else ""))
        form = path.endswith("_search") and method == "POST"
        patch = method == "PATCH" and chance.random() < 0.5
        if method in ("POST", "PUT", "PATCH") or chance.random() < 0.03:
            sent.body = self.body(rtype, path, method, address, form=form, patch=patch)
            kind = "application/x-www-form-urlencoded" if form else FHIR
            kind = "application/json-patch+json" if patch else kind
            sent.headers.append(("content-type", kind))
        sent.headers.append(("accept", FHIR))
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 4))):
            name = chance.choice(tuple(HEADERS))
            value = chance.choice(HEADERS[name]) if chance.random() < 0.9 else self.odd()
            value = (
                value.replace("\0", "").replace("\r", "").replace("\n", "")
            )  # no server passes them on
            if chance.random() < 0.8:  # else beside the first: which one holds?
                sent.headers = [each for each in sent.headers if each[0] != name]
            sent.headers.append((name, value))
        return sent

    def odd(self) -> str:
        """A value for any place."""
        of = self.chance.choice((ODD, ODD, ODD, DATES, NUMBERS, CODES, PATHS))
        return self.chance.choice(of)

    def rtype(self, *, held: bool = False) -> str:
        """A type; those that have resources, mostly."""
        turn = self.chance.random()
        if turn < (0.9 if held else 0.6):
            return self.chance.choice(sorted(self.held))
        if turn < 0.97:
            return self.chance.choice(self.types)
        return self.chance.choice(("patient", "Nothing", "Resource", "DomainResource", "Bundle ", "_history", "*",
                                   "Patient,Observation", "metadata", "é", "%00", "%ff", "Element", "string"))  # fmt: skip

    def id(self, rtype: str) -> str:
        """An id; of something that is there, mostly."""
        turn = self.chance.random()
        held = self.held.get(rtype) or self.known.ids.get(rtype) or [self.known.patient]
        if turn < 0.85:
            return self.chance.choice(held)
        if turn < 0.9:
            return self.uuid()
        return raw(self.odd(), self.chance)[:2000].replace("?", "%3F").replace("#", "%23")

    def uuid(self) -> str:
        """An id of the caller's own."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def part(self, name: str, rtype: str) -> str:
        """What stands in a route's place."""
        chance = self.chance
        match name:
            case "rtype":
                return rtype
            case "compartment":
                return chance.choice(
                    ("Patient", "Encounter", "Practitioner", "Device", "RelatedPerson", rtype)
                )
            case "id":
                return self.id(rtype)
            case "name" | "operation":
                return chance.choice(OPERATIONS)[1:]
            case "version" | "input" | "number":
                return chance.choice(
                    ("1", "1", "1", "2", "0", "-1", "99999999999", "a", "1.0", "%D9%A3", "01")
                )
            case _:
                return chance.choice(("x", raw(self.odd(), chance).replace("?", "")))

    # ------------------------------------------------------------------- the query

    def query(self, rtype: str, path: str, method: str) -> str:
        """Parameters of an address: those of the type and of results, with and without modifiers."""
        chance = self.chance
        turn = chance.random()
        searching = path.endswith("_search") or (path.endswith("{rtype}") and method != "POST")
        if turn < (0.05 if searching else 0.85):
            return ""
        if turn > 0.985:
            return chance.choice(("%", "&&&", "=", "a", "a=%ff", "a=%00", "%zz=%zz", "?" * 100, "a;b=c", "é=é",
                                  "&".join(["code=a"] * 1200), "&".join(f"p{n}=1" for n in range(3000)),
                                  "code=" + "a," * 30_000, "code=" + "a" * 200_000, "\xff\xfe=1"))  # fmt: skip
        return "&".join(self.parameter(rtype) for _ in range(chance.choice((1, 1, 1, 2, 3, 5))))

    def parameter(self, rtype: str) -> str:
        """One `name=value`."""
        chance = self.chance
        params = self.definitions.params.get(rtype)
        if params is None or chance.random() < 0.4:
            name = chance.choice(tuple(RESULTS))
            value = chance.choice(RESULTS[name]) if chance.random() < 0.8 else self.odd()
            return f"{raw(name, chance) if chance.random() < 0.1 else name}={raw(value, chance)}"
        name = chance.choice(sorted(params))
        values = [
            self.value(params[name].type, rtype) for _ in range(chance.choice((1, 1, 1, 2, 4)))
        ]
        modifier = chance.choice(MODIFIERS) if chance.random() < 0.4 else ""
        value = ",".join(values)
        if modifier == "missing" and chance.random() < 0.8:
            value = chance.choice(("true", "false"))
        if params[name].type == "reference" and chance.random() < 0.3:
            targets = [
                each for each in params[name].targets if each in self.definitions.params
            ] or ["Patient"]
            target = chance.choice(targets)
            further = chance.choice(sorted(self.definitions.params[target]))
            value = self.value(self.definitions.params[target][further].type, target)
            name = f"{name}{chance.choice(('', ':' + target))}.{further}"
        if chance.random() < 0.05:
            name = f"_has:{chance.choice(self.types)}:{chance.choice(('subject', 'patient', name))}:{name}"
        return f"{name}{':' if modifier else ''}{quote(modifier)}={raw(value, chance)}"

    def value(self, kind: str, rtype: str) -> str:
        """A value of a parameter's type, or an odd one."""
        chance = self.chance
        if chance.random() < 0.2:
            return self.odd()
        match kind:
            case "date":
                return chance.choice(PREFIXES) + chance.choice(DATES)
            case "number" | "quantity":
                return chance.choice(PREFIXES) + chance.choice(NUMBERS)
            case "reference":
                other = chance.choice(sorted(self.held))
                return chance.choice(
                    (f"{other}/{self.id(other)}", self.id(rtype), f"Patient/{self.known.patient}")
                )
            case "composite":
                return f"{chance.choice(CODES)}${chance.choice(PREFIXES)}{chance.choice(NUMBERS + DATES)}"
            case "special":
                return chance.choice(
                    ("48.85|2.35|10|km", "48.85|2.35", "91|181|1|km", "a|b", "1|1|-1|[mi_us]", "||")
                )
            case _:
                return chance.choice((*CODES, "a", "Gar"))

    # ------------------------------------------------------------------- the body

    def body(
        self, rtype: str, path: str, method: str, address: str, *, form: bool, patch: bool
    ) -> bytes:
        """What the route takes, mostly; wrong in a few places, often."""
        chance = self.chance
        turn = chance.random()
        if turn < 0.02:
            return chance.choice(list(bodies().values()))
        if turn < 0.022:
            return b'{"resourceType":"Observation","status":"' + b"x" * 10_000_000 + b'"}'
        if turn < 0.03:
            return chance.choice(
                (b"", b"{}", b"[]", b"null", b"a=b", b"\xff", b"\xef\xbb\xbf{}", b"[" * 5000)
            )
        if form:
            return self.query(rtype, path, method).encode("utf-8", "replace")
        if patch:
            return text([self.json_patch() for _ in range(chance.choice((1, 1, 2, 5)))], chance)
        if method == "PATCH":
            return text(self.path_patch(), chance)
        if path == "/":
            return text(self.bundle(), chance)
        if "$" in path:
            made = self.parameters(rtype) if chance.random() < 0.7 else self.resource(rtype)
            return text(made, chance)
        made = self.resource(rtype)
        if method == "PUT" and chance.random() < 0.9:
            made["id"] = unquote(address.split("?")[0].rsplit("/", 1)[-1])
        return text(made, chance)

    def resource(self, rtype: str) -> Json:
        """A resource of a type: sound, generated, or mutated."""
        chance = self.chance
        turn = chance.random()
        if (
            turn < 0.1
            or rtype not in self.definitions.types
            or (turn < 0.8 and rtype == "Observation")
        ):
            made: Json = observation(f"Patient/{self.known.patient}", date=chance.choice(DATES[:6]))
            made |= chance.choice(({}, {"valueQuantity": {"value": 5.40, "unit": "mg", "code": "mg",
                    "system": "http://unitsofmeasure.org"}}, {"note": [{"text": "vu"}]}, {"language": "fr"},
                    {"identifier": [{"system": "urn:a", "value": str(chance.randrange(200))}]}))  # fmt: skip
        elif turn < 0.9:
            made = json.loads(plain(generated(chance, rtype, depth=chance.choice((1, 2)))))
            if chance.random() < 0.6:
                made = about(made, f"Patient/{self.known.patient}")
        else:
            made = copy.deepcopy(chance.choice(list(resources().values())))
        turn = chance.random()
        changed: Any = made
        if turn < 0.25:
            changed = of_value(made, chance)
        elif turn < 0.5:
            changed = extreme(made, chance)
        return changed if isinstance(changed, dict) else {"resourceType": rtype}

    def json_patch(self) -> Any:
        """One operation of JSON Patch."""
        chance = self.chance
        if chance.random() < 0.4:
            return {"op": "add", "path": chance.choice(("/language", "/status", "/note", "/issued")),
                    "value": chance.choice(("fr", "final", "amended", [{"text": "vu"}], "2020-01-02T03:04:05Z"))}  # fmt: skip
        made: Json = {
            "op": chance.choice(("add", "remove", "replace", "move", "copy", "test", "x", "")),
            "path": chance.choice(PATHS),
            "value": chance.choice(("final", "en", 1, None, [], {}, [{"text": "a"}], {"reference": "Patient/x"}, "é" * 99)),
            "from": chance.choice(PATHS),
        }  # fmt: skip
        for name in ("value", "from", "path", "op"):
            if chance.random() < 0.2:
                del made[name]
        return made if chance.random() < 0.97 else chance.choice((None, 1, [], "a", {"op": {}}))

    def path_patch(self) -> Json:
        """FHIRPath Patch."""
        chance = self.chance
        if chance.random() < 0.3:
            sound = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Observation.status"},
                     {"name": "value", "valueCode": chance.choice(("final", "amended", "x"))}]  # fmt: skip
            return {
                "resourceType": "Parameters",
                "parameter": [{"name": "operation", "part": sound}],
            }
        parts = [
            {"name": "type", "valueCode": chance.choice(("add", "insert", "delete", "replace", "move", "x"))},
            {"name": "path", "valueString": chance.choice(PATHS)},
            {"name": "name", "valueString": chance.choice(("note", "status", "x", "", "id", "subject"))},
            {"name": "value", **chance.choice(({"valueCode": "final"}, {"valueString": "a"}, {"valueInteger": 1},
                              {"part": [{"name": "text", "valueString": "a"}]}, {"valueReference": {"reference": "x"}}))},
            {"name": chance.choice(("index", "source", "destination")), "valueInteger": chance.choice((0, 1, -1, 99999))},
        ]  # fmt: skip
        made = {"resourceType": "Parameters",
                "parameter": [{"name": "operation", "part": [p for p in parts if chance.random() < 0.85]}]}  # fmt: skip
        return of_value(made, chance) if chance.random() < 0.2 else made

    def parameters(self, rtype: str) -> Json:
        """Parameters of an operation."""
        chance = self.chance
        found: list[Json] = []
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            name = chance.choice(("resource", "mode", "profile", "url", "system", "code", "coding", "valueSet",
                                  "meta", "filter", "start", "_since", "_type", "_count", "display", "reason",
                                  "codeA", "codeB", "x", "input", "version", "date"))  # fmt: skip
            value: Json = chance.choice((
                {"valueUri": chance.choice(CODES)}, {"valueCode": self.odd()}, {"valueString": self.odd()},
                {"valueCoding": {"system": "http://loinc.org", "code": "2339-0"}}, {"valueInteger": 5}, {},
                {"valueMeta": {"tag": [{"system": "urn:a", "code": self.odd()}]}}, {"valueDate": chance.choice(DATES)},
            ))  # fmt: skip
            if name in ("resource", "valueSet"):
                value = {"resource": self.resource(rtype)}
            found.append({"name": name} | value)
        made = {"resourceType": "Parameters", "parameter": found}
        return of_value(made, chance) if found and chance.random() < 0.2 else made

    def bundle(self) -> Json:
        """A transaction or a batch whose entries are requests of this grammar."""
        chance = self.chance
        entries = []
        for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
            rtype = self.rtype()
            method = chance.choice(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))
            address = rtype
            if method != "POST" and chance.random() < 0.7:
                address += f"/{self.id(rtype)}"
            if method == "GET" and chance.random() < 0.2:
                address += chance.choice(
                    ("/_history", "/_history/1", "/$everything", "/$meta", "/" + self.rtype())
                )
            if chance.random() < (0.5 if "/" not in address else 0.05):
                address += f"?{self.query(rtype, '/{rtype}', method)[:5000]}"
            request: Json = {"method": method, "url": address}
            for name, of in (("ifMatch", "if-match"), ("ifNoneMatch", "if-none-match"),
                             ("ifNoneExist", "if-none-exist"), ("ifModifiedSince", "if-modified-since")):  # fmt: skip
                if chance.random() < 0.08:
                    request[name] = chance.choice(HEADERS[of] if chance.random() < 0.8 else DATES)
            entry: Json = {"request": request}
            if chance.random() < 0.5:
                entry["fullUrl"] = chance.choice(
                    (f"urn:uuid:{self.uuid()}", "urn:uuid:x", "http://x/y", "x", self.odd())
                )
            if method in ("POST", "PUT"):
                entry["resource"] = self.resource(rtype)
                if method == "PUT":
                    entry["resource"]["id"] = address.split("?")[0].rpartition("/")[2]
            elif method == "PATCH":
                entry["resource"] = self.path_patch()
                if chance.random() < 0.5:
                    data = base64.b64encode(text([self.json_patch()], chance)).decode()
                    kind = {"contentType": "application/json-patch+json", "data": data}
                    entry["resource"] = {"resourceType": "Binary"} | kind
            entries.append(entry)
        if len(entries) > 1 and chance.random() < 0.3:  # one points to another
            first = entries[0].setdefault("fullUrl", f"urn:uuid:{self.uuid()}")
            entries[-1]["resource"] = observation(first) | {"derivedFrom": [{"reference": first}]}
        made = bundle(
            *entries,
            kind=chance.choice(("transaction", "batch", "batch", "transaction", "x", "document")),
        )
        return of_value(made, chance) if chance.random() < 0.15 else made
