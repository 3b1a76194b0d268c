# SPDX-License-Identifier: EUPL-1.2
"""Many clients at once on a real socket: what known servers lose, double, brick or wait for for ever."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

import pytest

from carnet.config import Settings
from tests.conformance.serving import HOST, Served
from tests.rest.samples import Json, bundle, observation, post, put

pytestmark = pytest.mark.slow

LAB = "lab-software"
POOL = cast(int, Settings.__dataclass_fields__["pool_size"].default)
MOST = 60.0  # seconds until a client gives up: nothing here takes as many


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(
    served: Served, method: str, path: str, body: Json | None = None, *, as_: str = LAB, **more: str
) -> Reply:
    """One request on a connection of its own; told to try again (503), it does."""
    headers = {
        "Authorization": f"Bearer {served.token(as_)}",
        "Content-Type": "application/fhir+json",
    }
    sent = None if body is None else json.dumps(body)
    for _ in range(60):
        conn = http.client.HTTPConnection(HOST, served.port, timeout=MOST)
        try:
            named = {name.replace("_", "-"): value for name, value in more.items()}
            conn.request(method, f"/fhir/{path}", sent, headers | named)
            answer = conn.getresponse()
            reply = Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            conn.close()
        if reply.status != 503:
            return reply
    raise AssertionError("never answered")


def together(calls: Iterable[Callable[[], Reply]]) -> list[Reply]:
    """All of them at the same instant."""
    every = list(calls)
    start = threading.Barrier(len(every))

    def one(call: Callable[[], Reply]) -> Reply:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(every)) as threads:
        return list(threads.map(one, every))


def result(served: Served, **more: Any) -> Json:
    """An Observation of the patient."""
    return observation(f"Patient/{served.patient}", **more)


def test_concurrent_updates_of_one_resource_are_each_a_version(served: Served) -> None:
    """HAPI and others let a resource be bricked: it stays changeable, its versions are contiguous."""
    id = str(uuid.uuid4())
    assert ask(served, "PUT", f"Observation/{id}", result(served, id=id)).status == 201
    answers = together(
        lambda n=n: ask(  # type: ignore[misc]
            served, "PUT", f"Observation/{id}", result(served, id=id, valueString=str(n))
        )
        for n in range(32)
    )
    assert {each.status for each in answers} == {200}
    history = ask(served, "GET", f"Observation/{id}/_history?_count=100").json["entry"]
    versions = [int(each["resource"]["meta"]["versionId"]) for each in history]
    assert versions == list(range(33, 0, -1))
    written = [each["resource"]["meta"]["lastUpdated"] for each in history]
    assert written == sorted(set(written), reverse=True)
    stale = ask(served, "PUT", f"Observation/{id}", result(served, id=id), If_Match='W/"32"')
    assert stale.status == 412
    last = ask(served, "PUT", f"Observation/{id}", result(served, id=id), If_Match='W/"33"')
    assert (last.status, last.headers["etag"]) == (200, 'W/"34"')


def test_of_those_who_name_one_version_one_wins(served: Served) -> None:
    made = ask(served, "POST", "Observation", result(served)).json
    answers = together(
        lambda n=n: ask(  # type: ignore[misc]
            served,
            "PUT",
            f"Observation/{made['id']}",
            made | {"valueString": str(n)},
            If_Match='W/"1"',
        )
        for n in range(16)
    )
    assert sorted(each.status for each in answers) == [200] + [412] * 15


def test_bundles_in_opposite_orders_never_wait_in_a_ring(served: Served) -> None:
    """Deletes, updates by address and by condition, conditional creates: the same things, any order."""
    system = f"urn:uuid:{uuid.uuid4()}"
    ids = [str(uuid.uuid4()) for _ in range(4)]
    for n, id in enumerate(ids):
        first = result(served, id=id, identifier=[{"system": system, "value": str(n)}])
        assert ask(served, "PUT", f"Observation/{id}", first).status == 201

    going = str(uuid.uuid4())
    one = result(served, id=going)
    assert ask(served, "PUT", f"Observation/{going}", one).status == 201

    def entries(turn: int) -> list[Json]:
        delete = {"request": {"method": "DELETE", "url": f"Observation/{going}"}}
        found = [put(one | {"valueString": str(turn)}) if turn % 3 else delete]
        for n, id in enumerate(ids):
            named = [{"system": system, "value": str(n)}]
            changed = result(served, identifier=named, valueString=f"{turn}")
            if n % 2:
                found.append(put(changed | {"id": id}))
            else:
                url = f"Observation?identifier={system}|{n}"
                found.append({"resource": changed, "request": {"method": "PUT", "url": url}})
        device = {"resourceType": "Device", "identifier": [{"system": system, "value": "d"}]}
        found.append(post(device, ifNoneExist=f"identifier={system}|d"))
        found = found[turn % 6 :] + found[: turn % 6]
        return found[::-1] if turn % 2 else found

    answers = together(
        lambda turn=turn: ask(served, "POST", "", bundle(*entries(turn)))  # type: ignore[misc]
        for turn in range(32)
    )
    assert {each.status for each in answers} == {200}, [e.body for e in answers if e.status != 200]
    ends = [ask(served, "GET", f"Observation/{id}").json for id in ids]
    assert len({each["valueString"] for each in ends}) == 1  # all of one Bundle, or none
    assert {each["meta"]["versionId"] for each in ends} == {"33"}
    history = ask(served, "GET", f"Observation/{going}/_history?_count=100").json["entry"]
    versions = [int(each["response"]["etag"][3:-1]) for each in history]
    assert versions == list(range(len(versions), 0, -1))
    devices = ask(served, "GET", f"Device?identifier={system}|d&_total=accurate").json
    assert devices["total"] == 1


def test_sixty_four_conditional_creates_make_one(served: Served) -> None:
    system = f"urn:uuid:{uuid.uuid4()}"
    device = {"resourceType": "Device", "identifier": [{"system": system, "value": "1"}]}
    condition = f"identifier={system}|1"
    answers = together(
        (lambda: ask(served, "POST", "Device", device, If_None_Exist=condition))
        if n % 2
        else (lambda: ask(served, "POST", "", bundle(post(device, ifNoneExist=condition))))
        for n in range(64)
    )
    assert {each.status for each in answers} <= {200, 201}
    found = ask(served, "GET", f"Device?{condition}&_total=accurate").json
    assert found["total"] == 1


def test_thirty_two_clients_walk_the_whole_record(served: Served) -> None:
    """$everything, page after page, each of them the same."""

    def walk() -> Reply:
        path, found = f"Patient/{served.patient}/$everything?_type=Observation&_count=30", []
        while True:
            reply = ask(served, "GET", path, as_="patient")
            assert reply.status == 200, reply.body
            found += [each["fullUrl"] for each in reply.json.get("entry", [])
                      if each["search"]["mode"] == "match"]  # fmt: skip
            links = {each["relation"]: each["url"] for each in reply.json["link"]}
            if "next" not in links:
                return Reply(200, {}, json.dumps(found).encode())
            path = links["next"].partition("/fhir/")[2]

    answers = together([walk] * 32)
    (body,) = {each.body for each in answers}
    found = json.loads(body)
    assert len(found) == len(set(found)) > 20


def test_as_many_slow_clients_as_the_pool_has_connections_keep_nobody_waiting(
    served: Served,
) -> None:
    """Who sends half a body, or reads nothing of an answer, holds no connection of the database."""
    head = (
        f"POST /fhir/Observation HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/fhir+json\r\n"
        f"Authorization: Bearer {served.token(LAB)}\r\nContent-Length: 1000\r\n\r\n{{"
    ).encode()
    wide = (
        f"GET /fhir/Patient/{served.patient}/$everything?_count=1000 HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Authorization: Bearer {served.token('patient')}\r\n\r\n"
    ).encode()
    slow = [socket.create_connection((HOST, served.port), timeout=MOST) for _ in range(2 * POOL)]
    try:
        for n, each in enumerate(slow):
            each.sendall(head if n % 2 else wide)
        answers = together(
            [lambda: ask(served, "GET", f"Patient/{served.patient}", as_="patient")] * POOL
        )
        assert {each.status for each in answers} == {200}
    finally:
        for each in slow:
            each.close()
    assert ask(served, "GET", f"Patient/{served.patient}", as_="patient").status == 200


def test_as_many_transactions_as_the_pool_has_connections_need_no_second_one(
    served: Served,
) -> None:
    """A server whose request takes a second connection while it holds one hangs at this number."""
    asked = [
        {"request": {"method": "GET", "url": url}}
        for url in ("Observation?_count=5&_include=*", "Observation/_history?_count=3", "metadata")
    ]
    for clients in (POOL, 4 * POOL):
        answers = together(
            [lambda: ask(served, "POST", "", bundle(post(result(served)), *asked))] * clients
        )
        assert {each.status for each in answers} == {200}


def test_a_head_has_the_headers_of_a_get_and_no_body(served: Served) -> None:
    made = ask(served, "POST", "Observation", result(served)).json
    for path in (f"Observation/{made['id']}", "Observation?_count=1", "metadata"):
        get, head = ask(served, "GET", path), ask(served, "HEAD", path)
        assert (head.status, head.body) == (200, b""), path
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers.get("etag") == get.headers.get("etag")
    assert ask(served, "HEAD", f"Observation/{'a' * 26}").status == 404
