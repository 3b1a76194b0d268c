# SPDX-License-Identifier: EUPL-1.2
"""Bulk import and export: resources a second, and the memory an export of several times as many takes."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench._place import observation, place
from bench._told import tell
from carnet.access import door
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import bulk, parts
from carnet.bulk import imports, lots
from carnet.cli import common
from carnet.postgres.pool import JOB, open_pool
from tests.durability.installation import HOST, SOFTWARE

SIZES = (5_000, 20_000)  # lines, the second after the first
SEVERAL = 30_000  # lines, by several processes
PROCESSES = 3  # the default of `carnet import` on two cores
PIECE = 1 << 18


def run() -> None:
    """Import, list, fetch; then four times as many."""
    here, chance, sent = place(), random.Random(27), 0
    lines = [
        json.dumps(observation(chance, f"Patient/{chance.choice(here.patients)}")).encode() + b"\n"
        for _ in range(2_000)
    ]
    for size in SIZES:
        more = size - sent
        cpu = time.process_time()
        seconds = asyncio.run(_imported(lines, more, f"bench-{size}", 0))
        cpu, sent = time.process_time() - cpu, size
        tell(
            f"bulk import of {more} lines, by one process",
            f"{more / seconds:,.0f} resources/s, {1e6 * cpu / more:,.0f} µs of its processor each",
        )
        with here.serving(1) as client:
            for _ in range(3):  # what is compiled and kept is there before
                client.ask(client.request("GET", "/fhir/Observation?_count=1"))
            idle = max(_memory(pid, "VmRSS") for pid in here.installation.server_pids())
            job = _asked(here.installation.port, here.installation.token)
            start = time.perf_counter()
            asyncio.run(_listed())
            listed = time.perf_counter() - start
            start = time.perf_counter()
            rows, size_ = _fetched(here.installation.port, here.installation.token, job)
            fetched = time.perf_counter() - start
            peak = max(_memory(pid, "VmHWM") for pid in here.installation.server_pids())
        tell(
            f"bulk export of {rows} resources ({size_ / 1e6:,.0f} MB)",
            f"{rows / (listed + fetched):,.0f} resources/s, listing {listed:.1f} s",
            f"memory of its process: {idle:.0f} MB before, {peak:.0f} MB at most",
        )

    with here.serving(1):
        seconds = asyncio.run(_imported(lines, SEVERAL, "bench-several", PROCESSES))
        load = os.getloadavg()[0]
        tell(
            f"bulk import of {SEVERAL} lines, by {PROCESSES} processes",
            f"{SEVERAL / seconds:,.0f} resources/s, searchable, under a load of {load:.1f}",
            "beside: the goal of 4,000",
        )


async def _imported(lines: list[bytes], count: int, name: str, processes: int) -> float:
    """Seconds, from when its processes are there."""
    settings = place().installation.settings()
    with common.server_of(settings) as server:
        built = await parts.build(settings, server, name="bench")
        try:
            who = Actor(ActorKind.OPERATOR, "operator:bench", "", "bench")
            importer = await imports.begin(built.desk, Visit(built.door, who, name), name, SOFTWARE)
            with bulk.hands(settings, server, importer, processes) as crew:
                importer = replace(importer, crew=crew)
                warm = lots.LINES * 2 * max(processes, 1)
                await importer.run({"warm": partial(_source, lines, "warm", warm)})
                start = time.perf_counter()
                done = await importer.run({"lines": partial(_source, lines, name, count)})
                seconds = time.perf_counter() - start
            assert (done.lines, done.refused) == (count, 0), done
            return seconds
        finally:
            await built.pool.close()


async def _source(lines: list[bytes], name: str, count: int) -> AsyncIterator[bytes]:
    """Lines, each with an id of its own, as an export has them."""
    for start in range(0, count, 500):
        yield b"".join(
            b'{"id":"%s-%d",' % (name.encode(), n) + lines[n % len(lines)][1:]
            for n in range(start, min(start + 500, count))
        )


async def _listed() -> None:
    installation = place().installation
    settings = installation.settings()
    pool = await open_pool(installation.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, parts.matrix_of(settings), keyring)
        await bulk.drain(made)
    finally:
        await pool.close()


def _asked(port: int, token: str) -> str:
    answer = _get(port, token, "/fhir/$export")
    assert answer.status == 202, answer.read()
    return str(answer.headers["content-location"]).partition(str(port))[2]


def _fetched(port: int, token: str, job: str) -> tuple[int, int]:
    manifest = json.loads(_get(port, token, job).read())
    rows = size = 0
    for each in manifest["output"]:
        answer = _get(port, token, each["url"].partition(str(port))[2])
        assert answer.status == 200
        while piece := answer.read(PIECE):
            rows += piece.count(b"\n")
            size += len(piece)
    return rows, size


def _get(port: int, token: str, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
    return connection.getresponse()


def _memory(pid: int, name: str) -> float:
    """Of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text() if os.path.isdir(f"/proc/{pid}") else ""
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1000
    return 0.0
