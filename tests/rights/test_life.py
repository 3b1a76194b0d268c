# SPDX-License-Identifier: EUPL-1.2
"""Life of a record: notice, six weeks, opposition, closing, archive, reopening, erasure, tombstones."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from carnet import errors
from carnet.access import handles, notices
from carnet.access.door import Door, tombstones
from carnet.access.door.tombstones import WrongTombstones
from carnet.documents import consult
from carnet.notices.deliver import Folder, deliver
from carnet.notices.letters import posted
from carnet.postgres.pool import JOB, open_pool
from carnet.rights import close, consent, emergency, erase, oppose, readers, reopen
from carnet.rights import open as opening
from carnet.rights.clock import Backwards, NotMovable, Shifted, due, move
from carnet.rights.life import NotYours, WrongHow, WrongState
from carnet.rights.oppose import WrongCode
from carnet.vigilance.find import find
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.space import Peopled, Space, clone, pattern

pytestmark = pytest.mark.anyio
KEY, WEEK = people.PATIENT.key, timedelta(weeks=1)


def cid_of(space: Space, key: str = KEY) -> int:
    return space.where.people[key]


async def state(space: Space, key: str = KEY) -> str:
    found = await space.rows("SELECT state FROM access.record WHERE cid = %s", cid_of(space, key))
    return str(found[0][0])


async def announced(space: Space, worker: Door, key: str = KEY) -> None:
    """A new record, whose notice has left."""
    await space.rows("UPDATE access.record SET state = 'notice' WHERE cid = %s", cid_of(space, key))
    done = await due(worker)
    assert done.announced == 1
    await deliver(worker, Folder(worker.settings.data / "mail"))


async def code(space: Space) -> str:
    found = await space.rows("SELECT id FROM notices.outgoing WHERE template = 'opening-notice'")
    return notices.one_time_code(space.built.door, found[0][0])


# -- notice and opening ----------------------------------------------------------------------------


async def test_six_weeks_after_the_notice_left_the_record_opens_by_itself(
    space: Space, worker: Door
) -> None:
    await announced(space, worker)
    space.clock.advance(6 * WEEK - timedelta(hours=1))
    assert (await due(worker)).opened == 0
    assert await state(space) == "notice"
    assert (await space.get("DocumentReference", as_="patient")).entries == []
    space.clock.advance(timedelta(hours=2))
    assert (await due(worker)).opened == 1
    assert await state(space) == "open"
    assert (await due(worker)).opened == 0, "once"
    traced = await space.rows(
        "SELECT sub, rule FROM access.audit WHERE act = 'open' AND cid = %s", cid_of(space)
    )
    assert traced == [("platform:timers", "open-platform")]
    told = await space.rows("SELECT template FROM notices.outgoing ORDER BY id")
    assert told == [("opening-notice",), ("opened",)]


async def test_the_six_weeks_run_from_the_sending_not_from_the_writing(
    space: Space, worker: Door
) -> None:
    await space.rows("DELETE FROM notices.address")
    await space.rows("UPDATE access.record SET state = 'notice' WHERE cid = %s", cid_of(space))
    await due(worker)
    space.clock.advance(8 * WEEK)
    assert (await due(worker)).opened == 0, "the letter was not posted"
    found = await space.rows("SELECT id, channel FROM notices.outgoing")
    assert found[0][1] == "letter"
    await posted(worker, found[0][0])
    await due(worker)
    space.clock.advance(5 * WEEK)
    assert (await due(worker)).opened == 0
    space.clock.advance(WEEK)
    assert (await due(worker)).opened == 1


async def test_a_notice_is_written_once_however_often_the_job_runs(
    space: Space, worker: Door
) -> None:
    await announced(space, worker)
    for _ in range(3):
        assert (await due(worker)).announced == 0
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(1,)]


async def test_it_opens_at_once_for_who_asks(space: Space, worker: Door) -> None:
    await announced(space, worker)
    await opening.open_now(await space.visit("patient"))
    assert await state(space) == "open"
    with pytest.raises(WrongState):
        await opening.open_now(await space.visit("patient"))


# -- opposition ------------------------------------------------------------------------------------


async def test_the_code_of_the_notice_and_a_birth_date_oppose_once(
    space: Space, worker: Door
) -> None:
    await announced(space, worker)
    door, typed = space.built.door, (await code(space)).lower().replace("-", " ")
    await oppose.by_code(door, "r", typed, people.PATIENT.birth_date)
    assert await state(space) == "closed"
    with pytest.raises(WrongCode):
        await oppose.by_code(door, "r", typed, people.PATIENT.birth_date)
    space.clock.advance(60 * WEEK)
    done = await due(worker)
    assert (done.opened, done.announced, done.erased) == (0, 0, 0), "nobody is asked twice"
    found = await space.rows("SELECT act, motive, how FROM access.life ORDER BY at, id")
    assert found[-1] == ("oppose", "opposition", "code")


async def test_a_code_bears_five_wrong_birth_dates(space: Space, worker: Door) -> None:
    await announced(space, worker)
    typed, door = await code(space), space.built.door
    for day in range(1, 6):
        with pytest.raises(WrongCode):
            await oppose.by_code(door, "r", typed, people.PATIENT.birth_date + timedelta(days=day))
    with pytest.raises(WrongCode):
        await oppose.by_code(door, "r", typed, people.PATIENT.birth_date)
    assert await state(space) == "notice"


async def test_the_database_holds_no_code(space: Space, worker: Door) -> None:
    await announced(space, worker)
    plain = (await code(space)).replace("-", "").encode()
    held = await space.rows("SELECT h, row_to_json(c)::text FROM access.notice_code c")
    out = await space.rows("SELECT row_to_json(o)::text FROM notices.outgoing o")
    assert all(plain not in bytes(row[0]) and plain.decode() not in row[1] for row in held)
    assert all(plain.decode() not in row[0] for row in out)


@pytest.mark.parametrize("how", ["paper", "in-person"])
async def test_an_operator_writes_down_an_opposition_with_how_it_came(
    space: Space, worker: Door, how: str
) -> None:
    await announced(space, worker)
    with pytest.raises(WrongHow):
        await oppose.oppose(await space.visit("operator"), space.patient_id(), how="web")
    await oppose.oppose(await space.visit("operator"), space.patient_id(), how=how)
    sub = (await space.actor("operator")).sub
    assert (await space.rows("SELECT how, declared_by FROM access.life WHERE act = 'oppose'")) == [
        (how, sub)
    ]
    assert await state(space) == "closed"


async def test_opposing_an_open_record_closes_and_archives_it(space: Space) -> None:
    await oppose.oppose(await space.visit("patient"))
    found = await space.rows(
        "SELECT state, archived_until IS NOT NULL FROM access.record WHERE cid = %s", cid_of(space)
    )
    assert found == [("closed", True)]


async def test_feeding_is_opposed_for_a_reason_that_is_written_down(space: Space) -> None:
    visit = await space.visit("patient")
    with pytest.raises(errors.Invalid):
        await oppose.feeding(visit, opposed=True, motive="because")
    await oppose.feeding(visit, opposed=True, motive="professional")
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"reference": f"Patient/{space.patient_id()}"}}  # fmt: skip
    assert (await space.post("Observation", body, as_="lab-software")).status == 422
    await oppose.feeding(visit, opposed=False)
    assert (await space.post("Observation", body, as_="lab-software")).status == 201


@pytest.mark.parametrize("persona", ["gp", "lab-software", "parent", "outsider", "nurse"])
async def test_nobody_else_decides_over_a_record(space: Space, persona: str) -> None:
    visit, patient = await space.visit(persona), space.patient_id()
    for act in (
        close.close(visit, patient), oppose.oppose(visit, patient), erase.ask(visit, patient),
        reopen.reopen(visit, patient), opening.open_now(visit, patient),
        oppose.feeding(visit, patient, opposed=True, motive="personal"),
    ):  # fmt: skip
        with pytest.raises(NotYours):
            await act
    assert await state(space) == "open"


# -- closing ---------------------------------------------------------------------------------------


async def reading(space: Space) -> dict[str, bool]:
    """What each channel still gives of the record."""
    patient, found = space.patient_id(), {}
    for persona in ("patient", "gp", "nurse", "lab-software", "outsider", "regulator"):
        for path in (
            f"Patient/{patient}", f"DocumentReference?patient={patient}", "DocumentReference",
            f"Observation?patient={patient}&_summary=count", "Observation", "Binary",
            f"Patient?_id={patient}&_revinclude=Observation:patient",
            "Observation?patient.name=garnier", f"Patient/{patient}/_history",
        ):  # fmt: skip
            answer = await space.get(path, as_=persona)
            said = answer.json if answer.status == 200 else {}
            mine = [
                each
                for each in (answer.entries if answer.status == 200 else [])
                if cid_of(space) == (space.built.door.ids.decode(each.get("id", "")) or [0])[0]
            ]
            whole = said.get("resourceType") not in (None, "Bundle")
            found[f"{persona} {path}"] = bool(mine or whole or (
                "_summary" in path and said.get("total")))  # fmt: skip
        visit = await space.visit(persona)
        for name, act in (
            ("page", consult.documents(visit, patient)), ("readers", readers.openings(visit, "")),
        ):  # fmt: skip
            try:
                found[f"{persona} {name}"] = bool(await act)
            except errors.CarnetError:
                found[f"{persona} {name}"] = False
    for persona in ("gp", "outsider"):
        form = TraitsForm(ins=people.PATIENT.ins)
        found[f"{persona} find"] = bool(await find(await space.visit(persona), form))
    return found


async def test_closed_nothing_is_readable_on_any_channel_and_reopened_all_is(space: Space) -> None:
    visit = await space.visit("outsider")
    handle = handles.write(visit, cid_of(space))
    await emergency.open(visit, handle, "bris-de-glace", "unconscious")
    before = await reading(space)
    assert before["patient page"]
    assert before["gp DocumentReference"]
    assert before["lab-software Observation"], "its own deposits"
    assert before["outsider page"], "by the emergency"
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
            "subject": {"reference": f"Patient/{space.patient_id()}"}}  # fmt: skip

    await close.close(await space.visit("patient"))
    assert [channel for channel, seen in (await reading(space)).items() if seen] == []
    assert (await space.post("Observation", body, as_="lab-software")).status == 422
    for attempt in (
        consent.declare(await space.visit("outsider"), handle, "oral"),
        emergency.open(await space.visit("outsider"), handle, "bris-de-glace", "unconscious"),
    ):
        with pytest.raises(errors.NotFound):
            await attempt

    await reopen.reopen(await space.visit("patient"))
    after = await reading(space)
    own = {channel for channel in before if channel.split()[0] in ("patient", "lab-software")}
    assert {name for name in own if after[name]} == {name for name in own if before[name]}
    assert not after["gp page"], "consents are asked for anew"
    assert not after["outsider page"], "an emergency does not come back"


async def test_the_archive_is_of_ten_years_and_reopens_only_within(
    space: Space, worker: Door
) -> None:
    await close.close(await space.visit("patient"))
    with pytest.raises(WrongState):
        await close.close(await space.visit("patient"))
    space.clock.advance(timedelta(days=3652))
    assert (await due(worker)).erased == 0
    space.clock.advance(timedelta(days=2))
    with pytest.raises(WrongState):
        await reopen.reopen(await space.visit("patient"))
    assert (await due(worker)).erased == 1
    assert await state(space) == "deleted"
    assert (await due(worker)).erased == 0


# -- erasure ---------------------------------------------------------------------------------------

KEPT = {"access.audit", "access.record", "access.tombstone"}


async def lines_of(space: Space, cid: int) -> dict[str, int]:
    """How many rows each table of the database has of one record."""
    tables = await space.rows(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'cid' AND NOT attisdropped"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    found = {}
    for (name,) in tables:
        ((count,),) = await space.rows(f"SELECT count(*) FROM {name} WHERE cid = {cid}")
        found[name] = count
    return found


async def test_a_deletion_asked_for_is_done_in_time_and_leaves_numbers_only(
    space: Space, worker: Door, peopled: Peopled
) -> None:
    cid = cid_of(space)
    shutil.copytree(peopled.folder / "attachments", worker.settings.attachments)
    files = {
        bytes(row[0]).hex()
        for row in await space.rows("SELECT address FROM record.attachment WHERE cid = %s", cid)
    }
    here = {path.name for path in worker.settings.attachments.glob("??/??/*")}
    assert files <= here
    assert files
    await erase.ask(await space.visit("patient"))
    assert await state(space) == "closed"
    ((asked, last),) = await space.rows(
        "SELECT erase_asked, erase_due FROM access.record WHERE cid = %s", cid
    )
    assert timedelta(days=88) < last - asked < timedelta(days=93)
    space.clock.advance(timedelta(days=29))
    assert (await due(worker)).erased == 0, "one may change one's mind"
    before = await lines_of(space, cid)
    for table in (
        "record.resource",
        "documents.words",
        "documents.pairs",
        "documents.said",
        "documents.same",
    ):
        assert before[table] > 10
    audit = before["access.audit"]
    space.clock.advance(timedelta(days=2))
    done = await due(worker)
    assert (done.erased, done.overdue) == (1, 0)
    after = await lines_of(space, cid)
    assert {name for name, count in after.items() if count} == KEPT
    assert after["access.audit"] >= audit, "the trace stays"
    left = {path.name for path in worker.settings.attachments.glob("??/??/*")}
    assert left == here - files
    name = people.PATIENT.birth_name
    dumped = await space.rows("SELECT row_to_json(s)::text FROM access.subject s WHERE sub = %s",
                              f"patient:{KEY}")  # fmt: skip
    assert name not in dumped[0][0]
    assert people.PATIENT.used_given_name not in dumped[0][0]


async def test_one_may_change_one_s_mind(space: Space, worker: Door) -> None:
    await erase.ask(await space.visit("patient"))
    await erase.keep(await space.visit("patient"))
    space.clock.advance(timedelta(days=100))
    assert (await due(worker)).erased == 0
    await erase.ask(await space.visit("patient"))
    await reopen.reopen(await space.visit("patient"))
    space.clock.advance(timedelta(days=100))
    assert (await due(worker)).erased == 0
    assert await state(space) == "open"


async def test_a_deletion_that_was_not_done_in_time_is_said(
    space: Space, worker: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*given: object) -> None:
        pass

    await erase.ask(await space.visit("patient"))
    space.clock.advance(timedelta(days=93))
    monkeypatch.setattr(erase, "erase", nothing)
    assert (await due(worker)).overdue == 1


async def test_only_an_erasure_s_context_erases_and_only_its_record(
    space: Space, worker: Door
) -> None:
    from carnet.access.door import platform
    from carnet.rights.statements import ERASE

    mine, other = cid_of(space), cid_of(space, "parent")
    now = worker.clock()
    for erased in (None, other):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with worker.pool.connection() as conn, conn.transaction():
                if erased is None:
                    await platform.enter(worker, conn)
                else:
                    await platform.enter_erasure(worker, conn, erased)
                await conn.execute(ERASE, {"cid": mine, "now": now})
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with space.built.pool.connection() as conn, conn.transaction():
            await platform.enter_erasure(space.built.door, conn, mine)
            await conn.execute(ERASE, {"cid": mine, "now": now})
    async with worker.pool.connection() as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("DELETE FROM record.resource WHERE cid = %s", (mine,))


async def test_another_s_record_is_left_as_it_was(space: Space, worker: Door) -> None:
    other = cid_of(space, "parent")
    before = await lines_of(space, other)
    await erase.erase(worker, [cid_of(space)], "request")
    assert await lines_of(space, other) == before
    assert (await space.get(f"Patient/{space.patient_id('parent')}", as_="parent")).status == 200


# -- tombstones ------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def restored(peopled: Peopled, space: Space, door: Door) -> AsyncIterator[tuple[Space, Door]]:
    """A copy of the database as it is now, with the same data folder: a backup restored later."""
    name = psycopg.conninfo.conninfo_to_dict(space.admin_url)["dbname"]
    await space.built.pool.close()
    await door.pool.close()
    with clone(peopled.cluster, str(name)) as copy:
        again = pattern(peopled.cluster, copy)
        pool = await open_pool(again.replace("{role}", "carnet_worker"), limits=JOB, min_size=1)
        try:
            yield (
                replace(space, admin_url=peopled.cluster.url(database=copy)),
                replace(door, pool=pool),
            )
        finally:
            await pool.close()


async def fresh(space: Space, door: Door) -> Door:
    """The same database again, once its connections were closed."""
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    return replace(door, pool=await open_pool(url, limits=JOB, min_size=1))


async def test_a_restored_backup_is_erased_again_before_it_serves(
    space: Space, worker: Door, peopled: Peopled
) -> None:
    cid, other = cid_of(space), cid_of(space, "parent")
    async with restored(peopled, space, worker) as (backup, its):
        now = await fresh(space, worker)
        try:
            await erase.erase(now, [cid], "request")
        finally:
            await now.pool.close()
        assert (await lines_of(backup, cid))["record.resource"] > 10
        kept = await lines_of(backup, other)
        assert await erase.replay(its) == 1
        left = {name for name, count in (await lines_of(backup, cid)).items() if count}
        assert left == KEPT
        assert await lines_of(backup, other) == kept
        assert await erase.replay(its) == 0, "and then opens at once"


async def test_a_crash_between_the_tombstone_and_the_commit_is_erased_at_the_next_start(
    space: Space, worker: Door
) -> None:
    cid = cid_of(space)
    stone = tombstones.after(None, cid, worker.clock(), "request")
    erase.stones_of(worker.settings).append([stone])
    assert await erase.replay(worker) == 1
    assert (await lines_of(space, cid))["record.resource"] == 0
    assert len(erase.stones_of(worker.settings).read()) == 1


async def test_a_file_older_than_the_database_is_completed_from_it(
    space: Space, worker: Door
) -> None:
    for key in (KEY, "parent"):
        await erase.erase(worker, [cid_of(space, key)], "request")
    path = worker.settings.data / "tombstones.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0])
    assert await erase.replay(worker) == 0
    assert path.read_bytes() == whole
    path.unlink()
    await erase.replay(worker)
    assert path.read_bytes() == whole


async def test_an_altered_list_is_refused(space: Space, worker: Door) -> None:
    await erase.erase(worker, [cid_of(space)], "request")
    path = worker.settings.data / "tombstones.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"request", b"term"))
    with pytest.raises(WrongTombstones):
        await erase.replay(worker)
    path.unlink()
    stone = tombstones.after(None, cid_of(space, "parent"), worker.clock(), "request")
    erase.stones_of(worker.settings).append([stone])
    with pytest.raises(WrongTombstones):  # a whole list of its own, but not this database's
        await erase.replay(worker)
    assert await state(space, "parent") == "open"


def test_a_line_cut_short_was_never_acknowledged(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    file = tombstones.Tombstones(tmp_path / "t.jsonl")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = tombstones.after(None, 7, at, "term")
    two = tombstones.after(one, 8, at, "term")
    file.append([one])
    with (tmp_path / "t.jsonl").open("ab") as out:
        out.write(two.line[:20])
    assert file.read() == [one]
    file.append([two])
    assert file.read() == [one, two]


# -- the clock -------------------------------------------------------------------------------------


async def test_a_demonstration_s_clock_moves_forward_and_a_production_s_never(space: Space) -> None:
    from carnet.config import Instance

    demo = space.built.settings
    clock = Shifted(lambda: space.clock.now)
    async with await psycopg.AsyncConnection.connect(space.admin_url, autocommit=True) as conn:
        with pytest.raises(Backwards):
            await move(conn, demo, -WEEK)
        with pytest.raises(NotMovable):
            await move(conn, replace(demo, instance=Instance.PRODUCTION), WEEK)
        assert await move(conn, demo, 4 * WEEK) == 4 * WEEK
        assert await move(conn, demo, 2 * WEEK) == 6 * WEEK
    async with space.built.pool.connection() as conn:
        await clock.refresh(conn)
        assert clock() == space.clock.now + 6 * WEEK
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("UPDATE access.clock SET shift = '0'")
