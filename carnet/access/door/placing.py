# SPDX-License-Identifier: EUPL-1.2
"""Placing what is new: whose it is, whether they may be fed, and its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from carnet import errors
from carnet.access import queries, scopes, writing
from carnet.access.actor import ActorKind
from carnet.access.door.decide import MOST_HELD
from carnet.access.door.seeing import Seeing
from carnet.access.door.written import (
    Address,
    NotYours,
    OtherOwner,
    UnknownOwner,
    WrongId,
)
from carnet.fhir.search.references import LITERAL
from carnet.fhir.search.scope import OFFERED
from carnet.fhir.store import queries as store
from carnet.fhir.store.ids import DIRECTORY, UUID
from carnet.fhir.store.rows import Compartment

PATIENT, ORGANISATION = 1, 2  # nature of a compartment
LETTER = {"create": "c", "update": "u", "delete": "d"}  # of SMART scopes
HOLDERS = frozenset((ActorKind.PATIENT, ActorKind.HELPER))  # of their record, or for its person


class Placing(Seeing):
    """A unit of work that gives addresses."""

    __slots__ = ()

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
        elif rtype in OFFERED and await self._offered(resource, known or {}):
            cid = self._offer()
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
        scopes.demand(self.visit.actor, rtype, LETTER[act])

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
        fence = scopes.fence(actor)
        if fence is not None and not all([await self.visit.same(cid, fence) for cid in unknown]):
            raise UnknownOwner
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

    async def may_feed(self, cid: int) -> None:
        """Refuse who may not add to this record."""
        await self._may_feed([cid])

    async def foresee(self, references: Iterable[str]) -> None:
        """Ask at once which of the records that many resources are about may be fed.

        Who is refused is refused where the resource is placed.
        """
        if self.visit.actor.kind in HOLDERS or self.visit.actor.kind is ActorKind.ASSISTANT:
            return
        if scopes.fence(self.visit.actor) is not None:
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
        if scopes.fence(self.visit.actor) is not None:
            raise UnknownOwner
        self.fed.add(org)
        return org

    async def _offered(self, resource: Mapping[str, Any], known: Mapping[str, Address]) -> bool:
        """Whether everybody is to see it: an agenda, and a slot of one that is here."""
        if resource["resourceType"] == "Schedule":
            return True
        reference = str(resource.get("schedule", {}).get("reference", ""))
        if reference in known:
            return known[reference].cid == DIRECTORY
        rtype, _, id = reference.rpartition("/")
        try:
            return rtype == "Schedule" and (await self.held(rtype, id, lock=False)).cid == DIRECTORY
        except errors.NotFound:
            return False

    def _offer(self) -> int:
        """Where what an organisation offers to everybody lies."""
        self._bucket()  # it is an organisation's
        self.fed.add(DIRECTORY)
        return DIRECTORY

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
