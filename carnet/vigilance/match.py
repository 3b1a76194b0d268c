# SPDX-License-Identifier: EUPL-1.2
"""Candidates: identities that may be one person's, put in a queue for an officer; nothing is merged here."""

from __future__ import annotations

from carnet.access import audit
from carnet.access.door import Door, Unit, commit
from carnet.access.door.platform import visit as platform_visit
from carnet.identity.matching import UNKNOWN, Known, neighbours, reasons
from carnet.vigilance import queries
from carnet.vigilance.queries import Line


def known(line: Line) -> Known:
    """The traits that are compared."""
    return Known(
        line.birth_name, line.first_given, line.birth_date, line.sex, line.birth_place,
        line.ins or line.claim,
    )  # fmt: skip


async def queue(unit: Unit, a: int, b: int, why: frozenset[str]) -> None:
    """Have somebody compare these two, unless somebody did."""
    values = {"a": a, "b": b, "why": sorted(why), "now": unit.at}
    await unit.conn.execute(queries.ADD_CANDIDATE, values)


async def look(unit: Unit, cid: int) -> int:
    """Those who may be the same person as this one, in the queue; how many there are."""
    line = await queries.line(unit.conn, cid)
    if line is None:
        return 0
    dated = line.birth_date != UNKNOWN
    values = {
        "cid": cid, "birth_date": line.birth_date if dated else None,
        "birth_name": line.birth_name, "first_given": line.first_given,
        "dates": list(neighbours(line.birth_date)) if dated else [],
        "number": line.ins or line.claim, "system": line.ins_system or line.claim_system,
    }  # fmt: skip
    count = 0
    for other in await queries.neighbours(unit.conn, values):
        why = reasons(known(line), known(other))
        if why and other.person != line.person:
            await queue(unit, cid, other.cid, why)
            count += 1
    return count


async def sweep(door: Door) -> int:
    """The job: every identity compared with its neighbours; how many pairs were found, known ones too."""
    visit = platform_visit(door, "identity")
    last, count = 0, 0
    while True:
        async with door.pool.connection() as conn:
            some = await queries.after(conn, last)
        if not some:
            return count

        async def work(unit: Unit, some: list[int] = some) -> int:
            found = sum([await look(unit, cid) for cid in some])
            await audit.write(unit.conn, visit.trace("identity-match", "platform"), granted=True)
            return found

        count += await commit(visit, work, "identity-match")
        last = some[-1]
