# SPDX-License-Identifier: EUPL-1.2
"""PATCH of a document: its status, its securityLabel and its archive flag, and nothing else (405).

By who deposited it. What a patch says of masks is done by the acts of each (hide.py, announce.py), with
their own rules: it acts on the whole chain. Both ways in which the guide deletes are taken, `superseded`
and `entered-in-error`; from the second there is no way back.
Source: ANS, PDSm 3.1.1, flows 03 and 04; PDSm4DMP TD3.3a to d; IHE MHD 4.2.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from carnet import errors
from carnet.access import labels
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Held, Unit, Written
from carnet.access.labels import Label
from carnet.documents import announce, hide, replace
from carnet.documents.archive import ARCHIVED, archived
from carnet.documents.content import unpacked
from carnet.documents.masks import masked
from carnet.documents.withdraw import void
from carnet.fhir import json, patch
from carnet.fhir.patch import json_patch, path_patch
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.validation import structure
from carnet.rest import patches
from carnet.rest.acts import Entry, Plan

TOUCHED: Final = frozenset(("status", "securityLabel", "extension"))
STATUSES: Final = frozenset(("current", "superseded", "entered-in-error"))
# As the agency writes it, which RFC 6901 does not have: /extension[url:'…']/valueBoolean
FILTERED: Final = re.compile(
    r"/extension\[(?:\?\(@\.)?url\s*(?::|={1,2})\s*['\"]?(?P<url>[^'\"\]]+?)['\"]?\)?\](?P<rest>/.*)?"
)
FIRST: Final = re.compile(r"DocumentReference(?:\.([A-Za-z]+)\b.*)?", re.DOTALL)


class NotAmendable(errors.NotSupported):
    """A PATCH of a document changes its status, securityLabel or extension pdsm-ext-is-archived, and nothing
    else."""

    status = 405  # ANS, PDSm: a PATCH of what it may not touch


class NotAuthor(errors.Forbidden):
    """Only who deposited a document changes its metadata or deletes it."""


class NotAStatus(errors.BusinessRule):
    """The status of a document is current, superseded or entered-in-error, and the last one stays."""


class Replaced(errors.BusinessRule):
    """A document that another replaces is not current again."""


Check = Callable[[Unit, Held], Awaitable[str]]
Then = Callable[[Unit, int, list[int]], Awaitable[None]]
# What each mask is put and lifted by.
PUT: Final[dict[Label, tuple[Check, Then | None]]] = {
    Label.MASQUE_PS: (hide.by_holder, None),
    Label.INVISIBLE_PATIENT: (announce.by_author, announce.first_time),
    Label.INVISIBLE_REPRESENTANTS_LEGAUX: (hide.by_self_or_depositor, None),
}
LIFTED: Final[dict[Label, tuple[Check, Then | None]]] = {
    Label.MASQUE_PS: (hide.by_holder, None),
    Label.INVISIBLE_PATIENT: (announce.by_announcer, announce.took_place),
    Label.INVISIBLE_REPRESENTANTS_LEGAUX: (hide.by_self, None),
}


async def amend(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A PATCH by itself; in the lot of a replacement, that of the guide, whose effect was had."""
    if any(each.rtype == "DocumentReference" for each in plan.entries if each is not entry):
        return await replace.patch(unit, plan, entry)
    assert entry.id is not None
    touched = _touched(entry.resource)  # the same for any document, hidden or not
    held = await unit.held("DocumentReference", entry.id)
    if held.gone:
        raise errors.Deleted
    if entry.if_match is not None and entry.if_match != held.ver:
        raise errors.VersionConflict
    if touched != {"securityLabel"}:
        await by_author(unit, held)
    before = await unit.current(held, "DocumentReference")
    made = _made(entry.resource, before)
    _only(before, made)
    await _status(unit, held, before, made)
    return await _write(unit, held, before, made)


async def by_author(unit: Unit, held: Held) -> None:
    """Refuse who did not deposit a document, in their own name or in their organisation's."""
    actor = unit.visit.actor
    if actor.kind is ActorKind.PATIENT:
        own = held.dep_org is None and held.dep_pro is None
        if not own or not await hide.natures(unit, held.cid):
            raise NotAuthor
        return
    by_organisation = held.dep_org is not None and held.dep_org == actor.org
    by_person = held.dep_pro is not None and held.dep_pro == actor.rpps
    if not (by_organisation or by_person):
        raise NotAuthor


# ------------------------------------------------------------------------------------- what it says


@dataclass(frozen=True, slots=True)
class _Filtered:
    """An operation whose path chooses an extension by its address."""

    op: str
    url: str
    rest: str
    value: Any


def _operations(given: dict[str, Any]) -> list[Any]:
    """The operations of a JSON Patch that came in a Binary."""
    return json.parse_list(unpacked(given))


def _touched(given: dict[str, Any]) -> set[str]:
    """The elements a patch is about; NotAmendable for any other, whatever it would do there."""
    found: set[str] = set()
    if given.get("resourceType") == "Parameters":
        path_patch.read(given)  # well formed
        for each in given.get("parameter", []):
            parts = {part.get("name"): part for part in each.get("part", [])}
            path = FIRST.fullmatch(str(parts.get("path", {}).get("valueString", "")).strip())
            name = path[1] if path else None
            if path is not None and name is None:  # `add` to the document itself
                name = str(parts.get("name", {}).get("valueString", ""))
            found.add(name or "")
    else:
        operations = _operations(given)
        json_patch.read([_plain(each) for each in operations])
        for each in operations:
            for way in ("path", "from"):
                if way in each:
                    found.add(str(each[way]).split("/")[1:2][0].split("[")[0] if each[way] else "")
    if found - TOUCHED:
        raise NotAmendable
    return found


def _plain(operation: Any) -> Any:
    """An operation with a pointer in the place of the agency's filter, to be judged as any other."""
    if isinstance(operation, dict) and FILTERED.fullmatch(str(operation.get("path", ""))):
        return {**operation, "path": "/extension"}
    return operation


def _made(given: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The document as the patch has it."""
    if given.get("resourceType") == "Parameters":
        made = patch.apply(path_patch.read(given), before)
    else:
        made = before
        for each in _operations(given):
            chosen = FILTERED.fullmatch(str(each.get("path", "")))
            if chosen is None:
                made = patch.apply(json_patch.read([each]), made)
            else:
                asked = _Filtered(
                    each["op"], chosen["url"], chosen["rest"] or "", each.get("value")
                )
                made = patch.apply(json_patch.read([_pointed(asked, made)]), made)
    issues = structure.check(made)
    if issues:
        raise patches.NotPatched(issues)
    return made


def _pointed(asked: _Filtered, resource: dict[str, Any]) -> dict[str, Any]:
    """The same operation by a pointer: to the extension of that address, or at the end of them."""
    places = [
        place
        for place, each in enumerate(resource.get("extension", []))
        if each.get("url") == asked.url
    ]
    if places:
        path = f"/extension/{places[0]}{asked.rest}"
        return {"op": asked.op, "path": path, "value": asked.value}
    if asked.op not in ("add", "replace"):
        raise patch.NotApplied("The document has no extension of this address.")
    value = asked.value
    if asked.rest:
        value = {"url": asked.url, asked.rest.removeprefix("/"): asked.value}
    if "extension" in resource:
        return {"op": "add", "path": "/extension/-", "value": value}
    return {"op": "add", "path": "/extension", "value": [value]}


def _only(before: dict[str, Any], made: dict[str, Any]) -> None:
    """Refuse what changes anything but what a PATCH may."""

    def rest(resource: dict[str, Any]) -> bytes:
        others = [each for each in resource.get("extension", []) if each.get("url") != ARCHIVED]
        kept = {key: value for key, value in resource.items() if key not in TOUCHED}
        return json.dump({**dict(sorted(kept.items())), "extension": others})

    flags = [each for each in made.get("extension", []) if each.get("url") == ARCHIVED]
    if rest(before) != rest(made) or len(flags) > 1:
        raise NotAmendable
    if flags and not isinstance(flags[0].get("valueBoolean"), bool):
        raise NotAmendable
    if "securityLabel" in before and "securityLabel" not in made:
        raise errors.BusinessRule(
            "A document has at least one securityLabel.", path="DocumentReference.securityLabel"
        )


async def _status(unit: Unit, held: Held, before: dict[str, Any], made: dict[str, Any]) -> None:
    """Whether a document may go from one status to the other."""
    old, new = before.get("status"), made.get("status")
    if new not in STATUSES:
        raise NotAStatus(path="DocumentReference.status")
    if old == "entered-in-error":
        if json.dump(before) != json.dump(made):
            raise NotAStatus(path="DocumentReference.status")
        return
    if old == "superseded" and new == "current":
        number = unit.visit.door.definitions.params["DocumentReference"]["relatesto"].number
        wanted = ReferenceFilter(number, (f"DocumentReference/{held.id}",))
        query = Query("DocumentReference", (wanted,), compartments=(held.cid,), count=20)
        rows = await unit.find(query, hide.whole(held.cid))
        if any(held.id in replace.replaced_by(row.resource) for row in rows):
            raise Replaced(path="DocumentReference.status")


# ------------------------------------------------------------------------------------ what is done


async def _write(unit: Unit, held: Held, before: dict[str, Any], made: dict[str, Any]) -> Written:
    """A new version with what is not a mask; then the masks, by their own acts."""
    asked, borne = labels.of(made), Label(held.labels)
    put, lift = asked & ~borne, borne & labels.of(before) & ~asked
    doing = [(how, each, Label.NONE) for each, how in PUT.items() if each & put]
    doing += [(how, Label.NONE, each) for each, how in LIFTED.items() if each & lift]
    rules = [await check(unit, held) for (check, _), _, _ in doing]
    plain = masked(labels.without(made, put), borne & labels.of(before))
    if _levels(before) != _levels(plain):
        await by_author(unit, held)
    written = await unit.update("DocumentReference", held.id, plain, platform=True)
    if plain["status"] != before["status"]:
        await replace.stand(unit, held.cid, [held.rid], stands=plain["status"] == "current")
        if plain["status"] != "current":
            await replace.leave(unit, held.cid, f"DocumentReference/{held.id}")
        if plain["status"] == "entered-in-error":
            await void(unit, held)
    if archived(before) != archived(made):
        unit.rule = "archived" if archived(made) else "unarchived"
    for ((_, then), add, remove), rule in zip(doing, rules, strict=True):
        unit.rule = rule
        rids = await hide.relabel(unit, held.cid, held.rid, rule, add=add, remove=remove)
        if then is not None:
            await then(unit, held.cid, rids)
    if not doing:
        return written
    (row,) = await unit.rows(held.cid, [held.rid])
    address = Address(held.cid, held.rid, "DocumentReference", held.id)
    return Written(address, row.ver, row.upd, row.body, created=False)


def _levels(resource: dict[str, Any]) -> list[str]:
    """What is said of confidentiality beside the masks."""
    return sorted(
        str(coding.get("code"))
        for concept in resource.get("securityLabel", [])
        for coding in concept.get("coding", [])
        if coding.get("code") not in labels.BY_CODE
    )
