# SPDX-License-Identifier: EUPL-1.2
"""carnet mail: secure mail (MSSanté); its port, its mailboxes, what waits."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from carnet import errors
from carnet.access.door import now, platform
from carnet.app import messaging, quiet_logs
from carnet.app.parts import Built, build
from carnet.cli import common
from carnet.config import Settings
from carnet.messaging import address, certificates, queries
from carnet.postgres.server import Server

commands = typer.Typer(no_args_is_help=True, help="Secure mail (MSSanté).")
Given = Annotated[str, typer.Argument(help="An address.")]


class NoPort(errors.Invalid):
    """Mail comes in by no port: name one (CARNET_MSS_PORT)."""


@commands.command("serve")
def serve(data: common.Data = None) -> None:
    """Take mail in by its port, file it, send what is due, until a signal."""
    with common.refusals():
        settings = common.settings_of(data)
        if not settings.mss_port:
            raise NoPort
        quiet_logs(settings)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            asyncio.run(_until_signal(settings, server))


async def _until_signal(settings: Settings, server: Server) -> None:
    task = asyncio.create_task(messaging.serve(settings, server))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


@commands.command("add")
def add(
    mailbox: Given,
    rpps: Annotated[str, typer.Option(help="Whose it is: a professional's number.")] = "",
    finess: Annotated[str, typer.Option(help="Or where: an organisation's number.")] = "",
    application: Annotated[
        bool, typer.Option("--application", help="A software reads it, nobody does (APP).")
    ] = False,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="Another operator keeps it; who writes from it.")
    ] = False,
    unlisted: Annotated[
        bool, typer.Option("--unlisted", help="Not published (liste rouge).")
    ] = False,
    data: common.Data = None,
) -> None:
    """Say whose an address is; only a professional or an organisation of the directory has one."""
    with common.refusals():
        if bool(rpps) == bool(finess):
            raise errors.Invalid("Say whose it is: --rpps or --finess, one of them.")
        one = str(address.read(mailbox))
        settings = common.settings_of(data)
        with (
            common.server_of(settings) as server,
            psycopg.connect(server.url("carnet_admin"), autocommit=True) as conn,
        ):
            values = {
                "address": one, "kind": "PER" if rpps else "APP" if application else "ORG",
                "local": not elsewhere, "rpps": int(rpps) if rpps else None,
                "org": _place(conn, finess) if finess else None, "unlisted": unlisted,
            }  # fmt: skip
            conn.execute(queries.ADD_MAILBOX, values)
    typer.echo(one)


@commands.command("list")
def waiting(data: common.Data = None) -> None:
    """How many mails are in each state, and what waits since when; nobody's name, no content."""
    for state, count, oldest in _do(data, _states):
        typer.echo(f"{state:<10} {count:>6}  {oldest:%Y-%m-%d %H:%M}")


@commands.command("certificates")
def simulated(
    folder: Annotated[Path, typer.Argument(help="Where they go.")],
    domain: Annotated[list[str], typer.Argument(help="Domains, each with a certificate.")],
    data: common.Data = None,
) -> None:
    """Make certificates of the demonstration's simulated authority, to play another operator."""
    with common.refusals():
        settings = common.settings_of(data)
        messaging.files_of(settings)  # the authority is made with ours
        for each in domain:
            made = certificates.simulate(settings.keys / "mss", each, [each], now())
            certificates.hand_out(made, folder, each)
            typer.echo(str(folder / f"{each}.pem"))


def _place(conn: psycopg.Connection[Any], finess: str) -> int:
    found = conn.execute("SELECT cid FROM access.organisation WHERE value = %s", (finess,))
    row = found.fetchone()
    if row is None:
        raise errors.NotFound("No organisation of the directory has this number.")
    return int(row[0])


async def _states(built: Built) -> list[tuple[str, int, Any]]:
    async with built.pool.connection() as conn, conn.transaction():
        await platform.enter(built.door, conn)
        cursor = await conn.execute(queries.STATES)
        return [(state, count, oldest) for state, count, oldest in await cursor.fetchall()]


def _do(data: Path | None, act: Callable[[Built], Awaitable[Any]]) -> Any:
    async def done(settings: Settings, server: Server) -> Any:
        built = await build(settings, server, name="carnet mail")
        try:
            return await act(built)
        finally:
            await built.pool.close()

    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(done(settings, server))
