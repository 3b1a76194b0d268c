# SPDX-License-Identifier: EUPL-1.2
"""Merges: two officers, one record for every decision, and an undo that leaves nothing behind."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from carnet import errors
from carnet.documents import consult
from carnet.rights.readers import openings
from carnet.vigilance import desk, family, find, match, merge
from carnet.vigilance.insi import Simulator
from carnet.vigilance.merge import NoReason, Over, Same, TwoOfficers, root
from carnet.vigilance.pages import TraitsForm
from carnet.vigilance.standing import NotOfficer
from tests import people
from tests.agreement import seeds
from tests.space import Space
from tests.vigilance.acts import FIRST, SECOND, id_of, made, merged, patient

pytestmark = pytest.mark.anyio


def weight(space: Space, cid: int, value: float = 70) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{id_of(space, cid)}"},
        "effectiveDateTime": "2026-11-20",
        "valueQuantity": {"value": value, "unit": "kg"},
    }


async def weighed(space: Space, cid: int, as_: str = "hospital-software") -> str:
    answer = await space.post("Observation", weight(space, cid), as_=as_)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def seen(space: Space, cid: int, as_: str) -> set[str]:
    """Ids of the observations of hospital-software's making found by a patient's id."""
    answer = await space.get(f"Observation?patient={id_of(space, cid)}&_count=500", as_=as_)
    assert answer.status == 200
    return {each["id"] for each in answer.entries}


def own(space: Space) -> int:
    """The compartment of the cast's patient, whom the gp treats."""
    return space.where.people[people.PATIENT.key]


async def test_a_merge_needs_two_officers_and_a_reason(space: Space) -> None:
    one, other = await made(space, patient()), await made(space, patient(given="HELENA"))
    first, second = await space.visit(FIRST), await space.visit(SECOND)
    with pytest.raises(NoReason):
        await merge.propose(first, one, other, "  ")
    for persona in ("gp", "patient", "hospital-software"):
        with pytest.raises(NotOfficer):
            await merge.propose(await space.visit(persona), one, other, "raison")
    number = await merge.propose(first, one, other, "même pièce d’identité")
    with pytest.raises(Same):
        await merge.propose(second, one, other, "encore")
    with pytest.raises(TwoOfficers):
        await merge.confirm(first, number)
    assert await roots(space) == set(), "one person alone merges nothing"
    await merge.confirm(second, number)
    assert await roots(space) == {(one, other)}
    with pytest.raises(Over):
        await merge.confirm(second, number)
    with pytest.raises(Same):
        await merge.propose(second, other, one, "dans l’autre sens")
    with pytest.raises(NoReason):
        await merge.undo(first, number, "")
    with pytest.raises(NotOfficer):
        await merge.undo(await space.visit("gp"), number, "raison")
    await merge.undo(first, number, "deux sœurs")
    assert await roots(space) == set()
    with pytest.raises(Over):
        await merge.undo(first, number, "deux sœurs")


async def test_the_database_itself_refuses_a_merge_by_one(space: Space) -> None:
    """Planted: an act that forgot the second officer."""
    with pytest.raises(Exception, match="merge_check"):
        await space.rows(
            "INSERT INTO vigilance.merge (id, source, target, reason, proposed, proposed_by,"
            " decided, decided_by, confirmed) VALUES (1, 2, 3, 'x', now(), 'a', now(), 'a', true)"
        )


async def roots(space: Space) -> set[tuple[int, int]]:
    rows = await space.rows("SELECT cid, root FROM access.record WHERE root IS NOT NULL")
    return {(cid, root) for cid, root in rows}


async def test_merged_records_are_one_to_every_reader_and_apart_again(space: Space) -> None:
    """The double has one observation; whoever reads the person reads it, by either number."""
    person = own(space)
    double = await made(space, patient(given="HELENA"))
    id = await weighed(space, double)
    other = await weighed(space, person)
    readers = ("gp", "patient", "hospital-software")
    assert id not in await seen(space, person, "gp")
    assert (await space.get(f"Observation/{id}", as_="patient")).status == 404
    number = await merged(space, double, person)
    for persona in readers:
        for cid in (person, double):
            found = await seen(space, cid, persona)
            assert {id, other} <= found, (persona, cid)
        assert (await space.get(f"Observation/{id}", as_=persona)).status == 200
    for persona in ("outsider", "blocked"):
        assert not await seen(space, double, persona)
        assert (await space.get(f"Observation/{id}", as_=persona)).status == 404
    link = (await space.get(f"Patient/{id_of(space, double)}", as_="gp")).json["link"]
    assert link == [
        {"other": {"reference": f"Patient/{id_of(space, person)}"}, "type": "replaced-by"}
    ]
    link = (await space.get(f"Patient/{id_of(space, person)}", as_="gp")).json["link"]
    assert link[0]["type"] == "replaces"
    count = await space.get(f"Observation?patient={id_of(space, double)}&_summary=count", as_="gp")
    alone = await space.get(f"Observation?patient={id_of(space, person)}&_summary=count", as_="gp")
    assert count.json["total"] == alone.json["total"]
    meanwhile = await weighed(space, double, "hospital-software")
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    for hidden in (id, meanwhile):
        for persona in ("gp", "patient"):
            assert (await space.get(f"Observation/{hidden}", as_=persona)).status == 404
            assert hidden not in await seen(space, person, persona)
    assert {id, meanwhile} <= await seen(space, double, "hospital-software")
    assert "link" not in (await space.get(f"Patient/{id_of(space, person)}", as_="gp")).json


async def test_a_document_of_the_double_is_read_on_the_pages_of_the_person(space: Space) -> None:
    """Its page, its file, and the same document by the double's own address."""
    double = own(space)  # who has documents; the other stays
    person = await made(space, patient(given="HELENA"))
    doctor, id = await space.visit("gp"), id_of(space, person)
    with pytest.raises(errors.NotFound):
        await consult.documents(doctor, id)
    mine = await consult.documents(doctor, id_of(space, double))
    number = await merged(space, double, person)
    found = await consult.documents(doctor, id)
    assert [each.id for each in found.lines] == [each.id for each in mine.lines]
    assert await consult.curves(doctor, id) == await consult.curves(doctor, id_of(space, double))
    for line in mine.lines[:5]:
        page = await consult.document(doctor, id, line.id)
        assert page.line == line
        if page.pdf is not None:
            assert (await consult.content(doctor, id, page.pdf)).data
    readers = await space.visit("patient")
    assert any(each.who for each in await openings(readers, ""))
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    with pytest.raises(errors.NotFound):
        await consult.document(doctor, id, mine.lines[0].id)


async def test_a_block_or_a_closing_of_either_shuts_both(space: Space) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    id = await weighed(space, double)
    number = await merged(space, double, person)
    await space.rows("UPDATE access.record SET state = 'closed' WHERE cid = %s", double)
    assert not await seen(space, person, "gp")
    assert not await seen(space, double, "hospital-software")
    await space.rows("UPDATE access.record SET state = 'open' WHERE cid = %s", double)
    assert id in await seen(space, person, "gp")
    gp = (await space.actor("gp")).rpps
    await space.rows(
        "INSERT INTO access.block (cid, rpps, since) VALUES (%s, %s, %s)",
        double, gp, space.clock.now,
    )  # fmt: skip
    assert not await seen(space, person, "gp")
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    assert await seen(space, person, "gp")


async def test_a_quarantined_identity_is_resolved_by_a_merge(space: Space) -> None:
    """What was kept apart is read with the record it is put in, and its number stays a claim."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    await space.rows(
        "UPDATE access.identity SET quarantined = true, claim = 'x', claim_system = 'y'"
        " WHERE cid = %s", double,
    )  # fmt: skip
    id = await weighed(space, double)
    await merged(space, double, person)
    assert id in await seen(space, person, "gp")
    lines = await consult.documents(await space.visit("gp"), space.patient_id())
    assert lines.lines


async def test_somebody_merged_is_found_once(space: Space) -> None:
    one = await made(space, patient(born="1981-02-03"))
    other = await made(space, patient(born="1981-02-03"))
    visit = await space.visit("gp")
    form = TraitsForm(birth_date=date(1981, 2, 3), name="Delaunay", sex="female")
    assert len(await find.find(visit, form)) == 2
    number = await merged(space, one, other)
    assert len(await find.find(visit, form)) == 1
    await merge.undo(await space.visit(FIRST), number, "jumelles")
    assert len(await find.find(visit, form)) == 2


def test_merges_in_force_lead_to_one_root() -> None:
    edges = {1: 2, 2: 3, 4: 3}
    assert [root(cid, edges) for cid in range(1, 6)] == [3, 3, 3, 3, 5]


# -- an undo is exact ------------------------------------------------------------------------------

# What says nothing of who sees what: the trace, the merges themselves, and the Patients that say it.
TABLES = (
    "access.record", "access.identity", "access.consent", "access.block", "access.trusted",
    "access.mandate", "access.emergency", "access.team", "access.team_member", "access.family",
    "record.attachment", "record.id_map",
)  # fmt: skip


async def everything(space: Space, cids: list[int], but: set[str]) -> dict[str, Any]:
    """Every row that decides or holds, and every answer to whoever looks."""
    found: dict[str, Any] = {
        name: sorted(map(repr, await space.rows(f"SELECT * FROM {name}"))) for name in TABLES
    }
    patients = space.built.door.definitions.types["Patient"]
    found["rows"] = await space.rows(
        "SELECT cid, rid, rtype, ver, upd, kind, labels, gone, dep_pro, dep_org"
        " FROM record.resource WHERE rtype <> %s AND NOT id = ANY (%s) ORDER BY 1, 2",
        patients, sorted(but),
    )  # fmt: skip
    answers: dict[tuple[object, ...], object] = {}
    for persona in ("gp", "patient", "hospital-software", "nurse", "outsider", "hospital-doctor"):
        for cid in (*cids, None):
            about = f"patient={id_of(space, cid)}&" if cid is not None else ""
            answer = await space.get(f"Observation?{about}_count=500", as_=persona)
            answers[persona, cid] = sorted(
                (each["id"], each["meta"]["versionId"])
                for each in answer.entries
                if each["id"] not in but
            )
        for cid in cids:
            answer = await space.get(f"Patient/{id_of(space, cid)}", as_=persona)
            body = answer.json if answer.status == 200 else {}
            body.pop("meta", None)
            answers[persona, cid, "Patient"] = (answer.status, body)
    found["answers"] = answers
    return found


async def act(space: Space, chance: random.Random, cids: list[int]) -> None:
    """One random act on somebody's record."""
    cid = chance.choice(cids)
    now = space.clock()
    rpps = (await space.actor(chance.choice(("gp", "outsider", "hospital-doctor")))).rpps
    match chance.randrange(4):
        case 0:
            await weighed(space, cid)
        case 1:
            await space.rows(
                "INSERT INTO access.consent (id, cid, rpps, how, declared_by, since)"
                " VALUES (%s, %s, %s, 'oral', 'test', %s)",
                space.built.door.ids.new(), cid, rpps, now,
            )  # fmt: skip
        case 2:
            await space.rows(
                "INSERT INTO access.block (cid, rpps, since, until) VALUES (%s, %s, %s, %s)",
                cid, rpps, now, now + timedelta(hours=chance.choice((1, 1000))),
            )  # fmt: skip
        case 3:
            await space.rows(
                "UPDATE access.record SET emergency_refused = NOT emergency_refused WHERE cid = %s",
                cid,
            )


@pytest.mark.parametrize("number", range(3))
async def test_an_unmerge_leaves_everything_as_if_never_merged(space: Space, number: int) -> None:
    """Acts, merges among three identities, acts, and the merges undone in any order.

    In between, only what is written in the store: what was written meanwhile stays where it was.
    """
    chance = random.Random(seeds.chosen() + number)
    cids = [await made(space, patient(given=given)) for given in ("HELENA", "HELEN")]
    cids.append(own(space))
    for _ in range(8):
        await act(space, chance, cids)
    before = await everything(space, cids, set())
    waiting: list[int] = []
    written: set[str] = set()
    pairs = [(a, b) for a in cids for b in cids if a != b]
    chance.shuffle(pairs)
    for source, target in pairs:
        try:
            waiting.append(await merged(space, source, target))
        except errors.Conflict:
            continue
        cid = chance.choice(cids)
        answer = await space.post("Observation", weight(space, cid), as_="hospital-software")
        written |= {answer.json["id"]} if answer.status == 201 else set()
    assert len(waiting) == 2, "three identities, two merges"
    assert await everything(space, cids, written) != before
    chance.shuffle(waiting)
    for each in waiting:
        await merge.undo(await space.visit(SECOND), each, "erreur")
    assert await everything(space, cids, written) == before


async def test_an_officer_sees_traits_and_nothing_of_the_record(space: Space) -> None:
    """The queue of the people registered alike; another than an officer sees no queue."""
    one = await made(space, patient(born="1981-02-03"))
    other = await made(space, patient(family="DELAUNEY", born="1981-02-03"))
    found = await desk.look(await space.visit(FIRST), Simulator())
    assert found.simulated
    (pair,) = [each for each in found.pairs if each.one.id == id_of(space, one)]
    assert (pair.other.id, pair.why) == (id_of(space, other), ("near-name",))
    assert pair.differing == {"birth_name"}
    shown = await desk.compare(await space.visit(SECOND), pair.one.id, pair.other.id)
    assert shown == pair
    for persona in ("gp", "patient", "hospital-software"):
        with pytest.raises(NotOfficer):
            await desk.look(await space.visit(persona), Simulator())
        with pytest.raises(NotOfficer):
            await desk.compare(await space.visit(persona), pair.one.id, pair.other.id)
    with pytest.raises(errors.NotFound):  # two people nobody has to compare
        await desk.compare(await space.visit(FIRST), pair.one.id, space.patient_id())
    await desk.different(await space.visit(FIRST), pair.one.id, pair.other.id)
    found = await desk.look(await space.visit(FIRST), Simulator())
    assert id_of(space, one) not in {each.one.id for each in found.pairs}


async def test_a_pair_with_a_merge_that_waits_is_to_confirm_and_no_longer_to_compare(
    space: Space,
) -> None:
    one = await made(space, patient(born="1982-02-03"))
    other = await made(space, patient(family="DELAUNEY", born="1982-02-03"))
    before = await desk.look(await space.visit(SECOND), Simulator())
    assert id_of(space, one) in {each.one.id for each in before.pairs}
    number = await merge.propose(await space.visit(FIRST), other, one, "une lettre de trop")
    found = await desk.look(await space.visit(SECOND), Simulator())
    assert id_of(space, other) in {each.source.id for each in found.proposals}
    assert id_of(space, one) not in {each.one.id for each in found.pairs}
    await merge.refuse(await space.visit(SECOND), number)


async def test_the_job_finds_again_every_pair_and_adds_none_twice(space: Space) -> None:
    for name in ("DELAUNAY", "DELAUNEY"):
        await made(space, patient(family=name, born="1981-02-03"))
    before = await space.rows("SELECT * FROM vigilance.candidate ORDER BY one, other")
    assert await match.sweep(space.built.door) == 2 * len(before)
    assert await space.rows("SELECT * FROM vigilance.candidate ORDER BY one, other") == before
    await space.rows("DELETE FROM vigilance.candidate")
    await match.sweep(space.built.door)
    again = await space.rows("SELECT one, other, why FROM vigilance.candidate ORDER BY one, other")
    assert again == [(row[0], row[1], row[2]) for row in before]


async def test_a_newborn_has_their_mother_s_link_before_a_number(space: Space) -> None:
    child = await made(space, patient(given="LOU", born="2026-11-21"))
    mother = own(space)
    await family.link(await space.visit("hospital-software"), child, mother, "birth-mother")
    with pytest.raises(errors.NotFound):  # not the child this software sent
        await family.link(await space.visit("lab-software"), child, mother, "mother")
    with pytest.raises(NotOfficer):
        await family.link(await space.visit("gp"), child, mother, "mother")
    with pytest.raises(family.WrongLink):
        await family.link(await space.visit(FIRST), child, child, "mother")
    rows = await space.rows("SELECT cid, parent, nature FROM access.family")
    assert rows == [(child, mother, "birth-mother")]


# -- planted faults ----------------------------------------------------------------------------------


async def test_planted_an_undo_that_forgets_the_root_is_seen(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The double's observation would stay in the person's record."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    id = await weighed(space, double)
    number = await merged(space, double, person)

    async def forgotten(*_: Any) -> None:
        return None

    monkeypatch.setattr(merge, "_rooted", forgotten)
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    assert id in await seen(space, person, "gp"), "the fault shows where the tests above look"
