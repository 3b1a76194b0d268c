# SPDX-License-Identifier: EUPL-1.2
"""carnet record: what a person decided over their record by post or in person, written down."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.access.door.takeout import place
from carnet.app import export
from carnet.app.parts import Built, build, visit
from carnet.cli import common
from carnet.config import Settings
from carnet.export import locked
from carnet.identity.ins import InsSystem
from carnet.postgres.server import Server
from carnet.rights import close, erase, oppose, reopen, statements
from carnet.rights import open as opening

commands = typer.Typer(no_args_is_help=True, help="Life of a record: what was asked on paper.")
Person = Annotated[str, typer.Argument(help="INS of the person, or id of their Patient.")]
How = Annotated[str, typer.Option(help="How it was made known: paper or in-person.")]
By = Annotated[str, typer.Option("--by", help="Who writes it down, as a subject: operator:….")]


CODE = "Code choisi par la personne (12 caractères ou plus) / code the person chooses (12 or more)"
AGAIN = "Encore une fois / once more"


class NoPerson(errors.NotFound):
    """Nobody bears this number here, as an INS or as the id of a Patient."""


class NoCode(errors.Invalid):
    """The person types the code that opens the copy: nothing was typed, and nothing was written."""


def typed() -> str:
    """The code, typed twice; NoCode when nobody is at the keyboard."""
    if sys.stdin is None or sys.stdin.closed:  # closed before we began
        raise NoCode
    try:
        code: str = typer.prompt(CODE, hide_input=True, confirmation_prompt=AGAIN)
    except typer.Abort as none:
        raise NoCode from none
    if len(code) < locked.SHORTEST:
        raise locked.WrongCode
    return code


Act = Callable[[Visit, str], Awaitable[Any]]


def _do(data: Any, person: str, by: str, act: Act) -> Any:
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(_done(settings, server, person, by, act))


async def _done(settings: Settings, server: Server, person: str, by: str, act: Act) -> Any:
    built = await build(settings, server, name="carnet record")
    try:
        on = visit(built, await writer(built, by))
        return await act(on, await _patient(built, person))
    finally:
        await built.pool.close()


async def writer(built: Built, by: str) -> Actor:
    """Who writes it down: an operator."""
    return await common.operator(built.door, by, "carnet-record")


async def handed_over(on: Visit, id: str) -> AsyncIterator[bytes]:
    """The copy of a record: by its person's own right, and in the name of who wrote it down."""
    cid = place(on, id)
    theirs = replace(
        on, actor=replace(on.actor, kind=ActorKind.PATIENT, patient=cid, purpose="PATRQT")
    )
    async with on.door.pool.connection() as conn:
        trace = on.trace("export", "asked-in-person")
        await audit.write(conn, trace, granted=True, cids=[cid])
    async for chunk in export.taken(theirs, id):
        yield chunk


async def _patient(built: Built, person: str) -> str:
    named = built.door.ids.decode(person)
    systems = [str(each) for each in InsSystem if each.real or built.settings.lenient]
    async with built.pool.connection() as conn:
        if named is not None:
            if named[0] != named[1] or await queries.identity(conn, named[0]) is None:
                raise NoPerson
            return person
        found = await queries.identities_by_ins(conn, "".join(person.split()).upper(), systems)
    if len(found) != 1:
        raise NoPerson
    return built.door.ids.encode(found[0].cid, found[0].cid)


@commands.command("open")
def open_record(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Open at once, without waiting for the six weeks."""
    _do(data, person, by, lambda on, id: opening.open_now(on, id, how=how))


@commands.command("oppose")
def oppose_record(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Object to the record."""
    _do(data, person, by, lambda on, id: oppose.oppose(on, id, how=how))


@commands.command("oppose-feeding")
def oppose_feeding(
    person: Person,
    by: By,
    motive: Annotated[str, typer.Option(help="A motive of rights/life.toml.")],
    how: How = "paper",
    data: common.Data = None,
) -> None:
    """Object to the record being fed, for a legitimate reason."""
    _do(
        data,
        person,
        by,
        lambda on, id: oppose.feeding(on, id, opposed=True, motive=motive, how=how),
    )


@commands.command("allow-feeding")
def allow_feeding(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Object no more to the record being fed."""
    _do(data, person, by, lambda on, id: oppose.feeding(on, id, opposed=False, how=how))


@commands.command("close")
def close_record(
    person: Person,
    by: By,
    motive: Annotated[str, typer.Option(help="A motive of rights/life.toml.")] = "holder",
    how: How = "paper",
    data: common.Data = None,
) -> None:
    """Close, and archive ten years."""
    _do(data, person, by, lambda on, id: close.close(on, id, motive=motive, how=how))


@commands.command("reopen")
def reopen_record(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Open again, with what the archive holds."""
    _do(data, person, by, lambda on, id: reopen.reopen(on, id, how=how))


@commands.command("erase")
def erase_record(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Ask for the deletion: done after a time to think, at the latest in three months."""
    _do(data, person, by, lambda on, id: erase.ask(on, id, how=how))


@commands.command("keep")
def keep_record(person: Person, by: By, how: How = "paper", data: common.Data = None) -> None:
    """Give up a deletion that was asked for."""
    _do(data, person, by, lambda on, id: erase.keep(on, id, how=how))


@commands.command("export")
def export_record(
    person: Person,
    file: Annotated[Path, typer.Argument(help="File to write: an encrypted ZIP.")],
    by: By,
    data: common.Data = None,
) -> None:
    """Write a copy of a record for its person, who is there and types the code that opens it.

    Who hands the file over never reads it: what is in it, the names of documents too, is encrypted under
    that code, which is written nowhere. The person has the same copy by themselves on their page.
    """
    with common.refusals():
        code = typed()

    async def take(on: Visit, id: str) -> int:
        return await locked.write(
            file, "dossier.zip", handed_over(on, id), code, os.urandom(locked.SALT)
        )

    size = _do(data, person, by, take)
    print(
        f"{size} bytes, in {file}. It opens with the code, in 7-Zip or another program that knows AES."
    )


@commands.command("due")
def due(data: common.Data = None) -> None:
    """How many records wait, in each state; exit 1 when a deletion is late."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            counts, late = asyncio.run(_counted(settings, server))
        for state, count in counts:
            print(f"{state}: {count}")
        print(f"deletions overdue: {late}")
        if late:
            raise typer.Exit(1)


async def _counted(settings: Settings, server: Server) -> tuple[list[tuple[Any, ...]], int]:
    built = await build(settings, server, name="carnet record")
    try:
        async with built.pool.connection() as conn:
            counts = await (await conn.execute(statements.STATES)).fetchall()
            row = await (await conn.execute(statements.OVERDUE, (built.door.clock(),))).fetchone()
        return counts, int(row[0]) if row else 0
    finally:
        await built.pool.close()
