# SPDX-License-Identifier: EUPL-1.2
"""Where one is told, in which language, and what one wants to be told no more."""

from __future__ import annotations

from dataclasses import dataclass

from carnet import errors
from carnet.access import audit, notices
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.together import together
from carnet.notices import queries


class WrongEmail(errors.Invalid):
    """This e-mail address is not one."""


class NotYours(errors.NotFound):
    """Only the person of a record says where they are told."""


class SeenAtHome(errors.Forbidden):
    """Where one is told is read at home: choose it outside the secret connection."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person chose."""

    email: str
    language: str
    muted: tuple[str, ...]


def _cid(visit: Visit) -> int:
    if visit.actor.kind is not ActorKind.PATIENT or visit.actor.patient is None:
        raise NotYours
    return visit.actor.patient


async def chosen(visit: Visit) -> Settings:
    """What the visitor chose."""
    cid = _cid(visit)
    async with visit.door.pool.connection() as conn, conn.transaction():
        await together(visit, conn, cid)
        row = await (await conn.execute(queries.SETTINGS, (cid,))).fetchone()
    return Settings(row[0] or "", row[1], tuple(row[2])) if row else Settings("", "fr", ())


async def choose(visit: Visit, given: Settings) -> None:
    """From now on; without an e-mail, letters. What the law asks to be told is told all the same."""
    cid = _cid(visit)
    if visit.actor.secret:
        raise SeenAtHome
    if given.email and not notices.EMAIL.fullmatch(given.email):
        raise WrongEmail
    language = given.language if given.language in ("fr", "en") else "fr"
    known = notices.templates()
    muted = tuple(name for name in given.muted if name in known and known[name].optional)
    async with visit.door.pool.connection() as conn, conn.transaction():
        await visit.rights_of(conn, [cid])
        await notices.set_address(
            conn, cid, given.email or None, language=language, muted=muted,
            verified=visit.door.clock(),
        )  # fmt: skip
        trace = visit.trace("notice-settings", "patient-self")
        await audit.write(conn, trace, granted=True, cids=[cid])
