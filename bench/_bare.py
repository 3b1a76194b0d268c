# SPDX-License-Identifier: EUPL-1.2
"""What the same HTTP stack does with nothing of ours: a Starlette handler, a query, a durable insert.

`read`: one row by its key and one durable insert, in one round trip. `create`: one durable insert of
the body. Same granian, same loop, same driver, same PostgreSQL, tables without row-level security.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, LiteralString

import psycopg
from granian import Granian
from granian.constants import Interfaces, Loops
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench._client import Client
from carnet.postgres.pool import Pool, open_pool
from tests.durability.installation import HOST, answers, free_port

ROWS = 10_000
BODY = b'{"resourceType":"Observation"}'.ljust(700)

TABLES: LiteralString = """
    CREATE SCHEMA IF NOT EXISTS bare;
    CREATE TABLE IF NOT EXISTS bare.row (id bigint PRIMARY KEY, body bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS bare.trace (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz DEFAULT now(), who text, what bigint);
    GRANT USAGE ON SCHEMA bare TO carnet_app;
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA bare TO carnet_app;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA bare TO carnet_app;
"""
READ: LiteralString = "SELECT body FROM bare.row WHERE id = %s"
TRACE: LiteralString = "INSERT INTO bare.trace (who, what) VALUES (%s, %s)"
CREATE: LiteralString = "INSERT INTO bare.row (id, body) VALUES (%s, %s)"


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Tables of the bare handlers, filled."""
    conn.execute(TABLES)
    conn.execute("TRUNCATE bare.row, bare.trace")
    conn.execute("INSERT INTO bare.row SELECT n, %s FROM generate_series(1, %s) n", (BODY, ROWS))


@contextlib.contextmanager
def serving(url: str, workers: int) -> Iterator[Client]:
    """The bare application on a port of its own; url: of carnet_app."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench._bare", str(port), str(workers)],
        env=os.environ | {"BARE_URL": url},
        start_new_session=True,
    )
    try:
        while not answers(f"http://{HOST}:{port}/read/1"):
            if process.poll() is not None:
                raise RuntimeError("the bare server did not start")
            time.sleep(0.05)
        yield Client(HOST, port)
    finally:
        process.terminate()
        process.wait(20)


def application() -> Starlette:
    """One worker's."""
    kept: dict[str, Pool] = {}
    next_id = int.from_bytes(os.urandom(6), "big")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        kept["pool"] = await open_pool(os.environ["BARE_URL"], max_size=10, name="bare")
        yield
        await kept["pool"].close()

    async def read(request: Request) -> Response:
        number = int(request.path_params["id"])
        async with kept["pool"].connection() as conn, conn.pipeline():
            cursor = await conn.execute(READ, (number,))
            await conn.execute(TRACE, ("bare", number))
            row = await cursor.fetchone()
        assert row is not None
        return Response(row[0], media_type="application/fhir+json")

    async def create(request: Request) -> Response:
        nonlocal next_id
        next_id += 1
        body = await request.body()
        async with kept["pool"].connection() as conn:
            await conn.execute(CREATE, (next_id, body))
        return Response(body, 201, media_type="application/fhir+json")

    routes = [Route("/read/{id}", read), Route("/create", create, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


if __name__ == "__main__":
    Granian(
        "bench._bare:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=HOST,
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        loop=Loops.uvloop,
        log_enabled=False,
        websockets=False,
    ).serve()
