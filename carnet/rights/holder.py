# SPDX-License-Identifier: EUPL-1.2
"""What the holder of a record decides over it: once checked, done and traced in one transaction.

The holder is the person of the record, or who exercises their rights for them: the legal representative
of a minor, the person in charge of a protected adult. A carer's mandate gives none of these rights.
Source: CSP L.1111-13-1, L.1111-19, R.1111-28.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.door.decide import REPRESENTING
from carnet.access.together import together

MOST = 1000  # ways to hold one record


class NotYours(errors.NotFound):
    """Only the person of a record, or their legal representative, decides over it."""


class SeenByRepresentatives(errors.Forbidden):
    """This choice is shown to those who represent you: make it outside the secret connection."""


@dataclass(slots=True)
class Hold:
    """A record whose holder is deciding, in an open transaction that may write its rights."""

    conn: AsyncConnection[Any]
    cid: int  # the compartment that was named: what is said is written there
    cids: tuple[int, ...]  # all of the record: what is ended is ended there
    now: datetime
    quiet: bool = False  # the representatives see nothing of what it changed, nor the trace of it


@asynccontextmanager
async def holding(visit: Visit, patient: str, act: str, rule: str) -> AsyncIterator[Hold]:
    """The record this visitor decides over; the trace is written with what is done inside.

    patient: id of a Patient, or "" for the visitor's own.
    """
    door, actor = visit.door, visit.actor
    cid = record_of(visit, patient)
    now = door.clock()
    try:
        async with door.pool.connection() as conn, conn.transaction():
            held = await queries.held(conn, actor.sub, actor.patient, [cid], now, MOST)
            if not any(
                one.nature == "self" or (one.nature in REPRESENTING and one.reach == "all")
                for one in held
            ):
                raise NotYours
            cids = await together(visit, conn, cid)
            hold = Hold(conn, cid, cids, now)
            yield hold
            trace = quietly(visit, secret=visit.actor.secret or hold.quiet).trace(act, rule)
            await audit.write(conn, trace, granted=True, cids=[cid])
    except NotYours:
        await visit.refused(act, "not-the-holder", [cid])
        raise


def in_the_open(visit: Visit) -> None:
    """Refuse in a secret connection what the others who decide over the record read on its pages."""
    if visit.actor.secret:
        raise SeenByRepresentatives


def quietly(visit: Visit, *, secret: bool) -> Visit:
    """The visit, as one whose traces representatives see, or do not."""
    return replace(visit, actor=replace(visit.actor, secret=secret))


def record_of(visit: Visit, patient: str) -> int:
    """The compartment of a Patient, "" being the visitor's own."""
    actor = visit.actor
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise NotYours
    if not patient:
        return actor.patient
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise NotYours
    return place[0]
