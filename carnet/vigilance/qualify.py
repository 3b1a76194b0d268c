# SPDX-License-Identifier: EUPL-1.2
"""Validate, retrieve, qualify, doubt: what an officer does on an identity, and the job that asks the INSi.

Source: RNIV 1; ANS, Référentiel INS.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import audit
from carnet.access.door import Door, Unit, Visit, commit
from carnet.access.door.platform import visit as platform_visit
from carnet.identity.status import Act, Standing
from carnet.vigilance import match, queries, standing
from carnet.vigilance.insi import Answer, Asked, Code, Insi, Known, Off, Unreachable, agree
from carnet.vigilance.queries import Line

AGAIN: Final = (  # after a time-out
    timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1),
)  # fmt: skip
OTHER_TRAITS, TIME_OUT, COLLISION = "other-traits", "time-out", "collision"


class NoReason(errors.Invalid):
    """Say why, in a few words: it is kept in the history of the identity."""


async def validate(visit: Visit, cid: int, proof: str) -> Standing:
    """An officer has seen a document of high trust; with a number retrieved, the identity is qualified."""

    async def work(unit: Unit) -> Standing:
        await standing.officer(unit)
        return await standing.act(unit, cid, Act.VALIDATE, proof=proof)

    return await commit(visit, work, "identity-validate")


async def mark(visit: Visit, cid: int, what: Act, reason: str) -> Standing:
    """Doubt, homonym, fictitious, or the end of them, with the reason."""
    if what in (Act.RETRIEVE, Act.VALIDATE) or not reason.strip():
        raise NoReason

    async def work(unit: Unit) -> Standing:
        await standing.officer(unit)
        return await standing.act(unit, cid, what, reason=reason.strip()[:500])

    return await commit(visit, work, f"identity-{what}")


async def retrieve(visit: Visit, insi: Insi, cid: int) -> str:
    """Ask the INSi for one identity; returns what came of it: a code, time-out, other-traits, collision.

    The service is asked before the transaction, and what it says is written in one.
    """
    async with visit.door.pool.connection() as conn:
        line = await queries.line(conn, cid)
        if line is None:
            raise errors.NotFound
        try:
            answer = await asked(insi, conn, line)
        except Unreachable:
            answer = None

    async def work(unit: Unit) -> str:
        await standing.officer(unit)
        said = TIME_OUT if answer is None else await settled(unit, cid, answer)
        await _noted(unit, cid, said)
        return said

    return await commit(visit, work, "identity-retrieve")


async def asked(insi: Insi, conn: AsyncConnection[Any], line: Line) -> Answer:
    """The question of the rules: a number that is had is verified; else by traits, more and more of them."""
    number = standing.number_of(line)
    traits = Asked(
        line.birth_name, line.first_given, line.birth_date, line.sex, line.birth_place or None
    )
    if number is not None:
        return await insi.verify(conn, number, traits)
    first = Asked(line.birth_name, line.first_given, line.birth_date, line.sex)
    answer = await insi.by_traits(conn, first)
    if answer.code is Code.SEVERAL and line.given_names:
        answer = await insi.by_traits(
            conn, Asked(line.birth_name, line.given_names, line.birth_date, line.sex)
        )
    if answer.code is Code.SEVERAL and line.birth_place:
        answer = await insi.by_traits(conn, traits)
    return answer


async def settled(unit: Unit, cid: int, answer: Answer) -> str:
    """What an answer changes: the number and the status when it is of this person, and of nobody else."""
    line = await standing.held(unit, cid)
    known = answer.known
    if answer.code is not Code.FOUND or known is None:
        return str(answer.code)
    traits = Asked(
        line.birth_name, line.given_names or line.first_given, line.birth_date, line.sex,
        line.birth_place or None,
    )  # fmt: skip
    if not agree(traits, known):
        return OTHER_TRAITS
    other = await queries.bearer(unit.conn, known.ins.system, known.ins.value, cid)
    if other is not None or line.quarantined:
        await collided(unit, cid, other, known)
        return COLLISION
    values = {
        "cid": cid, "ins": known.ins.value, "system": str(known.ins.system),
        "given_names": known.given_names, "birth_place": known.birth_place,
    }  # fmt: skip
    before = standing.standing_of(line)
    if before.doubtful or before.fictitious:
        return str(answer.code)  # a doubt is not lifted by a number
    await unit.conn.execute(queries.SET_INS, values)
    await standing.act(unit, cid, Act.RETRIEVE, said=str(answer.code))
    return str(answer.code)


async def collided(unit: Unit, cid: int, other: int | None, known: Known) -> None:
    """One number, two identities: both are doubtful until somebody compares them."""
    claimed = {"cid": cid, "ins": known.ins.value, "system": str(known.ins.system)}
    await unit.conn.execute(queries.CLAIMED, claimed)
    for each in [cid] if other is None else sorted((cid, other)):
        line = await standing.held(unit, each)
        if not line.doubtful and not line.fictitious:
            await standing.act(unit, each, Act.DOUBT, reason=COLLISION)
    if other is not None:
        await match.queue(unit, cid, other, frozenset(("same-number",)))


async def _noted(unit: Unit, cid: int, said: str) -> None:
    """What was asked, and when it is asked again: only a service that did not answer is."""
    tries = await queries.tries(unit.conn, cid)
    wait = AGAIN[min(tries, len(AGAIN) - 1)] if said == TIME_OUT else None
    values = {
        "cid": cid, "now": unit.at, "tries": 1, "answer": said,
        "next": None if wait is None else unit.at + wait,
    }  # fmt: skip
    await unit.conn.execute(queries.ASK, values)
    await audit.write(unit.conn, unit.visit.trace("identity-insi", said), granted=True, cids=[cid])


async def ask_again(door: Door, insi: Insi) -> dict[str, int]:
    """The job: every question whose time has come; how many of each answer. Nothing where it is off."""
    found: dict[str, int] = {}
    visit = platform_visit(door, "identity")
    async with door.pool.connection() as conn:
        waiting = await queries.due(conn, door.clock())
    for cid, _ in waiting:
        try:
            said = await retrieve(visit, insi, cid)
        except Off:
            return found
        except errors.CarnetError as refusal:
            said = type(refusal).__name__
        found[said] = found.get(said, 0) + 1
    return found
