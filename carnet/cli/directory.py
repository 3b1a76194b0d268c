# SPDX-License-Identifier: EUPL-1.2
"""carnet directory: places and professionals, from a file of FHIR resources."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from carnet.app.parts import build, visit
from carnet.cli import common
from carnet.cli.client import By
from carnet.config import Settings
from carnet.directory import staff
from carnet.directory.staff import Loaded
from carnet.postgres.server import Server

commands = typer.Typer(no_args_is_help=True, help="The directory: places and professionals.")


@commands.command()
def load(
    file: Annotated[Path, typer.Argument(help="Bundle, list or NDJSON of FHIR.", exists=True)],
    by: By,
    data: common.Data = None,
) -> None:
    """Add places (FINESS), professionals (RPPS) and who practises where; what is there is left alone.

    Prints how many are new. Nobody gets a password by it: see carnet account code, or CARNET_PROVIDERS.
    """
    with common.refusals():
        resources = staff.read(file)
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            print(staff.text(asyncio.run(_loaded(settings, server, by, resources))))


async def _loaded(
    settings: Settings, server: Server, by: str, resources: list[dict[str, object]]
) -> Loaded:
    built = await build(settings, server, name="carnet directory")
    try:
        who = await common.operator(built.door, by, "carnet-directory")
        return await staff.add(visit(built, who), server.url(), resources)
    finally:
        await built.pool.close()
