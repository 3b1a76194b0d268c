# SPDX-License-Identifier: EUPL-1.2
"""Documents leave with their bytes, their masks and what was read in them, and are the same elsewhere."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

import psycopg
import pytest

from carnet.app import demonstration
from carnet.bulk import following
from carnet.vigilance import queries as identities
from tests import people
from tests.bulk.leaving import given_out, put_in
from tests.documents.lots import document_of, fresh, lot, metadata, sha1
from tests.rest.samples import LAB, Json, observation
from tests.space import Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DEPOSITORS = ("hospital", "tilleuls", "lab-quais", "lab-indrois", "pharmacy", "imaging", "cardiology",
              "eye-practice")  # fmt: skip
# All that search and the decision go by.
ROWS = """
    SELECT cid, rid, rtype, id, kind, labels, origin, lo::text, hi::text, gone,
           ARRAY(SELECT t FROM unnest(toks) t ORDER BY t),
           (SELECT array_agg((s.param, s.value) ORDER BY s.param, s.value)::text
              FROM record.idx_string s WHERE (s.cid, s.rid) = (r.cid, r.rid)),
           (SELECT array_agg((d.param, d.lo, d.hi) ORDER BY d.param, d.lo, d.hi)::text
              FROM record.idx_date d WHERE (d.cid, d.rid) = (r.cid, r.rid)),
           (SELECT count(*) FROM documents.unique_id u WHERE (u.cid, u.rid) = (r.cid, r.rid)), dep_org
      FROM record.resource r JOIN access.record USING (cid)
"""
SEARCHES = (
    "DocumentReference?patient={patient}&type=http://loinc.org|11502-2",
    "DocumentReference?patient={patient}&status=superseded,current&_sort=-date",
    "DocumentReference?patient={patient}&security-label=MASQUE_PS",
    "Observation?patient={patient}&code:text=cholest",
    "Observation?patient={patient}&derived-from:DocumentReference.type=http://loinc.org|11502-2",
    "DiagnosticReport?patient={patient}&result.code:text=bilan",
    "List?patient={patient}&item:DocumentReference.status=current",
)


async def table(space: Space) -> dict[tuple[int, int], tuple[Any, ...]]:
    """The rows of people's records; who deposited them, by the name of their place."""
    places = {cid: key for key, cid in space.where.places.items()}
    return {row[:2]: (*row[:-1], places[row[-1]]) for row in await space.rows(ROWS)}


def by_address(files: dict[str, bytes]) -> dict[str, Json]:
    """Content by address, as it was written."""
    found = {}
    for rows in files.values():
        for line in rows.splitlines():
            row = json.loads(line)
            del row["meta"]["versionId"], row["meta"]["lastUpdated"]
            found[f"{row['resourceType']}/{row['id']}"] = row
    return found


async def test_documents_leave_with_their_bytes_and_their_masks(space: Space, other: Space) -> None:
    answer = await space.post("", lot(fresh().xml), as_=LAB)
    document = document_of(answer)
    assert (await space.post(f"{document}/$hide", {}, as_="patient")).status == 204
    out = {f"software:{each}": await given_out(space, f"software:{each}") for each in DEPOSITORS}
    # The national service knows them there too.
    async with await psycopg.AsyncConnection.connect(other.admin_url) as conn:
        await conn.cursor().executemany(
            identities.ADD_NATIONAL, list(map(demonstration.national, people.POPULATION.people))
        )
    for sub, files in out.items():
        done, said = await put_in(other, sub, files)
        lines = sum(rows.count(b"\n") for rows in files.values())
        assert (done.lines, done.refused) == (lines, 0), [s for s in said if b"error" in s][:3]
        assert all(len(json.loads(each)["issue"]) == 1 for each in said)
    here, there = await table(space), await table(other)
    assert set(here) == set(there)
    assert here == there
    for sub, files in out.items():
        again = by_address(await given_out(other, sub))
        before = by_address(files)
        assert again == before
        for row in before.values():
            for content in row.get("content", []) if "masterIdentifier" in row else []:
                plain = base64.b64decode(again[content["attachment"]["url"]]["data"])
                assert sha1(plain) == content["attachment"]["hash"]
    found = 0
    for search in SEARCHES:
        path = search.format(patient=space.patient_id()) + "&_count=500"
        both = [
            [row["id"] for row in (await each.get(path, as_=LAB)).entries]
            for each in (space, other)
        ]
        assert both[0] == both[1], path
        assert both[0], path
        found += len(both[0])
    assert found > 100
    assert (await other.get(document, as_=LAB)).json["securityLabel"]
    # The same document, deposited there again, is known by its number and its bytes.
    again_ = await other.post("", lot(fresh().xml), as_=LAB)
    assert document_of(again_) == document


async def test_what_is_not_whole_is_refused_and_says_so(space: Space, other: Space) -> None:
    await put_in(other, "software:hospital", await given_out(space, "software:hospital"))
    sub = "software:lab-indrois"
    files = await given_out(space, sub)
    rows = {
        rtype: [json.loads(line) for line in lines.splitlines()] for rtype, lines in files.items()
    }
    attached = [
        {content["attachment"]["url"].partition("/")[2] for content in each["content"]}
        for each in rows["DocumentReference"]
    ]
    changed, missing = min(attached[0]), min(attached[1])
    for row in rows["Binary"]:
        if row["id"] == changed:
            row["data"] = base64.b64encode(b"other bytes").decode()
    rows["Binary"] = [row for row in rows["Binary"] if row["id"] != missing]
    first, second, *others = rows["DocumentReference"]
    stranger = (await table(space)).values()
    elsewhere = next(
        f"DocumentReference/{row[3]}" for row in stranger
        if row[-1] == "tilleuls" and row[2] == space.built.door.definitions.types["DocumentReference"]
    )  # fmt: skip
    forged, *_ = [
        row for row in rows["Observation"] if row["derivedFrom"][0]["reference"].endswith(others[0]["id"])
    ]  # fmt: skip
    forged["meta"]["extension"][0]["valueReference"]["reference"] = elsewhere
    sent = {
        name: b"".join(json.dumps(row).encode() + b"\n" for row in r) for name, r in rows.items()
    }
    done, said = await put_in(other, sub, sent)
    assert done.lines == sum(map(len, rows.values()))
    refused = [
        each["issue"][0]["diagnostics"] for line in said
        if (each := json.loads(line))["issue"][0]["severity"] == "error"
    ]  # fmt: skip
    told = Counter(sentence.partition(":")[0].partition(",")[0] for sentence in refused)
    of_second = sum(
        row["meta"]["extension"][0]["valueReference"]["reference"].endswith(second["id"])
        for rtype, some in rows.items() if rtype != "DocumentReference" for row in some
        if row is not forged
    )  # fmt: skip
    assert told == {
        "The size or the hash of the attachment is not that of its data.": 1,
        "The files of a document are lines of the same import": 1,
        # All that came with the document that was refused, and what says it came with another's.
        "The document that this came with": of_second + 1,
    }
    places = await table(other)
    there = {row[3] for row in places.values()}
    assert (first["id"] in there, second["id"] in there) == (True, False)
    assert forged["id"] not in there and changed not in there


async def test_without_its_ids_a_document_comes_with_its_data_or_not_at_all(space: Space) -> None:
    data = fresh().xml
    whole = metadata(data) | {"id": "whole"}
    whole["content"] = [{"attachment": {
        "contentType": "text/xml", "data": base64.b64encode(data).decode(), "hash": sha1(data),
    }}]  # fmt: skip
    document = metadata(fresh(minutes=9).xml) | {"id": "apart"}
    document["content"][0]["attachment"]["url"] = "Binary/b"
    file = {"resourceType": "Binary", "id": "b", "contentType": "text/xml", "data": "AAAA",
            "securityContext": {"reference": "DocumentReference/apart"}}  # fmt: skip
    me = f"Patient/{space.patient_id()}"
    beside = observation(me, date="2020", id="o")
    read_in = observation(me, date="2020", id="p") | {
        "meta": {"extension": [{"url": following.URL,
                                "valueReference": {"reference": "DocumentReference/apart"}}]}
    }  # fmt: skip
    sent = b"".join(
        json.dumps(row).encode() + b"\n" for row in (beside, whole, file, document, read_in)
    )
    answer = await space.call(
        "POST", f"$import?name=n&input=i&as=software:{LAB}", as_="operator", body=sent,
        headers={"content-type": "application/fhir+ndjson"},
    )  # fmt: skip
    assert answer.status == 200, answer.body
    report = (await space.get("$import-job/n/i", as_="operator")).body.splitlines()
    said = [json.loads(each)["issue"][0] for each in report]
    assert [each["severity"] for each in said] == ["information"] * 2 + ["error"] * 3, said
    assert all("keeps ids" in each["diagnostics"] for each in said[2:4]), said
    (found,) = (await space.get(f"DocumentReference?patient={me}&date=2026-11-21", as_=LAB)).entries
    assert found["masterIdentifier"]
    # What was in the same lot as a document did not come with it.
    place = space.built.door.ids.decode(said[0]["diagnostics"].split("/")[1].split(" ")[0])
    assert place is not None
    rows = await space.rows("SELECT origin FROM record.resource WHERE rid = %s", place[1])
    assert rows == [(None,)]
