# SPDX-License-Identifier: EUPL-1.2
"""The same `Place`, in front of a real server of several processes: each request a connection of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import psycopg
from joserfc.jwk import ECKey
from starlette.types import Receive, Scope, Send

from carnet.access.actor import Actor
from carnet.app import parts
from carnet.config import Instance, Settings
from carnet.population import make
from carnet.postgres.cluster import Cluster
from tests.agreement.revocation import PATIENCE, Served
from tests.durability.installation import HOST, answers, descendants, free_port
from tests.oauth.place import Place

AFTER = 8  # refusals in a row before a thing is believed ended


class Forward:
    """What an application sends, to the address of a real server."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        url = self.address + scope["path"] + (f"?{query}" if query else "")
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        body = (await receive())["body"]
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
            http.request(
                scope["method"], url, data=body, headers=headers, allow_redirects=False
            ) as found,
        ):
            start = [(name.lower(), value) for name, value in found.raw_headers]
            await send({"type": "http.response.start", "status": found.status, "headers": start})
            await send({"type": "http.response.body", "body": await found.read()})


@dataclass
class Outside:
    """What a `Place` asks of a `Space`."""

    served: Served

    @property
    def built(self) -> parts.Built:
        return self.served.built

    @property
    def admin_url(self) -> str:
        return self.served.admin_url

    def clock(self) -> Any:
        return self.served.built.door.clock()

    async def actor(self, persona: str) -> Actor:
        return await self.served.actor(persona)

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        conn = await psycopg.AsyncConnection.connect(self.admin_url, autocommit=True)
        async with conn:
            cursor = await conn.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []


@dataclass
class Server:
    """`carnet demo` of two workers, that may be killed and started again on the same folder."""

    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Until it answers."""
        command = [sys.executable, "-m", "carnet", "demo", "--people", "7", "--workers", "2"]
        clean = {name: value for name, value in os.environ.items() if name[:7] != "CARNET_"}
        log = self.data.parent / "demo.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.data), "--port", str(self.port)],
                stdout=out, stderr=out, env=clean, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while not answers(f"http://{HOST}:{self.port}/health"):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text("utf-8", "replace")[-3000:])
            time.sleep(0.1)

    def kill(self) -> int:
        """SIGKILL for every process that serves, PostgreSQL excepted; how many they were."""
        assert self.process is not None
        postmaster = Cluster(self.data).pid()
        spared = set() if postmaster is None else {postmaster, *descendants(postmaster)}
        every = [self.process.pid, *descendants(self.process.pid)]
        for pid in (each for each in every if each not in spared):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(20)
        return len(set(every) - spared)


@contextlib.asynccontextmanager
async def outside(data: Path) -> AsyncIterator[tuple[Server, Served, Place]]:
    """A server, our own process on its database, and the `Place` before it."""
    server = Server(data)
    server.start()
    cluster = Cluster.attach_or_start(data)
    try:
        settings = Settings(
            data=data, instance=Instance.DEMONSTRATION, base_url=server.address, log_level="ERROR"
        )
        built = await parts.build(settings, cluster, name="outside")
        served = Served(server.address, built, cluster.url(), make(2026, 0))
        key = ECKey.generate_key("P-384", auto_kid=True)
        place = Place(
            cast(Any, Outside(served)), cast(Any, Forward(server.address)), cast(Any, None), key,
            server.address,
        )  # fmt: skip
        try:
            yield server, served, place
        finally:
            for http in served.pages.values():
                await http.close()
            await built.pool.close()
    finally:
        server.kill()
        cluster.stop()


async def outlived(
    given: Callable[[], Awaitable[bool]], act: Callable[[], Awaitable[Any]]
) -> float:
    """Seconds after an act at which the last request that was still given something was sent; 0: none.

    When a request is sent is what counts: how long a busy machine takes to answer is nothing here.
    """
    for _ in range(AFTER):
        assert await given(), "nothing was given before"
    await act()
    at, late, refused = time.monotonic(), 0.0, 0
    while refused < AFTER:
        sent = time.monotonic()
        assert sent - at < PATIENCE, "it goes on"
        if await given():
            late, refused = sent - at, 0
        else:
            refused += 1
        await asyncio.sleep(0.02 if not refused else 0.1)
    return late
