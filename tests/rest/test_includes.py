# SPDX-License-Identifier: EUPL-1.2
"""_include, _revinclude, :iterate and wildcards over HTTP."""

import pytest

from tests.rest.samples import HOSPITAL, LAB, observation, organization
from tests.rest.test_search import make
from tests.space import Space

pytestmark = pytest.mark.anyio


async def included(space: Space, query: str, as_: str = LAB) -> tuple[set[str], set[str]]:
    """Ids of matches and of what is included, each once."""
    answer = await space.get(query, as_=as_)
    assert answer.status == 200, (query, answer.body)
    addresses = [entry["fullUrl"] for entry in answer.json.get("entry", [])]
    assert len(set(addresses)) == len(addresses)
    seen: dict[str, set[str]] = {"match": set(), "include": set()}
    for entry in answer.json.get("entry", []):
        seen[entry["search"]["mode"]].add(entry["resource"]["id"])
    return seen["match"], seen["include"]


async def test_includes_go_forward_back_and_on(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (top,) = await make(space, organization("Tout"))
    (part,) = await make(space, organization("Aile", partOf={"reference": f"Organization/{top}"}))
    (first,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{part}"}])
    )
    (second,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{first}"}])
    )
    (third,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{second}"}])
    )
    one, last, wing = (
        f"Observation?_id={first}",
        f"Observation?_id={third}",
        f"Organization?_id={part}",
    )
    on, back = "_include:iterate", "_revinclude"
    for query, expected in [
        (f"{one}&_include=Observation:performer", {part}),
        (f"{one}&_include=Observation:performer&{on}=Organization:partof", {part, top}),
        (f"{one}&{on}=Organization:partof", set()),
        (f"{one}&_include=*", {part}),
        (f"{one}&_include=Observation:*", {part}),
        (f"{one}&_include=Observation:*:Organization", {part}),
        (f"{one}&_include=Observation:*:Practitioner", set()),
        (f"{last}&_include=Observation:has-member", {second}),
        (f"{last}&{on}=Observation:has-member", {second, first}),
        (f"{last}&{on}=Observation:*&{on}=Organization:*", {second, first, part, top}),
        (f"{one}&{back}=Observation:has-member", {second}),
        (f"{one}&{back}:iterate=Observation:has-member", {second, third}),
        (f"{one}&{back}=Observation:*", {second}),
        (f"{one}&{back}=DiagnosticReport:result", set()),
        (f"{wing}&{back}=Observation:performer", {first}),
        (f"{wing}&{back}=Observation:performer:Organization", {first}),
        (f"{wing}&{back}=Observation:performer&{back}:iterate=Observation:has-member",
         {first, second, third}),
        (f"{wing}&{back}=Observation:performer&_include=Organization:partof", {first, top}),
        (f"{one}&{back}=*", {second}), (f"{one}&{back}=*:*", {second}),
        (f"{one}&{back}:iterate=*", {second, third}),
        (f"{wing}&{back}=*&{back}:iterate=Observation:has-member", {first, second, third}),
        (f"Organization?_id={top}&{back}=*", {part}),
        (f"Organization?_id={top}&{back}:iterate=*", {part, first, second, third}),
        (f"{last}&{on}=*", {second, first, part, top}),
        (f"{last}&_include=*&{on}=*:*", {second, first, part, top}),
        (f"{last}&_include=*", {second}),
    ]:  # fmt: skip
        matched, found = await included(space, query)
        assert len(matched) == 1
        assert found - {space.patient_id()} == expected, query


async def test_what_is_hidden_is_not_included_and_leads_nowhere(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (hidden,) = await make(space, organization("Cachée"), by=HOSPITAL)
    (beyond,) = await make(space, organization("Tout"))
    (place,) = await make(
        space, organization("Aile", partOf={"reference": f"Organization/{hidden}"})
    )
    (mine,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{place}"}])
    )
    await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{mine}"}]), by=HOSPITAL
    )
    on = "_include=Observation:performer&_include:iterate=Organization:partof"
    assert await included(space, f"Observation?_id={mine}&{on}") == ({mine}, {place})
    back = "_revinclude=Observation:has-member&_revinclude=Observation:*&_revinclude:iterate=*"
    assert await included(space, f"Observation?_id={mine}&{back}") == ({mine}, set())
    assert beyond


async def test_what_is_included_is_in_the_trace_and_in_no_total(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    (first,) = await make(space, observation(someone))
    (second,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{first}"}])
    )
    for query, count in (
        (f"Observation?_id={second}&_include=Observation:has-member&_total=accurate", 1),
        (f"Observation?_id={first}&_revinclude=Observation:has-member&_total=accurate", 1),
    ):
        answer = await space.get(query, as_=LAB)
        assert (answer.json["total"], len(answer.entries)) == (count, 2)
        traced = await space.rows("SELECT rids FROM access.audit ORDER BY seq DESC LIMIT 1")
        placed = [space.built.door.ids.decode(each) for each in (first, second)]
        assert set(traced[0][0]) == {each[1] for each in placed if each}


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("_include=Patient:organization", "invalid", "_include"),
        ("_include=Observation:code", "invalid", "_include"),
        ("_include=Observation", "invalid", "_include"),
        ("_include=Observation:subject:Nothing", "invalid", "_include"),
        ("_include:iterate=*:subject", "invalid", "_include"),
        ("_revinclude=*:subject", "invalid", "_revinclude"),
        ("_revinclude=Observation:code", "invalid", "_revinclude"),
        ("_revinclude=Observation:subject", "invalid", "_revinclude"),
        ("_revinclude=Consent:patient", "invalid", "Consent"),
        ("_include:recurse=Observation:subject", "not-supported", ":recurse"),
        ("&".join(f"_include=Observation:subject:{each}&_include=Observation:performer:{each}"
                  for each in ("Patient", "Group", "Device", "Location", "Organization", "Practitioner",
                               "PractitionerRole", "CareTeam", "RelatedPerson", "Substance", "List")),
         "too-costly", "twenty"),
    ],
)  # fmt: skip
async def test_an_include_that_cannot_be_followed_is_said_so(
    space: Space, query: str, code: str, said: str
) -> None:
    answer = await space.get(f"Observation?{query}", as_=LAB)
    assert (answer.json["issue"][0]["code"], said in answer.said) == (code, True), answer.body
