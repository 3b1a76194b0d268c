# SPDX-License-Identifier: EUPL-1.2
"""carnet terminology: code systems and value sets, from the files an operator has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from rich.progress import Progress

from carnet import errors
from carnet.access import door
from carnet.cli import common
from carnet.fhir.terminology.load import files, install, queries, store

commands = typer.Typer(
    no_args_is_help=True, help="Code systems and value sets: load them, and what is there."
)
REFUSED: Final = 1  # exit status when a file was refused


@commands.command()
def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    origin: Annotated[str, typer.Option(help="Where the files are from: kept beside them.")] = "",
    version: Annotated[
        str, typer.Option(help="Of a table that does not say its own (LOINC, CIM-10).")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of what has the same version.")
    ] = False,
    data: common.Data = None,
) -> None:
    """Load nomenclatures: CodeSystem and ValueSet (JSON, packages), the JDV of the ANS (XML), LOINC
    (Loinc.csv), CIM-10 (ClaML, or the ATIH's list).

    A file that was loaded already changes nothing. Exit code 1: a file was refused, the others are in.
    """
    refused = 0
    with (
        common.administering(data) as conn,
        Progress(console=common.console, transient=True) as bar,
    ):
        install.base(conn, door.now())
        every = [file for path in paths for file in files.files(path)]
        task = bar.add_task("terminology", total=len(every))
        for at, file in enumerate(every):
            bar.update(task, completed=at, description=file.name)

            def seen(codes: int, name: str = file.name) -> None:
                bar.update(task, description=f"{name}: {codes:,} codes")

            try:
                print(_said(file, _load(conn, file, origin, version, seen, replace=replace)))
            except errors.CarnetError as refusal:
                refused += 1
                print(f"{file.name}: REFUSED, {refusal}")
    print(f"{len(every)} files, {refused} refused")
    if refused:
        raise typer.Exit(REFUSED)


@commands.command()
def show(data: common.Data = None) -> None:
    """What was loaded, when, from where."""
    with common.administering(data) as conn:
        for form, name, origin, at, systems, sets in conn.execute(queries.FIGURES):
            print(f"{at:%Y-%m-%d %H:%M} {form}: {name}, {systems} code systems, {sets} value sets"
                  + (f" ({origin})" if origin else ""))  # fmt: skip


def _load(
    conn: psycopg.Connection[Any],
    file: Path,
    origin: str,
    version: str,
    seen: Callable[[int], None],
    *,
    replace: bool,
) -> store.Stored:
    if file.stat().st_size > files.LARGEST:
        raise errors.TooLarge("The file is larger than half a gigabyte.")
    content = file.read_bytes()
    digest = store.digest_of(content)
    if store.known(conn, digest):
        return store.Stored("", known=True)
    known = dict(conn.execute(queries.NAMES).fetchall())
    brought = files.understood(file, content, known, version)
    return store.store(
        conn, brought, name=file.name, digest=digest, at=door.now(), origin=origin, replace=replace,
        seen=seen,
    )  # fmt: skip


def _said(file: Path, told: store.Stored) -> str:
    if told.known:
        return f"{file.name}: there already"
    return (
        f"{file.name}: {told.form}, {told.systems} code systems, {told.value_sets} value sets,"
        f" {told.concepts} concepts"
    )
