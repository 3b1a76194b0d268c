# SPDX-License-Identifier: EUPL-1.2
"""carnet reindex: what rows are found by, made anew from their bodies and verified."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer
from rich.progress import Progress, TaskID

from carnet.access import door
from carnet.access import matrix as matrices
from carnet.access.door.reindex import Reindex, Report, Told
from carnet.cli import common
from carnet.config import Settings
from carnet.documents.text import index
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server

DIFFERENT: Final = 1  # exit status when a row is not found by what it should be
STEPS: Final = {"waiting": "transactions", "index": "index", "verify": "verify"}


def reindex(
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A resource type; again for several.")
    ] = None,
    parameter: Annotated[
        str | None,
        typer.Option(help="The types of a parameter of the installation, by name or address."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only look, and count what differs.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Every row, those said to be up to date too.")
    ] = False,
    texts: Annotated[
        bool,
        typer.Option(
            "--texts",
            help="The words of documents alone, and what they are recognised by (--again: of all).",
        ),
    ] = False,
    data: common.Data = None,
) -> None:
    """Index what is not up to date (a parameter was loaded, the program changed), then verify each row.

    It may be killed at any moment and started again, and run beside others and while people write.
    Exit code 1: rows differ from what they should be, or do not open.
    """
    with common.refusals():
        settings = common.settings_of(data)
        if texts:
            with common.server_of(settings) as server:
                print(f"{asyncio.run(_texts(settings, server, again))} documents read anew")
            return
        with common.server_of(settings) as server, Progress(console=common.console) as bar:
            tasks: dict[str, TaskID] = {}

            def told(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(STEPS[step], total=total or None)
                bar.update(tasks[step], completed=done, total=total or None)

            run = _run(settings, server, types or [], parameter, verify, again, told)
            report = asyncio.run(run)
    for line in said(report, verify=verify):
        print(line)
    if not report.good:
        raise typer.Exit(DIFFERENT)


async def _texts(settings: Settings, server: Server, again: bool) -> int:
    """Read the documents of which no words are kept; returns how many. It may be killed, and run again."""
    pool = await open_pool(
        server.url("carnet_worker"), min_size=1, max_size=2, name="carnet reindex", limits=JOB
    )
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, matrices.load(settings.matrix), keyring)
        return await index.rebuild(made, again=again)
    finally:
        await pool.close()


async def _run(
    settings: Settings,
    server: Server,
    types: list[str],
    parameter: str | None,
    verify: bool,
    again: bool,
    told: Told,
) -> Report:
    pool = await open_pool(
        server.url("carnet_worker"), min_size=1, max_size=2, name="carnet reindex", limits=JOB
    )
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, matrices.load(settings.matrix), keyring)
        return await Reindex(made, types, parameter, verify, again, told=told).run()
    finally:
        await pool.close()


def said(report: Report, *, verify: bool) -> list[str]:
    """The report in lines: counts and names, nothing of a person."""
    lines = []
    if not verify:
        lines.append(f"{report.indexed} indexed anew, {report.right} were right")
    lines.append(f"{report.verified} verified, {report.wrong} differ, {report.damaged} do not open")
    lines += [f"  {part}: {count}" for part, count in sorted(report.different.items())]
    lines += [f"complete, searched from now on: {url}" for url in report.complete]
    lines += [f"not complete: {url}" for url in report.waiting]
    if report.wrong:
        lines.append("carnet reindex --again indexes anew what differs.")
    return lines
