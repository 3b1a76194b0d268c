# SPDX-License-Identifier: EUPL-1.2
"""carnet matrix: the access matrix in force, and what another one would open and close."""

from __future__ import annotations

import asyncio
from typing import Annotated

import psycopg
import typer

from carnet.access import door, queries
from carnet.access import matrix as matrices
from carnet.access.matrix import CATEGORIES, Matrix
from carnet.access.matrix.compare import Change, changes
from carnet.app.parts import matrix_of
from carnet.cli import common
from carnet.postgres.server import Server

commands = typer.Typer(
    no_args_is_help=True, help="The access matrix: who reads what, by profession and category."
)

CHANGES = 3  # exit status of a comparison that found some

File = Annotated[str, typer.Argument(help="A matrix, or a folder of dated versions.")]


@commands.command()
def show(
    file: Annotated[
        str, typer.Argument(help="A matrix or a folder of versions; else the instance's own.")
    ] = "",
    data: common.Data = None,
) -> None:
    """Print every version: profession by category, R reads, S but the sensitive types, - does not.

    A star is a cell that was verified against an official text; any other is proposed.
    """
    with common.refusals():
        found = matrices.load(file) if file else matrix_of(common.settings_of(data))
        now = door.now()
        for version in found.versions:
            _print(version, in_force=found.at(now).version == version.version)


@commands.command()
def compare(
    old: File,
    new: File,
    links: Annotated[
        bool, typer.Option(help="Count, in the instance's database, the links each line is about.")
    ] = False,
    data: common.Data = None,
) -> None:
    """Print what opens (+) and closes (-) from one matrix to another; exit 3 when anything does."""
    with common.refusals():
        before, after = matrices.load(old), matrices.load(new)
        counted: dict[str, int] = {}
        if links:
            settings = common.settings_of(data)
            with common.server_of(settings) as server:
                counted = asyncio.run(_links(server))
        # Of a folder, the last version: it is the one about to be in force.
        found = changes(before.versions[-1], after.versions[-1], counted)
        for each in found:
            print(_line(each, counted=links))
        print(f"{before.versions[-1].version} → {after.versions[-1].version}, from "
              f"{after.versions[-1].effective}: {len(found)} changes")  # fmt: skip
    if found:
        raise typer.Exit(CHANGES)


def _line(each: Change, *, counted: bool) -> str:
    told = [f"+{name}" for name in each.opens] + [f"-{name}" for name in each.closes]
    about = f"  [{each.links} links]" if counted else ""
    who = f"{each.profession} {each.label}".strip()
    return f"{who} · {each.category} {CATEGORIES[each.category]}: {' '.join(told)}{about}"


def _print(version: Matrix, *, in_force: bool) -> None:
    print(f"{version.name}, {version.version}, from {version.effective}"
          + (", in force" if in_force else "") + ("" if version.official else ", not official"))  # fmt: skip
    print(f"source: {version.source}")
    order = list(next(iter(version.cells.values())))
    wide = max(len(_who(version, code)) for code in version.cells)
    print(" " * wide, *(f"{category:>3}" for category in order))
    verified = 0
    for code, line in version.cells.items():
        cells = [f"{cell.code}{'*' if cell.verified else ' '}" for cell in line.values()]
        verified += sum(cell.verified for cell in line.values())
        print(f"{_who(version, code):<{wide}}", *(f"{cell:>3}" for cell in cells))
    print(f"{verified} cells verified of {len(version.cells) * len(order)}")


def _who(version: Matrix, code: str) -> str:
    return f"{code} {version.labels[code]}"


async def _links(server: Server) -> dict[str, int]:
    async with await psycopg.AsyncConnection.connect(server.url("carnet_admin")) as conn:
        return await queries.links_by_profession(conn, door.now())
