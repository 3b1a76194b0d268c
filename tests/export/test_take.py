# SPDX-License-Identifier: EUPL-1.2
"""A record taken away: all of what one may see, nothing else, and never half of it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from carnet import errors
from carnet.access.door import takeout
from carnet.app import export, parts
from carnet.export.check import NotWhole, proofs_of
from carnet.postgres.pool import JOB, open_pool
from carnet.rights import block
from tests import people
from tests.rest import samples
from tests.rights.test_mandates import management
from tests.space import Space

pytestmark = pytest.mark.anyio


async def whole(space: Space, persona: str, patient: str = "") -> bytes:
    """The archive as it is sent."""
    visit = await space.visit(persona)
    return b"".join([chunk async for chunk in export.taken(visit, patient)])


def files(data: bytes) -> dict[str, bytes]:
    """Its files, each once."""
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert len(set(found.namelist())) == len(found.namelist())
        return {name: found.read(name) for name in found.namelist()}


def resources(found: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """By address."""
    every = [
        json.loads(line)
        for name, data in found.items()
        if name.startswith("fhir/") and name.endswith(".ndjson")
        for line in data.splitlines()
    ]
    return {f"{each['resourceType']}/{each['id']}": each for each in every}


async def seal(space: Space) -> None:
    """What was written becomes leaves."""
    space.built.settings.roots.unlink(missing_ok=True)  # handed out by another test's database
    pool = await open_pool(
        space.admin_url.replace("postgres:", "carnet_worker:"), min_size=1, max_size=1, limits=JOB
    )
    try:
        sealing = parts.sealing(space.built.settings, pool, space.built.door)
        while await sealing.once():
            pass
    finally:
        await pool.close()


async def test_all_one_may_see_is_there_as_it_was_received(space: Space) -> None:
    """One Observation, one document and its file of each kind stand for the rest: counts are compared."""
    document = (await space.get("DocumentReference?_count=1", as_="patient")).entries[0]
    assert (await space.get(f"DocumentReference/{document['id']}", as_="gp")).status == 200
    await seal(space)
    space.clock.advance(timedelta(minutes=1))
    data = await whole(space, "patient")
    found = files(data)
    every = resources(found)
    for rtype in ("Patient", "DocumentReference", "Observation", "DiagnosticReport", "Composition"):
        counted = await space.get(f"{rtype}?_summary=count", as_="patient")
        # What was read in a document that another replaced is found by no search, and leaves.
        ((older,),) = await space.rows(
            "SELECT count(*) FROM record.resource WHERE cid = %s AND rtype = %s AND labels & 8 <> 0",
            space.where.people["patient"],
            space.built.door.definitions.types[rtype],
        )
        leaving = sum(name.startswith(f"{rtype}/") for name in every)
        assert counted.json["total"] + older == leaving
    assert every[f"DocumentReference/{document['id']}"] == document
    listed = {
        row["Binary"]: row
        for row in csv.DictReader(io.StringIO(found["fhir/fichiers.csv"].decode("utf-8-sig")))
    }
    wanted = {
        content["attachment"]["url"]
        for name, each in every.items()
        if name.startswith("DocumentReference/")
        for content in each["content"]
    }
    assert wanted == set(listed)
    for url in list(listed)[:4]:
        binary = await space.get(url, as_="patient", accept="*/*")
        assert found[listed[url]["file"]] == binary.body
        assert f'href="{listed[url]["file"].split("/")[0]}/' in found["index.html"].decode()
    # What was released is what the trace names.
    said = await space.rows(
        "SELECT rid FROM access.audit a, unnest(a.rids) rid WHERE act = 'export' ORDER BY rid"
    )
    ids = {space.built.door.ids.decode(name.split("/")[1]) for name in (*every, *listed)}
    assert sorted(rid for (rid,) in said) == sorted(place[1] for place in ids if place)
    # Who was there, and the proof of each line.
    readers = list(csv.reader(io.StringIO(found["acces/acces.csv"].decode("utf-8-sig"))))[1:]
    assert [row[3] for row in readers if row[1] == people.GP.name][:1] == ["Lecture"]
    proved = found["journal/preuves-1.ndjson"].splitlines()
    assert len(proved) == len(readers) and b"null" not in proved
    root = json.loads(found["journal/racine.ndjson"])
    assert root["root"] in found["index.html"].decode()
    path = space.built.settings.data / f"{space.clock.now.timestamp()}.zip"
    path.write_bytes(data)
    assert sum(1 for _ in proofs_of(path)) == len(proved)
    path.write_bytes(data.replace(b"manifest.json", b"manifest.jsom"))
    with pytest.raises(NotWhole):
        list(proofs_of(path))
    path.unlink()


async def test_what_is_hidden_is_not_there_for_whom_it_is_hidden_from(space: Space) -> None:
    """A minor's record: what is not announced to them, what their representatives may not see."""
    minor = space.patient_id("minor")
    addresses = {}
    for label in (None, "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX", "MASQUE_PS"):
        made = samples.observation(f"Patient/{minor}", date="2026-03-02")
        if label is not None:
            made["meta"] = {"security": [{"system": SECURITY, "code": label}]}
        answer = await space.post("Observation", made, as_=samples.HOSPITAL)
        assert answer.status == 201, answer.said
        addresses[label] = "/".join(answer.headers["location"].split("/")[-4:-2])
    own = resources(files(await whole(space, "minor")))
    assert {label for label, each in addresses.items() if each in own} == {
        None, "INVISIBLE_REPRESENTANTS_LEGAUX", "MASQUE_PS",
    }  # fmt: skip
    of_parent = await whole(space, "parent", minor)
    seen = resources(files(of_parent))
    assert {label for label, each in addresses.items() if each in seen} == {None, "MASQUE_PS"}
    assert addresses["INVISIBLE_PATIENT"].split("/")[1].encode() not in of_parent


SECURITY = "urn:oid:1.2.250.1.213.1.1.4.13"


@pytest.mark.parametrize(
    "persona", ["gp", "carer", "helper", "outsider", "hospital-software", "operator"]
)
async def test_nobody_else_takes_a_record_away(space: Space, persona: str) -> None:
    """A carer's mandate does not go that far; a treating doctor reads, and takes nothing away."""
    whose = space.patient_id("elder" if persona in ("carer", "helper") else "patient")
    with pytest.raises(errors.NotFound):
        await whole(space, persona, whose)
    ((granted, rule),) = await space.rows(
        "SELECT granted, rule FROM access.audit WHERE act = 'export'"
    )
    assert (granted, rule) == (False, "not-the-holder")


async def test_it_stops_with_the_right_to_it_and_is_not_whole(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A representative whose mandate ends between two batches."""
    monkeypatch.setattr(takeout, "ROWS", 1)
    visit, sent = await space.visit("parent"), b""
    with pytest.raises(errors.NotFound):
        async for chunk in export.taken(visit, space.patient_id("minor")):
            if not sent:
                await space.rows("UPDATE access.mandate SET revoked = %s", space.clock.now)
            sent += chunk
    assert sent
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(sent))


@pytest.mark.parametrize("at", ["documents/", "fhir/fichiers.csv", "index.html"])
async def test_it_stops_between_two_files_of_one_batch_and_before_its_end(
    space: Space, at: str
) -> None:
    """at: the first file of this name is the last that is sent before the right ends."""
    child = space.patient_id("minor")
    for number in range(2):
        paper = management(space, child, f"paper-{number}")
        assert (await space.post("DocumentReference", paper, as_=samples.HOSPITAL)).status == 201
    visit, sent = await space.visit("parent"), b""
    with pytest.raises(errors.NotFound):
        async for chunk in export.taken(visit, child):
            sent += chunk
            if at.encode() in chunk:
                await space.rows("UPDATE access.mandate SET revoked = %s", space.clock.now)
    assert at.encode() in sent and b"manifest.json" not in sent
    if at == "documents/":
        assert sent.count(b"documents/") == 1
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(sent))


async def test_choices_are_told_to_who_made_them(space: Space) -> None:
    await block.block(await space.visit("minor"), int(people.GP.rpps))
    found = files(await whole(space, "minor"))
    consents = [json.loads(line) for line in found["droits/Consent.ndjson"].splitlines()]
    assert "block" in [each.get("policyRule", {}).get("text") for each in consents]
    told = found["droits/droits.csv"].decode()
    parent = await space.actor("parent")
    assert "Professionnel bloqué" in told and parent.name in told


async def test_it_is_had_by_the_api_and_by_nobody_else(space: Space) -> None:
    minor = space.patient_id("minor")
    answer = await space.get(f"Patient/{minor}/$take-away", as_="parent")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="dossier.zip"'
    assert f"Patient/{minor}" in resources(files(answer.body))
    for persona, id in (("gp", minor), ("outsider", minor), ("parent", "a" * 26), ("parent", "x")):
        refused = await space.get(f"Patient/{id}/$take-away", as_=persona)
        assert refused.status == 404, refused.body
