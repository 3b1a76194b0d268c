# SPDX-License-Identifier: EUPL-1.2
"""Family links: a mother and her child at birth, parents. A newborn has no INS yet.

Who represents a child is another act (rights/represent.py), judged from here.
Source: RNIV 3 (newborns: a provisional identity with the mother's link until the civil status is made).
"""

from __future__ import annotations

from typing import Final

from carnet import errors
from carnet.access import audit
from carnet.access.actor import ActorKind
from carnet.access.door import Unit, Visit, commit
from carnet.vigilance import desk, look, queries, standing
from carnet.vigilance.pages import TraitsForm

NATURES: Final = ("birth-mother", "mother", "father", "parent")


class WrongLink(errors.Invalid):
    """A family link is that of a birth mother, a mother, a father or a parent, to somebody else."""


class UnknownParent(errors.Invalid):
    """Nobody here, or more than one, bears this number."""


async def link(visit: Visit, child: int, parent: int, nature: str) -> None:
    """Say who is whose parent; an officer, or the software of the maternity that registered the child."""
    if nature not in NATURES or child == parent:
        raise WrongLink

    async def work(unit: Unit) -> None:
        if visit.actor.kind is ActorKind.SOFTWARE:
            await _registered(unit, child)
        else:
            await standing.officer(unit)
        for cid in (child, parent):
            await standing.held(unit, cid)
        values = {
            "child": child, "parent": parent, "nature": nature, "now": unit.at,
            "by": visit.actor.sub, "but": nature,
        }  # fmt: skip
        await unit.conn.execute(queries.END_FAMILY, values)  # they are one thing to a child
        await unit.conn.execute(queries.ADD_FAMILY, values)
        trace = visit.trace("family-link", "declared")
        await audit.write(unit.conn, trace, granted=True, cids=sorted((child, parent)))

    await commit(visit, work, "family-link")


async def end(visit: Visit, child: int, parent: int) -> None:
    """Say that a link was declared by mistake: from now on there is none; an officer."""

    async def work(unit: Unit) -> None:
        await standing.officer(unit)
        values = {"child": child, "parent": parent, "now": unit.at, "but": ""}
        if (await unit.conn.execute(queries.END_FAMILY, values)).rowcount == 0:
            raise errors.NotFound
        trace = visit.trace("family-unlink", "declared")
        await audit.write(unit.conn, trace, granted=True, cids=sorted((child, parent)))

    await commit(visit, work, "family-unlink")


async def declare(visit: Visit, child: str, ins: str, nature: str) -> None:
    """See `link`; the child by the id of their Patient, the parent by their number."""
    found = [each for each in await look.find(visit, TraitsForm(ins=ins)) if not each.quarantined]
    if len(found) != 1:
        raise UnknownParent
    await link(visit, desk.cid_of(visit, child), desk.cid_of(visit, found[0].id), nature)


async def undeclare(visit: Visit, child: str, parent: str) -> None:
    """See `end`; by the ids of both Patients."""
    await end(visit, desk.cid_of(visit, child), desk.cid_of(visit, parent))


async def _registered(unit: Unit, child: int) -> None:
    """A software speaks of the child whose Patient it sent, and only at birth."""
    id = unit.visit.door.ids.encode(child, child)
    found = await unit.held("Patient", id)  # its own deposits are all that it sees
    if found.gone:
        raise errors.NotFound
