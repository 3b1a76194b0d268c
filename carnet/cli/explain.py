# SPDX-License-Identifier: EUPL-1.2
"""carnet explain: how a search is compiled, and which indexes it uses; never data."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import parse_qsl

import typer

from carnet import errors
from carnet.access.door.explain import Explained, explain
from carnet.app.parts import build
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server


class WrongSearch(errors.Invalid):
    """A search is Type?parameter=value&…, as after the base of the API."""


def explained(
    search: Annotated[str, typer.Argument(help="Type?parameter=value&…")],
    caller: Annotated[
        str, typer.Option("--as", help="patient, professional, software or anybody.")
    ] = "professional",
    data: common.Data = None,
) -> None:
    """Print how a search is understood, its SQL with names for values, its plans and indexes.

    No record is read and no value is repeated; what it would find is not told.
    """
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            found = asyncio.run(_explained(settings, server, search, caller))
    for line in said(found):
        print(line)


async def _explained(settings: Settings, server: Server, search: str, caller: str) -> Explained:
    built = await build(settings, server, name="carnet explain")
    try:
        rtype, _, text = search.removeprefix("/").partition("?")
        if rtype not in built.door.definitions.types:
            raise WrongSearch
        given = parse_qsl(text, keep_blank_values=True)
        return await explain(built.door, built.desk.parser.parse(rtype, given), caller)
    finally:
        await built.pool.close()


def said(found: Explained) -> list[str]:
    """As it is printed."""
    lines = ["Parameters", *(f"  {each}" for each in found.parameters)]
    for number, step in enumerate(found.steps, 1):
        lines.append(f"{number}. {step.title}")
        if not step.sql:
            continue
        lines += [f"  {step.sql}", "  Plan"]
        lines += [f"    {line}" for each in step.plan for line in each.splitlines()]
        lines.append(f"  Indexes: {', '.join(step.indexes) or 'none'}")
    return lines
