# SPDX-License-Identifier: EUPL-1.2
"""Binary both ways: bytes as they are, or FHIR JSON with base64."""

import base64
from typing import Any

import pytest

from tests.rest.samples import HOSPITAL, LAB, bundle, get, post
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio
BYTES = bytes(range(256)) * 4


async def sent(space: Space, content: bytes, media: str) -> Answer:
    return await space.call(
        "POST", "Binary", as_=LAB, body=content, headers={"Content-Type": media}
    )


async def test_raw_bytes_come_back_as_they_were(space: Space) -> None:
    made = await sent(space, BYTES, "application/pdf")
    assert made.status == 201
    assert base64.b64decode(made.json["data"]) == BYTES
    address = f"Binary/{made.json['id']}"
    raw = await space.get(address, as_=LAB, accept="application/pdf")
    assert (raw.status, raw.body) == (200, BYTES)
    assert raw.headers["content-type"] == "application/pdf"
    assert raw.headers["content-disposition"] == "attachment"
    assert "sandbox" in raw.headers["content-security-policy"]
    for query, accept in [("", "application/fhir+json"), ("?_format=json", "application/pdf")]:
        whole = await space.get(address + query, as_=LAB, accept=accept)
        assert whole.json["contentType"] == "application/pdf"
        assert base64.b64decode(whole.json["data"]) == BYTES
    version = await space.get(f"{address}/_history/1", as_=LAB, accept="*/*")
    assert version.body == BYTES
    assert (await space.get(address, as_=HOSPITAL)).status == 404
    unchanged = await space.get(address, as_=LAB, **{"if-none-match": 'W/"1"'})
    assert unchanged.status == 304


async def test_fhir_json_comes_back_raw(space: Space) -> None:
    body = {
        "resourceType": "Binary",
        "contentType": "text/plain; charset=utf-8",
        "data": base64.b64encode(BYTES).decode(),
    }
    made = await space.post("Binary", body, as_=LAB)
    assert made.status == 201
    raw = await space.get(f"Binary/{made.json['id']}", as_=LAB, accept="*/*")
    assert (raw.body, raw.headers["content-type"]) == (BYTES, "text/plain; charset=utf-8")


async def test_a_bundle_reads_the_bytes_too(space: Space) -> None:
    made = (await sent(space, BYTES, "image/png")).json
    answer = await space.post("", bundle(get(f"Binary/{made['id']}"), kind="batch"), as_=LAB)
    assert base64.b64decode(answer.json["entry"][0]["resource"]["data"]) == BYTES


@pytest.mark.parametrize("data", ["!!!!", "AAA", "AA=A", "é", "AAAA AAAA!"])
async def test_base64_that_is_not(space: Space, data: str) -> None:
    body = {"resourceType": "Binary", "contentType": "text/plain", "data": data}
    for answer in (
        await space.post("Binary", body, as_=LAB),
        await space.post("", bundle(post(body)), as_=LAB),
    ):
        assert (answer.status, answer.json["resourceType"]) == (400, "OperationOutcome")
    assert (
        await space.rows("SELECT 1 FROM record.resource WHERE dep_org IS NULL AND rtype = -1") == []
    )


@pytest.mark.parametrize(
    "media", ["no-media", "text/é", "a b/c", "text/html\u2028x", "text/x;\u00e9"]
)
async def test_a_media_type_that_is_none_is_never_an_answers_header(
    space: Space, media: str
) -> None:
    body: dict[str, Any] = {"resourceType": "Binary", "contentType": media, "data": "AAAA"}
    made = await space.post("Binary", body, as_=LAB)
    if made.status == 400:
        return
    raw = await space.get(f"Binary/{made.json['id']}", as_=LAB, accept="*/*")
    assert (raw.status, raw.headers["content-type"]) == (200, "application/octet-stream")


async def test_bytes_without_a_media_type_are_refused(space: Space) -> None:
    answer = await sent(space, BYTES, "")
    assert answer.status == 415
