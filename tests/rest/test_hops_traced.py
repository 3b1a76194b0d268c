# SPDX-License-Identifier: EUPL-1.2
"""Whom a chain asks about is told of it, and counted, as if the search had named them."""

import pytest

from carnet.access.door import hops
from tests.rest.samples import LAB, observation
from tests.rest.test_search import make
from tests.space import Space

pytestmark = pytest.mark.anyio


async def told(space: Space) -> int:
    """How many lines the person of a record sees in it."""
    return len(await (await space.visit("patient")).lines(space.where.people["patient"], 10_000))


async def named(space: Space, person: str) -> list[bool]:
    """Whether each line that asked about a person's record was granted."""
    return [granted for (granted,) in await space.rows(
        "SELECT granted FROM access.audit WHERE act = 'search' AND cid = %s ORDER BY seq",
        space.where.people[person],
    )]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "Practitioner?_has:Observation:performer:patient={me}",
        "Practitioner?_has:Observation:performer:patient={me}&_summary=count",
        "Organization?_has:Observation:performer:patient.identifier={number}",
        "Observation?patient.identifier={number}&_summary=count",
        "Observation?patient.identifier={number}&code=none",
        "Observation?patient._id={id}&code=none",
        "Patient?identifier={number}&_summary=count",
        "Patient?identifier={number}&_has:Observation:patient:code=none",
        "Patient?identifier={number}&_has:Observation:patient:status=final&_summary=count",
        "Organization?_has:Encounter:service-provider:_has:Observation:encounter:patient={me}",
    ],
)
async def test_a_hop_that_names_a_record_leaves_a_line_in_it(space: Space, query: str) -> None:
    id = space.patient_id()
    number = (await space.get(f"Patient/{id}", as_="gp")).json["identifier"][0]
    asked = query.format(me=f"Patient/{id}", id=id, number=f"{number['system']}|{number['value']}")
    before = await told(space)
    answer = await space.get(asked, as_="gp")
    assert answer.status == 200, answer.body
    assert await told(space) == before + 1
    assert await named(space, "husband") == []


async def test_whom_a_hop_may_not_see_is_named_by_a_refusal(space: Space) -> None:
    me = f"Patient/{space.patient_id()}"
    before = await told(space)
    path = f"Practitioner?_has:Observation:performer:patient={me}"
    assert (await space.get(path, as_="outsider")).entries == []
    assert await told(space) == before + 1
    assert await named(space, "patient") == [False]


async def test_the_line_of_a_hop_says_the_rule_of_that_record(space: Space) -> None:
    """Not the least of all the records the search may go through: a replay compares it."""
    me = f"Patient/{space.patient_id()}"
    alone = f"Observation?patient={me}&_summary=count"
    for path in (alone, f"Practitioner?_has:Observation:performer:patient={me}"):
        assert (await space.get(path, as_="gp")).status == 200
    rules = await space.rows(
        "SELECT rule FROM access.audit WHERE act = 'search' AND cid = %s ORDER BY seq",
        space.where.people["patient"],
    )
    assert len(rules) == 2 and rules[0] == rules[1]
    assert (await space.rows("SELECT count(DISTINCT rule) FROM access.audit WHERE granted"))[0][
        0
    ] == 2


async def test_two_records_named_at_once_have_a_line_each(space: Space) -> None:
    """Whether anything of theirs is found or not: two names are no way to ask unseen."""
    both = ",".join(f"Patient/{space.patient_id(each)}" for each in ("patient", "husband"))
    before = await told(space)
    for more in ("code=none", "code=none&_summary=count", "_count=500"):
        assert (await space.get(f"Observation?patient={both}&{more}", as_="gp")).status == 200
    assert await told(space) == before + 3
    assert await named(space, "patient") == [True, True]  # the page's own line names those it shows


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Practitioner?_count=1", 200),
        ("PractitionerRole?practitioner.family=x&_include=*", 200),
        ("Practitioner?_count=1&_revinclude=Observation:performer", 429),
        ("Organization?_has:Observation:performer:status=final", 429),
        ("PractitionerRole?organization:Organization._has:Observation:performer:status=final", 429),
    ],
)
async def test_a_search_of_the_directory_that_reads_records_is_limited(
    space: Space, query: str, status: int
) -> None:
    gp = await space.actor("gp")
    await space.rows(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " SELECT %s, 'r', %s, 'c', 'TREAT', 'read', true, 'care-team', 'm', n"
        " FROM generate_series(1, %s) n", space.clock(), gp.sub, space.built.settings.patients_per_hour,
    )  # fmt: skip
    assert (await space.get(query, as_="gp")).status == status


async def test_a_search_that_found_too_much_to_go_on_is_written(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That there is so much is a number too."""
    me = f"Patient/{space.patient_id()}"
    first, second = await make(space, observation(me), observation(me))
    monkeypatch.setattr(hops, "MOST_FOUND", 1)
    lines = "SELECT count(*) FROM access.audit WHERE act = 'search'"
    before = (await space.rows(lines))[0][0]
    answer = await space.get(f"Observation?has-member:Observation._id={first},{second}", as_=LAB)
    assert answer.json["issue"][0]["code"] == "too-costly"
    assert (await space.rows(lines))[0][0] > before
