# SPDX-License-Identifier: EUPL-1.2
"""Emergency openings: two modes, the least, an end; told at once, reviewed always, refused without a word."""

from datetime import timedelta

import pytest

from carnet import errors
from carnet.access import handles
from carnet.documents import consult
from carnet.rights import emergency, review
from carnet.rights.emergency import NotForYou, TooManyEmergencies, WrongMode
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
    with pytest.raises(errors.NotFound):
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
