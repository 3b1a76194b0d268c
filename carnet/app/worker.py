# SPDX-License-Identifier: EUPL-1.2
"""The worker: tells the outbox, seals the audit, does the jobs of the queue (procrastinate, `jobs`)."""

from __future__ import annotations

import asyncio
import dataclasses

import procrastinate
import structlog
from procrastinate import PsycopgConnector

from carnet.access import door
from carnet.access.door import sweep, tombstones
from carnet.accounts.deliver import forget as forget_mails
from carnet.app import bulk, mailing, services
from carnet.app.parts import insi_of, matrix_of, sealing, shifted
from carnet.config import Settings
from carnet.documents import announce
from carnet.documents.text import index
from carnet.events import Relay
from carnet.fhir.search.own import catalogue
from carnet.notices.deliver import Folder, sweep_folder
from carnet.oauth import forget
from carnet.postgres.pool import JOB, limited, open_pool
from carnet.postgres.server import Server
from carnet.rights import clock
from carnet.vigilance import match, qualify

log = structlog.get_logger("carnet.worker")

TEXTS = 2_000  # documents whose files are read in one go


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

    @app.periodic(cron="*/5 * * * *")  # every five minutes
    @app.task(name="insi", queueing_lock="insi")
    async def ask_insi(timestamp: int) -> None:
        log.info("insi", **await qualify.ask_again(made, insi_of(made.settings)))

    @app.periodic(cron="40 2 * * *")  # at night
    @app.task(name="doubles", queueing_lock="doubles")
    async def doubles(timestamp: int) -> None:
        log.info("doubles", pairs=await match.sweep(made))

    @app.periodic(cron="* * * * *")  # every minute
    @app.task(name="timers", queueing_lock="timers")
    async def timers(timestamp: int) -> None:
        done = await clock.due(made)
        log.info("timers", **dataclasses.asdict(done))

    @app.periodic(cron="* * * * *")
    @app.task(name="notices", queueing_lock="notices")
    async def notices(timestamp: int) -> None:
        sent = await mailing.notices(made)
        log.info("notices", sent=sent)

    @app.periodic(cron="* * * * *")
    @app.task(name="account_mails", queueing_lock="account_mails")
    async def account_mails(timestamp: int) -> None:
        sent = await mailing.account_mails(made)
        log.info("account mails", sent=sent)

    @app.periodic(cron="* * * * *")  # the words of files; how many wait is told
    @app.task(name="texts", queueing_lock="texts")
    async def texts(timestamp: int) -> None:
        log.info("texts", read=await index.drain(made, TEXTS), waiting=await index.backlog(made))

    @app.periodic(cron="27 * * * *")
    @app.task(name="sweep_mail", queueing_lock="sweep_mail")
    async def sweep_mail(timestamp: int) -> None:
        removed = await sweep_folder(made, Folder(made.settings.mail))
        removed += forget_mails(mailing.account_folder(made.settings), made.clock())
        log.info("swept mail", removed=removed)

    @app.periodic(cron="37 * * * *")
    @app.task(name="forget_codes", queueing_lock="forget_codes")
    async def forget_codes(timestamp: int) -> None:
        log.info("forgot codes", removed=await forget.forget(made.pool, made.clock()))

    @app.periodic(cron="* * * * *")  # what a worker that ended left, and what is over
    @app.task(name="exports", queueing_lock="exports")
    async def exports(timestamp: int) -> None:
        await bulk.lister(made).forget()
        log.info("exports", steps=await bulk.drain(made))

    services.jobs(app, made)
    return app


async def work(settings: Settings, server: Server) -> None:
    """Until cancelled."""
    pool = await open_pool(
        server.url("carnet_worker"), min_size=1, max_size=4, name="carnet worker", limits=JOB
    )
    now = await shifted(pool) if settings.lenient else door.now
    keyring = door.load_or_make(settings.keys)
    made = door.make(pool, settings, matrix_of(settings), keyring, clock=now)
    jobs = queue(server, made)

    beside = [
        asyncio.create_task(Relay(pool, services.listeners(made)).run()),
        asyncio.create_task(tombstones.follow(made.vault, pool)),
        asyncio.create_task(catalogue.follow(made.catalogue, pool)),
        asyncio.create_task(sealing(settings, pool, made).run()),
        asyncio.create_task(bulk.follow(made)),
    ]
    if isinstance(now, clock.Shifted):
        beside.append(asyncio.create_task(clock.follow(now, pool)))
    try:
        async with jobs.open_async():
            await jobs.run_worker_async(install_signal_handlers=False)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await pool.close()
