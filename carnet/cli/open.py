# SPDX-License-Identifier: EUPL-1.2
"""carnet open: read health documents one holds, on one's own machine."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import psycopg
import structlog
import typer
from rich.console import Console
from rich.progress import Progress

from carnet import app as composition
from carnet import config, errors, portal
from carnet.access import door
from carnet.access.log import heads
from carnet.app import opening, worker
from carnet.app.loading import reports
from carnet.app.loading.outcomes import Outcome, State
from carnet.app.loading.run import Advance
from carnet.app.opening import lock, owner, report, run
from carnet.app.opening.lock import Unlocked
from carnet.app.parts import build
from carnet.cli import common, serving
from carnet.config import Instance, Settings
from carnet.postgres.server import Server

REFUSED, WRONG_USE, NOT_REACHED = 1, 2, 3  # exit codes, those of carnet load
MATRIX: Final = Path(opening.__file__).with_name("matrix.toml")  # no professional reads anything
ENDING: Final = 4.0  # seconds for what a run that was killed left to end
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

log = structlog.get_logger("carnet.open")


class NotPrivate(errors.Invalid):
    """This folder is not one that `carnet open` made: give another one with --data."""


class Elsewhere(errors.Invalid):
    """`carnet open` listens on this machine alone: CARNET_HOST is 127.0.0.1, ::1 or localhost."""


class OtherDatabase(errors.Invalid):
    """`carnet open` keeps its own database: unset CARNET_DATABASE_URL."""


class Nothing(errors.Invalid):
    """Say what to open: a file or a folder. (A folder of data opened before may be read again alone.)"""


def open_(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders.", exists=True, show_default=False)
    ] = None,
    data: common.Data = None,
    port: Annotated[int | None, typer.Option(help="Port (CARNET_PORT).")] = None,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Erase all that was opened, keys first; then stop.")
    ] = False,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Read and report; serve no page.")
    ] = False,
    given: Annotated[
        list[Path] | None,
        typer.Option(
            "--report", help="Write the report there, by its suffix: .html, .json, .xml (JUnit)."
        ),
    ] = None,
    names: Annotated[
        bool,
        typer.Option("--names", help="Let the report say names of files: they may name people."),
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            help="The passphrase is the first line of this file, not asked for.", exists=True
        ),
    ] = None,
) -> None:
    """Read CDA, XDM, mails, HL7 v2, FHIR, PDF, images: private, on this machine, under a passphrase.

    Exit code 0: all is read; 1: something was refused (--no-serve); 2: wrong use or
    passphrase; 3: not started.
    """
    signal.signal(signal.SIGTERM, _leave)
    if not _outlives():
        signal.signal(signal.SIGHUP, _leave)
    try:
        settings = settings_of(data, port)
        if wipe:
            erase(settings)
            return
        if not paths and not lock.exists(settings.data):
            raise Nothing
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.data.chmod(0o700)  # one that was there already may be open to others
        with lock.alone(settings.data, ENDING):
            if not no_serve:
                serving.refuse_used_port(settings.host, settings.port)
        secret = passphrase(settings, passphrase_file)
        with lock.unlocked(settings.data, secret) as unlocked:
            del secret
            found = _opened(settings, unlocked, paths or [], given or [], names, no_serve)
    except (
        NotPrivate,
        Elsewhere,
        OtherDatabase,
        Nothing,
        lock.WrongPassphrase,
        lock.TooShort,
    ) as no:
        _stop(str(no), WRONG_USE)
    except errors.CarnetError as no:
        _stop(str(no), NOT_REACHED)
    except psycopg.Error as error:
        _stop(f"PostgreSQL: {error}", NOT_REACHED)
    except OSError as error:
        _stop(f"It cannot be started: {error.strerror}.", NOT_REACHED)
    if any(each.state is State.REFUSED for each in found):
        raise typer.Exit(REFUSED)


def settings_of(data: Path | None, port: int | None) -> Settings:
    """A private instance on this machine, in the user's own folder when none is named."""
    found = config.read(data=data, port=port, instance=Instance.PRIVATE)
    if data is None and config.origins()["data"] == "default":
        found = replace(found, data=config.user_folder() / "open")
    if config.origins()["log_level"] == "default":
        found = replace(found, log_level="ERROR")  # its owner reads the pages, not a journal
    if found.host not in LOOPBACK:
        raise Elsewhere
    if found.database_url:
        raise OtherDatabase
    said = common.recall(found)
    if said and said.get("instance") != Instance.PRIVATE:
        raise NotPrivate
    if (
        not said
        and not lock.exists(found.data)
        and found.data.exists()
        and any(each.name != lock.RUNNING for each in found.data.iterdir())
    ):
        raise NotPrivate
    return replace(found, base_url=f"http://localhost:{found.port}", matrix=str(MATRIX))


def passphrase(settings: Settings, file: Path | None) -> str:
    """From a file, or asked for: twice the first time, since nothing can find it again."""
    if file is not None:
        return (file.read_text("utf-8").splitlines() or [""])[0]
    if lock.exists(settings.data):
        return getpass.getpass("Phrase secrète / passphrase : ")
    common.console.print(
        "Choisissez une phrase secrète : elle n’est écrite nulle part et ne peut être retrouvée.\n"
        "Choose a passphrase: it is written nowhere and cannot be recovered.",
        highlight=False,
    )
    first = getpass.getpass("Phrase secrète / passphrase : ")
    if getpass.getpass("Encore / again : ") != first:
        raise lock.WrongPassphrase("The two passphrases are not the same.")
    return first


def erase(settings: Settings) -> None:
    """Everything of a private instance; nothing else is ever erased."""
    if not settings.data.exists():
        return
    if not lock.exists(settings.data):
        raise NotPrivate
    with lock.alone(settings.data):
        with contextlib.suppress(errors.CarnetError), common.server_of(settings):
            pass  # a server that a killed run left is stopped
        lock.wipe(settings.data)
    common.console.print("Tout est effacé / all is erased", highlight=False)


def _opened(
    settings: Settings,
    unlocked: Unlocked,
    paths: Sequence[Path],
    given: Sequence[Path],
    names: bool,
    no_serve: bool,
) -> list[Outcome]:
    # Before the database knows them: a run that is killed loses none, the first one either.
    door.load_or_make(settings.keys)
    heads.load_or_make(settings.keys)
    unlocked.keep()
    common.console.print("Démarrage… / starting…", highlight=False)
    with common.server_of(settings) as server:
        common.bring_up_to_date(settings, server)
        common.remember(settings)
        asyncio.run(_ensure(settings, server))
        composition.set_up_pages(settings, server, None)
        portal.migrate(server.url("carnet_admin"))
        portal.ensure_owner(owner.UNNAMED)
        unlocked.keep()
        if no_serve:
            found = asyncio.run(take(settings, server, paths))
            give(found, given, names)
            typer.echo(reports.text(found if names else report.nameless(found)), nl=False)
            return found
        common.console.print(f"Vos documents / your documents : [bold]{settings.base_url}[/bold]")
        begin = serving.beginning()
        with _beside(begin, settings, paths, given, names):
            serving.serve(
                settings,
                workers=1,
                hangup_ends=not _outlives(),
                target="carnet.cli.open:pages",
                begin=begin,
            )
    return []


async def _ensure(settings: Settings, server: Server) -> None:
    built = await build(settings, server, name="carnet open")
    try:
        await owner.ensure(built, server.url("carnet_admin"))
    finally:
        await built.pool.close()


async def take(settings: Settings, server: Server, paths: Sequence[Path]) -> list[Outcome]:
    """Load these paths, with a bar."""
    built = await build(settings, server, name="carnet open")
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:

            def listing(files: int) -> Advance:
                total = files
                task = bar.add_task("Lecture", total=files, visible=files > 1)

                def advance(step: int = 1, /) -> None:
                    nonlocal total
                    if step < 0:
                        total -= step
                        bar.update(task, total=total)
                    else:
                        bar.advance(task, step)

                return advance

            return await run.take(built, server.url("carnet_admin"), paths, listing)
    finally:
        await built.pool.close()


def give(found: Sequence[Outcome], given: Sequence[Path], names: bool) -> None:
    """Write the reports that were asked for."""
    for each in given:
        each.write_text(report.written(found, reports.form_of(each), names=names), "utf-8")


def tell(found: Sequence[Outcome]) -> None:
    """One line a language, where the pages were announced."""
    said = reports.counted(found)
    common.console.print(
        "Fichiers : {files} ({in} lus, {already_there} déjà là, {skipped} laissés de côté,"
        " {refused} refusés) ; {findings} remarques dans le rapport.\n"
        "Files: {files} ({in} read, {already_there} already there, {skipped} left aside,"
        " {refused} refused); {findings} findings in the report.".format(**said),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@contextlib.contextmanager
def _beside(
    begin: serving.Begin,
    settings: Settings,
    paths: Sequence[Path],
    given: Sequence[Path],
    names: bool,
) -> Iterator[None]:
    """The loading and the worker, in a process of their own: pages come first."""
    held = [path.absolute() for path in paths], [path.absolute() for path in given]
    fork = begin == "fork"
    context = multiprocessing.get_context("fork") if fork else multiprocessing.get_context("spawn")
    process = context.Process(target=_work, args=(settings, *held, names), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(serving.STOPPING)
        process.kill()


def _work(settings: Settings, paths: list[Path], given: list[Path], names: bool) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):  # of the terminal: the parent ends this
        signal.signal(number, signal.SIG_IGN)
    os.nice(5)
    composition.quiet_logs(settings)
    parent, keys = os.getppid(), settings.keys.resolve()
    with common.server_of(settings) as server:
        asyncio.run(_until_terminated(settings, server, paths, given, names))
    if os.getppid() != parent:  # it was killed, and puts nothing away
        lock.put_away(settings.data, keys)


def pages() -> Any:
    """The pages of one process, which ends with its parent: one that is killed leaves nothing open."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    return serving.worker()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(serving.STOPPING)
    os._exit(1)


async def _until_terminated(
    settings: Settings, server: Server, paths: list[Path], given: list[Path], names: bool
) -> None:
    async def load() -> None:
        if paths:
            await _served(settings)
            found = await take(settings, server, paths)
            give(found, given, names)
            tell(found)

    tasks = [
        asyncio.create_task(load()),
        asyncio.create_task(worker.work(settings, server)),
        asyncio.create_task(_orphaned()),
    ]

    def stop() -> None:
        for task in tasks:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("ended", error=type(ended).__name__)


async def _served(settings: Settings) -> None:
    """Until the pages answer: they come first, on a machine with few processors most of all."""
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


async def _orphaned() -> None:
    """A parent that was killed does not end its process beside: it ends itself."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 (a parent gives no event)
        await asyncio.sleep(2)
    os.kill(os.getpid(), signal.SIGTERM)


def _outlives() -> bool:
    """Whether it goes on when its terminal is closed: `nohup` was asked for."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _leave(number: int, frame: object) -> NoReturn:
    """Ended from outside before the pages are served: keys are put away all the same."""
    raise SystemExit(128 + number)


def _stop(sentence: str, code: int) -> NoReturn:
    common.console.print(sentence, style="bold", highlight=False, markup=False)
    raise typer.Exit(code)
