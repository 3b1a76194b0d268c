# SPDX-License-Identifier: EUPL-1.2
"""How a search's results are ordered, counted and cut: _sort, _total, _count, _summary, _elements."""

import json
from typing import Any

import pytest

from tests.rest.samples import LAB, Json, observation, organization
from tests.rest.test_search import ids, links, make, walked
from tests.space import Space

pytestmark = pytest.mark.anyio


def order(found: list[str], names: dict[str, str]) -> str:
    return "".join(names[each] for each in found)


async def test_names_and_dates_of_side_tables_sort_and_what_lacks_them_is_last(
    space: Space,
) -> None:
    made = await make(
        space,
        organization("Étoile"),
        organization("dune", alias=["Zénith"]),
        organization("Auber"),
        {"resourceType": "Organization", "identifier": [{"value": "x"}]},
        {"resourceType": "Organization", "identifier": [{"value": "y"}]},
    )
    names, every = dict(zip(made, "edaxy", strict=True)), f"_id={','.join(made)}"
    for sort, expected in [
        ("name", "adeyx"), ("-name", "deaxy"),  # of several the first in the order asked
        ("name,_id", None), ("-name,-_lastUpdated", None), ("_id", None), ("-_id", None),
    ]:  # fmt: skip
        query = f"Organization?{every}&_sort={sort}"
        whole = await ids(space, query)
        assert sorted(whole) == sorted(made)
        if expected is None:
            keys = sorted(made)
            tied = keys if sort.endswith(",_id") or sort == "_id" else keys[::-1]
            if sort.lstrip("-") == "_id":
                assert whole == tied, sort
            elif sort == "name,_id":
                assert whole[3:] == sorted(whole[3:])
        else:
            assert order(whole, names) == expected, sort
        for count in (1, 2, 3):
            assert await walked(space, f"{query}&_count={count}") == whole, (sort, count)


async def test_several_keys_and_pages_agree(space: Space) -> None:
    """Two dates, one of them in a side table; many ties, many without."""
    someone = f"Patient/{space.patient_id('husband')}"
    condition: Json = {"resourceType": "Condition", "subject": {"reference": someone}}
    drawn: list[tuple[str | None, str | None]] = [
        ("2020", "2021"), ("2020", "2020"), ("2020", None), (None, "2021"), (None, None),
        ("2019", "2022"), (None, "2020"), ("2021", None), (None, None), ("2020", "2021"),
    ]  # fmt: skip
    made = await make(
        space,
        *(
            condition
            | ({"onsetDateTime": onset} if onset else {})
            | ({"recordedDate": recorded} if recorded else {})
            for onset, recorded in drawn
        ),
    )
    of = dict(zip(made, drawn, strict=True))

    def rank(value: str | None, down: bool) -> tuple[bool, int]:
        return (value is None, (-1 if down else 1) * int(value or 0))

    for first, second in [("onset-date", "recorded-date"), ("recorded-date", "onset-date")]:
        for one in (False, True):
            for two in (False, True):
                sort = f"{'-' * one}{first},{'-' * two}{second}"
                query = f"Condition?_id={','.join(made)}&_sort={sort}"
                whole = await ids(space, query)
                place = [0, 1] if first == "onset-date" else [1, 0]
                ranks = [
                    (rank(of[each][place[0]], one), rank(of[each][place[1]], two)) for each in whole
                ]
                assert ranks == sorted(ranks), sort
                assert len(whole) == len(made)
                assert await walked(space, f"{query}&_count=3") == whole, sort


async def test_a_page_link_is_of_its_order_alone(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    await make(space, *(observation(someone, date="2020") for _ in range(3)))
    page = await space.get(f"Observation?subject={someone}&_count=1&_sort=date", as_=LAB)
    other = links(page)["next"].replace("_sort=date", "_sort=-_lastUpdated")
    answer = await space.get(other, as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid")


async def test_a_count_of_one_gives_one_and_the_total_stays(space: Space) -> None:
    """Known servers give two, and totals that shrink from page to page."""
    someone = f"Patient/{space.patient_id('husband')}"
    made = await make(space, *(observation(someone, date="2020") for _ in range(5)))
    for total in ("accurate", "estimate"):
        path: str | None = f"Observation?subject={someone}&_count=1&_total={total}"
        pages: list[Any] = []
        while path is not None:
            answer = await space.get(path, as_=LAB)
            pages.append(answer)
            path = links(answer).get("next")
        assert [len(page.entries) for page in pages] == [1] * 5
        assert [page.json["total"] for page in pages] == [5] * 5
        assert {page.entries[0]["id"] for page in pages} == set(made)
    first = await space.get(f"Observation?subject={someone}&_sort=-date&_count=1", as_=LAB)
    assert len(first.entries) == 1


async def test_a_part_of_a_resource_says_that_it_is_one(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    (made,) = await make(
        space,
        observation(
            someone,
            date="2020",
            text=text,
            note=[{"text": "n"}],
            valueQuantity={"value": 1, "unit": "g"},
            component=[
                {"code": {"text": "c"}, "valueString": "v", "interpretation": [{"text": "i"}]}
            ],
            referenceRange=[{"text": "r"}],
        ),
    )
    always = {"resourceType", "id", "meta", "status", "code"}
    body = (await space.get(f"Observation/{made}", as_=LAB)).json
    for query, expected in [
        ("_summary=true", {*always, "subject", "effectiveDateTime", "valueQuantity", "component"}),
        ("_summary=text", {*always, "text"}),
        ("_summary=data", set(body) - {"text"}),
        ("_elements=subject", {*always, "subject"}),
        ("_elements=value,note", {*always, "valueQuantity", "note"}),
        ("_elements=valueQuantity&_elements=text", {*always, "valueQuantity", "text"}),
    ]:
        answer = await space.get(f"Observation?_id={made}&{query}", as_=LAB)
        (found,) = answer.entries
        assert set(found) == expected, query
        assert "SUBSETTED" in {each["code"] for each in found["meta"]["tag"]}, query
        assert found["meta"]["lastUpdated"] == body["meta"]["lastUpdated"]
        assert all(found[key] == body[key] for key in found if key not in ("meta", "component"))
        if query == "_summary=true":
            assert found["component"] == [{"code": {"text": "c"}, "valueString": "v"}]
    whole = await space.get(f"Observation?_id={made}&_summary=false", as_=LAB)
    assert whole.entries == [body]


async def test_a_part_keeps_the_digits_of_a_number(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    made = observation(someone, date="2020", valueQuantity={"value": 1, "unit": "g"})
    body = json.dumps(made).replace('"value": 1,', '"value": 72.50,').encode()
    answer = await space.post("Observation", body, as_=LAB)
    id = answer.headers["location"].split("/")[-3]
    for query in ("_summary=true", "_summary=data", "_elements=value"):
        found = await space.get(f"Observation?_id={id}&{query}", as_=LAB)
        assert b"72.50" in found.body, query


async def test_elements_are_of_matches_and_a_summary_of_all(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    (place,) = await make(space, organization("Nord", alias=["Boréal"]))
    (made,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{place}"}])
    )
    query = f"Observation?_id={made}&_include=Observation:performer"
    chosen = await space.get(f"{query}&_elements=code", as_=LAB)
    assert [sorted(each) for each in chosen.entries] == [
        ["code", "id", "meta", "resourceType", "status"],
        ["alias", "id", "meta", "name", "resourceType"],
    ]
    brief = await space.get(f"{query}&_summary=true", as_=LAB)
    assert "alias" not in brief.entries[1]
    assert "name" in brief.entries[1]


async def test_missing_tells_what_has_no_date_and_no_name(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    condition: Json = {"resourceType": "Condition", "subject": {"reference": someone}}
    both, onset, none = await make(
        space,
        condition | {"onsetDateTime": "2020", "recordedDate": "2020"},
        condition | {"onsetPeriod": {"end": "2020"}},
        condition,
    )
    named, nameless = await make(
        space,
        organization("Nord"),
        {"resourceType": "Organization", "identifier": [{"value": "x"}]},
    )
    every, places = f"_id={both},{onset},{none}", f"_id={named},{nameless}"
    for query, expected in [
        (f"Condition?{every}&onset-date:missing=true", {none}),
        (f"Condition?{every}&onset-date:missing=false", {both, onset}),
        (f"Condition?{every}&recorded-date:missing=true", {onset, none}),
        (f"Condition?{every}&recorded-date:missing=false", {both}),
        (f"Organization?{places}&name:missing=true", {nameless}),
        (f"Organization?{places}&name:missing=false", {named}),
    ]:
        assert set(await ids(space, query)) == expected, query
