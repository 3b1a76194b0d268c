# SPDX-License-Identifier: EUPL-1.2
"""Hide a document and show it again: MASQUE_PS by the holder, and minors' documents from representatives.

A mask acts on the whole chain of a document (every version, whoever reads them; publish gives it to
those that come), on all that was extracted from it or came with it, and on the lots that name it; in one
transaction with its trace and its event. What the row bears and what the resource says are changed
together, so that a search by label finds what the masks do. Who deposited keeps seeing it, so does the
médecin traitant and whoever the holder trusts: access/visibility.py.
Source: CSP R.1111-49, L.1111-16; ANS, JDV_J08-XdsConfidentialityCode-CISIS.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from carnet import errors
from carnet.access import kinds, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Decision, Held, Stored, Unit, Visit, commit
from carnet.access.door.decide import REPRESENTING
from carnet.access.labels import Label, without
from carnet.documents import addenda
from carnet.documents import queries as own
from carnet.documents.masks import masked, masked_list
from carnet.documents.replace import LONGEST, replaced_by
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.scope import Admits, Scope
from carnet.identity.traits import majority

EVERY = tuple(sorted(kind.number for kind in kinds.table().values()))
MASKS = Label.MASQUE_PS | Label.INVISIBLE_PATIENT | Label.INVISIBLE_REPRESENTANTS_LEGAUX


class NotHolder(errors.Forbidden):
    """Only the person of a record, or their legal representative, masks its documents one by one."""


class NotMinor(errors.Forbidden):
    """Only the person themselves, or who deposited it, hides a document from legal representatives."""


Check = Callable[[Unit, Held], Awaitable[str]]


async def hide(visit: Visit, document: str) -> None:
    """MASQUE_PS on a document the holder sees; hiding twice changes nothing more.

    document: id of a DocumentReference, any version of it.
    """
    await change(visit, document, "hide", by_holder, add=Label.MASQUE_PS)


async def show(visit: Visit, document: str) -> None:
    """Lift MASQUE_PS, whoever put it: the holder may change it at any time (R.1111-49)."""
    await change(visit, document, "show", by_holder, remove=Label.MASQUE_PS)


async def hide_from_representatives(visit: Visit, document: str) -> None:
    """INVISIBLE_REPRESENTANTS_LEGAUX, by the person themselves or the depositor."""
    label = Label.INVISIBLE_REPRESENTANTS_LEGAUX
    await change(visit, document, "hide", by_self_or_depositor, add=label)


async def show_to_representatives(visit: Visit, document: str) -> None:
    """Lift INVISIBLE_REPRESENTANTS_LEGAUX; by the person themselves alone."""
    label = Label.INVISIBLE_REPRESENTANTS_LEGAUX
    await change(visit, document, "show", by_self, remove=label)


async def hide_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$hide, by the patient: 204."""
    await hide(visit, id)
    return None


async def show_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$show, by the patient: 204."""
    await show(visit, id)
    return None


async def keep_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$hide-from-representatives, by the person or the depositor: 204."""
    await hide_from_representatives(visit, id)
    return None


async def give_back_operation(visit: Visit, id: str) -> dict[str, Any] | None:
    """POST DocumentReference/{id}/$show-to-representatives, by the person themselves: 204."""
    await show_to_representatives(visit, id)
    return None


# ------------------------------------------------------------------------------------- who may


async def may_keep(unit: Unit, held: Held) -> tuple[str, ...]:
    """Whether a minor's document may be kept from representatives by this caller, or given back."""
    known = await queries.identity(unit.conn, held.cid)
    if known is None or majority(known.birth_date) <= unit.at:
        return ()
    own = "self" in await natures(unit, held.cid)
    if held.labels & Label.INVISIBLE_REPRESENTANTS_LEGAUX:
        return ("give-back",) if own else ()
    return ("keep",) if own or deposited(unit, held) else ()


async def by_holder(unit: Unit, held: Held) -> str:
    found = await natures(unit, held.cid)
    if "self" in found or found & REPRESENTING:
        return "masked-by-holder"
    raise NotHolder


async def by_self(unit: Unit, held: Held) -> str:
    if "self" in await natures(unit, held.cid):
        return "masked-by-the-person"
    raise NotMinor


async def by_self_or_depositor(unit: Unit, held: Held) -> str:
    if "self" in await natures(unit, held.cid):
        return "masked-by-the-person"
    if deposited(unit, held):
        return "masked-by-depositor"
    raise NotMinor


async def natures(unit: Unit, cid: int) -> set[str]:
    """What this actor is to the person of a record, with the reach of the whole of it."""
    actor = unit.visit.actor
    if actor.kind is not ActorKind.PATIENT:
        return set()
    held = await queries.held(unit.conn, actor.sub, actor.patient, [cid], unit.at, 10)
    return {one.nature for one in held if one.reach == "all"}


def deposited(unit: Unit, held: Held) -> bool:
    """Whether this professional, or their establishment, deposited it."""
    actor = unit.visit.actor
    if actor.kind is not ActorKind.PROFESSIONAL:
        return False
    by_person = held.dep_pro is not None and held.dep_pro == actor.rpps
    by_place = held.dep_org is not None and held.dep_org == actor.org
    return by_person or by_place


# ------------------------------------------------------------------------------------- what is done


async def change(
    visit: Visit,
    document: str,
    act: str,
    allowed: Check,
    *,
    add: Label = Label.NONE,
    remove: Label = Label.NONE,
    then: Callable[[Unit, int, list[int]], Awaitable[None]] | None = None,
) -> None:
    """Change the masks of a document, once this caller may; `then` is told the whole chain's rows."""

    async def work(unit: Unit) -> None:
        held = await unit.held("DocumentReference", document)  # absent when it is hidden
        if held.gone:
            raise errors.Deleted
        unit.rule = await allowed(unit, held)
        rids = await relabel(unit, held.cid, held.rid, unit.rule, add=add, remove=remove)
        await _remembered(unit, held, min(rids, default=held.rid), add=add, remove=remove)
        if then is not None:
            await then(unit, held.cid, rids)

    await commit(visit, work, act)


async def _remembered(unit: Unit, held: Held, rid: int, *, add: Label, remove: Label) -> None:
    """In a merged record, whose word changed a mask of another's document: an undo gives it back.

    rid: the first of the chain.
    """
    actor, cid = unit.visit.actor, held.cid
    if actor.kind is not ActorKind.PATIENT:
        return
    every = (await queries.sets(unit.conn, [cid])).get(cid, (cid,))
    if len(every) < 2:
        return
    theirs = await own.holds(unit.conn, every, actor.sub, actor.patient, unit.at)
    named = cid if cid in theirs else min(theirs, default=cid)
    await unit.visit.rights_of(unit.conn, every)
    for label in Label:
        if label & (add | remove):
            was, is_ = bool(held.labels & label), bool(label & add)
            await own.mask_changed(unit.conn, cid, named, rid, str(label.name), was=was, is_=is_)


async def give_back(unit: Unit, cid: int, rid: int, masks: Mapping[str, bool]) -> None:
    """The masks of a document as its own person left them; masks: by name of the label."""
    add = remove = Label.NONE
    for name, worn in masks.items():
        if worn:
            add |= Label[name]
        else:
            remove |= Label[name]
    await relabel(unit, cid, rid, "given-back", add=add, remove=remove)


async def relabel(
    unit: Unit, cid: int, rid: int, rule: str, *, add: Label, remove: Label
) -> list[int]:
    """The masks of one row, of its chain when it is a document, and of what follows; the rows' numbers.

    From here on the unit reaches the whole record: versions its caller may not see are of the chain too.
    """
    unit.decided(cid, everything(cid, rule))
    found = await unit.rows(cid, [rid])
    if not found:
        return []
    (first,) = found
    rows = await chain(unit, first) if first.rtype == "DocumentReference" else [first]
    rows += await _added(unit, cid, rows)
    rids = [row.rid for row in rows]
    for row in (*rows, *await unit.rows(cid, rids, following=True)):
        await _say(unit, row, add, remove)
    await unit.mask(cid, rids, add, remove)
    if first.rtype == "DocumentReference":
        await _lots(unit, cid, rows)
    return rids


async def _added(unit: Unit, cid: int, rows: list[Stored]) -> list[Stored]:
    """What adds to a document, whoever wrote it: it says again what is masked."""
    addresses = [row.address for row in rows if row.rtype == "DocumentReference"]
    found = await addenda.of(unit, cid, addresses, whole(cid)) if addresses else []
    known = {row.rid for row in rows}
    return [each for each in found if each.rid not in known]


def whole(cid: int) -> Scope:
    """All of one record, and nothing else."""
    return Scope((Admits((cid,), EVERY, int(Label.NONE)),))


def everything(cid: int, rule: str) -> Decision:
    """The decision an act has that reaches the whole of one record."""
    return Decision(whole(cid), rule)


async def chain(unit: Unit, document: Stored) -> list[Stored]:
    """Every version of a document: what it replaced, what replaced it, and so on both ways."""
    found = {document.rid: document}
    waiting = [document]
    number = unit.visit.door.definitions.params["DocumentReference"]["relatesto"].number
    while waiting and len(found) < LONGEST:
        one = waiting.pop()
        places = [unit.visit.door.ids.decode(id) for id in replaced_by(one.resource)]
        rids = [place[1] for place in places if place is not None and place[0] == document.cid]
        near = await unit.rows(document.cid, rids) if rids else []
        wanted = ReferenceFilter(number, (one.address,))
        query = Query("DocumentReference", (wanted,), compartments=(document.cid,), count=LONGEST)
        after = await unit.find(query, whole(document.cid))
        near += [each for each in after if one.id in replaced_by(each.resource)]
        for each in near:
            if each.rid not in found:
                found[each.rid] = each
                waiting.append(each)
    return sorted(found.values(), key=lambda each: each.rid)


async def _say(unit: Unit, row: Stored, add: Label, remove: Label) -> None:
    """A version that says its masks as its row is about to bear them."""
    if row.gone:
        return
    resource = without(row.resource, remove)
    if row.rtype == "DocumentReference":
        resource = masked(resource, add)
    elif row.rtype == "List":
        resource = masked_list(resource, add)
    if resource != row.resource:
        # By its place: an id that its depositor chose says no record to decide on.
        place = unit.visit.door.ids.encode(row.cid, row.rid)
        await unit.update(row.rtype, place, resource, platform=True)
    elif row.rtype == "DocumentReference":  # already so: the trace names it all the same
        unit.told.append((row.cid, row.rid, row.ver))


async def _lots(unit: Unit, cid: int, rows: Iterable[Stored]) -> None:
    """A lot is seen by who may see all its documents: it bears the masks of them all."""
    door = unit.visit.door
    number = door.definitions.params["List"]["item"].number
    wanted = ReferenceFilter(number, tuple(row.address for row in rows))
    query = Query("List", (wanted,), compartments=(cid,), count=LONGEST)
    lots = await unit.find(query, whole(cid))
    for lot in lots:
        named = [
            place[1]
            for entry in lot.resource.get("entry", [])
            if (place := door.ids.decode(_id(entry))) is not None and place[0] == cid
        ]
        label = await unit.borne(cid, named)
        resource = masked_list(without(lot.resource, MASKS & ~label), label)
        if resource != lot.resource:
            await unit.update("List", door.ids.encode(cid, lot.rid), resource, platform=True)
        await unit.mask(cid, [lot.rid], label, MASKS & ~label)


def _id(entry: dict[str, Any]) -> str:
    return str(entry.get("item", {}).get("reference", "")).rpartition("/")[2]
