# SPDX-License-Identifier: EUPL-1.2
"""The services around the record, in one table: who is told, which jobs, which addresses, which ports.

A service is a slice and a file of this folder that binds it to a process. Its acts stand with the others in
`parts.acts`, its pages in `pages`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

import procrastinate
from starlette.routing import BaseRoute

from carnet.access.door import Door
from carnet.app import ecosystem, hospital, imaging, messaging
from carnet.app.parts import Built
from carnet.config import Settings
from carnet.documents import corrected
from carnet.events import Event, Listener
from carnet.postgres.server import Server


@dataclass(frozen=True, slots=True)
class Service:
    """What one service adds to the processes of Carnet.

    listeners: told of every committed write, by the one relay (door of the worker's role). jobs: adds its
    periodic tasks to the worker's queue. routes: addresses of programs, beside /fhir and /oauth.
    serve: its own port, until cancelled (`carnet mail`, `carnet hl7`, `carnet dicom`), also beside a
    demonstration.
    """

    name: str
    listeners: Callable[[Door], Sequence[Listener]] | None = None
    jobs: Callable[[procrastinate.App, Door], None] | None = None
    routes: Callable[[Built], Sequence[BaseRoute]] | None = None
    serve: Callable[[Settings, Server], Coroutine[Any, Any, None]] | None = None


SERVICES: Final[tuple[Service, ...]] = (
    Service("ecosystem", jobs=ecosystem.jobs),
    Service("imaging", routes=imaging.routes, serve=imaging.serve),
    Service("hospital", serve=hospital.serve),
    Service("messaging", jobs=messaging.jobs, serve=messaging.serve),
)


def listeners(made: Door) -> Sequence[Listener]:
    """Who is told what has happened; made: the door of the worker's role."""

    async def corrections(event: Event) -> None:
        await corrected.tell(made, event)

    found: list[Listener] = [corrections]
    for service in SERVICES:
        if service.listeners is not None:
            found += service.listeners(made)
    return found


def jobs(app: procrastinate.App, made: Door) -> None:
    """The periodic tasks of every service."""
    for service in SERVICES:
        if service.jobs is not None:
            service.jobs(app, made)


def routes(built: Built) -> list[BaseRoute]:
    """The addresses of every service."""
    return [
        route
        for service in SERVICES
        if service.routes is not None
        for route in service.routes(built)
    ]
