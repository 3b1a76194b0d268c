# SPDX-License-Identifier: EUPL-1.2
"""Prove who somebody is, at a counter: an operator sees a document, and gives a code on paper.

Which document was seen is written, never its number. A new code ends the one before. For who has no account
yet, and for who lost the way in: the code is the same, and says nothing of which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from carnet import errors
from carnet.access import audit, stepup
from carnet.access import queries as access
from carnet.access.actor import ActorKind
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.accounts import codes, queries
from carnet.accounts.rules import rules


class NoDocument(errors.Invalid):
    """Say which identity document was seen, of those that prove an identity at a counter."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is printed, once: the code is kept nowhere."""

    name: str
    code: str = field(repr=False)
    until: datetime


def hashed(door: Door, plain: str) -> bytes:
    """What is stored of a code."""
    return door.hasher.long(f"activation:{plain}".encode())


async def give(visit: Visit, patient: str, document: str) -> Given:
    """A code for this person, whose document is before you; patient: id of their Patient."""
    door, actor = visit.door, visit.actor
    stepup.fresh(actor, door.clock())
    if actor.kind is not ActorKind.OPERATOR:
        raise errors.NotFound
    if document not in rules().documents:
        raise NoDocument
    place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    cid, now, code = place[0], door.clock(), codes.made(door.random)
    plain = codes.plain(code)
    assert plain is not None
    async with door.pool.connection() as conn, conn.transaction():
        known = await access.identity(conn, cid)
        if known is None or known.quarantined:
            raise errors.NotFound
        cids = await together(visit, conn, cid)
        sub = (await (await conn.execute(queries.SUBJECT_OF, (list(cids),))).fetchone() or [""])[0]
        values = {
            "hash": hashed(door, plain), "sub": sub, "cid": cid, "born": known.birth_date,
            "how": "counter", "proof": document, "by": actor.sub, "now": now,
            "until": now + rules().lasts,
        }  # fmt: skip
        await conn.execute(queries.REPLACE, values)
        await conn.execute(queries.ADD, values)
        trace = visit.trace("activation-code", f"seen-{document}")
        await audit.write(conn, trace, granted=True, cids=[cid])
    return Given(known.shown_name, code, now + rules().lasts)
