# SPDX-License-Identifier: EUPL-1.2
"""The directory: loaded by its loader alone, read by all, found by an identifier."""

from typing import Any

import pytest

from carnet.app.demonstration import IDNPS, LOADER
from carnet.app.parts import visit
from carnet.directory.load import NotLoader, load
from tests import people
from tests.documents.lots import document_of, fresh, holds, lot
from tests.space import Space

pytestmark = pytest.mark.anyio

PRACTITIONER: dict[str, Any] = {
    "resourceType": "Practitioner",
    "id": "new",
    "identifier": [{"system": IDNPS, "value": "899700000000"}],
    "name": [{"family": "Nouvelle", "given": ["Alix"]}],
}


@pytest.mark.parametrize("persona", ["patient", "gp", "lab-software"])
async def test_only_a_loader_writes_the_directory(space: Space, persona: str) -> None:
    before = await holds(space)
    with pytest.raises(NotLoader):
        await load(await space.visit(persona), [PRACTITIONER])
    assert await holds(space) == before


async def test_what_is_loaded_is_read_by_all_and_linked(space: Space) -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "role",
        "practitioner": {"reference": "Practitioner/new"},
    }
    person, place = await load(visit(space.built, LOADER), [PRACTITIONER, role])
    for persona in ("patient", "outsider", "lab-software"):
        found = await space.get(place.literal, as_=persona)
        assert found.status == 200, persona
        assert found.json["practitioner"] == {"reference": person.literal}


async def test_an_author_given_by_number_is_the_one_of_the_directory(space: Space) -> None:
    number = f"{IDNPS}|{people.GP.idnps}"
    author = [{"reference": f"Practitioner?identifier={number}"}]
    sent = await space.post("", lot(fresh().xml, author=author), as_="lab-software")
    assert sent.status == 200, sent.body
    kept = (await space.get(document_of(sent), as_="patient")).json
    found = await space.get(kept["author"][0]["reference"], as_="patient")
    assert {"system": IDNPS, "value": people.GP.idnps} in found.json["identifier"]


async def test_a_practitioner_that_is_there_is_not_written_twice(space: Space) -> None:
    again = {
        "resourceType": "Practitioner",
        "identifier": [{"system": IDNPS, "value": people.GP.idnps}],
    }
    before = await holds(space)
    answer = await space.post("Practitioner", again, as_="lab-software")
    assert answer.status == 200
    assert await holds(space) == before


async def test_an_unknown_number_points_to_nobody(space: Space) -> None:
    before = await holds(space)
    author = [{"reference": f"Practitioner?identifier={IDNPS}|800000000000"}]
    sent = await space.post("", lot(fresh().xml, author=author), as_="lab-software")
    assert sent.status in (412, 422)
    assert await holds(space) == before
