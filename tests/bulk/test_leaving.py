# SPDX-License-Identifier: EUPL-1.2
"""Sovereign means able to leave: what one installation exports, an empty one imports, and it is the same.

The keys go along (they are kept for ever, and exported), so what is in people's records keeps its id.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from carnet.app import bulk
from carnet.bulk import imports
from carnet.bulk.lots import Done, Source
from carnet.postgres.pool import JOB, open_pool
from tests.bulk.leaving import pieces
from tests.rest.samples import LAB, Json
from tests.space import Space

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SOFTWARE = f"software:{LAB}"
ABOUT_NOBODY = ("Organization", "Practitioner")
SEARCHES = (
    "Patient?identifier=https://github.com/synthetichealth/synthea|{identifier}",
    "Observation?subject=Patient/{id}&code=http://loinc.org|8302-2",
    "Observation?subject=Patient/{id}&code-value-quantity=8302-2$gt10",
    "Observation?subject=Patient/{id}&date=ge2012",
    "Encounter?subject=Patient/{id}&_has:Observation:encounter:code=8302-2",
    "Condition?subject=Patient/{id}&code:text=a",
    "Immunization?patient=Patient/{id}&status=completed",
    "MedicationRequest?subject=Patient/{id}",
    "Procedure?subject=Patient/{id}&encounter.class=AMB",
)


async def taken_in(space: Space, files: dict[str, list[Json]], *, keep: bool) -> Done:
    inputs: dict[str, Source] = {
        name: partial(pieces, b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        for name, rows in files.items()
    }
    operator = await space.visit("operator")
    importer = await imports.begin(space.built.desk, operator, "all", SOFTWARE, keep=keep)
    return await importer.run(inputs)


async def taken_out(space: Space) -> dict[str, list[Json]]:
    """All that the software deposited, by type."""
    url = space.admin_url.replace("carnet_admin", "carnet_worker")
    found: dict[str, list[Json]] = {}
    for path in ("$export", f"$export?_type={','.join(ABOUT_NOBODY)}"):
        answer = await space.get(path, as_=LAB, prefer="respond-async")
        job = answer.headers["content-location"].partition("/fhir/")[2]
        pool = await open_pool(url, min_size=1, max_size=2, limits=JOB)
        await bulk.drain(replace(space.built.door, pool=pool))
        await pool.close()
        for each in (await space.get(job, as_=LAB)).json["output"]:
            file = await space.get(each["url"].partition("/fhir/")[2], as_=LAB)
            found.setdefault(each["type"], []).extend(map(json.loads, file.body.splitlines()))
    for rtype in ABOUT_NOBODY:  # the directory's own is there already
        found[rtype] = [
            row for row in found[rtype] if "1.2.250" not in json.dumps(row["identifier"])
        ]
    # What is about the cast stays: their Patients were deposited by others.
    persons = [row["id"] for row in found["Patient"] if "synthea" in json.dumps(row["identifier"])]
    return {
        rtype: mine
        for rtype, rows in found.items()
        if (
            mine := [
                row
                for row in rows
                if rtype in ABOUT_NOBODY or any(id in json.dumps(row) for id in persons)
            ]
        )
    }


def same(files: dict[str, list[Json]]) -> dict[str, str]:
    """Content by address; what is about nobody by what identifies it, wherever it is named."""
    named = {
        f"{rtype}/{row['id']}": f"{rtype}/{row['identifier'][0]['value']}"
        for rtype in ABOUT_NOBODY
        for row in files[rtype]
    }
    found = {}
    for rtype, rows in files.items():
        for row in rows:
            address = named.get(f"{rtype}/{row['id']}", f"{rtype}/{row['id']}")
            meta = {k: v for k, v in row["meta"].items() if k not in ("versionId", "lastUpdated")}
            kept: dict[str, Any] = {**row, "meta": meta, "id": address}
            text = json.dumps(kept, sort_keys=True)
            for before, after in named.items():
                text = text.replace(f'"{before}"', f'"{after}"')
            found[address] = text
    return found


def synthea(shared: Path) -> dict[str, list[Json]]:
    """Two persons as Synthea tells them, by type; each refers to what comes later."""
    found: dict[str, list[Json]] = {}
    for name in ("Dana_Feest", "Emeline_Hilll"):
        (path,) = (shared / "data" / "synthea").glob(f"{name}_*.json.gz")
        entries = json.loads(gzip.decompress(path.read_bytes()))["entry"]
        urls = {
            each["fullUrl"]: f"{each['resource']['resourceType']}/{each['resource']['id']}"
            for each in entries
        }
        for each in entries:
            text = json.dumps(each["resource"])
            for url, address in urls.items():
                text = text.replace(f'"{url}"', f'"{address}"')
            found.setdefault(each["resource"]["resourceType"], []).append(json.loads(text))
    return {rtype: _once(rows) for rtype, rows in sorted(found.items())}


def _once(rows: list[Json]) -> list[Json]:
    return list({row["id"]: row for row in rows}.values())


async def test_an_empty_installation_takes_in_what_another_gave_out(
    space: Space, other: Space, shared: Path
) -> None:
    given = synthea(shared)
    size = sum(len(rows) for rows in given.values())
    came = await taken_in(space, given, keep=False)
    assert (came.lines, came.refused) == (size, 0)
    out = await taken_out(space)
    assert {rtype: len(rows) for rtype, rows in out.items()} == {
        rtype: len(rows) for rtype, rows in given.items()
    }
    again = await taken_in(other, out, keep=True)
    assert (again.lines, again.refused) == (size, 0)
    there = same(await taken_out(other))
    here = same(out)
    assert set(here) == set(there)
    assert here == there
    found = 0
    for person in out["Patient"]:
        known = {each.get("system", ""): each["value"] for each in person["identifier"]}
        identifier = known["https://github.com/synthetichealth/synthea"]
        for search in SEARCHES:
            path = search.format(id=person["id"], identifier=identifier) + "&_count=500"
            ids = [
                {row["id"] for row in (await each.get(path, as_=LAB)).entries}
                for each in (space, other)
            ]
            assert ids[0] == ids[1], path
            found += len(ids[0])
    assert found > 30
    assert await taken_in(other, out, keep=True) == Done(
        again.lines, 0, again.lines, again.persons, 0
    )


async def test_ids_are_kept_only_where_nobody_has_a_record(space: Space) -> None:
    with pytest.raises(imports.NotEmpty):
        await imports.begin(
            space.built.desk, await space.visit("operator"), "k", SOFTWARE, keep=True
        )
