# SPDX-License-Identifier: EUPL-1.2
"""read, vread and history over HTTP."""

import pytest

from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_a_patient_reads_their_own_observation(space: Space) -> None:
    found = await space.get("Observation?_count=1", as_="patient")
    resource = found.entries[0]
    answer = await space.get(f"Observation/{resource['id']}", as_="patient")
    assert (answer.status, answer.json) == (200, resource)
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("persona", ["outsider", "blocked", "operator", "minor"])
async def test_who_has_no_link_finds_nothing_there(space: Space, persona: str) -> None:
    found = await space.get("Observation?_count=1", as_="patient")
    id = found.entries[0]["id"]
    hidden = await space.get(f"Observation/{id}", as_=persona)
    absent = await space.get(f"Observation/{'a' * 26}", as_=persona)
    assert hidden.status == absent.status == 404
    assert hidden.json == absent.json
