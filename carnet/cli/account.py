# SPDX-License-Identifier: EUPL-1.2
"""carnet account: stop an account and open it again, list those stopped, give a code to who works by one."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Annotated

import typer

from carnet import errors
from carnet.accounts import end as ending
from carnet.accounts import operators, prove
from carnet.accounts import stop as stopping
from carnet.accounts.minting import ACCOUNT, FACTOR, Given
from carnet.accounts.prove import Way
from carnet.app.parts import build
from carnet.cli import common
from carnet.cli.client import By, act
from carnet.config import Settings
from carnet.postgres.server import Server

commands = typer.Typer(no_args_is_help=True, help="Accounts: list, stop, open again, end, codes.")


class NotSure(errors.Invalid):
    """Nothing undoes the end of an account: add --sure."""


Sub = Annotated[str, typer.Argument(metavar="SUBJECT", help="The account: patient:…, rpps:….")]


@commands.command("list")
def list_(by: By, data: common.Data = None) -> None:
    """Print accounts that are stopped or wait for a code to be used, a JSON object a line. No name."""
    for each in act(data, by, stopping.listed):
        print(json.dumps(dataclasses.asdict(each), default=str))


@commands.command()
def stop(sub: Sub, by: By, data: common.Data = None) -> None:
    """End every session and token of an account; nobody enters by it."""
    act(data, by, lambda visit: stopping.stop(visit, sub))


@commands.command()
def reopen(sub: Sub, by: By, data: common.Data = None) -> None:
    """Open an account that was stopped."""
    act(data, by, lambda visit: stopping.reopen(visit, sub))


@commands.command()
def end(
    sub: Sub,
    by: By,
    sure: Annotated[bool, typer.Option("--sure", help="Say it twice: nothing undoes it.")] = False,
    data: common.Data = None,
) -> None:
    """End an account for good: identifier, password, second factors, sessions, tokens. Nothing undoes it."""
    if not sure:
        with common.refusals():
            raise NotSure
    act(data, by, lambda visit: ending.end(visit, sub))


@commands.command("add-operator")
def add_operator(
    sub: Annotated[str, typer.Argument(metavar="SUBJECT", help="A name of yours: operator:….")],
    name: Annotated[str, typer.Option(help="What people call them; shown to other operators.")],
    data: common.Data = None,
) -> None:
    """Add an operator, the first of an installation too, and print the code their account begins by."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            given = asyncio.run(_added(settings, server, sub, name))
    shown(given, settings)


async def _added(settings: Settings, server: Server, sub: str, name: str) -> Given:
    built = await build(settings, server, name="carnet account")
    try:
        await operators.add(server.url(), built.door, sub, name)
        return await prove.by_command(built.door, sub, ACCOUNT)
    finally:
        await built.pool.close()


@commands.command()
def code(
    sub: Sub,
    document: Annotated[
        str, typer.Option(help="The identity document you saw: CN, PA, CS, LE or AN.")
    ] = "",
    factor: Annotated[
        bool, typer.Option("--factor", help="To replace a second factor that was lost.")
    ] = False,
    by: Annotated[
        str,
        typer.Option(
            help="The operator who gives it; none: an operator's, by who holds the machine."
        ),
    ] = "",
    data: common.Data = None,
) -> None:
    """Give a code to a professional, assistant, helper or operator: it is printed this once.

    The number goes with it: say it by voice, and write it nowhere.
    """
    kind = FACTOR if factor else ACCOUNT
    if by:
        given = act(
            data, by, lambda visit: prove.give_account(visit, sub, document, Way(kind=kind))
        )
    else:
        with common.refusals():
            settings = common.settings_of(data)
            with common.server_of(settings) as server:
                given = asyncio.run(_by_command(settings, server, sub, kind))
    shown(given, common.settings_of(data))


async def _by_command(settings: Settings, server: Server, sub: str, kind: str) -> Given:
    built = await build(settings, server, name="carnet account")
    try:
        return await prove.by_command(built.door, sub, kind)
    finally:
        await built.pool.close()


def shown(given: Given, settings: Settings) -> None:
    """A code and what goes with it, on the terminal, this once."""
    print(f"code    {given.code}")
    print(f"number  {given.number}")
    print(f"until   {given.until:%Y-%m-%d %H:%M} UTC")
    print(f"at      {settings.base_url.rstrip('/')}/activer/compte/")
