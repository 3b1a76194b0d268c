# SPDX-License-Identifier: EUPL-1.2
"""Loading what nobody should send: each file has its outcome, and the others go in."""

import gzip
import json
import os
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest

from carnet.app.loading import files, reports
from carnet.app.loading.outcomes import Options, Outcome, State
from carnet.app.loading.run import load_all
from carnet.documents.cda.conformance import Profile
from tests.documents.lots import holds
from tests.space import Space

pytestmark = pytest.mark.anyio

NUMBER = {"system": "https://elsewhere.example/ipp", "value": "1"}
PATIENT = {"resourceType": "Patient", "id": "p", "identifier": [NUMBER], "name": [{"family": "A"}]}


def observation(about: str = "Patient/p", **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    made: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": code, **more}
    return made | ({"subject": {"reference": about}} if about else {})


async def loaded(space: Space, *paths: Path, **options: Any) -> dict[str, Outcome]:
    who = await space.actor("lab-software")
    found = await load_all(space.built, who, paths, Options(**options))
    return {each.path.name: each for each in found}


def put(folder: Path, **held: Any) -> Path:
    for name, resource in held.items():
        (folder / f"{name}.json").write_text(json.dumps(resource), "utf-8")
    return folder


async def test_a_folder_of_anything_is_told_file_by_file(space: Space, tmp_path: Path) -> None:
    before = await holds(space)
    (tmp_path / "deep").mkdir()
    (tmp_path / "zero.json").touch()
    (tmp_path / "junk.json").write_bytes(os.urandom(5000).replace(b"<", b"x"))
    (tmp_path / "nul.xml").write_bytes(b"\0" * 5000)
    (tmp_path / "deep.json").write_text('{"a":' * 100_000, "utf-8")
    (tmp_path / "list.json").write_text("[" * 100_000, "utf-8")
    (tmp_path / "number.json").write_text('{"resourceType": 1e999999999}', "utf-8")
    (tmp_path / ("n" * 250 + ".json")).write_text("{}", "utf-8")
    (tmp_path / "bomb.json.gz").write_bytes(bomb())
    (tmp_path / "deep" / "ring").symlink_to(tmp_path)
    (tmp_path / "itself.json").symlink_to(tmp_path / "itself.json")
    (tmp_path / "nowhere.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "null.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.json"))
        strange = os.fsencode(tmp_path) + b"/\xff\x1b[31m.json"
        os.close(os.open(strange, os.O_CREAT))
        found = await loaded(space, tmp_path)
    assert len(found) == 14
    assert {each.state for each in found.values()} == {State.REFUSED}
    assert not [each.why for each in found.values() if "nforeseen" in each.why]
    assert "pipe" in found["pipe.json"].why
    assert "no file" in found["nowhere.json"].why
    assert "256 MB" in found["bomb.json.gz"].why
    assert await holds(space) == before
    for form in reports.Form:
        reports.written(list(found.values()), form).encode("utf-8")


def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b" " * 10_000_000) for _ in range(30)) + packer.flush()


def test_folders_in_folders_end(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(100):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "a.json").touch()
    (tmp_path / "b.json").touch()
    assert [each.path.name for each in files.listed([tmp_path])] == ["b.json"]


WRONG: dict[str, Any] = {
    "a subject that is a number": observation("") | {"subject": {"reference": 5}},
    "a subject that is text": observation("") | {"subject": "Patient/p"},
    "contained that is text": observation("#x") | {"contained": "x"},
    "entries that hold text": {
        "resourceType": "Bundle", "type": "collection", "entry": [{"resource": "x"}, {"search": 4}],
    },
    "an entry of no type": {
        "resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"id": "x"}}],
    },
    "a meta that is text": {"resourceType": "Bundle", "type": "transaction", "meta": "x",
                            "entry": [{"request": {"method": "POST", "url": "Observation"}}]},
    "an identifier that is a list": {"resourceType": "Patient", "identifier": [[1]]},
    "content that is text": {"resourceType": "DocumentReference", "status": "current",
                             "content": "x"},
    "a type of a Bundle that is a list": {"resourceType": "Bundle", "type": ["collection"]},
    "a fullUrl that is a number": {
        "resourceType": "Bundle", "type": "collection",
        "entry": [{"fullUrl": 5, "resource": observation("") | {"subject": {"display": 5}}}],
    },
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("create", [False, True])
async def test_a_resource_of_another_shape_is_refused_or_skipped_and_nothing_is_written(
    space: Space, tmp_path: Path, what: str, create: bool
) -> None:
    before = await holds(space)
    found = await loaded(space, put(tmp_path, wrong=WRONG[what]), create_patients=create)
    outcome = found["wrong.json"]
    assert outcome.state in (State.REFUSED, State.SKIPPED), outcome
    assert "nforeseen" not in outcome.why, outcome.why
    assert await holds(space) == before


async def test_a_long_chain_and_a_ring_of_files_go_in(space: Space, tmp_path: Path) -> None:
    """A chain longer than Python's recursion, and three that refer to each other."""
    lines = [PATIENT]
    for place in range(1500):
        after = [{"reference": f"Observation/o{place + 1}"}] if place < 1499 else []
        lines.append(observation(id=f"o{place}") | ({"hasMember": after} if after else {}))
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "chain.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    names = ("x", "y", "z")
    ring = {
        name: observation(id=name, hasMember=[{"reference": f"Observation/{other}"}])
        for name, other in zip(names, ("y", "z", "x"), strict=True)
    }
    found = await loaded(space, put(tmp_path, **ring))
    assert [each.why for each in found.values()] == [""] * 4
    assert found["chain.ndjson.gz"].counts == {"resources": 1501}
    before = await holds(space)
    again = await loaded(space, tmp_path)
    assert {each.state for each in again.values()} == {State.THERE}
    assert await holds(space) == before


# ------------------------------------------------------------------------- references between files


async def subject(space: Space, outcome: Outcome) -> int:
    rows = await space.rows("SELECT cid FROM documents.loaded ORDER BY rid DESC LIMIT 1")
    assert outcome.state is State.IN
    return int(rows[0][0])


async def test_two_senders_may_both_have_a_patient_1(space: Space, tmp_path: Path) -> None:
    """Each folder's own is meant; from a third folder, neither."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    for name in ("one", "two"):
        person = {**PATIENT, "identifier": [NUMBER | {"value": name}]}
        put(tmp_path / name, **{f"p-{name}": person, f"o-{name}": observation()})
    put(tmp_path / "three", stray=observation())
    found = await loaded(space, tmp_path)
    assert found.pop("stray.json").code == "902"
    assert {each.why for each in found.values()} == {""}
    types = space.built.door.definitions.types
    rows = await space.rows("SELECT cid, count(*) FROM documents.loaded GROUP BY cid ORDER BY 2")
    assert [count for _, count in rows] == [2, 2], "each observation is with its own patient"
    assert types["Patient"]


async def test_another_argument_of_the_command_is_not_looked_in(
    space: Space, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    put(tmp_path / "a", patient=PATIENT)
    put(tmp_path / "b", stray=observation())
    apart = await loaded(space, tmp_path / "a", tmp_path / "b")
    assert apart["stray.json"].code == "902"
    together = await loaded(space, tmp_path)
    assert together["stray.json"].state is State.IN


@pytest.mark.parametrize(
    "about",
    ["Patient/p", "https://elsewhere.example/fhir/Patient/p", "Patient/p/_history/3",
     "urn:uuid:11111111-1111-4111-8111-111111111111"],
)  # fmt: skip
async def test_each_way_to_name_a_resource_of_the_set(
    space: Space, tmp_path: Path, about: str
) -> None:
    full = "urn:uuid:11111111-1111-4111-8111-111111111111"
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"fullUrl": full, "resource": PATIENT}]}  # fmt: skip
    found = await loaded(space, put(tmp_path, bundle=bundle, o=observation(about)))
    assert {each.why for each in found.values()} == {""}
    assert len(await space.rows("SELECT DISTINCT cid FROM documents.loaded")) == 1


async def test_what_is_about_a_refused_person_is_refused_and_what_only_names_one_is_not(
    space: Space, tmp_path: Path
) -> None:
    wrong = {**PATIENT, "birthDate": "yesterday"}
    (tmp_path / "lines.ndjson").write_text(
        "\n".join(map(json.dumps, (wrong, observation()))), "utf-8"
    )
    before = await holds(space)
    found = await loaded(space, tmp_path)
    assert found["lines.ndjson"].code == "902"
    assert await holds(space) == before
    about = f"Patient/{space.patient_id()}"
    put(tmp_path, names=observation(about, performer=[{"reference": "Practitioner/none"}]))
    found = await loaded(space, tmp_path / "names.json")
    assert found["names.json"].state is State.IN
    assert "1 × Practitioner" in found["names.json"].reserves[0]


async def test_a_collection_is_not_half_written(space: Space, tmp_path: Path) -> None:
    bad = observation("Patient/nobody")
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"resource": PATIENT}, {"resource": observation()}, {"resource": bad}]}  # fmt: skip
    before = await holds(space)
    found = await loaded(space, put(tmp_path, bundle=bundle))
    assert found["bundle.json"].code == "902"
    assert await holds(space) == before


async def test_what_was_deleted_is_loaded_again(space: Space, tmp_path: Path) -> None:
    put(tmp_path, o=observation(f"Patient/{space.patient_id()}"))
    assert (await loaded(space, tmp_path))["o.json"].state is State.IN
    [(cid, rid)] = await space.rows("SELECT cid, rid FROM documents.loaded")
    id = space.built.door.ids.encode(cid, rid)
    gone = await space.call("DELETE", f"Observation/{id}", as_="lab-software")
    assert gone.status == 204
    assert (await loaded(space, tmp_path))["o.json"].state is State.IN
    assert (await loaded(space, tmp_path))["o.json"].state is State.THERE


async def test_another_organisation_s_loads_are_not_known_by_this_one(
    space: Space, tmp_path: Path
) -> None:
    put(tmp_path, o=observation(f"Patient/{space.patient_id()}"))
    assert (await loaded(space, tmp_path))["o.json"].state is State.IN
    other = await space.actor("hospital-software")
    [found] = await load_all(space.built, other, [tmp_path], Options())
    assert found.state is State.IN


@pytest.mark.parametrize("create", [False, True])
async def test_a_person_nobody_holds_is_made_only_when_that_is_asked(
    space: Space, tmp_path: Path, create: bool
) -> None:
    numbered = observation("") | {"subject": {"identifier": NUMBER, "display": "B C"}}
    inside = observation("#in") | {"contained": [{**PATIENT, "id": "in"}]}
    later = observation("Patient/x", issued="2026-11-22T10:00:00Z")
    held = {"one": observation("Patient/x"), "two": later, "three": numbered,
            "four": inside, "five": observation("https://e.example/Patient/y")}  # fmt: skip
    before = await holds(space)
    people = await space.rows("SELECT count(*) FROM access.identity")
    found = await loaded(space, put(tmp_path, **held), create_patients=create)
    if not create:
        assert {each.code for each in found.values()} == {"902"}
        assert await holds(space) == before
        return
    assert {each.why for each in found.values()} == {""}
    assert all("provisional identity" in each.reserves[0] for each in found.values())
    made = await space.rows("SELECT count(*) FROM access.identity")
    assert made[0][0] - people[0][0] == 4, "one reference of one folder is one person"


async def test_a_patient_whose_number_is_another_s_is_kept_apart_or_refused(
    space: Space, tmp_path: Path
) -> None:
    [(ins, system)] = await space.rows(
        "SELECT ins, ins_system FROM access.identity WHERE cid = %s", space.where.people["patient"]
    )
    other = {
        "resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1931-02-03",
        "identifier": [{"system": system, "value": ins}],
        "name": [{"use": "official", "family": "AUTRE", "given": ["PERSONNE"]}],
    }  # fmt: skip
    put(tmp_path, p=other, o=observation())
    before = await holds(space)
    strict = await loaded(space, tmp_path, profile=Profile.STRICT)
    assert strict["p.json"].code == "906"
    assert strict["o.json"].refused
    assert await holds(space) == before
    rows = "SELECT count(*) FROM record.resource WHERE cid = %s"
    cid = space.where.people["patient"]
    here = await space.rows(rows, cid)
    found = await loaded(space, tmp_path)
    assert {each.state for each in found.values()} == {State.IN}
    assert await space.rows(rows, cid) == here, "nothing is filed in the record of the other"
    assert {each.state for each in (await loaded(space, tmp_path)).values()} == {State.THERE}
