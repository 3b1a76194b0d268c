# SPDX-License-Identifier: EUPL-1.2
"""A large population loaded in bulk: identities, then the documents of some of them.

    ./run bench population                              as many as BENCH_PEOPLE says, or 100,000
    .venv/bin/python -m bench.population --people 5000 --documented 500 --keep FOLDER

Through the door, by the acts' own statements, but many people a transaction: what a take-over of an
existing system would do. The folder that is kept serves other figures (`world`).
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from bench._told import tell
from carnet.access import queries
from carnet.access.door import Address, Unit, commit
from carnet.app import demonstration
from carnet.app.parts import Built, actor, build, visit
from carnet.cli import common
from carnet.documents.receive import receive
from carnet.identity.status import Status
from carnet.identity.traits import normal
from carnet.population import Person, documents, make
from carnet.postgres.cluster import Cluster
from carnet.vigilance import register
from tests.durability.installation import Installation, free_port

T = TypeVar("T")

SEED = 2026
PEOPLE, DOCUMENTED, EACH = 100_000, 10_000, 3
TOGETHER = 50  # identities of one transaction; row security looks at each row through all of them
IN_FLIGHT = 4  # documents at once, in each process
PROCESSES = 2


def run() -> None:
    """With the sizes of the environment: BENCH_PEOPLE, BENCH_DOCUMENTED, BENCH_KEEP."""
    said = os.environ.get
    people = int(said("BENCH_PEOPLE", PEOPLE))
    documented = int(said("BENCH_DOCUMENTED", min(DOCUMENTED, people // 10)))
    keep = said("BENCH_KEEP")
    load(people, documented, EACH, Path(keep) if keep else None)


def world(folder: Path) -> Installation:
    """An installation on a folder that was kept, its people already there; started by its caller."""
    return Installation(folder, free_port())


def load(people: int, documented: int, each: int, keep: Path | None) -> None:
    """Make, load and tell; the folder is removed unless it is to be kept."""
    folder = keep or Path(tempfile.mkdtemp(prefix="carnet-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    installation = Installation(folder / "data", free_port())
    started = time.perf_counter()
    population = make(SEED, people)
    tell(
        f"make a population of {people:,}",
        f"{time.perf_counter() - started:.1f} s, {len(population.professionals):,} professionals,"
        f" {len(population.establishments):,} establishments",
    )
    settings = installation.settings()
    leave = Cluster.attach_or_start(settings.data).stop
    try:
        with common.server_of(settings) as server:
            common.bring_up_to_date(settings, server)
            common.remember(settings, seed=SEED, people=people)
            asyncio.run(_directory(installation, people))
        took = _share("identities", installation.data, people, documented, each)
        rows = _count(installation, "SELECT count(*) FROM access.identity")
        tell(
            f"identities in bulk, {TOGETHER} a transaction, {PROCESSES} processes",
            f"{rows / took:,.0f} identities/s ({rows:,} in {took:.0f} s)",
            f"COPY with a primary key, a commit every {TOGETHER}:"
            f" {_copied(installation, rows):,.0f} rows/s",
        )
        before = _count(installation, "SELECT count(*) FROM record.resource")
        took = _share("documents", installation.data, people, documented, each)
        made = _count(installation, "SELECT count(*) FROM documents.unique_id")
        resources = _count(installation, "SELECT count(*) FROM record.resource") - before
        tell(
            f"the last {each} documents of {documented:,} people, {PROCESSES} processes",
            f"{made / took:,.0f} documents/s, {resources / took:,.0f} resources/s"
            f" ({made:,} in {took:.0f} s)",
        )
        if keep is not None:
            print(f"  kept in {keep / 'data'}")
    finally:
        leave()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _share(work: str, data: Path, people: int, documented: int, each: int) -> float:
    """The work among processes; seconds it took, once they have all started."""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    processes = [
        context.Process(
            target=_process, args=(work, data, people, documented, each, rank, ready, go)
        )
        for rank in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"{work}: a process failed")
    return time.perf_counter() - started


def _process(
    work: str,
    data: Path,
    people: int,
    documented: int,
    each: int,
    rank: int,
    ready: Any,
    go: Any,
) -> None:
    asyncio.run(_part(work, data, people, documented, each, rank, ready, go))


async def _part(
    work: str,
    data: Path,
    people: int,
    documented: int,
    each: int,
    rank: int,
    ready: Any,
    go: Any,
) -> None:
    installation = Installation(data, 0)
    with common.server_of(installation.settings()) as server:
        built = await build(installation.settings(), server, name="carnet bench")
        try:
            population = make(SEED, people)
            if work == "identities":
                mine = population.people[rank::PROCESSES]
                ready.release()
                go.wait()
                await _identities(built, installation.url(), mine)
            else:
                mine = population.people[:documented][rank::PROCESSES]
                ready.release()
                go.wait()
                depositors = demonstration.Depositors(built)
                left = iter(mine)

                async def publish() -> None:
                    for person in left:
                        for one in list(documents(population, person))[-each:]:
                            who = await depositors.of(one.establishment)
                            await receive(visit(built, who), built.desk.acts, one.xml)

                async with asyncio.TaskGroup() as tasks:
                    for _ in range(IN_FLIGHT):
                        tasks.create_task(publish())
        finally:
            await built.pool.close()


async def _directory(installation: Installation, people: int) -> None:
    settings = installation.settings()
    with common.server_of(settings) as server:
        built = await build(settings, server, name="carnet bench")
        try:
            await demonstration.load_places(built, installation.url(), make(SEED, people))
        finally:
            await built.pool.close()


async def _identities(built: Built, owner_url: str, people: Sequence[Person]) -> None:
    """Patients, their records and strict traits, then the people as subjects: two transactions a lot."""
    who = await actor(built, "software:hospital-software", client="carnet-bench")
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
        for lot in _lots(people):

            async def work(unit: Unit, lot: Sequence[Person] = lot) -> list[Address]:
                addresses = [await unit.place_patient() for _ in lot]
                identities = []
                for person, address in zip(lot, addresses, strict=True):
                    resource = demonstration.patient(person)
                    unit.put(address, resource)
                    identities.append(_identity(person, resource, address.cid))
                await unit.flush()
                records = [
                    {"cid": each.cid, "state": "open", "since": unit.at} for each in addresses
                ]
                async with unit.conn.cursor() as cur:
                    await cur.executemany(queries.ADD_RECORD, records)
                    await cur.executemany(queries.ADD_IDENTITY, identities)
                return addresses

            addresses = await commit(visit(built, who), work, "transaction")
            subjects = [
                {
                    "sub": f"patient:{person.key}",
                    "kind": "patient",
                    "name": person.name,
                    "rpps": None,
                    "profession": None,
                    "patient": address.cid,
                }
                for person, address in zip(lot, addresses, strict=True)
            ]
            async with owner.transaction(), owner.cursor() as cur:
                await cur.executemany(queries.ADD_SUBJECT, subjects)


def _identity(person: Person, resource: dict[str, Any], cid: int) -> dict[str, Any]:
    """Values of ADD_IDENTITY, as vigilance writes them."""
    claim = register.ins_of(resource, lenient=True)
    assert claim is not None
    names = register.official_name(resource)
    return {
        "cid": cid,
        "ins": claim.value,
        "ins_system": claim.system,
        "birth_name": normal(names[0]),
        "first_given": normal(names[1].split(" ")[0]),
        "given_names": normal(" ".join(person.birth_given_names)),
        "birth_date": person.birth_date,
        "sex": str(person.sex),
        "birth_place": person.birth_place.code,
        "shown_name": register.shown_name(resource),
        "status": str(Status.RETRIEVED),
        "doubtful": False,
    }


def _lots(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as a transaction takes."""
    return (things[start : start + TOGETHER] for start in range(0, len(things), TOGETHER))


def _count(installation: Installation, query: str) -> int:
    with installation.database() as conn:
        row = conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


def _copied(installation: Installation, count: int) -> float:
    """Rows a second by COPY into a table with a primary key: the same bytes, nothing else done."""
    with installation.database() as conn:
        bodies = [
            row[0] for row in conn.execute("SELECT body FROM record.resource LIMIT 5000").fetchall()
        ]
        conn.execute("CREATE SCHEMA IF NOT EXISTS bare")
        conn.execute("DROP TABLE IF EXISTS bare.copied")
        conn.execute("CREATE TABLE bare.copied (id bigint PRIMARY KEY, body bytea)")
        started = time.perf_counter()
        for numbers in _lots(range(count)):
            with (
                conn.transaction(),
                conn.cursor().copy("COPY bare.copied FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(["int8", "bytea"])
                for number in numbers:
                    copy.write_row((number, bodies[number % len(bodies)]))
        took = time.perf_counter() - started
        conn.execute("DROP TABLE bare.copied")
        return count / took


def _main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--documented", type=int, default=DOCUMENTED)
    parser.add_argument("--each", type=int, default=EACH, help="documents of each of them")
    parser.add_argument("--keep", type=Path, help="folder of the installation, kept")
    said = parser.parse_args(arguments)
    load(said.people, min(said.documented, said.people), said.each, said.keep)


if __name__ == "__main__":
    _main(sys.argv[1:])
