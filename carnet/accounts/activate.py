# SPDX-License-Identifier: EUPL-1.2
"""Use an activation code, with the birth date or the number that goes with it: once, in time, in few tries.

One refusal for all: a code that nobody gave, that served, that ended, or what goes with another's. What was
connected in the account's name ends, and the person is told. Nothing here touches a second factor: the kind
of the code says whether whoever keeps them ends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from carnet import errors
from carnet.access import audit, ended, notices
from carnet.access import queries as access
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.accounts import address, codes, mails, queries
from carnet.accounts.minting import EMAIL, FACTOR, RECOVERY, hashed, number_hashed
from carnet.accounts.rules import rules


class WrongActivation(errors.NotFound):
    """This code and what goes with it open no account, or the code was used or is over."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a code opens."""

    sub: str
    kind: str
    how: str

    @property
    def factors(self) -> bool:
        """Whether the second factors of the account end: a code of the counter, made for that, alone."""
        return self.kind == FACTOR

    @property
    def enrols(self) -> bool:
        """Whether a first second factor may be set: who was proven may, a mailbox that is read may not."""
        return self.how != RECOVERY


def bearer(door: Door, request: str) -> Visit:
    """Who brings a code: nobody is logged in."""
    actor = Actor(ActorKind.PATIENT, "activation-code", "", "carnet-pages", purpose="PATRQT")
    return Visit(door, actor, request)


def _values(door: Door, code: str, second: date | str) -> dict[str, object]:
    born = isinstance(second, date)
    return {
        "hash": hashed(door, codes.plain(code) or ""), "now": door.clock(), "tries": rules().tries,
        "born": second if born else None,
        "second": None if isinstance(second, date) else number_hashed(door, second),
    }  # fmt: skip


async def check(door: Door, request: str, code: str, second: date | str) -> Opened:
    """What they open, and nothing is used; what goes not with it is counted against the code, at once.

    second: the birth date, or the number that was said.
    """
    async with door.pool.connection() as conn:
        found = await (await conn.execute(queries.TRY, _values(door, code, second))).fetchone()
        if found is None or not found[0]:
            trace = bearer(door, request).trace("activate", "wrong-code")
            await audit.write(conn, trace, granted=False)
    if found is None or not found[0]:  # outside: what was counted is committed
        raise WrongActivation
    return Opened(*found[1:])


async def use(door: Door, request: str, code: str, second: date | str) -> str:
    """The subject whose account this is from now on; all that was connected in its name ends."""
    visit, values = bearer(door, request), _values(door, code, second)
    async with door.pool.connection() as conn, conn.transaction():
        found = await (await conn.execute(queries.USE, values)).fetchone()
        if found is None:
            raise WrongActivation
        sub, cid, kind, how, email = found
        await access.end_connections(conn, sub)
        await ended.begun_anew(conn, sub)
        told = "factors-ended" if kind == FACTOR else "account-activated"
        cids = [] if cid is None else [cid]
        if cid is not None:
            await together(visit, conn, cid)
            await notices.send(door, conn, cid, told)
        await mails.tell(door, conn, sub, cid, told)
        if how == EMAIL:  # who typed it reads that mailbox
            await address.proved(door, conn, sub, cid, email)
        await audit.write(conn, visit.trace("activate", f"{how}-{kind}"), granted=True, cids=cids)
    return str(sub)
