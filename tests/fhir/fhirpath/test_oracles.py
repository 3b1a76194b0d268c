# SPDX-License-Identifier: EUPL-1.2
"""Our answers beside those of two other evaluators; every difference is listed with its reason.

npm `fhirpath` is run by node.
"""

import subprocess
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirpathpy
import orjson
import pytest
from fhirpathpy.models import models

from carnet import errors
from carnet.fhir import json
from carnet.fhir.definitions import load
from carnet.fhir.fhirpath import Quantity, evaluate
from tests.fhir import samples
from tests.fhir.fhirpath.expressions import ALL
from tests.fhir.samples import PATIENT

R4 = models["r4"]
ASKED = [expression for table in ALL for expression, _ in table]
LISTED: dict[str, dict[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "differences.toml").read_text("utf-8")
)
REFUSED = "refused"


def plain(value: Any) -> Any:
    """A value without the ways evaluators write numbers and quantities."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return str(Decimal(str(value)).normalize() + 0)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, Quantity):
        return str(value)
    return str(value)


def ours(expression: str, resource: dict[str, Any]) -> Any:
    try:
        return [plain(v) for _, v, _ in evaluate(expression, resource) if v is not None]
    except errors.CarnetError:
        return REFUSED


def of_python(expression: str, resource: dict[str, Any]) -> Any:
    try:
        bare = orjson.loads(json.dump(resource))
        found = fhirpathpy.evaluate(bare, expression, {"resource": bare}, R4)
    except Exception:
        return REFUSED
    return [plain(value) for value in found if value is not None]


NODE = """
const [modules, out] = [process.argv[1], process.stdout];
const fhirpath = require(modules + '/fhirpath');
const model = require(modules + '/fhirpath/fhir-context/r4');
console.log = () => {};
const plain = (key, value) => typeof value === 'bigint' ? Number(value) : value;
const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const answers = asked.map(([expression, resource]) => {
  try { return fhirpath.evaluate(resource, expression, {resource}, model); }
  catch (error) { return 'refused'; }
});
out.write(JSON.stringify(answers, plain));
"""


def of_node(modules: Path, asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    body = orjson.dumps([[e, orjson.loads(json.dump(r))] for e, r in asked])
    done = subprocess.run(
        ["node", "-e", NODE, str(modules)], input=body, stdout=subprocess.PIPE, check=True
    )
    return [
        a if a == REFUSED else [plain(v) for v in a if v is not None]
        for a in orjson.loads(done.stdout)
    ]


def listed(of: str) -> set[str]:
    return {expression for why in LISTED[of].values() for expression in why}


def test_the_python_evaluator_differs_only_where_we_say_why() -> None:
    differ = {e for e in ASKED if of_python(e, PATIENT) != ours(e, PATIENT)}
    assert differ == listed("fhirpathpy")


def test_the_javascript_evaluator_differs_only_where_we_say_why(peers: Path) -> None:
    answers = of_node(peers, [(e, PATIENT) for e in ASKED])
    differ = {e for e, answer in zip(ASKED, answers, strict=True) if answer != ours(e, PATIENT)}
    assert differ == listed("npm fhirpath")


def test_r4s_rules_are_judged_alike() -> None:
    """Each invariant of the types of our samples, by two evaluators."""
    asked = [
        (rule.expression, resource)
        for resource in samples.ALL
        for rule in load().shapes[resource["resourceType"]].invariants
        if ".as(" not in rule.expression  # of several items: R4's own, and FHIRPath refuses it
    ]
    answers = [(e, of_python(e, r), ours(e, r)) for e, r in asked]
    told = [answer for answer in answers if answer[1] != REFUSED]  # it has no implies, no hasValue
    assert len(told) > 30
    for expression, theirs, own in told:
        assert theirs == own, expression


@pytest.mark.slow
def test_r4s_rules_are_judged_alike_by_javascript_on_hl7s_examples(
    hl7_examples: Path, peers: Path
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    for path in sorted(hl7_examples.glob("*.json")):
        if path.name != "package.json" and path.stat().st_size < 30_000:
            resource = json.parse(path.read_bytes())
            if len(asked) < 6_000:
                asked += [
                    (rule.expression, resource)
                    for rule in load().shapes[resource["resourceType"]].invariants
                    if ".as(" not in rule.expression
                ]
    for (expression, resource), answer in zip(asked, of_node(peers, asked), strict=True):
        assert answer == ours(expression, resource), expression
