# SPDX-License-Identifier: EUPL-1.2
"""Bad input: a clear OperationOutcome, nothing half stored, the process unharmed."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.rest.samples import LAB, bundle, chosen, observation, post
from tests.space import FHIR, Answer, Space

pytestmark = pytest.mark.anyio

SECRET = "Garnier-184017512345612"  # a value that no answer may repeat


def refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["content-type"].startswith(FHIR)
    assert answer.json["resourceType"] == "OperationOutcome"
    assert answer.json["issue"][0]["code"] == code
    assert answer.json["issue"][0]["diagnostics"]
    assert SECRET.encode() not in answer.body
    assert b"Traceback" not in answer.body


async def unharmed(space: Space, before: int) -> None:
    assert await stored(space) == before
    assert (await space.get("Observation?_count=1", as_="patient")).status == 200


async def stored(space: Space) -> int:
    return int((await space.rows("SELECT count(*) FROM record.resource"))[0][0])


def deep(depth: int) -> bytes:
    inner = '{"url":"a","extension":[' * depth + "]}" * depth
    return ('{"resourceType":"Observation","extension":[' + inner + "]}").encode()


BODIES = {
    "empty": b"",
    "blank": b"  \n",
    "truncated": json.dumps(observation("Patient/" + SECRET)).encode()[:-20],
    "not JSON": SECRET.encode(),
    "XML": b'<Observation xmlns="http://hl7.org/fhir"/>',
    "a list": b"[]",
    "a text": b'"' + SECRET.encode() + b'"',
    "null": b"null",
    "two objects": b"{}{}",
    "duplicate keys": b'{"resourceType":"Observation","status":"final","status":"' + SECRET.encode() + b'"}',
    "NaN": b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}',
    "1e999": b'{"resourceType":"Observation","valueQuantity":{"value":1e999}}',
    "5,000 digits": b'{"resourceType":"Observation","valueInteger":' + b"1" * 5000 + b"}",
    "half a character": b'{"resourceType":"Observation","status":"\\ud800"}',
    "U+0000": b'{"resourceType":"Observation","status":"\\u0000"}',
    "UTF-16": json.dumps(observation(None)).encode("utf-16"),
    "Latin-1": '{"resourceType":"Observation","status":"é"}'.encode("latin-1"),
    "deep": deep(100),
    "very deep": deep(20_000),
    "deep lists": b"[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_resource(space: Space, name: str) -> None:
    before = await stored(space)
    for method, path in [("POST", "Observation"), ("PUT", f"Observation/{chosen()}"), ("POST", "")]:
        answer = await space.call(method, path, as_=LAB, body=BODIES[name])
        refused(answer, 400, "invalid")
    await unharmed(space, before)


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Observation", "status": SECRET},
        {"resourceType": "Observation", SECRET: 1},
        {"resourceType": SECRET},
        observation(None) | {"effectiveDateTime": SECRET},
        observation(None) | {"effectiveDateTime": "2020-02-31"},
        observation(None) | {"subject": SECRET},
        observation(None) | {"subject": {"reference": 5}},
        observation(None) | {"valueQuantity": {"value": SECRET}},
        observation(None) | {"note": [{"text": ""}]},
        {
            "resourceType": "Media",
            "status": "completed",
            "content": {"data": "this is " + SECRET + "!"},
        },
    ],
)
async def test_a_resource_of_the_wrong_structure(space: Space, resource: dict[str, Any]) -> None:
    before = await stored(space)
    rtype = resource["resourceType"]
    path = rtype if rtype != SECRET else "Observation"
    for answer in (
        await space.post(path, resource, as_=LAB),
        await space.post("", bundle(post(resource, method="POST", url=path)), as_=LAB),
    ):
        assert answer.status == 400
        assert answer.json["resourceType"] == "OperationOutcome"
        assert SECRET.encode() not in answer.body
    await unharmed(space, before)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"content-type": "application/fhir+xml"}, 415, "not-supported"),
        ({"content-type": "text/plain"}, 415, "not-supported"),
        ({"content-type": FHIR + "; fhirVersion=3.0"}, 415, "not-supported"),
        ({"accept": FHIR + "; fhirVersion=5.0"}, 406, "not-supported"),
        ({"content-type": ""}, 415, "not-supported"),
        ({"content-type": FHIR + "; charset=iso-8859-1"}, 415, "not-supported"),
        ({"content-encoding": "gzip"}, 415, "not-supported"),
        ({"content-encoding": "br"}, 415, "not-supported"),
        ({"accept": "application/fhir+xml"}, 406, "not-supported"),
        ({"content-length": "999999999999"}, 413, "too-long"),
        ({"content-length": "9" * 5000}, 413, "too-long"),
        ({"if-match": "\ufffd".encode().decode("latin-1")}, 201, ""),
    ],
)
async def test_headers_that_ask_for_what_is_not_done(
    space: Space, headers: dict[str, str], status: int, code: str
) -> None:
    body: Any = observation(f"Patient/{space.patient_id()}")
    if "gzip" in headers.values():
        body = gzip.compress(json.dumps(body).encode())
    before = await stored(space)
    answer = await space.call("POST", "Observation", as_=LAB, body=body, headers=headers)
    if status == 201:
        assert answer.status == 201
        return
    refused(answer, status, code)
    await unharmed(space, before)


async def test_utf8_may_be_said(space: Space) -> None:
    body = observation(f"Patient/{space.patient_id()}")
    for charset in ("utf-8", "UTF-8", '"utf-8"'):
        headers = {"content-type": f"{FHIR}; charset={charset}"}
        assert (
            await space.call("POST", "Observation", as_=LAB, body=body, headers=headers)
        ).status == 201


async def test_a_body_over_the_limit_is_refused_before_it_is_whole(space: Space) -> None:
    """Without a Content-Length too: what comes is counted."""
    limit = space.built.settings.body_limit
    token = await space.token(LAB)
    taken, given = 0, []
    chunk = b" " * (1 << 20)

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        given.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/Observation", "raw_path": b"/Observation", "root_path": "",
        "query_string": b"", "client": None, "server": None,
        "headers": [(b"authorization", b"Bearer " + token.encode()), (b"content-type", FHIR.encode())],
    }  # fmt: skip
    await asyncio.wait_for(space.app(scope, receive, send), 60)
    assert given[0]["status"] == 413
    assert taken <= limit + 2 * len(chunk)


async def test_a_caller_without_token_sends_no_body_through(space: Space) -> None:
    """The token is looked at before the body is read."""

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    for method, path in [
        ("POST", "/Observation"), ("POST", "/Observation/_search"), ("POST", "/"),
        ("PUT", f"/Observation/{chosen()}"), ("POST", "/Binary"),
    ]:  # fmt: skip
        given: list[Any] = []

        async def send(message: Any, given: list[Any] = given) -> None:
            given.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": b"", "client": None, "server": None,
            "headers": [(b"content-type", FHIR.encode())],
        }  # fmt: skip
        await space.app(scope, receive, send)
        assert given[0]["status"] == 401, path


async def test_a_caller_who_hangs_up_harms_nothing(space: Space) -> None:
    token = await space.token(LAB)
    before = await stored(space)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/Observation", "raw_path": b"/Observation", "root_path": "",
        "query_string": b"", "client": None, "server": None,
        "headers": [(b"authorization", b"Bearer " + token.encode()), (b"content-type", FHIR.encode())],
    }  # fmt: skip
    await space.app(scope, receive, send)
    await unharmed(space, before)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Nothing", 404), ("GET", "Nothing/1", 404), ("GET", "nothing?a=1", 404),
        ("POST", "Nothing", 404), ("PUT", "Nothing/1", 404), ("DELETE", "Nothing/1", 404),
        ("GET", "Observation/" + "a" * 10_000, 404), ("GET", "Observation/%00", 404),
        ("GET", "Observation/é", 404), ("GET", "Observation/a_b", 404),
        ("GET", f"Observation/{'a' * 26}/_history/99999999999999999999", 404),
        ("GET", f"Observation/{'a' * 26}/_history/0", 404),
        ("GET", f"Observation/{'a' * 26}/_history/x", 404),
        ("GET", f"Observation/{'a' * 26}/$everything", 404),
        ("POST", "Observation/$nothing", 404), ("GET", "Observation//", 404), ("GET", "_history/1", 404),
        ("GET", "Nothing/_history", 404), ("GET", "a/b/c/d/e", 404),
        ("DELETE", "Observation", 400), ("PUT", "Observation", 400), ("OPTIONS", "Observation", 405),
        ("PATCH", "Observation", 400),
        ("PATCH", "Observation/1", 400), ("POST", "metadata", 405), ("TRACE", "Observation", 405),
        ("BREW", "Observation", 405),
    ],
)  # fmt: skip
async def test_addresses_that_lead_nowhere(
    space: Space, method: str, path: str, status: int
) -> None:
    answer = await space.call(method, path, as_=LAB, body={"resourceType": "Observation"})
    assert answer.status == status, answer.body
    assert answer.json["resourceType"] == "OperationOutcome"
    if status == 405:
        assert answer.headers["allow"]


async def test_allow_names_every_method_of_the_address(space: Space) -> None:
    for path, methods in [
        ("Observation", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("Observation/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("metadata", "GET, HEAD"),
        ("_history", "GET, HEAD"),
    ]:
        answer = await space.call("OPTIONS", path, as_=LAB)
        assert answer.headers["allow"] == methods


@pytest.mark.parametrize(
    ("accept", "format", "status"),
    [
        ("*/*", "", 200), ("", "", 200), ("application/fhir+json", "", 200), ("application/json", "", 200),
        ("text/html, */*;q=0.1", "", 200), (FHIR + '; fhirVersion="4.0"', "", 200),
        ("application/fhir+xml", "", 406), ("text/html", "", 406),
        ("application/fhir+xml", "json", 200), ("*/*", "xml", 406), ("*/*", "application/fhir+xml", 406),
        ("text/html", "application/fhir%2Bjson", 200), ("*/*", "ttl", 406),
        ("application/fhir+json;q=0", "", 406), ("*/*; q=0.000", "", 406),
        ("application/fhir+json;q=0, */*", "", 406), ("application/json;q=0.001", "", 200),
    ],
)  # fmt: skip
async def test_forms_that_may_be_asked_for(
    space: Space, accept: str, format: str, status: int
) -> None:
    id = (await space.get("Observation?_count=1", as_="patient")).entries[0]["id"]
    for path in (
        f"Observation/{id}",
        f"Observation?_id={id}",
        f"Observation/{id}/_history",
        "metadata",
    ):
        join = "&" if "?" in path else "?"
        full = f"{path}{join}_format={format}" if format else path
        answer = await space.get(full, as_="patient", accept=accept)
        assert answer.status == status, (path, answer.body)
        assert answer.headers["content-type"].startswith(FHIR)


async def test_an_unchanged_resource_is_not_sent_again(space: Space) -> None:
    id = (await space.get("Observation?_count=1", as_="patient")).entries[0]["id"]
    headers = {"If-None-Match": 'W/"1"'}
    answer = await space.call("GET", f"Observation/{id}", as_="patient", headers=headers)
    assert (answer.status, answer.body) == (304, b"")
    head = await space.call("HEAD", f"Observation/{id}", as_="patient")
    assert (head.status, head.headers["etag"]) == (200, 'W/"1"')


async def test_an_unforeseen_fault_is_a_reference_and_no_more(
    space: Space, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    id = (await space.get("Observation?_count=1", as_="patient")).entries[0]["id"]
    for owner, name, path in [
        (space.built.door.vault, "at_hand", f"Observation/{id}"),
        (space.built.desk.tokens, "verify", f"Observation/{id}"),
        (space.built.desk.parser.owners, "principal", "Observation?_sort=date"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            answer = await space.get(path, as_="patient")
        refused(answer, 500, "exception")
        reference = answer.headers["x-request-id"]
        assert reference in answer.said
        told = capsys.readouterr()
        assert SECRET not in told.out + told.err  # nor does the log say what was in it
        assert reference in told.out + told.err
        assert "RuntimeError" in told.out + told.err


async def test_a_database_that_is_away_is_said_so(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(SECRET)

    token = await space.token("patient")
    monkeypatch.setattr(space.built.pool, "connection", away)
    answer = await space.call("GET", "Observation", headers={"authorization": f"Bearer {token}"})
    refused(answer, 503, "transient")
    assert answer.headers["retry-after"]


async def test_every_answer_may_not_be_kept(space: Space) -> None:
    id = (await space.get("Observation?_count=1", as_="patient")).entries[0]["id"]
    for path in (
        f"Observation/{id}",
        "Observation",
        f"Observation/{id}/_history",
        "Nothing",
    ):
        answer = await space.get(path, as_="patient")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_final_slash_changes_nothing(space: Space) -> None:
    """Some clients write `Observation/?…`: it is the same address, and no redirection loses a body."""
    for path in ("Observation?_count=1", f"Patient/{space.patient_id()}", "metadata"):
        address, mark, query = path.partition("?")
        same = await space.get(f"{address}/{mark}{query}", as_="patient")
        assert same.status == 200
        assert (
            same.json["resourceType"] == (await space.get(path, as_="patient")).json["resourceType"]
        )
    made = await space.post("Observation/", observation(f"Patient/{space.patient_id()}"), as_=LAB)
    assert made.status == 201
