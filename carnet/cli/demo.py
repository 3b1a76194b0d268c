# SPDX-License-Identifier: EUPL-1.2
"""carnet demo: everything on one machine, with invented people."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from carnet import app as composition
from carnet import portal
from carnet.app import demonstration, worker
from carnet.app.parts import build
from carnet.cli import common, serving
from carnet.config import Instance, Settings
from carnet.population import Population, make
from carnet.postgres.server import Server

PASSWORD = "carnet-demo"  # of every persona: the demonstration listens on this machine alone
SEED = 2026


def demo(
    data: common.Data = None,
    port: Annotated[int | None, typer.Option(help="Port (CARNET_PORT).")] = None,
    people: Annotated[int, typer.Option(help="How many invented people.", min=7)] = 20,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = SEED,
    workers: Annotated[int, typer.Option(help="Serving processes.", min=1, max=16)] = 1,
) -> None:
    """Start PostgreSQL, load invented people, serve pages and API, print personas."""
    with common.refusals():
        settings = common.settings_of(data, port=port, instance=Instance.DEMONSTRATION)
        settings = _with_base(settings)
        serving.refuse_used_port(settings.host, settings.port)
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            population = make(seed, people)
            rest = asyncio.run(_first(settings, server, population))
            composition.set_up_pages(settings, server, None)
            portal.migrate(server.url("carnet_admin"))
            portal.ensure_accounts(accounts(population), PASSWORD)
            common.remember(settings, seed=seed, people=people)
            show(settings, population)
            with _beside(settings, seed, people, rest):
                serving.serve(settings, workers=workers)


def accounts(population: Population) -> dict[str, str]:
    """User names of the personas who log in to the pages, and their subjects."""
    return {
        persona.key: demonstration.subject_of(persona, population)
        for persona in population.personas
        if persona.built and persona.kind in ("patient", "professional")
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


def _with_base(settings: Settings) -> Settings:
    return replace(settings, base_url=f"http://localhost:{settings.port}")


async def _first(settings: Settings, server: Server, population: Population) -> list[str]:
    """Load people, and the personas' own records; returns the keys of those left for later."""
    done = common.recall(settings).get("loaded", [])
    built = await build(settings, server, name="carnet demo")
    try:
        if not done:
            with common.console.status("Chargement des personnes…"):
                await demonstration.load_people(built, server.url("carnet_admin"), population)
        cast = {persona.person for persona in population.personas if persona.person}
        cast &= {persona.person for persona in population.personas if persona.built}
        waiting = [each.key for each in population.people if each.key not in done]
        first = [population.person(key) for key in waiting if key in cast]
        if first:
            with _bar() as bar:
                task = bar.add_task("Dossiers des personas", total=None)
                await demonstration.load_documents(
                    built, population, first, lambda: bar.advance(task)
                )
            done = [*done, *(each.key for each in first)]
            common.remember(settings, loaded=done)
        return [key for key in waiting if key not in cast]
    finally:
        await built.pool.close()


@contextlib.contextmanager
def _beside(settings: Settings, seed: int, people: int, keys: list[str]) -> Iterator[None]:
    """The worker and the loading of the other records, in a process of their own."""
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(settings, seed, people, keys), daemon=True
    )
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(serving.STOPPING)
        process.kill()


def _work(settings: Settings, seed: int, people: int, keys: list[str]) -> None:
    """The process beside: quiet on the signals of the terminal, its parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    composition.quiet_logs(settings)
    with common.server_of(settings) as server:
        asyncio.run(_until_terminated(settings, server, seed, people, keys))


async def _until_terminated(
    settings: Settings, server: Server, seed: int, people: int, keys: list[str]
) -> None:
    population = make(seed, people)
    tasks = [
        asyncio.create_task(worker.work(settings, server)),
        asyncio.create_task(_rest(settings, server, population, keys)),
        asyncio.create_task(_orphaned()),
    ]

    def stop() -> None:
        for task in tasks:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _orphaned() -> None:
    """A parent that was killed does not end its process beside: it ends itself."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 (a parent gives no event)
        await asyncio.sleep(2)
    os.kill(os.getpid(), signal.SIGTERM)


async def _rest(
    settings: Settings, server: Server, population: Population, keys: list[str]
) -> None:
    """The other records, while the pages are already served."""
    if not keys:
        return
    built = await build(settings, server, name="carnet demo")
    try:
        with _bar() as bar:
            task = bar.add_task("Autres dossiers", total=len(keys))
            for key in keys:
                await demonstration.load_documents(built, population, [population.person(key)])
                common.remember(settings, loaded=[*common.recall(settings).get("loaded", []), key])
                bar.advance(task)
    finally:
        await built.pool.close()


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=common.console,
    )
