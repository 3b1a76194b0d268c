# SPDX-License-Identifier: EUPL-1.2
"""Patient/[id]/$everything: all that is theirs and may be seen, once, page after page."""

import asyncio
from typing import Any

import pytest

from tests.rest.samples import LAB, Json, observation, organization
from tests.rest.test_search import links, make
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


def modes(answer: Answer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"match": [], "include": []}
    for entry in answer.json.get("entry", []):
        address = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        found[entry["search"]["mode"]].append(address)
    return found


async def everything(space: Space, query: str = "", as_: str = "patient") -> list[str]:
    """Addresses of the matches of every page."""
    path: str | None = f"Patient/{space.patient_id()}/$everything{query}"
    found: list[str] = []
    while path is not None:
        answer = await space.get(path, as_=as_)
        assert answer.status == 200, (path, answer.body)
        found += modes(answer)["match"]
        path = links(answer).get("next")
    return found


async def searched(space: Space) -> set[str]:
    """The same by a search of each type: Consent and AuditEvent are views, and not of the record."""
    owner = space.patient_id()
    door = space.built.door
    found: set[str] = {f"Patient/{owner}"}
    for rtype in sorted(door.definitions.types):
        names = sorted(door.owners.parameters(rtype) & {"patient", "subject"})
        if not names or rtype == "Consent":
            continue
        path: str | None = f"{rtype}?{names[0]}=Patient/{owner}&_count=500"
        while path is not None:
            answer = await space.get(path, as_="patient")
            found |= {f"{rtype}/{each['id']}" for each in answer.entries}
            path = links(answer).get("next")
    # R4 finds by patient only what tells of a Patient: where a fact comes from is found by the fact.
    path = "Provenance?_count=500"
    while path is not None:
        answer = await space.get(path, as_="patient")
        for each in answer.entries:
            if found & {target["reference"].split("/_history")[0] for target in each["target"]}:
                found.add(f"Provenance/{each['id']}")
        path = links(answer).get("next")
    return found


def appointment(*people: str, **more: Any) -> Json:
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-01T01:00:00Z",
        "participant": [{"actor": {"reference": each}, "status": "accepted"} for each in people],
    } | more


@pytest.mark.slow
async def test_it_gives_what_searches_give_page_after_page(space: Space) -> None:
    me, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    (place,) = await make(space, organization("Nord"))
    made = await make(
        space,
        observation(me, date="2020", performer=[{"reference": f"Organization/{place}"}]),
        appointment(me),
        observation(other, date="2020"),
    )
    whole = await everything(space, "?_count=500")
    assert len(set(whole)) == len(whole)
    assert {each for each in whole if not each.startswith("Binary/")} == await searched(space)
    mine = await everything(space, "?_count=200")
    assert mine == whole
    assert {f"Observation/{made[0]}", f"Appointment/{made[1]}"} <= set(mine)
    assert f"Observation/{made[2]}" not in mine
    some = "?_type=Patient,Appointment,DocumentReference"
    short = await everything(space, some)
    assert len(short) > 5
    for count in (3, 7):
        assert await everything(space, f"{some}&_count={count}") == short
    (masked,) = await make(space, observation(me, meta={"security": [MASK]}))
    for as_, seen in (("patient", True), ("gp", True), ("nurse", False)):
        found = await everything(space, "?_type=Observation&_count=500", as_=as_)
        assert (f"Observation/{masked}" in found, len(found) > 5) == (seen, True), as_


MASK = {
    "system": "urn:oid:1.2.250.1.213.1.1.4.13",
    "code": "MASQUE_PS",
}


@pytest.mark.slow
async def test_it_may_be_of_some_types_of_some_time_and_since(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    old, new, without = await make(
        space, observation(me, date="1991-05"), observation(me, date="1995"), observation(me)
    )
    some = {f"Observation/{each}" for each in (old, new, without)}

    async def of(query: str) -> set[str]:
        return set(await everything(space, query)) & some

    for query, expected in [
        ("?_type=Observation", some), ("?_type=Patient,Observation", some), ("?_type=Patient", set()),
        ("?start=1991-05-31", some), ("?start=1991-06", some - {f"Observation/{old}"}),
        ("?end=1991", {f"Observation/{each}" for each in (old, without)}),
        ("?start=1992&end=1994", {f"Observation/{without}"}),
        ("?start=1991&end=1995-01-01", some),
    ]:  # fmt: skip
        assert await of(query) == expected, query
    assert await everything(space, "?_type=Patient") == [me]
    stamp = (await space.get(f"Observation/{without}", as_=LAB)).json["meta"]["lastUpdated"]
    await space.put(
        f"Observation/{old}", observation(me, date="1991-05", id=old, status="amended"), as_=LAB
    )
    assert set(await everything(space, f"?_since={stamp}&_type=Observation")) >= {
        f"Observation/{old}", f"Observation/{without}",
    }  # fmt: skip
    later = (await space.get(f"Observation/{old}", as_=LAB)).json["meta"]["lastUpdated"]
    assert await everything(space, f"?_since={later}") == [f"Observation/{old}"]


async def test_what_the_record_points_to_comes_with_it_as_an_include(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    visit = await space.get("Practitioner?_count=1", as_="patient")
    who = f"Practitioner/{visit.entries[0]['id']}"
    (first,) = await make(space, observation(me, performer=[{"reference": who}]))
    stamp = (await space.get(f"Observation/{first}", as_=LAB)).json["meta"]["lastUpdated"]
    path = f"Patient/{space.patient_id()}/$everything?_since={stamp}"
    found = modes(await space.get(path, as_="patient"))
    assert (found["match"], found["include"]) == ([f"Observation/{first}"], [who])
    only = modes(await space.get(f"{path}&_type=Observation", as_="patient"))
    assert (only["match"], only["include"]) == ([f"Observation/{first}"], [])
    traced = await space.rows("SELECT cid, rids FROM access.audit ORDER BY seq DESC LIMIT 1")
    cid, rid = space.built.door.ids.decode(first) or (0, 0)
    assert traced == [(cid, [rid])]


async def test_what_several_people_own_is_in_the_record_of_each(space: Space) -> None:
    me, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('minor')}"
    (made,) = await make(space, appointment(other, me))
    (mine,) = await make(space, appointment(me))
    got = await everything(space, "?_type=Appointment")
    seen = await space.get(f"Appointment/{made}", as_="patient")
    assert (f"Appointment/{made}" in got) == (seen.status == 200)
    assert f"Appointment/{mine}" in got
    for path in (me, other):
        answer = await space.get(f"{path}/$everything?_type=Appointment", as_="parent")
        if answer.status == 200:
            read = await space.get(f"Appointment/{made}", as_="parent")
            assert (f"Appointment/{made}" in modes(answer)["match"]) == (read.status == 200)


async def test_a_record_that_may_not_be_read_is_not_there(space: Space) -> None:
    absent = "b" * 25 + "a"
    for as_ in ("outsider", "lab-software", "minor"):
        hidden = await space.get(f"Patient/{space.patient_id()}/$everything", as_=as_)
        nothing = await space.get(f"Patient/{absent}/$everything", as_=as_)
        assert (hidden.status, hidden.body) == (404, nothing.body), as_


async def test_post_says_the_same_as_get(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    got = await space.get(f"{me}/$everything?_type=Patient,Observation&_count=3", as_="patient")
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueCode": "Patient,Observation"},
            {"name": "_count", "valueInteger": 3},
        ],
    }
    posted = await space.post(f"{me}/$everything", body, as_="patient")
    assert posted.body == got.body
    assert (await space.post(f"{me}/$everything", None, as_="patient")).status == 200


@pytest.mark.parametrize(
    "query", ["_type=Nothing", "start=soon", "_count=0", "_count=x", "other=1", "_cursor=abc"]
)
async def test_what_it_does_not_take_is_said(space: Space, query: str) -> None:
    answer = await space.get(f"Patient/{space.patient_id()}/$everything?{query}", as_="patient")
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "invalid")


@pytest.mark.parametrize("clients", [32, 64])
async def test_many_clients_all_get_their_answer(space: Space, clients: int) -> None:
    """More than the pool has connections: a known server fails, another hangs for ever."""
    path = f"Patient/{space.patient_id()}/$everything?_count=50"
    answers = await asyncio.gather(*(space.get(path, as_="patient") for _ in range(clients)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


@pytest.mark.slow
async def test_many_clients_page_to_the_end_while_others_write(space: Space) -> None:
    """Each takes pages of its own size: what was there before is in all of them, once."""
    me = f"Patient/{space.patient_id()}"
    query = "?_type=DocumentReference,Observation&_count="
    before = await everything(space, f"{query}500")

    async def writing() -> set[str]:
        made = [await make(space, observation(me, date="2021")) for _ in range(5)]
        return {f"Observation/{id}" for (id,) in made}

    new, *found = await asyncio.gather(
        writing(), *(everything(space, f"{query}{150 + 9 * n}") for n in range(12))
    )
    for each in found:
        assert isinstance(each, list) and isinstance(new, set)
        assert len(set(each)) == len(each)
        assert [one for one in each if one not in new] == before
    assert set(await everything(space, f"{query}500")) == {*before, *new}


@pytest.mark.parametrize("path", ["Encounter/{}", "Group/{}", "Patient", "Encounter"])
async def test_of_others_it_is_said_that_there_is_none(space: Space, path: str) -> None:
    """R4 defines it of Encounter and Group too: this server does not, and does not announce it."""
    answer = await space.get(path.format(space.patient_id()) + "/$everything", as_="patient")
    assert (answer.status, answer.json["issue"][0]["code"]) == (404, "not-found")
    (rest,) = (await space.get("metadata")).json["rest"]
    having = {
        each["type"]
        for each in rest["resource"]
        if "everything" in {operation["name"] for operation in each.get("operation", [])}
    }
    assert having == {"Patient"}
