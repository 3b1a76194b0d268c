# SPDX-License-Identifier: EUPL-1.2
"""What programs speak to: the API, the national form of it, and the authorization server."""

from __future__ import annotations

from functools import partial
from typing import Any

from anyio import from_thread
from psycopg_pool import ConnectionPool
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.limits.refusals import AccountStopped
from carnet.app import services
from carnet.app.parts import Built, actor, claims, visit
from carnet.directory import find as directory
from carnet.documents.guide import Guided
from carnet.oauth.origins import Origins, Shared
from carnet.oauth.routes import application as oauth
from carnet.oauth.routes import documents
from carnet.oauth.server import Office, UnknownSubject
from carnet.postgres.pool import limited
from carnet.postgres.server import Server
from carnet.rest.routes import application as api

CONNECTIONS = 4  # of the authorization server, in each process
WAIT = 5.0  # seconds a request waits for one of them


class AtRoot:
    """The API's own root, asked for without its final slash: where transactions are posted."""

    def __init__(self, served: ASGIApp, root: str = "/fhir") -> None:
        self._served = served
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = self._root
        await self._served({**scope, "root_path": root, "path": f"{root}/"}, receive, send)


def connections(server: Server) -> ConnectionPool[Any]:
    """Synchronous ones, not yet open: Authlib answers in a thread."""
    return ConnectionPool(
        limited(server.url("carnet_app"), name="carnet oauth"),
        kwargs={"autocommit": True},
        min_size=1,
        max_size=CONNECTIONS,
        name="carnet oauth",
        timeout=WAIT,
        max_lifetime=3600.0,
        open=False,
    )


def office(built: Built) -> Office:
    """What the authorization server is made of."""

    async def made(sub: str, situation: str | None, client: str, scope: str) -> dict[str, Any]:
        who = await actor(built, sub, client=client, situation=situation)
        said = claims(built, who, scope)
        if who.kind is ActorKind.PROFESSIONAL and who.rpps is not None:
            # Absent from the directory: the token keeps the number, an application is told nothing.
            found = await directory.professional(visit(built, who), who.rpps)
            said["fhirUser"] = found or said["fhirUser"]
        return said

    def told(sub: str, situation: str | None, client: str, scope: str) -> dict[str, Any]:
        try:
            return from_thread.run(partial(made, sub, situation, client, scope))
        except (errors.Unauthenticated, AccountStopped):
            raise UnknownSubject from None

    return Office(
        settings=built.settings,
        tokens=built.desk.tokens,
        clock=built.door.clock,
        random=built.door.random,
        claims=told,
        patient=lambda cid: built.door.ids.encode(cid, cid),
    )


def routes(built: Built, pool: ConnectionPool[Any]) -> list[BaseRoute]:
    """Documents about the server first: the API would take theirs for types."""
    origins = Origins(pool)
    served = Shared(api(built.desk), origins)
    guided = Guided(served)  # the same, as the national guide of documents has it
    return [
        *documents(built.settings.base_url),
        Route("/fhir", AtRoot(served)),  # a Mount has no "/fhir" itself
        Mount("/fhir", served),
        Route("/pdsm", AtRoot(guided, "/pdsm")),
        Mount("/pdsm", guided),
        *services.routes(built),
        Mount("/oauth", Shared(oauth(built.desk, office(built), pool), origins)),
    ]
