# SPDX-License-Identifier: EUPL-1.2
"""carnet import: resources as NDJSON, by an operator; cut off, it goes on where it was."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from carnet.app.parts import Built, actor, build, visit
from carnet.bulk import imports
from carnet.bulk.imports import Done
from carnet.cli import common
from carnet.config import Settings
from carnet.postgres.server import Server

FIRST: Final = (
    "Patient",
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "Encounter",
)
PIECE: Final = 1 << 18  # bytes read at once


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
    data: common.Data = None,
) -> None:
    """Import FHIR resources, a line each. The same import begun again goes on where it was cut off.

    What lines refer to comes before them: in a folder, Patient.ndjson and the like are read first. Exit
    code 0: all is in; 1: a line was refused, or nothing could be done.
    """
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            done = asyncio.run(
                _imported(settings, server, files_of(paths), software, by, name, report)
            )
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
) -> Done:
    built = await build(settings, server, name="carnet import")
    try:
        operator = visit(built, await actor(built, by, client="carnet-import"))
        importer = await imports.begin(built.desk, operator, name or _name(built, files), software)
        whole = Done()
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("import", total=sum(each.stat().st_size for each in files))
            for file in files:
                done = await importer.run(_pieces(file, bar, task), input_of(file))
                whole.lines += done.lines
                whole.refused += done.refused
                whole.before += done.before
        if report is not None:
            with report.open("wb") as out:
                for file in files:
                    async for lines in importer.report(input_of(file)):
                        out.write(lines)
        return whole
    finally:
        await built.pool.close()


def files_of(paths: list[Path]) -> list[Path]:
    """The files, those others refer to first in a folder."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.ndjson")) if path.is_dir() else [path]
        found += sorted(inside, key=_rank) if path.is_dir() else inside
    return found


def _rank(path: Path) -> int:
    rtype = re.split(r"[^A-Za-z]", path.name)[0]
    return FIRST.index(rtype) if rtype in FIRST else len(FIRST)


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
