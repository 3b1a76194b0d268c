# SPDX-License-Identifier: EUPL-1.2
"""Replacement: a new document deprecates the one it replaces, by the same depositor, in one record.

Source: IHE MHD relatesTo=replaces; CDA RPLC; CI-SIS answers 900 (wrong version) and 901 (not the author).
"""

from __future__ import annotations

from typing import Any

from carnet import errors
from carnet.access.door import Address, Unit, Written
from carnet.documents.cda import CdaDocument
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import LITERAL
from carnet.fhir.search.tokens import TokenFilter
from carnet.rest.acts import Entry, Plan


class NotAuthor(errors.Forbidden):
    """Only who deposited a document may replace it."""

    code = "901"


class AlreadyReplaced(errors.BusinessRule):
    """The document to replace was already replaced: replace its last version."""

    code = "900"


class OtherRecord(errors.BusinessRule):
    """A document replaces another of the same person."""

    code = "900"


async def replace(
    unit: Unit, address: Address, resource: dict[str, Any], document: CdaDocument | None
) -> None:
    """Mark what `resource` replaces as superseded, and point to it by its address.

    A document whose parent is unknown here is kept with the parent's identifier.
    """
    related = []
    for each in resource.get("relatesTo", []):
        if each.get("code") != "replaces":
            related.append(each)
            continue
        target = each.get("target", {})
        old = await _old(unit, address, target)
        if old is None:
            related.append(each)
            continue
        held = await unit.held("DocumentReference", old)
        before = await unit.current(held, "DocumentReference")
        if before["status"] == "superseded":
            raise AlreadyReplaced
        if held.dep_org != unit.visit.actor.org and held.dep_pro != unit.visit.actor.rpps:
            raise NotAuthor
        await unit.update(
            "DocumentReference", old, {**before, "status": "superseded"}, platform=True
        )
        kept = {key: value for key, value in target.items() if key != "reference"}
        related.append({**each, "target": {"reference": f"DocumentReference/{old}", **kept}})
    if related:
        resource["relatesTo"] = related


async def _old(unit: Unit, address: Address, target: dict[str, Any]) -> str | None:
    """Id of the replaced document, if this depositor sees it in the same record."""
    door = unit.visit.door
    if found := LITERAL.fullmatch(str(target.get("reference", ""))):
        place = door.ids.decode(found[2])
        if place is not None and place[0] != address.cid:
            raise OtherRecord
        return found[2]
    identifier = target.get("identifier", {})
    if not identifier.get("value"):
        return None
    number = door.definitions.params["DocumentReference"]["identifier"].number
    wanted = TokenFilter(number, ((identifier.get("system") or None, identifier["value"]),))
    rows = await unit.find(
        Query("DocumentReference", (wanted,), compartments=(address.cid,), count=2)
    )
    current = [row for row in rows if row.resource.get("status") == "current"] or rows
    return current[0].id if current else None


async def patch(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """The PATCH of an ITI-65 replacement: its only effect, superseded, was had by the new document."""
    assert entry.id is not None
    held = await unit.held("DocumentReference", entry.id)
    content = await unit.current(held, "DocumentReference")
    if content["status"] != "superseded":
        raise errors.NotSupported("PATCH is supported here on the replaced document of a lot.")
    address = Address(held.cid, held.rid, "DocumentReference", held.id)
    return Written(address, held.ver, held.upd, b"", created=False, changed=False)
