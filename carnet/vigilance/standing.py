# SPDX-License-Identifier: EUPL-1.2
"""Change the status of an identity: one act of the table, its history, and the Patient that says it.

Whoever acts is an officer of identity (an operator), or the platform asking the INSi. They see the traits
and the Patient, and nothing else of the record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carnet import errors
from carnet.access import audit, kinds
from carnet.access.actor import ActorKind
from carnet.access.door import Unit, Visit
from carnet.access.door.decide import Decision
from carnet.access.labels import Label
from carnet.fhir.search.scope import Admits, Scope
from carnet.identity import status
from carnet.identity.ins import Ins, InsSystem
from carnet.identity.status import Act, Standing, Status
from carnet.vigilance import outward, queries
from carnet.vigilance.queries import Line

PLATFORM = "platform:identity"
RULE = "identity-officer"
# The row of the matrix a Patient is in: all that an act on identity may see of a record.
PATIENT_ROW = kinds.of({"resourceType": "Patient"})


class NotOfficer(errors.NotFound):
    """Only an officer of identity acts on identities."""


async def officer(unit: Unit) -> None:
    """Refuse whoever is neither an officer of identity nor the platform."""
    actor = unit.visit.actor
    if actor.kind is not ActorKind.OPERATOR:
        raise NotOfficer
    if actor.sub != PLATFORM and not await queries.is_officer(unit.conn, actor.sub):
        raise NotOfficer


async def only_officers(visit: Visit) -> None:
    """The same, for pages that only show."""
    actor = visit.actor
    async with visit.door.pool.connection() as conn:
        if actor.kind is ActorKind.OPERATOR and await queries.is_officer(conn, actor.sub):
            return
        await audit.write(conn, visit.trace("vigilance", "not-officer"), granted=False)
    raise NotOfficer


def standing_of(line: Line) -> Standing:
    """The status and the attributes of a line."""
    return Standing(
        Status(line.status), homonym=line.homonym, doubtful=line.doubtful,
        fictitious=line.fictitious,
    )  # fmt: skip


def number_of(line: Line) -> Ins | None:
    """The number a line bears, when it is one."""
    if line.ins is None or line.ins_system is None:
        return None
    try:
        return Ins(line.ins, InsSystem(line.ins_system))
    except (errors.CarnetError, ValueError):
        return None


async def held(unit: Unit, cid: int) -> Line:
    """The identity, locked until the end; absent when there is none."""
    found = await queries.line(unit.conn, cid, lock=True)
    if found is None:
        raise errors.NotFound
    return found


async def act(
    unit: Unit, cid: int, what: Act, *, proof: str = "", reason: str = "", said: str = ""
) -> Standing:
    """Do one act on an identity that may be acted on; the Patient follows, and the history.

    proof: code of a document, for VALIDATE; said: the answer of the INSi, for the history.
    """
    line = await held(unit, cid)
    before = standing_of(line)
    after = status.after(before, what, proof=proof)
    if after.status is Status.QUALIFIED and number_of(line) is None:
        # Both were done, but there is no number to qualify with: it is not retrieved.
        raise status.NoSuchAct
    await written(unit, cid, before, after)
    await told(unit, cid, what, before, after, proof or said, reason)
    return after


async def written(unit: Unit, cid: int, before: Standing, after: Standing) -> None:
    """The status, and the Patient as it now leaves."""
    values = {
        "cid": cid, "status": str(after.status), "homonym": after.homonym,
        "doubtful": after.doubtful, "fictitious": after.fictitious,
    }  # fmt: skip
    await unit.conn.execute(queries.SET_STANDING, values)
    line = await held(unit, cid)
    await remade(
        unit, cid,
        lambda resource, id: outward.patient(
            resource, after, number_of(line), line.given_names, id
        ),
    )  # fmt: skip


async def told(
    unit: Unit,
    cid: int,
    what: Act | str,
    before: Standing,
    after: Standing,
    proof: str,
    reason: str,
) -> None:
    """The history of the identity, and the trace."""
    visit = unit.visit
    values = {
        "id": visit.door.ids.new(), "cid": cid, "at": unit.at, "act": str(what),
        "before": str(before), "after": str(after), "proof": proof, "reason": reason,
        "done_by": visit.actor.sub,
    }  # fmt: skip
    await unit.conn.execute(queries.ADD_ACT, values)
    await audit.write(unit.conn, visit.trace(f"identity-{what}", RULE), granted=True, cids=[cid])


async def traced(unit: Unit, what: str, cids: list[int]) -> None:
    """An officer's act, that changes no identity."""
    await audit.write(unit.conn, unit.visit.trace(what, RULE), granted=True, cids=sorted(cids))


Change = Callable[[dict[str, Any], str], dict[str, Any]]


async def remade(unit: Unit, cid: int, change: Change) -> None:
    """A new version of the Patient of a record, when it changes; nothing else of it is seen."""
    scope = Scope((Admits((cid,), (PATIENT_ROW,), int(Label.NONE)),))
    unit.decided(cid, Decision(scope, RULE))
    unit.rule = RULE
    id = unit.visit.door.ids.encode(cid, cid)
    found = await unit.held("Patient", id)
    if found.gone:
        return
    resource = await unit.current(found, "Patient")
    await unit.update("Patient", id, change(resource, id), platform=True)
