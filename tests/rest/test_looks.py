# SPDX-License-Identifier: EUPL-1.2
"""Searches that look thousands of times into the index of hashes: what each look costs stays small."""

from typing import Any

import pytest
from psycopg import AsyncCursor

from tests.rest.samples import LAB, observation
from tests.rest.test_search import ids, make
from tests.space import Space

pytestmark = pytest.mark.anyio
PENDING = (
    "SELECT gin_clean_pending_list('record.resource_toks')"  # how many pages it put in their place
)


async def test_what_was_lately_written_is_gathered_before_an_index_is_looked_into_many_times(
    space: Space,
) -> None:
    someone = f"Patient/{space.patient_id()}"
    (first,) = await make(space, observation(someone))
    found = await space.get(f"Observation?_id={first}&_revinclude=*", as_=LAB)
    assert found.status == 200
    assert await space.rows(PENDING) == [(0,)]


async def test_rows_that_are_known_are_read_once_and_not_once_a_hash(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone = f"Patient/{space.patient_id()}"
    made = await make(space, *(observation(someone) for _ in range(6)))
    parents = await make(
        space,
        *(observation(someone, hasMember=[{"reference": f"Observation/{one}"}]) for one in made),
    )
    await make(
        space,
        *(observation(someone, hasMember=[{"reference": f"Observation/{one}"}]) for one in parents),
    )
    asked = list[str]()
    plain = AsyncCursor.execute

    async def told(cursor: Any, query: Any, *values: Any, **rest: Any) -> Any:
        asked.append(query.decode() if isinstance(query, bytes) else str(query))
        return await plain(cursor, query, *values, **rest)

    monkeypatch.setattr(AsyncCursor, "execute", told)
    among = ",".join(made)
    inner = "_has:Observation:has-member:_has:Observation:has-member:status=final"
    assert set(await ids(space, f"Observation?{inner}&_id={among}&_total=accurate")) == set(made)
    pointing = [text for text in asked if "p_hashes" in text]
    assert ["LATERAL (SELECT 1" in text for text in pointing] == [False, True, False]
    assert not any("r.toks &&" in text for text in pointing)
