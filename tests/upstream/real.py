# SPDX-License-Identifier: EUPL-1.2
"""A real provider as a process of its own, and somebody who walks its pages."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urljoin

import requests

HERE = Path(__file__).parent
SECRET = "a secret of this test, long enough"
WAIT = 30


def free_port() -> int:
    """One nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Real:
    """One process; people: what it says of each, by the name they log in with."""

    library: Path
    people: dict[str, dict[str, Any]]
    clients: list[dict[str, Any]]
    inside: bool = True  # claims in the ID token; else in userinfo
    port: int = field(default_factory=free_port)
    told: Any = None  # where it says whose sessions are over
    _process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """With new keys at each start."""
        self._process = subprocess.Popen(
            ["node", str(HERE / "provider.mjs"), str(self.library)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        what = {
            "port": self.port,
            "people": self.people,
            "clients": self.clients,
            "inside": self.inside,
        }
        self._process.stdin.write(json.dumps(what))
        self._process.stdin.close()
        if self._process.stdout.readline().strip() != "ready":
            assert self._process.stderr is not None
            raise AssertionError(self._process.stderr.read())

    def stop(self) -> None:
        """It is away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(WAIT)
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None
                pipe.close()
        self._process = None


@contextlib.contextmanager
def running(library: Path, **given: Any) -> Iterator[Real]:
    """From now to the end of the test."""
    one = Real(library, **given)
    one.start()
    try:
        yield one
    finally:
        one.stop()


def client(id: str, back: str, **more: Any) -> dict[str, Any]:
    """A client as the provider registers it."""
    return {
        "client_id": id,
        "client_secret": SECRET,
        "redirect_uris": [back],
        "token_endpoint_auth_method": "client_secret_basic",
        **more,
    }


def walked(
    address: str, name: str, before: str, *, act: str = "in", one: requests.Session | None = None
) -> str:
    """Log in there as `name`; the address it sends back to, which starts with `before`."""
    one = one or requests.Session()
    for _ in range(8):
        answer = one.get(address, allow_redirects=False, timeout=WAIT)
        while answer.status_code in (302, 303):
            address = urljoin(answer.url, answer.headers["location"])
            if address.startswith(before):
                return address
            answer = one.get(address, allow_redirects=False, timeout=WAIT)
        found = re.search(r'action="([^"]+)"', answer.text)
        assert found, answer.text
        answer = one.post(
            urljoin(answer.url, found[1]), {"login": name, "act": act},
            allow_redirects=False, timeout=WAIT,
        )  # fmt: skip
        address = urljoin(answer.url, answer.headers["location"])
        if address.startswith(before):
            return address
    raise AssertionError("it never sends back")


def left(issuer: str, client_id: str, one: requests.Session) -> None:
    """Log out there."""
    answer = one.get(f"{issuer}/session/end", params={"client_id": client_id}, timeout=WAIT)
    found = re.search(r'name="xsrf" value="([^"]+)"', answer.text)
    assert found, answer.text
    action = re.search(r'action="([^"]+)"', answer.text)
    assert action, answer.text
    one.post(
        urljoin(answer.url, action[1]), {"xsrf": found[1], "logout": "yes"}, timeout=WAIT,
        allow_redirects=False,
    )  # fmt: skip


class Told(ThreadingHTTPServer):
    """Where the provider says whose sessions are over: what it posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hearing)
        self.said: Queue[str] = Queue()
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        """Registered there."""
        return f"http://127.0.0.1:{self.server_port}/"


class Hearing(BaseHTTPRequestHandler):
    """Each post."""

    server: Told

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.said.put(dict(parse_qsl(body))["logout_token"])
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass
