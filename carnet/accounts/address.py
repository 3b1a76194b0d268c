# SPDX-License-Identifier: EUPL-1.2
"""The e-mail address by which an account is found again: proved by a code that was sent there, and no other.

Adding or taking away one is an act of who has just proved who they are; the address before is told. It opens
nothing: a code sent there sets a password, and the second factor is asked all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, notices, stepup
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.accounts import codes, mails, minting, queries
from carnet.accounts.rules import rules


class WrongEmail(errors.Invalid):
    """This e-mail address is not one."""


class NoMail(errors.BusinessRule):
    """No e-mail leaves this installation: a lost password is found again at the counter."""


class WrongProof(errors.NotFound):
    """This code proves no address, or it was used or is over."""


@dataclass(frozen=True, slots=True)
class Address:
    """email: proved, "" when none is; asked: waits for its code; offered: whether e-mails leave at all."""

    email: str
    asked: str
    offered: bool


async def of(visit: Visit) -> Address:
    """That of who asks."""
    async with visit.door.pool.connection() as conn:
        values = {"sub": visit.actor.sub, "now": visit.door.clock()}
        row = await (await conn.execute(queries.ADDRESS, values)).fetchone()
    email, asked = row or (None, None)
    return Address(email or "", asked or "", visit.door.settings.mails)


async def propose(visit: Visit, email: str) -> None:
    """Send a code there; the address before stays until it is typed."""
    door, actor = visit.door, visit.actor
    stepup.fresh(actor, door.clock())
    if not door.settings.mails:
        raise NoMail
    if not notices.EMAIL.fullmatch(email):
        raise WrongEmail
    seed, until = door.random(minting.SEED), door.clock() + rules().proves
    values = {
        "sub": actor.sub, "cid": actor.patient, "asked": email.lower(), "until": until,
        "hash": _hashed(door, actor.sub, minting.plain(minting.seeded(door, seed))),
    }  # fmt: skip
    async with door.pool.connection() as conn, conn.transaction():
        await conn.execute(queries.ASK, values)
        await mails.queue(
            door, conn, "prove", email.lower(), sub=actor.sub, cid=actor.patient, seed=seed, until=until
        )  # fmt: skip
        trace = visit.trace("recovery-address", "asked")
        await audit.write(conn, trace, granted=True, cids=_record(visit))


async def confirm(visit: Visit, code: str) -> None:
    """The code that was sent there: the address is the account's from now on."""
    door, actor = visit.door, visit.actor
    stepup.fresh(actor, door.clock())
    values = {
        "sub": actor.sub, "now": door.clock(), "tries": rules().tries,
        "hash": _hashed(door, actor.sub, codes.plain(code) or ""),
    }  # fmt: skip
    async with door.pool.connection() as conn, conn.transaction():
        row = await (await conn.execute(queries.TRY_ADDRESS, values)).fetchone()
        if row is not None and row[0]:
            await _told(visit, conn)
            await proved(door, conn, actor.sub, actor.patient, row[1])
            trace = visit.trace("recovery-address", "proved")
            await audit.write(conn, trace, granted=True, cids=_record(visit))
    if row is None or not row[0]:  # outside: what was counted is committed
        raise WrongProof


async def remove(visit: Visit) -> None:
    """No address any more: the counter alone."""
    stepup.fresh(visit.actor, visit.door.clock())
    async with visit.door.pool.connection() as conn, conn.transaction():
        await _told(visit, conn)
        await _old(visit.door, conn, visit.actor.sub, visit.actor.patient, "")
        await conn.execute(
            queries.FORGET_ADDRESS, {"sub": visit.actor.sub, "now": visit.door.clock()}
        )
        trace = visit.trace("recovery-address", "removed")
        await audit.write(conn, trace, granted=True, cids=_record(visit))


async def proved(
    door: Door, conn: AsyncConnection[Any], sub: str, cid: int | None, email: str
) -> None:
    """This address is the account's: its mailbox was read by who holds it. The one before is told."""
    await _old(door, conn, sub, cid, email)
    await conn.execute(
        queries.PROVED, {"sub": sub, "cid": cid, "email": email, "now": door.clock()}
    )


async def _old(door: Door, conn: AsyncConnection[Any], sub: str, cid: int | None, new: str) -> None:
    row = await (await conn.execute(queries.ADDRESS_OF, {"sub": sub})).fetchone()
    if row is not None and row[0] and row[0] != new and door.settings.mails:
        await mails.queue(door, conn, "address-changed", row[0], sub=sub, cid=cid)


async def _told(visit: Visit, conn: AsyncConnection[Any]) -> None:
    """By the notices of the person of a record."""
    if visit.actor.patient is not None:
        await together(visit, conn, visit.actor.patient)
        await notices.send(visit.door, conn, visit.actor.patient, "recovery-address")


def _record(visit: Visit) -> list[int]:
    return [] if visit.actor.patient is None else [visit.actor.patient]


def _hashed(door: Door, sub: str, plain: str) -> bytes:
    """Of a code that proves an address of this account, and no other's."""
    return door.hasher.long(f"address-code:{sub}:{plain}".encode())
