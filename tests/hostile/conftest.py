# SPDX-License-Identifier: EUPL-1.2
"""The bait of hostile documents, with somebody listening, and a demonstration to attack."""

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conformance.serving import served
from tests.hostile.corpus.bait import TOKEN, Bait
from tests.journeys.conftest import browser, demonstration, logged_in

__all__ = ["browser", "demonstration", "logged_in", "served"]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would answer for us


@dataclass
class Trap:
    """The bait, and who took it."""

    bait: Bait
    callers: list[str] = field(default_factory=list)  # first bytes of each connection

    def called(self) -> list[str]:
        """Who called since last asked; a call of our own, last in the queue, says all were heard."""
        DIRECT.open(f"{self.bait.url}/ourselves", timeout=60).close()
        for _ in range(3000):
            if "GET /ourselves HTTP/1.1" in self.callers:
                break
            time.sleep(0.01)  # it was answered: it is about to be written
        found, self.callers[:] = list(self.callers), []
        found.remove("GET /ourselves HTTP/1.1")
        return found

    def untouched(self) -> None:
        """Nobody called since last asked."""
        assert self.called() == []


@pytest.fixture(scope="session")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trap]:
    """A canary file, and a server on the loopback that only counts."""
    file = tmp_path_factory.mktemp("bait") / "canary.txt"
    file.write_text(TOKEN)
    with listening(file) as found:
        yield found


class listening:
    """The listener, while it lasts."""

    def __init__(self, file: Path) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        self.trap = Trap(Bait(file, f"http://127.0.0.1:{port}"))
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Trap:
        self._thread.start()
        return self.trap

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(1)
                try:
                    said = caller.recv(200)
                    caller.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                except OSError:
                    said = b""
            self.trap.callers.append(said.partition(b"\r\n")[0].decode("ascii", "replace"))
