# SPDX-License-Identifier: EUPL-1.2
"""Acts on a record that is a set of compartments, one by one; and its erasure, with hostile eyes."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from carnet import errors
from carnet.access import labels, notices
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit, tombstones
from carnet.access.labels import Label
from carnet.documents import hide
from carnet.fhir.store.vault import KEPT_FOR, Vault
from carnet.rights import close, consent, erase, life, mandate, reopen
from carnet.rights.clock import due
from carnet.vigilance import merge
from carnet.vigilance.merge import Leaving
from tests import people
from tests.rights.test_life import KEPT, lines_of
from tests.rights.test_mandates import management
from tests.space import Space
from tests.vigilance.acts import FIRST, SECOND, id_of, made, merged, patient

pytestmark = pytest.mark.anyio
OUTSIDER = int(people.OUTSIDER.rpps)


def own(space: Space) -> int:
    return space.where.people[people.PATIENT.key]


async def state(space: Space, cid: int) -> str:
    return str((await space.rows("SELECT state FROM access.record WHERE cid = %s", cid))[0][0])


def other(space: Space, cid: int) -> Visit:
    """The account of the person of a double."""
    who = Actor(
        ActorKind.PATIENT, "patient:double", "", "tests", patient=cid, authenticated=space.clock.now
    )
    return Visit(space.built.door, who, "double")


async def given(space: Space, cid: int) -> int:
    """A consent of the double's."""
    number, now = space.built.door.ids.new(), space.clock.now
    await space.rows(
        "INSERT INTO access.consent (id, cid, rpps, how, declared_by, since) VALUES"
        " (%s, %s, %s, 'oral', 'test', %s)", number, cid, OUTSIDER, now,
    )  # fmt: skip
    return number


# -- one by one ------------------------------------------------------------------------------------


async def test_a_closing_closes_all_of_it_and_an_undo_gives_the_other_its_own_back(
    space: Space,
) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    await given(space, double)
    number = await merged(space, double, person)
    await close.close(await space.visit("patient"))
    assert [await state(space, cid) for cid in (person, double)] == ["closed", "closed"]
    whole = await life.of(await space.visit("patient"))
    assert whole.life.archived_until is not None
    assert whole.reopens
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    assert [await state(space, cid) for cid in (person, double)] == ["closed", "open"]
    live = await space.rows("SELECT withdrawn IS NULL FROM access.consent WHERE cid = %s", double)
    assert live == [(True,)], "the double's person never withdrew it"


async def test_an_undo_gives_each_document_the_masks_its_own_person_left(space: Space) -> None:
    """Four of the double's: shown, hidden, hidden twice by either, and shown then hidden by its own."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    theirs = other(space, double)
    papers = []
    for number in range(4):
        paper = management(space, id_of(space, double), f"paper-{number}")
        sent = await space.post("DocumentReference", paper, as_="hospital-software")
        assert sent.status == 201, sent.body
        papers.append(str(sent.json["id"]))
    await hide.hide(theirs, papers[0])
    await hide.hide(theirs, papers[3])
    number = await merged(space, double, person)
    visit = await space.visit("patient")
    await hide.show(visit, papers[0])
    await hide.hide(visit, papers[1])
    await hide.hide(visit, papers[2])
    await hide.hide(theirs, papers[2])
    await hide.show(visit, papers[3])
    await hide.show(theirs, papers[3])
    assert [await worn(space, one) for one in papers] == [False, True, True, False]
    await merge.undo(await space.visit(FIRST), number, "deux personnes", hide.give_back)
    assert [await worn(space, one) for one in papers] == [True, False, True, False]
    assert await space.rows("SELECT count(*) FROM access.meanwhile") == [(0,)]
    answer = await space.get(f"DocumentReference/{papers[0]}", as_="hospital-software")
    assert labels.of(answer.json) & Label.MASQUE_PS, "the document says what its row bears"


async def worn(space: Space, document: str) -> bool:
    """Whether a document, and its file, are masked."""
    place = space.built.door.ids.decode(document)
    assert place is not None
    found = await space.rows(
        "SELECT DISTINCT labels & 1 FROM record.resource WHERE cid = %s AND (rid = %s OR origin = %s)",
        *place, place[1],
    )  # fmt: skip
    assert len(found) == 1, "a document and its file bear the same"
    return bool(found[0][0])


async def test_a_double_that_was_closed_is_reopened_with_the_rest_and_closed_again_by_an_undo(
    space: Space,
) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    await close.close(other(space, double))
    number = await merged(space, double, person)
    with pytest.raises(errors.NotFound):
        await consent.all_of(await space.visit("patient"))
    assert (await life.of(await space.visit("patient"))).life.state == "closed"
    await reopen.reopen(await space.visit("patient"))
    assert [await state(space, cid) for cid in (person, double)] == ["open", "open"]
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    assert [await state(space, cid) for cid in (person, double)] == ["open", "closed"]


async def test_lists_and_consents_are_of_the_whole_and_each_is_ended_by_its_id(
    space: Space,
) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    number = await given(space, double)
    visit = await space.visit("patient")
    id = space.built.door.ids.encode(double, number)
    assert id not in {each.id for each in (await consent.all_of(visit)).consents}
    joined = await merged(space, double, person)
    assert id in {each.id for each in (await consent.all_of(visit)).consents}
    answer = await space.get(f"Consent?patient={id_of(space, person)}", as_="patient")
    assert id in {each["id"] for each in answer.entries}
    assert (await space.get(f"Consent/{id}", as_="outsider")).status == 200
    assert await consent.end(visit, id)
    assert (await space.get(f"Consent/{id}", as_="outsider")).status == 404
    await merge.undo(await space.visit(SECOND), joined, "deux personnes")
    with pytest.raises(errors.NotFound):
        await consent.end(visit, id)
    assert await space.rows("SELECT withdrawn FROM access.consent WHERE id = %s", number) == [
        (None,)
    ]


async def test_a_mandate_on_the_double_is_seen_ended_and_given_back(space: Space) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    sub, door = (await space.actor("carer")).sub, space.built.door
    async with door.pool.connection() as conn, conn.transaction():
        operator = await space.visit("operator")
        await operator.rights_of(conn, [double])
        number = await mandate.write(
            operator, conn, double, sub, "carer", "all", "paper", "test", "f",
            space.clock.now + timedelta(days=9),
        )  # fmt: skip
    visit, id = await space.visit("patient"), door.ids.encode(double, number)
    joined = await merged(space, double, person)
    assert id in {each.id for each in await mandate.mandated(visit)}
    assert (await mandate.place(await space.visit("carer"), id_of(space, person))).id
    await mandate.revoke(visit, id)
    assert id not in {each.id for each in await mandate.mandated(visit)}
    await merge.undo(await space.visit(FIRST), joined, "deux personnes")
    assert await space.rows("SELECT revoked FROM access.mandate WHERE id = %s", number) == [(None,)]


async def test_the_trace_of_the_double_is_the_person_s_while_it_is_theirs(space: Space) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    await given(space, double)
    assert (await space.get(f"Patient/{id_of(space, double)}", as_="outsider")).status == 200
    joined = await merged(space, double, person)
    found = (await space.get("AuditEvent?_count=200", as_="patient")).entries
    read = [each for each in found if each["agent"][0]["who"].get("display") == people.OUTSIDER.name
            and each["subtype"][0]["code"] == "read"]  # fmt: skip
    assert read
    for each in read:
        assert (await space.get(f"AuditEvent/{each['id']}", as_="patient")).status == 200
    joins = [each for each in found if each["subtype"][0]["code"] == "merge"]
    assert joins, "a merge is told to whom it is about"
    await merge.undo(await space.visit(FIRST), joined, "deux personnes")
    assert (await space.get(f"AuditEvent/{read[0]['id']}", as_="patient")).status == 404


async def test_a_correction_of_a_double_s_document_is_filed_beside_it(space: Space) -> None:
    """Addressed to the person: the chain is whole when the merge is undone."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    before = document(space, double, "avant")
    first = await space.post("DocumentReference", before, as_="hospital-software")
    assert first.status == 201, first.body
    old = first.json["id"]
    joined = await merged(space, double, person)
    replaces = [{"code": "replaces", "target": {"reference": f"DocumentReference/{old}"}}]
    body = document(space, person, "après") | {"relatesTo": replaces}
    second = await space.post("DocumentReference", body, as_="hospital-software")
    assert second.status == 201, second.body
    new = second.json
    assert (space.built.door.ids.decode(new["id"]) or (0,))[0] == double
    assert new["subject"]["reference"] == f"Patient/{id_of(space, double)}"
    assert (await space.get(f"DocumentReference/{new['id']}", as_="gp")).status == 200
    await merge.undo(await space.visit(FIRST), joined, "deux personnes")
    assert (await space.get(f"DocumentReference/{new['id']}", as_="gp")).status == 404
    found = await space.get(
        f"DocumentReference?patient={id_of(space, double)}", as_="hospital-software"
    )
    assert {each["status"] for each in found.entries} == {"current", "superseded"}


def document(space: Space, cid: int, text: str) -> dict[str, Any]:
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "status": "current",
        "subject": {"reference": f"Patient/{id_of(space, cid)}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip


# -- where one is told -----------------------------------------------------------------------------


async def test_a_notice_of_the_double_goes_where_the_person_said_and_a_registered_mail_to_nobody_else(
    space: Space,
) -> None:
    mail = {"telecom": [{"system": "email", "value": "vieux@a.example", "use": "old"},
                        {"system": "email", "value": "autre@a.example"}]}  # fmt: skip
    person, double = own(space), await made(space, patient(given="HELENA") | mail)
    kept = "SELECT email, verified IS NULL FROM notices.address WHERE cid = %s"
    assert await space.rows(kept, double) == [("autre@a.example", True)]
    await space.rows("DELETE FROM notices.address WHERE cid = %s", person)
    await space.rows(
        "INSERT INTO notices.address (cid, email, verified) VALUES (%s, 'moi@a.example', now())",
        person,
    )
    await merged(space, double, person)
    told = (
        "SELECT a.email FROM notices.outgoing o, notices.address_of(o.cid) a WHERE o.template = %s"
    )
    assert await space.rows(told, "identities-joined") == [("moi@a.example",)], "once"
    door = space.built.door
    async with door.pool.connection() as conn, conn.transaction():
        await (await space.visit("operator")).rights_of(conn, [person, double])
        await notices.set_address(conn, person, "faux@a.example")
        await notices.send(door, conn, double, "updated")
    assert await space.rows(told, "updated") == [("moi@a.example",)]
    assert await space.rows(kept, person) == [("moi@a.example", False)]


async def test_a_doubtful_identity_gives_no_mail(space: Space) -> None:
    mail = {"telecom": [{"system": "email", "value": "autre@a.example"}]}
    double = await made(space, patient(given="HELENA", ins="180057512345699") | mail)
    assert await space.rows("SELECT email FROM notices.address WHERE cid = %s", double) == []


# -- erasure ---------------------------------------------------------------------------------------


async def test_all_of_a_set_is_erased_at_once_and_no_merge_meets_an_erasure(
    space: Space, worker: Door
) -> None:
    person = own(space)
    double, third = [await made(space, patient(given=each)) for each in ("HELENA", "HELEN")]
    await merged(space, double, person)
    await erase.ask(await space.visit("patient"))
    proposal = await merge.propose(await space.visit(FIRST), third, person, "même personne")
    with pytest.raises(Leaving):
        await merge.confirm(await space.visit(SECOND), proposal)
    space.clock.advance(timedelta(days=31))
    done = await due(worker)
    assert (done.erased, done.overdue) == (1, 0)
    for cid in (person, double):
        left = {name for name, count in (await lines_of(space, cid)).items() if count}
        assert left == KEPT
    assert await state(space, third) == "open"
    assert [one.cid for one in erase.stones_of(worker.settings).read()] == sorted((person, double))
    words = await space.rows("SELECT reason, undone_why FROM vigilance.merge")
    assert {reason for reason, _ in words} == {"erased"}, "nor why somebody thought they were one"
    rows = await space.rows(
        "SELECT count(*) FROM vigilance.candidate WHERE %s IN (one, other)", double
    )
    assert rows == [(0,)]


async def test_an_undo_before_the_erasure_saves_what_is_another_s(
    space: Space, worker: Door
) -> None:
    person, double = own(space), await made(space, patient(given="HELENA"))
    number = await merged(space, double, person)
    await erase.ask(await space.visit("patient"))
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    space.clock.advance(timedelta(days=31))
    assert (await due(worker)).erased == 1
    assert await state(space, person) == "deleted"
    assert await state(space, double) == "open"
    assert (
        await space.get(f"Patient/{id_of(space, double)}", as_="hospital-software")
    ).status == 200


async def test_who_asks_for_deletion_while_another_s_closing_shuts_them_is_erased_though_undone(
    space: Space, worker: Door
) -> None:
    """Their own word stands: it is not given back with what the other did."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    number = await merged(space, double, person)
    await close.close(await space.visit("patient"))
    await erase.ask(other(space, double))
    await merge.undo(await space.visit(FIRST), number, "deux personnes")
    space.clock.advance(timedelta(days=31))
    assert (await due(worker)).erased == 1
    assert [await state(space, cid) for cid in (person, double)] == ["closed", "deleted"]


async def test_one_of_a_set_erased_alone_shuts_nobody_else(space: Space, worker: Door) -> None:
    """A restored base where they were merged, and a list of erasures where one was alone."""
    person, double = own(space), await made(space, patient(given="HELENA"))
    await merged(space, double, person)
    stone = tombstones.after(None, double, worker.clock(), "request")
    erase.stones_of(worker.settings).append([stone])
    assert await erase.replay(worker) == 1
    assert await state(space, person) == "open"
    assert await space.rows("SELECT cid FROM access.record WHERE root IS NOT NULL") == []
    assert (await space.get(f"Patient/{id_of(space, person)}", as_="gp")).status == 200


async def test_the_key_leaves_the_memory_of_every_process(space: Space, worker: Door) -> None:
    """The application's and the worker's are two processes: each has a vault of its own."""
    cid, vault = own(space), space.built.door.vault
    await space.get(f"Patient/{space.patient_id()}", as_="gp")
    assert vault.at_hand([cid]) is not None
    wrapped = await space.rows("SELECT wrapped FROM record.compartment WHERE cid = %s", cid)
    await erase.erase(worker, [cid], "request")
    last = await tombstones.look(vault, space.built.pool, 0)
    assert vault.at_hand([cid]) is None
    vault.use(cid, bytes(wrapped[0][0]))  # a reading that had begun before
    assert vault.at_hand([cid]) is None
    assert await tombstones.look(vault, space.built.pool, last) == last


def test_a_key_is_kept_a_while_and_no_longer() -> None:
    now = [0.0]
    vault = Vault(b"o" * 32, clock=lambda: now[0])
    for cid in (1, 2):
        vault.use(cid, vault.make(cid))
        now[0] += KEPT_FOR / 2
    now[0] += 1
    assert vault.at_hand([1]) is None
    assert vault.at_hand([2]) is not None
    vault.let_go()
    assert set(vault._open) == {2}


async def test_an_erasure_ends_a_running_emergency_and_what_it_leaves_names_nobody(
    space: Space, worker: Door
) -> None:
    cid = own(space)
    await space.rows(
        "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
        " VALUES (1, %s, %s, 'bris-de-glace', 'unconscious', %s, %s)",
        cid, OUTSIDER, space.clock.now, space.clock.now + timedelta(days=400),
    )  # fmt: skip
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 200
    before = await space.rows("SELECT count(*) FROM access.audit WHERE cid = %s", cid)
    await erase.erase(worker, [cid], "request")
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 404
    found = await space.get(f"AuditEvent?patient={space.patient_id()}&_count=200", as_="operator")
    assert len(found.entries) >= before[0][0], "the trace of who read stays"
    for word in (people.PATIENT.birth_name, people.PATIENT.used_given_name, people.PATIENT.ins):
        assert word not in found.body.decode()


async def test_a_version_being_written_while_it_is_erased_is_erased_too(
    space: Space, worker: Door
) -> None:
    """A job holds a row of the record: its next version appears once the erasure has begun."""
    cid = own(space)
    writing = await psycopg.AsyncConnection.connect(space.admin_url)
    await writing.execute(
        "UPDATE record.resource SET ver = ver + 1 WHERE (cid, rid) = (%s, %s)", (cid, cid)
    )
    erasing = asyncio.create_task(erase.erase(worker, [cid], "request"))
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while (await space.rows(waits)) == [(0,)]:
        assert not erasing.done()
        await asyncio.sleep(0.01)
    await writing.execute(
        "INSERT INTO record.history VALUES (%s, %s, 1, now(), false, 0, '')", (cid, cid)
    )
    await writing.commit()
    await writing.close()
    await erasing
    left = {name for name, count in (await lines_of(space, cid)).items() if count}
    assert left == KEPT
