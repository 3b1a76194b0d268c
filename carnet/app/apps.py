# SPDX-License-Identifier: EUPL-1.2
"""What the pages of portal/apps call, bound to this process."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import parts
from carnet.app.parts import Built
from carnet.oauth import allowing, asking, launching
from carnet.oauth.allowances import AllowedRow, Launchable
from carnet.oauth.allowing import Choice, NotAllowed, NotOffered
from carnet.portal.apps.acts import Answered, Records
from carnet.rights import mandate
from carnet.rights.mandate import Acting
from carnet.vigilance import find


class AppPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    @property
    def _issuer(self) -> str:
        return self._built.settings.base_url

    async def question(
        self, actor: Actor, secret: str, proven: datetime | None, patient: str
    ) -> Records:
        visit = parts.visit(self._built, actor)
        chosen = _record(visit, patient) if patient else None
        question = await asking.question(visit, secret, proven, chosen)
        records: tuple[tuple[str, str], ...] = ()
        if actor.kind is ActorKind.PATIENT:
            theirs = [(one.patient, one.person) for one in await _represented(visit)]
            own = [("", actor.name)] if actor.patient is not None else []
            records = tuple(own + theirs)
        return Records(question, records)

    async def allow(
        self, actor: Actor, secret: str, chosen: Answered, proven: datetime | None
    ) -> str:
        visit = parts.visit(self._built, actor)
        records = [mandate.compartment(visit, one.patient) for one in await _represented(visit)]
        choice = Choice(
            record=_record(visit, chosen.patient),
            kinds=chosen.kinds,
            writes=chosen.writes,
            until=chosen.until,
            offline=chosen.offline,
            amr=chosen.amr,
        )
        return await allowing.allow(
            visit, secret, choice, issuer=self._issuer, records=records, proven=proven
        )

    async def refuse(self, actor: Actor, secret: str) -> str:
        return await allowing.refuse(parts.visit(self._built, actor), secret, issuer=self._issuer)

    async def mine(self, actor: Actor) -> Sequence[AllowedRow]:
        visit = parts.visit(self._built, actor)
        rows = await allowing.mine(visit)
        if actor.kind is not ActorKind.PATIENT:
            return rows
        held = {mandate.compartment(visit, one.patient) for one in await _represented(visit)}
        held.add(actor.patient or 0)
        return [
            replace(row, live=False, ended_why=row.ended_why or "mandate")
            if row.sub == actor.sub and row.cid not in held
            else row
            for row in rows
        ]

    async def end(self, actor: Actor, id: str) -> None:
        await allowing.end(parts.visit(self._built, actor), _id(id))

    async def shorten(self, actor: Actor, id: str, until: datetime) -> None:
        await allowing.shorten(parts.visit(self._built, actor), _id(id), until)

    async def offered(self, actor: Actor, patient: str) -> Sequence[Launchable]:
        visit = parts.visit(self._built, actor)
        await find.person(visit, patient)  # absent to who may not open it
        return await launching.offered(visit)

    async def launch(self, actor: Actor, patient: str, client: str) -> str:
        return await launching.launch(
            parts.visit(self._built, actor), patient, client, issuer=self._issuer
        )


async def _represented(visit: Visit) -> list[Acting]:
    """Those whose own rights the actor holds: a carer, who runs errands, allows nobody else to read."""
    if visit.actor.kind is not ActorKind.PATIENT:
        return []
    return [one for one in await mandate.acting(visit) if one.represents]


def _record(visit: Visit, patient: str) -> int | None:
    """The compartment of what the page offered."""
    if not patient:
        return visit.actor.patient
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise NotOffered
    return place[0]


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotAllowed from None
