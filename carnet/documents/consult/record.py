# SPDX-License-Identifier: EUPL-1.2
"""An open record: whose it is, and what is fetched from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents.replace import replaced_by
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter

TOGETHER = 1000  # documents or results fetched at once


async def opened(visit: Visit, patient: str) -> int:
    """The compartment of a record the viewer may open; Nothing when it must look absent.

    patient: id of a Patient, or "" for the viewer's own record.
    """
    door, actor = visit.door, visit.actor
    if not patient and actor.kind is ActorKind.PATIENT and actor.patient is not None:
        place: tuple[int, int] | None = (actor.patient, actor.patient)
    else:
        place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    cid = place[0]
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, actor, [cid])
    if not any(cid in clause.cids for clause in decision.scope.admits):
        await visit.refused("search", decision.rule, [cid])
        raise Nothing
    return cid


async def every(visit: Visit, query: Query) -> list[Stored]:
    """Every match, page after page."""
    found: list[Stored] = []
    query = replace(query, count=TOGETHER)
    while True:
        page = await visit.search(query)
        found += page.matches
        if page.next is None:
            return found
        query = replace(query, after=visit.door.cursors.read(page.next, query.rtype))


async def documents_by_id(visit: Visit, cid: int, ids: Iterable[str]) -> dict[str, Stored]:
    """Those of the documents that the viewer sees."""
    places = [place for each in ids if (place := visit.door.ids.decode(each))]
    if not places:
        return {}
    found = await visit.named(cid, [rid for _, rid in places], "search")
    return {each.id: each for each in found}


async def newer(visit: Visit, cid: int, ids: Iterable[str]) -> dict[str, Stored]:
    """The document that replaces each, of those the viewer sees."""
    wanted = set(ids)
    if not wanted:
        return {}
    number = visit.door.definitions.params["DocumentReference"]["relatesto"].number
    targets = ReferenceFilter(number, tuple(f"DocumentReference/{id}" for id in sorted(wanted)))
    found = await every(visit, Query("DocumentReference", (targets,), compartments=(cid,)))
    return {old: each for each in found for old in replaced_by(each.resource) if old in wanted}


async def name(visit: Visit, cid: int) -> str:
    """Whose record it is, once it is open."""
    async with visit.door.pool.connection() as conn:
        found = await queries.identity(conn, cid)
    return found.shown_name if found is not None else ""
