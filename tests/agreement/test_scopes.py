# SPDX-License-Identifier: EUPL-1.2
"""Whatever the scope, a token shows what the whole shows less what the scope leaves out, by every way.

Random scopes of a seed, against a plain filter of what the same person sees with nothing narrowed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any

import pytest

from carnet.access import scopes
from carnet.access.scopes import DataScope
from tests.agreement import seeds
from tests.rest.test_scopes import every
from tests.space import Space

pytestmark = pytest.mark.anyio
SCOPES = 60 if os.environ.get("CARNET_WHOLE") == "1" else 8  # random scopes of each person
TYPES = (
    "Observation",
    "DiagnosticReport",
    "DocumentReference",
    "Patient",
    "Binary",
    "List",
    "Encounter",
)
TESTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Observation": (("category", ("laboratory",)), ("category", ("vital-signs",)),
                    ("code", ("http://loinc.org|2345-7",)), ("status", ("final",))),
    "DocumentReference": (("status", ("current",)), ("type", ("http://loinc.org|11502-2",))),
    "DiagnosticReport": (("status", ("final",)),),
}  # fmt: skip
WAYS = (
    ("Observation", "Observation?_count=200"),
    ("DocumentReference", "DocumentReference?_include=*&_revinclude=*&_count=200"),
    ("DiagnosticReport", "DiagnosticReport?_include=*&_count=200"),
    ("Patient", "Patient?_revinclude=*&_count=200"),
    ("", "_history?_count=500"),
    ("", "?_type=Observation,DocumentReference,DiagnosticReport,Encounter&_count=500"),
)
Json = dict[str, Any]


def drawn(chance: random.Random, level: str) -> str:
    """A scope of one to three words."""
    words = []
    for rtype in chance.sample(TYPES, chance.randint(1, 3)):
        tests = TESTS.get(rtype, ())
        one = (chance.choice(tests),) if tests and chance.random() < 0.6 else ()
        words.append(str(DataScope(level, rtype, chance.choice(["rs", "cruds", "r", "s"]), one)))
    return " ".join(words)


def codings(one: Json, name: str) -> set[str]:
    """What a test looks at, as code and system|code: read here from the resource and nothing else."""
    value = one.get(name, [])
    if isinstance(value, str):
        return {value}
    found = set()
    for concept in value if isinstance(value, list) else [value]:
        for coding in concept.get("coding", []):
            found |= {
                coding.get("code", ""),
                f"{coding.get('system', '')}|{coding.get('code', '')}",
            }
    return found


def lets(one: Json, words: Iterable[DataScope]) -> bool:
    """Whether a plain reading of the scopes lets this through."""
    for word in words:
        follows = one["resourceType"] == "Binary" and word.rtype == "DocumentReference"
        if follows and not word.tests:
            return True
        if word.rtype == one["resourceType"] and all(
            codings(one, name) & set(values) for name, values in word.tests
        ):
            return True
    return False


def current(found: Iterable[Json]) -> dict[tuple[str, str], Json]:
    """The last version of each: a version of the past is judged by it."""
    last: dict[tuple[str, str], Json] = {}
    for one in found:
        if "id" in one:
            held = last.setdefault((one["resourceType"], one["id"]), one)
            if int(one["meta"]["versionId"]) > int(held["meta"]["versionId"]):
                last[one["resourceType"], one["id"]] = one
    return last


def known(found: Iterable[Json]) -> set[tuple[str, str, str]]:
    return {
        (one["resourceType"], one["id"], one.get("meta", {}).get("versionId", ""))
        for one in found
        if one.get("resourceType", "OperationOutcome") != "OperationOutcome"
    }


@pytest.mark.parametrize(
    ("persona", "level"), [("patient", "patient"), ("gp", "user"), ("lab-software", "system")]
)
async def test_a_scope_is_a_filter_of_what_is_seen_without(
    space: Space, persona: str, level: str
) -> None:
    chance = random.Random(seeds.chosen())
    whole = {
        path: await every(space, f"{level if level != 'patient' else 'user'}/*.rs", path, persona)
        for _, path in WAYS
    }
    assert sum(map(len, whole.values())) > 20
    narrowed = 0
    for _ in range(SCOPES):
        scope = drawn(chance, level)
        words = scopes.read(frozenset(scope.split()))
        for rtype, path in WAYS:
            if rtype and not any(w.rtype == rtype and "s" in w.letters for w in words):
                continue  # refused, which tests/rest/test_scopes.py looks at
            if not rtype and not words:
                continue
            found = known(await every(space, scope, path, persona))
            judged = current(whole[path])
            wanted = known(
                one
                for one in whole[path]
                if lets(judged.get((one["resourceType"], one.get("id", "")), one), words)
            )
            if "include" in path:  # what is beside a match that is left out is left out with it
                assert found <= wanted, (scope, path)
            else:
                assert found == wanted, (scope, path)
            narrowed += len(found) < len(known(whole[path]))
    assert narrowed
