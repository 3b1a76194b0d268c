# SPDX-License-Identifier: EUPL-1.2
"""carnet import: resources as NDJSON, by an operator; cut off, it goes on where it was."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from carnet import errors
from carnet.app.bulk import hands
from carnet.app.parts import Built, actor, build, visit
from carnet.bulk import imports
from carnet.bulk.lots import Done, Source
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server

PIECE: Final = 1 << 18  # bytes read at once
SMALL: Final = 8 << 20  # bytes that are written sooner than other processes have begun


class SameName(errors.Invalid):
    """Two of the files have the same name: an import knows its inputs by theirs."""


class NoFile(errors.Invalid):
    """There is no file that ends in .ndjson."""


def take_in(
    paths: Annotated[list[Path], typer.Argument(help="NDJSON files or folders.", exists=True)],
    software: Annotated[str, typer.Option("--as", help="Subject of the software that deposits.")],
    by: Annotated[str, typer.Option("--by", help="Who imports, as a subject: operator:….")],
    name: Annotated[
        str, typer.Option(help="Name of the import; by default, made of what the files hold.")
    ] = "",
    report: Annotated[
        Path | None, typer.Option(help="Write what became of each line there, as NDJSON.")
    ] = None,
    keep_ids: Annotated[
        bool, typer.Option("--keep-ids", help="Keep the ids, where nobody has a record yet.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=64,
            help="How many processes write; by default one more than cores, none for 8 MB.",
        ),
    ] = None,
    data: common.Data = None,
) -> None:
    """Import FHIR resources, a line each. The same import begun again goes on where it was cut off.

    Lines refer to each other by their ids, in any order and across files. Exit code 0: all is in; 1: a
    line was refused, or nothing could be done.
    """
    with common.refusals():
        files = files_of(paths)
        if processes is None:
            size = sum(each.stat().st_size for each in files)
            processes = (os.cpu_count() or 1) + 1 if size > SMALL else 0
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            done = asyncio.run(
                _imported(
                    settings, server, files, software, by, name, report,
                    keep=keep_ids, processes=processes,
                )
            )  # fmt: skip
    print(f"{done.lines} lines, {done.refused} refused, {done.before} done before.")
    if done.refused:
        raise typer.Exit(1)


async def _imported(
    settings: Settings,
    server: Server,
    files: list[Path],
    software: str,
    by: str,
    name: str,
    report: Path | None,
    *,
    keep: bool,
    processes: int,
) -> Done:
    built = await build(settings, server, name="carnet import")
    try:
        operator = visit(built, await actor(built, by, client="carnet-import"))
        named = name or _name(built, files)
        importer = await imports.begin(built.desk, operator, named, software, keep=keep)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            size = sum(each.stat().st_size for each in files)
            task = bar.add_task(
                "import", total=3 * size
            )  # read, persons written, the others written
            inputs: dict[str, Source] = {
                input_of(file): partial(_pieces, file, bar, task) for file in files
            }
            with hands(settings, server, importer, processes) as crew:
                whole = await replace(importer, crew=crew).run(inputs)
        if report is not None:
            with report.open("wb") as out:
                for file in files:
                    async for lines in importer.report(input_of(file)):
                        out.write(lines)
        return whole
    finally:
        await built.pool.close()


def files_of(paths: list[Path]) -> list[Path]:
    """The files, those of a folder by name."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.ndjson")) if path.is_dir() else [path]
    if not found:
        raise NoFile
    if len({input_of(each) for each in found}) < len(found):
        raise SameName
    return found


def input_of(file: Path) -> str:
    """The name of an input: the file's, in the letters a name has."""
    return re.sub("[^A-Za-z0-9._-]", "-", file.name)[:64]


def _name(built: Built, files: list[Path]) -> str:
    """A name that the same files have again, and that tells nothing of them."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return built.door.hasher.long(whole.digest()).hex()


async def _pieces(file: Path, bar: Progress, task: TaskID) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece
            bar.advance(task, len(piece))
