# SPDX-License-Identifier: EUPL-1.2
"""The officers' queue: pairs to compare, merges to confirm; traits alone, every look traced."""

from __future__ import annotations

from carnet import errors
from carnet.access import audit
from carnet.access.door import Visit
from carnet.vigilance import merge, queries, standing
from carnet.vigilance.given_back import Masks
from carnet.vigilance.insi import SIMULATOR, Insi
from carnet.vigilance.pages import Desk, Pair, Proposal, Traits
from carnet.vigilance.queries import Line

COMPARED = ("birth_name", "given_names", "birth_date", "sex", "birth_place", "ins")


async def look(visit: Visit, insi: Insi) -> Desk:
    """What waits for an officer."""
    await standing.only_officers(visit)
    async with visit.door.pool.connection() as conn:
        waiting, merges = await queries.waiting(conn), await queries.merges(conn)
        apart = await queries.apart(conn)
        cids = {cid for each in waiting for cid in (each.one, each.other)}
        cids |= {cid for each in merges for cid in (each.source, each.target)}
        lines = await queries.lines(conn, sorted(cids))
        names = await queries.names(conn, sorted({each.proposed_by for each in merges}))
        await audit.write(conn, visit.trace("vigilance", standing.RULE), granted=True)
    proposed = {frozenset((each.source, each.target)) for each in merges}
    return Desk(
        pairs=tuple(
            pair(visit, lines[each.one], lines[each.other], tuple(each.why), each)
            for each in waiting
            if each.one in lines and each.other in lines
            if frozenset((each.one, each.other)) not in proposed
        ),
        proposals=tuple(
            Proposal(
                id=visit.door.ids.encode(each.id, each.id),
                source=traits(visit, lines[each.source]),
                target=traits(visit, lines[each.target]),
                reason=each.reason,
                at=each.proposed,
                by=names.get(each.proposed_by, each.proposed_by),
                own=each.proposed_by == visit.actor.sub,
                confirmed=bool(each.confirmed),
            )
            for each in merges
            if each.source in lines and each.target in lines
        ),
        apart=tuple(traits(visit, each) for each in apart),
        simulated=insi.name == SIMULATOR,
    )


async def compare(visit: Visit, one: str, other: str) -> Pair:
    """Two identities side by side."""
    await standing.only_officers(visit)
    a, b = cid_of(visit, one), cid_of(visit, other)
    async with visit.door.pool.connection() as conn:
        lines = await queries.lines(conn, [a, b])
        found = await queries.candidate(conn, a, b)
        if found is None or len(lines) != 2:
            raise errors.NotFound
        trace = visit.trace("identity-compare", standing.RULE)
        await audit.write(conn, trace, granted=True, cids=sorted((a, b)))
    return pair(visit, lines[found.one], lines[found.other], tuple(found.why), found)


async def propose(visit: Visit, source: str, target: str, reason: str) -> None:
    """See merge.propose; by the ids of the Patients."""
    await merge.propose(visit, cid_of(visit, source), cid_of(visit, target), reason)


async def different(visit: Visit, one: str, other: str) -> None:
    """See merge.different."""
    await merge.different(visit, cid_of(visit, one), cid_of(visit, other))


async def decide(visit: Visit, proposal: str, what: str, why: str, masks: Masks) -> None:
    """Confirm, refuse or undo a merge; why, masks: of an undo, see merge.undo."""
    number = cid_of(visit, proposal)
    if what == "confirm":
        await merge.confirm(visit, number)
    elif what == "refuse":
        await merge.refuse(visit, number)
    elif what == "undo":
        await merge.undo(visit, number, why, masks)
    else:
        raise errors.Invalid


def cid_of(visit: Visit, id: str) -> int:
    """The number behind an id of ours."""
    place = visit.door.ids.decode(id)
    if place is None or place[0] != place[1]:
        raise errors.NotFound
    return place[0]


def traits(visit: Visit, line: Line) -> Traits:
    """An identity as it is shown."""
    return Traits(
        id=visit.door.ids.encode(line.cid, line.cid),
        birth_name=line.birth_name,
        given_names=line.given_names or line.first_given,
        birth_date=line.birth_date,
        sex=line.sex,
        birth_place=line.birth_place or "",
        ins=line.ins or line.claim or "",
        status=line.status,
        quarantined=line.quarantined,
        doubtful=line.doubtful,
    )


def pair(
    visit: Visit, one: Line, other: Line, why: tuple[str, ...], found: queries.Candidate
) -> Pair:
    """Two identities, with what is not the same in them."""
    a, b = traits(visit, one), traits(visit, other)
    differing = frozenset(name for name in COMPARED if getattr(a, name) != getattr(b, name))
    return Pair(a, b, why, found.since, differing)
