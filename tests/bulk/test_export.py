# SPDX-License-Identifier: EUPL-1.2
"""An export holds what its asker may read, when it is fetched: no more, and no less."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carnet.access import queries, revisions
from carnet.access.door import bulk as door_bulk
from carnet.app import bulk
from carnet.bulk import export, routes
from carnet.bulk.export import Lister
from carnet.postgres.pool import JOB, open_pool
from tests import people
from tests.rest.samples import HOSPITAL, LAB, Json, observation, organization
from tests.rest.test_search import make
from tests.space import Space

pytestmark = pytest.mark.anyio

MASK = {
    "system": "https://mos.esante.gouv.fr/NOS/TRE_A08-HL7Confidentiality/FHIR/TRE-A08-HL7Confidentiality",
    "code": "MASQUE_PS",
}


async def kick(space: Space, path: str = "Patient/$export", as_: str = "patient") -> str:
    """The address of an export that was just asked, after /fhir/."""
    answer = await space.get(path, as_=as_, prefer="respond-async")
    assert answer.status == 202, answer.body
    return answer.headers["content-location"].partition("/fhir/")[2]


async def listed(space: Space, job: str, as_: str = "patient") -> list[Json]:
    """The files of an export, once it is listed."""
    await work(space)
    answer = await space.get(job, as_=as_)
    assert answer.status == 200, answer.body
    return list(answer.json["output"])


async def work(space: Space) -> int:
    """What the worker does, under its own role."""
    async with worker(space) as made:
        return await bulk.drain(made)


class worker:
    """The door of a worker on this database."""

    def __init__(self, space: Space) -> None:
        self._space = space

    async def __aenter__(self) -> Any:
        url = self._space.admin_url.replace("carnet_admin", "carnet_worker")
        self._pool = await open_pool(url, min_size=1, max_size=2, limits=JOB)
        return replace(self._space.built.door, pool=self._pool)

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()


async def fetch(space: Space, url: str, as_: str = "patient") -> list[Json]:
    """The resources of one file."""
    answer = await space.get(url.partition("/fhir/")[2], as_=as_)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("application/fhir+ndjson")
    return [json.loads(line) for line in answer.body.splitlines()]


async def exported(
    space: Space, path: str = "Patient/$export", as_: str = "patient"
) -> dict[str, list[Json]]:
    """Everything of an export, by address of its resources."""
    found: dict[str, list[Json]] = {}
    for each in await listed(space, await kick(space, path, as_), as_):
        rows = await fetch(space, each["url"], as_)
        assert all(row["resourceType"] == each["type"] for row in rows)
        for row in rows:
            found.setdefault(f"{row['resourceType']}/{row['id']}", []).append(row)
    assert all(len(rows) == 1 for rows in found.values()), "a resource is in two places"
    return found


async def everything(space: Space, person: str, as_: str) -> set[str]:
    """What $everything gives of a record, in it and not beside it."""
    path: str | None = f"Patient/{space.patient_id(person)}/$everything?_count=1000"
    found = set()
    while path is not None:
        answer = await space.get(path, as_=as_)
        found |= {
            f"{each['resource']['resourceType']}/{each['resource']['id']}"
            for each in answer.json.get("entry", [])
            if each["search"]["mode"] == "match"
        }
        links = {each["relation"]: each["url"] for each in answer.json["link"]}
        path = links["next"].partition("/fhir/")[2] if "next" in links else None
    return found | await replaced(space, person, as_)


async def replaced(space: Space, person: str, as_: str) -> set[str]:
    """What was read in documents that others replaced: no search tells it, and it leaves with the rest."""
    names = {number: name for name, number in space.built.door.definitions.types.items()}
    rows = await space.rows(
        "SELECT rtype, id FROM record.resource WHERE cid = %s AND labels & 8 <> 0 AND NOT gone",
        space.where.people[person],
    )
    found = {f"{names[rtype]}/{id}" for rtype, id in rows}
    return {each for each in found if (await space.get(each, as_=as_)).status == 200}


@pytest.mark.slow
async def test_a_person_takes_what_they_see_of_their_own_record_and_nothing_else(
    space: Space,
) -> None:
    me, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    await make(space, observation(me, date="2020"), observation(other, date="2020"))
    seen = await everything(space, people.PATIENT.key, "patient")
    found = await exported(space)
    assert set(found) == {each for each in seen if not each.startswith("Binary/")}
    binaries = await exported(space, "Patient/$export?_type=Binary")
    assert set(binaries) == {each for each in seen if each.startswith("Binary/")}
    assert all(row["data"] for (row,) in binaries.values())


@pytest.mark.slow
async def test_who_may_take_what(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (plain, masked) = await make(
        space,
        observation(me, date="2020"),
        observation(me, date="2021", meta={"security": [MASK]}),
    )
    (hospitals,) = await make(space, observation(me, date="2022"), by=HOSPITAL)
    path = "$export?_type=Observation"
    mine = {f"Observation/{plain}", f"Observation/{masked}", f"Observation/{hospitals}"}

    async def taken(as_: str, level: str = "Patient/") -> set[str]:
        return mine & set(await exported(space, level + path, as_))

    assert await taken("patient") == mine
    assert await taken("gp") == mine  # the médecin traitant reads what is masked
    assert await taken("nurse") == mine - {f"Observation/{masked}"}
    assert await taken(LAB) == mine - {f"Observation/{hospitals}"}
    assert await taken(LAB, "") == mine - {f"Observation/{hospitals}"}
    for stranger in ("outsider", "blocked", "elder", "operator"):
        assert await taken(stranger) == set(), stranger
        assert await taken(stranger, "") == set(), stranger


async def test_helpers_and_assistants_take_nothing(space: Space) -> None:
    for who in ("helper", "assistant"):
        answer = await space.get("Patient/$export", as_=who)
        assert (answer.status, answer.json["issue"][0]["code"]) == (403, "forbidden"), who


async def test_the_directory_is_taken_by_who_names_its_types(space: Space) -> None:
    await make(space, organization("Nord"))  # in the laboratory's bucket
    answer = await space.get("Practitioner?_count=500", as_="operator")
    directory = {f"Practitioner/{each['id']}" for each in answer.entries}
    assert directory
    for who in ("operator", "patient", "gp"):
        assert set(await exported(space, "$export?_type=Practitioner", who)) == directory, who
    own = await exported(space, "$export?_type=Organization", LAB)
    assert "Nord" in {row["name"] for (row,) in own.values()}
    others = await exported(space, "$export?_type=Organization", "operator")
    assert others and "Nord" not in {row["name"] for (row,) in others.values()}
    assert (await space.get("Patient/$export?_type=Practitioner", as_="gp")).status == 400


async def test_an_emergency_opening_lets_read_and_not_take_away(space: Space) -> None:
    cid, rpps = space.where.people[people.PATIENT.key], int(people.OUTSIDER.rpps)
    now = space.clock()
    await space.rows(
        "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
        f" VALUES (1, {cid}, {rpps}, 'bris-de-glace', 'unconscious', '{now.isoformat()}',"
        f" '{(now + timedelta(hours=4)).isoformat()}')"
    )
    assert (await space.get(f"Patient/{space.patient_id()}", as_="outsider")).status == 200
    for level in ("Patient/", ""):
        assert await exported(space, f"{level}$export?_type=Patient", "outsider") == {}


async def test_an_export_is_its_askers_alone(space: Space) -> None:
    job = await kick(space)
    (file, *_) = await listed(space, job)
    url = file["url"].partition("/fhir/")[2]
    for path in (job, url):
        for who in ("gp", "elder", LAB, "operator"):
            assert (await space.get(path, as_=who)).status == 404, (path, who)
        assert (await space.get(path)).status == 401
    assert (await space.call("DELETE", job, as_="elder")).status == 404
    assert (await space.get(url, as_="patient")).status == 200


async def test_what_is_released_is_what_is_audited(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    await make(space, *[observation(me, date=f"20{year}") for year in range(10, 20)])
    job = await kick(space, "Patient/$export?_type=Observation", "gp")
    files = await listed(space, job, "gp")
    traced = "SELECT rids, vers FROM access.audit WHERE sub = %s AND act = 'export' AND granted"
    sub = (await space.actor("gp")).sub
    assert all(rids == [] for rids, _ in await space.rows(traced, sub)), "nothing was released yet"
    found = [row for file in files for row in await fetch(space, file["url"], "gp")]
    places = [(space.built.door.ids.decode(row["id"]), row["meta"]["versionId"]) for row in found]
    sent = Counter((place[1], int(version)) for place, version in places if place is not None)
    audited: Counter[tuple[int, int]] = Counter()
    for rids, vers in await space.rows(traced, sub):
        audited.update(zip(rids, vers, strict=True))
    assert sent and audited == sent


async def test_a_batch_is_bounded_by_bytes_and_nothing_is_lost_between_two(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = f"Patient/{space.patient_id()}"
    made = await make(space, *[observation(me, date=f"20{year}") for year in range(10, 16)])
    path = "Patient/$export?_type=Observation&_typeFilter=Observation%3Fcode%3D2339-0"
    whole = await exported(space, path)
    monkeypatch.setattr(door_bulk, "BYTES", 1)  # a row passes whatever its size
    ((before,),) = await space.rows("SELECT max(seq) FROM access.audit")
    assert await exported(space, path) == whole
    assert {f"Observation/{id}" for id in made} <= set(whole)
    released = await space.rows(
        "SELECT cardinality(rids) FROM access.audit WHERE act = 'export' AND seq > %s", before
    )
    assert {size for (size,) in released if size} == {1}


@pytest.mark.parametrize("taken_away", ["consent", "block", "closed"])
async def test_a_right_that_ends_closes_the_files(space: Space, taken_away: str) -> None:
    me, cid = f"Patient/{space.patient_id()}", space.where.people[people.PATIENT.key]
    await make(space, observation(me, date="2020"))
    files = await listed(space, await kick(space, "Patient/$export?_type=Observation", "gp"), "gp")
    before = [row["subject"]["reference"] for row in await fetch(space, files[0]["url"], "gp")]
    assert me in before
    now = space.clock()
    rpps = people.GP.rpps
    await space.rows(
        {
            "consent": "UPDATE access.consent SET withdrawn = %(now)s WHERE cid = %(cid)s",
            "block": "INSERT INTO access.block (cid, rpps, since)"
            " VALUES (%(cid)s, %(rpps)s, %(now)s)",
            "closed": "UPDATE access.record SET state = 'closed' WHERE cid = %(cid)s",
        }[taken_away]
        .replace("%(now)s", f"'{now.isoformat()}'")
        .replace("%(cid)s", str(cid))
        .replace("%(rpps)s", str(int(rpps)))
    )
    for file in files:
        answer = await space.get(file["url"].partition("/fhir/")[2], as_="gp")
        assert me.encode() not in answer.body
    after = await exported(space, "Patient/$export?_type=Observation", "gp")
    assert all(row["subject"]["reference"] != me for (row,) in after.values())


async def test_what_is_masked_or_deleted_since_is_not_in_the_file(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (kept, masked, deleted) = await make(
        space, *[observation(me, date="2020", note=[{"text": "éà"}]) for _ in range(3)]
    )
    files = await listed(
        space, await kick(space, "Patient/$export?_type=Observation", "nurse"), "nurse"
    )
    rid = space.built.door.ids.decode(masked)
    assert rid is not None
    await space.rows(f"UPDATE record.resource SET labels = 1 WHERE rid = {rid[1]}")
    assert (await space.call("DELETE", f"Observation/{deleted}", as_=LAB)).status == 204
    found = {row["id"] for file in files for row in await fetch(space, file["url"], "nurse")}
    assert (kept in found, masked in found, deleted in found) == (True, False, False)


async def test_a_file_holds_the_version_that_was_listed(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (id,) = await make(space, observation(me, date="2020"))
    job = await kick(space, "Patient/$export?_type=Observation")
    files = await listed(space, job)
    changed = observation(me, date="2020", status="amended") | {"id": id}
    assert (await space.put(f"Observation/{id}", changed, as_=LAB)).status == 200
    (new,) = await make(space, observation(me, date="2023"))
    rows = [row for file in files for row in await fetch(space, file["url"])]
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    assert found[id]["status"] == "final"
    assert new not in found
    since = (await space.get(job, as_="patient")).json["transactionTime"]
    later = await exported(space, f"Patient/$export?_type=Observation&_since={since}")
    assert set(later) == {f"Observation/{id}", f"Observation/{new}"}


async def test_types_filters_and_elements_narrow_it(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (old, new, final) = await make(
        space,
        observation(me, date="2019", status="amended"),
        observation(me, date="2024", status="amended"),
        observation(me, date="2024"),
    )
    path = (
        "Patient/$export?_type=Observation,Patient&_elements=Observation.status"
        "&_typeFilter=Observation%3Fstatus%3Damended%26date%3Dgt2020,Observation%3Fdate%3D2019"
    )
    found = await exported(space, path)
    ids = {each.partition("/")[2] for each in found if each.startswith("Observation/")}
    assert (old in ids, new in ids, final in ids) == (True, True, False)
    assert me in found
    assert "effectiveDateTime" not in found[f"Observation/{new}"][0]
    assert found[me][0]["birthDate"]


@pytest.mark.parametrize(
    "format",
    ["application/fhir%2Bndjson", "application/fhir+ndjson", "application/ndjson", "ndjson"],
)
@pytest.mark.parametrize("prefer", ["respond-async", "respond-async, handling=lenient", ""])
async def test_every_way_to_ask_for_ndjson_is_taken(space: Space, format: str, prefer: str) -> None:
    path = f"Patient/$export?_outputFormat={format}"
    answer = await space.get(path, as_="patient", prefer=prefer)
    assert answer.status == 202
    assert answer.headers["content-location"].startswith("http")


async def test_what_was_changed_after_until_is_left_out(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (old, changed) = await make(space, *[observation(me, date="2020") for _ in range(2)])
    moment = space.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    space.clock.advance(timedelta(seconds=1))
    other = observation(me, date="2020", status="amended") | {"id": changed}
    assert (await space.put(f"Observation/{changed}", other, as_=LAB)).status == 200
    (new,) = await make(space, observation(me, date="2020"))
    made = {f"Observation/{id}" for id in (old, changed, new)}
    path = f"Patient/$export?_type=Observation&_until={moment}"
    assert made & set(await exported(space, path)) == {f"Observation/{old}"}
    path = f"Patient/$export?_type=Observation&_since={moment}"
    assert made & set(await exported(space, path)) == made - {f"Observation/{old}"}


async def test_a_lenient_caller_is_given_what_it_may_be_given(space: Space) -> None:
    path = "Patient/$export?_type=Patient,Nothing&includeAssociatedData=x&organizeOutputBy=Patient"
    answer = await space.get(path, as_="patient", prefer="respond-async, handling=lenient")
    assert answer.status == 202, answer.body
    files = await listed(space, answer.headers["content-location"].partition("/fhir/")[2])
    assert [each["type"] for each in files] == ["Patient"]


async def test_a_patient_named_in_the_address_narrows_it_too(space: Space) -> None:
    me, child = f"Patient/{space.patient_id('parent')}", f"Patient/{space.patient_id('minor')}"
    both = await exported(space, "Patient/$export?_type=Patient", "parent")
    assert set(both) >= {me, child}
    one = await exported(space, f"Patient/$export?_type=Patient&patient={child}", "parent")
    assert set(one) == {child}
    assert (await space.get(f"$export?patient={child}", as_="parent")).status == 400


async def test_who_asks_too_often_after_it_is_told_to_wait(space: Space) -> None:
    job = await kick(space)
    space.clock.advance(timedelta(seconds=10))
    statuses = [(await space.get(job, as_="patient")).status for _ in range(routes.MOST_LOOKS + 2)]
    assert statuses == [202] * routes.MOST_LOOKS + [429] * 2
    answer = await space.get(job, as_="patient")
    assert (answer.json["issue"][0]["code"], answer.headers["retry-after"]) == ("throttled", "1")
    space.clock.advance(timedelta(seconds=routes.ASK_AGAIN))
    assert (await space.get(job, as_="patient")).status == 202
    await work(space)  # what is ready is given however often it is asked
    assert {(await space.get(job, as_="patient")).status for _ in range(25)} == {200}


@pytest.mark.parametrize(
    ("layers", "leaks"),
    [("the scope", False), ("the policies", False), ("neither", True)],
)
async def test_the_scope_and_the_policies_each_hide_alone(
    space: Space, monkeypatch: pytest.MonkeyPatch, layers: str, leaks: bool
) -> None:
    """What is masked, live or deleted, from a file and from what is listed."""
    me = f"Patient/{space.patient_id()}"
    since = space.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made = await make(space, *[observation(me, date="2020") for _ in range(4)])
    kept, gone, masked, masked_gone = made
    for id in (gone, masked_gone):
        assert (await space.call("DELETE", f"Observation/{id}", as_=LAB)).status == 204
    if layers != "the policies":
        for table in ("resource", "history"):
            await space.rows(f"ALTER TABLE record.{table} NO FORCE ROW LEVEL SECURITY")
            await space.rows(f"ALTER TABLE record.{table} DISABLE ROW LEVEL SECURITY")
    if layers != "the scope":
        monkeypatch.setattr(door_bulk, "condition", lambda *_, **__: "TRUE")
    job = await kick(space, f"Patient/$export?_type=Observation&_since={since}", "nurse")
    # One is masked before it is listed, the other between the list and the file.
    for number, id in enumerate((masked, masked_gone)):
        place = space.built.door.ids.decode(id)
        assert place is not None
        await space.rows(f"UPDATE record.resource SET labels = 1 WHERE rid = {place[1]}")
        if not number:
            await work(space)
    manifest = (await space.get(job, as_="nurse")).json
    body = b"".join(
        [
            (await space.get(each["url"].partition("/fhir/")[2], as_="nurse")).body
            for each in manifest["output"] + manifest["deleted"]
        ]
    )
    seen = {id for id in made if id.encode() in body}
    assert seen == {kept, gone} | ({masked, masked_gone} if leaks else set())


async def test_since_then_it_says_what_was_deleted_that_one_would_see(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    (_, gone, masked) = await make(space, *[observation(me, date="2020") for _ in range(3)])
    job = await kick(space, "Patient/$export?_type=Observation", "nurse")
    await listed(space, job, "nurse")
    since = (await space.get(job, as_="nurse")).json["transactionTime"]
    rid = space.built.door.ids.decode(masked)
    assert rid is not None
    for id in (gone, masked):
        assert (await space.call("DELETE", f"Observation/{id}", as_=LAB)).status == 204
    await space.rows(f"UPDATE record.resource SET labels = 1 WHERE rid = {rid[1]}")
    told: dict[str, set[str]] = {}
    for who in ("nurse", "patient", "outsider"):
        job = await kick(space, f"Patient/$export?_type=Observation&_since={since}", who)
        await work(space)
        manifest = (await space.get(job, as_=who)).json
        assert manifest["output"] == []
        assert {each["type"] for each in manifest["deleted"]} <= {"Bundle"}
        told[who] = set()
        for each in manifest["deleted"]:
            for row in (
                await space.get(each["url"].partition("/fhir/")[2], as_=who)
            ).body.splitlines():
                bundle = json.loads(row)
                assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
                told[who] |= {entry["request"]["url"] for entry in bundle["entry"]}
                assert {entry["request"]["method"] for entry in bundle["entry"]} == {"DELETE"}
    assert told["patient"] == {f"Observation/{gone}", f"Observation/{masked}"}
    assert told["nurse"] == {f"Observation/{gone}"}
    assert told["outsider"] == set()
    job = await kick(space, f"Patient/$export?_type=Observation&_since={since}", "nurse")
    await work(space)
    (deleted,) = (await space.get(job, as_="nurse")).json["deleted"]
    rid = space.built.door.ids.decode(gone)
    assert rid is not None
    await space.rows(f"UPDATE record.resource SET labels = 1 WHERE rid = {rid[1]}")
    file = await space.get(deleted["url"].partition("/fhir/")[2], as_="nurse")
    assert (file.status, file.body) == (200, b"")  # hidden after it was listed
    job = await kick(space, "Patient/$export?_type=Observation", "patient")
    await work(space)
    assert (await space.get(job, as_="patient")).json["deleted"] == []  # without _since


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "Patient/$export?includeAssociatedData=LatestProvenanceResources",
            "includeAssociatedData",
        ),
        ("Patient/$export?_outputFormat=text/csv", "_outputFormat"),
        ("Patient/$export?_type=Nothing", "_type"),
        ("Patient/$export?_type=AuditEvent", "_type"),
        ("Patient/$export?_since=yesterday", "_since"),
        ("Patient/$export?_until=tomorrow", "_until"),
        ("Patient/$export?_since=2024&_since=2025", "_since"),
        ("Patient/$export?_since=2025&_until=2024", "_until"),
        ("Patient/$export?_outputFormat=application/fhir%2Bparquet", "_outputFormat"),
        ("Patient/$export?allowPartialManifests=true", "allowPartialManifests"),
        ("Patient/$export?_typeFilter=Observation%3Fcolour=red", "colour"),
        ("Patient/$export?_typeFilter=Observation%3Fdate=2020,Observation%3Fdate=x", "date"),
        ("Patient/$export?_typeFilter=Observation", "_typeFilter"),
        ("Patient/$export?_typeFilter=Observation%3F_sort=date", "_typeFilter"),
        ("Patient/$export?_type=Patient&_typeFilter=Observation%3Fdate=2020", "_typeFilter"),
        ("Patient/$export?_elements=a.b.c", "_elements"),
        ("Patient/$export?organizeOutputBy=Patient", "organizeOutputBy"),
        ("Patient/$export?_count=3", "_outputFormat, _since"),
    ],
)
async def test_what_it_does_not_know_is_refused_in_its_terms(
    space: Space, path: str, sentence: str
) -> None:
    answer = await space.get(path, as_="patient")
    assert answer.status == 400
    assert sentence in answer.said
    assert not await space.rows("SELECT 1 FROM bulk.export")


async def test_a_group_narrows_and_never_widens(space: Space) -> None:
    me, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    await make(space, observation(me, date="2020"), observation(other, date="2020"))
    group = {"resourceType": "Group", "type": "person", "actual": True}
    (both, mine) = await make(
        space,
        group | {"member": [{"entity": {"reference": me}}, {"entity": {"reference": other}}]},
        group | {"member": [{"entity": {"reference": me}}]},
    )
    path = "Group/{}/$export?_type=Observation,Patient"
    of_both = await exported(space, path.format(both), LAB)
    subjects = {row["subject"]["reference"] for (row,) in of_both.values() if "subject" in row}
    assert subjects == {me, other}
    of_me = await exported(space, path.format(mine), LAB)
    assert {row["subject"]["reference"] for (row,) in of_me.values() if "subject" in row} == {me}
    for who in ("outsider", "blocked"):
        assert (await space.get(path.format(mine), as_=who)).status == 404
    assert (await space.get("Group/unknown/$export", as_="gp")).status == 404


async def test_a_patient_named_narrows_it(space: Space) -> None:
    child = f"Patient/{space.patient_id('minor')}"
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": child}},
            {"name": "_type", "valueString": "Patient"},
        ],
    }
    for who, seen in (("parent", [child]), ("elder", [])):
        answer = await space.post("Patient/$export", body, as_=who)
        assert answer.status == 202, answer.body
        job = answer.headers["content-location"].partition("/fhir/")[2]
        files = await listed(space, job, who)
        rows = [row for file in files for row in await fetch(space, file["url"], who)]
        assert [f"Patient/{row['id']}" for row in rows] == seen, who


async def test_who_is_named_and_may_not_be_taken_is_told(space: Space) -> None:
    me, cid = f"Patient/{space.patient_id()}", space.where.people[people.PATIENT.key]
    named = {"name": "patient", "valueReference": {"reference": me}}
    body = {"resourceType": "Parameters", "parameter": [named]}
    for who, granted in (("outsider", False), ("blocked", False), ("gp", True), (LAB, True)):
        assert (await space.post("Patient/$export", body, as_=who)).status == 202
        ((act, seen),) = await space.rows(
            "SELECT act, granted FROM access.audit WHERE cid = %s AND sub = %s"
            " ORDER BY seq DESC LIMIT 1",
            cid,
            (await space.actor(who)).sub,
        )
        assert (act, seen) == ("export", granted), who


async def test_what_metadata_says_of_bulk_is_served(space: Space) -> None:
    (rest,) = (await space.get("metadata")).json["rest"]
    of_types = {each["type"]: each.get("operation", []) for each in rest["resource"]}
    assert {each["name"] for each in rest["operation"]} >= {"export", "import"}
    for rtype in ("Patient", "Group"):
        assert "export" in {each["name"] for each in of_types[rtype]}
    for path in ("$export", "Patient/$export", "Group/a/$export"):
        assert (await space.get(path)).status == 401
        assert (await space.call("DELETE", path, as_="patient")).status in (404, 405)


async def test_it_says_where_it_is_then_what_there_is_and_can_be_deleted(space: Space) -> None:
    job = await kick(space, "Patient/$export?_type=Patient")
    waiting = await space.get(job, as_="patient")
    assert waiting.status == 202
    assert waiting.headers["x-progress"] and waiting.headers["retry-after"]
    await work(space)
    done = await space.get(job, as_="patient")
    assert done.headers["content-type"] == "application/json"
    assert done.headers["expires"]
    assert done.json["requiresAccessToken"] is True
    assert done.json["error"] == []
    assert done.json["request"].endswith("/fhir/Patient/$export?_type=Patient")
    (file,) = done.json["output"]
    assert (await space.call("DELETE", job, as_="patient")).status == 202
    for path in (job, file["url"].partition("/fhir/")[2]):
        assert (await space.get(path, as_="patient")).status == 404


async def test_it_expires(space: Space) -> None:
    job = await kick(space)
    await listed(space, job)
    space.clock.advance(export.KEPT + timedelta(seconds=1))
    assert (await space.get(job, as_="patient")).status == 404
    async with worker(space) as made:
        await bulk.lister(made).forget()
    assert not await space.rows("SELECT 1 FROM bulk.export UNION ALL SELECT 1 FROM bulk.file")


async def test_one_account_keeps_a_few_exports(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_KEPT", 2)
    for _ in range(2):
        job = await kick(space)
    assert (await space.get("Patient/$export", as_="patient")).status == 429
    await space.call("DELETE", job, as_="patient")
    await kick(space)


@pytest.mark.slow
async def test_a_list_cut_off_anywhere_goes_on_without_doubles(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_bulk, "LISTED", 40)
    monkeypatch.setattr(door_bulk.places, "__defaults__", (40,))
    monkeypatch.setattr(export, "PER_FILE", 50)
    seen = await everything(space, people.PATIENT.key, "patient")
    job = await kick(space)
    cut = 0
    kept = Lister._keep

    async def killed(self: Lister, conn: Any, id: int, found: Any) -> None:
        nonlocal cut
        await kept(self, conn, id, found)
        cut += 1
        if cut % 2:
            raise KeyboardInterrupt  # as a worker that is killed: after the rows, before the commit

    monkeypatch.setattr(Lister, "_keep", killed)
    async with worker(space) as made:
        for _ in range(500):
            try:
                if not await bulk.lister(made).once(set()):
                    break
            except KeyboardInterrupt:
                continue
    assert cut > 4
    files = (await space.get(job, as_="patient")).json["output"]
    rows = [row for file in files for row in await fetch(space, file["url"])]
    found = Counter(f"{row['resourceType']}/{row['id']}" for row in rows)
    assert set(found.values()) == {1}
    assert set(found) == {each for each in seen if not each.startswith("Binary/")}
    sizes = await space.rows("SELECT cardinality(rids) FROM bulk.file")
    assert max(size for (size,) in sizes) == 50


async def test_a_step_that_kills_its_worker_each_time_is_given_up(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await kick(space)

    async def killed(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Lister, "_step", killed)
    async with worker(space) as made:
        for _ in range(export.TRIES):
            with pytest.raises(KeyboardInterrupt):
                await bulk.lister(made).once(set())
        assert await bulk.lister(made).once(set())
    answer = await space.get(job, as_="patient")
    assert (answer.status, answer.json["issue"][0]["code"]) == (500, "exception")


async def test_a_token_that_was_ended_ends_the_export(space: Space) -> None:
    job = await kick(space)
    sub = (await space.actor("patient")).sub
    await space.rows(f"UPDATE access.subject SET rev = rev + 1 WHERE sub = '{sub}'")
    await work(space)
    ((state, refusal),) = await space.rows("SELECT state, refusal FROM bulk.export")
    assert (state, refusal.partition("|")[0]) == ("failed", "forbidden")
    assert (await space.get(job, as_="patient")).status in (401, 404)


async def test_a_token_ended_between_the_answer_and_a_file_ends_the_file(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "FRESH", 0.0)  # seconds it is believed
    job = await kick(space, "Patient/$export?_type=Patient")
    (file,) = await listed(space, job)
    path = file["url"].partition("/fhir/")[2]
    bearer = {"authorization": f"Bearer {await space.token('patient')}"}
    assert (await space.call("GET", path, headers=bearer)).status == 200
    sub = (await space.actor("patient")).sub
    await space.rows(f"UPDATE access.subject SET rev = rev + 1 WHERE sub = '{sub}'")
    assert (await space.call("GET", path, headers=bearer)).status == 401
    assert (await space.get(path, as_="patient")).status == 404  # nor by another, given since


async def test_what_a_transaction_still_writes_is_waited_for(space: Space) -> None:
    """It bears a time before the export's, and would be in none."""
    me = f"Patient/{space.patient_id()}"
    async with space.built.pool.connection() as other, other.transaction():
        await other.execute("SELECT 1")
        job = await kick(space, "Patient/$export?_type=Observation")
        for _ in range(export.TRIES + 2):  # however often it is looked at
            await work(space)
        assert (await space.get(job, as_="patient")).status == 202
        (id,) = await make(space, observation(me, date="2020"))
        cid = space.where.people[people.PATIENT.key]
        await space.rows(
            f"UPDATE record.resource SET upd = (SELECT at FROM bulk.export) WHERE cid = {cid}"
            f" AND id = '{id}'"
        )
    files = await listed(space, job)
    rows = [row for file in files for row in await fetch(space, file["url"])]
    assert id in {row["id"] for row in rows}


async def test_several_workers_list_it_once(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_bulk, "LISTED", 40)
    monkeypatch.setattr(door_bulk.places, "__defaults__", (40,))
    jobs = [await kick(space) for _ in range(3)]
    async with worker(space) as one, worker(space) as two:
        await asyncio.gather(bulk.drain(one), bulk.drain(two))
    await work(space)
    found = await space.rows(
        "SELECT count(*), count(DISTINCT rid) FROM bulk.file f, unnest(f.rids) rid GROUP BY export"
    )
    assert len(jobs) == len(found)
    assert len(set(found)) == 1
    assert all(rows == different > 40 for rows, different in found)


async def test_what_a_filter_says_does_not_lie_in_the_open(space: Space) -> None:
    await kick(space, "Patient/$export?_typeFilter=Condition%3Fcode%3DB24")
    rows = await space.rows("SELECT e::text FROM bulk.export e")
    assert "B24" not in rows[0][0]
    assert b"B24".hex() not in rows[0][0]


async def test_a_file_is_decided_on_again_while_it_is_sent(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, cid = f"Patient/{space.patient_id()}", space.where.people[people.PATIENT.key]
    await make(space, *[observation(me, date="2020") for _ in range(20)])
    monkeypatch.setattr(door_bulk, "FRESH", 0.0)  # as a client that is slow
    await listed(space, await kick(space, "Patient/$export?_type=Observation", "gp"), "gp")
    ((token, number),) = await space.rows(
        "SELECT e.token, f.number FROM bulk.export e JOIN bulk.file f ON f.export = e.id"
    )
    lines: AsyncIterator[bytes] = export.fetched(await space.visit("gp"), token, number)
    before = [await anext(lines) for _ in range(6)]
    assert all(line.endswith(b"\n") for line in before[1:])
    await space.rows(
        f"UPDATE access.consent SET withdrawn = '{space.clock().isoformat()}' WHERE cid = {cid}"
    )
    assert [line async for line in lines if me.encode() in line] == []


async def test_a_professional_takes_no_more_people_than_they_may_read_in_an_hour(
    space: Space,
) -> None:
    settings = replace(space.built.settings, patients_per_hour=0)
    space.built.door.__dict__["settings"] = settings
    answer = await space.get("Patient/$export", as_="gp")
    assert (answer.status, answer.json["issue"][0]["code"]) == (403, "too-costly")
    assert (await space.get("Patient/$export", as_="patient")).status == 202


async def test_an_export_counts_among_the_people_read(space: Space) -> None:
    await exported(space, "Patient/$export?_type=Patient", "gp")
    actor = await space.actor("gp")
    async with space.built.pool.connection() as conn:
        since = space.clock() - timedelta(hours=1)
        assert await queries.patients_read_since(conn, actor.sub, since, ()) > 0
