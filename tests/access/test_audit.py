# SPDX-License-Identifier: EUPL-1.2
"""The trace: what an answer names is what its row names, and no row means no answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from carnet import errors
from carnet.documents import consult, show
from carnet.documents.pages import Asked
from carnet.rights import consent, readers
from carnet.vigilance import find
from carnet.vigilance.pages import TraitsForm
from tests import people
from tests.access import mixed
from tests.agreement import seeds
from tests.space import Peopled, Space

pytestmark = pytest.mark.anyio
REQUESTS = 700


async def test_what_answers_name_is_what_the_trace_names(peopled: Peopled) -> None:
    figures = await mixed.audited(peopled, REQUESTS, seeds.chosen())
    print(figures)
    assert figures.differ == []
    assert figures.named > 500 and figures.statuses[404], "some answer, some refuse"


BROKEN = ("REVOKE INSERT ON access.audit FROM carnet_app",
          "ALTER TABLE access.audit ADD CONSTRAINT never CHECK (seq < 0) NOT VALID",
          "ALTER TABLE access.audit DETACH PARTITION access.audit_2026;"
          " ALTER TABLE access.audit DETACH PARTITION access.audit_rest")  # fmt: skip


Given = dict[str, Any]
Act = Callable[[Space, Given], Awaitable[Any]]

# Every way to have health data, or numbers of it, through the pages' acts: whatever answers, by name.
ACTS: dict[str, Act] = {
    "list of documents": lambda space, given: _as(space, consult.documents, given["patient"], Asked()),
    "document": lambda space, given: _as(space, consult.document, given["patient"], given["document"]),
    "curves": lambda space, given: _as(space, consult.curves, given["patient"]),
    "curve": lambda space, given: _as(space, consult.curve, given["patient"], "4548-4"),
    "file": lambda space, given: _as(space, consult.content, given["patient"], given["binary"]),
    "pictures of a file": lambda space, given: _as(
        space, show.file, given["patient"], given["document"]),
    "who it is": lambda space, given: _as(space, find.person, given["patient"]),
    "who has read": lambda space, given: _as(space, readers.openings, ""),
    "withdrawal": lambda space, given: _as(space, consent.withdraw, people.GP.rpps),
    "find": lambda space, given: _as(space, find.find, given["traits"], persona="outsider"),
}  # fmt: skip


async def _as(space: Space, act: Any, *values: Any, persona: str = "patient") -> Any:
    return await act(await space.visit(persona), *values)


async def given_of(space: Space) -> Given:
    """What every path is tried on."""
    found = (await space.get("Observation?_count=1", as_="patient")).entries[0]
    documents = (await space.get("DocumentReference?_count=50", as_="patient")).entries
    document = documents[0]
    mine = {"resourceType": "QuestionnaireResponse", "status": "completed",
            "subject": found["subject"]}  # fmt: skip
    made = (await space.post("QuestionnaireResponse", mine, as_="patient")).json
    line = (await space.get("AuditEvent", as_="patient")).entries[0]
    traits = TraitsForm(ins=people.PATIENT.ins)
    return {
        "observation": found, "patient": space.patient_id(), "document": document["id"],
        "binary": document["content"][0]["attachment"]["url"].split("/")[-1], "mine": mine,
        "made": made, "line": line["id"], "traits": traits,
    }  # fmt: skip


def requests(given: Given) -> list[tuple[str, str, Any]]:
    """Every way to have it through the API, then to write."""
    one, mine, made = f"Observation/{given['observation']['id']}", given["mine"], given["made"]
    reads = [
        one, f"{one}/_history", f"{one}/_history/1", "Observation", "Observation?_summary=count",
        "Observation?_include=Observation:subject&_count=3", "Observation?_total=accurate",
        f"Observation?subject=Patient/{given['patient']}&_sort=-date", f"Binary/{given['binary']}",
        f"Patient/{given['patient']}",
        "AuditEvent", "AuditEvent?_summary=count", f"AuditEvent/{given['line']}",
        f"AuditEvent/{given['line']}/$proof",
    ]  # fmt: skip
    entries = [{"request": {"method": "GET", "url": url}} for url in reads[:-1]]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries[:4]}
    written = f"QuestionnaireResponse/{made['id']}"
    posted = {"resource": mine, "request": {"method": "POST", "url": "QuestionnaireResponse"}}
    return [
        *(("GET", path, None) for path in reads),
        ("POST", "Observation/_search", None), ("POST", "", bundle),
        ("POST", "QuestionnaireResponse", mine),
        ("PUT", written, {**made, "status": "amended"}),
        ("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [posted]}),
        ("DELETE", written, None),
    ]  # fmt: skip


KEPT = ("SELECT count(*), sum(ver) FROM record.resource",
        "SELECT count(*), count(withdrawn) FROM access.consent",
        "SELECT count(*) FROM record.outbox")  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
async def test_no_trace_no_answer(space: Space, broken: str) -> None:
    """The trace cannot be written: nothing is told, nothing changes, by any path."""
    given = await given_of(space)
    for method, path, body in requests(given)[:-4]:
        answer = await space.call(method, path, as_="patient", body=body)
        assert answer.status == 200 or path.endswith("$proof"), (path, answer.body)  # not sealed
    for name, act in ACTS.items():
        if name != "withdrawal":
            assert await act(space, given) is not None, name
    before = [await space.rows(query) for query in KEPT]
    await space.rows(broken)
    for method, path, body in requests(given):
        answer = await space.call(method, path, as_="patient", body=body)
        assert answer.status >= 500, (method, path, answer.body)
        assert given["observation"]["id"] not in answer.body.decode()
        assert not {"total", "entry", "parameter"} & set(answer.json)
    for name, act in ACTS.items():
        with pytest.raises((psycopg.Error, errors.Transient)):
            assert await act(space, given) == name  # never reached
    assert [await space.rows(query) for query in KEPT] == before


async def test_a_batch_tells_nothing_of_what_it_could_not_trace(space: Space) -> None:
    given = await given_of(space)
    await space.rows(BROKEN[0])
    paths = [path for method, path, _ in requests(given) if method == "GET" and "$" not in path]
    entries = [{"request": {"method": "GET", "url": path}} for path in paths]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = await space.post("", bundle, as_="patient")
    assert {each["response"]["status"][:1] for each in answer.json["entry"]} == {"5"}
    assert not [each for each in answer.json["entry"] if "resource" in each]


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


async def test_an_account_stops_at_its_number_of_patients_an_hour(space: Space) -> None:
    """It goes on with those it was reading, and with all an hour later; the stop is one to review."""
    cid = space.where.people["patient"]
    gp = await space.actor("gp")
    limit = space.built.settings.patients_per_hour
    await space.rows(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " SELECT %s, 'r', %s, 'c', 'TREAT', 'read', true, 'care-team', 'm', n"
        " FROM generate_series(1, %s) n", space.clock(), gp.sub, limit - 1,
    )  # fmt: skip
    path = f"Observation?subject=Patient/{space.patient_id()}&_count=1"
    assert (await space.get(path, as_="gp")).status == 200
    await space.rows(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " VALUES (%s, 'r', %s, 'c', 'TREAT', 'read', true, 'care-team', 'm', -1)",
        space.clock(), gp.sub,
    )  # fmt: skip
    assert (await space.get(path, as_="gp")).status == 200  # the same patient again
    every = await space.get("Observation?_count=1", as_="gp")
    assert (every.status, every.json["issue"][0]["code"]) == (429, "throttled")
    line = await _last(space)
    assert (line["act"], line["granted"], line["rule"]) == (
        "read-refused", False, "too-many-patients-read",
    )  # fmt: skip
    space.built.door.recent.__init__()  # type: ignore[misc]  # another process knows nothing of this one
    await space.rows("UPDATE access.audit SET cid = -2 WHERE cid = %s AND sub = %s", cid, gp.sub)
    refused = await space.get(path, as_="gp")
    assert refused.status == 429
    bundle = {"resourceType": "Bundle", "type": "transaction",
              "entry": [{"request": {"method": "GET", "url": path}}]}  # fmt: skip
    assert (await space.post("", bundle, as_="gp")).status == 429
    assert (await _last(space))["rule"] == "too-many-patients-read"
    assert (await space.get("Practitioner?_count=1", as_="gp")).status == 200
    assert (await space.get(path, as_="nurse")).status == 200
    space.clock.advance(timedelta(hours=1, seconds=1))
    assert (await space.get(path, as_="gp")).status == 200
