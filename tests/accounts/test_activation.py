# SPDX-License-Identifier: EUPL-1.2
"""From the counter to the account: who gives a code, who uses it, once; every refusal reads alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from carnet import errors
from carnet.accounts import activate, prove, queries
from carnet.accounts.activate import WrongActivation
from carnet.accounts.prove import Given, NoDocument
from carnet.accounts.rules import rules
from carnet.rights.readers import openings
from tests import people
from tests.space import Space

pytestmark = pytest.mark.anyio
BORN = people.PATIENT.birth_date


async def given(space: Space, by: str = "operator", document: str = "CN") -> Given:
    """A code for the patient, whose identity card was seen."""
    me = await space.visit("patient")
    assert me.actor.patient is not None
    patient = space.built.door.ids.encode(me.actor.patient, me.actor.patient)
    return await prove.give(await space.visit(by), patient, document)


async def refused(space: Space, code: str, born: object = BORN) -> None:
    """Neither looked at nor used."""
    for act in (activate.check, activate.use):
        with pytest.raises(WrongActivation) as why:
            await act(space.built.door, "r", code, born)  # type: ignore[arg-type]
        assert str(why.value) == WrongActivation.__doc__


async def test_a_code_and_a_birth_date_give_the_account_of_who_was_proven(space: Space) -> None:
    code, door = (await given(space)).code, space.built.door
    await activate.check(door, "r", code.lower().replace("-", " "), BORN)
    me = await space.visit("patient")
    assert await activate.use(door, "r", code, BORN) == me.actor.sub
    told = [line.what for line in await openings(await space.visit("patient"), "")]
    assert {"Remise d’un code pour votre compte", "Activation de votre compte"} <= set(told)
    sent = await space.rows("SELECT template FROM notices.outgoing ORDER BY id DESC LIMIT 1")
    assert sent == [("account-activated",)]


async def test_what_was_connected_before_ends(space: Space) -> None:
    before = await space.visit("patient")
    await activate.use(space.built.door, "r", (await given(space)).code, BORN)
    assert (await space.visit("patient")).actor.rev == before.actor.rev + 1


async def once(space: Space) -> None:
    code, door = (await given(space)).code, space.built.door
    await activate.use(door, "r", code, BORN)
    with pytest.raises(WrongActivation):
        await activate.use(door, "r", code, BORN)


async def test_a_code_is_used_once(space: Space) -> None:
    await once(space)
    code = (await given(space)).code
    await activate.use(space.built.door, "r", code, BORN)
    await refused(space, code)


async def test_the_test_above_sees_a_code_that_is_used_twice(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: the code is not marked."""
    text = queries.USE.replace("SET used_at = %(now)s, born = NULL", "SET tries = tries")
    monkeypatch.setattr(queries, "USE", text)
    with pytest.raises(pytest.fail.Exception):
        await once(space)


async def test_of_eight_at_once_one_uses_it(space: Space) -> None:
    code, door = (await given(space)).code, space.built.door
    done = await asyncio.gather(
        *(activate.use(door, f"r{n}", code, BORN) for n in range(8)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["WrongActivation"] * 7 + ["str"]


async def test_five_wrong_birth_dates_end_a_code(space: Space) -> None:
    code, door = (await given(space)).code, space.built.door
    for day in range(1, rules().tries + 1):
        with pytest.raises(WrongActivation):
            await activate.check(door, "r", code, BORN + timedelta(days=day))
    await refused(space, code)


async def late(space: Space, code: str) -> None:
    space.clock.advance(rules().lasts)


async def replaced(space: Space, code: str) -> None:
    await given(space)


@pytest.mark.parametrize("over", [late, replaced])
async def test_a_code_that_is_over_reads_like_one_that_nobody_gave(
    space: Space, over: Callable[[Space, str], Awaitable[None]]
) -> None:
    code = (await given(space)).code
    await over(space, code)
    await refused(space, code)
    await refused(space, "0000-0000-0000-000")
    await refused(space, "not a code")


async def test_a_wrong_date_uses_nothing(space: Space) -> None:
    code, door = (await given(space)).code, space.built.door
    with pytest.raises(WrongActivation):
        await activate.use(door, "r", code, BORN + timedelta(days=1))
    await activate.use(door, "r", code, BORN)


@pytest.mark.parametrize("who", ["patient", "gp", "assistant", "helper"])
async def test_an_operator_alone_gives_codes(space: Space, who: str) -> None:
    with pytest.raises(errors.NotFound):
        await given(space, who)


@pytest.mark.parametrize("document", ["", "EI", "ES", "880692310285"])
async def test_a_document_was_seen_and_its_number_is_not_written(
    space: Space, document: str
) -> None:
    with pytest.raises(NoDocument):
        await given(space, document=document)


async def test_the_database_holds_no_code(space: Space) -> None:
    made = await given(space)
    kept = made.code.replace("-", "")
    rows = await space.rows("SELECT hash, row_to_json(a)::text FROM access.activation a")
    assert rows
    assert all(kept not in text and kept.encode() not in bytes(h) for h, text in rows)
    assert made.code not in repr(made)


async def test_who_is_known_and_has_no_subject_gets_one_and_the_same_later(space: Space) -> None:
    """Nobody is told apart by it: the name of a subject is drawn."""
    me = await space.visit("patient")
    cid, born = me.actor.patient, BORN
    assert cid is not None
    await space.rows(
        f"UPDATE access.subject SET patient = NULL, kind = 'helper' WHERE patient = {cid} RETURNING sub"
    )
    door, subs = space.built.door, set()
    for _ in range(2):
        made = await prove.give(await space.visit("operator"), door.ids.encode(cid, cid), "PA")
        subs.add(await activate.use(door, "r", made.code, born))
    (sub,) = subs
    assert sub.startswith("patient:")
    assert str(cid) not in sub
