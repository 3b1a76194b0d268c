# SPDX-License-Identifier: EUPL-1.2
"""A professional opens an application on a patient, from their desk. Source: SMART App Launch 2.2, 2.0.5."""

from __future__ import annotations

from datetime import timedelta

from carnet import errors
from carnet.access import audit
from carnet.access.actor import ActorKind
from carnet.access.door import Visit
from carnet.oauth import allowances, kinds
from carnet.oauth.allowances import Launchable
from carnet.oauth.requests import digest, new_secret, with_query


class NotOpened(errors.NotFound):
    """No such application opens on this patient."""


async def offered(visit: Visit) -> list[Launchable]:
    """Applications that a professional may open on a patient."""
    if visit.actor.kind is not ActorKind.PROFESSIONAL:
        return []
    async with visit.door.pool.connection() as conn:
        return await allowances.launchable(conn)


async def launch(visit: Visit, patient: str, client: str, *, issuer: str) -> str:
    """The address that opens an application on a patient; NotOpened whatever the reason.

    The application comes back to the authorization endpoint with the secret in it, for the same person
    alone and within minutes; what it reads is judged then as their own reading would be.
    """
    place = visit.door.ids.decode(patient)
    if visit.actor.kind is not ActorKind.PROFESSIONAL or place is None or place[0] != place[1]:
        raise NotOpened
    cid, now, secret = place[0], visit.door.clock(), new_secret(visit.door.random)
    async with visit.door.pool.connection() as conn:
        decision = await visit.door.decide(conn, visit.actor, [cid])
        found = [one for one in await allowances.launchable(conn) if one.id == client]
    if not decision.granted or not found:
        await visit.refused("app-opened", "no-relation", [cid])
        raise NotOpened
    async with visit.door.pool.connection() as conn, conn.transaction():
        await allowances.open_on(
            conn,
            hash=digest(secret),
            client=client,
            sub=visit.actor.sub,
            situation=visit.actor.situation or None,
            cid=cid,
            context={},
            until=now + timedelta(seconds=kinds.table()["limits"]["launch"]),
        )
        trace = visit.trace("app-opened", decision.rule)
        await audit.write(conn, trace, granted=True, cids=[cid])
    return with_query(found[0].launch, {"iss": f"{issuer}/fhir", "launch": secret})
