# SPDX-License-Identifier: EUPL-1.2
"""search over HTTP: parameters, pages, includes, and what is refused."""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, bundle, chosen, observation, organization, post
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
FORM = "application/x-www-form-urlencoded"


async def make(space: Space, *resources: Json, by: str = LAB) -> list[str]:
    """Ids of resources that were created, in order."""
    answer = await space.post("", bundle(*map(post, resources)), as_=by)
    assert answer.status == 200, answer.body
    return [entry["response"]["location"].split("/")[1] for entry in answer.json["entry"]]


async def ids(space: Space, query: str, as_: str = LAB) -> list[str]:
    answer = await space.get(query, as_=as_)
    assert answer.status == 200, (query, answer.body)
    return [resource["id"] for resource in answer.entries]


def links(answer: Answer) -> dict[str, str]:
    """Links of a page, as paths under the base."""
    found = {link["relation"]: link["url"] for link in answer.json["link"]}
    return {name: url.partition("/fhir")[2].lstrip("/") for name, url in found.items()}


async def walked(space: Space, query: str, as_: str = LAB) -> list[str]:
    """Ids of every page."""
    found: list[str] = []
    path: str | None = query
    while path is not None:
        answer = await space.get(path, as_=as_)
        found += [resource["id"] for resource in answer.entries]
        path = links(answer).get("next")
    return found


async def test_repeated_parameters_are_and_commas_are_or(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    a, b, c = await make(
        space,
        observation(someone, code={"coding": [{"system": "s", "code": "a"}]}, status="final"),
        observation(someone, code={"coding": [{"system": "s", "code": "b"}]}, status="final"),
        observation(someone, code={"coding": [{"system": "s", "code": "a"}]}, status="amended"),
    )
    assert set(await ids(space, "Observation?code=s|a,s|b")) == {a, b, c}
    assert set(await ids(space, "Observation?code=s|a&status=final")) == {a}
    assert await ids(space, "Observation?code=s|a&code=s|b") == []
    assert set(await ids(space, "Observation?code=s|a&status=")) == {a, c}
    assert set(await ids(space, "Observation?code:not=s|a&code=s|")) == {b}


async def test_tokens_with_and_without_system(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    a, b, c = await make(
        space,
        observation(someone, code={"coding": [{"system": "urn:one", "code": "x1"}]}),
        observation(someone, code={"coding": [{"code": "x1"}]}),
        observation(someone, code={"coding": [{"system": "urn:two", "code": "x1"}]}),
    )
    assert set(await ids(space, "Observation?code=x1")) == {a, b, c}
    assert await ids(space, "Observation?code=urn:one|x1") == [a]
    assert await ids(space, "Observation?code=|x1") == [b]
    assert await ids(space, "Observation?code=urn:two|") == [c]
    assert await ids(space, "Observation?code=X1") == []
    assert (await space.get("Observation?code=|", as_=LAB)).status == 400


async def test_escaped_separators_are_part_of_the_value(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    a, b, c, d = await make(
        space,
        observation(someone, identifier=[{"system": "urn:s", "value": "one,two"}]),
        observation(someone, identifier=[{"system": "urn:s", "value": "one|two"}]),
        observation(someone, identifier=[{"system": "urn:s", "value": "one\\"}]),
        observation(someone, identifier=[{"system": "urn:s|one", "value": "two"}]),
    )
    for value, expected in [
        (r"urn:s|one\,two", [a]),
        (r"one\,two", [a]),
        (r"urn:s|one\|two", [b]),
        (r"urn:s|one|two", [b]),
        (r"urn:s\|one|two", [d]),
        (r"one\\", [c]),
        (r"one\\,one\,two", [c, a]),
    ]:
        found = await ids(space, f"Observation?identifier={quote(value)}")
        assert set(found) == set(expected), value


async def test_references_by_id_by_type_and_by_identifier(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (place,) = await make(space, organization("Somewhere"))
    who = {"identifier": {"system": "urn:s", "value": "a,b"}}
    a, b, c = await make(
        space,
        observation(someone, performer=[{"reference": f"Organization/{place}"}]),
        observation(someone, performer=[who]),
        observation(someone, performer=[{"reference": "https://else.where/fhir/Organization/9"}]),
    )
    for query, expected in [
        (f"performer={place}", [a]),
        (f"performer=Organization/{place}", [a]),
        (f"performer:Organization={place}", [a]),
        (f"performer:Practitioner={place}", []),
        (f"performer=http://carnet.test/fhir/Organization/{place}", [a]),
        (f"performer=http://carnet.test/fhir/Organization/{place}/_history/1", [a]),
        (f"performer=http://other.test/fhir/Organization/{place}", []),
        ("performer=https://else.where/fhir/Organization/9", [c]),
        (r"performer:identifier=urn:s|a\,b", [b]),
        (r"performer:identifier=a\,b", [b]),
        (r"performer:identifier=|a\,b", []),
    ]:
        assert await ids(space, f"Observation?{query}") == expected, query
    for query in ("performer:identifier=urn:s|", "performer:Practitioner=Organization/1"):
        assert (await space.get(f"Observation?{query}", as_=LAB)).status == 400, query


async def test_a_subject_may_be_one_of_several_kinds(space: Space) -> None:
    """A value that is no Patient is not left out because another one is."""
    (group,) = await make(
        space, {"resourceType": "Group", "type": "animal", "actual": False, "name": "chats"}
    )
    a, b = await make(
        space,
        observation(f"Patient/{space.patient_id('husband')}"),
        observation(f"Group/{group}"),
    )
    both = f"Patient/{space.patient_id('husband')},Group/{group}"
    assert set(await ids(space, f"Observation?subject={both}")) == {a, b}
    assert await ids(space, f"Observation?subject={group}") == [b]


async def test_what_several_people_own_is_found_by_each_of_them(space: Space) -> None:
    one, two = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    (made,) = await make(
        space,
        {
            "resourceType": "Appointment",
            "status": "booked",
            "start": "2026-01-01T00:00:00Z",
            "end": "2026-01-01T01:00:00Z",
            "participant": [
                {"actor": {"reference": each}, "status": "accepted"} for each in (one, two)
            ],
        },
    )
    for value in (one, two):
        assert await ids(space, f"Appointment?actor={value}") == [made]
        assert await ids(space, f"Appointment?patient={value}") == [made]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("eq2020", "ym"), ("2020-02", "m"), ("ne2020", "lop"), ("2019", "l"),
        ("gt2020", "po"), ("gt2020-02", "ypo"), ("ge2020", "ymop"), ("lt2020", "lo"),
        ("le2020", "ymlo"), ("lt2020-02-10", "ymlo"), ("sa2020", "p"), ("eb2020", "l"),
        ("sa2019", "ymp"), ("eb2021", "yml"), ("eb2022-06", "ymlo"), ("ge2020-02", "ymop"),
        ("gt2030-01-01", "p"), ("lt1900", "o"), ("ap2020-02-15", "ymo"),
        ("ge2020&date=lt2021", "ymo"), ("2019,2020-02", "lm"),
        ("2020-02-10T10:00:00Z", ""), ("lt2019-06-01T00:00:00%2B02:00", "lo"),
        ("lt2019-06-01T00:00:00 02:00", "lo"),
        ("le9999-12-31", "ymlop"), ("eb9999-12-31", "ymlo"),
    ],
)  # fmt: skip
async def test_prefixes_compare_ranges_as_fhir_says(space: Space, query: str, found: str) -> None:
    """y: all of 2020, m: February 2020, l: May 2019, o: no start to 2022, p: 2021 and no end, n: none."""
    someone = f"Patient/{space.patient_id('husband')}"
    made = await make(
        space,
        observation(someone, date="2020"),
        observation(someone, date="2020-02"),
        observation(someone, date="2019-05"),
        observation(someone, effectivePeriod={"end": "2021"}),
        observation(someone, effectivePeriod={"start": "2021-06"}),
        observation(someone),
    )
    names = dict(zip(made, "ymlopn", strict=True))
    got = {names[each] for each in await ids(space, f"Observation?subject={someone}&date={query}")}
    assert got == set(found)


@pytest.mark.parametrize(
    "value",
    ["", "20", "2020-13", "2020-02-30", "2020-02-01T25:00", "2020-02-01T10", "xx2020",
     "2020-02-01T10:00+99:00", "0000", "10000", "2020-1", "２０２０", "ge", "2020-02-01T10:00:00.", "now"],
)  # fmt: skip
async def test_a_date_that_is_none_is_refused(space: Space, value: str) -> None:
    answer = await space.get(f"Observation?date=ge2000,{quote(value)}", as_=LAB)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid")
    for far in ("ap9998", "ap0001", "gt9999-12-31T23:59:59+14:00", "lt0001-01-01T00:00:00-14:00"):
        assert (await space.get(f"Observation?date={quote(far)}", as_=LAB)).status == 200, far


async def test_a_fraction_of_a_second_is_not_rounded(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    (made,) = await make(space, observation(someone, effectiveInstant="2020-01-01T00:00:00.57Z"))
    assert await ids(space, f"Observation?subject={someone}&date=2020-01-01T00:00:00.57Z") == [made]
    assert await ids(
        space, f"Observation?subject={someone}&date=sa2020-01-01T00:00:00.569999Z"
    ) == [made]
    assert await ids(space, f"Observation?subject={someone}&date=2020-01-01T00:00:00.56Z") == []


async def test_last_updated_is_compared_to_the_millisecond(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (made,) = await make(space, observation(someone))
    stamp = (await space.get(f"Observation/{made}", as_=LAB)).json["meta"]["lastUpdated"]
    for prefix, found in [
        ("", 1),
        ("ge", 1),
        ("le", 1),
        ("gt", 0),
        ("lt", 0),
        ("ap", 1),
        ("ne", 0),
    ]:
        got = await ids(space, f"Observation?_lastUpdated={prefix}{stamp}&_id={made}")
        assert len(got) == found, prefix


async def test_names_are_found_whatever_their_case_and_accents(space: Space) -> None:
    a, b = await make(
        space, organization("Manoir de l'Étoile", alias=["CHÂTEAU"]), organization("etoile")
    )
    for query, expected in [
        ("name=manoir", [a]), ("name=ETOILE", [b]), ("name=manoir de l etoile", [a]),
        ("name:contains=étoile", [a, b]), ("name:exact=etoile", [b]), ("name:exact=Etoile", []),
        ("name:exact=Manoir de l'Étoile", [a]), ("name=chateau", [a]), ("name=toile", []),
        ("name=etoile,manoir", [a, b]),
    ]:  # fmt: skip
        assert set(await ids(space, f"Organization?{quote(query, safe='=:')}")) == set(expected), (
            query
        )


async def test_sealed_text_is_found_by_its_beginning_or_exactly(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (made,) = await make(
        space,
        {
            "resourceType": "RiskAssessment",
            "status": "final",
            "subject": {"reference": someone},
            "identifier": [{"value": "1"}],
        },
    )
    assert made
    (plan,) = await make(
        space,
        {"resourceType": "Medication", "status": "active", "batch": {"lotNumber": "Lot É 42"}},
    )
    assert await ids(space, "Medication?lot-number=Lot%20%C3%89%2042") == [plan]
    theme = {"resourceType": "ImagingStudy", "status": "available"}
    series = [{"uid": "1.2", "modality": {"code": "CT"}}]
    await make(space, theme | {"subject": {"reference": someone}, "series": series})
    long = await space.get("Questionnaire?title=" + "a" * 60, as_=LAB)
    assert (long.status, long.json["issue"][0]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("no-such=1", "not-supported", "no search parameter no-such"),
        ("1840175123456=1", "not-supported", "of this name"),
        ("date:missing=maybe", "invalid", ":missing"),
        ("date:missing=true,false", "invalid", ":missing"),
        ("_id:not=1", "not-supported", ":not"),
        ("_lastUpdated:missing=true", "not-supported", ":missing"),
        ("_text=(garnier", "invalid", "_text: "),
        ("_content=%2C", "invalid", "_content: "),
        ("date=maybe", "invalid", "date: "),
        ("value-quantity=a|b", "invalid", "value-quantity: "),
        ("value-string=%C2%A0", "invalid", "value-string: "),
        ("subject:Patient.birthdate=maybe", "invalid", "subject:Patient.birthdate: "),
        ("_has:Observation:has-member:date=maybe", "invalid", "_has:Observation:has-member:date: "),
        ("subject:identifier=urn:s|", "not-supported", "subject:identifier: "),
        ("_filter=date%20eq%20maybe", "invalid", "date: "),
        ("_query=a", "not-supported", "_query"),
        ("_sort=code-value-quantity", "not-supported", "order"),
        ("_count=many", "invalid", "_count"),
        ("_count=-1", "invalid", "_count"),
        ("_total=some", "invalid", "_total"),
        ("_sort=no-such", "not-supported", "_sort"),
        ("_sort=date,,_id", "not-supported", "_sort"),
        ("_sort=date,_id,date,_id,date,_id", "not-supported", "_sort"),
        ("_summary=some", "invalid", "_summary"),
        ("_summary=text&_include=Observation:subject", "invalid", "_summary"),
        ("_summary=true&_elements=code", "invalid", "_summary"),
        ("_elements=no-such", "invalid", "_elements"),
        ("_cursor=abc", "invalid", "page link"),
        ("subject=a/b/c", "invalid", "reference"),
        ("code=" + ",".join(["a"] * 501), "too-costly", "values"),
        ("&".join(["status=final"] * 61), "too-costly", "parameters"),
    ],
)
async def test_what_cannot_be_searched_is_said_so(
    space: Space, query: str, code: str, said: str
) -> None:
    answer = await space.get(f"Observation?{query}", as_=LAB)
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.json["issue"][0]["code"] == code
    assert said in answer.said
    assert "garnier" not in answer.said


async def test_lenient_handling_leaves_out_what_is_unknown_and_says_what_was_applied(
    space: Space,
) -> None:
    answer = await space.get(
        "Observation?no-such=1&status=final&code:exact=1&_sort=no-such&_include=Observation:no-such",
        as_=LAB,
        Prefer="handling=lenient",
    )
    assert answer.status == 200
    assert links(answer)["self"] == "Observation?status=final"


async def test_search_by_post_takes_address_and_body(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    a, b = await make(space, observation(someone, date="2020"), observation(someone, date="2021"))
    both = {"_id": f"{a},{b}"}
    for path, body, expected in [
        ("Observation/_search", both | {"date": "2020"}, {a}),
        ("Observation/_search?date=2021", both, {b}),
        (f"Observation/_search?_id={a},{b}", {}, {a, b}),
    ]:
        answer = await space.call(
            "POST", path, as_=LAB, body=urlencode(body).encode(), headers={"Content-Type": FORM}
        )
        assert {each["id"] for each in answer.entries} == expected, answer.body
    wrong = await space.call("POST", "Observation/_search", as_=LAB, body={"a": 1})
    assert (wrong.status, wrong.json["issue"][0]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "query",
    ["code=%00", "code=%ED%A0%80", "code=%FF", "%00=a", "code=\ud800", "name%00=a", "_id=%00"],
)
async def test_bytes_that_are_no_text_are_refused(space: Space, query: str) -> None:
    raw = query.encode("utf-8", "surrogatepass").decode("latin-1")
    if "\xed" in raw:
        raw = quote(query.encode("utf-8", "surrogatepass"), safe="=%")
    for path in (f"Observation?{raw}", f"Patient?{raw}"):
        answer = await space.get(path, as_=LAB)
        assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid")
    posted = await space.call(
        "POST", "Observation/_search", as_=LAB, body=raw.encode(), headers={"Content-Type": FORM}
    )
    assert posted.status == 400


async def test_the_total_is_counted_when_asked(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    await make(space, *(observation(someone, date=f"20{n:02}") for n in range(7)))
    query = f"Observation?subject={someone}"
    for extra in ("_summary=count", "_count=0"):
        answer = (await space.get(f"{query}&{extra}", as_=LAB)).json
        assert answer["total"] == 7
        assert "entry" not in answer
    page = await space.get(f"{query}&_count=3&_total=accurate", as_=LAB)
    assert (page.json["total"], len(page.entries)) == (7, 3)
    second = await space.get(links(page)["next"], as_=LAB)
    assert (second.json["total"], len(second.entries)) == (7, 3)
    known = (await space.get(query, as_=LAB)).json  # all of it is on one page
    assert known["total"] == 7
    assert (await space.get(f"{query}&date=1990", as_=LAB)).json["total"] == 0
    for unknown in ("_total=none", "_count=3"):
        assert "total" not in (await space.get(f"{query}&{unknown}", as_=LAB)).json
    for many in ("1000000", "99999999999999999999"):
        assert len(await ids(space, f"{query}&_count={many}")) == 7


async def test_sorting_both_ways_puts_what_has_no_date_last(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    a, b, c, d = await make(
        space,
        observation(someone, date="2020"),
        observation(someone),
        observation(someone, date="2021-05-05"),
        observation(someone, date="2019"),
    )
    query = f"Observation?subject={someone}"
    assert await ids(space, query) == [c, a, d, b]
    assert await ids(space, f"{query}&_sort=-date") == [c, a, d, b]
    assert await ids(space, f"{query}&_sort=date") == [d, a, c, b]
    await space.put(
        f"Observation/{d}", observation(someone, date="2019", id=d, status="amended"), as_=LAB
    )
    assert (await ids(space, f"{query}&_sort=-_lastUpdated"))[0] == d
    assert (await ids(space, f"{query}&_sort=_lastUpdated"))[-1] == d


@pytest.mark.parametrize(
    "sort", ["", "&_sort=date", "&_sort=-date", "&_sort=_lastUpdated", "&_sort=-_lastUpdated"]
)
async def test_what_does_not_change_is_on_one_page_exactly(space: Space, sort: str) -> None:
    """Rows come, change and go between pages; many share one date, some have none."""
    someone = f"Patient/{space.patient_id('husband')}"

    def some(count: int) -> list[Json]:
        dates = [None, "2020", "2020", "2020-06-01", "2021"]
        return [observation(someone, date=dates[n % 5]) for n in range(count)]

    kept = await make(space, *some(25))
    moving = await make(space, *some(10))
    found: list[str] = []
    path: str | None = f"Observation?subject={someone}&_count=4{sort}"
    while path is not None:
        answer = await space.get(path, as_=LAB)
        found += [each["id"] for each in answer.entries]
        path = links(answer).get("next")
        await make(space, *some(2)) if len(found) < 30 else None
        if moving:
            gone = moving.pop()
            await space.call("DELETE", f"Observation/{gone}", as_=LAB)
        if moving:
            changed = moving.pop(0)
            body = observation(someone, date="2022", id=changed)
            await space.put(f"Observation/{changed}", body, as_=LAB)
        assert len(found) < 200
    assert sorted(each for each in found if each in set(kept)) == sorted(kept)


async def test_a_page_link_is_for_its_own_type(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    await make(space, *(observation(someone) for _ in range(3)))
    page = await space.get("Observation?_count=1", as_=LAB)
    cursor = dict(parse_qsl(urlsplit(links(page)["next"]).query))["_cursor"]
    assert (await space.get(f"Condition?_cursor={cursor}", as_=LAB)).status == 400
    broken = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    assert (await space.get(f"Observation?_cursor={broken}", as_=LAB)).status == 400


async def test_includes_are_those_asked_for_once_each(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    place, device = await make(
        space, organization("Somewhere"), {"resourceType": "Device", "status": "active"}
    )
    (first,) = await make(space, observation(someone, date="2020"))
    own = chosen()
    assert (
        await space.put(f"Observation/{own}", observation(someone, id=own, date="2021"), as_=LAB)
    ).status == 201
    (made,) = await make(
        space,
        observation(
            someone,
            date="2022",
            performer=[{"reference": f"Organization/{place}"}],
            device={"reference": f"Device/{device}"},
            hasMember=[{"reference": f"Observation/{first}"}, {"reference": f"Observation/{own}"}],
        ),
    )

    async def included(query: str) -> dict[str, set[str]]:
        answer = await space.get(f"Observation?{query}", as_=LAB)
        assert answer.status == 200, answer.body
        seen: dict[str, set[str]] = {}
        addresses = [entry["fullUrl"] for entry in answer.json["entry"]]
        assert len(set(addresses)) == len(addresses)
        for entry in answer.json["entry"]:
            seen.setdefault(entry["search"]["mode"], set()).add(entry["resource"]["id"])
        return seen

    one = f"_id={made}"
    assert await included(one) == {"match": {made}}
    assert (await included(f"{one}&_include=Observation:performer"))["include"] == {place}
    assert (await included(f"{one}&_include=Observation:has-member"))["include"] == {first, own}
    two = "_include=Observation:performer:Organization&_include=Observation:performer:Practitioner"
    for order in (two, "&".join(reversed(two.split("&")))):
        assert (await included(f"{one}&{order}"))["include"] == {place}
    assert "include" not in await included(f"{one}&_include=Observation:performer:Practitioner")
    several = await included(f"{one}&_include=Observation:performer&_include=Observation:device")
    assert several["include"] == {place, device}
    whole = await included(f"_id={made},{first},{own}&_include=Observation:has-member")
    assert whole == {"match": {made, first, own}}  # a match is not included as well


async def test_an_include_never_shows_what_a_read_would_not(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (place,) = await make(space, organization("Hidden"), by=HOSPITAL)
    (made,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{place}"}])
    )
    answer = await space.get(f"Observation?_id={made}&_include=Observation:performer", as_=LAB)
    assert [each["id"] for each in answer.entries] == [made]


async def test_links_repeat_what_was_applied_and_lead_on(space: Space) -> None:
    someone = f"Patient/{space.patient_id('husband')}"
    made = await make(space, *(observation(someone, date="2020") for _ in range(5)))
    query = f"Observation?subject={someone}&_count=2&_sort=date&code=http://loinc.org|2339-0"
    page = await space.get(query, as_=LAB)
    applied: Any = parse_qsl(urlsplit(links(page)["self"]).query)
    assert applied == parse_qsl(urlsplit(query).query)
    assert sorted(await walked(space, query)) == sorted(made)
