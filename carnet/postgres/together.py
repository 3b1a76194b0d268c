# SPDX-License-Identifier: EUPL-1.2
"""Statements sent together: one message goes, one comes back.

psycopg's pipeline writes to the socket at each statement, and the server wakes at each; this one writes
when it ends. Nothing may be fetched inside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, AsyncPipeline
from psycopg.abc import PQGen


class Together(AsyncPipeline):
    """A pipeline that keeps its statements until it ends."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        super().__init__(conn)
        self._kept = True

    def _communicate_gen(self) -> PQGen[None]:
        if self._kept:
            return
        commands = tuple(self.command_queue)
        self.command_queue.clear()

        def all_of_them() -> None:
            for command in commands:
                command()

        self.command_queue.append(all_of_them)
        yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        self._kept = False
        yield from super()._exit_gen()


@asynccontextmanager
async def together(conn: AsyncConnection[Any]) -> AsyncIterator[None]:
    """What is executed inside goes at once at the end; inside a pipeline, it goes as there."""
    if conn._pipeline is not None:
        async with conn.pipeline():
            yield
        return
    pipeline = conn._pipeline = Together(conn)
    try:
        async with pipeline:
            yield
    finally:
        conn._pipeline = None
