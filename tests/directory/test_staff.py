# SPDX-License-Identifier: EUPL-1.2
"""An operator's file of places and professionals: they may act from then on; a wrong line writes nothing."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from carnet.directory import staff
from carnet.directory.load import NotLoader
from carnet.directory.staff import Loaded, WrongDirectory
from carnet.identity.professionals import numbered
from tests import people
from tests.documents.lots import holds
from tests.space import Space

pytestmark = pytest.mark.anyio
NOS = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/"
WHO = numbered("1012345678").value
PLACE = {
    "resourceType": "Organization", "id": "chv", "name": "Centre hospitalier du Val",
    "identifier": [{"system": staff.FINESS, "value": "370000481"}],
}  # fmt: skip
DOCTOR = {
    "resourceType": "Practitioner", "id": "dr",
    "name": [{"family": "Lopez", "given": ["Ana"], "prefix": ["Dr"]}],
    "identifier": [{"system": staff.RPPS, "value": WHO}],
}  # fmt: skip
ROLE = {
    "resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/dr"},
    "organization": {"reference": "Organization/chv"},
    "code": [{"coding": [{"system": NOS + staff.PROFESSION, "code": "10"}]}],
}  # fmt: skip


def file(folder: Path, *resources: Any) -> Path:
    """A Bundle."""
    made = folder / "directory.json"
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    made.write_text(json.dumps(bundle))
    return made


async def added(space: Space, path: Path, who: str = "operator") -> Loaded:
    return await staff.add(await space.visit(who), space.admin_url, staff.read(path))


async def test_who_is_added_may_act_and_the_same_again_changes_nothing(
    space: Space, tmp_path: Path
) -> None:
    path = file(tmp_path, ROLE, DOCTOR, PLACE)
    assert await added(space, path) == Loaded(1, 1, 1)
    before = await holds(space)
    assert await added(space, path) == Loaded(0, 0, 0)
    assert await holds(space) == before
    assert await space.rows(
        "SELECT s.kind, s.name, s.profession, o.name FROM access.subject s"
        " JOIN access.situation x ON x.sub = s.sub JOIN access.organisation o ON o.cid = x.org"
        " WHERE s.sub = %s", f"rpps:{WHO}",
    ) == [("professional", "Dr Ana Lopez", "10", "Centre hospitalier du Val")]  # fmt: skip
    found = await space.get(f"Practitioner?identifier={staff.RPPS}|{WHO}", as_="patient")
    assert found.json["total"] == 1


async def test_who_is_there_gets_a_place_more(space: Space, tmp_path: Path) -> None:
    gp = {**DOCTOR, "identifier": [{"system": staff.RPPS, "value": people.GP.rpps}]}
    sub = (await space.actor("gp")).sub
    before = await space.rows("SELECT count(*) FROM access.situation WHERE sub = %s", sub)
    assert await added(space, file(tmp_path, PLACE, gp, ROLE)) == Loaded(1, 0, 1)
    after = await space.rows("SELECT count(*) FROM access.situation WHERE sub = %s", sub)
    assert after[0][0] == before[0][0] + 1


def changed(resource: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(resource), **changes}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (changed(PLACE, identifier=[{"system": staff.FINESS, "value": "370000482"}]), "FINESS"),
        (changed(PLACE, name=""), "a name"), (changed(PLACE, identifier=[]), "missing"),
        (changed(DOCTOR, identifier=[{"system": staff.RPPS, "value": "10123456780"}]), "RPPS"),
        (changed(DOCTOR, name=[]), "a name"), (changed(ROLE, code=[]), "profession"),
        (changed(ROLE, organization={"reference": "Organization/other"}), "same file"),
        ({"resourceType": "Patient", "id": "x"}, "its type"), ("x", "its type"),
        (changed(PLACE, id=7), "an id"), (changed(PLACE, identifier="x"), "system and a value"),
    ],
    ids=repr,
)  # fmt: skip
async def test_one_that_is_wrong_is_said_and_nothing_is_written(
    space: Space, tmp_path: Path, wrong: Any, said: str
) -> None:
    kept = [each for each in (PLACE, DOCTOR, ROLE)
            if not isinstance(wrong, dict) or each["resourceType"] != wrong["resourceType"]]  # fmt: skip
    before = await holds(space)
    with pytest.raises(WrongDirectory, match=said):
        await added(space, file(tmp_path, *kept, wrong))
    assert await holds(space) == before
    assert await space.rows("SELECT FROM access.subject WHERE sub = %s", f"rpps:{WHO}") == []


async def test_the_same_from_ndjson_and_from_a_list(tmp_path: Path) -> None:
    lines, listed = tmp_path / "d.ndjson", tmp_path / "list.json"
    lines.write_text("\n".join(json.dumps(each) for each in (ROLE, PLACE, DOCTOR)))
    listed.write_text(json.dumps([DOCTOR, PLACE, ROLE]))
    assert (
        staff.read(lines) == staff.read(listed) == staff.read(file(tmp_path, PLACE, ROLE, DOCTOR))
    )
    (tmp_path / "no.json").write_text("{")
    with pytest.raises(WrongDirectory, match="cannot be read"):
        staff.read(tmp_path / "no.json")


@pytest.mark.parametrize("who", ["gp", "patient", "lab-software"])
async def test_an_operator_alone_adds_them(space: Space, tmp_path: Path, who: str) -> None:
    with pytest.raises(NotLoader):
        await added(space, file(tmp_path, PLACE, DOCTOR, ROLE), who)
