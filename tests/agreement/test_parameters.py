# SPDX-License-Identifier: EUPL-1.2
"""Every parameter of every type: the SQL finds what a plain search through FHIRPath finds.

The reference evaluates a parameter's whole expression on each resource and compares what comes out by
R4's own words, with no SQL, no hashes and nothing of carnet.fhir.search but the readings of dates and
units, which have tests of their own. Questions are made from what stands in the resources, so that each
has an answer, and from their neighbours, so that many do not.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carnet.fhir import dates, json, paths, ucum
from carnet.fhir.definitions import SearchParameter, load
from carnet.fhir.search import sql as search_sql
from carnet.fhir.search.own import Catalogue
from carnet.fhir.search.parse import Parser
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import Admits, Scope
from carnet.fhir.store import write
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.rows import New
from carnet.postgres.cluster import DATABASE, Cluster
from tests.agreement.test_search import compares, plain
from tests.fhir import generate
from tests.space import clone

Json = dict[str, Any]
Pair = tuple[str | None, str]
RECORD, KIND = 7, 1
UCUM = "http://unitsofmeasure.org"
READABLE = (
    "Patient RelatedPerson Person Practitioner PractitionerRole Organization HealthcareService"
    " Location Endpoint"
).split()
NOW = datetime(2026, 11, 22, tzinfo=UTC)
UNITS: tuple[Json, ...] = (
    {"system": UCUM, "code": "mg", "unit": "mg"}, {"system": UCUM, "code": "g", "unit": "gramme"},
    {"system": UCUM, "code": "mmol/L"}, {"unit": "mg"}, {"system": "urn:u", "code": "mg"}, {},
)  # fmt: skip
VALUES = ("1", "1.0", "0.5", "500", "99.5", "100", "100.5", "0.1", "-2", "1000")

# ------------------------------------------------------------------ what is stored


def sprinkled(rng: Random, value: Any) -> Any:
    """The same with amounts, codes and texts that meet in several resources."""
    if isinstance(value, list):
        return [sprinkled(rng, each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: sprinkled(rng, each) for name, each in value.items()}
    if isinstance(made.get("value"), (int, Decimal)) and not isinstance(made["value"], bool):
        kept = {k: v for k, v in made.items() if k in ("comparator", "currency")}
        return (
            kept
            | {"value": Decimal(rng.choice(VALUES))}
            | (rng.choice(UNITS) if "currency" not in kept else {})
        )
    if "latitude" in made and "longitude" in made:
        return {
            "latitude": Decimal(rng.choice(("48.85", "48.9", "0"))),
            "longitude": Decimal(rng.choice(("2.35", "2.4", "180"))),
        }
    if isinstance(made.get("code"), str) and made["code"].startswith("code-"):
        made["code"] = rng.choice("abc")
    if made.get("coding"):
        made["coding"] = [
            {"system": "urn:s", "code": rng.choice("abc")} | (each or {}) for each in made["coding"]
        ]
    if "start" in made and "end" in made:  # they may be the wrong way round
        del made["end"]
    if isinstance(made.get("display"), str):
        made["display"] = rng.choice(("Glycémie à jeun", "Glucose", "glyc"))
    return made


def generated(seed: str, per_type: int, kinds: Iterable[str]) -> list[Json]:
    found = []
    for kind in kinds:
        for number in range(per_type):
            rng = Random(f"{seed} {kind} {number}")
            found.append(sprinkled(rng, generate.resource(rng, kind)))
    return found


# ------------------------------------------------------------------ the reference


@dataclass
class Values:
    """What one resource has for one parameter."""

    there: bool = False
    tokens: list[Pair] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)  # tokens whose system a binding implies
    texts: list[str] = field(default_factory=list)
    typed: list[tuple[str | None, str, str]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    amounts: list[tuple[Fraction | float, Fraction | float, Json]] = field(default_factory=list)
    uris: list[str] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)
    tuples: list[tuple[Values, ...]] = field(default_factory=list)


path = cache(paths.path)


@cache
def compiled(text: str) -> paths.Run:
    return paths.compiled(paths.read(text))


def values(parameter: SearchParameter, resource: Json) -> Values:
    return of_items(parameter, path(parameter.expression)(resource), resource)


def of_items(parameter: SearchParameter, items: paths.Items, resource: Json) -> Values:
    out = Values()
    for kind, value, _ in items:
        if value is None or (isinstance(value, dict) and set(value) <= {"id", "extension"}):
            continue
        out.there = True
        READERS[parameter.type](kind, value, out)
    if parameter.type == "composite":
        known = {each.url: each for each in load().params[resource["resourceType"]].values()}
        frame = paths.Frame(paths.model(), (resource["resourceType"], resource, None))
        for item in items:
            parts = []
            for component in parameter.components:
                run = compiled(component.expression.replace("DateTime", "dateTime"))
                parts.append(of_items(known[component.definition], run([item], frame), resource))
            if all(map(filled, parts)):
                out.tuples.append(tuple(parts))
        out.there = bool(out.tuples)
    return out


def filled(part: Values) -> bool:
    return bool(
        part.tokens or part.codes or part.targets or part.strings or part.spans or part.amounts
    )


def token(kind: str, value: Any, out: Values) -> None:
    match kind:
        case "code":
            out.codes.add(value)
        case "Coding":
            codings(value, out)
        case "CodeableConcept":
            if value.get("text"):
                out.texts.append(value["text"])
            for each in value.get("coding", []):
                codings(each, out)
        case "Identifier":
            if value.get("type", {}).get("text"):
                out.texts.append(value["type"]["text"])
            if "value" in value:
                out.tokens.append((value.get("system"), value["value"]))
                for each in value.get("type", {}).get("coding", []):
                    if "code" in each:
                        out.typed.append((each.get("system"), each["code"], value["value"]))
        case "ContactPoint":
            if "value" in value:
                out.tokens.append((None, value["value"]))
        case _ if not isinstance(value, dict):
            out.tokens.append((None, str(value).lower() if isinstance(value, bool) else value))


def codings(coding: Json, out: Values) -> None:
    if coding.get("display"):
        out.texts.append(coding["display"])
    if "code" in coding:
        out.tokens.append((coding.get("system"), coding["code"]))


def reference(kind: str, value: Any, out: Values) -> None:
    if kind in ("canonical", "uri"):
        if not value.startswith("#"):
            out.targets += [value, value.split("|")[0]]
    elif kind == "Reference":
        target = value.get("reference")
        if target and "?" not in target and target[0] != "#":
            out.targets.append(target.split("/_history/")[0])
    elif isinstance(value, dict) and "resourceType" in value and "id" in value:
        out.targets.append(f"{value['resourceType']}/{value['id']}")


def string(kind: str, value: Any, out: Values) -> None:
    names = {
        "HumanName": "text family given prefix suffix",
        "Address": "text line city district state postalCode country",
    }.get(kind)  # fmt: skip
    if names is None:
        out.strings.append(value)
        return
    for name in names.split():
        held = value.get(name, [])
        out.strings += [each for each in ([held] if isinstance(held, str) else held) if each]


def date(kind: str, value: Any, out: Values) -> None:
    if kind in ("date", "dateTime", "instant"):
        out.spans.append(dates.span(value))
    elif kind == "Period":
        if "start" in value or "end" in value:
            lo = dates.span(value["start"])[0] if "start" in value else dates.EARLIEST
            hi = dates.span(value["end"])[1] if "end" in value else dates.LATEST
            out.spans.append((lo, max(lo, hi)))
    elif kind == "Timing":
        inner = Values()
        for each in value.get("event", []):
            if each is not None:
                date("dateTime", each, inner)
        bounds = value.get("repeat", {}).get("boundsPeriod")
        if bounds:
            date("Period", bounds, inner)
        if inner.spans:
            out.spans.append((min(lo for lo, _ in inner.spans), max(hi for _, hi in inner.spans)))


def amount(kind: str, value: Any, out: Values) -> None:
    if kind in ("decimal", "integer"):
        out.amounts.append((Fraction(value), Fraction(value), {}))
    elif kind == "Range":
        low, high = value.get("low", {}), value.get("high", {})
        out.amounts.append(
            (Fraction(low["value"]) if "value" in low else -math.inf,
             Fraction(high["value"]) if "value" in high else math.inf, low or high)
        )  # fmt: skip
    elif kind == "SampledData":
        points = [
            Decimal(each)
            for each in value.get("data", "").split()
            if each[-1].isdigit() and _number(each)
        ]
        if points and "value" in value["origin"]:
            zero, factor = Fraction(value["origin"]["value"]), Fraction(value.get("factor", 1))
            them = [zero + Fraction(each) * factor for each in points]
            out.amounts.append((min(them), max(them), value["origin"]))
    elif "value" in value:
        number: Fraction | float = Fraction(value["value"])
        unit = value
        if kind == "Money":
            unit = {
                "system": "urn:iso:std:iso:4217",
                "code": value.get("currency"),
                "unit": value.get("currency"),
            }
        sign = value.get("comparator", " ")[0]
        out.amounts.append(
            (-math.inf if sign == "<" else number, math.inf if sign == ">" else number, unit)
        )


def _number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


def uri(kind: str, value: Any, out: Values) -> None:
    out.uris += [value, value.split("|")[0]] if kind == "canonical" else [value]


def special(kind: str, value: Any, out: Values) -> None:
    if "latitude" in value and "longitude" in value:
        out.points.append((float(value["latitude"]), float(value["longitude"])))


READERS: dict[str, Callable[[str, Any, Values], None]] = {
    "token": token, "reference": reference, "string": string, "date": date, "number": amount,
    "quantity": amount, "uri": uri, "special": special, "composite": lambda kind, value, out: None,
}  # fmt: skip

Test = Callable[[Values], bool]


def has_token(system: str | None, code: str | None) -> Test:
    """system None: any, "": none; code None: any."""

    def test(held: Values) -> bool:
        if system is None and code in held.codes:
            return True
        return any(
            (system is None or (each_system or "") == system) and code in (None, each)
            for each_system, each in held.tokens
        )

    return test


def has_span(prefix: str, span: tuple[datetime, datetime]) -> Test:
    return lambda held: any(compares(prefix, each, span) for each in held.spans)


def negation(of: Test) -> Test:
    return lambda held: not of(held)


@cache
def worth(code: str | None) -> ucum.Unit | None:
    """A unit of UCUM; None of what is not one."""
    try:
        return ucum.parse(code or "")
    except ucum.NotUcum:
        return None


def has_amount(prefix: str, text: str, unit: str = "") -> Test:
    number = Fraction(Decimal(text))
    digits = len(text.split(".")[1]) if "." in text else 0
    half = Fraction(1, 2 * 10**digits)

    def test(held: Values) -> bool:
        return any(one(*each) for each in held.amounts)

    def one(low: Any, high: Any, of: Json) -> bool:
        lo, v, hi = number - half, number, number + half
        if unit.startswith("||"):
            if unit[2:] not in (of.get("code"), of.get("unit")):
                return False
        elif unit:
            system, code = unit[1:].rsplit("|", 1)
            there = worth(code) if system == UCUM else None
            if of.get("system") != system:
                return False
            if there is not None:
                here = worth(of.get("code"))
                if here is None or here.dimensions != there.dimensions:
                    return False
                low, high = (
                    each
                    if isinstance(each, float)
                    else (each * here.factor + here.shift - there.shift) / there.factor
                    for each in (low, high)
                )
            elif of.get("code") != code:
                return False
        margin = max(abs(v) / 10, half)
        found: dict[str, bool] = {
            "eq": lo <= low and high < hi, "": lo <= low and high < hi, "ne": not (lo <= low and high < hi),
            "gt": high > v, "lt": low < v, "ge": high >= v, "le": low <= v, "sa": low > v, "eb": high < v,
            "ap": low <= v + margin and high >= v - margin,
        }  # fmt: skip
        return found[prefix]

    return test


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By the dot product: not the formula of the SQL."""
    (a, b), (c, d) = (tuple(map(math.radians, each)) for each in (one, other))
    dot = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return 6371 * math.acos(max(-1.0, min(1.0, dot)))


# ------------------------------------------------------------------ questions


@dataclass(frozen=True)
class Question:
    """A parameter as a URL has it, and what it finds."""

    name: str
    value: str
    test: Test


def escaped(text: str) -> str:
    for mark in "\\,|$":
        text = text.replace(mark, "\\" + mark)
    return text


def questions(
    rng: Random, rtype: str, parameter: SearchParameter, held: list[Values]
) -> Iterator[Question]:
    """Some questions on a parameter, most of them from what is held."""
    code = parameter.code
    there = [each for each in held if each.there]
    if parameter.type in ("token", "reference", "uri", "composite") or (
        parameter.type == "string" and rtype not in READABLE
    ):
        yield Question(f"{code}:missing", "true", lambda each: not each.there)
    else:
        yield Question(
            f"{code}:missing",
            "true",
            lambda each: not (each.spans or each.strings or each.amounts or each.points),
        )
    if not there:
        return
    some = rng.choice(there)
    for value, test in asked(rng, rtype, parameter, some):
        yield Question(code, value, test)
    if parameter.type == "token":
        yield from modified_tokens(rng, parameter, some)
    if parameter.type == "uri" and some.uris:
        yield from modified_uris(code, rng.choice(some.uris))
    if parameter.type == "string" and some.strings:
        text = rng.choice(some.strings)
        yield Question(f"{code}:exact", escaped(text), lambda each: text in each.strings)
        if rtype in READABLE and plain(text):
            part = plain(text)[rng.randrange(len(plain(text))) :].strip()
            if part:
                yield Question(
                    f"{code}:contains",
                    part,
                    lambda each: any(part in plain(t) for t in each.strings),
                )
    if parameter.type == "composite":
        known = {each.url: each for each in load().params[rtype].values()}
        of = [known[each.definition] for each in parameter.components]
        held_parts = rng.choice(some.tuples)
        made = [
            list(asked(rng, rtype, one, part)) for one, part in zip(of, held_parts, strict=True)
        ]
        if all(made):
            chosen = [rng.choice(each) for each in made]
            tests = [test for _, test in chosen]
            yield Question(
                code, "$".join(value for value, _ in chosen),
                lambda each: any(
                    all(test(part) for test, part in zip(tests, parts, strict=True)) for parts in each.tuples
                ),
            )  # fmt: skip


def asked(
    rng: Random, rtype: str, parameter: SearchParameter, some: Values
) -> Iterator[tuple[str, Test]]:
    """A value as a URL has it, without modifier, and what it finds."""
    match parameter.type:
        case "token" if some.tokens:
            system, code = rng.choice(some.tokens)
            yield escaped(code), has_token(None, code)
            yield f"{escaped(system or '')}|{escaped(code)}", has_token(system or "", code)
            if system:
                yield f"{escaped(system)}|", has_token(system, None)
        case "token" if some.codes:
            code = sorted(some.codes)[0]
            yield escaped(code), has_token(None, code)
        case "reference" if some.targets:
            target = rng.choice(some.targets)
            yield escaped(target), lambda each: target in each.targets
        case "string" if some.strings and plain(some.strings[0]):
            text = plain(some.strings[0])
            start = text[: rng.randrange(1, min(len(text), 40) + 1)].strip()
            yield start, lambda each: any(plain(t).startswith(start) for t in each.strings)
        case "date" if some.spans:
            lo, hi = rng.choice(some.spans)
            moment = lo if lo != dates.EARLIEST else hi
            if moment != dates.LATEST:
                text = rng.choice((moment.strftime("%Y-%m-%d").rjust(10, "0"), f"{moment.year:04}"))
                span = dates.span(text)
                for prefix in rng.sample(["", "ne", "gt", "lt", "ge", "le", "sa", "eb"], 3):
                    yield (
                        prefix + text,
                        has_span(prefix, span),
                    )
        case "number" | "quantity" if some.amounts:
            low, high, of = rng.choice(some.amounts)
            number = next(
                (each for each in (low, high) if not isinstance(each, float)), Fraction(1)
            )
            text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
            units = [""]
            if parameter.type == "quantity":
                units += [
                    f"||{each}"
                    for each in (of.get("unit"), of.get("code"))
                    if each and each.isalnum()
                ]
                if of.get("system") == UCUM and of.get("code") in ("mg", "g"):
                    units += [f"|{UCUM}|g", f"|{UCUM}|mg", f"|{UCUM}|kg"]
                elif of.get("system") == "urn:u":
                    units.append("|urn:u|mg")
            for unit in units:
                for prefix in rng.sample(
                    ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"], 3
                ):
                    yield prefix + text + unit, has_amount(prefix, text, unit)
        case "uri" if some.uris:
            address = rng.choice(some.uris)
            yield escaped(address), lambda each: address in each.uris
        case "special" if some.points:
            point = rng.choice(some.points)
            far = rng.choice((1.0, 4.0, 7.0, 10_000.0))
            yield (
                f"{point[0]}|{point[1]}|{far}",
                lambda each: any(distance(point, other) <= far for other in each.points),
            )


def modified_tokens(rng: Random, parameter: SearchParameter, some: Values) -> Iterator[Question]:
    code = parameter.code
    for value, test in asked(rng, "", parameter, some):
        yield Question(f"{code}:not", value, negation(test))
    if some.texts:
        text = plain(rng.choice(some.texts))
        start = text[: rng.randrange(1, min(len(text), 20) + 1)].strip() if text else ""
        if start:
            yield Question(
                f"{code}:text",
                start,
                lambda each: any(plain(t).startswith(start) for t in each.texts),
            )
    if some.typed:
        system, kind, value = rng.choice(some.typed)
        asked_for = f"{escaped(system or '')}|{escaped(kind)}|{escaped(value)}"
        yield Question(
            f"{code}:of-type", asked_for,
            lambda each: any(
                (not system or s == system) and (k, v) == (kind, value) for s, k, v in each.typed
            ),
        )  # fmt: skip


def modified_uris(code: str, address: str) -> Iterator[Question]:
    if "://" not in address:
        return
    above = address.rsplit("/", 1)[0] if address.count("/") > 2 else address
    yield Question(
        f"{code}:below", escaped(above),
        lambda each: any(held.rstrip("/") == above or held.startswith(above + "/") for held in each.uris),
    )  # fmt: skip
    under = address + "/a/b"
    yield Question(
        f"{code}:above", escaped(under),
        lambda each: any(
            under.startswith(held.rstrip("/") + "/") for held in each.uris if "://" in held
        ),
    )  # fmt: skip


# ------------------------------------------------------------------ asking the database


@dataclass
class Server:
    """What is stored, and the statements of the search compiler on it."""

    conn: psycopg.AsyncConnection[Any]
    resources: dict[int, Json] = field(default_factory=dict)
    asked: int = 0
    found: Counter[str] = field(default_factory=Counter)  # answers by type of parameter

    def __post_init__(self) -> None:
        self.definitions = load()
        self.owners = Owners(self.definitions)
        self.hasher = Hasher(b"k" * 32)
        self.catalogue = Catalogue(self.definitions)
        self.indexer = Indexer(self.definitions, self.owners, self.hasher, self.catalogue)
        self.ids = Ids(b"i" * 16, lambda: NOW, Random(1).getrandbits)
        self.parser = Parser(
            self.definitions, self.ids, Cursors(b"c" * 64), self.owners, "https://carnet.test/fhir", 50, 5000
        )  # fmt: skip

    async def store(self, resources: list[Json]) -> None:
        now = await self.conn.execute("SELECT max(number) FROM search.generation")
        ((self.catalogue.generation,),) = await now.fetchall()
        rows = []
        for number, resource in enumerate(resources, 1):
            self.resources[number] = resource
            rows.append(
                New(
                    RECORD, number, resource["resourceType"],
                    self.definitions.types[resource["resourceType"]], f"r{number}", 1, KIND, 0,
                    None, None, None, b"{}", self.indexer.index(resource),
                )
            )  # fmt: skip
        for at in range(0, len(rows), 500):
            await write.insert(
                self.conn, rows[at : at + 500], {RECORD: AESGCM(b"a" * 32)}, self.hasher, NOW
            )
        await self.conn.execute("ANALYZE record.resource, record.idx_number, record.idx_date")

    async def search(self, rtype: str, name: str, value: str) -> set[int]:
        query = replace(self.parser.parse(rtype, [(name, value)]), count=100_000, compartments=None)
        number, principal = self.definitions.types[rtype], self.owners.principal(rtype)
        place = Place(rtype, number, self.hasher, self.ids, principal, lambda: NOW)
        scope = Scope((Admits((RECORD,), (KIND,), 0),))
        text, given = search_sql.matches(query, scope, place)
        cursor = await self.conn.execute(text.encode(), given)
        return {row[1] for row in await cursor.fetchall()}

    async def agree(self, rng: Random, rtype: str, parameter: SearchParameter) -> list[str]:
        """The questions that the SQL answers otherwise than the reference."""
        them = {n: each for n, each in self.resources.items() if each["resourceType"] == rtype}
        held = {number: values(parameter, each) for number, each in them.items()}
        if parameter.code == self.owners.principal(rtype):
            for each in held.values():  # one span a resource
                if each.spans:
                    each.spans = [
                        (min(lo for lo, _ in each.spans), max(hi for _, hi in each.spans))
                    ]
        wrong = []
        for question in questions(rng, rtype, parameter, list(held.values())):
            expected = {number for number, each in held.items() if question.test(each)}
            got = await self.search(rtype, question.name, question.value)
            self.asked += 1
            if ":missing" not in question.name:
                self.found[parameter.type] += len(expected)
            if got != expected:
                wrong.append(
                    f"{rtype}?{question.name}={question.value}: {sorted(got)} not {sorted(expected)}"
                )
        return wrong


def parameters(rtype: str) -> list[SearchParameter]:
    return [
        each
        for each in load().params[rtype].values()
        if each.expression
        and each.code not in ("_id", "_lastUpdated")
        and (each.type != "special" or each.code == "near")
    ]


async def asked_all(url: str, resources: list[Json], seed: str) -> Server:
    """Every parameter of every type that is there."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        server = Server(conn)
        await server.store(resources)
        wrong = []
        for rtype in sorted({each["resourceType"] for each in resources}):
            for parameter in parameters(rtype):
                wrong += await server.agree(
                    Random(f"{seed} {rtype} {parameter.code}"), rtype, parameter
                )
        assert not wrong, "\n".join(wrong[:20]) + f"\n{len(wrong)} in all"
        return server


ALWAYS = (
    "DocumentReference Group Location MolecularSequence Observation Patient PlanDefinition"
    " RiskAssessment"
).split()


@pytest.mark.slow
def test_every_parameter_finds_what_a_plain_search_finds(cluster: Cluster) -> None:
    """Eight types that have every kind of parameter, and a few of the others, other ones each day."""
    day = os.environ.get(
        "CARNET_SEED", "0" if os.environ.get("CI") == "true" else str(datetime.now(UTC).date())
    )
    others = sorted(set(load().types) - set(ALWAYS))
    kinds = [*ALWAYS, *Random(day).sample(others, 12)]
    with clone(cluster, DATABASE) as name:
        made = generated(day, 12, kinds)
        server = asyncio.run(asked_all(cluster.url(database=name), made, day))
    assert server.asked > 500 and all(server.found[kind] for kind in READERS)


@pytest.mark.slow
def test_what_hl7_shows_is_found_by_every_parameter(cluster: Cluster, peers: Path) -> None:
    """HL7's own examples, a part of them each type."""
    chosen: dict[str, list[Json]] = {}
    for file in sorted((peers / "hl7.fhir.r4.examples").glob("*-*.json")):
        rtype = file.name.partition("-")[0]
        them = chosen.setdefault(rtype, [])
        if rtype in load().types and len(them) < (12 if rtype in ALWAYS else 1):
            them.append(json.parse(file.read_bytes()))
    with clone(cluster, DATABASE) as name:
        resources = [each for them in chosen.values() for each in them]
        server = asyncio.run(asked_all(cluster.url(database=name), resources, "hl7"))
    assert server.asked > 500 and all(server.found[kind] for kind in READERS)
