# SPDX-License-Identifier: EUPL-1.2
"""carnet parameters: search parameters of the installation, beside those of R4."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from carnet.cli import common
from carnet.fhir.search.own import queries
from carnet.fhir.search.own.files import found
from carnet.fhir.search.own.load import load_into

commands = typer.Typer(
    no_args_is_help=True,
    help="Search parameters of the installation (SearchParameter): load, show, remove.",
)
REFUSED: Final = 1  # exit status when one was refused


@commands.command()
def load(
    paths: Annotated[
        list[Path], typer.Argument(help="JSON files, folders, FHIR packages (.tgz).", exists=True)
    ],
    data: common.Data = None,
) -> None:
    """Load SearchParameter resources. They are searched when `carnet reindex` has ended.

    One that is there already changes nothing; one that has changed takes the place of the one of its
    address. Exit code 1: one was refused, the others are in.
    """
    with common.administering(data) as conn:
        told = load_into(conn, [each for path in paths for each in found(path)])
    for one in told:
        print(one.line)
    new, refused = sum(one.new for one in told), sum(one.refusal is not None for one in told)
    print(f"{new} loaded, {refused} refused")
    if new:
        print("carnet reindex makes them searchable.")
    if refused:
        raise typer.Exit(REFUSED)


@commands.command()
def show(data: common.Data = None) -> None:
    """The parameters of the installation, and whether they are searched yet."""
    with common.administering(data) as conn:
        for code, url, kind, bases, at, complete, expression in queries.shown(conn):
            state = f"searched since {complete:%Y-%m-%d %H:%M}" if complete else "not complete"
            print(f"{code} ({kind}) on {', '.join(bases)}: {state}; loaded {at:%Y-%m-%d %H:%M}")
            print(f"  {url}\n  {expression}")


@commands.command()
def remove(
    name: Annotated[str, typer.Argument(help="Address of a parameter, or its name.")],
    data: common.Data = None,
) -> None:
    """Take a parameter away: it is searched no more, from now on. `carnet reindex` frees its rows."""
    with common.administering(data) as conn:
        urls = queries.remove(conn, name)
    if len(urls) == 1:
        print(f"removed: {urls[0]}")
        return
    for url in urls:
        print(f"  {url}")
    print("Several parameters have this name: give the address." if urls else "No such parameter.")
    raise typer.Exit(REFUSED)
