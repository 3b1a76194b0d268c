# SPDX-License-Identifier: EUPL-1.2
"""Puts the parts together: the door, the API, the acts of the slices, the people's web, the relay."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from carnet import portal
from carnet.access.door import tombstones
from carnet.access.limits import address
from carnet.access.limits.counter import Counter
from carnet.app import protocol
from carnet.app.guard import Guard
from carnet.app.pages import PageParts, secret_key
from carnet.app.parts import Built, build, sealing
from carnet.app.services import listeners
from carnet.app.watching import Watch
from carnet.config import Instance, Settings
from carnet.events import Relay
from carnet.fhir.search.own import catalogue
from carnet.portal import bridge
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server
from carnet.rights.clock import Shifted, follow

__all__ = ["Built", "application", "build"]


def application(settings: Settings, server: Server) -> Starlette:
    """The ASGI application of one process: /fhir, and the people's web when the settings say so."""
    quiet_logs(settings)
    app = Starlette(
        routes=[Route("/health", health, methods=["GET"])], lifespan=_lifespan(settings, server)
    )

    def counter() -> Counter | None:
        built: Built | None = getattr(app.state, "built", None)
        return None if built is None else built.door.counter

    app.add_middleware(Guard, counter=counter, proxies=address.networks(settings.proxies))
    return app


def _lifespan(settings: Settings, server: Server) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        built = await build(settings, server)
        app.state.built = built
        asking = protocol.connections(server)
        await run_in_threadpool(asking.open)
        app.router.routes.extend(protocol.routes(built, asking))
        if settings.pages:
            bridge.attach(asyncio.get_running_loop())
            set_up_pages(settings, server, built)
            app.router.routes.append(Mount("/", portal.asgi_application()))
        jobs = await open_pool(
            server.url("carnet_worker"), min_size=1, max_size=2, name="carnet relay", limits=JOB
        )
        beside = [
            asyncio.create_task(Relay(jobs, listeners(replace(built.door, pool=jobs))).run()),
            asyncio.create_task(tombstones.follow(built.door.vault, jobs)),
            asyncio.create_task(catalogue.follow(built.door.catalogue, jobs)),
            asyncio.create_task(built.door.counter.run()),
            asyncio.create_task(Watch(built).run()),
            asyncio.create_task(sealing(settings, jobs, built.door).run()),
        ]
        if isinstance(built.door.clock, Shifted):
            beside.append(asyncio.create_task(follow(built.door.clock, jobs)))
        gc.freeze()  # definitions and compiled functions are never garbage
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await run_in_threadpool(asking.close)
            await jobs.close()
            await built.pool.close()

    return lifespan


async def health(request: Request) -> PlainTextResponse:
    """Whether this process and its database answer."""
    built: Built = request.app.state.built
    async with built.pool.connection() as conn:
        await conn.execute("SELECT 1")
    return PlainTextResponse("ok")


def quiet_logs(settings: Settings) -> None:
    """JSON lines on standard error: ids and codes only."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def set_up_pages(settings: Settings, server: Server, built: Built | None) -> None:
    """Configure the people's web; without parts, for its accounts and migrations alone."""
    portal.setup(
        database_url=server.url("carnet_portal"),
        secret_key=secret_key(settings.keys),
        base_url=settings.base_url,
        demo=settings.instance is Instance.DEMONSTRATION,
        private=settings.instance is Instance.PRIVATE,
        parts=None if built is None else PageParts(built),
    )
