# SPDX-License-Identifier: EUPL-1.2
"""Whose account a provider's person has: a RPPS of who practises there, five traits that were checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carnet.access.actor import ActorKind
from carnet.upstream import persons
from carnet.upstream.persons import NoAccountHere
from carnet.upstream.providers import Provider
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio
NATION = Provider(
    "psc", {"fr": "x"}, "https://psc.example", "carnet", Path("x"), None, ("openid",), (), {},
    ("RS256",), frozenset({"professional"}), "rpps", "SubjectNameID", "8", True, None,
)  # fmt: skip
PERSONS = replace(
    NATION, key="fc", opens=frozenset({"patient"}), recognise="traits", claim="", before=""
)


async def of_rpps(space: Space, said: Any, provider: Provider = NATION) -> str:
    return await persons.professional(
        space.built.door, "0" * 16, provider, {provider.claim: said, "sub": "x"}
    )


async def test_a_rpps_opens_the_account_of_who_bears_it(space: Space) -> None:
    gp = await space.actor("gp")
    assert await of_rpps(space, f"8{gp.rpps:011d}") == gp.sub
    plain = replace(NATION, claim="rpps", before="")
    assert await of_rpps(space, f"{gp.rpps:011d}", plain) == gp.sub
    assert await of_rpps(space, gp.rpps, plain) == gp.sub


@pytest.mark.parametrize(
    "said", ["810009999999", "10000000001", "8", "", None, True, 8, ["x"], "8１００００００００１",
             "8' OR 1=1 --"]
)  # fmt: skip
async def test_what_is_no_rpps_of_the_directory_opens_nothing(space: Space, said: Any) -> None:
    before = await space.rows("SELECT count(*) FROM access.subject")
    with pytest.raises(NoAccountHere):
        await of_rpps(space, said)
    assert await space.rows("SELECT count(*) FROM access.subject") == before


async def test_a_hospital_vouches_for_who_practises_there_and_nobody_else(space: Space) -> None:
    gp = await space.actor("gp")
    [(system, value)] = await space.rows(
        "SELECT o.system, o.value FROM access.organisation o JOIN access.situation x ON x.org = o.cid"
        " WHERE x.sub = %s ORDER BY x.id LIMIT 1",
        gp.sub,
    )
    own = replace(NATION, organisation=f"{system}|{value}")
    assert await of_rpps(space, f"8{gp.rpps:011d}", own) == gp.sub
    for other in (f"{system}|000000000", "urn:x|y"):
        with pytest.raises(NoAccountHere):
            await of_rpps(space, f"8{gp.rpps:011d}", replace(NATION, organisation=other))


async def traits(space: Space, **changes: Any) -> dict[str, Any]:
    """Those a provider says of the patient; their identity was checked."""
    await space.rows("UPDATE access.identity SET status = 'QUAL'")
    cid = space.where.people["patient"]
    [(name, given, born, sex, place)] = await space.rows(
        "SELECT birth_name, first_given, birth_date, sex, birth_place FROM access.identity WHERE cid = %s",
        cid,
    )
    return {
        "sub": "x", "family_name": name.title(), "given_name": f"{given.title()} Zoé", "gender": sex,
        "birthdate": born.isoformat(), "birthplace": place, "birthcountry": "99100", **changes,
    }  # fmt: skip


async def of_traits(space: Space, said: dict[str, Any]) -> str:
    return await persons.person(space.built.door, "0" * 16, PERSONS, said)


async def test_five_traits_that_were_checked_open_the_one_record(space: Space) -> None:
    patient = await space.actor("patient")
    assert await of_traits(space, await traits(space)) == patient.sub


@pytest.mark.parametrize(
    "changes",
    [
        {"family_name": "AUTRE"}, {"given_name": "Autre"}, {"given_name": ""}, {"gender": "unknown"},
        {"birthdate": "1985-03-28"}, {"birthdate": "27/03/1985"}, {"birthplace": "99999"},
        {"birthplace": "", "birthcountry": ""}, {"family_name": None}, {"gender": ["female"]},
    ],
    ids=repr,
)  # fmt: skip
async def test_one_trait_of_another_opens_nothing(space: Space, changes: dict[str, Any]) -> None:
    with pytest.raises(NoAccountHere):
        await of_traits(space, await traits(space, **changes))


async def test_two_who_answer_are_nobody_and_so_is_who_was_not_checked(space: Space) -> None:
    said = await traits(space)
    cid, other = space.where.people["patient"], space.where.people["elder"]
    await space.rows("UPDATE access.identity SET status = 'PROV' WHERE cid = %s", cid)
    with pytest.raises(NoAccountHere):
        await of_traits(space, said)
    await space.rows("UPDATE access.identity SET status = 'VALI' WHERE cid = %s", cid)
    await of_traits(space, said)
    await space.rows(
        "UPDATE access.identity i SET birth_name = p.birth_name, first_given = p.first_given,"
        " birth_date = p.birth_date, sex = p.sex, birth_place = p.birth_place"
        " FROM access.identity p WHERE p.cid = %s AND i.cid = %s",
        cid,
        other,
    )
    with pytest.raises(NoAccountHere):
        await of_traits(space, said)


async def test_refusals_are_traced_and_name_nobody(space: Space) -> None:
    with pytest.raises(NoAccountHere):
        await of_traits(space, await traits(space, given_name="Autre"))
    rows = await space.rows(
        "SELECT act, rule, sub, cids FROM access.audit WHERE act = 'log-in' AND NOT granted"
    )
    assert rows
    assert all(people.PATIENT.name not in str(row) for row in rows)


async def test_the_person_is_told_that_a_provider_opens_their_account(space: Space) -> None:
    patient = await space.actor("patient")
    assert patient.kind is ActorKind.PATIENT
    await persons.told(space.built.door, "0" * 16, patient, PERSONS, linked=True)
    told = await space.rows(
        "SELECT act, rule FROM access.audit WHERE sub = %s AND act = 'provider-linked'", patient.sub
    )
    assert told == [("provider-linked", "fc")]
