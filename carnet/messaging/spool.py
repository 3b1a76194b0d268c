# SPDX-License-Identifier: EUPL-1.2
"""The spool: a mail is in it before anybody is told it was taken, sealed, once for each address.

Each mail has a key of its own, which the operator's key wraps: a mail that is removed is gone from every
copy that does not hold the row. What tells two copies of one mail from two mails is its Message-ID, its
sender and its content together, so that nobody silences a mail by guessing the number of it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

from carnet.access.door import Door, platform
from carnet.messaging import queries
from carnet.messaging.queries import Delivery

PURPOSE: Final = b"carnet mail"


@dataclass(frozen=True, slots=True)
class Put:
    """A mail to keep. states: each address, and what becomes of the mail there first."""

    way: str  # in, out
    sender: str
    number: str
    data: bytes
    states: Sequence[tuple[str, str]]
    cid: int | None = None


def number_of(door: Door, number: str) -> bytes:
    """The keyed hash of a Message-ID."""
    return door.hasher.long(b"mail|" + number.encode())


def once(door: Door, put: Put, address: str) -> bytes:
    """What one mail is known by at one address."""
    body = put.data.partition(b"\r\n\r\n")[2]
    said = "|".join((put.way, put.sender, put.number, address)).encode()
    return door.hasher.long(b"mail once|" + said + b"\0" + body)


async def put(door: Door, given: Put) -> int:
    """Keep a mail; returns for how many addresses it was new. Committed when it returns."""
    async with door.pool.connection() as conn, conn.transaction():
        await platform.enter(door, conn)
        return await put_in(door, conn, given)


async def put_in(door: Door, conn: AsyncConnection[Any], given: Put) -> int:
    """The same within a transaction of the platform."""
    keys = {address: once(door, given, address) for address, _ in given.states}
    first = struct.unpack(">q", min(keys.values())[:8])[0]
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", (first,))  # the same mail twice at once
    cursor = await conn.execute(queries.KNOWN, (list(keys), list(keys.values())))
    there = {str(address) for (address,) in await cursor.fetchall()}
    new = [each for each in given.states if each[0] not in there]
    if not new:
        return 0
    id, now = door.ids.new(), door.clock()
    wrapped = door.vault.make(-id)
    nonce = door.random(12)
    sealed = nonce + door.vault.use(-id, wrapped).encrypt(nonce, given.data, _said(id))
    door.vault.forget(-id)
    values = {
        "id": id, "cid": given.cid, "way": given.way, "at": now, "sender": given.sender,
        "number": number_of(door, given.number), "size": len(given.data),
        "wrapped": wrapped, "sealed": sealed,
    }  # fmt: skip
    await conn.execute(queries.ADD_MESSAGE, values)
    for address, state in new:
        line = {
            "id": door.ids.new(), "message": id, "address": address, "once": keys[address],
            "state": state, "next_try": now if state in ("received", "waiting") else None,
        }  # fmt: skip
        await conn.execute(queries.ADD_DELIVERY, line)
    return len(new)


def opened(door: Door, one: Delivery) -> bytes:
    """The text of a mail."""
    key = door.vault.use(-one.message, one.wrapped)
    try:
        return key.decrypt(one.sealed[:12], one.sealed[12:], _said(one.message))
    finally:
        door.vault.forget(-one.message)


def _said(id: int) -> bytes:
    return PURPOSE + struct.pack(">q", id)
