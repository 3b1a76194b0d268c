# SPDX-License-Identifier: EUPL-1.2
"""Folders: a List that documents of one record are put in, and that its depositor adds to by a PUT.

A folder is seen by who may see all that it names: with another document it takes that document's masks,
and with one of another kind it is of no kind that many may see. A submission set never changes.
Source: IHE MHD 4.2, ITI-65 (addToFolder); PDSm 3.1.1, pdsm-folder-comprehensive.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from carnet import errors
from carnet.access import kinds
from carnet.access.door import Held, Unit, Written
from carnet.access.labels import Label, without
from carnet.documents import guide, hide
from carnet.documents.masks import masked_list
from carnet.documents.replace import all_of
from carnet.rest.acts import Entry, Plan

# What a PUT of a folder may change.
CHANGES = frozenset(("entry", "date", "title", "note", "status", "extension", "meta", "text"))


class NotAFolder(errors.BusinessRule):
    """A folder alone is changed: a submission set stays as it was sent."""


class OtherFolder(errors.BusinessRule):
    """A folder keeps its number, its person and its kind; what changes is what it holds and is called."""


class NotInIt(errors.BusinessRule):
    """A submission set and a folder hold documents of their own record, that their depositor sees."""


class NotDepositor(errors.Forbidden):
    """Only who made a folder changes it."""


async def update(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """PUT List/id: what the folder holds from now on."""
    assert entry.id is not None
    held = await unit.held("List", entry.id)
    if held.gone:
        raise errors.Deleted
    actor = unit.visit.actor
    by_organisation = held.dep_org is not None and held.dep_org == actor.org
    if not (by_organisation or (held.dep_pro is not None and held.dep_pro == actor.rpps)):
        raise NotDepositor
    if entry.if_match is not None and entry.if_match != held.ver:
        raise errors.VersionConflict
    before = await unit.current(held, "List")
    if guide.kind_of(before) != "folder":
        raise NotAFolder
    if unit.visit.endpoint == guide.ENDPOINT:
        guide.submission(entry)
    _same(before, entry.resource)
    await unit.flush()  # documents of the same lot are rows like the others
    every = await all_of(unit, held.cid)
    rows = [await _document(unit, every, each) for each in entry.resource.get("entry", [])]
    label = Label.NONE
    for row in rows:
        label |= Label(row.labels) & hide.MASKS
    of = {row.kind for row in rows}
    kind = of.pop() if len(of) == 1 else kinds.UNCLASSIFIED
    made = masked_list(without(entry.resource, hide.MASKS & ~label), label)
    written = await unit.update("List", entry.id, made, platform=True, kind=kind)
    await unit.mask(held.cid, [held.rid], label, hide.MASKS & ~label)
    return written


def _same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for name in before.keys() | after.keys():
        if name not in CHANGES and name != "id" and before.get(name) != after.get(name):
            raise OtherFolder(path=f"List.{name}")


async def beside(
    unit: Unit, cid: int, resource: dict[str, Any], sent: Collection[str]
) -> list[tuple[int, Label]]:
    """Kind and masks of what a new list names beside what it was sent with (sent: their addresses).

    What is not here, or hidden from its depositor, stays a word of theirs.
    """
    if not guide.kind_of(resource):
        return []
    every = await all_of(unit, cid)
    rows = []
    for each in resource.get("entry", []):
        named = str(each.get("item", {}).get("reference", ""))
        place = unit.visit.door.ids.decode(named.rpartition("/")[2]) if named in sent else None
        if place is not None and place[0] not in every and "subject" in resource:
            raise NotInIt(path="List.entry.item")
        if named.startswith("DocumentReference/") and named not in sent:
            try:
                row = await unit.held("DocumentReference", named.rpartition("/")[2], lock=False)
            except errors.NotFound:
                continue
            if row.cid not in every and "subject" in resource:
                raise NotInIt(path="List.entry.item")
            rows.append((row.kind, Label(row.labels) & hide.MASKS))
    return rows


async def _document(unit: Unit, every: Collection[int], item: dict[str, Any]) -> Held:
    """A document that is put in a folder, as its depositor sees it; hidden is as absent."""
    rtype, _, id = str(item.get("item", {}).get("reference", "")).rpartition("/")
    if rtype != "DocumentReference":
        raise NotInIt(path="List.entry.item")
    try:
        row = await unit.held("DocumentReference", id, lock=False)
    except errors.NotFound:
        raise NotInIt(path="List.entry.item") from None
    if row.cid not in every or row.gone:
        raise NotInIt(path="List.entry.item")
    return row
