# SPDX-License-Identifier: EUPL-1.2
"""The decision: this actor, these records, this purpose, now: what may they see?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from carnet.fhir.search.scope import Admits, OfOrganisation, Scope
from carnet.fhir.store.attachments import Attachments
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.ids import Ids
from carnet.fhir.store.index import Indexer
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.vault import Vault
from carnet.postgres.pool import Pool

MOST_PATIENTS = 5000  # of a professional, in a search that names none
# What a patient sees of their record; a Binary that no document names is its depositor's alone.
ALL_KINDS = tuple(sorted({kind.number for kind in kinds.table().values()} - {kinds.LOOSE}))
LOOSE_FOR = timedelta(hours=24)  # how long a Binary that no document names is its depositor's


class TooManyPatients(errors.TooCostly):
    """You follow too many patients to search them all at once: name one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and by which rule.

    granted: false when no rule opens any of the records asked for; the trace says it was refused.
    """

    scope: Scope
    rule: str
    granted: bool = True


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
    others = tuple(sorted(link.cid for link in links if not link.treating))
    admits = []
    if treated:  # the médecin traitant reads what is masked too (CSP L.1111-16)
        admits.append(Admits(treated, (*rows, kinds.UNCLASSIFIED), int(Label.NONE)))
    if others:  # with those treated: what two patients own is seen by who may see both
        admits.append(Admits(linked, rows, int(Label.MASQUE_PS)))
    team = None
    in_team = tuple(sorted(link.cid for link in links if link.in_team))
    if in_team and actor.org is not None:
        # The mask is lifted for the depositing establishment, the matrix is not (CSP R.1111-49).
        team = OfOrganisation(actor.org, in_team, (*rows, kinds.UNCLASSIFIED))
    scope = Scope(tuple(admits), team=team, professional=rpps, held=held, loose_since=since)
    if treated and not others:
        return Decision(scope, "treating-doctor")
    return Decision(scope, "care-team" if in_team else "visit-consent")


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
            case ActorKind.PATIENT if actor.patient is not None:
                return await self._patient(conn, actor.patient)
            case ActorKind.PROFESSIONAL if actor.rpps is not None:
                return await self._professional(conn, actor, actor.rpps, cids)
            case ActorKind.SOFTWARE if actor.org is not None:
                scope = Scope(software=actor.org, loose_since=self.clock() - LOOSE_FOR)
                return Decision(scope, "software-own-deposits")
            case _:
                return Decision(Scope(), "none", granted=False)

    async def _patient(self, conn: AsyncConnection[Any], patient: int) -> Decision:
        if not await queries.open_records(conn, [patient]):
            return Decision(Scope(), "patient-record-not-open", granted=False)
        seen = Admits((patient,), ALL_KINDS, int(Label.INVISIBLE_PATIENT))
        return Decision(Scope((seen,)), "patient-self")

    async def _professional(
        self, conn: AsyncConnection[Any], actor: Actor, rpps: int, cids: Sequence[int] | None
    ) -> Decision:
        now = self.clock()
        found = await queries.links(conn, rpps, cids, now, MOST_PATIENTS + 1)
        if len(found) > MOST_PATIENTS:
            raise TooManyPatients
        return judged(actor, rpps, found, self.matrix, now)

    def place(self, rtype: str) -> Place:
        """Where the filters of a search on one type are compiled."""
        return Place(
            rtype,
            self.definitions.types[rtype],
            self.hasher,
            self.ids,
            self.owners.principal(rtype),
            self.clock,
        )

    def context(self, conn: AsyncConnection[Any], parts: Sequence[str]) -> str:
        """The sealed context of the next statement on this connection.

        Its expiry is checked by the database's clock, so it is the system's, not the injected one.
        """
        return self.sealer.seal(parts, conn.pgconn.backend_pid, time.time())
