# SPDX-License-Identifier: EUPL-1.2
"""Open a record in an emergency: a reason, the least scope, an end; the patient and their doctor are told.

Two modes, each of which the patient may refuse beforehand: any health professional before a person who
cannot speak for themselves ("bris de glace"), and the doctor of a regulation centre on a call. What is
wrong with the request, or with who asks, is said before any record is looked at. After that, whatever
the reason of a refusal, the answer is the one for a person who is unknown.
Source: CSP L.1111-17 I, R.1111-48; minors: L.1111-5, R.1111-50; docs/decisions/0020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from carnet import errors
from carnet.access import audit, handles, kinds, notices, queries, reach, stepup
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.access.limits import alarms
from carnet.access.limits.refusals import TooFast
from carnet.identity.traits import majority
from carnet.rights import statements
from carnet.rights.holder import quietly
from carnet.rights.queries import ALONE

RULE = "emergency"  # in the trace: the purpose becomes ETREAT
NOBODY = -1  # no record has this number


class NotForYou(errors.Forbidden):
    """Only a professional opens a record in an emergency."""


class NotInThisSituation(errors.Forbidden):
    """The mode centre-15 is for a doctor who acts for an emergency call centre (SAMU, centre 15)."""


class WrongMode(errors.Invalid):
    """An emergency mode is bris-de-glace or centre-15, with one of its reasons."""


class TooManyEmergencies(errors.TooMany):
    """This account has opened too many records in an emergency in a day."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an emergency opened."""

    patient: str  # id of the Patient
    until: datetime
    scope: tuple[str, ...]  # rows of access/emergency.toml that this profession reads


@dataclass(frozen=True, slots=True)
class Running:
    """An opening that is not over."""

    mode: str
    until: datetime


async def open(visit: Visit, handle: str, mode: str, reason: str) -> Opened:
    """Open the record behind a handle; one that is already open in this mode stays as it is.

    handle: from a search for the person. mode, reason: codes of access/emergency.toml.
    """
    await check(visit, mode, reason)
    return await _open(visit, handles.read(visit, handle), mode, reason)


async def open_patient(visit: Visit, patient: str, mode: str, reason: str) -> Opened:
    """The same, of the record of a Patient by its id."""
    await check(visit, mode, reason)
    return await _open(visit, _compartment(visit, patient), mode, reason)


def modes() -> dict[str, Any]:
    """The two modes."""
    found: dict[str, Any] = reach.table("emergency")["modes"]
    return found


async def offered(visit: Visit) -> tuple[str, ...]:
    """The modes this professional may open in, in the situation they act in."""
    async with visit.door.pool.connection() as conn:
        setting = await _setting(conn, visit)
    return tuple(mode for mode in modes() if _fits(visit, mode, setting))


def scope(visit: Visit) -> tuple[str, ...]:
    """The least that helps, as far as the profession's line of the matrix reads it too."""
    reads = frozenset(visit.door.matrix.at(visit.door.clock()).reads(visit.actor.profession))
    names: list[str] = reach.table("emergency")["rows"]["names"]
    return tuple(name for name in names if kinds.table()[name].number in reads)


async def running(visit: Visit, patient: str) -> Running | None:
    """This professional's opening of a record, while it lasts; None when there is none."""
    actor, cid = visit.actor, _compartment(visit, patient)
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        return None
    now = visit.door.clock()
    async with visit.door.pool.connection() as conn:
        cids = list(await _whole(conn, cid))
        values = {"cids": cids, "rpps": actor.rpps, "now": now}
        found = await (await conn.execute(statements.RUNNING, values)).fetchone()
    return Running(*found) if found else None


async def end(visit: Visit, patient: str) -> int:
    """The professional ends their openings of a record before their term; returns how many."""
    actor, door = visit.actor, visit.door
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise errors.NotFound
    cid = _compartment(visit, patient)
    async with door.pool.connection() as conn, conn.transaction():
        cids = list(await _whole(conn, cid))
        await visit.rights_of(conn, cids)
        values = {"cids": cids, "rpps": actor.rpps, "now": door.clock()}
        ended = await (await conn.execute(statements.END_EMERGENCY, values)).fetchall()
        if ended:  # what was opened in secret ends in secret
            quiet = actor.secret or all(secret for (secret,) in ended)
            trace = quietly(visit, secret=quiet).trace("end-emergency", RULE)
            await audit.write(conn, trace, granted=True, cids=[cid])
    if not ended:
        await visit.refused("end-emergency", "no-emergency", [] if cid == NOBODY else [cid])
        raise errors.NotFound
    return len(ended)


async def operation(visit: Visit, id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """POST Patient/{id}/$emergency: mode and reason give until and scope."""
    return told(await open_patient(visit, id, given["mode"], given["reason"]))


async def end_operation(visit: Visit, id: str) -> None:
    """POST Patient/{id}/$emergency-end."""
    await end(visit, id)


def told(opened: Opened) -> dict[str, Any]:
    """What was opened, as Parameters."""
    until = opened.until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": f"Patient/{opened.patient}"}},
            {"name": "until", "valueInstant": until},
            *({"name": "scope", "valueCode": name} for name in opened.scope),
        ],
    }


# -- deciding ------------------------------------------------------------------------------------------


async def check(visit: Visit, mode: str, reason: str) -> None:
    """What no record has a part in: who asks, and in what words."""
    stepup.fresh(visit.actor, visit.door.clock())
    actor = visit.actor
    if actor.kind is not ActorKind.PROFESSIONAL or actor.rpps is None:
        raise NotForYou
    found = modes().get(mode)
    if found is None or reason not in found["reasons"]:
        said = " or ".join(
            f"{name} with the reason {', '.join(one['reasons'])}" for name, one in modes().items()
        )
        raise WrongMode(f"An emergency mode is {said}.")
    async with visit.door.pool.connection() as conn:
        setting = await _setting(conn, visit)
    if not _fits(visit, mode, setting):
        await visit.refused("emergency", "emergency-not-in-this-situation")
        raise NotInThisSituation


async def _setting(conn: AsyncConnection[Any], visit: Visit) -> str | None:
    row = await (await conn.execute(statements.SETTING, (visit.actor.org,))).fetchone()
    return row[0] if row else None


def _fits(visit: Visit, mode: str, setting: str | None) -> bool:
    found = modes()[mode]
    profession = visit.actor.profession.split("/")[0]
    return (not found["settings"] or setting in found["settings"]) and (
        not found["professions"] or profession in found["professions"]
    )


def _compartment(visit: Visit, patient: str) -> int:
    """The compartment of a Patient; NOBODY for any other id."""
    place = visit.door.ids.decode(patient)
    return place[0] if place is not None and place[0] == place[1] and place[0] else NOBODY


async def _whole(conn: AsyncConnection[Any], cid: int) -> Sequence[int]:
    """All the compartments of a person's record."""
    return (await queries.sets(conn, [cid])).get(cid, (cid,))


async def _open(visit: Visit, cid: int, mode: str, reason: str) -> Opened:
    """Decide and open, with all that is one person's locked.

    The same statements whatever the record, and in a fixed order of locks: the professional, the rights
    of each compartment, the compartments. The time is read under them: what another opened meanwhile is
    of before.
    """
    actor, door, found = visit.actor, visit.door, modes()[mode]
    rpps = actor.rpps
    assert rpps is not None
    many, until = False, None
    async with door.pool.connection() as conn, conn.transaction():
        await conn.execute(statements.ONE_BY_ONE, (rpps,))
        cids = list(await _whole(conn, cid))
        await visit.rights_of(conn, cids)
        await conn.execute(ALONE, {"cid": min(cids), "cids": cids})
        async with conn.cursor(row_factory=dict_row) as cur:
            await cur.execute(statements.MODES_REFUSED, (cids,))
            records = await cur.fetchall()
        now = door.clock()
        known = await queries.identity(conn, cid)
        # A household reads a minor's post. On an adult's record the header hides nothing: it would be a
        # way not to tell the patient.
        quiet = actor.secret and known is not None and majority(known.birth_date) > now
        blocked = await queries.blocked(conn, cid, rpps, now)
        refused = _refused(records, known, found["refusal"], blocked=blocked)
        values = {"cids": cids, "rpps": rpps, "mode": mode, "now": now, "secret": quiet}
        going_on = await (await conn.execute(statements.EMERGENCY_OF, values)).fetchone()
        if going_on is None or refused:
            since = {"rpps": rpps, "mode": mode, "since": now - timedelta(days=1)}
            counted = await (await conn.execute(statements.OPENED_SINCE, since)).fetchone()
            many = counted is not None and counted[0] >= found["per_day"]
            if not refused and not many:
                until = now + timedelta(hours=found["hours"])
                line = {
                    "id": door.ids.new(), "cid": cid, "rpps": rpps, "org": actor.org, "mode": mode,
                    "reason": reason, "since": now, "until": until, "secret": quiet,
                }  # fmt: skip
                await _opened(conn, quietly(visit, secret=quiet), line)
        else:
            until = going_on[1]
    if many:
        await visit.refused("emergency", "too-many-emergencies")
        raise TooManyEmergencies
    if until is None:
        await visit.refused("emergency", refused, [] if cid == NOBODY else [cid])
        raise errors.NotFound
    return Opened(door.ids.encode(cid, cid), until, scope(visit))


def _refused(
    records: Sequence[Mapping[str, Any]],
    known: queries.Identity | None,
    refusal: str,
    *,
    blocked: bool,
) -> str:
    """Why not, for the trace alone; empty when it may. Any compartment that shuts, or refuses, shuts all."""
    if not records or any(one["state"] != "open" for one in records):
        return "emergency-not-open"
    if known is None or known.quarantined:
        return "emergency-not-open"
    if blocked:
        return "emergency-blocked"
    if any(one[refusal] for one in records):
        return "emergency-refused-by-patient"
    return ""


async def _opened(conn: AsyncConnection[Any], visit: Visit, line: Mapping[str, Any]) -> None:
    """The opening, who is told, and the trace: all or nothing.

    Of one made in a minor's secret connection nothing leaves for their home: their doctor is told, the
    minor reads it in their own pages, and the officer has it to review.
    """
    door, cid = visit.door, line["cid"]
    await conn.execute(statements.ADD_EMERGENCY, line)
    if not line["secret"]:
        row = await (await conn.execute(statements.TOLD_AT, (cid,))).fetchone()
        await notices.send(door, conn, row[0] if row else cid, "emergency")
    treating = await conn.execute(statements.TREATING, {"cid": cid, "now": line["since"]})
    for (rpps,) in await treating.fetchall():
        if rpps != line["rpps"]:
            await notices.send(door, conn, cid, "emergency-treating", rpps=rpps)
    await audit.write(conn, visit.trace("emergency", RULE), granted=True, cids=[cid])
    await _many(conn, visit)


async def _many(conn: AsyncConnection[Any], visit: Visit) -> None:
    """No emergency waits; an operator is told of an account that has many in a day."""
    actor, door = visit.actor, visit.door
    try:
        await door.counter.take_exactly(conn, "emergency-day", actor.sub)
    except TooFast:
        await alarms.tell(conn, "emergencies", door.clock(), sub=actor.sub, client=actor.client)
