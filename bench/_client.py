# SPDX-License-Identifier: EUPL-1.2
"""A load client that costs little: it shares the two cores with what it measures.

Requests are bytes made beforehand; an answer is read up to its length, not parsed.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


@dataclass
class Rate:
    """What a timed run gave."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)  # of each answer, seconds
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ranked = sorted(self.times)
        return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    @property
    def refused(self) -> int:
        """Answers that are no success."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parts = bytearray()
        self._whole = -1
        self._status = 0
        self._head = 0
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods alone

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        self._parts += data
        if self._whole < 0:
            end = self._parts.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(self._parts, 0, end)
            self._head = end + 4
            self._whole = self._head + (int(length[1]) if length else 0)
            self._status = int(self._parts[9:12])
        if len(self._parts) >= self._whole and self._answer is not None:
            answer, self._answer = self._answer, None
            body = bytes(self._parts[self._head : self._whole])
            self._parts.clear()
            self._whole = -1
            answer.set_result((self._status, body))

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """(status, body), to be awaited."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer


@dataclass(frozen=True)
class Client:
    """Where to, and as whom."""

    host: str
    port: int
    token: str = ""

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The bytes of one request; the path from the server's root."""
        head = f"{method} {path} HTTP/1.1\r\nhost: {self.host}:{self.port}\r\n"
        if self.token:
            head += f"authorization: Bearer {self.token}\r\n"
        if body:
            head += f"content-type: application/fhir+json\r\ncontent-length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    async def connect(self) -> Connection:
        """A new connection."""
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, self.host, self.port)
        return made

    def ask(self, *requests: bytes) -> list[tuple[int, Any]]:
        """Requests one after the other; statuses and JSON bodies."""

        async def all_of_them() -> list[tuple[int, Any]]:
            connection = await self.connect()
            found = []
            for each in requests:
                status, body = await connection.send(each)
                found.append((status, json.loads(body) if body else None))
            return found

        return uvloop.run(all_of_them())

    def rate(
        self,
        make: Callable[[], bytes],
        *,
        clients: int = 8,
        seconds: float = 4.0,
        warm: float = 1.0,
    ) -> Rate:
        """Send what `make` gives for a while; what was under way while warming is not counted."""
        return uvloop.run(self._rate(make, clients, seconds, warm))

    def all(self, requests: Sequence[bytes], *, clients: int = 8) -> Rate:
        """Send each request once; the time of the whole."""
        left = iter(requests)
        return uvloop.run(self._rate(lambda: next(left, b""), clients, 3600.0, 0.0))

    async def _rate(
        self, make: Callable[[], bytes], clients: int, seconds: float, warm: float
    ) -> Rate:
        rate = Rate()
        connections = [await self.connect() for _ in range(clients)]
        begin = time.perf_counter() + warm
        end = begin + seconds

        async def one(connection: Connection) -> None:
            while (started := time.perf_counter()) < end and (request := make()):
                status, _ = await connection.send(request)
                if started >= begin:
                    rate.times.append(time.perf_counter() - started)
                    rate.statuses[status] += 1

        await asyncio.gather(*map(one, connections))
        rate.seconds = time.perf_counter() - begin
        return rate
