# SPDX-License-Identifier: EUPL-1.2
"""The identity sheet: the five traits, the INS and its datamatrix, of a qualified identity alone.

Source: ANS, Format datamatrix INS v2.2; Référentiel INS (a sheet bears the INS only when qualified).
"""

from __future__ import annotations

from ppf.datamatrix import DataMatrix

from carnet.access import audit
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Visit
from carnet.identity import datamatrix
from carnet.identity.datamatrix import Coded, NotCoded
from carnet.identity.traits import Sex
from carnet.vigilance import queries, standing
from carnet.vigilance.pages import Act, Mine, Sheet
from carnet.vigilance.queries import Line

QUIET = 2  # modules of white around


async def mine(visit: Visit) -> Mine:
    """« Mon identité »: the traits and the status of the person who asks, and what was done on it."""
    line = await _own(visit)
    async with visit.door.pool.connection() as conn:
        done = await queries.acts(conn, line.cid)
        await audit.write(
            conn, visit.trace("identity", "patient-self"), granted=True, cids=[line.cid]
        )
    return Mine(
        birth_name=line.birth_name,
        given_names=line.given_names or line.first_given,
        birth_date=line.birth_date,
        sex=line.sex,
        birth_place=line.birth_place or "",
        name=line.shown_name,
        status=line.status,
        doubtful=line.doubtful,
        homonym=line.homonym,
        ins=(line.ins or "") if standing.standing_of(line).outward else "",
        acts=tuple(Act(each.at, each.act, each.after, each.proof) for each in done),
    )


async def sheet(visit: Visit) -> Sheet:
    """The sheet of the person who asks; refused while their identity is not qualified."""
    line = await _own(visit)
    coded = coded_of(line)
    text = datamatrix.write(coded)
    async with visit.door.pool.connection() as conn:
        await audit.write(
            conn, visit.trace("identity-sheet", "patient-self"), granted=True, cids=[line.cid]
        )
    return Sheet(
        birth_name=line.birth_name,
        given_names=line.given_names or line.first_given,
        birth_date=line.birth_date,
        sex=line.sex,
        birth_place=line.birth_place or "",
        name=line.shown_name,
        ins=coded.ins.value,
        system=coded.ins.system.removeprefix("urn:oid:"),
        real=coded.ins.system.real,
        drawing=path_of(text),
        side=side_of(text),
    )


def coded_of(line: Line) -> Coded:
    """What the datamatrix of an identity says; only when the INS may leave."""
    number = standing.number_of(line)
    if number is None or not standing.standing_of(line).outward:
        raise NotCoded
    return Coded(
        ins=number,
        given_names=line.given_names or line.first_given,
        birth_name=line.birth_name,
        sex=Sex(line.sex),
        birth_date=line.birth_date,
        birth_place=line.birth_place or None,
    )


def modules(text: str) -> list[list[int]]:
    """The square of a text: 1 is black."""
    return [[int(cell) for cell in row] for row in DataMatrix(text).matrix]


def side_of(text: str) -> int:
    """Modules of a side, with the quiet zone."""
    return len(modules(text)) + 2 * QUIET


def path_of(text: str) -> str:
    """The black modules as the path of an SVG, one unit a module."""
    drawn = []
    for y, row in enumerate(modules(text), QUIET):
        for x, cell in enumerate(row, QUIET):
            if cell:
                drawn.append(f"M{x} {y}h1v1h-1z")
    return "".join(drawn)


async def _own(visit: Visit) -> Line:
    actor = visit.actor
    if actor.kind is not ActorKind.PATIENT or actor.patient is None:
        raise Nothing
    async with visit.door.pool.connection() as conn:
        found = await queries.line(conn, actor.patient)
        if found is None:
            raise Nothing
        if found.person != found.cid:  # merged: the one that stays is shown
            found = await queries.line(conn, found.person) or found
    return found
