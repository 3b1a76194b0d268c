# SPDX-License-Identifier: EUPL-1.2
"""The decision: this actor, these records, this purpose, now: what may they see?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from carnet import errors
from carnet.access import kinds, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.labels import Label
from carnet.access.matrix import Matrix
from carnet.access.seal import Sealer
from carnet.config import Settings
from carnet.fhir.definitions import Definitions
from carnet.fhir.search.query import Place
from carnet.fhir.search.scope import Admits, Scope
from carnet.fhir.store.attachments import Attachments
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.vault import Vault
from carnet.postgres.pool import Pool

MOST_PATIENTS = 5000  # of a professional, in a search that names none
ALL_KINDS = tuple(sorted(kind.number for kind in kinds.table().values()))


class TooManyPatients(errors.TooCostly):
    """You follow too many patients to search them all at once: name one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and by which rule."""

    scope: Scope
    rule: str


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
    indexer: Indexer
    attachments: Attachments
    sealer: Sealer
    matrix: Matrix
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    settings: Settings
    names: dict[int, str]  # type by its number

    async def decide(
        self, conn: AsyncConnection[Any], actor: Actor, cids: Sequence[int] | None
    ) -> Decision:
        """The scope of an actor on some records, or on all theirs (cids None)."""
        match actor.kind:
            case ActorKind.PATIENT:
                return await self._patient(conn, actor)
            case ActorKind.PROFESSIONAL:
                return await self._professional(conn, actor, cids)
            case ActorKind.SOFTWARE if actor.org is not None:
                return Decision(Scope(organisation=actor.org), "software-own-deposits")
            case _:
                return Decision(Scope(), "none")

    async def _patient(self, conn: AsyncConnection[Any], actor: Actor) -> Decision:
        if actor.patient is None:
            return Decision(Scope(), "none")
        held = tuple(sorted(await queries.open_records(conn, [actor.patient])))
        if not held:
            return Decision(Scope(), "patient-record-not-open")
        seen = Admits(held, ALL_KINDS, int(Label.INVISIBLE_PATIENT))
        return Decision(Scope((seen,)), "patient-self")

    async def _professional(
        self, conn: AsyncConnection[Any], actor: Actor, cids: Sequence[int] | None
    ) -> Decision:
        if actor.rpps is None:
            return Decision(Scope(), "none")
        found = await queries.links(conn, actor.rpps, cids, self.clock(), MOST_PATIENTS + 1)
        if len(found) > MOST_PATIENTS:
            raise TooManyPatients
        if not found:
            return Decision(Scope(), "no-live-link")
        rows = self.matrix.reads(actor.profession)
        treated = tuple(sorted(link.cid for link in found if link.treating))
        others = tuple(sorted(link.cid for link in found if not link.treating))
        admits = []
        if treated:  # the médecin traitant reads what is masked too (CSP L.1111-16)
            admits.append(Admits(treated, (*rows, kinds.UNCLASSIFIED), int(Label.NONE)))
        if others:
            admits.append(Admits(others, rows, int(Label.MASQUE_PS)))
        team = tuple(sorted(link.cid for link in found if link.in_team))
        scope = Scope(
            tuple(admits),
            organisation=actor.org if team else None,
            organisation_held=team if team else None,
            professional=actor.rpps,
            held=tuple(sorted(link.cid for link in found)),
        )
        if treated and not others:
            return Decision(scope, "treating-doctor")
        return Decision(scope, "care-team" if team else "visit-consent")

    def place(self, rtype: str) -> Place:
        """Where the filters of a search on one type are compiled."""
        return Place(
            rtype,
            self.definitions.types[rtype],
            self.hasher,
            self.ids,
            self.owners.principal(rtype),
        )

    def context(self, conn: AsyncConnection[Any], parts: Sequence[str]) -> str:
        """The sealed context of the next statement on this connection.

        Its expiry is checked by the database's clock, so it is the system's, not the injected one.
        """
        return self.sealer.seal(parts, conn.pgconn.backend_pid, time.time())
