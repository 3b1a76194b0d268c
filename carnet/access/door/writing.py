# SPDX-License-Identifier: EUPL-1.2
"""Writing through the door: one unit of work, one transaction.

A unit places each new resource (whose is it, what is its address), then puts its content; at the end
everything goes in one statement, with the outbox and the trace. Nothing is half written.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from psycopg import AsyncConnection
from psycopg import errors as pg
from psycopg.rows import class_row

from carnet import errors
from carnet.access import audit, kinds, labels, moment, queries, writing
from carnet.access.actor import ActorKind
from carnet.access.door.decide import MOST_HELD, Decision
from carnet.access.door.visit import Nothing, TooManyPatientsRead, Visit, within
from carnet.access.seal import SET
from carnet.fhir import json
from carnet.fhir.search.query import Query
from carnet.fhir.search.references import LITERAL
from carnet.fhir.search.scope import PUBLIC, Scope, condition, context_parts
from carnet.fhir.search.sql import COLUMNS, matches
from carnet.fhir.store import queries as store
from carnet.fhir.store import write
from carnet.fhir.store.ids import DIRECTORY, UUID
from carnet.fhir.store.queries import Held, Row
from carnet.fhir.store.read import all_opened, opened
from carnet.fhir.store.rows import Attachment, Changed, Compartment, New, Stored
from carnet.postgres.pool import Pool

OURS = frozenset(("versionId", "lastUpdated"))  # of meta
ATTEMPTS = 4  # of a unit that meets another
TICK = timedelta(milliseconds=1)  # as lastUpdated shows it
PATIENT, ORGANISATION = 1, 2  # nature of a compartment
HOLDERS = frozenset((ActorKind.PATIENT, ActorKind.HELPER))  # of their record, or for its person

Result = TypeVar("Result")


class UnknownOwner(errors.BusinessRule):
    """The person this resource is about is unknown here, or their record cannot be fed."""

    code = "902"


class NotYours(errors.Forbidden):
    """You may not write this type of resource."""


class NotDepositor(errors.Forbidden):
    """Only who deposited a resource may change or delete it."""


class NotSecret(errors.Forbidden):
    """In a secret connection, only what representatives do not see is changed."""


class NotHidden(errors.BusinessRule):
    """A label that hides a resource is put by its own act: a change does not hide what was not hidden."""


class OtherOwner(errors.BusinessRule):
    """A change may not move a resource to another person."""


class WrongId(errors.Invalid):
    """An id chosen by the caller is a UUID in lower case."""


class Busy(errors.Transient):
    """Others are writing the same things: try again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a resource is, or is about to be."""

    cid: int
    rid: int
    rtype: str
    id: str
    owners: tuple[int, ...] | None = None
    chosen: bool = False  # by the caller
    ver: int = field(default=1, compare=False)  # of what is there already, where it was read

    @property
    def literal(self) -> str:
        """`Type/id`."""
        return f"{self.rtype}/{self.id}"


@dataclass(slots=True)
class Written:
    """What came of one write."""

    address: Address
    ver: int
    upd: datetime
    body: bytes
    created: bool
    changed: bool = True  # false: the same bytes again, no new version


@dataclass(slots=True)
class Unit:
    """One transaction of one visit; made by `commit`."""

    visit: Visit
    conn: AsyncConnection[Any]
    at: datetime
    new: list[New] = field(default_factory=list)
    made: list[Compartment] = field(default_factory=list)
    fed: set[int] = field(default_factory=set)  # compartments known to be writable
    changed: list[tuple[int, int, int]] = field(default_factory=list)  # (cid, rid, ver)
    told: list[tuple[int, int, int]] = field(default_factory=list)  # the same, left as they were
    tried: set[int] = field(
        default_factory=set
    )  # compartments asked for, for the trace of a refusal
    finds: bool = False  # whether a person was looked for: it is counted, whatever comes of it
    looked: bool = (
        False  # whether what is there was compared with what was sent: a refusal tells of it
    )
    act: str = "create"
    rule: str = "feeding"  # by which the act was allowed, as the trace says it
    _scopes: dict[int | None, Decision] = field(default_factory=dict)
    _opened: int = 0  # how many of `made` are written
    _counted: bool = False  # whether the trace of `finds` is written

    # -- placing ---------------------------------------------------------------------------------

    async def place(
        self,
        resource: dict[str, Any],
        known: Mapping[str, Address] | None = None,
        *,
        chosen: str | None = None,
        at: tuple[int, int] | None = None,
        beside: int | None = None,
    ) -> Address:
        """Decide whose a new resource is and give it its address.

        known: addresses of other resources of the same transaction, by the reference used for them.
        chosen: an id the caller chose. at: the place an import gave it, with any id; refused when it is
        not in the record that it is about. beside: the compartment of the document it came with, for what
        is about nobody.
        """
        door, rtype = self.visit.door, str(resource["resourceType"])
        self.may_create(rtype)
        if chosen is not None and at is None and not UUID.fullmatch(chosen):
            raise WrongId
        owners = await self._owners(resource, known or {})
        if owners:
            cid = owners[0]
        elif beside is not None:
            await self._may_feed([cid := beside])
        else:
            cid = self._bucket()
        if at is not None and at[0] != cid:
            raise OtherOwner
        rid = door.ids.new() if at is None else at[1]
        return Address(
            cid,
            rid,
            rtype,
            chosen or door.ids.encode(cid, rid),
            tuple(owners) if len(owners) > 1 else None,
            chosen is not None,
        )

    def may_create(self, rtype: str) -> None:
        """Refuse who may not create this type."""
        self.may("create", rtype)

    def may(self, act: str, rtype: str) -> None:
        """Refuse who may not do this to any of a type, before anything is looked up for them."""
        if not writing.allowed(self.visit.actor, rtype, act):
            raise NotYours(f"You may not {act} a resource of type {rtype}.")

    async def place_patient(self, at: int | None = None) -> Address:
        """A new compartment and the address of its Patient; `vigilance` opens the record.

        at: the number it had where it comes from.
        """
        self.may_create("Patient")
        door = self.visit.door
        cid = door.ids.new() if at is None else at
        await self.open_compartment(cid, PATIENT)
        return Address(cid, cid, "Patient", door.ids.encode(cid, cid))

    async def place_in(self, cid: int, rtype: str) -> Address:
        """The address of a resource the platform adds to a record already open to this unit."""
        rid = self.visit.door.ids.new()
        await self._may_feed([cid])
        return Address(cid, rid, rtype, self.visit.door.ids.encode(cid, rid))

    async def open_compartment(self, cid: int, nature: int) -> None:
        """A compartment and its key, for this transaction and those after it."""
        wrapped = self.visit.door.vault.make(cid)
        self.visit.door.vault.use(cid, wrapped)
        self.made.append(Compartment(cid, nature, wrapped))
        self.fed.add(cid)

    async def _owners(self, resource: dict[str, Any], known: Mapping[str, Address]) -> list[int]:
        """Compartments of the patients a resource is about, all of which may be fed."""
        door = self.visit.door
        found: list[int] = []
        for reference in door.owners.references(resource):
            cid: int | None
            if reference in known:
                cid = known[reference].cid
            else:
                cid = await self._compartment_of(reference)
                if cid is None:
                    if reference.startswith(("Patient/", "urn:")):
                        raise UnknownOwner
                    continue
            if cid not in found:
                found.append(cid)
        owned = [cid for cid in found if cid not in (DIRECTORY, self.visit.actor.org)]
        if owned:
            await self._may_feed(owned)
        return owned

    async def _compartment_of(self, reference: str) -> int | None:
        literal = LITERAL.fullmatch(reference.partition("/_history/")[0])
        if not literal or literal[1] not in self.visit.door.definitions.types:
            return None
        routed = self.visit.door.ids.decode(literal[2])
        if routed is not None:
            cid, rid = routed
            # A Patient bears the number of its record: any other id in it names no person.
            return None if literal[1] == "Patient" and cid != rid else cid
        try:
            return (await self.held(literal[1], literal[2], lock=False)).cid
        except errors.NotFound:
            return None

    async def _may_feed(self, cids: Sequence[int]) -> None:
        actor = self.visit.actor
        unknown = [cid for cid in cids if cid not in self.fed]
        self.tried.update(unknown)
        if not unknown:
            return
        if actor.kind in HOLDERS:
            held = await queries.held(
                self.conn, actor.sub, actor.patient, unknown, self.at, MOST_HELD
            )
            # A carer adds where they see all; in a secret connection one acts for nobody else.
            if set(unknown) - {
                one.cid
                for one in held
                if one.reach == "all" and (one.nature == "self" or not actor.secret)
            }:
                raise UnknownOwner
        if actor.kind is ActorKind.ASSISTANT:
            decision = await self.visit.door.decide(self.conn, actor, unknown)
            linked = {cid for clause in decision.scope.admits for cid in clause.cids}
            if set(unknown) - linked:
                raise UnknownOwner
        allowed = await queries.fed_records(self.conn, unknown)
        if set(unknown) - allowed:
            raise UnknownOwner
        self.fed.update(allowed)

    async def foresee(self, references: Iterable[str]) -> None:
        """Ask at once which of the records that many resources are about may be fed.

        Who is refused is refused where the resource is placed.
        """
        if self.visit.actor.kind in HOLDERS or self.visit.actor.kind is ActorKind.ASSISTANT:
            return
        decode = self.visit.door.ids.decode
        found = {decode(each.partition("/")[2]) for each in set(references)}
        cids = {place[0] for place in found if place is not None}
        unknown = cids - self.fed - {DIRECTORY, self.visit.actor.org}
        if len(unknown) > 1:
            self.fed.update(await queries.fed_records(self.conn, sorted(unknown)))

    def _bucket(self) -> int:
        org = self.visit.actor.org
        if org is None or self.visit.actor.kind is ActorKind.ASSISTANT:
            raise UnknownOwner
        self.fed.add(org)
        return org

    # -- new and changed -------------------------------------------------------------------------

    def put(
        self,
        address: Address,
        resource: dict[str, Any],
        *,
        kind: int | None = None,
        label: labels.Label | None = None,
        origin: int | None = None,
        attachment: Attachment | None = None,
    ) -> Written:
        """Content of a placed resource; ids and meta are ours.

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
            dep_org=actor.org,
            origin=origin,
            body=body,
            index=door.indexer.index(full),
            owners=address.owners,
            client_id=address.chosen,
            attachment=attachment,
        )
        self.new.append(row)
        return Written(address, 1, self.at, body, created=True)

    async def current(self, held: Held, rtype: str) -> dict[str, Any]:
        """The content of a row that was just locked."""
        return (await self._open(held, rtype)).resource

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

    async def attach(self, address: Address, plain: bytes) -> Attachment:
        """Seal and sync the bytes of a Binary, before the row that names them."""
        door = self.visit.door
        ciphers = await door.vault.ciphers(self.conn, [address.cid])
        return await asyncio.to_thread(
            door.attachments.write, ciphers[address.cid], address.cid, address.rid, plain
        )

    async def update(
        self,
        rtype: str,
        id: str,
        resource: dict[str, Any],
        *,
        if_match: int | None = None,
        platform: bool = False,
    ) -> Written:
        """A new version; the same content again makes none.

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
            moved = (owners[0] if owners else self.visit.actor.org) != held.cid
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
            kind=held.kind if follows else kinds.of(resource),
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

    async def delete(self, rtype: str, id: str, *, if_match: int | None = None) -> Written:
        """A last version without content; the row stays. Deleting again changes nothing."""
        held = await self.held(rtype, id)
        address = Address(held.cid, held.rid, rtype, held.id)
        if held.gone:
            return Written(address, held.ver, held.upd, b"", created=False, changed=False)
        self._check(held, rtype, "delete", if_match, platform=False)
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

    async def reserve(self, rtype: str, id: str) -> Address | None:
        """Where a client-chosen id already is; else None, and nobody else makes it meanwhile."""
        for last in (False, True):
            try:
                held = await self.held(rtype, id, lock=False)
                return Address(held.cid, held.rid, rtype, held.id)
            except errors.NotFound:
                if not last:
                    number = self.visit.door.definitions.types[rtype]
                    hashed = self.visit.door.hasher.client_id(number, id)
                    await self.conn.execute(store.RESERVE, (hashed,))
        return None

    async def held(self, rtype: str, id: str, *, lock: bool = True) -> Held:
        """The row of an id, as this actor sees it, locked; Nothing when hidden or absent."""
        door = self.visit.door
        number = door.definitions.types[rtype]
        values: dict[str, object] = {"rtype": number}
        routed = door.ids.decode(id)
        text = store.LOCK
        if routed is not None:
            values |= {"cid": routed[0], "rid": routed[1]}
            self.tried.add(routed[0])
            text += " AND r.cid = %(cid)s::bigint AND r.rid = %(rid)s::bigint"
        else:
            values |= {"h": door.hasher.client_id(number, id), "id": id}
            text += (
                " AND r.id = %(id)s::text AND (r.cid, r.rid) IN"
                " (SELECT m.cid, m.rid FROM record.id_map m WHERE m.h = %(h)s::bigint)"
            )
        decision = await self._decision(routed[0] if routed else None)
        text += " AND " + condition(decision.scope, values, public=rtype in PUBLIC)
        text += " ORDER BY r.rid LIMIT 1"
        await self._enter(decision.scope, {routed[0]} if routed else set())
        found = await store.held(self.conn, text, values)
        if found is None:
            raise Nothing
        if not lock or found.cid == DIRECTORY:
            return found
        # Row locks need the right to write the compartment, so the lock is a second statement.
        await self._enter(decision.scope, {found.cid})
        values |= {"cid": found.cid, "rid": found.rid}
        locked = store.LOCK + " AND r.cid = %(cid)s::bigint AND r.rid = %(rid)s::bigint"
        locked += " FOR UPDATE OF r"
        found = await store.held(self.conn, locked, values)
        if found is None:
            raise Nothing
        return found

    async def find(self, query: Query, scope: Scope | None = None) -> list[Stored]:
        """A search inside the transaction, untraced: for the acts' own checks.

        scope: another than what this actor sees.
        """
        door = self.visit.door
        cids = query.compartments
        if scope is None:
            scope = (await door.decide(self.conn, self.visit.actor, cids)).scope
        named = query.patients(door.ids)
        sets = await queries.sets(self.conn, sorted(named)) if named else {}
        query = query.widened(sets, door.ids) if sets else query
        text, values = matches(query, scope, door.place(query.rtype))
        await self._enter(scope, set())
        async with self.conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(text.encode(), values)
            rows = await cur.fetchall()
        ciphers = await door.vault.ciphers(self.conn, {row.cid for row in rows})
        return all_opened(rows, door.names, ciphers)

    async def alone(self, text: str) -> None:
        """Nobody else passes here with the same text until this transaction ends."""
        await self.conn.execute(store.RESERVE, (self.visit.door.hasher.number(text),))

    async def present(self, places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the rows (compartment, number) that this actor sees and that are not deleted."""
        decision = await self._decision(None)
        values: dict[str, object] = {
            "cid": [cid for cid, _ in places],
            "rid": [rid for _, rid in places],
        }
        text = store.PRESENT + " AND " + condition(decision.scope, values, public=True)
        await self._enter(decision.scope, set())
        cursor = await self.conn.execute(text.encode(), values)
        return {(row[0], row[1]) for row in await cursor.fetchall()}

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

    def decided(self, cid: int, decision: Decision) -> None:
        """From here on this unit sees a record by this decision: an act reaches what its caller does not."""
        self._scopes[cid] = decision

    async def rows(self, cid: int, rids: Sequence[int], *, following: bool = False) -> list[Stored]:
        """Rows by their numbers, or what follows them, as this unit sees them; deleted ones too."""
        decision = await self._decision(cid)
        values: dict[str, object] = {"cid": cid, "rids": list(rids)}
        column = "origin" if following else "rid"
        text = (
            f"SELECT {COLUMNS}, '' AS mark FROM record.resource r WHERE r.cid = %(cid)s::bigint"
            f" AND r.{column} = ANY (%(rids)s::bigint[])"
            f" AND {condition(decision.scope, values, public=False)} ORDER BY r.rid"
        )
        await self._enter(decision.scope, set())
        async with self.conn.cursor(row_factory=class_row(Row)) as cur:
            await cur.execute(text.encode(), values)
            found = await cur.fetchall()
        ciphers = await self.visit.door.vault.ciphers(self.conn, [cid])
        return all_opened(found, self.visit.door.names, ciphers)

    async def borne(self, cid: int, rids: Sequence[int]) -> labels.Label:
        """Every label that any of the rows bears."""
        decision = await self._decision(cid)
        await self._enter(decision.scope, set())
        cursor = await self.conn.execute(store.LABELS, {"cid": cid, "rids": list(rids)})
        row = await cursor.fetchone()
        return labels.Label(row[0] if row and row[0] is not None else 0)

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
        if not own or held.cid == DIRECTORY:
            raise NotDepositor

    async def _open(self, held: Held, rtype: str) -> Stored:
        ciphers = await self.visit.door.vault.ciphers(self.conn, [held.cid])
        return opened(held, rtype, ciphers)

    def _after(self, held: Held) -> datetime:
        """When a change is written: after what it changes, though it may have begun before it."""
        return max(self.at, held.upd + TICK)

    async def _change(self, changed: Changed, at: datetime) -> None:
        cid = changed.before.cid
        decision = await self._decision(cid)
        ciphers = await self.visit.door.vault.ciphers(self.conn, [cid])
        await self._enter(decision.scope, {cid})
        await write.change(self.conn, changed, ciphers[cid], self.visit.door.hasher, at)
        self.changed.append((cid, changed.before.rid, changed.before.ver + 1))

    async def _decision(self, cid: int | None) -> Decision:
        if cid not in self._scopes:
            self._scopes[cid] = await self.visit.door.decide(
                self.conn, self.visit.actor, None if cid is None else [cid]
            )
        return self._scopes[cid]

    async def _enter(self, scope: Scope, written: set[int]) -> None:
        parts = context_parts(scope, written=sorted(written | self.fed))
        await self.conn.execute(SET, (self.visit.door.context(self.conn, parts),))

    # -- the end ---------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Everything put, the trace and the outbox; the caller's transaction commits."""
        door = self.visit.door
        traced = [(row.cid, row.rid, row.ver) for row in self.new] + self.changed + self.told
        released = [(rid, ver) for cid, rid, ver in traced if cid != DIRECTORY]
        cids = {cid for cid, _, _ in traced}
        cids -= {DIRECTORY, self.visit.actor.org or DIRECTORY}
        ciphers = await door.vault.ciphers(self.conn, {row.cid for row in self.new})
        async with within(self.conn):
            for made in self.made[self._opened :]:
                await write.add_compartment(self.conn, made, self.at)
            self._opened = len(self.made)
            if self.new:
                await self._enter(Scope(), {row.cid for row in self.new})
                # Deterministic order, so that two transactions never wait for each other in a ring.
                rows = sorted(self.new, key=lambda row: (row.cid, row.rid))
                await write.insert(self.conn, rows, ciphers, door.hasher, self.at)
            if self.finds and not self._counted:
                self._counted = True
                trace = self.visit.trace("find", "find-to-feed")
                await audit.write(self.conn, trace, granted=True)
            if traced:
                await audit.write(
                    self.conn,
                    self.visit.trace(self.act, self.rule),
                    granted=True,
                    cids=sorted(cids),
                    released=released,
                )
        # What is written is not written again by the flush of the end.
        self.new, self.changed, self.told = [], [], []

    def reading(self) -> Visit:
        """A visit that reads inside this transaction: what it has written and flushed is seen."""
        joined = cast(Pool, Joined(self.conn))
        return replace(self.visit, door=replace(self.visit.door, pool=joined))


class Joined:
    """Stands for the pool where what is read belongs to a transaction already open."""

    def __init__(self, conn: AsyncConnection[Any]) -> None:
        self._conn = conn

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The transaction's own connection."""
        yield self._conn


async def commit(visit: Visit, work: Callable[[Unit], Awaitable[Result]], act: str) -> Result:
    """Run `work` in one transaction, again when it met another one (40001, 40P01)."""
    door = visit.door
    for attempt in range(ATTEMPTS):
        try:
            async with door.pool.connection() as conn:
                unit = Unit(visit, conn, door.clock(), act=act)
                try:
                    async with conn.transaction():
                        result = await work(unit)
                        await unit.flush()
                except BaseException:
                    for made in unit.made:
                        door.vault.forget(made.cid)
                    raise
                return result
        # The last: of what reads within, whose decision had changed and which tried again.
        except (pg.SerializationFailure, pg.DeadlockDetected, pg.InFailedSqlTransaction):
            await asyncio.sleep(0.01 * 2**attempt)
            async with door.pool.connection() as conn:  # it may have indexed by less than there is
                await door.catalogue.look(conn)
        except errors.CarnetError as refusal:
            if unit.finds:
                await visit.refused("find", "find-to-feed")
            if unit.looked or isinstance(
                refusal, errors.Forbidden | errors.NotFound | UnknownOwner | TooManyPatientsRead
            ):
                tried = unit.tried - {DIRECTORY, visit.actor.org}
                await visit.refused(act, _rule(refusal), sorted(tried))
            raise
    raise Busy


def _rule(refusal: errors.CarnetError) -> str:
    """The name of a refusal as traces write it: NotDepositor is not-depositor."""
    return re.sub("(?<!^)([A-Z])", r"-\1", type(refusal).__name__).lower()


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
