# SPDX-License-Identifier: EUPL-1.2
"""What is said of one code: looked up, subsumed, validated."""

from typing import Any

import pytest
from psycopg import AsyncConnection

from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.lookup import lookup, subsumes
from carnet.fhir.terminology.refusals import UnknownCode, UnknownSystem, UnknownValueSet
from carnet.fhir.terminology.validate import Coding, Manner, in_system, in_value_set
from tests.fhir.terminology.herbs import HERBS, SET

pytestmark = pytest.mark.anyio
Conn = AsyncConnection[Any]


def properties(found: dict[str, Any]) -> list[tuple[str, Any]]:
    """The properties of a $lookup."""
    told = []
    for each in found["parameter"]:
        if each["name"] == "property":
            code, value = each["part"]
            told.append((code["valueCode"], next(v for k, v in value.items() if k != "name")))
    return told


def said(found: dict[str, Any], name: str) -> Any:
    """One simple parameter."""
    return next(
        (v for each in found["parameter"] if each["name"] == name for k, v in each.items() if k != "name"),
        None,
    )  # fmt: skip


async def test_a_code_is_looked_up_with_all_that_is_known_of_it(terms: Terms, conn: Conn) -> None:
    found = await lookup(terms, conn, HERBS, "menthe")
    assert (said(found, "name"), said(found, "version"), said(found, "display")) == (
        "Herbes",
        "2",
        "Menthe",
    )
    assert properties(found) == [
        ("inactive", False), ("parent", "lam"), ("child", "menthe-p"), ("child", "menthe-v"),
    ]  # fmt: skip
    assert said(await lookup(terms, conn, HERBS, "menthe", language="en"), "display") == "Mint"
    assert ("notSelectable", True) in properties(await lookup(terms, conn, HERBS, "lam"))
    assert properties(await lookup(terms, conn, HERBS, "hysope", properties=["place"])) == [
        ("place", "pente")
    ]
    assert ("inactive", True) in properties(await lookup(terms, conn, HERBS, "hysope"))
    by_oid = await lookup(terms, conn, "urn:oid:2.999.1", "thym", version="2")
    assert said(by_oid, "display") == "Thym"
    assert (
        said(await lookup(terms, conn, "http://unitsofmeasure.org", "mg/dL"), "display") == "mg/dL"
    )


@pytest.mark.parametrize(
    ("system", "code", "refusal"),
    [
        (HERBS, "nulle-part", UnknownCode),
        (HERBS, "THYM", UnknownCode),
        (HERBS + "|9", "thym", UnknownSystem),
        ("urn:carnet:test:absent", "thym", UnknownSystem),
        ("http://unitsofmeasure.org", "mg//", UnknownCode),
    ],
)
async def test_what_is_not_there_is_not_found(
    terms: Terms, conn: Conn, system: str, code: str, refusal: type[UnknownCode]
) -> None:
    with pytest.raises(refusal) as found:
        await lookup(terms, conn, system, code)
    assert found.value.status == 404


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("lam", "menthe-p", "subsumes"),
        ("menthe-p", "lam", "subsumed-by"),
        ("thym", "thym", "equivalent"),
        ("thym", "ortie", "not-subsumed"),
    ],
)
async def test_of_two_codes_one_may_be_above(
    terms: Terms, conn: Conn, first: str, second: str, outcome: str
) -> None:
    assert said(await subsumes(terms, conn, HERBS, first, second), "outcome") == outcome


async def test_codes_above_and_below_are_told_with_the_code(terms: Terms, conn: Conn) -> None:
    assert sorted(await terms.below(conn, HERBS, "menthe")) == ["menthe", "menthe-p", "menthe-v"]
    assert sorted(await terms.above(conn, HERBS, "menthe-p")) == ["lam", "menthe", "menthe-p"]
    with pytest.raises(UnknownCode):
        await terms.below(conn, HERBS, "nulle-part")
    with pytest.raises(UnknownSystem):
        await terms.above(conn, "urn:carnet:test:absent", "x")


@pytest.mark.parametrize(
    ("coding", "result", "sentence"),
    [
        (Coding("thym", HERBS), True, ""),
        (Coding("thym", HERBS, display="THYM"), True, ""),
        (Coding("menthe", HERBS, display="Mint"), True, ""),
        (
            Coding("thym", HERBS, display="Menthe"),
            False,
            f"Wrong Display Name 'Menthe' for {HERBS}#thym. Valid display is 'Thym'",
        ),
        (Coding("x", HERBS), False, f"Unknown code 'x' in the CodeSystem '{HERBS}' version '2'"),
    ],
)
async def test_a_code_is_valid_in_its_system(
    terms: Terms, conn: Conn, coding: Coding, result: bool, sentence: str
) -> None:
    found = await in_system(terms, conn, HERBS, coding)
    assert (found.result, found.message) == (result, sentence)


@pytest.mark.parametrize(
    ("name", "codings", "result", "words"),
    [
        ("liste", [Coding("thym", HERBS)], True, ""),
        ("liste", [Coding("thym")], True, ""),
        ("liste", [Coding("thym", HERBS, display="farigoule")], True, ""),
        ("liste", [Coding("thym", HERBS, display="Thym")], True, ""),
        (
            "liste",
            [Coding("thym", HERBS, display="Ortie")],
            False,
            "Valid display is 'Farigoule' or 'Thym'",
        ),
        ("liste", [Coding("thym", HERBS, version="1")], False, "version '1' could not be found"),
        ("liste", [Coding("menthe", HERBS)], False, "was not found in the value set"),
        ("liste", [Coding("menthe", HERBS), Coding("ortie", HERBS)], True, ""),
        ("liste", [Coding("menthe", HERBS), Coding("lam", HERBS)], False, "No valid coding"),
        (
            "systeme-absent",
            [Coding("x", "urn:carnet:test:absent")],
            False,
            "could not be found, so the code cannot be validated",
        ),
        ("filtre-absent", [Coding("thym", HERBS)], False, "was not found in the value set"),
        ("unites", [Coding("mg", "http://unitsofmeasure.org")], True, ""),
    ],
)
async def test_a_code_is_valid_in_a_value_set(
    terms: Terms, conn: Conn, name: str, codings: list[Coding], result: bool, words: str
) -> None:
    concept = {"coding": [{"code": "…"}]} if len(codings) > 1 else None
    found = await in_value_set(terms, conn, SET + name, codings, concept=concept)
    assert found.result is result, found.message
    assert words in found.message
    assert (found.message == "") is result


async def test_what_is_abstract_can_be_refused(terms: Terms, conn: Conn) -> None:
    asked = [Coding("lam", HERBS)]
    assert (await in_value_set(terms, conn, SET + "entier", asked)).result
    assert not (
        await in_value_set(terms, conn, SET + "entier", asked, Manner(abstract=False))
    ).result
    assert not (await in_system(terms, conn, HERBS, asked[0], Manner(abstract=False))).result


async def test_a_value_set_nobody_brought_is_not_found(terms: Terms, conn: Conn) -> None:
    with pytest.raises(UnknownValueSet):
        await in_value_set(terms, conn, SET + "nulle-part", [Coding("thym", HERBS)])
    with pytest.raises(UnknownSystem):
        await in_system(terms, conn, "urn:carnet:test:absent", Coding("thym"))
