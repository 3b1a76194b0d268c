# SPDX-License-Identifier: EUPL-1.2
"""The trace: what an answer names is what its row names, and no row means no answer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.agreement import reading, seeds
from tests.agreement.twin import GRAMMAR, Aim, Probe, _fit, _next
from tests.agreement.worlds import Twins, World, judge, original
from tests.space import Answer, Peopled, Space

pytestmark = pytest.mark.anyio
REQUESTS = 420
PERSONAS = ("patient", "gp", "nurse", "hospital-doctor", "outsider", "lab-software",
            "hospital-software")  # fmt: skip


def named(content: Any) -> Iterator[tuple[str, int]]:
    """(id, version) of every resource an answer gives, in whatever Bundle it lies."""
    if not isinstance(content, dict):
        return
    if content.get("resourceType") != "Bundle":
        if "versionId" in content.get("meta", {}):
            yield content["id"], int(content["meta"]["versionId"])
        return
    for entry in content.get("entry", []):
        if "resource" in entry:
            yield from named(entry["resource"])
        elif entry.get("request", {}).get("method") == "DELETE":
            yield entry["fullUrl"].rsplit("/", 1)[1], int(entry["response"]["etag"][3:-1])


def released(probe: Probe, answer: Answer) -> set[tuple[str, int]]:
    """What an answer gave; bytes of a Binary are known by their address."""
    if answer.status not in (200, 201):
        return set()
    if answer.headers.get("content-type", "").startswith("application/fhir+json"):
        return set(named(answer.json))
    return {(probe.path.split("/")[1], int(answer.headers["etag"][3:-1]))}


async def test_what_answers_name_is_what_the_trace_names(peopled: Peopled) -> None:
    seed = seeds.chosen()
    chance = random.Random(seed)
    statuses: Counter[int] = Counter()
    given = 0
    async with original(peopled, seed, 84) as of:
        world = of.world
        with psycopg.connect(world.admin_url) as conn:
            rows = conn.execute("SELECT id, cid, rid FROM record.resource").fetchall()
            before = conn.execute("SELECT count(*) FROM record.resource").fetchone()
        places = {id: (cid, rid) for id, cid, rid in rows}
        for number in range(REQUESTS):
            persona, kind = PERSONAS[number % len(PERSONAS)], chance.choice(list(GRAMMAR))
            viewer = reading.viewer(await world.actor(persona))
            _, hidden, _ = judge(world.admin_url, viewer, of.now) if not number else ({}, {}, {})
            twins = Twins(persona, viewer, of.items, of.ids, world, world, hidden, frozenset(),
                          frozenset(), of.now, ("1" * 15,))  # fmt: skip
            probe = GRAMMAR[kind](Aim(twins, chance.choice(_fit(kind, of.items)), chance))
            if probe.method in ("PUT", "DELETE") or kind == "search by identifier":
                continue
            path: str | None = probe.path
            while path is not None:
                headers = dict(probe.headers)
                answer = await world.ask(persona, probe.method, path, probe.body, headers)
                statuses[answer.status] += 1
                expected = {
                    (places[id][1], version)
                    for id, version in released(probe, answer)
                    if places[id][0] != 0
                }
                given += len(expected)
                traced = _traced(world, answer.headers["x-request-id"])
                if answer.status == 304:  # it was read, and not sent again
                    assert len(traced) == 1
                elif probe.kind == "transaction of reads" and answer.status != 200:
                    assert not expected  # some were read, and all of it was refused
                else:
                    assert traced == expected, (persona, probe, answer.status)
                path = _next(answer) if probe.follow else None
        with psycopg.connect(world.admin_url) as conn:
            assert conn.execute("SELECT count(*) FROM record.resource").fetchone() == before
    print(f"{statuses} {given} resources named")
    assert given > 1000 and statuses[404] > 10


def _traced(world: World, request: str) -> set[tuple[int, int]]:
    with psycopg.connect(world.admin_url) as conn:
        rows = conn.execute("SELECT rids, vers FROM access.audit WHERE request = %s", (request,))
        return {pair for rids, vers in rows for pair in zip(rids, vers, strict=True)}


BROKEN = ("REVOKE INSERT ON access.audit FROM carnet_app",
          "ALTER TABLE access.audit ADD CONSTRAINT never CHECK (seq < 0) NOT VALID",
          "ALTER TABLE access.audit DETACH PARTITION access.audit_2026;"
          " ALTER TABLE access.audit DETACH PARTITION access.audit_rest")  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
async def test_no_trace_no_answer(space: Space, broken: str) -> None:
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]
    binary = document["content"][0]["attachment"]["url"]
    asked = (
        f"Observation/{found['id']}", f"Observation/{found['id']}/_history",
        f"Observation/{found['id']}/_history/1", "Observation", "Observation?_summary=count",
        "Observation?_include=Observation:subject&_count=3", "Observation?_total=accurate", binary,
    )  # fmt: skip
    for path in asked:
        assert (await space.get(path, as_="patient")).status == 200
    await space.rows(broken)
    for path in asked:
        answer = await space.get(path, as_="patient")
        assert answer.status >= 500, path
        assert found["id"] not in answer.body.decode() and "total" not in answer.json
    body = {"resourceType": "QuestionnaireResponse", "status": "completed",
            "subject": found["subject"]}  # fmt: skip
    count = "SELECT count(*) FROM record.resource"
    before = await space.rows(count)
    assert (await space.post("QuestionnaireResponse", body, as_="patient")).status >= 500
    assert await space.rows(count) == before


async def _last(space: Space) -> dict[str, Any]:
    columns = ("act", "granted", "rule", "cid", "cids", "rids")
    (row,) = await space.rows(
        f"SELECT {', '.join(columns)} FROM access.audit ORDER BY seq DESC LIMIT 1"
    )
    return dict(zip(columns, row, strict=True))


async def test_a_read_that_found_nothing_is_a_refusal(space: Space) -> None:
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    cid = space.where.people["patient"]
    assert (await space.get(f"Observation/{found['id']}", as_="outsider")).status == 404
    line = await _last(space)
    assert (line["act"], line["granted"], line["cid"]) == ("read", False, cid)
    assert (line["rule"], line["rids"]) == ("no-live-link", [])


async def test_a_search_with_no_link_is_a_refusal_and_with_one_is_not(space: Space) -> None:
    patient = space.patient_id()
    for persona, granted in (("outsider", False), ("blocked", False), ("gp", True)):
        await space.get(f"Observation?subject=Patient/{patient}&code=none", as_=persona)
        line = await _last(space)
        assert (line["granted"], line["rids"]) == (granted, [])
        assert line["cid"] == space.where.people["patient"]


async def test_a_history_leaves_one_line(space: Space) -> None:
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    answer = await space.get(f"Observation/{found['id']}/_history", as_="gp")
    request = answer.headers["x-request-id"]
    lines = await space.rows("SELECT granted, rids FROM access.audit WHERE request = %s", request)
    assert [granted for granted, _ in lines] == [True]


async def test_a_refused_write_is_written_too(space: Space) -> None:
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    answer = await space.call("DELETE", f"Observation/{found['id']}", as_="gp")
    assert answer.status == 403
    line = await _last(space)
    assert (line["act"], line["granted"], line["rule"]) == ("delete", False, "not-depositor")
    assert line["cid"] == space.where.people["patient"]


async def test_the_directory_leaves_no_ids(space: Space) -> None:
    answer = await space.get("Practitioner?_count=5", as_="gp")
    assert len(answer.entries) == 5
    line = await _last(space)
    assert (line["cid"], line["cids"], line["rids"], line["granted"]) == (None, None, [], True)


async def test_the_patients_list_obeys_what_it_names(space: Space) -> None:
    """A search that found only what is hidden reads as one that found nothing; its reading is absent."""
    cid = space.where.people["patient"]
    documents = (await space.get("DocumentReference?_count=2", as_="patient")).entries
    hidden, shown = documents[0]["id"], documents[1]["id"]
    rid = space.built.door.ids.decode(hidden)
    assert rid is not None
    await space.rows(
        "UPDATE record.resource SET labels = 2 WHERE rid = %s OR origin = %s", rid[1], rid[1]
    )
    visit = await space.visit("patient")
    before = len(await visit.lines(cid, 10_000))
    await space.get(f"DocumentReference/{hidden}", as_="gp")
    await space.get(f"DocumentReference/{hidden}/_history", as_="gp")
    assert len(await visit.lines(cid, 10_000)) == before
    await space.get(f"DocumentReference/{shown}", as_="gp")
    await space.get(
        f"DocumentReference?subject=Patient/{space.patient_id()}&_id={hidden}", as_="gp"
    )
    lines = await visit.lines(cid, 10_000)
    assert [line.act for line in lines[: len(lines) - before]] == ["search", "read"]
    await space.rows("UPDATE record.resource SET labels = 0")
    acts = [line.act for line in await visit.lines(cid, 10_000)]
    assert acts[:4] == ["search", "read", "history", "read"]
    outsider = await space.visit("outsider")
    assert await outsider.lines(cid, 10_000) == []
