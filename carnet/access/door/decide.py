# SPDX-License-Identifier: EUPL-1.2
"""The decision: this actor, these records, this purpose, now: what may they see?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import kinds, queries, reach
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import narrowing
from carnet.access.labels import Label
from carnet.access.limits.counter import Counter
from carnet.access.matrix import ASSISTANT, Matrix
from carnet.access.recent import Recent
from carnet.access.remembered import MOST_TOGETHER, Kept, Remembered
from carnet.access.seal import Sealer
from carnet.config import Settings
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.own import Catalogue
from carnet.fhir.search.query import EVERY, Place
from carnet.fhir.search.scope import Admits, OfOrganisation, Scope
from carnet.fhir.store.attachments import Attachments
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.vault import Vault
from carnet.fhir.terminology import Codes, Terms
from carnet.postgres.pool import Pool

MOST_PATIENTS = 5000  # of a professional, in a search that names none
MOST_HELD = 500  # records one person holds, their own and those they act for
REPRESENTING = frozenset(("representative", "guardian"))
LOOSE_FOR = timedelta(hours=24)  # how long a Binary that no document names is its depositor's


class TooManyHeld(errors.TooCostly):
    """You act for too many people to search them all at once: name one."""


class TooManyPatients(errors.TooCostly):
    """You follow too many patients to search them all at once: name one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and by which rule.

    granted: false when no rule opens any of the records asked for; the trace says it was refused.
    own: compartments of the actor's own record. merged: of the records decided on, those that are
    merged with others, and all of each.
    """

    scope: Scope
    rule: str
    granted: bool = True
    matrix: str = ""  # version it was judged by, "" when none was looked at
    own: frozenset[int] = frozenset()
    merged: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def judged(
    actor: Actor, rpps: int, links: Sequence[queries.Link], matrix: Matrix, now: datetime
) -> Decision:
    """The scope of a professional on the records they have a live link with.

    Without a link they still see what they left in their organisation's own bucket, about nobody.
    """
    linked = tuple(sorted(link.cid for link in links))
    held = linked if actor.org is None else (*linked, actor.org)
    since = now - LOOSE_FOR
    if not linked:
        own = Scope(professional=rpps, held=held, loose_since=since)
        return Decision(own, "no-live-link", granted=False)
    rows = matrix.reads(actor.profession)
    treated = tuple(sorted(link.cid for link in links if link.treating))
    unmasked = tuple(
        sorted(one.cid for one in links if one.treating or (one.trusted and not one.emergency))
    )
    agreed = tuple(sorted(link.cid for link in links if not link.emergency))
    # Each clause holds the records of those above it: what two patients own is seen by who may see both.
    admits = []
    if treated:  # the médecin traitant reads what is masked too (CSP L.1111-16)
        admits.append(Admits(treated, (*rows, kinds.UNCLASSIFIED), int(Label.NONE)))
    if len(unmasked) > len(treated):  # so does who the holder names
        admits.append(Admits(unmasked, rows, int(Label.NONE)))
    if len(agreed) > len(treated):
        admits.append(Admits(agreed, rows, int(Label.MASQUE_PS)))
    if len(linked) > len(agreed):
        least = tuple(sorted(reach.of_emergency().intersection(rows)))
        admits.append(Admits(linked, least, int(Label.MASQUE_PS)))
    team = None
    in_team = tuple(sorted(link.cid for link in links if link.in_team))
    if in_team and actor.org is not None:
        # The mask is lifted for the depositing establishment, the matrix is not (CSP R.1111-49).
        team = OfOrganisation(actor.org, in_team, (*rows, kinds.UNCLASSIFIED))
    scope = Scope(tuple(admits), team=team, professional=rpps, held=held, loose_since=since)
    return Decision(scope, _rule(links), matrix=matrix.version, merged=_merged(links))


def _merged(found: Sequence[queries.Link | queries.Held]) -> dict[int, tuple[int, ...]]:
    """Compartments that are one person's with others, and all of each."""
    if all(one.cid == one.person or not one.person for one in found):  # nearly always
        return {}
    persons: dict[int, set[int]] = {}
    for one in found:
        persons.setdefault(one.person, set()).add(one.cid)
    sets = {each: tuple(sorted(cids)) for each, cids in persons.items() if len(cids) > 1}
    return {cid: cids for cids in sets.values() for cid in cids}


def _rule(links: Sequence[queries.Link]) -> str:
    """The rule that opened: the least of those that did."""
    if any(link.emergency for link in links):
        return "emergency"
    if all(link.treating for link in links):
        return "treating-doctor"
    return "care-team" if any(link.in_team for link in links) else "visit-consent"


def holding(held: Sequence[queries.Held]) -> Decision:
    """The scope of a person on their own record and on those they act for."""
    if not held:
        return Decision(Scope(), "record-not-open-or-no-mandate", granted=False)
    own = {one.cid for one in held if one.nature == "self"}
    whole = own | {one.cid for one in held if one.reach == "all"}
    care = whole | {one.cid for one in held if one.reach == "care"}
    every = {one.cid for one in held}
    hidden = int(Label.INVISIBLE_PATIENT)
    others = hidden | int(Label.INVISIBLE_REPRESENTANTS_LEGAUX)
    # Each clause holds the records of those above it, for what two people own.
    admits = []
    if own:
        admits.append(Admits(tuple(sorted(own)), reach.ALL_KINDS, hidden))
    for cids, above, name in (
        (whole, own, "all"),
        (care, whole, "care"),
        (every, care, "management"),
    ):
        if len(cids) > len(above):
            admits.append(Admits(tuple(sorted(cids)), reach.of_mandate(name), others))
    natures = {one.nature for one in held}
    if natures == {"self"}:
        rule = "patient-self"
    elif natures <= REPRESENTING | {"self"}:
        rule = "representative"
    else:
        rule = "helper-session" if "helper" in natures else "carer-mandate"
    return Decision(Scope(tuple(admits)), rule, own=frozenset(own), merged=_merged(held))


def _nobodys(cids: Sequence[int] | None) -> bool:
    """Whether only the directory is asked for: nobody's record, no link with it."""
    return cids is not None and not any(cids)


@dataclass(frozen=True)
class Door:
    """Everything a decision and a statement need; one a process."""

    pool: Pool
    definitions: Definitions
    owners: Owners
    ids: Ids
    hasher: Hasher
    cursors: Cursors
    vault: Vault
    catalogue: Catalogue
    indexer: Indexer
    attachments: Attachments
    sealer: Sealer
    matrix: Matrix  # with the versions after it
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    settings: Settings
    names: dict[int, str]  # type by its number
    counter: Counter  # of what is limited
    recent: Recent = field(default_factory=Recent)  # who was read less than an hour ago, by whom
    remembered: Remembered[Decision] = field(default_factory=Remembered)
    codes: Codes = field(default_factory=Terms)  # what value sets and hierarchies of codes hold

    async def decide(
        self, conn: AsyncConnection[Any], actor: Actor, cids: Sequence[int] | None
    ) -> Decision:
        """The scope of an actor on some records, or on all theirs (cids None), as it is now."""
        return (await self._made(conn, actor, cids, self.clock()))[0]

    async def recall(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        *,
        anew: bool = False,
    ) -> Decision:
        """The same, perhaps remembered: for who reads under the context of its scope, and no one else.

        A statement fails (SerializationFailure) when what the decision was made of has changed before
        it: it is then to be decided anew. A refusal is never remembered.
        """
        now = self.clock()
        if cids is None or len(cids) > MOST_TOGETHER or actor.kind is ActorKind.SOFTWARE:
            return (await self._made(conn, actor, cids, now))[0]
        matrix, key = self.matrix.at(now), (actor, tuple(cids))
        if not anew and (found := self.remembered.get(key, now, matrix)) is not None:
            if found.scope.loose_since is None:
                return found
            return replace(found, scope=replace(found.scope, loose_since=now - LOOSE_FOR))
        made, proof = await self._made(conn, actor, cids, now, proven=True)
        if proof is None:
            return made
        made = replace(made, scope=replace(made.scope, proof=proof.text))
        if made.granted and "NULL" not in proof.text:  # what has no revision would not tell
            self.remembered.keep(key, Kept(made, now, proof.next, matrix))
        return made

    async def sets(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        decision: Decision,
        cids: Sequence[int],
        *,
        anew: bool = False,
    ) -> Decision:
        """A software's decision, which looks at nobody's record, with the sets these are of.

        They are remembered as `recall` remembers: what reads under its scope proves them.
        """
        now = self.clock()
        if len(cids) > MOST_TOGETHER:
            return replace(decision, merged=await queries.sets(conn, cids))
        matrix, key = self.matrix.at(now), (actor, tuple(cids))
        found = None if anew else self.remembered.get(key, now, matrix)
        if found is None:
            proof, merged = await queries.sets_proven(conn, cids, now)
            scope = replace(decision.scope, proof=proof.text)
            found = replace(decision, scope=scope, merged=merged)
            if "NULL" not in proof.text:
                self.remembered.keep(key, Kept(found, now, proof.next, matrix))
        scope = replace(decision.scope, proof=found.scope.proof)
        return replace(decision, scope=scope, merged=found.merged)

    async def _made(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        now: datetime,
        *,
        proven: bool = False,
    ) -> tuple[Decision, queries.Proof | None]:
        made, proof = await self._opened(conn, actor, cids, now, proven)
        return self._narrowed(made, actor), proof

    def _narrowed(self, made: Decision, actor: Actor) -> Decision:
        """The same, as far as the scopes of a token and what its grant allows go."""
        if not narrowing.narrows(actor):
            return made
        scope = narrowing.narrowed(made.scope, actor, made.merged, self.definitions, self.hasher)
        return replace(made, scope=scope)

    async def _opened(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        now: datetime,
        proven: bool,
    ) -> tuple[Decision, queries.Proof | None]:
        match actor.kind:
            case ActorKind.PATIENT if actor.patient is not None:
                return await self._holder(conn, actor, cids, now, proven)
            case ActorKind.HELPER:
                return await self._holder(conn, actor, cids, now, proven)
            case ActorKind.PROFESSIONAL if actor.rpps is not None:
                found, proof = await self._links(conn, actor, actor.rpps, cids, now, proven)
                return judged(actor, actor.rpps, found, self.matrix.at(now), now), proof
            case ActorKind.ASSISTANT if actor.rpps is not None:
                return await self._assistant(conn, actor, actor.rpps, cids, now, proven)
            case ActorKind.SOFTWARE if actor.org is not None:
                scope = Scope(software=actor.org, loose_since=now - LOOSE_FOR)
                return Decision(scope, "software-own-deposits"), None
            case _:
                return Decision(Scope(), "none", granted=False), None

    async def _holder(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        cids: Sequence[int] | None,
        now: datetime,
        proven: bool,
    ) -> tuple[Decision, queries.Proof | None]:
        who, proof = (actor.sub, actor.patient), None
        found: list[queries.Held] = []
        if _nobodys(cids):
            pass
        elif proven and cids is not None:
            proof, found = await queries.held_proven(conn, *who, cids, now, MOST_HELD + 1)
        else:
            found = await queries.held(conn, *who, cids, now, MOST_HELD + 1)
        if len(found) > MOST_HELD:
            raise TooManyHeld
        if (
            actor.secret
        ):  # a minor's, of their own record alone: it would hide what they do in another's
            found = [one for one in found if one.nature == "self"]
        return holding(found), proof

    async def _links(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        rpps: int,
        cids: Sequence[int] | None,
        now: datetime,
        proven: bool,
    ) -> tuple[list[queries.Link], queries.Proof | None]:
        proof = None
        if _nobodys(cids):
            return [], None
        if proven and cids is not None:
            beside = (-rpps,) if actor.kind is ActorKind.ASSISTANT else ()
            proof, found = await queries.links_proven(
                conn, rpps, cids, now, MOST_PATIENTS + 1, beside
            )
        else:
            found = await queries.links(conn, rpps, cids, now, MOST_PATIENTS + 1)
        if len(found) > MOST_PATIENTS:
            raise TooManyPatients
        return found, proof

    async def _assistant(
        self,
        conn: AsyncConnection[Any],
        actor: Actor,
        rpps: int,
        cids: Sequence[int] | None,
        now: datetime,
        proven: bool,
    ) -> tuple[Decision, queries.Proof | None]:
        """Records of the professional they act for, as far as an assistant's line of the matrix goes."""
        # The proof first: what is read after it can only be newer, and then no statement passes by it.
        found, proof = await self._links(conn, actor, rpps, cids, now, proven)
        if not await queries.assists(conn, actor.sub, rpps, now):
            return Decision(Scope(), "not-an-assistant", granted=False), proof
        links = [one for one in found if not one.emergency]
        if not links:
            return Decision(Scope(), "no-live-link", granted=False), proof
        linked = tuple(sorted(link.cid for link in links))
        matrix = self.matrix.at(now)
        seen = Admits(linked, matrix.reads(ASSISTANT), int(Label.MASQUE_PS))
        scope = Scope((seen,))
        return Decision(scope, "assistant", matrix=matrix.version, merged=_merged(links)), proof

    def place(self, rtype: str) -> Place:
        """Where the filters of a search on one type are compiled."""
        return Place(
            rtype,
            self.definitions.types[rtype] if rtype != EVERY else 0,
            self.hasher,
            self.ids,
            self.owners.principal(rtype) if rtype != EVERY else None,
            self.clock,
        )

    def context(self, conn: AsyncConnection[Any], parts: Sequence[str]) -> str:
        """The sealed context of the next statement on this connection.

        Its expiry is checked by the database's clock, so it is the system's, not the injected one.
        """
        return self.sealer.seal(parts, conn.pgconn.backend_pid, time.time())
