# SPDX-License-Identifier: EUPL-1.2
"""What every command shares: settings, the server, refusals as exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from carnet import config, errors
from carnet.access import door, queries, replay
from carnet.access import matrix as matrices
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door
from carnet.app.parts import PURPOSES
from carnet.config import Instance, Settings
from carnet.fhir.terminology.load import install as terminology
from carnet.postgres import migrate as schema
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server, open_server
from carnet.rights import erase

console = Console(stderr=True)
MARK = "instance.json"  # in the data folder: what this installation is

Data = Annotated[Path | None, typer.Option(help="Data folder (CARNET_DATA).", show_default=False)]


def settings_of(data: Path | None = None, **given: Any) -> Settings:
    """The settings; a data folder remembers what its instance is."""
    found = config.read(data=data, **given)
    mark = found.data / MARK
    if given.get("instance") is None and mark.exists():
        said = json.loads(mark.read_text("utf-8"))
        found = replace(found, instance=Instance(said["instance"]), base_url=said["base_url"])
    return found


def remember(settings: Settings, **more: Any) -> None:
    """Write what the instance is, for the commands that come after."""
    path = settings.data / MARK
    said = recall(settings) | {
        "instance": str(settings.instance),
        "base_url": settings.base_url,
        **more,
    }
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(said, indent=1), "utf-8")
    temporary.rename(path)


def recall(settings: Settings) -> dict[str, Any]:
    """What was remembered; empty when nothing was."""
    path = settings.data / MARK
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


class UnknownWriter(errors.NotFound):
    """--by: nobody of this installation has this subject; an operator's is like operator:one."""


class NotOperator(errors.Forbidden):
    """--by: who does this is an operator of this installation."""


async def operator(made: Door, by: str, client: str) -> Actor:
    """The operator who is at the keyboard, by their subject: named in the log for what they do."""
    async with made.pool.connection() as conn:
        found = await queries.subject(conn, by)
    if found is None:
        raise UnknownWriter
    if found.kind != ActorKind.OPERATOR:
        raise NotOperator
    kind = ActorKind.OPERATOR
    return Actor(
        kind, found.sub, found.name, client, purpose=PURPOSES[kind], rev=found.rev,
        authenticated=made.clock(),
    )  # fmt: skip


@contextlib.contextmanager
def server_of(settings: Settings) -> Iterator[Server]:
    """The PostgreSQL to use, running; left at the end."""
    settings.data.mkdir(parents=True, exist_ok=True)
    server = open_server(settings.database_url or None, settings.data)
    try:
        yield server
    finally:
        server.stop()


def bring_up_to_date(settings: Settings, server: Server) -> list[str]:
    """Migrate, and install what an installation has once."""
    applied = schema.migrate(server.url("carnet_admin"))
    keyring = door.load_or_make(settings.keys)
    with psycopg.connect(server.url("carnet_admin")) as conn:
        door.install(conn, keyring)
    with psycopg.connect(server.url("carnet_admin"), autocommit=True) as conn:
        terminology.base(conn, door.now())
    again = asyncio.run(_replayed(settings, server))
    asyncio.run(_kept(settings, server))
    if again:  # a backup was restored: it is not served before
        console.print(f"{again} dossiers effacés de nouveau / records erased again")
    return applied


async def _replayed(settings: Settings, server: Server) -> int:
    """Erase again what a restored database brought back."""
    pool = await open_pool(server.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        return await erase.replay(
            door.make(pool, settings, matrices.load(settings.matrix), keyring)
        )
    finally:
        await pool.close()


async def _kept(settings: Settings, server: Server) -> None:
    """Keep the matrix in use, so that what it decides can be replayed when it is another's turn."""
    async with await psycopg.AsyncConnection.connect(server.url("carnet_admin")) as conn:
        await replay.keep(conn, matrices.load(settings.matrix), door.now())


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """A refusal is a sentence and exit status 1, never a stack trace."""
    try:
        yield
    except errors.CarnetError as error:
        console.print(str(error), style="bold", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except psycopg.OperationalError as error:
        console.print(f"PostgreSQL: {error}", style="bold", markup=False, highlight=False)
        raise typer.Exit(1) from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        console.print(
            "[bold]The database is not up to date: carnet migrate brings it there.[/bold]"
        )
        raise typer.Exit(1) from None


@contextlib.contextmanager
def administering(data: Path | None) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the migrating role, for what is the installation's; refusals as exit codes."""
    with (
        refusals(),
        server_of(settings_of(data)) as server,
        psycopg.connect(server.url("carnet_admin"), autocommit=True) as conn,
    ):
        yield conn
