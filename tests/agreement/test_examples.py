# SPDX-License-Identifier: EUPL-1.2
"""Real resources are found by every parameter that indexes them, and nothing else is found with them.

HL7's examples and Synthea's people, each asked for by its own values; what else answers is said by the
plain reference of test_parameters.py. A quick run takes some types and values of a seed, CARNET_WHOLE=1
all of them.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

import psycopg
import pytest

from carnet.fhir import dates, json
from carnet.fhir.definitions import SearchParameter, load
from carnet.postgres.cluster import DATABASE, Cluster
from tests.agreement import seeds
from tests.agreement.test_parameters import (
    READERS,
    Json,
    Question,
    Server,
    Values,
    escaped,
    has_amount,
    has_span,
    has_token,
    parameters,
    values,
)
from tests.agreement.test_search import plain
from tests.space import clone

WHOLE = os.environ.get("CARNET_WHOLE") == "1"
# Of a quick run: types, resources of one, values of one parameter.
TYPES, EACH, VALUES = 24, 10, 4
APART = frozenset(",|$\\")
# Said by HL7's own examples against R4's text.
JUSTIFIED = {
    "Library?predecessor=library-fhir-helpers-predecessor":
    "a canonical that is no absolute address; asked for, it is the id of a resource of some type",
}  # fmt: skip


def among(name: str, value: str, held: Values) -> bool:
    """Whether it is one of the values."""
    return value in getattr(held, name)


def begins(start: str, held: Values) -> bool:
    """Whether a string begins so, accents and case aside."""
    return any(plain(each).startswith(start) for each in held.strings)


def own(rtype: str, parameter: SearchParameter, held: Values) -> Iterator[Question]:
    """Questions that one resource must answer: each of its values, as a URL has it."""
    code = parameter.code
    for system, token in held.tokens:
        if token:
            asked = f"{escaped(system or '')}|{escaped(token)}"
            yield Question(code, asked, has_token(system or "", token))
    for token in sorted(held.codes):
        yield Question(code, escaped(token), has_token(None, token))
    for target in held.targets:
        yield Question(code, escaped(target), partial(among, "targets", target))
    for text in held.strings:
        if plain(text) and text.strip() == text:
            yield Question(f"{code}:exact", escaped(text), partial(among, "strings", text))
            start = plain(text)[:12].strip()
            yield Question(code, start, partial(begins, start))
    for lo, hi in held.spans:
        if lo > dates.EARLIEST:
            day = lo.strftime("%Y-%m-%d").rjust(10, "0")
            yield Question(code, f"ge{day}", has_span("ge", dates.span(day)))
        if hi < dates.LATEST:
            day = hi.strftime("%Y-%m-%d").rjust(10, "0")
            yield Question(code, f"le{day}", has_span("le", dates.span(day)))
    for number, asked in amounts(parameter, held):
        yield Question(code, number + asked, has_amount(number[:2], number[2:], asked))
    for address in held.uris:
        yield Question(code, escaped(address), partial(among, "uris", address))
    for parts in held.tuples:
        yield from together(rtype, parameter, parts)


def amounts(parameter: SearchParameter, held: Values) -> Iterator[tuple[str, str]]:
    """Each number with its prefix, and its unit as it may be asked."""
    for low, high, of in held.amounts:
        found = [("eq", low)] if low == high else [("ge", low), ("le", high)]
        for prefix, number in found:
            if isinstance(number, float):
                continue
            exact = Decimal(number.numerator) / Decimal(number.denominator)
            text = f"{exact:f}"
            if len(text) > 40:  # with an exponent, what its digits stand for is not asked here
                prefix, text = "ge", f"{exact:E}"
            yield prefix + text, ""
            if parameter.type != "quantity":
                continue
            system, code, unit = (str(of.get(name, "")) for name in ("system", "code", "unit"))
            if unit and not APART & set(unit):
                yield prefix + text, f"||{unit}"
            if system and code and not APART & set(system + code):
                yield prefix + text, f"|{system}|{code}"


def together(
    rtype: str, parameter: SearchParameter, parts: tuple[Values, ...]
) -> Iterator[Question]:
    """The first value of each component, together."""
    known = {each.url: each for each in load().params[rtype].values()}
    of = [known[each.definition] for each in parameter.components]
    made = [next(own(rtype, one, part), None) for one, part in zip(of, parts, strict=True)]
    first = [each for each in made if each is not None and ":" not in each.name]
    if len(first) < len(parts):
        return
    tests = [each.test for each in first]
    yield Question(
        parameter.code, "$".join(each.value for each in first),
        lambda held: any(
            all(test(part) for test, part in zip(tests, each, strict=True)) for each in held.tuples
        ),
    )  # fmt: skip


async def disagreements(server: Server, rng: Random, most: int) -> tuple[list[str], set[str]]:
    """What is answered otherwise than the reference says, or does not find what it was made from."""
    wrong: list[str] = []
    asked_types: set[str] = set()
    by_type: dict[str, dict[int, Json]] = {}
    for number, resource in server.resources.items():
        by_type.setdefault(resource["resourceType"], {})[number] = resource
    for rtype, them in sorted(by_type.items()):
        for parameter in parameters(rtype):
            held = {number: values(parameter, each) for number, each in them.items()}
            if parameter.code == server.owners.principal(rtype):
                for each in held.values():  # one span a resource
                    if each.spans:
                        lows, highs = zip(*each.spans, strict=True)
                        each.spans = [(min(lows), max(highs))]
            made: dict[tuple[str, str], tuple[int, Question]] = {}
            for number, each in held.items():
                for question in own(rtype, parameter, each):
                    made.setdefault((question.name, question.value), (number, question))
            chosen = list(made.values())
            if len(chosen) > most:
                chosen = rng.sample(chosen, most)
            for number, question in chosen:
                expected = {one for one, each in held.items() if question.test(each)}
                got = await server.search(rtype, question.name, question.value)
                server.asked += 1
                asked_types.add(parameter.type)
                address = f"{rtype}?{question.name}={question.value}"
                if (got != expected or number not in got) and address not in JUSTIFIED:
                    wrong.append(
                        f"{address}: {sorted(got)[:9]} not"
                        f" {sorted(expected)[:9]}, made of {number}"
                        f" ({server.resources[number].get('id')})"
                    )
    return wrong, asked_types


async def ask(url: str, resources: list[Json], seed: str, most: int) -> Server:
    """Store them, ask, and say what differs."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        server = Server(conn)
        await server.store(resources)
        wrong, kinds = await disagreements(server, Random(seed), most)
    print(f"FIGURE {len(resources)} resources, {server.asked} questions, {len(wrong)} differences")
    assert not wrong, "\n".join(wrong[:25]) + f"\n{len(wrong)} in all, of {server.asked}"
    server.found.update(kinds)
    return server


def hl7(folder: Path, seed: int) -> list[Json]:
    """HL7's examples: all, or some of some types."""
    by_type: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*-*.json")):
        if file.name.partition("-")[0] in load().types:
            by_type.setdefault(file.name.partition("-")[0], []).append(file)
    rng = Random(seed)
    if not WHOLE:
        kinds = rng.sample(sorted(by_type), TYPES)
        by_type = {
            rtype: rng.sample(by_type[rtype], min(EACH, len(by_type[rtype]))) for rtype in kinds
        }
    return [json.parse(file.read_bytes()) for files in by_type.values() for file in files]


@pytest.mark.slow
def test_hl7s_examples_are_found_by_every_parameter_that_indexes_them(
    cluster: Cluster, peers: Path
) -> None:
    seed = seeds.chosen()
    resources = hl7(peers / "hl7.fhir.r4.examples", seed)
    assert len(resources) > (5_000 if WHOLE else TYPES)
    with clone(cluster, DATABASE) as name:
        url = cluster.url(database=name)
        server = asyncio.run(ask(url, resources, str(seed), 1_000_000 if WHOLE else VALUES))
    assert server.asked > 100
    assert set(server.found) == set(READERS) or not WHOLE


@pytest.mark.slow
def test_synthea_s_people_are_found_by_every_parameter_that_indexes_them(
    cluster: Cluster, shared: Path
) -> None:
    seed = seeds.chosen()
    files = sorted((shared / "data" / "synthea").glob("*.json.gz"))
    resources = [
        entry["resource"]
        for file in (files if WHOLE else Random(seed).sample(files, 1))
        for entry in json.parse(gzip.decompress(file.read_bytes()))["entry"]
    ]
    with clone(cluster, DATABASE) as name:
        url = cluster.url(database=name)
        server = asyncio.run(ask(url, resources, str(seed), 300 if WHOLE else VALUES))
    assert set(server.found) >= {"token", "reference", "string", "date"}
    assert {"quantity", "composite"} <= set(server.found) or not WHOLE
