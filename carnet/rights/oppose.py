# SPDX-License-Identifier: EUPL-1.2
"""Object: to the opening of a record, at any time and without a reason; to its feeding, for a reason.

By the page of the notice with its one-time code, logged in, by post or in person. What is opposed
before it opened has nothing to archive: only the objection is kept, so that nobody is asked twice.
Source: CSP R.1111-28, R.1111-46, L.1110-4.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, notices, stepup
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.rights import statements
from carnet.rights.close import archive, close_rest
from carnet.rights.life import (
    CODE,
    WEB,
    Ruling,
    WrongMotive,
    WrongState,
    length,
    read,
    record,
    ruling,
    table,
)


class WrongCode(errors.NotFound):
    """This code and this birth date name nobody, or the code was used."""


async def oppose(visit: Visit, patient: str = "", *, how: str = WEB) -> None:
    """The person objects, logged in, or through an operator by post or in person."""
    stepup.fresh(visit.actor, visit.door.clock())
    async with ruling(
        visit, patient, "oppose", motive="opposition", how=how, of=("notice", "open")
    ) as on:
        await _shut(on)


async def _shut(on: Ruling) -> None:
    if on.life.state == "open":
        await archive(on, "opposition")
        return
    await close_rest(on, "opposition")
    await notices.send(on.visit.door, on.conn, on.cid, "opposed")


def bearer(door: Door, request: str) -> Visit:
    """Who brings a notice's code: nobody is logged in."""
    actor = Actor(ActorKind.PATIENT, "notice-code", "", "carnet-pages", purpose="PATRQT")
    return Visit(door, actor, request)


async def by_code(door: Door, request: str, code: str, born: date) -> None:
    """Object with the code of the notice and the birth date; a code works once, and bears five tries."""
    visit, hashed, now = bearer(door, request), notices.code_hash(door, code), door.clock()
    async with door.pool.connection() as conn:
        cid = await _whose(conn, visit, hashed, born)
        if cid is None:
            # On the connection held: a second one may never come.
            await audit.write(conn, visit.trace("oppose", "wrong-code"), granted=False)
            raise WrongCode
        async with conn.transaction():
            cids = await together(visit, conn, cid)
            life = await read(conn, cid, cids, lock=True)
            used = await conn.execute(statements.USED, {"h": hashed, "now": now})
            if life is None or life.state not in ("notice", "open") or used.rowcount != 1:
                raise WrongCode
            await _shut(Ruling(visit, conn, life, now, CODE, cids))
            await record(visit, conn, cid, "oppose", "opposition", CODE, now)


async def _whose(conn: AsyncConnection[Any], visit: Visit, hashed: bytes, born: date) -> int | None:
    """The record a code and a birth date name; a wrong date is counted against the code, at once."""
    found = await (await conn.execute(statements.CODE, (hashed,))).fetchone()
    if found is None:
        return None
    cid, tries, used, birth_date, _ = found
    if used is not None or tries >= length("code_tries"):
        return None
    if birth_date == born:
        return int(cid)
    async with conn.transaction():
        await visit.rights_of(conn, [cid])
        await conn.execute(statements.TRIED, (hashed,))
    return None


async def feeding(
    visit: Visit, patient: str = "", *, opposed: bool, motive: str = "", how: str = WEB
) -> None:
    """Object to the record being fed, for a legitimate reason that is written down; or no more."""
    stepup.fresh(visit.actor, visit.door.clock())
    if opposed and motive not in table()["motives"]["feeding"]:
        raise WrongMotive
    act = "oppose-feeding" if opposed else "allow-feeding"
    async with ruling(visit, patient, act, motive=motive, how=how, of=("notice", "open")) as on:
        if on.life.feeding_opposed == opposed:
            raise WrongState
        said = statements.OPPOSE_FEEDING if opposed else statements.ALLOW_FEEDING
        await on.conn.execute(said, {**on.values, "motive": motive})
