# SPDX-License-Identifier: EUPL-1.2
"""Codes of who works here: a number for a birth date, another operator, the first by the command."""

from __future__ import annotations

import pytest

from carnet import errors
from carnet.accounts import activate, prove, stop
from carnet.accounts.activate import WrongActivation
from carnet.accounts.prove import Given, NoDocument, OneOfYours, Way, WrongWay
from carnet.accounts.rules import rules
from tests.space import Space

pytestmark = pytest.mark.anyio
OTHER = "999 999"


async def sub_of(space: Space, persona: str) -> str:
    return (await space.visit(persona)).actor.sub


async def given(space: Space, persona: str, document: str = "CN", way: Way = Way()) -> Given:  # noqa: B008
    """A code for the account of a persona."""
    sub = await sub_of(space, persona)
    return await prove.give_account(await space.visit("operator"), sub, document, way)


@pytest.mark.parametrize("persona", ["gp", "nurse", "assistant", "helper"])
async def test_a_code_and_its_number_open_the_account_of_who_works(
    space: Space, persona: str
) -> None:
    before = await space.visit(persona)
    made = await given(space, persona)
    assert len(made.number.replace(" ", "")) == rules().digits
    opened = await activate.check(space.built.door, "r", made.code, made.number)
    assert (opened.sub, opened.factors, opened.enrols) == (before.actor.sub, False, True)
    assert await activate.use(space.built.door, "r", made.code, made.number) == before.actor.sub
    assert (await space.visit(persona)).actor.rev == before.actor.rev + 1
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", made.code, made.number)


async def test_the_code_alone_opens_nothing_and_five_wrong_numbers_end_it(space: Space) -> None:
    made, door = await given(space, "gp"), space.built.door
    for number in ("", OTHER, "1", "x", "0" * 40)[: rules().tries]:
        with pytest.raises(WrongActivation) as why:
            await activate.check(door, "r", made.code, number)
        assert str(why.value) == WrongActivation.__doc__
    for act in (activate.check, activate.use):
        with pytest.raises(WrongActivation):
            await act(door, "r", made.code, made.number)


async def test_a_birth_date_does_not_stand_for_a_number_nor_a_number_for_a_birth_date(
    space: Space,
) -> None:
    from tests.accounts.test_activation import BORN
    from tests.accounts.test_activation import given as at_counter

    worker, patient, door = await given(space, "gp"), await at_counter(space), space.built.door
    for code, second in ((worker.code, BORN), (patient.code, worker.number), (patient.code, "")):
        with pytest.raises(WrongActivation):
            await activate.use(door, "r", code, second)
    assert patient.number == ""


async def test_nobody_gives_themselves_a_code(space: Space) -> None:
    with pytest.raises(OneOfYours):
        await given(space, "operator")


@pytest.mark.parametrize("who", ["patient", "gp", "assistant", "helper"])
async def test_an_operator_alone_gives_them(space: Space, who: str) -> None:
    sub = await sub_of(space, "nurse")
    with pytest.raises(errors.NotFound):
        await prove.give_account(await space.visit(who), sub, "CN")


@pytest.mark.parametrize("persona", ["patient", "lab-software"])
async def test_a_patient_is_proven_by_their_card_and_software_by_its_keys(
    space: Space, persona: str
) -> None:
    with pytest.raises(errors.NotFound):
        await given(space, persona)


async def test_a_document_is_seen_here_too(space: Space) -> None:
    with pytest.raises(NoDocument):
        await given(space, "gp", "")


@pytest.mark.parametrize("how", ["letter", "email"])
async def test_a_code_for_a_second_factor_goes_by_hand_alone(space: Space, how: str) -> None:
    way = Way(how, "factor", "x@example.org", ("1 rue A", "29000 QUIMPER"))
    with pytest.raises(WrongWay):
        await given(space, "gp", way=way)


async def test_the_database_refuses_what_the_program_would_let_go(space: Space) -> None:
    """A planted fault: a row for a second factor that was sent by e-mail."""
    import psycopg

    await given(space, "gp", way=Way(kind="factor"))
    with pytest.raises(psycopg.errors.CheckViolation):
        await space.rows("UPDATE access.activation SET how = 'email' RETURNING hash")


async def test_a_code_for_a_second_factor_says_so_and_one_for_the_account_does_not(
    space: Space,
) -> None:
    door = space.built.door
    made = await given(space, "gp", way=Way(kind="factor"))
    assert (await activate.check(door, "r", made.code, made.number)).factors
    again = await given(space, "gp")
    assert not (await activate.check(door, "r", again.code, again.number)).factors
    with pytest.raises(WrongActivation):  # a new code ended it, whatever it was for
        await activate.check(door, "r", made.code, made.number)


async def test_who_holds_the_machine_gives_an_operator_the_way_in(space: Space) -> None:
    sub, door = await sub_of(space, "operator"), space.built.door
    for kind in ("account", "factor"):
        made = await prove.by_command(door, sub, kind)
        assert (await activate.check(door, "r", made.code, made.number)).kind == kind
    assert await activate.use(door, "r", made.code, made.number) == sub
    with pytest.raises(errors.NotFound):
        await prove.by_command(door, await sub_of(space, "gp"))


async def test_neither_code_nor_number_rests_anywhere(space: Space) -> None:
    made = await given(space, "gp")
    rows = await space.rows("SELECT hash, second, row_to_json(a)::text FROM access.activation a")
    hidden = (made.code.replace("-", ""), made.number.replace(" ", ""))
    for hash_, second, text in rows:
        for each in hidden:
            assert each not in text
            assert each.encode() not in bytes(hash_) + bytes(second)
    assert made.code not in repr(made)
    assert made.number not in repr(made)


async def test_a_stopped_account_has_no_code_left(space: Space) -> None:
    made, operator = await given(space, "gp"), await space.visit("operator")
    await stop.stop(operator, await sub_of(space, "gp"))
    with pytest.raises(WrongActivation):
        await activate.use(space.built.door, "r", made.code, made.number)
