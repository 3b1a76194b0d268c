# SPDX-License-Identifier: EUPL-1.2
"""Who is in a private instance: its owner, the software that loads for them, and whom documents name."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from carnet.access import queries as subjects
from carnet.access.actor import Actor, ActorKind
from carnet.app.opening import queries
from carnet.app.parts import Built, actor, visit
from carnet.directory.load import load as load_directory
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import carry_out

SOFTWARE: Final = "software:opening"
UNNAMED: Final = "patient:unnamed"
NOBODY: Final = "Documents qui ne nomment personne"
LOADER: Final = Actor(
    ActorKind.OPERATOR, "platform:directory", "Ouverture de documents", "carnet-open"
)
PLACE: Final[dict[str, Any]] = {
    "resourceType": "Organization",
    "id": "opening",
    "identifier": [{"system": "urn:carnet:opening", "value": "opening"}],
    "active": True,
    "name": "Documents ouverts sur cette machine",
}


async def ensure(built: Built, owner_url: str) -> None:
    """The loading software and the record of what names nobody; again, they are the same."""
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        found = await subjects.subject(conn, UNNAMED)
    if found is not None:
        return
    (place,) = await load_directory(visit(built, LOADER), [PLACE])
    software = {
        "sub": SOFTWARE, "kind": "software", "name": PLACE["name"], "rpps": None,
        "profession": None, "patient": None,
    }  # fmt: skip
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        await conn.execute(subjects.ADD_SUBJECT, software)
        await conn.execute(
            subjects.ADD_SITUATION, {"id": SOFTWARE, "sub": SOFTWARE, "org": place.rid}
        )
        await conn.commit()
        who = await actor(built, SOFTWARE, client="carnet-open")
        resource = {"resourceType": "Patient", "name": [{"text": NOBODY}]}
        plan = Plan([Entry("POST", "Patient", resource=resource)])
        await carry_out(visit(built, who), built.desk.acts, plan)
        made = plan.entries[0].address
        assert made is not None
        nobody = software | {"sub": UNNAMED, "kind": "patient", "name": NOBODY, "patient": made.cid}
        await conn.execute(subjects.ADD_SUBJECT, nobody)


async def unnamed(built: Built) -> str:
    """Id of the Patient who gets what names nobody."""
    async with built.pool.connection() as conn:
        found = await subjects.subject(conn, UNNAMED)
    assert found is not None and found.patient is not None
    return built.door.ids.encode(found.patient, found.patient)


async def acquaint(owner_url: str) -> None:
    """Everybody the documents name can be read by the owner."""
    async with await psycopg.AsyncConnection.connect(owner_url) as conn:
        await conn.execute(queries.SUBJECTS)
