# SPDX-License-Identifier: EUPL-1.2
"""The operations of terminology over HTTP: what they take, what they answer, one way of not finding."""

import asyncio
from typing import Any

import psycopg
import pytest

from tests.fhir.terminology.conftest import put
from tests.fhir.terminology.herbs import HERBS, RESOURCES, SET, value_set
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


@pytest.fixture
def garden(space: Space) -> Space:
    """An installation with the invented nomenclature."""
    with psycopg.connect(space.admin_url, autocommit=True) as conn:
        put(conn, *RESOURCES)
    return space


def parameters(**given: Any) -> dict[str, Any]:
    """A Parameters resource; names with their type: code_code='x', coding_Coding={…}."""
    made = []
    for name, value in given.items():
        name, _, kind = name.rpartition("_")
        made.append({"name": name, ("resource" if kind == "resource" else f"value{kind}"): value})
    return {"resourceType": "Parameters", "parameter": made}


def said(answer: Answer) -> dict[str, Any]:
    """Simple parameters of an answer, by name."""
    assert answer.status == 200, answer.body
    return {
        each["name"]: value
        for each in answer.json["parameter"]
        for key, value in each.items()
        if key.startswith("value")
    }


async def test_each_operation_answers_by_get_and_by_post(garden: Space) -> None:
    coding = {"system": HERBS, "code": "menthe"}
    looked = [
        await garden.get(f"CodeSystem/$lookup?system={HERBS}&code=menthe", as_="gp"),
        await garden.post(
            "CodeSystem/$lookup", parameters(system_Uri=HERBS, code_Code="menthe"), as_="gp"
        ),
        await garden.post("CodeSystem/$lookup", parameters(coding_Coding=coding), as_="patient"),
    ]
    assert [said(each)["display"] for each in looked] == ["Menthe"] * 3
    valid = [
        await garden.get(f"ValueSet/$validate-code?url={SET}is-a&system={HERBS}&code=menthe", as_="gp"),
        await garden.post(
            "ValueSet/$validate-code",
            parameters(url_Uri=SET + "is-a", codeableConcept_CodeableConcept={"coding": [coding]}), as_="gp",
        ),
        await garden.get(f"CodeSystem/$validate-code?url={HERBS}&code=menthe", as_="gp"),
        await garden.post("CodeSystem/$validate-code", parameters(coding_Coding=coding), as_="gp"),
    ]  # fmt: skip
    assert [said(each)["result"] for each in valid] == [True] * 4
    subsumed = await garden.get(
        f"CodeSystem/$subsumes?system={HERBS}&codeA=lam&codeB=menthe", as_="gp"
    )
    assert said(subsumed) == {"outcome": "subsumes"}
    expanded = [
        await garden.get(f"ValueSet/$expand?url={SET}is-a&count=2&offset=1&displayLanguage=en", as_="gp"),
        await garden.post(
            "ValueSet/$expand",
            parameters(url_Uri=SET + "is-a", count_Integer=2, offset_Integer=1, displayLanguage_Code="en"),
            as_="gp",
        ),
    ]  # fmt: skip
    for each in expanded:
        found = each.json["expansion"]
        assert [(one["code"], one["display"]) for one in found["contains"]] == [
            ("menthe-p", "Peppermint"), ("menthe-v", "Spearmint"),
        ]  # fmt: skip
        assert (found["total"], found["offset"]) == (3, 1)
    sent = value_set("x", {"system": HERBS, "concept": [{"code": "thym"}]})
    inline = await garden.post("ValueSet/$expand", parameters(valueSet_resource=sent), as_="gp")
    assert [one["code"] for one in inline.json["expansion"]["contains"]] == ["thym"]


MISSING = [
    f"ValueSet/$expand?url={SET}nulle-part",
    f"ValueSet/$expand?url={SET}manque",
    f"ValueSet/$expand?url={SET}is-a&valueSetVersion=9",
    f"ValueSet/$validate-code?url={SET}nulle-part&system={HERBS}&code=thym",
    f"ValueSet/$validate-code?url={SET}manque&system={HERBS}&code=thym",
    f"ValueSet/{'a' * 26}/$expand",
    "CodeSystem/$lookup?system=urn:carnet:test:absent&code=x",
    f"CodeSystem/$lookup?system={HERBS}&code=x",
    "CodeSystem/$validate-code?url=urn:carnet:test:absent&code=x",
    f"CodeSystem/$subsumes?system={HERBS}&codeA=lam&codeB=x",
    f"ValueSet/$expand?url={SET}systeme-absent",
]


@pytest.mark.parametrize("path", MISSING)
async def test_what_is_missing_is_answered_in_one_way(garden: Space, path: str) -> None:
    """404 with an OperationOutcome of code not-found, wherever it is missed."""
    answer = await garden.get(path, as_="gp")
    assert answer.status == 404
    assert answer.json["resourceType"] == "OperationOutcome"
    assert [each["code"] for each in answer.json["issue"]] == ["not-found"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("CodeSystem/$lookup", 400),
        ("CodeSystem/$lookup?code=x", 400),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&code=lam", 400),
        (f"CodeSystem/$lookup?system={HERBS}&code=thym&colour=green", 400),
        (f"CodeSystem/$lookup?coding={HERBS}|thym", 400),
        (f"CodeSystem/$validate-code?url={HERBS}", 400),
        ("ValueSet/$expand", 400),
        (f"ValueSet/$expand?url={SET}entier&count=-1", 400),
        (f"ValueSet/$expand?url={SET}entier&count=deux", 400),
        (f"ValueSet/$expand?url={SET}entier&activeOnly=yes", 400),
        (f"ValueSet/$expand?url={SET}entier&filter={'x' * 3000}", 400),
        (f"ValueSet/$expand?url={SET}cercle", 422),
        (f"ValueSet/$expand?url={SET}unites", 403),
    ],
)
async def test_a_wrong_question_is_refused_with_its_reason(
    garden: Space, path: str, status: int
) -> None:
    answer = await garden.get(path, as_="gp")
    assert answer.status == status, answer.body
    assert answer.said


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        parameters(url_String=7),
        parameters(valueSet_resource={"resourceType": "Patient"}),
        parameters(valueSet_resource={"resourceType": "ValueSet", "status": "active"}),
        parameters(url_Uri=SET + "entier", valueSet_resource=value_set("x", {"system": HERBS})),
        parameters(url_Uri=SET + "entier", count_Integer=-3),
        parameters(valueSet_resource=value_set("x", {"system": HERBS, "filter": [
            {"property": "code", "op": "regex", "value": "(("}]})),
        b"{",
    ],
)  # fmt: skip
async def test_a_wrong_body_is_refused_with_its_reason(garden: Space, body: Any) -> None:
    answer = await garden.post("ValueSet/$expand", body, as_="gp")
    assert answer.status == 400, answer.body
    assert answer.said


async def test_a_token_is_asked(garden: Space) -> None:
    assert (await garden.get(f"ValueSet/$expand?url={SET}entier")).status == 401


async def test_more_callers_than_connections_do_not_wait_for_each_other(garden: Space) -> None:
    """None waits for a connection while it holds one; a slow machine may still turn some away."""
    path = f"ValueSet/$expand?url={SET}union"
    callers = garden.built.pool.max_size + 2
    await garden.get(path, as_="gp")
    answers = await asyncio.gather(*(garden.get(path, as_="gp") for _ in range(callers)))
    statuses = [each.status for each in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > callers // 2


async def test_what_is_loaded_while_it_serves_is_answered_at_once(garden: Space) -> None:
    """Nothing remembered outlives what it was made of."""
    path = f"ValueSet/$expand?url={SET}entier&count=1"
    assert (await garden.get(path, as_="gp")).json["expansion"]["total"] == 8
    with psycopg.connect(garden.admin_url, autocommit=True) as conn:
        put(
            conn,
            value_set("entier", {"system": HERBS, "concept": [{"code": "thym"}]}),
            replace=True,
        )
    found = (await garden.get(path, as_="gp")).json["expansion"]
    assert (found["total"], found["contains"][0]["code"]) == (1, "thym")


async def test_the_capability_statement_says_what_is_tested_here(garden: Space) -> None:
    resources = (await garden.get("metadata")).json["rest"][0]["resource"]
    told = {each["type"]: [o["name"] for o in each.get("operation", ())] for each in resources}
    assert told["CodeSystem"][-3:] == ["lookup", "subsumes", "validate-code"]
    assert told["ValueSet"][-2:] == ["expand", "validate-code"]
