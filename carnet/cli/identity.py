# SPDX-License-Identifier: EUPL-1.2
"""carnet identity: name the officers, look for doubles, ask the INSi again, read a datamatrix."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import psycopg
import typer

from carnet import errors
from carnet.access import queries
from carnet.app.parts import build, insi_of
from carnet.cli import common
from carnet.config import Settings
from carnet.identity import datamatrix
from carnet.postgres.server import Server
from carnet.vigilance import match, qualify
from carnet.vigilance import queries as identities

commands = typer.Typer(
    no_args_is_help=True, help="Identities: officers, doubles, INSi, datamatrix."
)


class NoOperator(errors.NotFound):
    """There is no account of this name, or it is not an operator's."""


@commands.command()
def officer(
    sub: Annotated[str, typer.Argument(help="The account: operator:…")],
    remove: Annotated[bool, typer.Option(help="It acts on identities no more.")] = False,
    data: common.Data = None,
) -> None:
    """Let an operator's account act on identities; a merge needs two of them."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            asyncio.run(_officer(server, sub, remove=remove))


async def _officer(server: Server, sub: str, *, remove: bool) -> None:
    async with await psycopg.AsyncConnection.connect(server.url()) as conn:
        found = await queries.subject(conn, sub)
        if found is None or found.kind != "operator":
            raise NoOperator
        await conn.execute(identities.REMOVE_OFFICER if remove else identities.ADD_OFFICER, (sub,))


@commands.command()
def doubles(data: common.Data = None) -> None:
    """Compare every identity with its neighbours; pairs go in the officers' queue."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            typer.echo(f"{asyncio.run(_work(settings, server, ask=False))} pairs to compare.")


@commands.command()
def ask(data: common.Data = None) -> None:
    """Ask the INSi what is still to be asked; nothing where this installation has none."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            typer.echo(f"{asyncio.run(_work(settings, server, ask=True))} answers.")


async def _work(settings: Settings, server: Server, *, ask: bool) -> int:
    built = await build(settings, server, name="carnet identity")
    try:
        if ask:
            return sum((await qualify.ask_again(built.door, insi_of(settings))).values())
        return await match.sweep(built.door)
    finally:
        await built.pool.close()


@commands.command("datamatrix")
def read_datamatrix() -> None:
    """Read the text of an INS datamatrix from the standard input, and print what it says."""
    with common.refusals():
        found = datamatrix.read(sys.stdin.read().strip("\r\n"))
        for line in (
            f"{found.ins.value} ({found.ins.system})", found.birth_name, found.given_names,
            str(found.sex), found.birth_date.isoformat(), found.birth_place or "",
        ):  # fmt: skip
            typer.echo(line)
