# SPDX-License-Identifier: EUPL-1.2
"""The server at its edges: more clients than connections, slow and vanished ones, what it stands on gone."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.conformance.serving import HOST, Served
from tests.conformance.test_concurrency import MOST, POOL, Reply, ask, result, together
from tests.durability.installation import descendants

pytestmark = pytest.mark.slow


def head(served: Served, path: str, method: str = "GET", *more: str) -> bytes:
    """The head of a request of the patient's, up to its empty line."""
    lines = [f"{method} /fhir/{path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"Authorization: Bearer {served.token('patient')}", *more, "", ""]
    return "\r\n".join(lines).encode()


def once(served: Served, path: str) -> Reply:
    """One read of the patient's, not tried again."""
    conn = http.client.HTTPConnection(HOST, served.port, timeout=MOST)
    try:
        conn.request(
            "GET", f"/fhir/{path}", headers={"Authorization": f"Bearer {served.token('patient')}"}
        )
        answer = conn.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        conn.close()


def serves(served: Served) -> None:
    """It serves, or comes to serve again by itself within the patience of a client."""
    until = time.monotonic() + MOST
    while time.monotonic() < until:
        try:
            if once(served, f"Patient/{served.patient}").status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise AssertionError("it serves no more")


def test_ten_times_more_clients_than_connections_are_all_answered(served: Served) -> None:
    """Read, or told to try again and when; nobody waits for ever and nobody is hung up on."""
    calls = [lambda: once(served, f"Patient/{served.patient}")] * (10 * POOL)
    answers = together(calls)
    assert {each.status for each in answers} <= {200, 503}
    assert all(each.headers.get("retry-after") for each in answers if each.status == 503)
    assert any(each.status == 200 for each in answers)
    serves(served)


def test_heads_that_come_byte_by_byte_keep_nobody_waiting(served: Served) -> None:
    slow = [socket.create_connection((HOST, served.port), timeout=MOST) for _ in range(2 * POOL)]
    try:
        content = head(served, f"Patient/{served.patient}")
        for each in slow:
            each.sendall(content[:40])
        answers = together([lambda: once(served, f"Patient/{served.patient}")] * POOL)
        assert {each.status for each in answers} == {200}
        for byte in content[40:]:  # the first of them goes on, and is answered
            slow[0].send(bytes([byte]))
        assert slow[0].recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for each in slow:
            each.close()


def test_requests_sent_in_one_go_are_answered_in_their_order(served: Served) -> None:
    made = [ask(served, "POST", "Observation", result(served)).json["id"] for _ in range(6)]
    closing = head(served, f"Observation/{made[-1]}", "GET", "Connection: close")
    content = b"".join(head(served, f"Observation/{id}") for id in made[:-1]) + closing
    found = b""
    with socket.create_connection((HOST, served.port), timeout=MOST) as conn:
        conn.sendall(content)
        while chunk := conn.recv(1 << 16):
            found += chunk
    answers = found.split(b"HTTP/1.1 200")[1:]
    assert len(answers) == len(made)
    assert all(f'"{id}"'.encode() in each for id, each in zip(made, answers, strict=True))


def test_clients_that_leave_before_their_answer_take_no_connection_with_them(
    served: Served,
) -> None:
    for _ in range(4 * POOL):
        with socket.create_connection((HOST, served.port), timeout=MOST) as conn:
            conn.sendall(head(served, f"Patient/{served.patient}/$everything?_count=1000"))
    answers = together([lambda: once(served, f"Patient/{served.patient}")] * POOL)
    assert {each.status for each in answers} == {200}


def test_a_database_that_is_gone_is_a_503_and_comes_back_by_itself(served: Served) -> None:
    """As when PostgreSQL is restarted: its connections end, and none is taken for a while."""
    serves(served)
    name = str(conninfo_to_dict(served.database)["dbname"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    beside = make_conninfo(served.database, dbname="postgres")
    with psycopg.connect(beside, autocommit=True) as conn:
        conn.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            gone = together([lambda: once(served, f"Patient/{served.patient}")] * 3)
        finally:
            conn.execute(allow.format(sql.Identifier(name), sql.Literal(True)))
    for each in gone:
        assert (each.status, each.headers.get("retry-after")) == (503, "1")
        assert each.json["issue"][0]["code"] == "transient"
    serves(served)


def test_a_worker_killed_while_it_works_is_replaced(served: Served) -> None:
    """Who was being answered is hung up on, at once; who comes after is served."""
    ended = threading.Event()

    def works() -> None:
        while not ended.is_set():
            try:
                once(served, f"Patient/{served.patient}/$everything")
            except (OSError, http.client.HTTPException):
                return  # hung up on

    with ThreadPoolExecutor(4) as threads:
        working = [threads.submit(works) for _ in range(4)]
        workers = [pid for pid in descendants(served.pid) if serving(pid)]
        assert workers
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        try:
            serves(served)
        finally:
            ended.set()
        for each in working:
            each.result(timeout=MOST)
    made = ask(served, "POST", "Observation", result(served))
    assert made.status == 201


def serving(pid: int) -> bool:
    """Whether a process is a worker, not what multiprocessing keeps beside them."""
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return b"spawn_main" in file.read()
