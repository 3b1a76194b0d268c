# SPDX-License-Identifier: EUPL-1.2
"""Every way to ask the server is asked by the twin worlds: a path is done when they cover it.

What is served is taken from the routes, from the capability statement and from the parser of searches;
what is covered from the probes themselves (tests/agreement/asked.py). ASIDE says why a few are not.
`python -m tests.agreement.test_covered` writes each beside the kinds of path that ask it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from carnet import errors
from carnet.app import parts
from carnet.bulk import asked as exports
from carnet.fhir.definitions import load
from carnet.fhir.search import expressions
from carnet.fhir.search.parse import OF_ALL, RESULT
from carnet.fhir.search.subsets import SUMMARIES
from carnet.rest import everything, history
from carnet.rest.metadata import statement
from tests.agreement import twin
from tests.agreement.asked import SERVED, asked, probes
from tests.hostile.fuzz.readers import parser

EACH, SEED = 100, "covered"
# What is served and not asked by the twins, and why.
ASIDE = {
    "GET /metadata": "the same for all, without a token",
    "GET /$audit-root": "public by design, without a token: docs/decisions/0017",
    "operation  $audit-root": "public by design, without a token: docs/decisions/0017",
    "_cursor": "written by the server: the pages followed have it",
}
# Each modifier of R4 (and the prefixes), tried on one parameter of each kind; those refused are not served.
MODIFIERS = (
    "missing exact contains text not in not-in above below of-type identifier Patient Observation"
).split()
PREFIXES = "eq ne gt lt ge le sa eb ap".split()
EXAMPLES = {
    "token": ("Observation", "code", "a|b"), "date": ("Observation", "date", "2020"),
    "reference": ("Observation", "subject", "Patient/a"), "string": ("Patient", "family", "a"),
    "uri": ("CarePlan", "instantiates-uri", "http://a.test"),
    "number": ("RiskAssessment", "probability", "1"),
    "quantity": ("Observation", "value-quantity", "5"), "special": ("Location", "near", "48.1|2.2|10|km"),
    "composite": ("Observation", "code-value-quantity", "a|b$5"),
}  # fmt: skip
VALUES = {"missing": "true", "of-type": "a|b|c", "in": "http://a.test", "not-in": "http://a.test",
          "identifier": "a|b", "Patient": "a", "Observation": "a"}  # fmt: skip


@cache
def covered() -> dict[str, set[str]]:
    """Each way that a probe asks, with the kinds of path that do."""
    found: dict[str, set[str]] = {}
    for probe in probes(twin.GRAMMAR, EACH, SEED):
        for way in asked(probe):
            found.setdefault(way, set()).add(probe.kind)
    return found


def served() -> Iterator[str]:
    """Each way there is to ask."""
    yield from _routes()
    yield from _operations()
    yield from _parameters()
    yield from _searches()
    for name in (
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-none-exist",
        "prefer",
        "accept",
    ):
        yield f"header {name}"
    for style in ("batch", "transaction"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            yield f"{style} {method}"
            if method in ("PUT", "PATCH", "DELETE"):
                yield f"{style} {method}?"
        for name in ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince"):
            yield f"{style} {name}"
        yield f"{style} reference?"


def _routes() -> Iterator[str]:
    for route in SERVED:
        for method in sorted((route.methods or set()) - {"HEAD"}):
            conditional = method in ("PUT", "PATCH", "DELETE") and route.path == "/{rtype}"
            yield f"{method} {route.path}" + "?" * conditional
    yield "HEAD /{rtype}/{id}"
    yield "HEAD /{rtype}"
    for path, names in (
        ("/{rtype}/{id}/_history", history.NAMES), ("/{rtype}/_history", history.NAMES),
        ("/_history", history.NAMES), ("/Patient/{id}/$everything", everything.NAMES),
        ("/$export", exports.NAMES - {"patient"}), ("/Patient/$export", exports.NAMES),
        ("/Group/{id}/$export", exports.NAMES),
    ):  # fmt: skip
        yield from (f"{path} {name}" for name in sorted(names - {"_cursor"}))


def _operations() -> Iterator[str]:
    told = statement(load(), parts.acts(), "http://carnet.test/fhir", "2026-11-22T08:00:00Z")
    (rest,) = told["rest"]
    for each in rest["operation"]:
        yield f"operation  ${each['name']}"
    of: dict[str, list[str]] = {}
    for each in rest["resource"]:
        for one in each["operation"]:
            of.setdefault(one["name"], []).append(each["type"])
    for name, types in of.items():
        if len(types) > 10:  # of every type that has the interaction
            yield f"operation * ${name}"
        else:
            yield from (f"operation {rtype} ${name}" for rtype in types)


def _parameters() -> Iterator[str]:
    kinds = {one.type for params in load().params.values() for one in params.values()}
    assert kinds == set(EXAMPLES), "a kind of parameter that no example has"
    for kind, (rtype, name, value) in EXAMPLES.items():
        yield kind
        for modifier in MODIFIERS:
            if _taken(rtype, f"{name}:{modifier}", VALUES.get(modifier, value)):
                typed = "[type]" if modifier in load().types else modifier
                yield f"{kind}:{typed}"
        for prefix in PREFIXES if kind in ("date", "number", "quantity") else ():
            assert _taken(rtype, name, prefix + value)
            yield f"{kind} {prefix}"
        if _taken(rtype, "_sort", name):
            yield f"_sort by {kind}"


def _taken(rtype: str, name: str, value: str) -> bool:
    try:
        parser().parse(rtype, [(name, value)])
    except errors.CarnetError:
        return False
    return True


def _searches() -> Iterator[str]:
    yield from sorted(RESULT)
    yield from (name for name, _ in OF_ALL)
    yield from ("_id", "_lastUpdated", "_filter", "_type", "_has", "_has of _has", "chain")
    yield from ("chain with a type", "chain once", "chain of chains")
    yield from ("_sort by _id", "_sort by _lastUpdated", "_total=accurate", "_total=estimate")
    yield from (f"_summary={each}" for each in SUMMARIES - {"false"})
    yield from (f"{name}={how}" for name in ("_include", "_revinclude", "_include:iterate",
                "_revinclude:iterate") for how in ("*", "Type:name"))  # fmt: skip
    yield from (f"_filter {each}" for each in (*sorted(expressions.KNOWN), "and", "or", "not"))


def test_each_way_to_ask_is_asked_by_the_twin_worlds() -> None:
    missing = sorted(set(served()) - set(covered()) - set(ASIDE))
    assert not missing, missing


def test_what_is_left_aside_is_served_and_not_asked() -> None:
    """An exception that is no more is taken off the list."""
    assert set(ASIDE) <= set(served())
    assert not set(ASIDE) & set(covered())


def test_each_kind_of_path_asks_for_something() -> None:
    of_pages = {"page of a record", "page of one thing", "page: finding a person", "page: emergency",
                "archive", "rendered page of a record", "rendered page of one thing", "notice",
                "export, page and command", "letter", "job"}  # fmt: skip
    asks = {kind for kinds in covered().values() for kind in kinds}
    assert asks | of_pages == set(twin.GRAMMAR)
    assert not asks & of_pages


@pytest.mark.parametrize("way", ["GET /{rtype}/{id}", "token:not-in", "_filter pr"])
def test_a_way_that_no_kind_asks_is_missed(way: str) -> None:
    """The control: without the kinds that ask it, it is said to be missing."""
    left = {kind: made for kind, made in twin.GRAMMAR.items() if kind not in covered()[way]}
    found = {each for probe in probes(left, 10, SEED) for each in asked(probe)}
    assert way not in found
    assert way in set(served())


if __name__ == "__main__":
    for each in served():
        print(f"{each}: {ASIDE.get(each) or ', '.join(sorted(covered().get(each, ['NOTHING'])))}")
