# SPDX-License-Identifier: EUPL-1.2
"""HTTP line by line on a real socket: what a proxy, a slow caller or an attacker may send.

Whatever comes, the answer is a clear refusal or a closed connection, and the server still serves.
"""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.conformance.serving import HOST, Served
from tests.rest.samples import LAB, observation

WAIT = 10.0


def talk(served: Served, *lines: bytes, wait: float = WAIT) -> bytes:
    """Send as it is, and read until the other side has no more to say."""
    with socket.create_connection((HOST, served.port), timeout=wait) as line:
        try:
            for part in lines:
                line.sendall(part)
            heard = b""
            while chunk := line.recv(65536):
                heard += chunk
        except TimeoutError:
            pass
        except OSError:
            return b""
        return heard


def request(served: Served, first: str, *headers: str, body: bytes = b"") -> bytes:
    """A request of this first line, with a token, that closes the connection."""
    lines = [
        first, f"Host: {HOST}", f"Authorization: Bearer {served.token(LAB)}", "Connection: close",
        "Accept: application/fhir+json", *headers,
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def status(heard: bytes) -> int:
    """Of the first answer; 0 for a connection closed without one."""
    return int(heard.split(b" ", 2)[1]) if heard.startswith(b"HTTP/1.") else 0


def outcome(heard: bytes) -> str:
    """The issue code of an OperationOutcome."""
    _, _, body = heard.partition(b"\r\n\r\n")
    found = json.loads(body)
    assert found["resourceType"] == "OperationOutcome"
    return str(found["issue"][0]["code"])


def serves(served: Served) -> None:
    """Still there."""
    heard = talk(served, request(served, "GET /fhir/Observation?_count=1 HTTP/1.1"))
    assert status(heard) == 200


def sent(served: Served) -> bytes:
    return json.dumps(observation(f"Patient/{served.patient}")).encode()


def test_head_has_the_headers_and_no_body(served: Served) -> None:
    heard = talk(served, request(served, "HEAD /fhir/metadata HTTP/1.1"))
    head, _, body = heard.partition(b"\r\n\r\n")
    assert status(heard) == 200
    assert b"application/fhir+json" in head.lower()
    assert body == b""


def test_a_body_in_chunks_is_a_body(served: Served) -> None:
    content = sent(served)
    chunks = b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (content[:7], content[7:])
    )
    heard = talk(
        served,
        request(
            served, "POST /fhir/Observation HTTP/1.1", "Content-Type: application/fhir+json",
            "Transfer-Encoding: chunked", body=chunks + b"0\r\n\r\n",
        ),
    )  # fmt: skip
    assert status(heard) == 201


def test_what_is_compressed_is_refused(served: Served) -> None:
    heard = talk(
        served,
        request(
            served, "POST /fhir/Observation HTTP/1.1", "Content-Type: application/fhir+json",
            "Content-Encoding: gzip", "Content-Length: 4", body=b"\x1f\x8b\x08\x00",
        ),
    )  # fmt: skip
    assert (status(heard), outcome(heard)) == (415, "not-supported")


def test_a_body_over_the_limit_is_refused_by_its_length(served: Served) -> None:
    heard = talk(
        served,
        request(
            served, "POST /fhir/Observation HTTP/1.1", "Content-Type: application/fhir+json",
            f"Content-Length: {1 << 40}", body=b"{",
        ),
    )  # fmt: skip
    assert (status(heard), outcome(heard)) == (413, "too-long")
    serves(served)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: -1",),
        ("Content-Length: 1e3",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        ("X: " + "a" * 1_000_000,),
        tuple(f"X-{n}: a" for n in range(5000)),
        ("no colon",),
        (" folded: x",),
    ],
    ids=lambda given: given[0][:30],
)
def test_framing_that_two_readers_may_read_differently(
    served: Served, headers: tuple[str, ...]
) -> None:
    """Refused or closed; never two answers for one request, and never a stored resource."""
    inner = b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"
    heard = talk(
        served,
        request(
            served, "POST /fhir/Observation HTTP/1.1", "Content-Type: application/fhir+json",
            *headers, body=b"0\r\n\r\n" + inner,
        ),
        wait=3,
    )  # fmt: skip
    assert 400 <= status(heard) < 500 or status(heard) == 0, heard[:300]
    assert heard.count(b"HTTP/1.1 ") <= 1
    serves(served)


@pytest.mark.parametrize(
    "first",
    [
        "GET /fhir/../../etc/passwd HTTP/1.1", "GET /fhir/%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
        "GET /fhir/Observation/%00 HTTP/1.1", "GET /fhir/Observation/%ff%fe HTTP/1.1",
        "GET /fhir/Observation?code=%00 HTTP/1.1", "GET /fhir/Observation?code=%ff HTTP/1.1",
        "GET /fhir/Observation/" + "a" * 60_000 + " HTTP/1.1",
        "GET http://evil.example/fhir/Nothing HTTP/1.1",
        "GET /fhir/Observation HTTP/9.9", "BREW /fhir/Observation HTTP/1.1", "GET", "\x00\x01\x02",
        "GET /fhir/Observation\tHTTP/1.1", "CONNECT evil.example:443 HTTP/1.1",
    ],
    ids=lambda given: given[:40],
)  # fmt: skip
def test_first_lines_that_lead_nowhere(served: Served, first: str) -> None:
    heard = talk(served, request(served, first), wait=3)
    assert 400 <= status(heard) < 500 or status(heard) in (0, 505), heard[:300]
    assert b"Traceback" not in heard
    serves(served)


def test_many_slow_callers_keep_nobody_out(served: Served) -> None:
    lines = []
    try:
        for _ in range(60):
            line = socket.create_connection((HOST, served.port), timeout=WAIT)
            line.sendall(
                f"POST /fhir/Observation HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/fhir+json\r\n"
                f"Authorization: Bearer {served.token(LAB)}\r\nContent-Length: 1000\r\n\r\n{{".encode()
            )
            lines.append(line)
        started = time.monotonic()
        serves(served)
        assert time.monotonic() - started < 2
    finally:
        for line in lines:
            line.close()
    serves(served)


def test_two_requests_on_one_connection_have_two_answers(served: Served) -> None:
    first = request(served, "GET /fhir/metadata HTTP/1.1").replace(b"Connection: close\r\n", b"")
    heard = talk(served, first + request(served, "GET /fhir/Nothing HTTP/1.1"))
    assert heard.count(b"HTTP/1.1 200") == 1
    assert heard.count(b"HTTP/1.1 404") == 1
