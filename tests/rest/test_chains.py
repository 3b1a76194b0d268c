# SPDX-License-Identifier: EUPL-1.2
"""Chains and reverse chains over HTTP: what they find, through whom they do not, what is refused."""

from typing import Any
from urllib.parse import quote

import pytest

from carnet.access.door import Visit
from tests.rest.samples import HOSPITAL, LAB, observation, organization
from tests.rest.test_search import ids, make
from tests.space import Space

pytestmark = pytest.mark.anyio


async def test_a_chain_goes_by_one_reference_or_several(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    north, south = await make(
        space,
        organization("Nord", identifier=[{"system": "urn:o", "value": "n"}]),
        organization("Sud"),
    )
    (part,) = await make(space, organization("Aile", partOf={"reference": f"Organization/{north}"}))
    a, b, c = await make(
        space,
        observation(someone, performer=[{"reference": f"Organization/{north}"}]),
        observation(someone, performer=[{"reference": f"Organization/{south}"}]),
        observation(someone, performer=[{"reference": f"Organization/{part}"}]),
    )
    (after,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{c}"}])
    )
    for query, expected in [
        ("performer:Organization.name=nord", {a}),
        ("performer:Organization.name:exact=Nord", {a}),
        ("performer:Organization.name=nord,sud", {a, b}),
        ("performer:Organization.identifier=urn:o|n", {a}),
        ("performer:Organization.partof.name=nord", {c}),
        ("performer:Organization.partof:Organization.identifier=n", {c}),
        ("has-member:Observation.performer:Organization.partof.name=nord", {after}),
        ("performer:Organization.name=ouest", set()),
        ("performer:Organization.name=nord&performer:Organization.name=sud", set()),
        (f"performer:Organization._id={south}", {b}),
        ("performer:Organization.name=", {a, b, c, after}),
    ]:
        found = await ids(space, f"Observation?{quote(query, safe='=&:.')}&_id={a},{b},{c},{after}")
        assert set(found) == expected, query


async def test_a_chain_to_the_patient_finds_what_is_about_them(space: Space) -> None:
    one, other = f"Patient/{space.patient_id()}", f"Patient/{space.patient_id('husband')}"
    mine, _ = await make(space, observation(one), observation(other))
    patient = (await space.get(one, as_="gp")).json
    number = patient["identifier"][0]
    token, family = f"{number['system']}|{number['value']}", quote(patient["name"][0]["family"])
    for query in (
        f"subject:Patient.identifier={token}", f"patient.identifier={token}",
        f"subject.identifier={token}", f"patient.family={family}", f"patient._id={patient['id']}",
    ):  # fmt: skip
        page = await ids(space, f"Observation?{query}&_count=500", as_="gp")
        assert mine in page, query
        assert await ids(space, f"Observation?{query}x&_count=500", as_="gp") == [], query
    assert await ids(space, f"Observation?subject:Group.identifier={token}", as_="gp") == []


async def test_a_reverse_chain_finds_what_is_pointed_to(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    north, south, west = await make(
        space, organization("Nord"), organization("Sud"), organization("Ouest")
    )
    first, second = await make(
        space,
        observation(someone, date="2020", performer=[{"reference": f"Organization/{north}"}]),
        observation(someone, date="2021", performer=[{"reference": f"Organization/{south}"}]),
    )
    await make(
        space, observation(someone, date="2022", hasMember=[{"reference": f"Observation/{second}"}])
    )
    every = f"_id={north},{south},{west}"
    for query, expected in [
        ("_has:Observation:performer:date=2020", {north}),
        ("_has:Observation:performer:date=2020,2021", {north, south}),
        ("_has:Observation:performer:date=2022", set()),
        ("_has:Observation:performer:date=2020&_has:Observation:performer:date=2021", set()),
        ("_has:Observation:performer:_has:Observation:has-member:date=2022", {south}),
        (f"_has:Observation:performer:subject={someone}", {north, south}),
        # Whom the deposits are about is not a deposit of theirs.
        (f"_has:Observation:performer:patient._id={space.patient_id()}", set()),
        (f"_has:Observation:performer:_id={first}", {north}),
    ]:
        assert set(await ids(space, f"Organization?{every}&{query}")) == expected, query
    held = await ids(
        space, f"Patient?_id={space.patient_id()}&_has:Observation:patient:date=2021", as_="gp"
    )
    assert held == [space.patient_id()]


async def test_what_is_hidden_is_no_hop(space: Space) -> None:
    """Seen by the hospital alone: neither the chain nor its negation tells the laboratory of it."""
    someone = f"Patient/{space.patient_id()}"
    (place,) = await make(space, organization("Cachée"), by=HOSPITAL)
    (seen,) = await make(space, organization("Vue"))
    (mine,) = await make(
        space,
        observation(
            someone,
            performer=[
                {"reference": f"Organization/{place}"},
                {"reference": f"Organization/{seen}"},
            ],
        ),
    )
    (theirs,) = await make(
        space, observation(someone, performer=[{"reference": f"Organization/{seen}"}], date="2020"),
        by=HOSPITAL,
    )  # fmt: skip
    for name, found in (("cachee", []), ("vue", [mine]), ("rien", [])):
        query = f"Observation?_id={mine},{theirs}&performer:Organization.name={name}"
        assert await ids(space, query) == found, name
        total = await space.get(f"{query}&_summary=count", as_=LAB)
        assert total.json["total"] == len(found)
    assert await ids(space, f"Organization?_id={seen}&_has:Observation:performer:date=2020") == []
    assert await ids(
        space, f"Observation?_id={theirs}&_has:Observation:has-member:status=final"
    ) == []  # fmt: skip


async def test_a_chain_is_followed_into_what_a_resource_contains(space: Space) -> None:
    someone = f"Patient/{space.patient_id()}"
    doctor = {
        "resourceType": "Practitioner", "id": "d", "active": True,
        "identifier": [{"system": "urn:rpps", "value": "8991"}],
        "name": [{"family": "Lœvi", "given": ["Anne"]}],
    }  # fmt: skip
    place = {"resourceType": "Organization", "id": "o", "name": "Clinique"}
    (lab,) = await make(space, organization("Clinique du Parc"))
    made = a, b, c = await make(
        space,
        observation(someone, contained=[doctor, place], performer=[{"reference": "#d"}]),
        observation(someone, contained=[place], performer=[{"reference": "#o"}]),
        observation(someone, performer=[{"reference": f"Organization/{lab}"}]),
    )
    (group,) = await make(
        space, observation(someone, hasMember=[{"reference": f"Observation/{a}"}])
    )
    for query, expected in [
        ("performer:Practitioner.identifier=urn:rpps|8991", {a}),
        ("performer:Practitioner.identifier=urn:rpps|", {a}),
        ("performer:Practitioner.identifier=urn:rpps|8992,8991", {a}),
        ("performer:Practitioner.family=loev", {a}), ("performer:Practitioner.given:exact=Anne", {a}),
        ("performer:Practitioner.family=anne", set()), ("performer:Organization.name=loev", set()),
        ("performer:Organization.name=clinique", {b, c}),  # the place is in a, which does not refer to it
        ("performer:Organization.name:exact=Clinique", {b}),
        ("performer:Practitioner.active=true&code=2339-0", {a}),
        ("_filter=performer:Practitioner.family eq loevi or performer:Organization.name sw parc", {a}),
        ("_filter=not (performer:Organization.name sw clinique)", {a}),
    ]:  # fmt: skip
        found = await ids(space, f"Observation?_id={','.join(made)}&{quote(query, safe='=&:.')}")
        assert set(found) == expected, query
    beyond = "has-member:Observation.performer:Practitioner.family=loevi"
    assert await ids(space, f"Observation?{beyond}&_id={group}") == [group]
    assert await ids(space, "Observation?performer:Practitioner.family=loevi", as_=HOSPITAL) == []


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("code.name=x", "not-supported", "reference parameter"),
        ("subject:Practitioner.name=x", "not-supported", "does not point"),
        ("subject.no-such=x", "not-supported", "has this parameter"),
        ("subject:Patient.no-such=x", "not-supported", "no search parameter"),
        ("subject:Patient.name:not=x", "not-supported", ":not"),
        ("focus.name=x", "not-supported", "many types"),
        ("has-member:Observation.has-member:Observation.has-member:Observation"
         ".has-member:Observation.has-member:Observation.status=final", "too-costly", "four"),
        ("_has=1", "invalid", "_has"),
        ("_has:Observation=1", "invalid", "_has"),
        ("_has:Nothing:subject:code=1", "invalid", "_has"),
        ("_has:Observation:subject:code=1", "invalid", "_has"),
        ("_has:Consent:patient:status=active", "invalid", "_has"),
        ("_has:Observation:has-member:no-such=1", "not-supported", "no search parameter"),
    ],
)  # fmt: skip
async def test_a_chain_that_cannot_be_followed_is_said_so(
    space: Space, query: str, code: str, said: str
) -> None:
    answer = await space.get(f"Observation?{query}", as_=LAB)
    assert (answer.json["issue"][0]["code"], said in answer.said) == (code, True), answer.body


async def test_a_chained_token_takes_eleven_values(space: Space) -> None:
    """A known server drops, or refuses, the eleventh."""
    someone = f"Patient/{space.patient_id()}"
    places = await make(
        space,
        *(
            organization(f"L{n}", identifier=[{"system": "urn:o", "value": f"v{n}"}])
            for n in range(12)
        ),
    )
    made = await make(
        space,
        *(
            observation(someone, performer=[{"reference": f"Organization/{each}"}])
            for each in places
        ),
    )
    for count in (10, 11, 12):
        values = ",".join(f"urn:o|v{n}" for n in range(count))
        found = await ids(space, f"Observation?performer:Organization.identifier={values}")
        assert set(found) == set(made[:count])


async def test_the_statement_tells_what_is_included_and_the_whole_record(space: Space) -> None:
    statement = (await space.get("metadata")).json
    types = {each["type"]: each for each in statement["rest"][0]["resource"]}
    assert {"*", "Observation:performer"} <= set(types["Observation"]["searchInclude"])
    assert "Slot:schedule" in types["Schedule"]["searchRevInclude"]
    assert "Observation:patient" in types["Patient"]["searchRevInclude"]
    assert "Observation:patient" not in types["Group"]["searchRevInclude"]
    assert "everything" in {each["name"] for each in types["Patient"]["operation"]}
    assert "searchInclude" not in types["Consent"]


async def test_a_chain_that_takes_too_long_is_a_timeout(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hop, the matches, the included and the whole record alike: never a 500."""
    me = f"Patient/{space.patient_id()}"
    (first,) = await make(space, observation(me))
    plain = Visit.enter

    async def late(visit: Visit, conn: Any, scope: Any) -> None:
        await conn.execute("SET LOCAL statement_timeout = 20")
        await plain(visit, conn, scope)
        await conn.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(Visit, "enter", late)
    for path, as_ in (
        ("Observation?performer:Organization.name=nord", LAB),
        (f"Organization?_has:Observation:performer:_id={first}", LAB),
        (f"Observation?_id={first}&_include=*", LAB),
        ("Organization?_sort=-name&_count=1", LAB),
        (f"Observation?_id={first}&_revinclude=*", LAB),
        ("Observation?value-quantity=gt5||mg", LAB),
        ("Location?near=48|2|9|km", LAB),
        ("Observation?_text=foie", LAB),
        ("Observation?value-string:contains=foie", LAB),
        (f"Observation?_list={first}", LAB),
        (f"Observation?performer:below=Organization/{first}", LAB),
        (
            "Observation?_filter=not%20(performer:Organization.name%20co%20a%20or%20code%20eq%20b)",
            LAB,
        ),
        ("Organization?_has:Observation:performer:_has:Observation:has-member:status=final", LAB),
        ("Observation?status=final&_summary=count", LAB),
        (f"{me}/Observation?status=final", LAB),
        (f"{me}/*", LAB),
        (f"{me}/$everything", "patient"),
    ):
        answer = await space.get(path, as_=as_)
        assert (answer.status, answer.json["issue"][0]["code"]) == (503, "timeout"), path
    entry = [{"request": {"method": "GET", "url": "Observation?_text=foie"}}]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entry}
    inner = (await space.post("", batch, as_=LAB)).json["entry"][0]["response"]
    assert (inner["status"][:3], inner["outcome"]["issue"][0]["code"]) == ("503", "timeout")
