# SPDX-License-Identifier: EUPL-1.2
"""Emergency openings: two modes, the least, an end; told at once, reviewed always, refused without a word."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from carnet import errors
from carnet.access import handles, queries
from carnet.access.door import Visit
from carnet.documents import consult
from carnet.rights import block, close, emergency, readers, review
from carnet.rights import refuse as refusal
from carnet.rights.emergency import (
    NotForYou,
    NotInThisSituation,
    TooManyEmergencies,
    WrongMode,
)
from carnet.rights.review import NotReviewer, Reviewed, WrongVerdict
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio
ICE = ("bris-de-glace", "unconscious")
CALL = ("centre-15", "call")
KEY = people.PATIENT.key


async def opened(
    space: Space, persona: str = "outsider", mode: tuple[str, str] = ICE, key: str = KEY
) -> emergency.Opened:
    visit = await space.visit(persona)
    return await emergency.open(visit, handles.write(visit, space.where.people[key]), *mode)


async def reads(space: Space, persona: str) -> bool:
    try:
        await consult.documents(await space.visit(persona), space.patient_id())
    except errors.NotFound:
        return False
    return True


async def test_any_professional_opens_the_least_for_a_while(space: Space) -> None:
    assert not await reads(space, "outsider")
    found = await opened(space)
    assert found.patient == space.patient_id()
    assert await reads(space, "outsider")
    assert not await reads(space, "dentist"), "nobody else"
    space.clock.advance(timedelta(hours=4))
    assert not await reads(space, "outsider")


async def test_the_regulation_centre_alone_opens_on_a_call(space: Space) -> None:
    with pytest.raises(NotInThisSituation):
        await opened(space, "outsider", CALL)
    await opened(space, "regulator", CALL)
    assert await reads(space, "regulator")
    space.clock.advance(timedelta(hours=2))
    assert not await reads(space, "regulator")


@pytest.mark.parametrize(
    ("sql", "persona", "mode"),
    [
        ("UPDATE access.record SET emergency_refused = true", "outsider", ICE),
        ("UPDATE access.record SET regulation_refused = true", "regulator", CALL),
        ("UPDATE access.record SET state = 'closed'", "outsider", ICE),
        ("UPDATE access.record SET state = 'notice'", "outsider", ICE),
        (
            "UPDATE access.identity SET quarantined = true, ins = NULL, status = 'PROV'",
            "outsider",
            ICE,
        ),
        ("SELECT 1", "blocked", ICE),
    ],
)
async def test_a_refusal_says_nothing_whatever_its_reason(
    space: Space, sql: str, persona: str, mode: tuple[str, str]
) -> None:
    cid = space.where.people[KEY]
    await space.rows(
        f"{sql} WHERE cid = %s" if "UPDATE" in sql else sql, *[cid] * ("UPDATE" in sql)
    )
    with pytest.raises(errors.NotFound) as refused:
        await opened(space, persona, mode)
    visit = await space.visit(persona)
    with pytest.raises(errors.NotFound) as unknown:
        await emergency.open(visit, handles.write(visit, 123456789), *mode)
    assert (refused.type, str(refused.value)) == (unknown.type, str(unknown.value))
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(0,)]
    traced = await space.rows(
        "SELECT granted FROM access.audit WHERE act = 'emergency' AND cid = %s", cid
    )
    assert traced == [(False,)]


async def test_refusing_one_mode_leaves_the_other(space: Space) -> None:
    await space.rows("UPDATE access.record SET emergency_refused = true")
    await opened(space, "regulator", CALL)
    with pytest.raises(errors.NotFound):
        await opened(space, "regulator", ICE)


async def test_the_patient_and_their_doctor_are_told_in_the_same_transaction(space: Space) -> None:
    await opened(space)
    told = await space.rows("SELECT reader, template, xmin::text FROM notices.outgoing ORDER BY id")
    opening = await space.rows("SELECT xmin::text FROM access.emergency")
    assert [(reader, template) for reader, template, _ in told] == [
        ("person", "emergency"), (f"rpps:{int(people.GP.rpps)}", "emergency-treating"),
    ]  # fmt: skip
    assert {xmin for *_, xmin in told} == {opening[0][0]}


async def test_what_is_read_under_it_is_traced_as_an_emergency(space: Space) -> None:
    await opened(space)
    await reads(space, "outsider")
    await space.get(f"Observation?patient={space.patient_id()}", as_="outsider")
    sub = (await space.actor("outsider")).sub
    found = await space.rows(
        "SELECT DISTINCT act, purpose FROM access.audit WHERE sub = %s AND granted ORDER BY 1", sub
    )
    assert {purpose for _, purpose in found} == {"ETREAT"}
    assert {"emergency", "search"} <= {act for act, _ in found}
    await reads(space, "gp")
    sub = (await space.actor("gp")).sub
    assert await space.rows("SELECT DISTINCT purpose FROM access.audit WHERE sub = %s", sub) == [
        ("TREAT",)
    ]


async def test_opening_again_is_the_same_opening(space: Space) -> None:
    first, again = await opened(space), await opened(space)
    assert first.until == again.until
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(1,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(2,)]


async def test_so_many_a_day(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(emergency.modes()["bris-de-glace"], "per_day", 2)
    await opened(space)
    await opened(space, key="parent")
    with pytest.raises(TooManyEmergencies):
        await opened(space, key="elder")
    await opened(space)
    space.clock.advance(timedelta(days=1, minutes=1))
    await opened(space, key="elder")


async def test_the_professional_ends_it_early(space: Space) -> None:
    found = await opened(space)
    assert await emergency.end(await space.visit("outsider"), found.patient) == 1
    assert not await reads(space, "outsider")
    with pytest.raises(errors.NotFound):
        await emergency.end(await space.visit("outsider"), found.patient)


async def test_a_call_is_for_a_doctor_in_that_situation(space: Space) -> None:
    """Known beforehand, and said so: it depends on no record."""
    who = await space.actor("regulator")
    others = [
        replace(who, org=space.where.places["hospital"]),
        replace(who, profession="60"),
        replace(who, profession="21/SM59"),
        replace(who, org=None),
    ]
    for other in others:
        visit = Visit(space.built.door, other, "x")
        for cid in (space.where.people[KEY], 123456789):
            with pytest.raises(NotInThisSituation):
                await emergency.open(visit, handles.write(visit, cid), *CALL)
        assert await emergency.offered(visit) == ("bris-de-glace",)
    assert await emergency.offered(await space.visit("regulator")) == ("bris-de-glace", "centre-15")


async def test_what_it_opens_is_told(space: Space) -> None:
    doctor, nurse = await opened(space), await opened(space, "ehpad-nurse")
    assert {"synthesis", "allergy", "directives"} <= set(doctor.scope)
    assert set(nurse.scope) <= set(doctor.scope)


async def test_at_its_end_it_is_over_to_the_microsecond(space: Space) -> None:
    found = await opened(space)
    rpps, cid = int(people.OUTSIDER.rpps), space.where.people[KEY]
    async with space.built.door.pool.connection() as conn:
        last = found.until - timedelta(microseconds=1)
        assert len(await queries.links(conn, rpps, [cid], last, 1)) == 1
        assert await queries.links(conn, rpps, [cid], found.until, 1) == []


async def test_accepting_a_mode_again_brings_no_opening_back(space: Space) -> None:
    await opened(space)
    patient = await space.visit("patient")
    await refusal.refuse(patient, "bris-de-glace", refused=True)
    assert not await reads(space, "outsider")
    await refusal.refuse(patient, "bris-de-glace", refused=False)
    assert not await reads(space, "outsider")


async def test_two_at_once_are_one_opening(space: Space) -> None:
    """Both wait for the record, which somebody holds, then go on."""
    cid = space.where.people[KEY]
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        await conn.execute("SELECT 1 FROM access.record WHERE cid = %s FOR UPDATE", (cid,))
        both = [asyncio.create_task(opened(space)) for _ in range(2)]
        await waiting(space, 2)
        await conn.commit()
        first, second = await asyncio.gather(*both)
    assert first.until == second.until
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(1,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(2,)]


async def test_one_opened_while_this_one_waited_is_the_same(space: Space) -> None:
    """The time is read once the record is held: what is there by then is of before."""
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        cid, later = space.where.people[KEY], space.clock.now + timedelta(seconds=1)
        await conn.execute("SELECT 1 FROM access.record WHERE cid = %s FOR UPDATE", (cid,))
        opening = asyncio.create_task(opened(space))
        await waiting(space, 1)
        await conn.execute(
            "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
            " VALUES (1, %s, %s, %s, %s, %s, %s)",
            (cid, int(people.OUTSIDER.rpps), *ICE, later, later + timedelta(hours=4)),
        )
        space.clock.advance(timedelta(seconds=2))
        await conn.commit()
        assert (await opening).until == later + timedelta(hours=4)
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(1,)]


async def test_two_at_once_are_counted_one_after_the_other(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(emergency.modes()["bris-de-glace"], "per_day", 1)
    cids = [space.where.people[key] for key in (KEY, "elder")]
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        await conn.execute("SELECT 1 FROM access.record WHERE cid = ANY (%s) FOR UPDATE", (cids,))
        both = [asyncio.create_task(opened(space, key=key)) for key in (KEY, "elder")]
        await waiting(space, 2)
        await conn.commit()
        found = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Opened", "TooManyEmergencies"]


@pytest.mark.parametrize("what", ["emergency_refused = true", "state = 'closed'"])
async def test_a_refusal_made_meanwhile_is_seen(space: Space, what: str) -> None:
    cid = space.where.people[KEY]
    async with await psycopg.AsyncConnection.connect(space.admin_url) as conn:
        await conn.execute(f"UPDATE access.record SET {what} WHERE cid = %s".encode(), (cid,))
        opening = asyncio.create_task(opened(space))
        await waiting(space, 1)
        await conn.commit()
        with pytest.raises(errors.NotFound):
            await opening
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(0,)]


async def waiting(space: Space, count: int) -> None:
    """Until so many transactions wait for a lock."""
    for _ in range(1000):
        ((found,),) = await space.rows(
            "SELECT count(DISTINCT pid) FROM pg_locks l WHERE NOT granted AND EXISTS"
            " (SELECT 1 FROM pg_stat_activity a WHERE a.pid = l.pid AND a.datname = current_database())"
        )
        if found >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing waits")


# -- a person whose identities were merged -------------------------------------------------------------


async def merged(space: Space) -> tuple[int, int]:
    """Two compartments that are one person's."""
    one, other = (space.where.people[key] for key in (KEY, "elder"))
    await space.rows("UPDATE access.record SET root = %s WHERE cid = %s", one, other)
    return one, other


@pytest.mark.parametrize("what", ["emergency_refused = true", "state = 'closed'"])
async def test_what_shuts_or_refuses_one_shuts_all_that_is_the_person_s(
    space: Space, what: str
) -> None:
    _, other = await merged(space)
    await space.rows(f"UPDATE access.record SET {what} WHERE cid = %s", other)
    with pytest.raises(errors.NotFound):
        await opened(space)
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(0,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing") == [(0,)]


async def test_both_doctors_are_told_and_either_address_opens_and_ends(space: Space) -> None:
    _, other = await merged(space)
    doctors = [int(people.POPULATION.professional(one).rpps) for one in ("gp", "gp-2")]
    await space.rows(
        "UPDATE access.team_member SET rpps = %s WHERE role = 'PCP' AND team IN"
        " (SELECT id FROM access.team WHERE cid = %s)", doctors[1], other,
    )  # fmt: skip
    first = await opened(space, key="elder")
    again = await opened(space)
    assert first.until == again.until
    told = await space.rows("SELECT reader FROM notices.outgoing ORDER BY reader")
    assert [reader for (reader,) in told] == sorted(["person", *(f"rpps:{n}" for n in doctors)])
    where = await space.rows("SELECT cid, channel FROM notices.outgoing WHERE reader = 'person'")
    assert where == [(space.where.people[KEY], "email")], "she has an address there, none here"
    assert len(await review.of_record(await space.visit("patient"))) == 1
    (line,) = await review.queue(await space.visit("gp"))
    assert line.patient
    assert await emergency.end(await space.visit("outsider"), space.patient_id()) == 1
    assert not await reads(space, "outsider")
    assert await emergency.running(await space.visit("outsider"), space.patient_id()) is None
    await opened(space)
    await refusal.refuse(await space.visit("patient"), "bris-de-glace", refused=True)
    assert await space.rows("SELECT count(*) FROM access.emergency WHERE ended IS NULL") == [(0,)]


# -- a minor's secret connection -----------------------------------------------------------------------


async def secretly(space: Space, persona: str = "outsider", key: str = "minor") -> Visit:
    """What is opened with the header of a secret connection."""
    who = replace(await space.actor(persona), secret=True)
    visit = Visit(space.built.door, who, "x")
    await emergency.open(visit, handles.write(visit, space.where.people[key]), *ICE)
    return visit


async def known_to_parent(space: Space) -> list[object]:
    """All that a representative learns of who was there."""
    parent, child = await space.visit("parent"), space.patient_id("minor")
    lines = await readers.openings(parent, child)
    events = await space.get(f"AuditEvent?patient=Patient/{child}&date=ge2026-01-01", as_="parent")
    assert events.status == 200, events.body
    return [
        [(line.who, line.what) for line in lines if not line.own],
        [each.who for each in await review.of_record(parent, child)],
        [one for one in events.entries if people.OUTSIDER.family_name in str(one)],
        await space.rows("SELECT id FROM notices.outgoing WHERE reader = 'person'"),
    ]


async def test_opened_in_secret_it_is_told_to_their_doctor_the_minor_and_the_officer_alone(
    space: Space,
) -> None:
    before = await known_to_parent(space)
    await secretly(space)
    assert await reads_child(space, "outsider")
    told = await space.rows("SELECT reader FROM notices.outgoing")
    assert told == [(f"rpps:{int(people.GP.rpps)}",)]
    (mine,) = await review.of_record(await space.visit("minor"))
    (theirs,) = await review.queue(await space.visit("gp"))
    (officer,) = await review.queue(await space.visit("operator"))
    assert mine.secret and theirs.secret and officer.secret
    await review.review(await space.visit("gp"), theirs.id, "justified", "confirmed")
    visit = await space.visit("outsider")
    await emergency.end(visit, space.patient_id("minor"))
    assert await known_to_parent(space) == before


async def reads_child(space: Space, persona: str) -> bool:
    answer = await space.call(
        "GET", f"Patient/{space.patient_id('minor')}", as_=persona,
        headers={"carnet-connexion": "secret"},
    )  # fmt: skip
    return answer.status == 200


async def test_opened_in_the_open_the_representatives_of_a_minor_see_it(space: Space) -> None:
    await opened(space, key="minor")
    parent, child = await space.visit("parent"), space.patient_id("minor")
    (line,) = await review.of_record(parent, child)
    assert line.who == people.OUTSIDER.name
    assert await space.rows("SELECT count(*) FROM notices.outgoing WHERE reader = 'person'") == [
        (1,)
    ]
    lines = await readers.openings(parent, child)
    assert "Ouverture en urgence" in {line.what for line in lines}
    for persona in ("carer", "patient", "gp"):
        assert await review.of_record(await space.visit(persona), child) == []
    await opened(space, key="elder")
    carer = await space.visit("carer")  # a mandate of care: not the whole, and no representative
    assert await review.of_record(carer, space.patient_id("elder")) == []


async def test_opened_in_secret_then_in_the_open_it_is_another_opening(space: Space) -> None:
    await secretly(space)
    await opened(space, key="minor")
    assert await space.rows("SELECT secret FROM access.emergency ORDER BY since") == [
        (True,), (False,),
    ]  # fmt: skip
    await secretly(space)
    assert await space.rows("SELECT count(*) FROM access.emergency") == [(2,)]


async def test_of_an_adult_no_header_keeps_the_patient_from_being_told(space: Space) -> None:
    await secretly(space, key=KEY)
    assert await space.rows("SELECT secret FROM access.emergency") == [(False,)]
    assert await space.rows("SELECT count(*) FROM notices.outgoing WHERE reader = 'person'") == [
        (1,)
    ]
    assert await space.rows(
        "SELECT secret FROM access.audit WHERE act = 'emergency' AND granted"
    ) == [(False,)]


@pytest.mark.parametrize("persona", ["patient", "lab-software", "operator"])
async def test_only_a_professional_opens(space: Space, persona: str) -> None:
    with pytest.raises(NotForYou):
        await opened(space, persona)


@pytest.mark.parametrize("mode", [("ice", "unconscious"), ("bris-de-glace", "call"), CALL[::-1]])
async def test_a_mode_has_its_own_reasons(space: Space, mode: tuple[str, str]) -> None:
    with pytest.raises(WrongMode):
        await opened(space, "regulator", mode)


async def test_every_opening_is_reviewed_once_by_the_doctor_or_the_officer(space: Space) -> None:
    await opened(space)
    assert [line.who for line in await review.of_record(await space.visit("patient"))] == [
        people.OUTSIDER.name
    ]
    (line,) = await review.queue(await space.visit("gp"))
    assert (line.who, line.reason, line.running) == (people.OUTSIDER.name, "unconscious", True)
    assert line.patient
    (seen,) = await review.queue(await space.visit("operator"))
    assert seen.patient == "", "an officer never learns whose record it is"
    for persona in ("outsider", "nurse", "patient", "dentist", "hospital-doctor"):
        with pytest.raises(NotReviewer):
            await review.review(await space.visit(persona), line.id, "justified", "confirmed")
    with pytest.raises(WrongVerdict):
        await review.review(await space.visit("gp"), line.id, "justified", "he has diabetes")
    assert not line.overdue
    space.clock.advance(timedelta(days=16))
    (line,) = await review.queue(await space.visit("operator"))
    assert line.overdue
    await review.review(await space.visit("gp"), line.id, "unjustified", "no-need")
    with pytest.raises(Reviewed):
        await review.review(await space.visit("operator"), line.id, "justified", "known")
    assert await review.queue(await space.visit("operator")) == []
    (line,) = await review.of_record(await space.visit("patient"))
    assert line.verdict == "unjustified"


async def test_nobody_reviews_their_own_opening(space: Space) -> None:
    await opened(space, "gp")
    ((number,),) = await space.rows("SELECT id FROM access.emergency")
    assert await review.queue(await space.visit("gp")) == []
    with pytest.raises(NotReviewer):
        await review.review(await space.visit("gp"), number, "justified", "known")


async def test_a_treating_doctor_whom_the_person_blocked_is_told_nothing(space: Space) -> None:
    await block.block(await space.visit("patient"), int(people.GP.rpps))
    await opened(space)
    assert await space.rows("SELECT DISTINCT reader FROM notices.outgoing") == [("person",)]
    assert await review.queue(await space.visit("gp")) == []
    ((number,),) = await space.rows("SELECT id FROM access.emergency")
    with pytest.raises(NotReviewer):
        await review.review(await space.visit("gp"), number, "justified", "known")
    assert len(await review.queue(await space.visit("operator"))) == 1


async def test_of_a_record_that_is_shut_the_officer_alone_reviews(space: Space) -> None:
    await opened(space)
    await close.close(await space.visit("patient"))
    assert await review.queue(await space.visit("gp")) == []
    assert len(await review.queue(await space.visit("operator"))) == 1


async def test_what_is_late_comes_first_and_no_health_data_is_in_the_queue(space: Space) -> None:
    await opened(space)
    space.clock.advance(timedelta(days=16))
    await opened(space, key="elder")
    for persona in ("operator", "gp"):
        first, second = await review.queue(await space.visit(persona))
        assert (first.overdue, second.overdue) == (True, False)
        assert (first.place, first.profession) == ("Cabinet du docteur Marchal", "Médecin")
    rids = await space.rows("SELECT rids FROM access.audit WHERE act = 'reviews'")
    assert rids == [([],), ([],)]
