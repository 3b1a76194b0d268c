# SPDX-License-Identifier: EUPL-1.2
"""npm `fhir-kit-client`, unmodified, against the served API: every interaction it has, and what it is told.

`kit.mjs` drives it; each step it prints is judged here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.absent import absent
from tests.conformance.serving import Served

DRIVER = Path(__file__).with_name("kit.mjs")
LAB = "lab-software"
Told = dict[str, Any]  # by step: status, headers and what the client made of the answer


@pytest.fixture(scope="module")
def kit(served: Served, peers: Path) -> Told:
    """All its steps, done once."""
    node = shutil.which("node")
    if node is None or not (peers / "fhir-kit-client").is_dir():
        absent("node, or the client, is not here: `./run test` installs them")
    done = subprocess.run(
        [node, str(DRIVER), str(peers / "fhir-kit-client"), served.base, served.token(LAB),
         served.token("patient"), served.patient],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return {(one := json.loads(line))["name"]: one for line in done.stdout.splitlines()}


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("metadata", 200), ("create", 201), ("read", 200), ("vread", 200), ("update", 200),
        ("stale update", 412), ("patch", 200), ("history", 200), ("history of a type", 200),
        ("history of all", 200), ("page", 200), ("post search", 200), ("chained", 200),
        ("has", 200), ("revinclude", 200), ("compartment", 200), ("compartment by post", 200),
        ("array", 200), ("create once", 201), ("create again", 200), ("conditional update", 200),
        ("transaction", 200), ("its report", 200), ("resolve", 200), ("batch", 200),
        ("wrong transaction", 400), ("everything", 200), ("everything by post", 200),
        ("expand", 200), ("expand of nothing", 404), ("validate", 200),
        ("meta", 200), ("delete", 204), ("deleted", 410),
        ("nowhere", 404), ("unknown parameter", 400), ("wrong resource", 400), ("wrong token", 401),
    ],
)  # fmt: skip
def test_each_interaction_is_answered(kit: Told, step: str, status: int) -> None:
    told = kit[step]
    assert told["status"] == status, told
    if status >= 400:
        assert told["data"]["resourceType"] == "OperationOutcome"
        assert told["data"]["issue"][0]["diagnostics"]


def test_every_step_is_judged(kit: Told) -> None:
    """A step the driver makes and nobody looks at would say nothing."""
    marks = test_each_interaction_is_answered.pytestmark  # type: ignore[attr-defined]
    judged = {step for mark in marks for step, _ in mark.args[1]}
    assert kit.keys() == judged | {"tool", "pages"}


def test_the_capability_statement_says_what_it_may_do(kit: Told) -> None:
    assert kit["tool"]["data"]["update"] is True
    assert kit["tool"]["data"]["search"] is True
    assert kit["tool"]["data"]["other"] is False


def test_versions_follow_each_other(kit: Told) -> None:
    assert kit["vread"]["data"] == kit["create"]["data"] == kit["read"]["data"]
    assert kit["update"]["headers"]["etag"] == 'W/"2"'
    assert kit["patch"]["data"]["status"] == "corrected"
    entries = kit["history"]["data"]["entry"]
    assert [each["resource"]["meta"]["versionId"] for each in entries] == ["3", "2", "1"]
    methods = [each["request"]["method"] for each in entries]
    assert methods == ["PUT", "PUT", "POST"] or methods == ["PATCH", "PUT", "POST"]
    for wider in ("history of a type", "history of all"):
        assert kit[wider]["data"]["type"] == "history"


def test_pages_are_walked_to_the_end_without_a_row_twice(kit: Told) -> None:
    pages = kit["pages"]["data"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({id for page in pages for id in page}) == 5
    found = {each["resource"]["id"] for each in kit["post search"]["data"]["entry"]}
    assert found == {id for page in pages for id in page}
    assert {each["resource"]["id"] for each in kit["array"]["data"]["entry"]} == found


def test_chains_includes_and_compartments_find_what_was_made(kit: Told, served: Served) -> None:
    made = kit["create"]["data"]["id"]
    for step in ("compartment", "compartment by post"):
        assert made in {each["resource"]["id"] for each in kit[step]["data"]["entry"]}
    chained = kit["chained"]["data"]["entry"]
    assert {(each["resource"]["resourceType"], each["search"]["mode"]) for each in chained} >= {
        ("Observation", "match"), ("Patient", "include"),
    }  # fmt: skip
    assert made in {each["resource"]["id"] for each in chained}
    assert kit["has"]["data"]["entry"][0]["resource"]["id"] == served.patient
    back = {each["resource"]["id"] for each in kit["revinclude"]["data"]["entry"]}
    assert {served.patient, made} <= back


def test_conditions_make_one_and_change_it(kit: Told) -> None:
    once, again = kit["create once"], kit["create again"]
    id = once["data"]["id"]
    assert again["headers"]["location"].endswith(f"Observation/{id}")
    assert again["data"] == once["data"]
    assert (kit["conditional update"]["data"]["id"]) == id
    assert kit["conditional update"]["data"]["status"] == "amended"


def test_a_transaction_is_answered_in_order_and_its_references_resolve(kit: Told) -> None:
    report, one = kit["transaction"]["data"]["entry"]
    assert report["response"]["location"].startswith("DiagnosticReport/")
    assert one["response"]["location"].startswith("Observation/")
    pointed = kit["its report"]["data"]["result"][0]["reference"]
    assert one["response"]["location"].startswith(f"{pointed}/_history/")
    assert f"Observation/{kit['resolve']['data']['id']}" == pointed
    statuses = [each["response"]["status"][:3] for each in kit["batch"]["data"]["entry"]]
    assert statuses == ["200", "404"]
    issue = kit["wrong transaction"]["data"]["issue"][0]
    assert issue["expression"] == ["Bundle.entry[0].resource.status"]


def test_operations_answer_with_what_they_are_for(kit: Told, served: Served) -> None:
    everything = kit["everything"]["data"]
    assert everything["entry"][0]["resource"]["id"] == served.patient
    assert kit["everything by post"]["data"]["type"] == "searchset"
    expanded = kit["expand"]["data"]["expansion"]["contains"]
    assert [each["code"] for each in expanded] == ["male", "female"]
    assert any(each["severity"] == "error" for each in kit["validate"]["data"]["issue"])
    assert kit["meta"]["data"]["parameter"][0]["valueMeta"]["versionId"] == "3"
