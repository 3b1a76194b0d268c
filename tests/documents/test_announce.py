# SPDX-License-Identifier: EUPL-1.2
"""What is not visible before its announcement: two weeks, then a word; a month, then it is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from carnet import errors
from carnet.access.door import Door
from carnet.access.labels import Label, of
from carnet.documents.announce import (
    Announced,
    NotAnnouncer,
    NotAuthor,
    announce_later,
    announced,
    lift,
    may,
    tell,
)
from carnet.fhir.store.attachments import Attachments
from carnet.postgres.pool import JOB, open_pool
from carnet.rights.readers import openings
from tests import people
from tests.documents.lots import (
    corrected,
    document_of,
    fresh,
    lot,
    mask,
    metadata,
    replaces,
    subject,
)
from tests.documents.test_hide import id_of, rows, searched, sent
from tests.space import Space

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


@pytest.fixture
async def worker(space: Space, tmp_path: Path) -> AsyncIterator[Door]:
    """The door of the jobs, by the worker's role."""
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=2, name="tests worker", limits=JOB)
    try:
        yield replace(space.built.door, pool=pool, attachments=Attachments(tmp_path))
    finally:
        await pool.close()


async def put_off(space: Space, minutes: int = 0) -> str:
    """A document deposited invisible to its patient."""
    labels = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    data = fresh(minutes=minutes).xml
    return document_of(await sent(space, lot(data, securityLabel=labels)))


async def told(space: Space) -> list[str]:
    found = await space.rows(
        "SELECT template FROM notices.outgoing WHERE cid = %s ORDER BY at",
        space.where.people["patient"],
    )
    return [name for (name,) in found]


async def test_at_two_weeks_the_patient_is_told_and_at_a_month_they_see(
    space: Space, worker: Door
) -> None:
    document = await put_off(space)
    before = len(await openings(await space.visit("patient"), ""))
    assert (await space.get(document, as_="patient")).status == 404
    assert (await space.get(document, as_="nurse")).status == 200
    space.clock.advance(13 * DAY)
    assert (await tell(worker), await lift(worker)) == (0, 0)
    space.clock.advance(2 * DAY)
    assert (await tell(worker), await lift(worker)) == (1, 0)
    assert await tell(worker) == 0, "told once"
    assert await told(space) == ["see-a-professional"]
    assert (await space.get(document, as_="patient")).status == 404
    lines = await openings(await space.visit("patient"), "")
    assert len([line for line in lines if "Bilan" in line.what]) == 0, "not a word of what"
    space.clock.advance(17 * DAY)
    assert await lift(worker) == 1
    assert await lift(worker) == 0
    assert (await space.get(document, as_="patient")).status == 200
    assert {label for _, label in await rows(space, document)} == {0}
    assert of((await space.get(document, as_="patient")).json) == Label.NONE
    assert document not in await searched(space, "nurse", "INVISIBLE_PATIENT")
    traces = await space.rows(
        "SELECT sub, purpose, act, rule FROM access.audit WHERE act LIKE 'announcement%%' ORDER BY seq"
    )
    assert traces == [
        ("platform:announcements", "HSYSADMIN", "announcement-told", "two-weeks"),
        ("platform:announcements", "HSYSADMIN", "announcement-due", "one-month"),
    ]
    lines = await openings(await space.visit("patient"), "")
    assert len(lines) > before
    assert any(line.what.startswith("Ajout : Bilan") for line in lines), "the deposit shows now"


async def test_what_bears_an_id_its_depositor_chose_is_lifted_too_and_holds_nothing_back(
    space: Space, worker: Door
) -> None:
    address = "Observation/0f3a9c5e-0000-4000-8000-000000000001"
    body = {
        "resourceType": "Observation", "id": address.partition("/")[2], "status": "final",
        "meta": {"security": [mask("INVISIBLE_PATIENT")["coding"][0]]},
        "code": {"text": "Bilan"}, "subject": {"reference": f"Patient/{space.patient_id()}"},
    }  # fmt: skip
    assert (await space.put(address, body, as_="lab-software")).status == 201
    document = await put_off(space)
    assert (await space.get(address, as_="patient")).status == 404
    space.clock.advance(32 * DAY)
    assert await lift(worker) == 2
    for one in (address, document):
        assert (await space.get(one, as_="patient")).status == 200


async def test_the_month_of_a_chain_runs_from_its_first_version(space: Space, worker: Door) -> None:
    old = fresh()
    labels = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    first = document_of(await sent(space, lot(old.xml, securityLabel=labels)))
    space.clock.advance(20 * DAY)
    second = document_of(await sent(space, lot(corrected(old), relatesTo=replaces(first))))
    assert (await space.get(second, as_="patient")).status == 404
    space.clock.advance(12 * DAY)
    assert await lift(worker) == 1
    for one in (first, second):
        assert (await space.get(one, as_="patient")).status == 200
    space.clock.advance(40 * DAY)
    assert await lift(worker) == 0


async def test_an_old_document_put_off_with_its_correction_waits_a_month_from_then(
    space: Space, worker: Door
) -> None:
    old = fresh()
    first = document_of(await sent(space, lot(old.xml)))
    space.clock.advance(400 * DAY)
    labels = [*metadata(b"x")["securityLabel"], mask("INVISIBLE_PATIENT")]
    await sent(space, lot(corrected(old), relatesTo=replaces(first), securityLabel=labels))
    space.clock.advance(DAY)
    assert await lift(worker) == 0
    assert (await space.get(first, as_="patient")).status == 404
    space.clock.advance(31 * DAY)
    assert await lift(worker) > 0
    assert (await space.get(first, as_="patient")).status == 200


async def test_the_consultation_took_place(space: Space, worker: Door) -> None:
    document = await put_off(space)
    for persona in ("nurse", "hospital-doctor"):
        with pytest.raises(NotAnnouncer):
            await announced(await space.visit(persona), id_of(document))
    with pytest.raises(errors.NotFound):
        await announced(await space.visit("patient"), id_of(document))
    await announced(await space.visit("gp"), id_of(document))
    assert (await space.get(document, as_="patient")).status == 200
    space.clock.advance(40 * DAY)
    assert (await tell(worker), await lift(worker)) == (0, 0)
    assert await told(space) == []


async def deposited_by(space: Space, persona: str) -> str:
    """A document of a professional's own."""
    answer = await space.post("", lot(fresh().xml), as_=persona)
    assert answer.status == 200, answer.body
    return document_of(answer)


async def test_the_author_puts_an_announcement_off_once(space: Space, worker: Door) -> None:
    document = await deposited_by(space, "hospital-doctor")
    assert (await space.get(document, as_="patient")).status == 200
    for persona in ("gp", "nurse", "patient"):
        with pytest.raises(NotAuthor):
            await announce_later(await space.visit(persona), id_of(document))
    author = await space.visit("hospital-doctor")
    await announce_later(author, id_of(document))
    assert (await space.get(document, as_="patient")).status == 404
    assert (await space.get(document, as_="nurse")).status == 200
    await announced(author, id_of(document))
    assert (await space.get(document, as_="patient")).status == 200
    with pytest.raises(Announced):
        await announce_later(author, id_of(document))
    assert (await space.get(document, as_="patient")).status == 200, "nothing half done"


async def test_by_the_api_the_author_puts_off_and_the_treating_doctor_says_it_took_place(
    space: Space, worker: Door
) -> None:
    document = await deposited_by(space, "hospital-doctor")
    later, told_ = f"{document}/$announce-later", f"{document}/$announced"
    before = (await space.get("DocumentReference?_summary=count", as_="patient")).json["total"]
    assert (await space.post(later, {}, as_="nurse")).status == 403
    assert (await space.post(later, {}, as_="outsider")).status == 404
    assert (await space.post(later, {}, as_="hospital-doctor")).status == 204
    hidden = await space.get("DocumentReference?_summary=count", as_="patient")
    assert hidden.json["total"] == before - 1
    assert (await space.get(document, as_="patient")).status == 404
    assert (await space.post(told_, {}, as_="nurse")).status == 403
    assert (await space.post(told_, {}, as_="patient")).status == 404
    assert (await space.post(told_, {}, as_="gp")).status == 204
    assert (await space.get(document, as_="patient")).status == 200
    assert (await space.post(later, {}, as_="hospital-doctor")).status == 409


async def test_a_page_offers_each_reader_the_marks_they_may_put(space: Space, worker: Door) -> None:
    id = id_of(await deposited_by(space, "hospital-doctor"))
    everybody = ("hospital-doctor", "gp", "nurse", "patient")

    async def offered() -> list[set[str]]:
        return [set(await may(await space.visit(who), id)) for who in everybody]

    assert await offered() == [{"announce-later"}, set(), set(), set()]
    await announce_later(await space.visit("hospital-doctor"), id)
    for who in everybody[:3]:
        found = await may(await space.visit(who), id)
        assert found == ({"announced"} if who != "nurse" else set()), who
    with pytest.raises(errors.NotFound):
        await may(await space.visit("patient"), id)
    await announced(await space.visit("gp"), id)
    assert await offered() == [set(), set(), set(), set()], "once visible, it stays so"


async def test_a_minor_keeps_a_document_from_parents_and_gives_it_back(space: Space) -> None:
    data = fresh(people.MINOR).xml
    document = document_of(await sent(space, lot(data, subject=subject(people.MINOR)), "gp"))
    id = id_of(document)
    asked = {who: await may(await space.visit(who), id) for who in ("minor", "parent")}
    assert asked == {"minor": {"keep"}, "parent": set()}
    assert "keep" in await may(await space.visit("gp"), id)
    keep, back = f"{document}/$hide-from-representatives", f"{document}/$show-to-representatives"
    assert (await space.post(keep, {}, as_="parent")).status == 403
    assert (await space.post(keep, {}, as_="minor")).status == 204
    assert (await space.get(document, as_="parent")).status == 404
    assert (await space.get(document, as_="minor")).status == 200
    assert await may(await space.visit("minor"), id) == {"give-back"}
    assert "keep" not in await may(await space.visit("gp"), id)
    assert (await space.post(back, {}, as_="gp")).status == 403
    assert (await space.post(back, {}, as_="minor")).status == 204
    assert (await space.get(document, as_="parent")).status == 200


async def test_several_documents_of_a_day_are_one_notice(space: Space, worker: Door) -> None:
    for minutes in range(3):
        await put_off(space, minutes)
    space.clock.advance(15 * DAY)
    assert await tell(worker) == 3
    assert await told(space) == ["see-a-professional"]


async def test_a_resource_of_no_document_has_its_month_too(space: Space, worker: Door) -> None:
    made = await space.post(
        "Observation",
        {
            "resourceType": "Observation",
            "meta": {"security": mask("INVISIBLE_PATIENT")["coding"]},
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
            "subject": {"reference": f"Patient/{space.patient_id()}"},
        },
        as_="gp",
    )
    assert made.status == 201
    address = f"Observation/{made.json['id']}"
    assert (await space.get(address, as_="patient")).status == 404
    space.clock.advance(32 * DAY)
    assert await lift(worker) == 1
    kept = await space.get(address, as_="patient")
    assert kept.status == 200
    assert "security" not in kept.json["meta"]


async def test_who_awaits_an_announcement_is_told_to_no_role(space: Space) -> None:
    await put_off(space)
    async with space.built.pool.connection() as conn:
        cursor = await conn.execute("SELECT count(*) FROM access.announcement")
        row = await cursor.fetchone()
    assert row == (0,)
    assert people.PATIENT.key == "patient"
