# SPDX-License-Identifier: EUPL-1.2
"""Searches of everything, `[base]?…`: each type's own search, and a plain search over what is stored."""

from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.rest.samples import LAB, Json, bundle, observation
from tests.rest.test_search import FORM, ids, links, make, walked
from tests.rest.test_search_more import listed
from tests.space import Space

pytestmark = pytest.mark.anyio
TYPES = ("Observation", "Condition", "Procedure")
STATUS = {"Observation": "final", "Procedure": "completed"}


def drawn(rng: Random, rtype: str, someone: str) -> Json:
    """What these types have alike: a code, a patient, a tag, a note."""
    made: Json = {
        "resourceType": rtype,
        "subject": {"reference": someone},
        "code": {"coding": [{"system": "urn:s", "code": rng.choice("abc")}]},
        "meta": {"tag": [{"system": "urn:t", "code": rng.choice("xy")}]},
        "note": [{"text": rng.choice(("rien", "un souffle au cœur"))}],
    }
    return made | ({"status": STATUS[rtype]} if rtype in STATUS else {})


async def filled(space: Space) -> list[Json]:
    rng, them = (
        Random("several"),
        [f"Patient/{space.patient_id(who)}" for who in ("patient", "husband")],
    )
    made = [drawn(rng, rng.choice(TYPES), rng.choice(them)) for _ in range(16)]
    stored = await make(space, *made)
    return [each | {"id": id} for each, id in zip(made, stored, strict=True)]


def found(held: list[Json], types: tuple[str, ...], **wanted: str) -> set[str]:
    """Those of the types that have what is wanted."""

    def has(each: Json) -> bool:
        said = {"code": each["code"]["coding"][0]["code"], "_tag": each["meta"]["tag"][0]["code"],
                "patient": each["subject"]["reference"], "_content": each["note"][0]["text"]}  # fmt: skip
        return all(value in said[name] for name, value in wanted.items())

    return {each["id"] for each in held if each["resourceType"] in types and has(each)}


async def test_everything_is_searched_by_what_its_types_share(space: Space) -> None:
    held = await filled(space)
    mine = f"Patient/{space.patient_id()}"
    here = "_id=" + ",".join(each["id"] for each in held)
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = [
        (TYPES, {}), (TYPES, {"code": "a"}), (TYPES, {"patient": mine}), (TYPES[:2], {"_tag": "x"}),
        (TYPES[1:], {"code": "b", "patient": mine}), (TYPES, {"_content": "souffle"}),
        (TYPES[:1], {"code": "c", "_tag": "y"}), (TYPES[::2], {"_content": "rien", "patient": mine}),
    ]  # fmt: skip
    for types, wanted in asked:
        expected = found(held, types, **wanted)
        query = f"?{here}&_type={','.join(types)}&{urlencode(wanted)}"
        assert set(await ids(space, query)) == expected, query
        pages = await walked(space, f"{query}&_count=3&_total=accurate")
        assert sorted(pages) == sorted(expected), query
        assert (await space.get(f"{query}&_summary=count", as_=LAB)).json["total"] == len(expected)
        assert await ids(space, query, as_="outsider") == []


async def test_chains_filters_and_conditions_of_a_type_go_with_several(space: Space) -> None:
    held = await filled(space)
    mine = f"Patient/{space.patient_id()}"
    here = "_id=" + ",".join(each["id"] for each in held)
    album = listed(mine, *(f"{each['resourceType']}/{each['id']}" for each in held[:5]))
    (list_id,) = await make(space, album)
    among = {each["id"] for each in held[:5]}
    both = "_type=Observation,Condition"
    two = TYPES[:2]
    for query, expected in [
        (f"{both}&patient.name:missing=false", found(held, two, patient=mine)),
        (f"{both}&subject:Patient.name:missing=true", set()),
        (f"{both}&code:not=a", found(held, two) - found(held, two, code="a")),
        (f"{both}&_filter=code eq a or code eq b", found(held, two, code="a") | found(held, two, code="b")),
        (f"{both}&_filter=code eq a and not (patient.name pr true)", set()),
        (f"{both}&code:text=rien", set()),
        (f"{both}&_list={list_id}", among & found(held, two)),
        (f"_list={list_id}", among),
        (f"_list={list_id}&_tag=x", among & found(held, TYPES, _tag="x")),
        (f"{both}&_has:Observation:has-member:code=a", None),
    ]:  # fmt: skip
        if expected is None:
            refused = await space.get(f"?{quote(query, safe='=&:')}", as_=LAB)
            assert refused.json["issue"][0]["code"] == "not-supported"
            continue
        as_ = "patient" if ".name" in query else LAB
        asked = f"?{here}&{quote(query, safe='=&:|')}"
        assert set(await ids(space, asked, as_)) == expected, query


async def test_dates_that_are_columns_of_a_type_are_searched_with_those_that_are_not(
    space: Space,
) -> None:
    someone = f"Patient/{space.patient_id()}"
    one, two, three = await make(
        space,
        observation(someone, date="2020-05-01"),
        {"resourceType": "Procedure", "status": "completed", "subject": {"reference": someone},
         "performedDateTime": "2020-05-02"},
        observation(someone, date="2021"),
    )  # fmt: skip
    query = f"?_type=Observation,Procedure&_id={one},{two},{three}&date="
    assert set(await ids(space, f"{query}2020-05")) == {one, two}
    assert set(await ids(space, f"{query}gt2020-05-01")) == {two, three}
    assert set(await ids(space, f"{query}2020-05-02&date=ge2020")) == {two}


async def test_what_is_included_beside_several_types_is_what_they_point_to(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (place,) = await make(space, {"resourceType": "Organization", "name": "x"})
    by: Any = {"performer": [{"reference": f"Organization/{place}"}]}
    one, ill = await make(
        space,
        observation(someone, **by),
        {"resourceType": "Condition", "subject": {"reference": someone}, "code": {"text": "y"}},
    )
    answer = await space.get(
        f"?_type=Observation,Condition&_id={one},{ill}&_include=Observation:performer"
        "&_include=Condition:asserter", as_=LAB
    )  # fmt: skip
    modes = {each["resource"]["id"]: each["search"]["mode"] for each in answer.json["entry"]}
    assert modes == {one: "match", ill: "match", place: "include"}


async def test_one_type_alone_is_that_type_s_own_search(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = await make(space, *(observation(someone, date=f"202{n}") for n in range(3)))
    query = f"?_type=Observation&_id={','.join(made)}&_sort=date&_count=2"
    answer = await space.get(query, as_=LAB)
    assert links(answer)["self"].startswith("?_type=Observation&")
    assert await walked(space, query) == made
    lines = await space.get("?_type=AuditEvent&date=ge2026", as_="patient")
    assert {each["resource"]["resourceType"] for each in lines.json.get("entry", [])} <= {
        "AuditEvent"
    }


async def test_by_post_and_inside_a_bundle(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (made,) = await make(space, observation(someone))
    body = urlencode({"_id": made, "_type": "Observation,Condition"}).encode()
    form = {"Content-Type": FORM}
    answer = await space.call("POST", "_search", as_=LAB, body=body, headers=form)
    assert [each["id"] for each in answer.entries] == [made]
    asked = {"request": {"method": "GET", "url": f"?_id={made}"}}
    answer = await space.post("", bundle(asked, kind="batch"), as_=LAB)
    inner: Any = answer.json["entry"][0]["resource"]
    assert [each["resource"]["id"] for each in inner["entry"]] == [made]


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("code=a", "not-supported", "code"),
        ("_type=Observation,Patient&code=a", "not-supported", "Patient has no search parameter"),
        ("_type=Nothing", "invalid", "_type"),
        ("_type=Observation,AuditEvent", "not-supported", "AuditEvent"),
        ("_type=Observation,ValueSet", "not-supported", "ValueSet"),
        ("_type=Observation,Condition&_sort=code", "not-supported", "_sort"),
        ("_type=Observation,Condition&_include=Nothing:a", "invalid", "_include"),
        ("_query=a", "not-supported", "_query"),
    ],
)
async def test_what_several_types_are_not_searched_by_is_said(
    space: Space, query: str, code: str, said: str
) -> None:
    answer = await space.get(f"?{query}", as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, code), answer.body
    assert said in answer.said


async def test_lenient_handling_leaves_out_what_a_type_lacks(space: Space) -> None:
    (made,) = await make(space, observation(f"Patient/{space.patient_id()}"))
    query = f"?_type=Observation,Patient&code=a&_id={made}"
    answer = await space.get(query, as_=LAB, Prefer="handling=lenient")
    assert "code" not in links(answer)["self"] and [each["id"] for each in answer.entries] == [made]
