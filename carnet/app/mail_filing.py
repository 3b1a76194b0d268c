# SPDX-License-Identifier: EUPL-1.2
"""The documents of a mail, published as carnet load does, in the record of the one person they all name."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carnet.access import queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.app.loading.files import kind_of
from carnet.documents import brought
from carnet.documents.cda import read
from carnet.documents.cda.conformance import Profile
from carnet.documents.identity import Said, compared, of_header
from carnet.documents.receive import receive
from carnet.documents.receive_file import receive_file, said_of
from carnet.exchange.parts import Part
from carnet.identity.ins import InsClaim
from carnet.messaging.file import Filed, NotVerified
from carnet.rest.acts import Acts

CLIENT: Final = "carnet-mail"
QUALIFIED: Final = "QUAL"


@dataclass(frozen=True)
class Filing:
    """Publishes the documents of a mail as `carnet load` does, in the name of who sent them."""

    door: Door
    acts: Acts

    async def __call__(self, sub: str, parts: Sequence[Part], header: str, patient: str) -> Filed:
        """Every document in the one record they all name; NotVerified, and none of them is, else."""
        actor = await self._actor(sub)
        claims = {await self._of(each) for each in parts}
        if len(claims) != 1:
            raise NotVerified
        (claim,) = claims
        if header and header.upper() not in (claim.value, f"{claim.value}^^^"):
            raise NotVerified
        visit = Visit(self.door, actor, secrets.token_hex(8))
        found = [await self._publish(visit, each) for each in parts]
        return found[0]

    async def attach(self, visit: Visit, parts: Sequence[Part], patient: str) -> Filed:
        """Every document in the record somebody chose, in their visit; none that names another person.

        patient: FHIR id of a Patient they see; what names nobody is theirs by that choice.
        """
        stored = await visit.read("Patient", patient)
        async with self.door.pool.connection() as conn:
            chosen = await queries.identity(conn, stored.cid)
        for each in parts:
            if _says(each):
                claim = await self._of(each)
                if chosen is None or (claim.value, claim.system) != (chosen.ins, chosen.ins_system):
                    raise NotVerified
        found = [await self._publish(visit, each, "" if _says(each) else patient) for each in parts]
        return found[0]

    async def _of(self, part: Part) -> InsClaim:
        """The verified identity a document is about."""
        said: list[Said] = []
        if part.altered:
            raise NotVerified
        if _cda(part):
            patient = (await asyncio.to_thread(read, part.data)).header.patient
            said += [of_header(patient)] if patient is not None else []
        if part.told.person is not None and part.told.person.named:
            said.append(said_of(part.told.person))
        claims = {each.claim for each in said}
        claim = next(iter(claims), None)
        if len(claims) != 1 or claim is None:
            raise NotVerified
        async with self.door.pool.connection() as conn:
            known = await queries.identities_by_ins(conn, claim.value, [claim.system])
        if len(known) != 1 or known[0].status != QUALIFIED or known[0].quarantined:
            raise NotVerified
        if any(compared(each, known[0], Profile.STRICT) for each in said):
            raise NotVerified
        return claim

    async def _publish(self, visit: Visit, part: Part, patient: str = "") -> Filed:
        if _cda(part):
            done = await receive(
                visit,
                self.acts,
                part.data,
                profile=Profile.STRICT,
                masks=brought.masks(part.told),
                relates=brought.relates(part.told),
            )
            address = done.address
        else:
            media = kind_of(part.data, Path(part.name)) or part.media_type
            filed = await receive_file(
                visit,
                self.acts,
                part.data,
                media,
                part.told,
                profile=Profile.STRICT,
                patient=patient,
            )
            address = filed.address
        place = self.door.ids.decode(address.rpartition("/")[2])
        assert place is not None
        return Filed(*place)

    async def _actor(self, sub: str) -> Actor:
        async with self.door.pool.connection() as conn:
            found = await queries.subject(conn, sub)
        if found is None or found.stopped:
            raise NotVerified
        return Actor(
            kind=ActorKind(found.kind),
            sub=found.sub,
            name=found.name,
            client=CLIENT,
            rpps=found.rpps,
            profession=found.profession or "",
            situation=found.situation or "",
            org=found.org,
            org_name=found.org_name or "",
            rev=found.rev,
            authenticated=self.door.clock(),
        )


def _says(part: Part) -> bool:
    """Whether a document says whose it is."""
    return _cda(part) or bool(part.told.person is not None and part.told.person.named)


def _cda(part: Part) -> bool:
    return part.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
