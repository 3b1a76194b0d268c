# SPDX-License-Identifier: EUPL-1.2
"""Somebody lost a password: a code goes to an address that was proved; nothing tells whether there is one.

What the page does is the same for every address: it writes one line, and a worker finds later whose it is.
The code goes with the birth date, or with the number the page showed. The second factor stays and is asked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from carnet.access import audit
from carnet.access import queries as access
from carnet.access.door import Door, platform
from carnet.accounts import mails, minting, queries
from carnet.accounts.minting import RECOVERY, Order
from carnet.accounts.rules import rules

LOST = "lost"  # a line that nobody has looked up yet
PROVEN = "address"  # what stands for a document


async def lost(door: Door, email: str, leaves: bool = True) -> str:
    """The number that goes with the code of who works by an account; the same work whoever asks.

    leaves: whether an e-mail may; a line that is over at once is written otherwise.
    """
    number = minting.number_made(door)
    async with door.pool.connection() as conn, conn.transaction():
        await mails.queue(
            door, conn, LOST, email.lower(), number=minting.number_hashed(door, number),
            until=door.clock() + (rules().recovers if leaves else timedelta(0)),
        )  # fmt: skip
    return number


async def resolve(door: Door, conn: AsyncConnection[Any], email: str, number: bytes) -> int:
    """Codes for the accounts of an address, under the platform's context; how many."""
    values = {"email": email, "most": rules().most}
    found = await (await conn.execute(queries.ACCOUNTS_OF, values)).fetchall()
    for sub, cid in found:
        known = None if cid is None else await access.identity(conn, cid)
        if cid is not None and known is None:
            continue
        order = Order(
            sub, RECOVERY, PROVEN, PROVEN, cid=cid, born=known.birth_date if known else None,
            email=email, number=None if known else number,
        )  # fmt: skip
        await minting.mint(door, conn, order, "")
        trace = platform.visit(door, "recovery").trace("recovery-code", "address-proved")
        await audit.write(conn, trace, granted=True, cids=[] if cid is None else [cid])
    return len(found)
