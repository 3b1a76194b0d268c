# SPDX-License-Identifier: EUPL-1.2
"""What adds to a document, transforms or signs it: it is masked with it, and leaves with it.

It says again what that document says, so it bears its masks, whoever wrote it. It leaves with it, replaced or
withdrawn, when the same depositor wrote both; that of another stays in force, as nobody but its author
changes a document (PDSm 3.1.1). Leaving is `superseded`: its author may bring it back.
Source: IHE ITI TF-2, ITI-42, document replacement (a replaced document's addenda and transforms are
deprecated with it; from memory of the text: unverified). PDSm and MHD say nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from carnet import errors
from carnet.access.door import Held, Stored, Unit
from carnet.access.labels import Label
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.scope import Scope

CODES: Final = frozenset(("appends", "transforms", "signs"))
MOST: Final = 500  # of one document


def adds_to(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The targets a document adds to, transforms or signs."""
    return [
        each.get("target", {})
        for each in resource.get("relatesTo", [])
        if each.get("code") in CODES
    ]


async def of(
    unit: Unit, cid: int, addresses: Iterable[str], scope: Scope | None = None
) -> list[Stored]:
    """What adds to documents of one record, and what adds to that; as the caller sees it, or by `scope`.

    addresses: DocumentReference/…
    """
    number = unit.visit.door.definitions.params["DocumentReference"]["relatesto"].number
    waiting, found = list(addresses), dict[int, Stored]()
    known = set(waiting)
    while waiting and len(found) < MOST:
        wanted = ReferenceFilter(number, tuple(waiting))
        query = Query("DocumentReference", (wanted,), compartments=(cid,), count=MOST)
        near = await unit.find(query) if scope is None else await unit.find(query, scope)
        named, waiting = set(waiting), []
        for each in near:
            said = {str(target.get("reference", "")) for target in adds_to(each.resource)}
            if said & named and each.address not in known:
                found[each.rid] = each
                known.add(each.address)
                waiting.append(each.address)
    return list(found.values())


def deposited(unit: Unit, held: Held) -> bool:
    """Whether the caller, or their organisation, deposited it; a person, what nobody else did."""
    actor = unit.visit.actor
    if held.dep_org is None and held.dep_pro is None:
        return actor.org is None and actor.rpps is None
    return (held.dep_org is not None and held.dep_org == actor.org) or (
        held.dep_pro is not None and held.dep_pro == actor.rpps
    )


async def leaving(unit: Unit, cid: int, address: str) -> list[Stored]:
    """What leaves with a document: what its depositor, who calls, added to it and is in force."""
    found = []
    for each in await of(unit, cid, [address]):
        if each.resource.get("status") != "current" or each.gone:
            continue
        try:
            held = await unit.held("DocumentReference", each.id)
        except errors.NotFound:
            continue
        if deposited(unit, held):
            found.append(each)
    return found


async def borne(unit: Unit, every: Iterable[int], ids: Iterable[str]) -> Label:
    """The masks of the documents something adds to, of those its depositor sees in the record.

    What is hidden from them tells them nothing, nor does the label of what they write.
    """
    label = Label.NONE
    for id in ids:
        try:
            held = await unit.held("DocumentReference", id, lock=False)
        except errors.NotFound:
            continue
        if held.cid in every:
            label |= Label(held.labels) & ~Label.REPLACED
    return label
