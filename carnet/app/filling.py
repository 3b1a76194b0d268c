# SPDX-License-Identifier: EUPL-1.2
"""Filling a demonstration while it is used: person after person, several at once, again after any stop.

A person is done when their key is in a file of the data folder; whoever was begun is taken again from
the start. Nothing is then there twice: an identity is known by its INS, a document by its number and
its bytes, a lot of measures by the number of the first one, written with all the others or not at all.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.access.actor import Actor
from carnet.access.door import Unit, commit
from carnet.app.demonstration import Depositors, load_identities, load_places
from carnet.app.parts import Built, visit
from carnet.documents.receive import receive
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter
from carnet.population import Person, Population, documents, measures
from carnet.rest.acts import Entry, Plan
from carnet.rest.plans import carry_out

log = structlog.get_logger("carnet.filling")

FILE = "loaded.txt"  # in the data folder
IN_FLIGHT = 2  # people at once
IDENTITIES = 20  # of one transaction
MEASURES = 100  # of one transaction
NUMBER = "urn:carnet:demonstration:measure"  # system of the numbers given to measures
ATTEMPTS = 6


class Loaded:
    """The keys of the people who are done; one process at a time holds the file.

    A last line cut by a stop is not a key: that person is taken again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.keys: set[str] = set()

    def __enter__(self) -> Self:
        self._path.touch()
        self._file = self._path.open("r+", encoding="ascii")
        fcntl.flock(self._file, fcntl.LOCK_EX)  # let go by the end of a process, however it ends
        lines = self._file.read().splitlines(keepends=True)
        self.keys = {line.rstrip("\n") for line in lines if line.endswith("\n")}
        if lines and not lines[-1].endswith("\n"):
            self._file.write("\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, key: str) -> None:
        """This one is done."""
        self._file.write(f"{key}\n")
        self._file.flush()
        self.keys.add(key)


@dataclass(slots=True)
class Progress:
    """How far it is; changed as it goes, told after each step."""

    people: int = 0  # all of those to load now
    identities: int = 0
    done: int = 0
    documents: int = 0
    measures: int = 0
    refused: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Documents a second since the start."""
        return self.documents / max(0.001, time.monotonic() - self.started)


Tell = Callable[[Progress], None]


async def fill(
    built: Built,
    owner_url: str,
    population: Population,
    loaded: Loaded,
    tell: Tell = lambda progress: None,
    *,
    people: Sequence[Person] | None = None,
) -> Progress:
    """Load whoever is not loaded: all identities first, then document after document.

    people: only these; everybody by default. The directory of those is loaded too.
    """
    chosen = population.people if people is None else people
    waiting = [person for person in chosen if person.key not in loaded.keys]
    progress = Progress(len(waiting))
    tell(progress)
    if not waiting:
        return progress

    def found(count: int) -> None:
        progress.identities += count
        tell(progress)

    await load_places(built, owner_url, population, cast_alone=people is not None)
    cids = await load_identities(
        built, owner_url, population, waiting, together=IDENTITIES, tell=found
    )
    progress.started = time.monotonic()
    depositors = Depositors(built)
    left = iter(waiting)

    async def work() -> None:
        for person in left:  # shared: each is taken by one
            await _record(built, population, person, cids[person.key], depositors, progress, tell)
            loaded.add(person.key)
            progress.done += 1
            tell(progress)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(work())
    return progress


async def _record(
    built: Built,
    population: Population,
    person: Person,
    cid: int,
    depositors: Depositors,
    progress: Progress,
    tell: Tell,
) -> None:
    """All documents of one person, then their measures."""
    for generated in documents(population, person):
        who = await depositors.of(generated.establishment)

        async def publish(who: Actor = who, xml: bytes = generated.xml) -> None:
            await receive(visit(built, who), built.desk.acts, xml)

        if await _patiently(publish, generated.unique_id):
            progress.documents += 1
        else:
            progress.refused += 1
        tell(progress)
    attending = population.professional(person.attending or "gp")
    who = await depositors.of(attending.main_place)
    for lot in _lots(population, person, built.door.ids.encode(cid, cid)):

        async def write(lot: list[dict[str, Any]] = lot) -> None:
            if not await _there(built, who, cid, lot[0]):
                plan = Plan([Entry("POST", each["resourceType"], resource=each) for each in lot])
                await carry_out(visit(built, who), built.desk.acts, plan)

        if await _patiently(write, person.key):
            progress.measures += len(lot)
        else:
            progress.refused += len(lot)
        tell(progress)


async def _patiently(work: Callable[[], Any], what: str) -> bool:
    """Do it, again when the database is away or busy; false when it was refused."""
    for attempt in range(ATTEMPTS):
        try:
            await work()
        except (errors.Transient, psycopg.OperationalError, PoolTimeout):
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.2 * 2**attempt)
        except errors.CarnetError as refusal:
            log.warning("refused", what=what, why=type(refusal).__name__)
            return False
        else:
            return True
    return False


def _lots(population: Population, person: Person, patient: str) -> Iterator[list[dict[str, Any]]]:
    """The measures of a person, numbered, about them, as many as one transaction takes."""
    numbered = (
        {
            **each,
            "identifier": [
                *each.get("identifier", []),
                {"system": NUMBER, "value": f"{person.key}/{number}"},
            ],
            "subject": {"reference": f"Patient/{patient}"},
        }
        for number, each in enumerate(measures(population, person), 1)
    )
    while lot := list(itertools.islice(numbered, MEASURES)):
        yield lot


async def _there(built: Built, who: Actor, cid: int, resource: dict[str, Any]) -> bool:
    """Whether a measure is there, by its number, among what this software deposited."""
    number = built.door.definitions.params[resource["resourceType"]]["identifier"].number
    value = resource["identifier"][-1]["value"]
    wanted = TokenFilter(number, ((NUMBER, value),))
    query = Query(resource["resourceType"], (wanted,), compartments=(cid,), count=1)

    async def look(unit: Unit) -> bool:
        return bool(await unit.find(query))

    return await commit(visit(built, who), look, "find")
