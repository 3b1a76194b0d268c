# SPDX-License-Identifier: EUPL-1.2
"""$meta, $meta-add and $meta-delete; conditional reads; the form of an answer."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.rest.samples import HOSPITAL, LAB, Json, bundle, get, observation
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio

TAG, OTHER = {"system": "urn:a", "code": "x"}, {"system": "urn:b", "code": "x"}


async def made(space: Space, **more: Any) -> str:
    sent = observation(f"Patient/{space.patient_id()}", **more)
    return f"Observation/{(await space.post('Observation', sent, as_=LAB)).json['id']}"


async def change(space: Space, address: str, meta: Json, as_: str = LAB, **headers: str) -> Answer:
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    return await space.post(address, body, as_=as_, **headers)


def meta(answer: Answer) -> Json:
    assert answer.status == 200, answer.body
    (only,) = answer.json["parameter"]
    assert only["name"] == "return"
    found: Json = only["valueMeta"]
    return found


async def test_tags_and_profiles_are_added_once_and_taken_away(space: Space) -> None:
    address = await made(space, meta={"tag": [TAG]})
    assert meta(await space.get(f"{address}/$meta", as_="patient"))["tag"] == [TAG]
    told = await change(space, f"{address}/$meta-add", {"tag": [TAG, OTHER], "profile": ["urn:p"]})
    assert (meta(told)["tag"], told.headers["etag"]) == ([TAG, OTHER], 'W/"2"')
    again = await change(space, f"{address}/$meta-add", {"tag": [OTHER | {"display": "other"}]})
    assert again.headers["etag"] == 'W/"2"'
    found = await space.get(f"Observation?_tag=urn:b|x&_id={address.split('/')[1]}", as_=LAB)
    assert len(found.entries) == 1
    late = await change(space, f"{address}/$meta-delete", {"tag": [TAG]}, **{"If-Match": 'W/"1"'})
    assert late.status == 412
    told = await change(
        space, f"{address}/$meta-delete", {"tag": [TAG, OTHER], "profile": ["urn:p"]}
    )
    assert not {"tag", "profile"} & meta(told).keys()
    assert meta(await space.get(f"{address}/_history/1/$meta", as_=LAB))["tag"] == [TAG]
    content = (await space.get(address, as_=LAB)).json
    assert content["status"] == "final"  # the rest is as it was


async def test_who_may_not_change_a_resource_does_not_change_its_meta(space: Space) -> None:
    address = await made(space)
    for persona, status in (("gp", 403), ("patient", 403), (HOSPITAL, 404), ("outsider", 404)):
        for name in ("add", "delete"):
            answer = await change(space, f"{address}/$meta-{name}", {"tag": [TAG]}, as_=persona)
            assert answer.status == status, (persona, answer.body)
        seen = (await space.get(f"{address}/$meta", as_=persona)).status
        assert seen == (404 if status == 404 else 200), persona
    assert (
        await change(space, f"Patient/{space.patient_id()}/$meta-add", {"tag": [TAG]})
    ).status == 400
    assert meta(await space.get(f"Patient/{space.patient_id()}/$meta", as_="patient"))["versionId"]


@pytest.mark.parametrize("code", ["MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REP_LEGAUX"])
async def test_what_hides_is_not_put_or_taken_away_by_meta(space: Space, code: str) -> None:
    """The row decides who sees, and a label of the body alone would say what is not so."""
    address = await made(space)
    for name in ("add", "delete"):
        answer = await change(space, f"{address}/$meta-{name}", {"security": [{"code": code}]})
        assert (answer.status, answer.json["issue"][0]["code"]) == (422, "business-rule")
    masked = (await space.get(address, as_=LAB)).json
    masked["meta"]["security"] = [{"code": code}]
    assert (await space.put(address, masked, as_=LAB)).status == 422
    rows = await space.rows("SELECT labels, ver FROM record.resource WHERE id = %s", address[12:])
    assert rows == [(0, 1)]


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"}},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "tag", "valueMeta": {"tag": [TAG]}}]},
    ],
)
async def test_what_is_no_meta_is_refused(space: Space, body: Json) -> None:
    answer = await space.post(f"{await made(space)}/$meta-add", body, as_=LAB)
    assert answer.status == 400


async def test_what_the_caller_already_has_is_not_sent_again(space: Space) -> None:
    address = await made(space)
    read = await space.get(address, as_=LAB)
    changed = read.headers["last-modified"]
    before = format_datetime(space.clock.now - timedelta(days=1), usegmt=True)
    for headers, status in [
        ({"If-None-Match": 'W/"1"'}, 304), ({"If-None-Match": '"7", W/"1"'}, 304),
        ({"If-None-Match": "*"}, 304), ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-Modified-Since": changed}, 304), ({"If-Modified-Since": before}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"2"', "If-Modified-Since": changed}, 200),
    ]:  # fmt: skip
        answer = await space.call("GET", address, as_=LAB, headers=headers)
        assert (answer.status, answer.body == b"") == (status, status == 304), headers
        assert answer.headers["etag"] == 'W/"1"'
    hidden = await space.call("GET", address, as_=HOSPITAL, headers={"If-None-Match": "*"})
    assert hidden.status == 404
    entries = []
    for more in ({"ifNoneMatch": 'W/"1"'}, {"ifModifiedSince": "2100-12-31T23:59:60Z"},
                 {"ifModifiedSince": "2000-01-01T00:00:00Z"}):  # fmt: skip
        one = get(address)
        one["request"] |= more
        entries.append(one)
    answer = await space.post("", bundle(*entries, kind="batch"), as_=LAB)
    told = answer.json["entry"]
    assert [each["response"]["status"][:3] for each in told] == ["304", "304", "200"]
    assert ["resource" in each for each in told] == [False, False, True]
    lines = await space.rows(
        "SELECT count(*) FROM access.audit WHERE act = 'read' AND cid IS NOT NULL"
    )
    assert lines[0][0] >= 11  # that it is unchanged is told of the record too


async def test_pretty_answers_are_indented_and_keep_every_digit(space: Space) -> None:
    address = await made(space, note=[{"text": "é"}])
    raw = (await space.get(address, as_=LAB)).body.replace(
        b'"status":"final"', b'"status":"final","valueQuantity":{"value":1.10}'
    )
    await space.call("PUT", address, as_=LAB, body=raw)
    plain = await space.get(address, as_=LAB)
    pretty = await space.get(f"{address}?_pretty=true&_format=json", as_=LAB)
    assert pretty.json == plain.json
    assert b'\n    "value": 1.10' in pretty.body
    assert int(pretty.headers["content-length"]) == len(pretty.body)
    assert b"\n" not in plain.body
    refused = await space.get("Observation/x?_pretty=true", as_=LAB)
    assert (refused.status, b"\n" in refused.body) == (404, True)
    page = await space.get("Observation?_count=1&_pretty=true", as_=LAB)
    assert b"\n" in page.body
    assert (await space.call("GET", f"{address}?_pretty=true", as_=LAB,
                             headers={"If-None-Match": "*"})).body == b""  # fmt: skip
