# SPDX-License-Identifier: EUPL-1.2
"""Requests from a seed, over every route, method, header, parameter, modifier and odd value of the API.

`Grammar.next` makes one request; `judged` says what is wrong with its answer; `run` is a share of the
campaign. Most requests are right but for a place or two: what is refused at the door tries nothing behind it.
"""
# ruff: noqa: E501  (an attack reads on one line)

from __future__ import annotations

import asyncio
import base64
import copy
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

import structlog

from carnet.fhir.definitions import Definitions, load
from carnet.rest.routes import ROUTES
from tests import people
from tests.agreement.worlds import campaigning, quickly
from tests.fhir.generate import resource as generated
from tests.hostile.corpus import json as hostile
from tests.hostile.fuzz.mutate import of_value
from tests.rest.samples import LAB, bundle, observation
from tests.space import FHIR, Answer, Clock, Peopled, Space, build, clone, pattern

Json = dict[str, Any]
PERSONAS: Final = ((LAB, 20), ("patient", 10), ("gp", 8), ("hospital-software", 4), ("outsider", 2),
                   ("operator", 2), ("nurse", 2), (None, 1), ("wrong", 1))  # fmt: skip
RENEWED: Final = 400  # requests that a token serves for
KEPT: Final = 40  # ids of a type

# ------------------------------------------------------------------------------- values

ODD: Final = (
    "", " ", "\0", "a\0b", "%", "%2", "\u202e", "é", "🦠" * 20, "\ufffe", "'", '"', "';--", "\\", "\\\\", "\\,",
    "|", "||", "a|", "|a", "a|b|c", "$", "$$", "a$b", ",", ",,,", ":", "/", "//", "..", "../..", "?", "#", "&",
    "0", "-0", "-1", "1", "1.", ".1", "+1", "1e5", "1E-5", "1e400", "1e-400", "NaN", "inf", "Infinity", "0x10",
    "٣", "１２", "1_000", "9" * 30, "9" * 400, "0." + "1" * 400, "1e" + "9" * 30, "-" + "9" * 20,
    "2147483648", "9223372036854775808", "true", "false", "null", "None", "undefined", "*", "a:*", "{}", "[]",
    "a" * 3000, "," * 600, "a," * 501, "|" * 2000, "(" * 500, "not " * 300, "urn:uuid:", "urn:oid:1", "http://",
    "https://example.org/fhir/Patient/1", "Patient/", "/Patient/a", "Patient/a/_history/1", "Patient/a,b",
    "Patient?identifier=a|b", "javascript:alert(1)", "${jndi:ldap://127.0.0.1/a}", "{{7*7}}", "%s%n", "\r\n a: b",
)  # fmt: skip
DATES: Final = (
    "2020", "2020-01", "2020-01-02", "2020-01-02T03:04", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05.123+01:00",
    "0000", "0001", "9999", "10000", "-0001", "2020-00", "2020-13", "2020-02-30", "2020-01-02T24:00:00Z",
    "2020-01-02T23:59:60Z", "2020-01-02T03:04:05+99:99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2020-1-2", "20200102", "２０２０", "2020-01-02T03:04:05 01:00", "2020-01-02T", "2020-W01", "now", "today",
    "1900-02-29", "0001-01-01", "9999-12-31", "2020-01-02T03:04:05.1234567890123Z",
)  # fmt: skip
PREFIXES: Final = ("", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "xx", "EQ", "gele")
NUMBERS: Final = (
    "0", "1", "5.40", "1e3", "-7", "100.000", "1e300", "1e-300", "1e301", "0.0000000000000000001",
    "123456789012345678901234567890", "5|http://unitsofmeasure.org|mg", "5||mg", "5|mg", "5|a|b|c",
    "5|http://unitsofmeasure.org|", "5|http://unitsofmeasure.org|10*400.m", "1|http://unitsofmeasure.org|[degF]",
)  # fmt: skip
MODIFIERS: Final = (
    "", "", "", "", "exact", "contains", "text", "not", "missing", "in", "not-in", "above", "below", "identifier",
    "of-type", "iterate", "Patient", "Observation", "Nothing", "x", "", "missing:missing", "\0",
)  # fmt: skip
CODES: Final = (
    "http://loinc.org|2339-0", "2339-0", "|2339-0", "http://loinc.org|", "final", "a|b", "http://snomed.info/sct|1",
    "http://hl7.org/fhir/ValueSet/observation-status", "http://nowhere.example/ValueSet/x", "SB|urn:a|1",
)  # fmt: skip
FILTERS: Final = (
    "code eq 2339-0", "status eq final and date gt 2020", "not (status eq final)", "subject.name co a",
    "date ge 2020 or (code eq a and not status eq b)", "_id eq a", "_lastUpdated gt 2020", "code in http://x",
    "subject:Patient.birthdate lt 1950", "value-quantity gt 5", "date eq x", "code eq", "eq", "(((", "a eq b)",
    'code eq "a', "status pr true", "subject re Patient/a", "code ss http://loinc.org|1", "not not status eq a",
    "date po 2020", "subject[name co a].gender eq x", "status zz final", "has eq x", "status eq 'a'",
)  # fmt: skip
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "accept": (FHIR, "application/json", "*/*", "application/fhir+xml", "text/html", "a", "", "*", ",,,;;;q=",
               "application/fhir+json;fhirVersion=4.0", "application/fhir+json;fhirVersion=5.0",
               "application/fhir+json;q=0", "application/octet-stream", "text/plain;charset=\"", "x" * 5000),
    "if-match": ('W/"1"', '"1"', "1", "*", 'W/"0"', 'W/"99999999999"', 'W/"-1"', 'W/"1", W/"2"', "W/", ""),
    "if-none-match": ('W/"1"', "*", 'W/"1", W/"2"', "x", "", 'W/"٣"', "," * 3000),
    "if-modified-since": ("Sun, 22 Nov 2026 08:00:00 GMT", "2026", "Mon, 99 Foo 0000 99:99:99 XXX", "",
                          "Sun, 22 Nov 99999 08:00:00 GMT", "Sun, 22 Nov 2026 08:00:00 +9999", "1", "0" * 400,
                          "Sun, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
    "if-none-exist": ("identifier=a|b", "_id=a", "?identifier=a|b", "status=final&code=a", "", "a", "_count=1",
                      "identifier=%00", "identifier=%ff", "code:not=a", "subject.name=a", "_filter=a eq b",
                      "x=y&" * 100, "_has:Observation:subject:code=1", "date=2020"),
    "prefer": ("return=minimal", "return=representation", "return=OperationOutcome", "handling=lenient",
               "handling=strict, return=x", "respond-async", "return", "=", "handling=strict", ",;,;=", "a=b" * 800),
    "content-type": (FHIR, "application/json", "application/json-patch+json", "application/fhir+xml", "text/plain",
                     "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a", "/",
                     "application/fhir+json; charset=latin-1", 'application/fhir+json; charset="', "image/png",
                     "application/json; charset=utf-8; charset=utf-16", "application/fhir+ndjson", "é/é"),
    "content-encoding": ("identity", "gzip", "br", "identity, gzip", "", "x"),
    "content-length": ("0", "1", "-1", "99999999999999999999999", "a", "٣", "+5", " 7"),
    "authorization": ("Basic YTpi", "Bearer", "Bearer ", "bearer x", "Bearer a.b.c", "Bearer " + "a" * 9000,
                      "Bearer é", "Digest x", "", "Bearer eyJhbGciOiJub25lIn0.e30."),
    "host": ("", "x", "evil.example", "[::1", "a:99999", "a b"),
    "x-forwarded-proto": ("https", "javascript", ""),
    "x-request-id": ("x", "a" * 5000, "\x7f"),
    "accept-encoding": ("gzip", "br", "identity;q=0", "*;q=0", ""),
    "accept-language": ("fr", "en;q=x", "*", "a" * 3000),
    "range": ("bytes=0-1", "bytes=-1", "bytes=9-1", "x"),
    "x-security-context": ("Patient/a", "x", ""),
    "expect": ("100-continue", "x"),
    "cookie": ("a=b", "sessionid=" + "x" * 4000, "\xff"),
}  # fmt: skip
RESULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "_count": ("0", "1", "2", "1000", "99999999999", "-1", "a", "1.5", "٣", "0x1", "+1", "9" * 5000),
    "_sort": ("date", "-date", "_lastUpdated", "-_id", "code,-date", "x", "-", ",", "date:exact", "--date", "near"),
    "_total": ("none", "estimate", "accurate", "x", "true"),
    "_summary": ("true", "false", "text", "data", "count", "x"),
    "_elements": ("status", "code,subject", "x", ",", "Observation.status", "value", "id", "status.x", "*"),
    "_cursor": ("x", "AAAA", "", "." * 3000, "eyJ9", "MA==", "é"),
    "_include": ("*", "Observation:subject", "Observation:subject:Patient", "Observation:*", "x", ":", "::",
                 "Patient:general-practitioner", "Observation:code", "Observation:subject:Nothing"),
    "_include:iterate": ("Observation:subject", "*", "Patient:link", "Observation:derived-from"),
    "_revinclude": ("Provenance:target", "Observation:subject", "*", "x", "DiagnosticReport:result"),
    "_revinclude:iterate": ("Observation:has-member", "Provenance:target"),
    "_format": ("json", "xml", "application/fhir+json", "application/fhir json", "html", "x", ""),
    "_pretty": ("true", "false", "x"),
    "_filter": FILTERS,
    "_lastUpdated": DATES,
    "_id": ("a", "a,b", "x" * 65, "é", ",", "1", "-"),
    "_tag": CODES, "_security": CODES, "_profile": CODES, "_source": CODES,
    "_text": ("a",), "_content": ("a",), "_list": ("a", "$current-problems"), "_query": ("a",), "_type": ("Patient",),
    "_contained": ("true", "both"), "_containedType": ("container",), "_since": DATES, "_at": DATES,
    "_outputFormat": ("ndjson", "x"), "_typeFilter": ("Observation?status=final", "x?", "?"), "_score": ("1",),
    "_has": ("a",), "_has:Observation:subject:code": CODES, "_has:Observation:patient:_has:x": ("a",),
    "_has:Observation:subject:_has:Provenance:target:agent": ("a",), "_has:x:y": ("a",), "_has:::": ("a",),
    "subject:Patient.name": ("a", "é", "\\"), "subject.birthdate": DATES, "subject.general-practitioner.name": ("a",),
    "a.b.c.d.e.f.g": ("a",), "subject:Nothing.name": ("a",), "subject.": ("a",), ".": ("a",), "subject:.name": ("a",),
    "mode": ("full", "x"), "start": DATES, "end": DATES, "url": CODES, "system": CODES, "code": CODES,
    "filter": ("a", "é"), "offset": ("0", "-1", "9" * 30), "count": ("0", "5", "-1", "9" * 30), "profile": CODES,
}  # fmt: skip
METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
)
OFTEN: Final = {
    ("/", "POST"): 14, ("/{rtype}", "GET"): 30, ("/{rtype}/_search", "POST"): 8, ("/{rtype}", "POST"): 14,
    ("/{rtype}", "PUT"): 4, ("/{rtype}", "PATCH"): 3, ("/{rtype}", "DELETE"): 2, ("/{rtype}/{id}", "GET"): 6,
    ("/{rtype}/{id}", "PUT"): 10, ("/{rtype}/{id}", "PATCH"): 14, ("/{rtype}/{id}", "DELETE"): 1,
    ("/{compartment}/{id}/{rtype}", "GET"): 5,
}  # fmt: skip
OPERATIONS: Final = (
    "$everything", "$validate", "$meta", "$meta-add", "$meta-delete", "$expand", "$lookup", "$validate-code",
    "$subsumes", "$translate", "$export", "$import", "$document", "$lastn", "$match", "$hide", "$graphql", "$", "$$",
    "$\0", "$everything/", "$x",
)  # fmt: skip
PATHS: Final = (
    "", "x", "Observation", "/status", "/note/-", "/note/0", "/note/99999999999999999999", "/code/coding/0/code",
    "/~2", "/~", "/a~1b", "/subject/reference", "/id", "/meta", "/meta/versionId", "/resourceType", "/-", "//",
    "Observation.status", "Observation.note[0]", "Observation.code.coding", "Observation.subject", "Patient.name",
    "Observation.id", "Observation.where(true)", "Observation.descendants()", "%resource", "1/0", "((", "é",
    "Observation.note.where(text='a').first().text", "Observation.repeat(children())", "iif(true,1,2)",
    "Observation.status.matches('(a+)+$')", "'a'.replaceMatches('(a*)*b','')", "Observation." * 300 + "x",
)  # fmt: skip


def raw(value: str, chance: Random) -> str:
    """A value as an address has it: escaped, half escaped, or not at all."""
    turn = chance.random()
    if turn < 0.85:
        return quote(value, safe="" if turn < 0.5 else ",|:$/", errors="surrogatepass")
    if turn < 0.9:
        return quote(value, safe="") + chance.choice(
            ("%", "%zz", "%ff", "%00", "%c0%80", "%ed%a0%80", "%u0041")
        )
    return value


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
            return chance.choice(list(_bodies().values()))
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
            made = json.loads(_plain(generated(chance, rtype, depth=chance.choice((1, 2)))))
            if chance.random() < 0.6:
                made = _about(made, f"Patient/{self.known.patient}")
        else:
            made = copy.deepcopy(chance.choice(list(_resources().values())))
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


def text(value: Any, chance: Random) -> bytes:
    """JSON, its characters escaped or not; sometimes cut."""
    made = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return made if chance.random() < 0.98 else made[: chance.randrange(len(made) + 1)]


def _plain(made: Json) -> str:
    return json.dumps(made, default=float)  # a Decimal


def _about(value: Any, patient: str) -> Any:
    """The same, about somebody who is there."""
    if isinstance(value, list):
        return [_about(each, patient) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("reference"), str):
        return {
            "reference": patient
            if value.get("type", "Patient") == "Patient"
            else f"{value['type']}/a"
        }
    return {key: _about(each, patient) for key, each in value.items()}


EXTREMES: Final = (
    0,
    -1,
    1,
    10**17,
    2**63,
    1e300,
    -1e300,
    1e-300,
    0.1,
    5.40,
    123456789012345678901234567890,
)


def extreme(value: Any, chance: Random, name: str = "") -> Any:
    """The same shape, some of its values at the ends of what their types hold."""
    if isinstance(value, dict):
        return {key: extreme(each, chance, key) for key, each in value.items()}
    if isinstance(value, list):
        return [extreme(each, chance, name) for each in value]
    if name in ("resourceType", "status", "reference") or chance.random() < 0.7:
        return value
    if isinstance(value, str):
        if re.fullmatch("[0-9]{4}-[0-9-]{2,5}", value):
            return chance.choice(("0001-01-01", "9999-12-31", "2024-02-29", "0001", "9999"))
        if re.match("[0-9]{4}-.*T", value):
            return chance.choice(("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2016-12-31T23:59:60Z",
                                  "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"))  # fmt: skip
        return chance.choice((value * 50, "é" * 3000, "\u202e" + value, "a|b", "x,y\\,z", "$", "%00", value + "\u0300" * 400,
                              "\U0010ffff", "ﬁİß", "x" * 60_000))  # fmt: skip
    if isinstance(value, bool) or value is None:
        return value
    return chance.choice(EXTREMES)


@cache
def _bodies() -> dict[str, bytes]:
    return {name: body for name, body in hostile.bodies().items() if len(body) < 200_000}


@cache
def _resources() -> dict[str, Any]:
    return {name: made for name, made in hostile.resources().items() if len(str(made)) < 50_000}


# ----------------------------------------------------------------------------- the answer


@cache
def secrets() -> tuple[str, ...]:
    """What only records hold: numbers and names of the cast."""
    found = set()
    for person in people.POPULATION.people:
        for each in (
            getattr(person, "ins", None),
            getattr(person, "birth_name", None),
            getattr(person, "name", None),
        ):
            if isinstance(each, str) and len(each) > 5:
                found.add(each)
    return tuple(sorted(found))


TRACES: Final = (
    b"Traceback",
    b"psycopg",
    b'File \\"',
    b"/carnet/",
    b".py:",
    b"SELECT ",
    b"site-packages",
)


def judged(sent: Sent, answer: Answer) -> str | None:
    """What is wrong with an answer; None for nothing."""
    status, kind = answer.status, answer.headers.get("content-type", "")
    if status >= 500:
        return f"{status}: {answer.body[:400]!r}"
    if not 200 <= status < 500:
        return None if status == 304 and not answer.body else f"status {status}"
    asked = unquote(sent.path) + str(sent.headers) + sent.body[:300_000].decode("utf-8", "replace")
    if status >= 400:
        if sent.method == "HEAD":
            return None
        if not kind.startswith(FHIR):
            return f"{status} of {kind!r}: {answer.body[:200]!r}"
        found = answer.json
        if found.get("resourceType") != "OperationOutcome" or not found.get("issue"):
            return f"{status} without an outcome: {answer.body[:200]!r}"
        if any(not each.get("diagnostics") for each in found["issue"]):
            return f"{status} without a sentence: {answer.body[:300]!r}"
        for trace in TRACES:
            if trace in answer.body and trace.decode() not in asked:
                return f"{status} tells {trace!r}: {answer.body[:400]!r}"
    if status >= 400 or sent.who is None:
        for each in secrets():
            if each.encode() in answer.body and each not in asked:
                return f"{status} tells what is in a record: {answer.body[:400]!r}"
    if kind.startswith(FHIR) and answer.body and status < 300:
        found = answer.json
        for entry in found.get("entry", ()):
            if str(entry.get("response", {}).get("status", "")).startswith("5"):
                return f"an entry of {entry['response']!r:.400}"
    return None


# ------------------------------------------------------------------------------- a run


@dataclass
class Fuzzed:
    """What a run saw."""

    seed: int = 0
    requests: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    slow: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __add__(self, other: Fuzzed) -> Fuzzed:
        """Two runs as one."""
        return Fuzzed(
            min(self.seed, other.seed), self.requests + other.requests, self.seconds + other.seconds,
            self.statuses + other.statuses, self.slow + other.slow, self.faults + other.faults,
        )  # fmt: skip

    def __str__(self) -> str:
        statuses = dict(sorted(self.statuses.items()))
        return (
            f"seed {self.seed}: {self.requests:,} requests, {len(self.faults)} faults"
            f" in {self.seconds:.0f} s {statuses}"
        )


async def known(space: Space) -> Known:
    """What a space has to aim at."""
    ids: dict[str, list[str]] = {}
    seen: dict[str, dict[str, list[str]]] = {}
    for _ in range(KEPT // 2):
        made = observation(f"Patient/{space.patient_id()}", date="2020-01-02")
        assert (await space.post("Observation", made, as_=LAB)).status == 201
    for who in (LAB, "patient", "gp"):
        for rtype in load().params:
            answer = await space.get(f"{rtype}?_count={KEPT}", as_=who)
            found = [each["id"] for each in answer.entries] if answer.status == 200 else []
            if found:
                seen.setdefault(who, {})[rtype] = found
                ids.setdefault(rtype, []).extend(found)
    return Known(ids, space.patient_id(), seen)


class Caller:
    """Sends requests to an installation, each person with a token that is still good."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.sent = 0
        self._tokens: dict[str, str] = {}

    async def __call__(self, sent: Sent) -> Answer:
        """The answer of one request."""
        if self.sent % RENEWED == 0:
            self._tokens.clear()
        self.sent += 1
        headers = list(sent.headers)
        if sent.who is not None and not any(name == "authorization" for name, _ in headers):
            headers.append(("authorization", f"Bearer {await self._token(sent.who)}"))
        return await raw_asgi(self.space.app, sent, headers)

    async def _token(self, who: str) -> str:
        if who == "wrong":
            return "a.b.c"
        if who not in self._tokens:
            self._tokens[who] = await self.space.token(who)
        return self._tokens[who]


async def raw_asgi(app: Any, sent: Sent, headers: Sequence[tuple[str, str]]) -> Answer:
    """One request as a server would hand it on: bytes of the address as they came, path decoded."""
    path, _, query = sent.path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method,
        "scheme": "http", "path": unquote(path, errors="replace"), "root_path": "",
        "raw_path": path.encode("utf-8", "surrogateescape"), "query_string": query.encode("utf-8", "surrogatepass"),
        "headers": [(n.encode("latin-1"), v.encode("utf-8", "replace")) for n, v in headers],
        "client": ("127.0.0.1", 1), "server": ("carnet.test", 80),
    }  # fmt: skip
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": sent.body, "more_body": False}

    status, chunks = 0, []
    found: dict[str, str] = {}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            found.update((n.decode().lower(), v.decode("latin-1")) for n, v in message["headers"])
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, found, b"".join(chunks))


async def tried(
    space: Space, requests: int, seed: int, told: Callable[[str], None] = print
) -> Fuzzed:
    """So many requests to one installation, one after the other; `told` hears each fault at once."""
    grammar = Grammar(seed, await known(space), [*space.built.desk.acts.routes, *ROUTES])
    call, figures, started = Caller(space), Fuzzed(seed), time.perf_counter()
    for number in range(requests):
        sent = grammar.next()
        begun = time.perf_counter()
        try:
            answer = await call(sent)
            wrong = judged(sent, answer)
        except Exception as error:
            answer, wrong = Answer(0, {}, b""), f"{type(error).__name__}: {error!s:.300}"
        figures.requests += 1
        figures.statuses[answer.status] += 1
        took = time.perf_counter() - begun
        if took > 4:
            figures.slow.append(f"{took:.1f} s, {answer.status}: {sent}")
        if answer.status == 201 and (
            where := re.search(r"/fhir/(\w+)/([^/]+)", answer.headers.get("location", ""))
        ):
            held = grammar.known.seen.setdefault(sent.who or "", {}).setdefault(where[1], [])
            held[number % KEPT : number % KEPT + 1] = [where[2]]
        if wrong is not None:
            figures.faults.append(f"seed {seed}, request {number}: {wrong}\n    {sent}")
            told(figures.faults[-1])
    figures.seconds = time.perf_counter() - started
    return figures


async def _alone(peopled: Peopled, requests: int, seed: int) -> Fuzzed:
    """On an installation of its own."""
    with clone(peopled.cluster, peopled.name) as name:
        clock = Clock(peopled.at)
        built = await build(pattern(peopled.cluster, name), peopled.folder, clock, seed=11)
        try:
            space = Space(built, peopled.where, clock, peopled.cluster.url(database=name))
            figures = await tried(space, requests, seed)
            last = await space.get("Observation?_count=1", as_="patient")
            if last.status != 200:
                figures.faults.append(f"it no longer serves: {last.status}")
            return figures
        finally:
            await asyncio.wait_for(built.pool.close(), 30)


def run(requests: int, seed: int) -> Fuzzed:
    """A share of the campaign, on a server of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with campaigning("requests") as peopled:
        return quickly(_alone(peopled, requests, seed))
