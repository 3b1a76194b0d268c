# SPDX-License-Identifier: EUPL-1.2
"""A lot: its List follows the documents it came with; sent again, it is the same one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carnet.access import kinds
from carnet.access.door import Address, Unit, Written
from carnet.access.labels import Label
from carnet.documents import folders, guide
from carnet.documents.masks import masked_list
from carnet.documents.publish.deposit import Brought
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Entry, Plan


async def submission(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A List: it follows the documents it came with, and is seen by who may see them all.

    Sent again with documents that were all there, it is the one of its number, or the one that names them.
    """
    assert entry.address is not None
    if unit.visit.endpoint == guide.ENDPOINT:
        guide.submission(entry)
        guide.provided(plan, entry)
    came = [
        each.written
        for each in plan.entries
        if each.rtype == "DocumentReference" and each.written is not None
    ]
    sent = {each.address.literal for each in came}
    came = [each for each in came if each.address.cid == entry.address.cid]
    again = bool(came) and not any(each.created for each in came)
    if again or isinstance(entry, Brought):
        existing = await list_of(unit, entry.address.cid, entry.resource, came[:1])
        if existing is not None:
            return existing
    others = await folders.beside(unit, entry.address.cid, entry.resource, sent)
    if not came and not others:
        return unit.put(entry.address, entry.resource)
    here = {each.address.rid for each in came}
    followed = [each.follow for each in plan.entries if each.rtype == "DocumentReference"]
    rows = [(each[2], each[3]) for each in followed if each is not None and each[1] in here]
    rows += others
    held = {kind for kind, _ in rows}
    label = Label.NONE
    for _, each in rows:
        label |= each
    # Documents of several kinds in one lot: who may not see one of them does not see the lot.
    kind = held.pop() if len(held) == 1 else kinds.UNCLASSIFIED
    origin = came[0].address.rid if came else None
    return unit.put(
        entry.address, masked_list(entry.resource, label), kind=kind, label=label, origin=origin
    )


async def list_of(
    unit: Unit, cid: int, resource: dict[str, Any], came: Sequence[Written]
) -> Written | None:
    """The same lot, sent before: of the same number, else the one that names its first document."""
    params = unit.visit.door.definitions.params["List"]
    held = [each for each in resource.get("identifier", []) if each.get("value")]
    # The number of the lot itself, when it says which: that of a registry's entry is of one sending.
    own = [each for each in held if each.get("use") == "usual"] or held
    numbers = tuple((each.get("system") or None, str(each["value"])) for each in own)
    wanted: Filter
    if numbers:
        wanted = TokenFilter(params["identifier"].number, numbers)
    elif came:
        wanted = ReferenceFilter(params["item"].number, (came[0].address.literal,))
    else:
        return None
    found = await unit.find(Query("List", (wanted,), compartments=(cid,), count=20))
    rows = [each for each in found if not numbers or _alike(each.resource, resource)]
    if not rows:
        return None
    address = Address(cid, rows[0].rid, "List", rows[0].id)
    return Written(address, rows[0].ver, rows[0].upd, b"", created=False, changed=False)


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two lots are of one kind and one sender, as far as both say."""
    if guide.kind_of(one) != guide.kind_of(other):
        return False
    sent = [
        [
            each.get("valueIdentifier")
            for each in held.get("extension", [])
            if each.get("url") == guide.SOURCE
        ]
        for held in (one, other)
    ]
    return sent[0] == sent[1]
