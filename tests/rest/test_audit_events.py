# SPDX-License-Identifier: EUPL-1.2
"""AuditEvent: the same lines as the patient's own list, one's own acts, and what an auditor may know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from carnet.fhir.validation.structure import check
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio


async def read_something(space: Space) -> str:
    """A document of the patient's, read by their doctor."""
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]["id"]
    assert (await space.get(f"DocumentReference/{document}", as_="gp")).status == 200
    assert (await space.get(f"DocumentReference/{document}", as_="outsider")).status == 404
    return str(document)


def named(event: dict[str, Any]) -> list[str]:
    return [each["what"]["reference"] for each in event["entity"] if "reference" in each["what"]]


async def test_the_patient_reads_the_lines_of_their_record(space: Space) -> None:
    document = await read_something(space)
    answer = await space.get("AuditEvent?action=R", as_="patient")
    assert answer.status == 200
    assert not [issue for event in answer.entries for issue in check(event)]
    refused, gp = answer.entries[:2]
    assert refused["outcome"] == "4" and gp["outcome"] == "0"
    assert named(gp) == [
        f"Patient/{space.patient_id()}", f"DocumentReference/{document}/_history/1",
    ]  # fmt: skip
    assert gp["agent"][0]["who"]["display"] == people.GP.name
    assert gp["action"] == "R" and gp["subtype"][0]["code"] == "read"
    one = await space.get(f"AuditEvent/{gp['id']}", as_="patient")
    assert one.json == gp


async def test_the_dates_applied_are_said_and_a_year_is_the_most(space: Space) -> None:
    answer = await space.get("AuditEvent", as_="patient")
    link = answer.json["link"][0]["url"]
    assert "date=ge2026-10-23" in link and "date=lt2026-11-22" in link
    assert (await space.get("AuditEvent?date=ge2020&date=lt2026", as_="patient")).status == 400
    assert (await space.get("AuditEvent?date=2026", as_="patient")).entries
    assert not (await space.get("AuditEvent?date=2025", as_="patient")).entries
    assert (await space.get("AuditEvent?date=sa2025", as_="patient")).status == 400
    assert (await space.get("AuditEvent?date=ge2020", as_="patient")).status == 400


async def test_each_parameter_narrows(space: Space) -> None:
    document = await read_something(space)
    rpps = f"urn:oid:1.2.250.1.71.4.2.1|8{people.GP.rpps}"
    for query, expected in (
        (f"agent:identifier={rpps}", 1), ("outcome=4", 1), ("action=R&outcome=0", 1),
        (f"entity=DocumentReference/{document}&action=R", 1), ("subtype=vread", 0),
        (f"patient={space.patient_id()}&action=R", 2), ("patient=none", 0), ("altid=nobody", 0),
    ):  # fmt: skip
        answer = await space.get(f"AuditEvent?{query}", as_="patient")
        assert (answer.status, len(answer.entries)) == (200, expected), query
    total = await space.get("AuditEvent?_total=accurate&_count=2", as_="patient")
    assert total.json["total"] > len(total.entries) == 2
    assert (await space.get("AuditEvent?_summary=count", as_="patient")).entries == []


async def test_pages_give_each_line_once(space: Space) -> None:
    await read_something(space)
    seen: list[str] = []
    path: str | None = "AuditEvent?_count=1&date=lt2026-11-22T08:30:00Z&action=R"
    while path:
        answer = await space.get(path, as_="patient")
        seen += [each["id"] for each in answer.entries]
        following = [each["url"] for each in answer.json["link"] if each["relation"] == "next"]
        path = following[0].split("/fhir/")[1] if following else None
    assert len(seen) == len(set(seen)) == 2


async def test_a_professional_reads_their_own_acts_alone(space: Space) -> None:
    document = await read_something(space)
    lines = (await space.get("AuditEvent", as_="gp")).entries
    assert {line["agent"][0]["who"]["display"] for line in lines} == {people.GP.name}
    assert f"DocumentReference/{document}/_history/1" in named(
        next(line for line in lines if line["action"] == "R")
    )
    refused = (await space.get("AuditEvent", as_="outsider")).entries
    assert refused and all(named(line) == [] for line in refused)
    patient = space.patient_id()
    assert not (await space.get(f"AuditEvent?patient={patient}", as_="outsider")).entries
    mine = (await space.get("AuditEvent?action=R", as_="patient")).entries
    for line in mine:
        assert (await space.get(f"AuditEvent/{line['id']}", as_="nurse")).status == 404


async def test_a_line_obeys_what_it_names(space: Space) -> None:
    """Hidden from its patient, a document's reading is in no search, by no parameter, at no address."""
    document = await read_something(space)
    line = (await space.get("AuditEvent?action=R&outcome=0", as_="patient")).entries[0]
    place = space.built.door.ids.decode(document)
    assert place is not None
    await space.rows(
        "UPDATE record.resource SET labels = 2 WHERE rid = %s OR origin = %s", place[1], place[1]
    )
    for query in ("action=R&outcome=0", f"entity=DocumentReference/{document}"):
        answer = await space.get(f"AuditEvent?{query}&_total=accurate", as_="patient")
        assert (answer.entries, answer.json["total"]) == ([], 0)
    every = (await space.get("AuditEvent", as_="patient")).body.decode()
    assert document not in every
    assert (await space.get(f"AuditEvent/{line['id']}", as_="patient")).status == 404


async def test_who_audits_is_told_ids_and_no_resource(space: Space) -> None:
    document = await read_something(space)
    assert (await space.get("AuditEvent", as_="operator")).status == 400
    patient = space.patient_id()
    answer = await space.get(f"AuditEvent?patient={patient}&action=R", as_="operator")
    assert answer.status == 200 and len(answer.entries) == 2
    assert not [issue for event in answer.entries for issue in check(event)]
    assert document not in answer.body.decode()
    assert {name for event in answer.entries for name in named(event)} == {f"Patient/{patient}"}
    by_agent = await space.get(
        f"AuditEvent?agent:identifier=urn:oid:1.2.250.1.71.4.2.1|8{people.GP.rpps}", as_="operator"
    )
    assert by_agent.entries
    told = (await space.get("AuditEvent?altid=operator:operator", as_="patient")).entries
    every = (await space.get("AuditEvent", as_="patient")).entries
    audits = [each for each in every if each["subtype"][0]["code"] == "audit"]
    assert any(each["agent"][0]["altId"].startswith("operator:") for each in audits), told


async def test_a_secret_connection_is_the_minors_alone(space: Space) -> None:
    cid = space.where.people[people.PATIENT.key]
    await read_something(space)
    space.clock.advance(timedelta(seconds=1))
    before = len((await space.get("AuditEvent?action=R", as_="patient")).entries)
    await space.rows("UPDATE access.audit SET secret = true WHERE act = 'read' AND granted")
    assert len((await space.get("AuditEvent?action=R", as_="patient")).entries) == before
    parent = await space.actor("parent")
    await space.rows(
        "INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, since) VALUES"
        " (1, %s, %s, 'representative', 'all', 'civil-status', 'x', '2026-01-01')", cid, parent.sub,
    )  # fmt: skip
    path = f"AuditEvent?patient={space.patient_id()}&action=R"
    shown = await space.get(path, as_="parent")
    assert shown.status == 200
    assert [each["outcome"] for each in shown.entries] == ["4"]
    visit = await space.visit("parent")
    assert {
        (line.act, line.granted) for line in await visit.lines(cid, 10_000) if line.act == "read"
    } == {("read", False)}
