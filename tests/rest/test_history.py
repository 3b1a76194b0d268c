# SPDX-License-Identifier: EUPL-1.2
"""The history of a resource, of a type and of the server: whole, in order, as the door lets it be seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, bundle, chosen, get, observation, organization
from tests.space import BASE, Answer, Space

pytestmark = pytest.mark.anyio


def told(answer: Answer) -> list[tuple[str, str, str]]:
    """Of each entry: method, where it is, version."""
    return [
        (
            entry["request"]["method"],
            entry["fullUrl"].removeprefix(f"{BASE}/fhir/"),
            entry["response"]["etag"],
        )
        for entry in answer.json.get("entry", [])
    ]


def link(answer: Answer, relation: str) -> str | None:
    """Where a link of a Bundle leads, after the base."""
    for each in answer.json["link"]:
        if each["relation"] == relation:
            return str(each["url"]).removeprefix(f"{BASE}/fhir/")
    return None


async def walked(space: Space, path: str, as_: str, between: Any = None) -> list[Any]:
    """Every entry, page after page; between: what happens in between."""
    found: list[Any] = []
    following: str | None = path
    while following is not None:
        answer = await space.get(following, as_=as_)
        assert answer.status == 200, answer.body
        found += told(answer)
        following = link(answer, "next")
        if between is not None:
            await between()
    return found


@pytest.fixture
async def lived(space: Space) -> Json:
    """An Observation of three versions and one that was deleted, both of the laboratory."""
    patient = f"Patient/{space.patient_id()}"
    made = (await space.post("Observation", observation(patient), as_=LAB)).json
    for status in ("amended", "corrected"):
        space.clock.advance(timedelta(minutes=1))
        made = (
            await space.put(f"Observation/{made['id']}", made | {"status": status}, as_=LAB)
        ).json
    other = (await space.post("Observation", observation(patient), as_=LAB)).json
    space.clock.advance(timedelta(minutes=1))
    await space.call("DELETE", f"Observation/{other['id']}", as_=LAB)
    return {"kept": f"Observation/{made['id']}", "deleted": f"Observation/{other['id']}"}


async def test_histories_are_of_one_of_a_type_and_of_all(space: Space, lived: Json) -> None:
    kept, deleted = lived["kept"], lived["deleted"]
    whole = [
        ("DELETE", deleted, 'W/"2"'),
        ("POST", deleted, 'W/"1"'),
        ("PUT", kept, 'W/"3"'),
        ("PUT", kept, 'W/"2"'),
        ("POST", kept, 'W/"1"'),
    ]
    one = await space.get(f"{kept}/_history", as_=LAB)
    assert (told(one), one.json["type"], one.json["total"]) == (whole[2:], "history", 3)
    of_type = await space.get("Observation/_history?_count=5", as_=LAB)
    assert told(of_type) == whole
    assert "resource" not in of_type.json["entry"][0]
    assert of_type.json["entry"][2]["resource"]["status"] == "corrected"
    place = await space.post("Organization", organization("Ici"), as_=LAB)
    all_types = await space.get("_history?_count=6", as_=LAB)
    assert told(all_types) == [("POST", f"Organization/{place.json['id']}", 'W/"1"'), *whole]


async def test_pages_repeat_nothing_and_leave_nothing_out_whatever_is_written(
    space: Space, lived: Json
) -> None:
    whole = await walked(space, "_history?_count=1000", LAB)
    assert len(whole) > 5
    n = 0

    async def meanwhile() -> None:
        nonlocal n
        n += 1
        now = (await space.get(lived["kept"], as_=LAB)).json
        await space.put(lived["kept"], now | {"valueString": str(n)}, as_=LAB)

    for path, count in (("_history", 7), ("_history", 16), (f"{lived['kept']}/_history", 1)):
        before = await walked(space, f"{path}?_count=1000", LAB)
        assert await walked(space, f"{path}?_count={count}", LAB, meanwhile) == before
    assert n > len(whole) / 7
    assert await walked(space, f"{lived['kept']}/_history?_count=2", LAB) == [
        each for each in await walked(space, "_history?_count=7", LAB) if each[1] == lived["kept"]
    ]


async def test_since_and_at_are_of_when_versions_were_written_and_current(
    space: Space, lived: Json
) -> None:
    kept = lived["kept"]
    entries = (await space.get(f"{kept}/_history", as_=LAB)).json["entry"]
    third, second, first = [each["response"]["lastModified"] for each in entries]
    versions = {"1": first, "2": second, "3": third}

    async def found(query: str, path: str = kept) -> list[str]:
        answer = await space.get(f"{path}/_history?{query}", as_=LAB)
        assert answer.status == 200, answer.body
        return [each[2][3] for each in told(answer) if each[1] == kept]

    assert await found(f"_since={second}") == ["3", "2"]
    assert await found(f"_since={second}", "Observation") == ["3", "2"]
    assert await found(f"_since={second.replace('Z', '+00:00')}") == ["3", "2"]
    assert await found("_since=2199-01-01T00:00:00Z") == []
    for version, at in versions.items():
        assert await found(f"_at={at}") == [version]
        assert await found(f"_at={at}", "Observation") == [version]
    assert await found(f"_at={first[:10]}") == ["3", "2", "1"]
    assert await found("_at=1999") == []
    # Between two versions, the first was the current one.
    assert await found(f"_at={second[:17]}00Z") == ["1"] or second[17:19] == "00"
    missing = await space.get(f"Observation/{'a' * 26}/_history?_since=2199-01-01", as_=LAB)
    assert missing.status == 404


async def test_a_bundle_says_until_when_it_is_complete(space: Space, lived: Json) -> None:
    answer = await space.get("Observation/_history", as_=LAB)
    until = answer.json["meta"]["lastUpdated"]
    space.clock.advance(timedelta(minutes=2))
    made = await space.get(lived["kept"], as_=LAB)
    await space.put(lived["kept"], made.json | {"valueString": "later"}, as_=LAB)
    again = await space.get(f"Observation/_history?_since={until}", as_=LAB)
    assert told(again)[0] == ("PUT", lived["kept"], 'W/"4"')


async def test_a_version_is_never_older_than_the_one_before_it(space: Space, lived: Json) -> None:
    """A write that began first and waited for another: whoever goes by _since would never see it."""
    made = (await space.get(lived["kept"], as_=LAB)).json
    space.clock.advance(timedelta(hours=-1))
    late = await space.put(lived["kept"], made | {"valueString": "late"}, as_=LAB)
    assert late.json["meta"]["lastUpdated"] > made["meta"]["lastUpdated"]
    told_ = (await space.get(f"{lived['kept']}/_history", as_=LAB)).json["entry"]
    assert [each["response"]["etag"][3] for each in told_] == ["4", "3", "2", "1"]


async def test_what_is_hidden_has_no_history(space: Space, lived: Json) -> None:
    """At each level, for who does not see the current row: as if it had never been."""
    before = {
        path: (await space.get(f"{path}?_count=1000", as_="gp")).json.get("entry", [])
        for path in ("_history", "Observation/_history")
    }
    cid = space.where.people["patient"]
    rid = space.built.door.ids.decode(lived["kept"].partition("/")[2])
    assert rid is not None and rid[0] == cid
    await space.rows("UPDATE record.resource SET labels = 1 WHERE cid = %s AND rid = %s", *rid)
    for path, entries in before.items():
        now = (await space.get(f"{path}?_count=1000", as_="nurse")).json.get("entry", [])
        assert lived["kept"] not in {each["fullUrl"].split("/fhir/")[1] for each in now}
        assert lived["kept"] in {each["fullUrl"].split("/fhir/")[1] for each in entries}
    assert (await space.get(f"{lived['kept']}/_history", as_="nurse")).status == 404
    for persona in ("outsider", "blocked", HOSPITAL):
        for path in ("_history", "Observation/_history"):
            seen = (await space.get(f"{path}?_count=1000", as_=persona)).json.get("entry", [])
            found = {each["fullUrl"].split("/fhir/")[1] for each in seen}
            assert not found & set(lived.values()), (persona, path)


async def test_what_a_history_released_is_in_the_trace(space: Space, lived: Json) -> None:
    place = space.built.door.ids.decode(lived["kept"].partition("/")[2])
    assert place is not None
    await space.get("Observation/_history?_count=3", as_=LAB)
    ((rids, vers, granted),) = await space.rows(
        "SELECT rids, vers, granted FROM access.audit WHERE act = 'history' ORDER BY seq DESC LIMIT 1"
    )
    assert granted
    assert sorted(vers) == [1, 2, 3]
    assert place[1] in rids


@pytest.mark.parametrize(
    "query",
    ["_count=0", "_count=x", "_since=x", "_at=yesterday", "_list=1", "_since=2020&_since=2021",
     "status=final", "_cursor=x"],
)  # fmt: skip
async def test_what_a_history_does_not_take_is_said(space: Space, query: str) -> None:
    for path in ("_history", "Observation/_history"):
        answer = await space.get(f"{path}?{query}", as_=LAB)
        assert answer.status == 400, (path, answer.body)


async def test_a_view_has_no_history_and_a_link_is_of_its_own_history(
    space: Space, lived: Json
) -> None:
    for rtype in ("AuditEvent", "Consent"):
        assert (await space.get(f"{rtype}/_history", as_="patient")).status == 400
    assert (await space.get("Nothing/_history", as_=LAB)).status == 404
    page = await space.get("Observation/_history?_count=1", as_=LAB)
    other = (link(page, "next") or "").replace("Observation/", "Device/")
    assert (await space.get(other, as_=LAB)).status == 400


async def test_decimals_of_every_version_keep_their_digits(space: Space) -> None:
    id = chosen()
    for text in ("72.50", "1.000", "1E+3"):
        sent = (
            b'{"resourceType":"Observation","id":"%s","status":"final","code":{"text":"x"},'
            % id.encode()
        )
        sent += b'"subject":{"reference":"Patient/%s"},' % space.patient_id().encode()
        sent += b'"valueQuantity":{"value":%s}}' % text.encode()
        assert (await space.put(f"Observation/{id}", sent, as_=LAB)).status in (200, 201)
    for path in (
        f"Observation/{id}/_history",
        "Observation/_history?_count=3",
        "_history?_count=3",
    ):
        body = (await space.get(path, as_=LAB)).body
        for text in ("72.50", "1.000", "1E+3"):
            assert f'"value":{text}'.encode() in body, (path, text)


async def test_a_bundle_asks_for_histories_of_every_level(space: Space, lived: Json) -> None:
    paths = [
        f"{lived['kept']}/_history?_count=1",
        "Observation/_history?_count=2",
        "_history?_count=3",
    ]
    answer = await space.post("", bundle(*map(get, paths), kind="batch"), as_=LAB)
    assert [len(each["resource"]["entry"]) for each in answer.json["entry"]] == [1, 2, 3]
