# SPDX-License-Identifier: EUPL-1.2
"""carnet load: documents and resources from files, and what was understood of each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress

from carnet import errors
from carnet.access import door
from carnet.app.loading import reports
from carnet.app.loading.definitions import Keeper
from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.reports import Form
from carnet.app.loading.run import Advance, load_all
from carnet.app.parts import actor, build
from carnet.cli import common
from carnet.config import Settings
from carnet.documents.cda.conformance import Profile
from carnet.documents.receive import NotHere
from carnet.postgres.server import Server

SOFTWARE: Final = "software:lab-software"  # whom the demonstration loads as
REFUSED, WRONG_USE, NOT_REACHED = 1, 2, 3  # exit codes


class FailOn(StrEnum):
    """From what on the command fails."""

    REFUSED = "refused"
    SKIPPED = "skipped"
    WARNING = "warning"
    NEVER = "never"


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    create_patients: Annotated[
        bool,
        typer.Option(
            "--create-patients",
            help="Make the identity a document or a reference names when it is unknown"
            " (not in production).",
        ),
    ] = False,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--lenient",
            help="Refuse doubtful documents, or take them with a reserve; by default, as the"
            " instance is.",
        ),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            help="Write the report there, by its suffix: .html, .json, .xml (JUnit) or text."
        ),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="The form of the report, whatever its suffix."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="From what on the exit code is 1.")
    ] = FailOn.REFUSED,
    software: Annotated[
        str, typer.Option("--as", help="Subject of the loading software.")
    ] = SOFTWARE,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Profiles and nomenclatures take the place of what has their address and version.",
        ),
    ] = False,
    data: common.Data = None,
) -> None:
    """Load CDA documents, FHIR resources and Bundles (.xml, .json, .ndjson, .gz), IHE XDM and other
    archives, mails (.eml), HL7 v2 messages, profiles, nomenclatures, search parameters and
    questionnaires (.json, packages .tgz, .zip).

    Exit code 0: all is in; 1: something was refused; 2: wrong use; 3: the instance cannot be reached.
    """
    profile = None if strict is None else Profile.STRICT if strict else Profile.LENIENT
    try:
        settings = common.settings_of(data)
        if not settings.lenient and create_patients:
            raise NotHere
        for each in report or ():
            _can_write(each)
    except errors.CarnetError as refusal:
        _stop(str(refusal), WRONG_USE)
    except OSError as error:
        _stop(f"The report cannot be written: {error.strerror}.", WRONG_USE)
    found = _found(settings, paths, Options(create_patients, profile), software, replace=replace)
    typer.echo(
        reports.text(found).encode(sys.stdout.encoding or "utf-8", "backslashreplace"), nl=False
    )
    for each in report or ():
        each.write_text(reports.written(found, form or reports.form_of(each)), "utf-8")
    if failed(found, fail_on):
        raise typer.Exit(REFUSED)


def failed(found: Sequence[Outcome], fail_on: FailOn) -> bool:
    """Whether a continuous integration should stop there."""
    if fail_on is FailOn.NEVER:
        return False
    states = {each.state for each in found}
    return (
        State.REFUSED in states
        or (fail_on is FailOn.SKIPPED and State.SKIPPED in states)
        or (fail_on is FailOn.WARNING and any(each.warnings for each in found))
    )


def _found(
    settings: Settings, paths: list[Path], options: Options, software: str, *, replace: bool
) -> list[Outcome]:
    """What came of each file; exit 3 when there is no instance to load into."""
    try:
        with common.server_of(settings) as server:
            psycopg.connect(server.url("carnet_app")).close()  # a pool would try for half a minute
            return asyncio.run(_load(settings, server, paths, options, software, replace=replace))
    except errors.Unauthenticated as refusal:
        _stop(str(refusal), WRONG_USE)
    except errors.CarnetError as refusal:
        _stop(str(refusal), NOT_REACHED)
    except psycopg.Error as error:
        _stop(f"PostgreSQL: {error}", NOT_REACHED)
    except OSError as error:
        _stop(f"The instance cannot be started: {error.strerror}.", NOT_REACHED)


async def _load(
    settings: Settings,
    server: Server,
    paths: list[Path],
    options: Options,
    software: str,
    *,
    replace: bool,
) -> list[Outcome]:
    built = await build(settings, server, name="carnet load")
    try:
        who = await actor(built, software, client="carnet-load")
        with Progress(console=Console(stderr=True), transient=True) as bar:

            def listing(files: int) -> Advance:
                total = files
                task = bar.add_task("load", total=files, visible=files > 1)

                def advance(step: int = 1, /) -> None:
                    nonlocal total
                    if step < 0:  # files inside another
                        total -= step
                        bar.update(task, total=total, visible=True)
                    else:
                        bar.advance(task, step)

                return advance

            keeper = Keeper(server.url("carnet_admin"), door.now, replace=replace)
            return await load_all(built, who, paths, options, listing, keeper)
    finally:
        await built.pool.close()


def _can_write(path: Path) -> None:
    """Say before the load, not after it, that a report has nowhere to go."""
    with path.open("a", encoding="utf-8"):
        pass


def _stop(sentence: str, code: int) -> NoReturn:
    common.console.print(sentence, style="bold", highlight=False, markup=False)
    raise typer.Exit(code)
