# SPDX-License-Identifier: EUPL-1.2
"""MLLP: one HL7 v2 message after another on a connection, each answered before the next is read.

Source: HL7 Transport specification: MLLP, release 1 (start block 0x0B, end block 0x1C 0x0D).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from carnet import errors

log = structlog.get_logger("carnet.hospital")

START, END = b"\x0b", b"\x1c\r"
LARGEST: Final = 1 << 20  # bytes of a message
IDLE: Final = 300.0  # seconds
CONNECTIONS: Final = 32  # at once

Answering = Callable[[bytes], Awaitable[bytes]]


class OpenHl7Port(errors.Invalid):
    """HL7 v2 comes in from this machine alone: the address of its port is a loopback one."""


async def listen(answer: Answering, host: str, port: int) -> asyncio.Server:
    """The port, open."""
    if not _own(host):
        raise OpenHl7Port
    held: set[asyncio.StreamWriter] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(held) < CONNECTIONS:
            held.add(writer)
            with contextlib.suppress(
                TimeoutError,
                ConnectionError,
                asyncio.IncompleteReadError,
                asyncio.LimitOverrunError,
            ):
                await _messages(answer, reader, writer)
        held.discard(writer)
        writer.close()

    return await asyncio.start_server(connection, host, port, limit=LARGEST)


async def _messages(
    answer: Answering, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while True:
        async with asyncio.timeout(IDLE):
            try:
                frame = await reader.readuntil(END)
            except asyncio.LimitOverrunError:
                frame = END
        _, start, message = frame.removesuffix(END).rpartition(START)
        if not start:
            log.warning("what came on the HL7 port is not MLLP, or too large")
            writer.write(START + await answer(b"") + END)  # refused, and the connection ends
            await writer.drain()
            return
        writer.write(START + await answer(message) + END)
        await writer.drain()


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
