# SPDX-License-Identifier: EUPL-1.2
"""carnet export, carnet restore: a person's copy, or the whole platform, and putting it back."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from psycopg import AsyncConnection

from carnet import app as composition
from carnet import errors, portal
from carnet.access import audit, door, queries
from carnet.access import matrix as matrices
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.access.log import heads, sources, verify
from carnet.app import parts
from carnet.cli import common, record
from carnet.cli.audit import WrongKey
from carnet.config import Settings
from carnet.documents.text import index
from carnet.export.platform import ask, restore, sealed, take
from carnet.export.platform.restore import Restoring, Verified
from carnet.postgres.pool import JOB, open_pool
from carnet.postgres.server import Server

commands = typer.Typer(
    no_args_is_help=True, help="Leave: the copy of one record, or the whole platform."
)
By = Annotated[str, typer.Option("--by", help="Who does it, as a subject: operator:….")]
To = Annotated[str, typer.Option("--to", help="Public key it is encrypted to: age1….")]
Number = Annotated[int, typer.Argument(help="Number that `carnet export ask` gave.")]
CLIENT: Final = "carnet-export"

Result = TypeVar("Result")


class KeyExists(take.Exists):
    """There is a file of this name already: a key is never written over."""


class NotWritten(errors.CarnetError):
    """The file cannot be written there: nothing half made is left under its name."""


@contextmanager
def sentences() -> Iterator[None]:
    """Refusals, and what a disk refuses, as a sentence and exit status 1."""
    with common.refusals():
        try:
            yield
        except OSError as error:
            raise NotWritten(f"{NotWritten.__doc__} ({error.strerror or error})") from None


@asynccontextmanager
async def at(settings: Settings, server: Server) -> AsyncIterator[tuple[door.Door, Any]]:
    """The door of the owner's command, and its connection."""
    url = server.url("carnet_admin")
    pool = await open_pool(url, min_size=1, max_size=1, name=CLIENT, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, matrices.load(settings.matrix), keyring)
        async with await AsyncConnection.connect(url, autocommit=True) as conn:
            yield made, conn
    finally:
        await pool.close()


def _do(
    data: Path | None, by: str, act: Callable[[Settings, Visit, Any], Awaitable[Result]]
) -> Result:
    async def run(settings: Settings, server: Server) -> Result:
        async with at(settings, server) as (made, conn):
            who = await common.operator(made, by, CLIENT)
            return await act(settings, Visit(made, who, secrets.token_hex(8)), conn)

    with sentences():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            return asyncio.run(run(settings, server))


commands.command("person")(record.export_record)


@commands.command("key")
def new_key(
    file: Annotated[Path, typer.Argument(help="File to write: the private key.")],
) -> None:
    """Make the key a platform is encrypted to: the private one in a file, the public one printed.

    It is made where the archive will be opened, and never lies on the machine that is left.
    """
    private, public = sealed.new_key()
    with sentences():
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyExists from None
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(f"# public key: {public}\n{private}\n")
    print(public)


@commands.command("ask")
def ask_platform(to: To, by: By, data: common.Data = None) -> None:
    """Ask for the whole platform. Another operator confirms, within a day."""
    number = _do(data, by, lambda _, on, conn: ask.ask(conn, on, to))
    print(f"{number}: another operator types carnet export confirm {number} --to {to} --by …")


@commands.command("confirm")
def confirm_platform(number: Number, to: To, by: By, data: common.Data = None) -> None:
    """Confirm what another operator asked, for the same key."""
    found = _do(data, by, lambda _, on, conn: ask.confirm(conn, on, number, to))
    print(f"{number}: asked by {found.asked_by}, confirmed by {by}, for {found.recipient}.")


@commands.command("write")
def write_platform(
    number: Number,
    file: Annotated[Path, typer.Argument(help="File to write: an encrypted archive.")],
    by: By,
    data: common.Data = None,
) -> None:
    """Write the whole platform that two operators agreed on, encrypted to their key."""

    async def work(settings: Settings, on: Visit, conn: Any) -> take.Taken:
        agreed = await ask.begin(conn, on, number)
        while await parts.sealing(settings, on.door.pool, on.door).once():
            pass  # what waited to be sealed leaves with its proof
        done = await taking(settings, on.door).write(conn, agreed, file)
        await ask.taken(conn, on, number, done.digest)
        return done

    done = _do(data, by, work)
    print(f"{sum(done.resources.values())} resources, {done.versions} earlier versions,", end=" ")
    print(f"{done.documents} files, {done.lines} lines of the audit, in {file}.")
    print(f"SHA-256 {done.digest.hex()}")


def taking(settings: Settings, made: door.Door) -> take.Taking:
    """What an installation's archive is written with."""
    return take.Taking(
        made,
        door.load_or_make(settings.keys),
        heads.load_or_make(settings.keys),
        heads.known_keys(settings.keys),
        version("carnet"),
    )


# ---------------------------------------------------------------------------------------- put back


def restored(
    file: Annotated[Path, typer.Argument(help="Archive of a platform.", exists=True)],
    identity: Annotated[Path, typer.Option(help="File of the private key.", exists=True)],
    by: By,
    key: Annotated[
        str | None, typer.Option(help="The signing key its origin publishes, public, base64.")
    ] = None,
    data: common.Data = None,
) -> None:
    """Put a whole platform back on an empty machine; all or nothing.

    Everything is verified before anything is written, and compared before it is kept.
    """
    with sentences():
        private = sealed.identity(identity)
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            composition.set_up_pages(settings, server, None)
            portal.migrate(server.url("carnet_admin"))
            asyncio.run(_vacant(settings, server))  # told at once, not when all of it was read
            verified = restore.examine(file, private, _key(key), settings.data)
            if key is None:
                print(
                    f"Signed by {verified.manifest['key']}: compare with what its origin publishes."
                )
            asyncio.run(put_back(settings, server, verified, file, private, by))
            common.remember(settings)
            report = _checked(settings, server)
            read = asyncio.run(_read(settings, server))
    said = verified.manifest
    print(
        f"{sum(said['resources'].values())} resources, {said['documents']} files: equal.", end=" "
    )
    print(f"{report.rows} lines of the audit, {report.leaves} sealed, {len(report.found)} differ.")
    print(f"{read} documents read for their words.")
    if report.found:
        raise typer.Exit(3)


async def _vacant(settings: Settings, server: Server) -> None:
    url = server.url("carnet_admin")
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        await restore.vacant(conn, settings.roots.exists())


async def put_back(
    settings: Settings,
    server: Server,
    verified: Verified,
    file: Path,
    private: Any,
    by: str,
    told: Callable[[str], None] = lambda name: None,
) -> None:
    """One transaction; the keys that came with it are this machine's before it ends."""
    url = server.url("carnet_admin")
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        await restore.ready(conn, verified, settings.roots.exists())
        own = door.load_or_make(settings.keys)
        pool = await open_pool(url, min_size=1, max_size=1, name=CLIENT, limits=JOB)
        try:
            made = door.make(
                pool, settings, matrices.load(settings.matrix), restore.keyring(own, verified)
            )

            async def before(conn: AsyncConnection[Any]) -> None:
                found = await queries.subject(conn, by)
                if found is None:
                    raise common.UnknownWriter
                if found.kind != ActorKind.OPERATOR:
                    raise common.NotOperator
                who = Actor(
                    ActorKind.OPERATOR, by, found.name, CLIENT, purpose="HOPERAT", rev=found.rev
                )
                trace = Visit(made, who, secrets.token_hex(8)).trace("export", "platform-restored")
                await audit.write(conn, trace, granted=True)
                door.take_over(settings.keys, *verified.keys)
                mine = heads.load_or_make(settings.keys).public
                heads.keep_keys(settings.keys, [each for each in verified.signers if each != mine])

            await Restoring(made, verified, before, told).run(conn, file, private)
        finally:
            await pool.close()


def _checked(settings: Settings, server: Server) -> verify.Report:
    """The log as it lies in the database now."""
    source = sources.Database(server.url("carnet_admin"), door.now())
    try:
        return verify.verify(source, keys=heads.known_keys(settings.keys), delay=restore.DELAY)
    finally:
        source.close()


async def _read(settings: Settings, server: Server) -> int:
    """Index the words of the documents; what is cut off here the worker goes on with."""
    pool = await open_pool(server.url("carnet_worker"), min_size=1, max_size=2, limits=JOB)
    try:
        keyring = door.load_or_make(settings.keys)
        made = door.make(pool, settings, matrices.load(settings.matrix), keyring)
        count = 0
        while done := await index.drain(made):
            count += done
        return count
    finally:
        await pool.close()


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        raise WrongKey from None
    if len(found) != 32:
        raise WrongKey
    return found
