# SPDX-License-Identifier: EUPL-1.2
"""Lines that are no lines: each is refused alone, by its number, and the others are in."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from carnet.bulk import imports, lots
from carnet.bulk.lots import Source, numbered
from tests.bulk.leaving import given_out, pieces, put_in
from tests.bulk.test_imports import counts, importer, ndjson, send, told, written
from tests.rest.samples import observation
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_each_wrong_line_is_refused_by_its_number_and_the_others_are_in(
    space: Space,
) -> None:
    me = f"Patient/{space.patient_id()}"
    good = [json.dumps(observation(me, date="2020", id=f"o{n}")).encode() for n in range(4)]
    deep = b'{"resourceType":"Basic","id":"d","extension":' + b'[{"extension":' * 5000
    wrong = [
        b'{"resourceType":"Observation","id":"u","status":"\xff\xfe"}',  # no UTF-8
        b"\x00\x00\x00",
        b'{"resourceType":"Observation","id":"s","note":[{"text":"\\ud800"}]}',
        deep,
        b"[1, 2]",
        b'"Patient"',
        b"1e999999999",
        b'{"resourceType":["Patient"],"id":"t"}',
        b'{"resourceType":"Patient","id":{"a":"Patient"}}',
        b'{"resourceType":"Nothing","id":"n"}',
        b'{"resourceType":"DocumentReference","id":"r","content":[7]}',
        b'{"resourceType":"Binary","id":"b","contentType":"a/b","data":"%"}',
        b'{"resourceType":"AuditEvent","id":"a"}',
        b'{"resourceType":"Observation","id":"v","subject":[7]}',
        b'{"resourceType":"Observation","id":"w","subject":{"reference":{}},"derivedFrom":{}}',
        b'{"resourceType":"Observation","id":"x","meta":[],"subject":{"reference":7}}',
        b'{"resourceType":"Organization","id":"y","identifier":[[7]]}',
        b'{"resourceType":"Organization","id":"z","identifier":[{"value":[1e9999]}],"x":NaN}',
        b'{"resourceType":"Patient","id":"q","identifier":{"value":"1"},"name":"x"}',
        b'{"resourceType":"Binary","id":"c","securityContext":7,"meta":{"extension":{}}}',
        good[0],  # the same id again
    ]
    lines = [b"\xef\xbb\xbf" + good[0] + b"\r", b"", good[1], *wrong, b"  \t" + good[2], good[3]]
    assert counts(await send(space, b"\n".join(lines)))["refused"] == len(wrong)
    said = await told(space)
    refused = [row for row in said if row["issue"][0]["severity"] == "error"]
    assert [row["issue"][0]["location"] for row in refused] == [
        [f"line {n}"] for n in range(4, 4 + len(wrong))
    ]
    assert all(row["issue"][0]["code"] != "exception" for row in refused), refused
    assert await written(space) == 4


@pytest.mark.parametrize("size", [1000, 1 << 18])
async def test_a_line_of_any_length_is_refused_alone_and_known_again(
    space: Space, size: int
) -> None:
    me = f"Patient/{space.patient_id()}"
    first, last = (observation(me, date="2020", id=id) for id in ("first", "last"))
    settings = replace(space.built.desk.settings, body_limit=100_000)
    limited = replace(space.built.desk, settings=settings)
    content = ndjson(first) + b'{"resourceType":"' + b"x" * 300_000 + b'"}\n' + ndjson(last)

    async def source(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    async def run(content: bytes) -> lots.Done:
        held = replace(await importer(space), desk=limited)
        return await held.run({"a": partial(source, content)})

    done = await run(content)
    assert (done.lines, done.refused, await written(space)) == (3, 1, 2)
    (_, refused, _) = await told(space)
    assert refused["issue"][0]["code"] == "too-long"
    again = await run(content)
    assert (again.lines, again.refused, again.before) == (3, 1, 3)
    with pytest.raises(imports.OtherLines):
        await run(content.replace(b"xx", b"xy", 1))


async def test_a_line_without_end_is_passed_by_in_bounded_memory() -> None:
    piece, limit = b"x" * (1 << 18), 1 << 20

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(800):  # 200 MB
            yield piece
        yield b"\nlast"

    tracemalloc.start()
    try:
        found = [each async for each in numbered(endless(), limit)]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [number for number, _ in found] == [1, 2]
    assert found[0][1].startswith(lots.BEYOND)
    assert most < 8 * limit, "the line was kept"


@pytest.mark.parametrize("header", ["gzip", None])
async def test_what_is_compressed_is_refused_whole(space: Space, header: str | None) -> None:
    content = gzip.compress(ndjson(observation(f"Patient/{space.patient_id()}", id="o")))
    headers = {"content-type": "application/fhir+ndjson"}
    if header is not None:
        headers["content-encoding"] = header
    path = "$import?name=one&input=a&as=software:lab-software"
    answer = await space.call("POST", path, as_="operator", body=content, headers=headers)
    assert answer.status in (400, 415)
    assert answer.json["issue"][0]["code"] in ("invalid", "not-supported")
    assert not await space.rows("SELECT 1 FROM bulk.chunk")


@pytest.mark.slow
async def test_an_id_with_the_number_of_another_is_not_kept(space: Space, other: Space) -> None:
    """Kept, it would lie in the record of the one and be about the other."""
    files = await given_out(space, "software:hospital")
    await put_in(other, "software:hospital", {"Patient": files["Patient"]})
    one, two = (f"Patient/{space.patient_id(each)}" for each in ("patient", "husband"))
    ids = space.built.door.ids
    theirs = ids.decode(two.partition("/")[2])
    assert theirs is not None
    taken = ids.encode(theirs[0], ids.new())
    rows = [observation(one, date="2020", id=taken)]
    basic = {"resourceType": "Patient", "id": taken, "gender": "male", "birthDate": "1950-01-01",
             "name": [{"use": "official", "family": "AUTRE", "given": ["PAUL"]}]}  # fmt: skip
    binary = {"resourceType": "Binary", "id": ids.encode(theirs[0], ids.new()),
              "contentType": "text/plain", "data": "AAAA"}  # fmt: skip
    inputs: dict[str, Source] = {"a": partial(pieces, ndjson(*rows, basic, binary))}
    operator = await other.visit("operator")
    held = await imports.begin(other.built.desk, operator, "more", "software:lab-quais", keep=True)
    await held.run(inputs)
    assert not await other.rows("SELECT 1 FROM record.resource WHERE id = %s", taken)
    inside = "SELECT count(*) FROM record.resource WHERE cid = %s AND rtype <> %s"
    patient = other.built.door.definitions.types["Patient"]
    assert await other.rows(inside, theirs[0], patient) == [(0,)]
