# SPDX-License-Identifier: EUPL-1.2
"""carnet demo: everything on one machine, with invented people."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Annotated, Any

import structlog
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from carnet import app as composition
from carnet import errors, portal
from carnet.access.limits import table as limits
from carnet.app import demonstration, filling, sandboxes, worker
from carnet.app.demonstration_mail import load_mails
from carnet.app.filling import Loaded
from carnet.app.parts import build, visit
from carnet.app.services import SERVICES
from carnet.app.upstream import providers_of
from carnet.cli import common, sandbox, serving
from carnet.cli.story.player import play
from carnet.cli.story.stage import Stage, tokens
from carnet.cli.story.story import STORY
from carnet.config import Instance, Settings
from carnet.population import EDITION, Population, make
from carnet.postgres.server import Server

PORTS = ("mss_port", "hl7_port", "dicom_port")  # of the services beside the pages
PASSWORD = "carnet-demo"  # of every persona: the demonstration listens on this machine alone
SEED, PEOPLE = 2026, 1000
PAGED = frozenset("patient carer helper professional assistant operator".split())  # log in to pages
BEHIND = 10  # niceness of the process beside: pages come first
A_LINE_EVERY = 50  # people, where there is no terminal for a bar

log = structlog.get_logger("carnet.demo")


class OtherEdition(errors.Invalid):
    """This folder holds a demonstration of another version of Carnet, whose people are no longer made:
    give another folder with --data, or delete this one."""


class OtherSeed(errors.Invalid):
    """This folder holds the people of another seed: give that seed, or another folder with --data."""


class NotADemonstration(errors.Invalid):
    """This folder is not a demonstration's: give another one with --data."""


def demo(
    data: common.Data = None,
    port: Annotated[int | None, typer.Option(help="Port (CARNET_PORT).")] = None,
    people: Annotated[
        int | None,
        typer.Option(
            help=f"How many invented people: {PEOPLE} in a new folder; more may be added later.",
            min=7,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help=f"The same seed makes the same people ({SEED} in a new folder).",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Serving processes.", min=1, max=16)] = 1,
    story: Annotated[
        bool, typer.Option("--story", help="Play the story of Suzanne Delaunay, for you to watch.")
    ] = False,
    pace: Annotated[float, typer.Option(help="Seconds between two steps of the story.", min=0)] = 6,
) -> None:
    """Start PostgreSQL, load invented people, serve pages and API, print personas."""
    with common.refusals():
        settings = common.settings_of(data, port=port, instance=Instance.DEMONSTRATION)
        settings = _with_base(settings)
        providers_of(settings)
        seed, people = chosen(common.recall(settings), seed, people)
        serving.refuse_used_port(settings.host, settings.port)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            common.remember(settings, seed=seed, people=people, edition=EDITION)
            cast = make(seed, 0)
            asyncio.run(_first(settings, server, cast))
            composition.set_up_pages(settings, server, None)
            portal.migrate(server.url("carnet_admin"))
            portal.ensure_accounts(accounts(cast), PASSWORD)
            show(settings, cast)
            with _beside(_work, settings, seed, people), contextlib.ExitStack() as played:
                if story:
                    played.enter_context(_beside(_play, settings, seed, pace))
                serving.serve(settings, workers=workers)


def chosen(said: dict[str, Any], seed: int | None, people: int | None) -> tuple[int, int]:
    """The seed and how many people, given what the folder remembers; nobody is ever taken away."""
    if said.get("instance", Instance.DEMONSTRATION) != Instance.DEMONSTRATION:
        raise NotADemonstration
    if "seed" not in said:
        return SEED if seed is None else seed, PEOPLE if people is None else people
    if said.get("edition") != EDITION:
        raise OtherEdition
    if seed not in (None, said["seed"]):
        raise OtherSeed
    return said["seed"], max(people or 0, said["people"])


def accounts(population: Population) -> dict[str, str]:
    """User names of the personas who log in to the pages, and their subjects."""
    return {
        persona.key: demonstration.subject_of(persona, population)
        for persona in population.personas
        if persona.built and persona.kind in PAGED
    }


def show(settings: Settings, population: Population) -> None:
    """Print who can be played, and where."""
    table = Table(title="Personnes de la démonstration (fictives)", title_justify="left")
    table.add_column("persona")
    table.add_column("qui")
    for persona in population.personas:
        if persona.built:
            table.add_row(persona.key, persona.label_fr)
    out = common.console
    out.print(table)
    out.print(f"Pages : [bold]{settings.base_url}[/bold]  (mot de passe : {PASSWORD})")
    out.print(f"API FHIR : [bold]{settings.base_url}/fhir[/bold]  (./run token --as gp)")
    out.print(
        f"Messagerie sécurisée (SMTP) : {settings.mss_port}, HL7 v2 (MLLP) : {settings.hl7_port},"
        f" DICOM (C-STORE) : {settings.dicom_port}, sur cette machine seule"
    )
    wide = limits.load(demonstration=True)
    shown = ", ".join(
        f"{wide[name].most:,} {name}" for name in ("api-read", "api-search", "api-write")
    )
    out.print(f"Limites larges, de démonstration, par compte et par minute : {shown}")


def _with_base(settings: Settings) -> Settings:
    """The address of this demonstration; beside another one, its services have ports of their own too."""
    base = replace(settings, base_url=f"http://localhost:{settings.port}")
    usual = {each.name: each.default for each in fields(Settings)}
    if settings.port == usual["port"]:
        return base
    moved: dict[str, Any] = {
        name: settings.port + number
        for number, name in enumerate(PORTS, 1)
        if getattr(settings, name) == usual[name]
    }
    return replace(base, **moved)


async def _first(settings: Settings, server: Server, cast: Population) -> None:
    """Load the personas' own records, and nothing else that the first page would wait for."""
    personas = {each.person for each in cast.personas if each.person and each.built}
    built = await build(settings, server, name="carnet demo")
    try:
        with Loaded(settings.data) as loaded, _bar() as bar:
            task = bar.add_task("Dossiers des personas", total=None, said="")

            def tell(progress: filling.Progress) -> None:
                bar.update(
                    task, total=progress.people, completed=progress.done, said=_said(progress)
                )

            people = [each for each in cast.people if each.key in personas]
            await filling.fill(built, server.url("carnet_admin"), cast, loaded, tell, people=people)
            await demonstration.load_announced(built, server.url("carnet_admin"), cast)
            await load_mails(built, cast)
        await sandboxes.ready(visit(built, sandbox.HAND), settings.data, sandbox.SUBJECT)
    finally:
        await built.pool.close()


@contextlib.contextmanager
def _beside(target: Callable[..., None], *given: Any) -> Iterator[None]:
    """A process of its own: the worker and the loading of the other records, or the story."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=given, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(serving.STOPPING)
        process.kill()


def _work(settings: Settings, seed: int, people: int) -> None:
    """The process beside: quiet on the signals of the terminal, its parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(BEHIND)
    composition.quiet_logs(settings)
    with common.server_of(settings) as server:
        asyncio.run(_until_terminated(settings, server, seed, people))


def _play(settings: Settings, seed: int, pace: float) -> None:
    """The process that tells the story; what it cannot do is one sentence."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    composition.quiet_logs(settings)
    cast = make(seed, 0)
    with common.refusals(), common.server_of(settings) as server:
        stage = Stage(settings.base_url, settings, cast, tokens(settings, server, cast))
        play(stage, STORY, common.console, pace)


async def _until_terminated(settings: Settings, server: Server, seed: int, people: int) -> None:
    tasks = [
        asyncio.create_task(worker.work(settings, server)),
        asyncio.create_task(_rest(settings, server, make(seed, people))),
        asyncio.create_task(_orphaned()),
    ]
    tasks += [
        asyncio.create_task(service.serve(settings, server))
        for service in SERVICES
        if service.serve is not None
    ]

    def stop() -> None:
        for task in tasks:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            log.error("ended", error=type(ended).__name__, exc_info=ended)


async def _orphaned() -> None:
    """A parent that was killed does not end its process beside: it ends itself."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 (a parent gives no event)
        await asyncio.sleep(2)
    os.kill(os.getpid(), signal.SIGTERM)


async def _rest(settings: Settings, server: Server, population: Population) -> None:
    """The other people, while the pages are already served."""
    built = await build(settings, server, name="carnet demo")
    told = 0
    try:
        with Loaded(settings.data) as loaded, _bar() as bar:
            if all(each.key in loaded.keys for each in population.people):
                return
            task = bar.add_task("Identités", total=None, said="")

            def tell(progress: filling.Progress) -> None:
                nonlocal told
                made = progress.identities == progress.people
                bar.update(
                    task,
                    description="Autres dossiers" if made else "Identités",
                    total=progress.people,
                    completed=progress.done if made else progress.identities,
                    said=_said(progress),
                )
                if not common.console.is_terminal and progress.done >= told + A_LINE_EVERY:
                    told = progress.done
                    common.console.print(
                        f"Autres dossiers : {told}/{progress.people}, {_said(progress)}"
                    )

            await filling.fill(built, server.url("carnet_admin"), population, loaded, tell)
    finally:
        await built.pool.close()


def _said(progress: filling.Progress) -> str:
    """How many documents, and how fast."""
    said = f"{progress.documents} documents, {progress.rate:.0f}/s"
    return said + (f", {progress.refused} refusés" if progress.refused else "")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
        console=common.console,
    )
