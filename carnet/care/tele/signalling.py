# SPDX-License-Identifier: EUPL-1.2
"""Signalling: the WebSocket by which the browsers of a room find one another. Media never comes here.

Rooms live in one process: it is bound to none yet, until several can share them and remember them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from carnet import errors
from carnet.care.tele import ticket
from carnet.care.tele.card import Once
from carnet.care.tele.room import SEATS, Room, Seat
from carnet.care.tele.ticket import Ticket

MOST: Final = 16_384  # characters of a message: a description of media is some thousands
RATE: Final = 200  # messages
WINDOW: Final = 10.0  # seconds
FIRST: Final = 5.0  # seconds to give the ticket
AGAIN: Final = 0.5  # seconds between two looks at whether the session stands
ENDED, REFUSED, REPLACED = 4003, 4401, 4409


@dataclass(slots=True)
class Signals:
    """origin: of our own pages. stands: whether a ticket's session and access still hold."""

    key: bytes
    origin: str
    clock: Callable[[], int]
    once: Once
    stands: Callable[[Ticket], Awaitable[bool]]
    rooms: dict[str, Room] = field(default_factory=dict)

    async def __call__(self, socket: WebSocket) -> None:
        """A connection: of our pages, with a ticket, as long as its session stands."""
        if socket.headers.get("origin") != self.origin:
            await socket.close(REFUSED)
            return
        await socket.accept()
        try:
            mine = await self.enter(socket)
        except (errors.CarnetError, TimeoutError, WebSocketDisconnect):
            await ended(socket, REFUSED)
            return
        room = self.rooms.setdefault(mine.room, Room())
        await ended(socket, await self.sit(socket, room, mine))

    async def enter(self, socket: WebSocket) -> Ticket:
        """The ticket, first thing said."""
        async with asyncio.timeout(FIRST):
            said = await heard(socket)
        text = said.get("ticket")
        if not isinstance(text, str):
            raise ticket.WrongTicket
        name = str(socket.path_params["room"])
        mine = await ticket.take(self.key, text, name, self.clock(), self.once)
        if not await self.stands(mine):
            raise ticket.WrongTicket
        return mine

    async def sit(self, socket: WebSocket, room: Room, mine: Ticket) -> int:
        """Listen, tell and watch, until the first of them ends; why it closed."""
        out: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(RATE)

        def put(said: Mapping[str, Any] | None) -> None:
            while said is None and not out.empty():
                out.get_nowait()
            if out.full():  # does not read what it is told: it ends, and comes back
                put(None)
            else:
                out.put_nowait(said)

        coming = room.come(mine.seat, put)
        tasks = [
            asyncio.create_task(self.listen(socket, room, mine.seat)),
            asyncio.create_task(tell(socket, out)),
            asyncio.create_task(self.watch(mine)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            room.go(mine.seat, coming)
            if not room.here and room.begun is None:
                self.rooms.pop(mine.room, None)

    async def listen(self, socket: WebSocket, room: Room, seat: Seat) -> int:
        """What is said, not too much nor too often."""
        loop, begun, count = asyncio.get_running_loop(), 0.0, 0
        with suppress(WebSocketDisconnect, errors.CarnetError):
            while True:
                said = await heard(socket)
                if loop.time() - begun > WINDOW:
                    begun, count = loop.time(), 0
                count += 1
                if count > RATE:
                    break
                obey(room, seat, said, self.clock())
        return REFUSED

    async def watch(self, mine: Ticket) -> int:
        """Until the session or the access ends."""
        while await self.stands(mine):  # noqa: ASYNC110 (a session ends in the database)
            await asyncio.sleep(AGAIN)
        return ENDED


async def heard(socket: WebSocket) -> dict[str, Any]:
    """One message: an object of JSON."""
    try:
        text = await socket.receive_text()
        said = json.loads(text) if len(text) <= MOST else None
    except (ValueError, KeyError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise errors.Structure
    return said


def obey(room: Room, seat: Seat, said: Mapping[str, Any], now: int) -> None:
    """Do what a message asks."""
    other = said.get("seat")
    if other not in SEATS:
        raise errors.Structure
    if said.get("type") == "admit":
        room.admit(seat, other, now)
    elif said.get("type") == "signal":
        room.signal(seat, other, said.get("data"))
    else:
        raise errors.Structure


async def tell(socket: WebSocket, out: asyncio.Queue[Mapping[str, Any] | None]) -> int:
    """Say what the room has to say, until another connection takes the seat."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while (said := await out.get()) is not None:
            await socket.send_text(json.dumps(said))
    return REPLACED


async def ended(socket: WebSocket, code: int) -> None:
    """Close, when it is not closed already."""
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code)
