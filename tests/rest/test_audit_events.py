# SPDX-License-Identifier: EUPL-1.2
"""AuditEvent: the same lines as the patient's own list, one's own acts, and what an auditor may know."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from carnet.access.log import proofs, tree
from carnet.access.log.heads import Head
from carnet.app import parts
from carnet.fhir.validation.structure import check
from carnet.postgres.pool import JOB, open_pool
from carnet.rest import audit_tests
from tests import people
from tests.space import Answer, Space

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


async def test_what_a_line_has_no_column_for_is_tested_on_what_is_shown(space: Space) -> None:
    """Every parameter of R4, and the French period-start: each line that has it, and no other."""
    await read_something(space)
    every = (await space.get("AuditEvent", as_="patient")).entries
    assert len(every) > 2

    def whose(name: str) -> list[str]:
        return [
            e["id"] for e in every if any(a.get("name", "").startswith(name) for a in e["agent"])
        ]

    first, types = every[0], "http://terminology.hl7.org/CodeSystem/audit-"
    rule = first["agent"][0]["policy"][0]
    texts = [a["role"][0]["text"] for e in every for a in e["agent"] if "role" in a]
    some = [e["id"] for e in every]
    for query, expected in (
        (f"type={types}event-type|rest", some), ("type=rest", some), ("type=urn:other|rest", []),
        ("type:not=rest", []), ("type:missing=true", []), ("site:missing=true", some),
        (f"agent-name={people.GP.name[:5].lower()}", whose(people.GP.name)),
        (f"agent-name:exact={people.GP.name}", whose(people.GP.name)),
        (f"agent-name:contains={people.GP.name[2:6]}", whose(people.GP.name)), ("agent-name=zzz", []),
        (f"agent-role:text={texts[0][:9]}", [e["id"] for e in every if texts[0][:9] in str(e["agent"])]),
        ("agent-role=a", []), (f"policy={rule}", [e["id"] for e in every if rule in str(e["agent"])]),
        ("entity-type=1", some), (f"entity-type={types}entity-type|2",
                                  [e["id"] for e in every if "System Object" in str(e["entity"])]),
        ("entity-role=1", some), ("entity-role=24", []), ("entity-name=a", []), ("address=a", []),
        ("source=Device/a", []), ("site=a", []), (f"_id={first['id']}", some[:1]), ("_id=x", []),
        ("period-start=2026-11-22", some), ("period-start=lt2026-11-22&period-start=ge2026-11-01", []),
        ("_lastUpdated=ge2026-11-22", some), ("type=rest&agent-name=zzz", []),
    ):  # fmt: skip
        answer = await space.get(f"AuditEvent?{query}&_total=accurate&_count=500", as_="patient")
        got = [each["id"] for each in answer.entries if each["id"] in some]
        assert (answer.status, got) == (200, expected), query
        assert answer.json["total"] >= len(expected)
    seen: list[str] = []
    path: str | None = "AuditEvent?type=rest&_count=2&date=lt2026-11-22T08:30:00Z"
    while path:
        answer = await space.get(path, as_="patient")
        seen += [each["id"] for each in answer.entries]
        following = [each["url"] for each in answer.json["link"] if each["relation"] == "next"]
        path = following[0].split("/fhir/")[1] if following else None
    assert len(seen) == len(set(seen)) > 2


async def test_lines_are_tested_up_to_a_limit(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    await read_something(space)
    monkeypatch.setattr(audit_tests, "MOST_TESTED", 1)
    answer = await space.get("AuditEvent?agent-name=zzz", as_="patient")
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "too-costly")


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
        answer = await space.get(f"AuditEvent?{query}&_total=accurate&_count=500", as_="patient")
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


async def test_the_root_is_handed_out_and_each_line_proved(space: Space) -> None:
    assert (await space.get("$audit-root")).status == 404
    document = await read_something(space)
    await sealed(space)
    first = values(await space.get("$audit-root"))
    head = Head.of({**first, "size": int(first["size"])})
    assert head.holds()
    line = (await space.get("AuditEvent?action=R&outcome=0", as_="patient")).entries[0]
    path = f"AuditEvent/{line['id']}/$proof"
    proof = json.loads(values(await space.get(path, as_="patient"))["proof"])
    assert proofs.check(proof, [head.key]) == head
    place = space.built.door.ids.decode(document)
    assert place is not None and proof["named"]["rids"] == [place[1]]
    assert (await space.get(path, as_="outsider")).status == 404
    assert (await space.get(path, as_="gp")).status == 200
    await sealed(space)
    answer = await space.get(f"$audit-root?since={head.size}")
    later = values(answer)
    steps = [
        bytes.fromhex(each["valueString"])
        for each in answer.json["parameter"]
        if each["name"] == "consistency"
    ]
    tree.check_consistency(
        head.size, head.root, int(later["size"]), bytes.fromhex(later["root"]), steps
    )
    assert (await space.get("$audit-root?since=99999999")).status == 400


async def test_a_proof_does_not_tell_what_its_reader_may_not_see(space: Space) -> None:
    """A list that found a hidden document beside others: its line is proved, what it names is not."""
    patient = space.patient_id()
    await space.get(f"DocumentReference?subject=Patient/{patient}&_count=3", as_="gp")
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]["id"]
    place = space.built.door.ids.decode(document)
    assert place is not None
    await space.rows("UPDATE record.resource SET labels = 2 WHERE rid = %s", place[1])
    await sealed(space)
    rpps = f"urn:oid:1.2.250.1.71.4.2.1|8{people.GP.rpps}"
    line = (await space.get(f"AuditEvent?agent:identifier={rpps}", as_="patient")).entries[0]
    answer = await space.get(f"AuditEvent/{line['id']}/$proof", as_="patient")
    proof = json.loads(values(answer)["proof"])
    assert "named" not in proof and str(place[1]) not in answer.body.decode()
    assert proofs.check(proof).size


async def test_a_carer_does_not_read_who_read(space: Space) -> None:
    """As the page: the patient, or who represents them."""
    cid = space.where.people[people.PATIENT.key]
    parent = await space.actor("parent")
    await space.rows(
        "INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, since) VALUES"
        " (1, %s, %s, 'carer', 'care', 'paper', 'x', '2026-01-01')", cid, parent.sub,
    )  # fmt: skip
    answer = await space.get(f"AuditEvent?patient={space.patient_id()}", as_="parent")
    assert (answer.status, answer.entries) == (200, [])


async def sealed(space: Space) -> None:
    """What was written so far, sealed."""
    url = space.admin_url.replace("user=carnet_admin", "user=carnet_worker")
    pool = await open_pool(url, min_size=1, max_size=2, name="seal", limits=JOB)
    try:
        await parts.sealing(space.built.settings, pool, space.built.door).once()
    finally:
        await pool.close()
    space.built.settings.roots.unlink(missing_ok=True)  # the folder is every test's


def values(answer: Answer) -> dict[str, str]:
    """The parameters of an answer, the last one of each name."""
    assert answer.status == 200, answer.body
    assert check(answer.json) == []
    return {
        each["name"]: next(value for name, value in each.items() if name != "name")
        for each in answer.json["parameter"]
    }
