# SPDX-License-Identifier: EUPL-1.2
"""Content put, changed, masked and deleted, by who may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from carnet import errors
from carnet.access import kinds, labels, moment
from carnet.access.actor import ActorKind
from carnet.access.door.placing import Placing
from carnet.access.door.visit import within
from carnet.access.door.written import (
    Address,
    NotDepositor,
    NotHidden,
    NotSecret,
    NotYours,
    OtherOwner,
    Written,
)
from carnet.fhir import json
from carnet.fhir.search.scope import OFFERED, Scope
from carnet.fhir.store import queries as store
from carnet.fhir.store import write
from carnet.fhir.store.ids import DIRECTORY
from carnet.fhir.store.queries import Held, Row
from carnet.fhir.store.read import all_opened
from carnet.fhir.store.rows import Attachment, Changed, New, Stored

OURS = frozenset(("versionId", "lastUpdated"))  # of meta
TICK = timedelta(milliseconds=1)  # as lastUpdated shows it


class Changing(Placing):
    """A unit of work that writes."""

    __slots__ = ()

    def put(
        self,
        address: Address,
        resource: dict[str, Any],
        *,
        kind: int | None = None,
        label: labels.Label | None = None,
        origin: int | None = None,
        attachment: Attachment | None = None,
        org: int | None = None,
    ) -> Written:
        """Content of a placed resource; ids and meta are ours.

        org: the organisation it is a deposit of, where an act decided that it is not the caller's.

        kind, label, origin: of the document it follows; else by its own content.
        """
        door, actor = self.visit.door, self.visit.actor
        if actor.secret and address.cid != DIRECTORY and address.rtype != "Patient":
            resource = _secret(resource)
            label = (label or labels.Label.NONE) | labels.of(resource)
        full = _stamped(resource, address.id, 1, self.at)
        body = json.dump(full)
        row = New(
            cid=address.cid,
            rid=address.rid,
            rtype=address.rtype,
            rtype_number=door.definitions.types[address.rtype],
            id=address.id,
            ver=1,
            kind=kinds.of(resource) if kind is None else kind,
            labels=int(labels.of(resource) if label is None else label),
            # An assistant deposits for their organisation: the professional is in the trace alone.
            dep_pro=actor.rpps if actor.kind is not ActorKind.ASSISTANT else None,
            dep_org=actor.org if org is None else org,
            origin=origin,
            body=body,
            index=door.indexer.index(full),
            owners=address.owners,
            client_id=address.chosen,
            attachment=attachment,
        )
        self.new.append(row)
        return Written(address, 1, self.at, body, created=True)

    async def attach(self, address: Address, plain: bytes) -> Attachment:
        """Seal and sync the bytes of a Binary, before the row that names them."""
        door = self.visit.door
        ciphers = await door.vault.ciphers(self.conn, [address.cid])
        return await asyncio.to_thread(
            door.attachments.write, ciphers[address.cid], address.cid, address.rid, plain
        )

    async def allow(self, cid: int) -> None:
        """Let the next statements write in a compartment this unit may feed."""
        await self._enter(Scope(), {cid})

    async def allow_directory(self) -> None:
        """Let a directory loader write compartment 0."""
        if self.visit.actor.kind is not ActorKind.OPERATOR:
            raise NotYours
        self.fed.add(DIRECTORY)
        await self.allow(DIRECTORY)

    def known(self, address: Address) -> Written:
        """Something that already exists and is left as it is; the trace names it."""
        self.told.append((address.cid, address.rid, address.ver))
        return Written(address, address.ver, self.at, b"", created=False, changed=False)

    async def update(
        self,
        rtype: str,
        id: str,
        resource: dict[str, Any],
        *,
        if_match: int | None = None,
        platform: bool = False,
        kind: int | None = None,
    ) -> Written:
        """A new version; the same content again makes none.

        kind: of what an act decided, beside its own or that of the document it follows.
        platform: a change an act makes on a resource it decided on (a replaced document), where the
        depositor rule was already applied.
        """
        held = await self.held(rtype, id)
        self._check(held, rtype, "update", if_match, platform=platform)
        door = self.visit.door
        before = await self._open(held, rtype)
        if not platform:
            resource = await self._labelled(resource, held, before)
            owners = await self._owners(resource, {})
            home = held.cid if rtype in OFFERED else self.visit.actor.org
            moved = (owners[0] if owners else home) != held.cid
            # The other owners too: their column was written once, and decides who sees it.
            if moved or set(owners[1:]) != set(held.owners or ()) - {held.cid}:
                raise OtherOwner
        at = self._after(held)
        full = _stamped(resource, held.id, held.ver + 1, at)
        if not held.gone and _content(full) == _content(before.resource):
            address = Address(held.cid, held.rid, rtype, held.id)
            self.told.append((held.cid, held.rid, held.ver))
            return Written(address, held.ver, held.upd, before.body, created=False, changed=False)
        body = json.dump(full)
        follows = held.origin is not None
        changed = Changed(
            before,
            door.definitions.types[rtype],
            kind=kind if kind is not None else held.kind if follows else kinds.of(resource),
            labels=held.labels,  # labels change through their own acts
            body=body,
            index=door.indexer.index(full),
        )
        await self._change(changed, at)
        address = Address(held.cid, held.rid, rtype, held.id)
        # Brought back to life after a deletion, it is created again.
        return Written(address, held.ver + 1, at, body, created=held.gone)

    async def _labelled(
        self, resource: dict[str, Any], held: Held, before: Stored
    ) -> dict[str, Any]:
        """What is sent, saying of its masks what the row bears, and nothing else.

        One that was lifted since is sent again in good faith: it is left out, and stays lifted. A new one
        is refused, or the row would stay seen under a label that hides.
        """
        more = labels.of(resource) & ~held.labels
        if more:
            if more & ~await self._bore(held):
                raise NotHidden
            resource = labels.without(resource, more)
        return labels.again(resource, before.resource, labels.Label(held.labels))

    async def _bore(self, held: Held) -> labels.Label:
        """The masks that earlier versions of a row said."""
        decision = await self._decision(held.cid)
        await self._enter(decision.scope, {held.cid})
        async with self.conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(store.PAST, {"cid": held.cid, "rid": held.rid})
            rows = await cur.fetchall()
        ciphers = await self.visit.door.vault.ciphers(self.conn, [held.cid])
        borne = labels.Label.NONE
        for row in all_opened(rows, self.visit.door.names, ciphers):
            borne |= labels.of(row.resource)
        return borne

    async def change(
        self,
        rtype: str,
        id: str,
        how: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
        *,
        if_match: int | None = None,
    ) -> Written:
        """A new version made of the current one, by who may write it; else `how` sees nothing."""
        held = await self.held(rtype, id)
        if held.gone:
            raise errors.Deleted
        self.tried.add(held.cid)
        self._check(held, rtype, "update", if_match, platform=False)
        self.looked = True
        return await self.update(rtype, id, await how(await self.current(held, rtype)))

    async def delete(
        self, rtype: str, id: str, *, if_match: int | None = None, platform: bool = False
    ) -> Written:
        """A last version without content; the row stays. Deleting again changes nothing.

        platform: of a resource an act decided on, where the depositor rule was already applied.
        """
        held = await self.held(rtype, id)
        address = Address(held.cid, held.rid, rtype, held.id)
        if held.gone:
            return Written(address, held.ver, held.upd, b"", created=False, changed=False)
        self._check(held, rtype, "delete", if_match, platform=platform)
        before = await self._open(held, rtype)
        at = self._after(held)
        empty = self.visit.door.indexer.nothing(rtype)
        await self._change(
            Changed(
                before,
                self.visit.door.definitions.types[rtype],
                held.kind,
                held.labels,
                body=b"{}",
                index=empty,
                gone=True,
            ),
            at,
        )
        return Written(address, held.ver + 1, at, b"", created=False)

    async def relabel(self, cid: int, rids: Iterable[int], label: labels.Label) -> None:
        """Labels of documents and of all that was extracted from them; an act decided it."""
        decision = await self._decision(cid)
        await self._enter(decision.scope, {cid})
        await self.conn.execute(moment.TELL, (self.at.isoformat(),))
        await self.conn.execute(
            store.RELABEL, {"cid": cid, "rids": list(rids), "labels": int(label)}
        )

    async def mask(
        self, cid: int, rids: Iterable[int], add: labels.Label, remove: labels.Label
    ) -> None:
        """Add and remove labels of rows and of all that follows them; an act decided it."""
        decision = await self._decision(cid)
        await self._enter(decision.scope, {cid})
        await self.conn.execute(moment.TELL, (self.at.isoformat(),))
        values = {"cid": cid, "rids": list(rids), "add": int(add), "keep": ~int(remove)}
        await self.conn.execute(store.MASK, values)

    async def replaced(
        self, cid: int, rids: Iterable[int], *, but: Iterable[str], is_: bool
    ) -> None:
        """What was read in documents counts for searches no more, or again; an act decided it.

        but: types that stay as they are.
        """
        decision = await self._decision(cid)
        await self._enter(decision.scope, {cid})
        await self.conn.execute(moment.TELL, (self.at.isoformat(),))
        numbers = [self.visit.door.definitions.types[each] for each in but]
        values = {"cid": cid, "rids": list(rids), "but": numbers, "replaced": is_}
        await self.conn.execute(store.REPLACE, values)

    def _check(
        self, held: Held, rtype: str, act: str, if_match: int | None, *, platform: bool
    ) -> None:
        actor = self.visit.actor
        if if_match is not None and if_match != held.ver:
            raise errors.VersionConflict
        if actor.secret and not held.labels & labels.Label.INVISIBLE_REPRESENTANTS_LEGAUX:
            raise NotSecret  # it would change, or vanish, before the eyes of the representatives
        if platform:
            return
        self.may(act, rtype)
        if actor.kind is ActorKind.PATIENT:
            decided = self._scopes.get(held.cid) or self._scopes.get(None)
            theirs = decided is not None and held.cid in decided.own
            own = held.dep_pro is None and held.dep_org is None and theirs
        elif actor.kind is ActorKind.PROFESSIONAL:
            own = held.dep_pro is not None and held.dep_pro == actor.rpps
        else:
            own = held.dep_org is not None and held.dep_org == actor.org
        if not own or (held.cid == DIRECTORY and rtype not in OFFERED):
            raise NotDepositor

    def _after(self, held: Held) -> datetime:
        """When a change is written: after what it changes, though it may have begun before it."""
        return max(self.at, held.upd + TICK)

    async def _change(self, changed: Changed, at: datetime) -> None:
        cid = changed.before.cid
        decision = await self._decision(cid)
        ciphers = await self.visit.door.vault.ciphers(self.conn, [cid])
        async with within(self.conn, at_once=True):
            await self._enter(decision.scope, {cid})
            await write.change(self.conn, changed, ciphers[cid], self.visit.door.hasher, at)
        self.changed.append((cid, changed.before.rid, changed.before.ver + 1))


def _stamped(resource: dict[str, Any], id: str, ver: int, at: datetime) -> dict[str, Any]:
    """The resource with our id and meta, in FHIR's usual order."""
    kept = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in OURS and key.removeprefix("_") not in OURS
    }
    meta = {"versionId": str(ver), "lastUpdated": _instant(at), **kept}
    rest = {
        key: value for key, value in resource.items() if key not in ("resourceType", "id", "meta")
    }
    return {"resourceType": resource["resourceType"], "id": id, "meta": meta, **rest}


def _secret(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource, hidden from the legal representatives: whatever a secret connection writes is so."""
    if labels.of(resource) & labels.Label.INVISIBLE_REPRESENTANTS_LEGAUX:
        return resource
    meta = resource.get("meta", {})
    security = [*meta.get("security", []), labels.NOT_FOR_REPRESENTATIVES]
    return {**resource, "meta": {**meta, "security": security}}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _content(resource: dict[str, Any]) -> bytes:
    """The resource but for what every version changes; as bytes, since 1.1 and 1.10 differ."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in OURS}
    return json.dump({**resource, "meta": meta})
