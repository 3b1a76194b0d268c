# SPDX-License-Identifier: EUPL-1.2
"""Secure mail, bound to a process: its certificate, its jobs, its port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import procrastinate
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet.access import door
from carnet.access.door import Door
from carnet.app import parts
from carnet.app.mail_filing import Filing
from carnet.app.mail_sending import trust_of
from carnet.config import Instance, Settings
from carnet.messaging import certificates
from carnet.messaging.answer import Answers
from carnet.messaging.certificates import Files
from carnet.messaging.deliver import Out, deliver
from carnet.messaging.file import file
from carnet.messaging.submit import Receiver, context_of, listen
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server

log = structlog.get_logger("carnet.messaging")

IDLE: Final = 1.0  # seconds between two looks at the spool


def files_of(settings: Settings) -> Files:
    """Our certificate; in a demonstration one is made, of a simulated authority."""
    folder = Path(settings.mss_certificates) if settings.mss_certificates else settings.keys / "mss"
    if settings.instance is Instance.DEMONSTRATION and not settings.mss_certificates:
        return certificates.simulate(folder, "own", [settings.mss_domain], door.now())
    return certificates.files(folder)


def steps(made: Door) -> Callable[[], Awaitable[int]]:
    """One look at the spool: what came finds its place, what is due leaves."""
    settings = made.settings
    filing = Filing(made, parts.acts(parts.insi_of(settings)))
    answers = Answers(made, settings.mss_domain)
    held = trust_of(settings)

    async def look() -> int:
        done = await file(made, filing, answers)
        try:
            tls = context_of(files_of(settings), server=False)
        except certificates.NoCertificates:  # nothing leaves without ours
            return done
        return done + await deliver(made, Out(held, settings.mss_domain, tls))

    return look


def jobs(app: procrastinate.App, made: Door) -> None:
    """Once a minute, whether or not somebody serves the port."""

    @app.periodic(cron="* * * * *")
    @app.task(name="secure_mail", queueing_lock="secure_mail")
    async def secure_mail(timestamp: int) -> None:
        if made.settings.trust_list or made.settings.instance is not Instance.PRODUCTION:
            log.info("secure mail", done=await steps(made)())


async def serve(settings: Settings, server: Server) -> None:
    """Mail in by its port, mail out and filing beside it, until cancelled; nothing without a port."""
    if not settings.mss_port:
        return
    url = server.url("carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=6, name="carnet mail", limits=JOB)
    try:
        now = await parts.shifted(pool) if settings.lenient else door.now
        made = door.make(
            pool, settings, parts.matrix_of(settings), door.load_or_make(settings.keys), clock=now
        )
        receiver = Receiver(made, trust_of(settings), settings.mss_domain)
        tls = context_of(files_of(settings), server=True)
        try:
            port = await listen(receiver, settings.host, settings.mss_port, tls, settings.mss_limit)
        except OSError as error:
            log.warning("secure mail is not served", port=settings.mss_port, why=error.strerror)
            return
        look = steps(made)
        async with port:
            while True:
                await _once(look)
                await asyncio.sleep(IDLE)
    finally:
        await pool.close()


async def _once(look: Callable[[], Awaitable[int]]) -> None:
    try:
        await look()
    except (psycopg.OperationalError, PoolTimeout) as error:
        log.warning("secure mail waits", error=type(error).__name__)
    except Exception as error:  # one mail must not stop the others' port
        log.error("secure mail failed", error=type(error).__name__)
