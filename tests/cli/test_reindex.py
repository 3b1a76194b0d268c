# SPDX-License-Identifier: EUPL-1.2
"""carnet reindex: killed, beside another, while people write, and what its verification finds."""

import asyncio
import os
import random
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from carnet.access.door import Unit, commit
from carnet.access.door.reindex import Reindex
from carnet.cli import app
from tests.fhir.search.own.samples import (
    COLOUR,
    load_into,
    look,
    parameter,
    reindexed,
    worker_of,
    written,
)
from tests.rest.samples import HOSPITAL, LAB, observation
from tests.rest.test_search import ids, make
from tests.space import Space

pytestmark = pytest.mark.anyio

SEED = int(os.environ.get("CARNET_REINDEX_SEED", "29"))
KILLS = int(os.environ.get("CARNET_REINDEX_KILLS", "2"))
SHADE = parameter("shade", "token", f"extension.where(url='{COLOUR}').value", "Observation")


def shaded(space: Space, shade: str) -> dict[str, object]:
    extension = [{"url": COLOUR, "valueCode": shade}]
    return observation(f"Patient/{space.patient_id()}", extension=extension)


async def call(space: Space, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """The command as it is typed."""
    monkeypatch.setenv("CARNET_DATABASE_URL", space.admin_url)
    monkeypatch.setenv("CARNET_DATA", str(space.built.settings.data))
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


@pytest.mark.slow
async def test_killed_anywhere_while_people_write_it_goes_on_and_ends_right(
    space: Space, tmp_path: Path
) -> None:
    """CARNET_REINDEX_KILLS says how often, CARNET_REINDEX_SEED draws when."""
    draw = random.Random(SEED)
    kept = dict.fromkeys(await make(space, *(shaded(space, "ocre") for _ in range(8))), "ocre")
    load_into(space, written(tmp_path, SHADE))
    await look(space)
    ((rows,),) = await space.rows("SELECT count(*) FROM record.resource")
    done = f"SELECT count(*) FROM record.resource WHERE indexed >= {await generation(space)}"
    progress = []
    for number in range(KILLS):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.cli.reindexer",
            space.admin_url.replace("carnet_admin", "carnet_worker"),
            str(space.built.settings.data), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        for _ in range(draw.randrange(1, max(2, rows // (3 * KILLS)))):
            assert await child.stdout.readline()
        # People write, change and take away meanwhile.
        (new,) = await make(space, shaded(space, "sienne"))
        kept[new] = "sienne"
        changed, gone = draw.sample(sorted(set(kept) - {new}), 2)
        answer = await space.put(
            f"Observation/{changed}", shaded(space, "terre") | {"id": changed}, as_=LAB
        )
        assert answer.status == 200
        kept[changed] = "terre"
        assert (await space.call("DELETE", f"Observation/{gone}", as_=LAB)).status == 204
        del kept[gone]
        await asyncio.sleep(draw.random() * 0.05)
        assert child.returncode is None, number
        os.kill(child.pid, signal.SIGKILL)
        assert await child.wait() == -signal.SIGKILL
        ((count,),) = await space.rows(done)
        progress.append(count)
    assert progress == sorted(progress) and 0 < progress[-1] < rows, progress
    report = await reindexed(space)
    assert report.good and report.complete == [SHADE["url"]]
    assert report.verified == rows + KILLS
    for shade in ("ocre", "sienne", "terre"):
        expected = {id for id, each in kept.items() if each == shade}
        found = await ids(space, f"Observation?shade={shade}&_count=200")
        assert set(found) == expected and len(found) == len(expected)


async def generation(space: Space) -> int:
    """The newest of what rows are indexed by."""
    ((number,),) = await space.rows("SELECT max(number) FROM search.generation")
    return int(number)


@pytest.mark.slow
async def test_two_at_once_share_the_rows_and_do_none_twice(space: Space, tmp_path: Path) -> None:
    await make(space, *(shaded(space, "ocre") for _ in range(4)))
    load_into(space, written(tmp_path, SHADE))
    ((rows,),) = await space.rows("SELECT count(*) FROM record.resource")
    async with worker_of(space) as one, worker_of(space) as other:
        both = [Reindex(each, settled=timedelta(0), batch=7) for each in (one, other)]
        first, second = await asyncio.gather(*(each.run() for each in both))
    assert first.good and second.good
    assert first.indexed + first.right + second.indexed + second.right == rows
    assert min(first.indexed + first.right, second.indexed + second.right) > 0
    await look(space)
    assert len(await ids(space, "Observation?shade=ocre")) == 4


@pytest.mark.slow
async def test_a_planted_difference_is_found_counted_and_mended(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash too few, a word too many, a number changed; exit status 1 until it is mended."""
    a, b = await make(
        space,
        shaded(space, "ocre"),
        observation(f"Patient/{space.patient_id()}", valueQuantity={"value": 5, "unit": "g"}),
    )
    at = {each: space.built.door.ids.decode(each) or (0, 0) for each in (a, b)}
    await reindexed(space)
    assert (await call(space, monkeypatch, "reindex", "--verify")).exit_code == 0
    await space.rows(
        "UPDATE record.resource SET toks = toks[2:] WHERE cid = %s AND rid = %s", *at[a]
    )
    await space.rows("UPDATE record.idx_number SET lo = lo + 1 WHERE cid = %s AND rid = %s", *at[b])
    await space.rows(
        "INSERT INTO record.idx_string SELECT cid, rid, 1, 'planted' FROM record.resource"
        " WHERE rtype = %s LIMIT 1", space.built.door.definitions.types["Organization"],
    )  # fmt: skip
    found = await call(space, monkeypatch, "reindex", "--verify")
    assert found.exit_code == 1
    for line in ("3 differ", "Observation, tokens: 1", "Observation, numbers: 1",
                 "Organization, strings: 1"):  # fmt: skip
        assert line in found.stdout
    assert "planted" not in found.stdout
    mended = await call(space, monkeypatch, "reindex", "--again")
    assert mended.exit_code == 0 and "3 indexed anew" in mended.stdout
    assert (await call(space, monkeypatch, "reindex", "--verify")).exit_code == 0


async def test_it_waits_for_who_began_to_write_before_it(space: Space, tmp_path: Path) -> None:
    """Their rows are of before and not seen until they commit: a walk that passed them would end wrong."""
    begun, go, waited = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(unit: Unit) -> None:
        resource = shaded(space, "ocre")
        unit.put(await unit.place(resource), resource)
        await unit.flush()
        begun.set()
        await go.wait()

    writer = asyncio.create_task(commit(await space.visit(LAB), work, "create"))
    await begun.wait()
    load_into(space, written(tmp_path, SHADE))
    async with worker_of(space) as made:

        def told(step: str, done: int, total: int) -> None:
            if step == "waiting":
                waited.set()

        job = asyncio.create_task(Reindex(made, settled=timedelta(0), told=told).run())
        first = asyncio.create_task(waited.wait())
        await asyncio.wait((job, first), return_when=asyncio.FIRST_COMPLETED)
        assert not job.done()
        go.set()
        await writer
        assert (await job).complete == [SHADE["url"]]
    await look(space)
    assert len(await ids(space, "Observation?shade=ocre")) == 1


async def test_what_was_written_before_numbers_is_found_by_them(space: Space) -> None:
    """As rows were before migration 0025: no numbers, no other hashes, and indexed by nothing."""
    someone = f"Patient/{space.patient_id()}"
    (a,) = await make(space, observation(someone, valueQuantity={"value": 5, "unit": "g"}))
    _, rid = space.built.door.ids.decode(a) or (0, 0)
    await space.rows("DELETE FROM record.idx_number WHERE cid > 0")
    await space.rows("UPDATE record.resource SET indexed = 0, toks = toks[1:3] WHERE cid > 0")
    assert await ids(space, f"Observation?value-quantity=5&_id={a}") == []
    report = await reindexed(space)
    assert report.good and report.indexed > 0
    assert await ids(space, f"Observation?value-quantity=5&_id={a}") == [a]
    traced = await space.rows(
        "SELECT rule, purpose FROM access.audit WHERE sub = 'platform:reindex' ORDER BY at"
    )
    assert traced == [("reindex-begins", "HSYSADMIN"), ("ends", "HSYSADMIN")]
    assert (await space.rows("SELECT ver FROM record.resource WHERE rid = %s", rid)) == [(1,)]


async def test_a_body_that_does_not_open_is_told_and_its_type_not_complete(
    space: Space, tmp_path: Path
) -> None:
    (a,) = await make(space, shaded(space, "ocre"))
    place = space.built.door.ids.decode(a) or (0, 0)
    await space.rows(
        "UPDATE record.resource SET body = '\\x00' WHERE cid = %s AND rid = %s", *place
    )
    words = parameter("called", "string", "Organization.name", "Organization")
    load_into(space, written(tmp_path, SHADE, words))
    report = await reindexed(space)
    assert report.damaged == 1 and not report.good
    assert report.complete == [words["url"]] and report.waiting == [SHADE["url"]]
    assert (await space.get("Observation?shade=ocre", as_=HOSPITAL)).status == 400


async def test_a_type_alone_is_indexed_and_its_parameters_complete(
    space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = parameter("called", "string", "Organization.name", "Organization")
    load_into(space, written(tmp_path, SHADE, words))
    report = await reindexed(space, parameter="called")
    assert report.complete == [words["url"]] and report.waiting == [SHADE["url"]]
    count = "SELECT count(*) FROM record.resource WHERE indexed >= %s AND rtype <> %s"
    now = await generation(space)
    assert await space.rows(count, now, space.built.door.definitions.types["Organization"]) == [
        (0,)
    ]
    assert (await call(space, monkeypatch, "reindex", "--type", "Nothing")).exit_code == 1
    assert (await call(space, monkeypatch, "reindex", "--parameter", "nothing")).exit_code == 1


async def test_the_words_of_documents_are_made_again(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = "SELECT cid, rid FROM documents.same ORDER BY rid LIMIT 1"
    ((cid, rid),) = await space.rows(some)
    for table in ("words", "same"):
        await space.rows(f"DELETE FROM documents.{table} WHERE rid = %s", rid)
    said = await call(space, monkeypatch, "reindex", "--texts")
    assert (said.exit_code, said.stdout) == (0, "1 documents read anew\n")
    for table in ("words", "same"):
        asked = f"SELECT 1 FROM documents.{table} WHERE cid = %s AND rid = %s"
        assert await space.rows(asked, cid, rid)
    assert (await call(space, monkeypatch, "reindex", "--texts")).stdout.startswith("0 ")
