# SPDX-License-Identifier: EUPL-1.2
"""The worker: tells the outbox, seals the audit, does the jobs of the queue (procrastinate, `jobs`)."""

from __future__ import annotations

import asyncio

import procrastinate
import structlog
from procrastinate import PsycopgConnector

from carnet.access import door
from carnet.access.door import sweep
from carnet.app.parts import matrix_of, sealing
from carnet.config import Settings
from carnet.documents import announce
from carnet.events import Relay
from carnet.postgres.pool import JOB, limited, open_pool
from carnet.postgres.server import Server

log = structlog.get_logger("carnet.worker")


def queue(server: Server, made: door.Door) -> procrastinate.App:
    """The queue and its jobs."""
    url = limited(server.url("carnet_worker"), name="carnet jobs", limits=JOB, search_path="jobs")
    app = procrastinate.App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=2))

    @app.periodic(cron="17 * * * *")  # once an hour
    @app.task(name="sweep_attachments", queueing_lock="sweep_attachments")
    async def sweep_attachments(timestamp: int) -> None:
        removed = await sweep.sweep(made)
        log.info("swept", removed=removed)

    @app.periodic(cron="*/15 * * * *")  # four times an hour
    @app.task(name="announcements", queueing_lock="announcements")
    async def announcements(timestamp: int) -> None:
        told, lifted = await announce.tell(made), await announce.lift(made)
        log.info("announcements", told=told, lifted=lifted)

    return app


async def work(settings: Settings, server: Server) -> None:
    """Until cancelled."""
    pool = await open_pool(
        server.url("carnet_worker"), min_size=1, max_size=4, name="carnet worker", limits=JOB
    )
    made = door.make(pool, settings, matrix_of(settings), door.load_or_make(settings.keys))
    jobs = queue(server, made)
    beside = [
        asyncio.create_task(Relay(pool).run()),
        asyncio.create_task(sealing(settings, pool, made).run()),
    ]
    try:
        async with jobs.open_async():
            await jobs.run_worker_async(install_signal_handlers=False)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await pool.close()
