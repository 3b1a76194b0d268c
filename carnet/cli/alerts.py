# SPDX-License-Identifier: EUPL-1.2
"""carnet alerts: what an operator must look at, taken, closed with a word."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import psycopg
import typer
from psycopg import AsyncConnection

from carnet.access import door
from carnet.access.limits import alarms, table
from carnet.cli import common
from carnet.config import Instance

commands = typer.Typer(no_args_is_help=True, help="What an operator must look at.")
By = Annotated[str, typer.Option("--by", help="Who looks, as a subject: operator:….")]
Number = Annotated[int, typer.Argument(help="Number of the alarm, as `list` gives it.")]


def _do(data: Any, act: Callable[[AsyncConnection[Any]], Awaitable[Any]]) -> Any:
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(_done(server.url("carnet_app"), act))


async def _done(url: str, act: Callable[[AsyncConnection[Any]], Awaitable[Any]]) -> Any:
    async with await psycopg.AsyncConnection.connect(url) as conn:
        return await act(conn)


@commands.command("list")
def list_(
    days: Annotated[int, typer.Option("--days", help="Also those closed in so many days.")] = 0,
    data: common.Data = None,
) -> None:
    """Print alarms, a JSON object a line: those that wait first."""
    since = door.now() - timedelta(days=days)
    for each in _do(data, lambda conn: alarms.listed(conn, since)):
        what = alarms.reasons()[each.reason].what["en"]
        print(json.dumps({**dataclasses.asdict(each), "what": what}, default=str))


@commands.command()
def rates(data: common.Data = None) -> None:
    """Print how often anybody may do anything here, a JSON object a line."""
    with common.refusals():
        demonstration = common.settings_of(data).instance is Instance.DEMONSTRATION
        for each in table.load(demonstration=demonstration).values():
            print(json.dumps(dataclasses.asdict(each)))


@commands.command()
def take(number: Number, by: By, data: common.Data = None) -> None:
    """Say that you look at an alarm."""
    _do(data, lambda conn: alarms.take(conn, number, by, door.now()))


@commands.command()
def close(
    number: Number,
    by: By,
    word: Annotated[str, typer.Option("--word", help="What it was.")],
    reopen: Annotated[
        bool, typer.Option("--reopen", help="The account that was stopped opens again.")
    ] = False,
    data: common.Data = None,
) -> None:
    """Close an alarm with a word on what it was."""
    _do(data, lambda conn: alarms.close(conn, number, by, door.now(), word, reopen=reopen))
