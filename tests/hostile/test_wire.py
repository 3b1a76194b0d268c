# SPDX-License-Identifier: EUPL-1.2
"""Bytes no client library would send, on a real socket: refused, or hung up at, and the server goes on.

What the HTTP server itself refuses has no OperationOutcome: the API never saw it.
"""

from __future__ import annotations

import http.client
import re
import socket

import pytest

from carnet.rest.routes import ROUTES
from tests.conformance.serving import HOST, Served
from tests.hostile.fuzz.answers import judged
from tests.hostile.fuzz.requests import Grammar, Known
from tests.hostile.share import ALL, SEED
from tests.rest.samples import LAB
from tests.space import FHIR, Answer

pytestmark = pytest.mark.slow

REQUESTS = 3000 if ALL else 300
FRAMING = ("content-length", "expect")  # these make a server wait: RAW has them
BODY = b'{"resourceType":"Observation","status":"final","code":{"text":"x"}}'
HEAD = (
    b"host: a\r\ncontent-type: application/fhir+json\r\n"
    b"authorization: Bearer %TOKEN\r\nconnection: close\r\n"
)


def get(target: bytes, *more: bytes) -> bytes:
    """A GET with these bytes as its target."""
    return (
        b"GET " + target + b" HTTP/1.1\r\n" + HEAD + b"".join(m + b"\r\n" for m in more) + b"\r\n"
    )


def post(*headers: bytes, body: bytes = BODY, target: bytes = b"/fhir/Observation") -> bytes:
    """A POST with these headers, the length among them or not."""
    lines = b"".join(each + b"\r\n" for each in headers)
    return b"POST " + target + b" HTTP/1.1\r\n" + HEAD + lines + b"\r\n" + body


LENGTH = b"content-length: %d" % len(BODY)
RAW = {
    "target-not-utf8": get(b"/fhir/Observation/\xff\xfe"),
    "target-raw-utf8": get("/fhir/Observation/é".encode()),
    "target-escaped-not-utf8": get(b"/fhir/Observation/%ff%fe"),
    "target-half-escape": get(b"/fhir/Observation/%"),
    "target-wrong-escape": get(b"/fhir/Observation/%zz?code=%zz"),
    "target-nul": get(b"/fhir/Observation/%00"),
    "target-raw-nul": get(b"/fhir/Observation/\0"),
    "target-newline": get(b"/fhir/Observation/%0d%0aa:b"),
    "target-slash-escaped": get(b"/fhir%2FObservation%2Fa"),
    "target-dots": get(b"/fhir/../fhir/Observation/..%2f..%2fmetadata"),
    "target-double-slash": get(b"//fhir//Observation"),
    "target-absolute": get(b"http://evil.example/fhir/metadata"),
    "target-star": get(b"*"),
    "target-long": get(b"/fhir/Observation?code=" + b"a" * 60_000),
    "target-very-long": get(b"/fhir/Observation?code=" + b"a" * 300_000),
    "query-not-utf8": get(b"/fhir/Observation?code=\xff\xfe"),
    "query-overlong": get(b"/fhir/Observation?code=%c0%80&status=%ed%a0%80"),
    "query-fragment": get(b"/fhir/Observation?code=a#b"),
    "header-not-utf8": get(b"/fhir/Observation", b"accept: \xff\xfe", b"if-none-match: \xff"),
    "header-twice": get(b"/fhir/Observation", b"accept: text/html", b"accept: application/fhir+json"),
    "header-empty": get(b"/fhir/Observation", b"accept:", b"if-modified-since:"),
    "header-folded": get(b"/fhir/Observation", b"prefer: a\r\n b"),
    "header-nul": get(b"/fhir/Observation", b"prefer: a\0b"),
    "header-huge": get(b"/fhir/Observation", b"x: " + b"a" * 100_000),
    "headers-many": get(b"/fhir/Observation", *(b"x%d: y" % n for n in range(2000))),
    "header-upper-case": get(b"/fhir/metadata", b"ACCEPT: APPLICATION/FHIR+JSON"),
    "host-twice": get(b"/fhir/metadata", b"host: b"),
    "authorization-twice": get(b"/fhir/Observation", b"authorization: Bearer a.b.c"),
    "no-host": b"GET /fhir/metadata HTTP/1.1\r\n\r\n",
    "http-1.0": b"GET /fhir/metadata HTTP/1.0\r\n\r\n",
    "http-9": b"GET /fhir/metadata HTTP/9.9\r\n\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": bytes.fromhex("160301020001000001fc0303") + b"\0" * 500,
    "no-http": b"\0" * 1000,
    "method-odd": b"G\xc3\x89T /fhir/metadata HTTP/1.1\r\nhost: a\r\n\r\n",
    "method-long": b"A" * 9000 + b" /fhir/metadata HTTP/1.1\r\nhost: a\r\n\r\n",
    "length-wrong": post(b"content-length: x"),
    "length-negative": post(b"content-length: -1"),
    "length-twice": post(LENGTH, b"content-length: 3"),
    "length-and-chunks": post(LENGTH, b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "length-huge": post(b"content-length: 99999999999999999999999"),
    "length-too-short": post(b"content-length: 5"),
    "chunks": post(b"transfer-encoding: chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    "chunk-wrong": post(b"transfer-encoding: chunked", body=b"zz\r\nabc\r\n0\r\n\r\n"),
    "chunk-huge": post(b"transfer-encoding: chunked", body=b"ffffffffffffffff\r\nabc"),
    "chunks-named-twice": post(b"transfer-encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunks-odd": post(b"transfer-encoding: xchunked", body=BODY),
    "expect": post(LENGTH, b"expect: 100-continue"),
    "type-not-utf8": post(LENGTH, b"content-type: \xff/\xfe"),
    "body-cut": post(b"content-length: 500"),
    "two-at-once": get(b"/fhir/metadata").replace(b"connection: close\r\n", b"") * 2,
    "upgrade": get(b"/fhir/metadata", b"connection: upgrade", b"upgrade: websocket",
                   b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", b"sec-websocket-version: 13"),
}  # fmt: skip


def answered(port: int, content: bytes) -> list[tuple[int, bytes]]:
    """Each answer's status and what follows it; none when the server only hung up."""
    found = b""
    with socket.create_connection((HOST, port), timeout=20) as conn:
        try:
            conn.sendall(content)
            if b"connection: close" not in content or WAITING.search(content):
                conn.settimeout(0.5)  # it may wait for the rest, which never comes
                found += received(conn)
                conn.settimeout(20)
                conn.shutdown(socket.SHUT_WR)
            found += received(conn)
        except OSError:  # it hung up while we were speaking
            pass
    parts = found.split(b"HTTP/1.")[1:]
    return [(int(each[2:5]), each) for each in parts]


WAITING = re.compile(rb"content-length: [5-9]|chunked|expect")


def received(conn: socket.socket) -> bytes:
    """All there is to read."""
    found = b""
    try:
        while chunk := conn.recv(1 << 16):
            found += chunk
    except TimeoutError:
        assert conn.gettimeout() == 0.5, "no end after 20 s"
    return found


def alive(served: Served) -> None:
    """It still answers."""
    conn = http.client.HTTPConnection(HOST, served.port, timeout=20)
    conn.request("GET", "/fhir/metadata")
    assert conn.getresponse().status == 200
    conn.close()


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_no_client_sends(served: Served, name: str) -> None:
    content = RAW[name].replace(b"%TOKEN", served.token(LAB).encode())
    for status, said in answered(served.port, content):
        assert status < 500, said[:600]
        for word in (b"Traceback", b"panicked", b".py"):
            assert word not in said
    alive(served)


def test_the_control_is_answered(served: Served) -> None:
    """What is right is served on this same road."""
    content = get(b"/fhir/metadata").replace(b"%TOKEN", b"x")
    assert [status for status, _ in answered(served.port, content)] == [200]
    content = post(LENGTH).replace(b"%TOKEN", served.token(LAB).encode())
    assert [status for status, _ in answered(served.port, content)] == [201]


def test_a_part_of_the_requests_goes_over_the_wire(served: Served) -> None:
    """As test_requests.py sends them to the application, here through the server and its socket."""
    grammar = Grammar(SEED, Known({"Patient": [served.patient]}, served.patient, {}), ROUTES)
    tokens = {who: served.token(who) for who in (LAB, "patient")}
    answers = 0
    conn = http.client.HTTPConnection(HOST, served.port, timeout=30)
    for number in range(REQUESTS):
        sent = grammar.next()
        sent.headers = [each for each in sent.headers if each[0] not in FRAMING]
        target = "/fhir" + "".join(c for c in sent.path if "!" <= c <= "~")
        try:
            conn.putrequest(sent.method, target, skip_host=True, skip_accept_encoding=True)
            names = {name for name, _ in sent.headers}
            if "host" not in names:
                conn.putheader("host", HOST)
            if "authorization" not in names and sent.who is not None:
                conn.putheader("authorization", f"Bearer {tokens.get(sent.who, tokens[LAB])}")
            conn.putheader("content-length", str(len(sent.body)))
            for name, value in sent.headers:
                conn.putheader(name, value.encode("utf-8", "replace"))
            conn.endheaders(sent.body)
            response = conn.getresponse()
            body = response.read()
        except (http.client.HTTPException, ConnectionError, ValueError, TimeoutError):
            conn.close()  # a wrong length, a header the server hangs up at
            continue
        headers = {name.lower(): value for name, value in response.getheaders()}
        answers += 1
        if headers.get("content-type", "").startswith(FHIR) or response.status >= 500:
            wrong = judged(sent, Answer(response.status, headers, body))
            assert wrong is None, f"seed {SEED}, request {number}: {wrong}\n{sent}"
        if response.will_close:
            conn.close()
    conn.close()
    assert answers > REQUESTS // 2
    alive(served)
