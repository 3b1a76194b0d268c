# SPDX-License-Identifier: EUPL-1.2
"""An identity as an officer has it before them: found by its traits, with its history and what may be done.

Finding one is an act of its own, traced and limited as any search for a person: the whole number, or birth
name and birth date; five at most. What is shown are traits and status, never the record.
"""

from __future__ import annotations

from datetime import timedelta

from carnet import errors
from carnet.access import audit
from carnet.access import queries as access
from carnet.access.door import Visit
from carnet.identity import status
from carnet.identity.ins import InsSystem
from carnet.identity.status import PROOFS, Act, Standing, Status
from carnet.identity.traits import normal
from carnet.vigilance import desk, qualify, queries, standing
from carnet.vigilance.find import MOST, NotEnough, TooManyFinds, TooManyFound
from carnet.vigilance.insi import Insi
from carnet.vigilance.pages import Identity, Kin, Step, Traits, TraitsForm

# Acts that ask for a reason; VALIDATE asks for a document, RETRIEVE for an answer of the INSi.
MARKS = (Act.DOUBT, Act.CLEAR, Act.HOMONYM, Act.NO_HOMONYM, Act.DEGRADE, Act.FICTITIOUS)


async def find(visit: Visit, form: TraitsForm) -> list[Traits]:
    """Identities that answer to a number, or to a birth name and a birth date; those in quarantine too."""
    await standing.only_officers(visit)
    door, now = visit.door, visit.door.clock()
    ins, name = "".join(form.ins.split()).upper(), normal(form.name)
    if not ins and not (name and form.birth_date):
        raise NotEnough
    async with door.pool.connection() as conn:
        done = await access.finds_since(conn, visit.actor.sub, now - timedelta(hours=1))
    if done >= door.settings.find_per_hour:
        await visit.refused("find-refused", "too-many-finds")
        raise TooManyFinds
    async with door.pool.connection() as conn:
        if ins:
            cids = await queries.of_number(conn, ins, [*InsSystem], MOST + 1)
        else:
            assert form.birth_date is not None
            cids = await queries.of_traits(conn, name, form.birth_date, MOST + 1)
        lines = await queries.lines(conn, cids)
        many = len(cids) > MOST
        await audit.write(conn, visit.trace("find", standing.RULE), granted=not many)
    if many:
        raise TooManyFound
    return [desk.traits(visit, lines[cid]) for cid in cids if cid in lines]


async def identity(visit: Visit, id: str) -> Identity:
    """One identity, with its history and the acts its status allows; the look is traced."""
    await standing.only_officers(visit)
    cid = desk.cid_of(visit, id)
    async with visit.door.pool.connection() as conn:
        line = await queries.line(conn, cid)
        if line is None:
            raise errors.NotFound
        done = await queries.acts(conn, cid)
        family = await queries.family(conn, cid, visit.door.clock())
        lines = await queries.lines(conn, [other for other, *_ in family])
        trace = visit.trace("identity-look", standing.RULE)
        await audit.write(conn, trace, granted=True, cids=sorted({cid, *lines}))
    before = standing.standing_of(line)
    return Identity(
        traits=desk.traits(visit, line),
        homonym=line.homonym,
        fictitious=line.fictitious,
        may=() if line.quarantined else allowed(before),
        steps=tuple(
            Step(each.at, each.act, each.after, each.proof, each.reason, each.name) for each in done
        ),
        family=tuple(
            Kin(desk.traits(visit, lines[other]), parent, nature, since)
            for other, parent, nature, since in family
            if other in lines
        ),
    )


def allowed(before: Standing) -> tuple[Act, ...]:
    """The acts that would change something in an identity of this standing."""
    found = []
    for act in (Act.VALIDATE, Act.RETRIEVE, *MARKS):
        try:
            after = status.after(before, act, proof=next(iter(PROOFS)))
        except errors.CarnetError:
            continue
        again = act is Act.RETRIEVE and before.status is not Status.QUALIFIED
        if after != before or again:
            found.append(act)
    return tuple(found)


async def validate(visit: Visit, id: str, proof: str) -> None:
    """See qualify.validate; by the id of the Patient."""
    await qualify.validate(visit, desk.cid_of(visit, id), proof)


async def mark(visit: Visit, id: str, what: str, reason: str) -> None:
    """See qualify.mark; by the id of the Patient and the name of the act."""
    if what not in list(MARKS):
        raise errors.Invalid
    await qualify.mark(visit, desk.cid_of(visit, id), Act(what), reason)


async def retrieve(visit: Visit, insi: Insi, id: str) -> str:
    """See qualify.retrieve; by the id of the Patient."""
    await standing.only_officers(visit)
    return await qualify.retrieve(visit, insi, desk.cid_of(visit, id))
