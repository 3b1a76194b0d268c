# SPDX-License-Identifier: EUPL-1.2
"""carnet notices: the outgoing tray; letters to print, and to say they were posted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from carnet.access import door
from carnet.access import matrix as matrices
from carnet.access.door import Door
from carnet.app import letters as pages
from carnet.app import mailing
from carnet.app.parts import shifted
from carnet.cli import common
from carnet.config import Settings
from carnet.notices import letters
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server

CLIENT = "carnet-notices"

commands = typer.Typer(no_args_is_help=True, help="E-mails and letters that leave.")
By = Annotated[str, typer.Option("--by", help="Who posts, as a subject: operator:….")]
Number = Annotated[int, typer.Argument(help="Number of the notice, as `list` gives it.")]


def _do(data: Any, act: Callable[[Door], Awaitable[Any]]) -> Any:
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(_done(settings, server, act))


async def _done(settings: Settings, server: Server, act: Callable[[Door], Awaitable[Any]]) -> Any:
    pool = await open_pool(server.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        clock = await shifted(pool) if settings.lenient else door.now
        keyring = door.load_or_make(settings.keys)
        matrix = matrices.load(settings.matrix)
        return await act(door.make(pool, settings, matrix, keyring, clock=clock))
    finally:
        await pool.close()


@commands.command("list")
def tray(data: common.Data = None) -> None:
    """What was written last, the newest first."""
    for each in _do(data, letters.tray) or ():
        sent = f"sent {each.sent:%Y-%m-%d %H:%M}" if each.sent else each.failed or "to send"
        print(f"{each.id}  {each.at:%Y-%m-%d %H:%M}  {each.channel}  {sent}  {each.subject}")


@commands.command("send")
def send(data: common.Data = None) -> None:
    """Send the e-mails that are due, now."""
    print(f"{_do(data, _send)} sent")


async def _send(made: Door) -> int:
    return await mailing.notices(made) + await mailing.account_mails(made)


@commands.command("print")
def to_print(number: Number, to: Path, by: By, data: common.Data = None) -> None:
    """Write a letter as PDF; that it was opened is told to its person."""

    async def opened(made: Door) -> letters.Letter:
        return await letters.letter(made, number, await common.operator(made, by, CLIENT))

    to.write_bytes(pages.page(_do(data, opened)))


@commands.command("posted")
def posted(number: Number, by: By, data: common.Data = None) -> None:
    """Say that a letter was posted: what it announces runs from now."""

    async def said(made: Door) -> None:
        await letters.posted(made, number, await common.operator(made, by, CLIENT))

    _do(data, said)
