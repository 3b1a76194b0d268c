# SPDX-License-Identifier: EUPL-1.2
"""carnet clock: move the clock of a demonstration forward, and do what has become due."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import psycopg
import typer

from carnet import errors
from carnet.access import door
from carnet.access import matrix as matrices
from carnet.app.parts import shifted
from carnet.cli import common
from carnet.config import Settings
from carnet.documents import announce
from carnet.notices.deliver import Folder, deliver
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server
from carnet.rights import clock as clocks

UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class WrongStep(errors.Invalid):
    """Say how far: +42d, +6w, +3h."""


def clock(
    step: Annotated[str, typer.Argument(help="How far forward: +42d, +6w, +3h; +0d only tells.")],
    data: common.Data = None,
) -> None:
    """Move the clock (demonstration and test instances alone), then do what is due."""
    with common.refusals():
        by = step_of(step)
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            shift, done = asyncio.run(_moved(settings, server, by))
        print(f"{shift.days} days {shift.seconds // 3600} hours ahead; {done}")


def step_of(text: str) -> timedelta:
    """+42d as a length of time."""
    found = re.fullmatch(r"\+([0-9]{1,4})([hdw])", text)
    if found is None:
        raise WrongStep
    return timedelta(**{UNITS[found[2]]: int(found[1])})


async def _moved(settings: Settings, server: Server, by: timedelta) -> tuple[timedelta, str]:
    async with await psycopg.AsyncConnection.connect(
        server.url("carnet_admin"), autocommit=True
    ) as conn:
        shift = await clocks.move(conn, settings, by)
    pool = await open_pool(server.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        made = door.make(
            pool,
            settings,
            matrices.load(settings.matrix),
            door.load_or_make(settings.keys),
            clock=await shifted(pool),
        )
        done = await clocks.due(made)
        invited, lifted = await announce.tell(made), await announce.lift(made)
        sent = await deliver(made, Folder(settings.mail))
    finally:
        await pool.close()
    told = ", ".join(f"{count} {name}" for name, count in asdict(done).items())
    waited = f"{invited} awaiting an announcement invited, {lifted} shown after a month"
    return shift, f"{told}, {waited}, {sent} e-mails"
