# SPDX-License-Identifier: EUPL-1.2
"""Family links: declared by number, shown from both sides, ended when they were a mistake."""

import pytest

from carnet import errors
from carnet.vigilance import family, look
from tests.space import Space
from tests.vigilance.acts import FIRST, id_of, made, patient

pytestmark = pytest.mark.anyio
INS = "279035121518989"


async def test_a_parent_is_declared_by_number_and_both_show_it(space: Space) -> None:
    mother = await made(space, patient(ins=INS, born="1979-03-14", declared="QUAL"))
    child = await made(space, patient(given="LOU", born="2026-11-02"))
    visit, of = await space.visit(FIRST), id_of(space, child)
    with pytest.raises(family.UnknownParent):
        await family.declare(visit, of, "269054958815780", "mother")
    with pytest.raises(family.WrongLink):
        await family.declare(visit, of, INS, "aunt")
    with pytest.raises(family.WrongLink):
        await family.declare(visit, id_of(space, mother), INS, "mother")
    await family.declare(visit, of, INS, "birth-mother")
    (kin,) = (await look.identity(visit, of)).family
    assert (kin.traits.id, kin.parent, kin.nature) == (id_of(space, mother), True, "birth-mother")
    (kin,) = (await look.identity(visit, id_of(space, mother))).family
    assert (kin.traits.id, kin.parent) == (of, False)


async def test_a_link_that_was_a_mistake_ends_and_may_begin_again(space: Space) -> None:
    mother, child = await made(space, patient()), await made(space, patient(given="LOU"))
    visit, of = await space.visit(FIRST), id_of(space, child)
    await family.link(visit, child, mother, "mother")
    await family.undeclare(visit, of, id_of(space, mother))
    assert (await look.identity(visit, of)).family == ()
    with pytest.raises(errors.NotFound):
        await family.end(visit, child, mother)
    await family.link(visit, child, mother, "parent")
    (kin,) = (await look.identity(visit, of)).family
    assert kin.nature == "parent"
    rows = await space.rows(
        "SELECT act, cids FROM access.audit WHERE act LIKE 'family-%%' AND granted ORDER BY seq"
    )
    both = sorted((child, mother))
    assert rows == [("family-link", both), ("family-unlink", both), ("family-link", both)]


@pytest.mark.parametrize("persona", ["gp", "patient", "helper", "hospital-software"])
async def test_nobody_else_says_who_is_whose_parent(space: Space, persona: str) -> None:
    mother, child = await made(space, patient()), await made(space, patient(given="LOU"))
    visit = await space.visit(persona)
    with pytest.raises(errors.NotFound):
        await family.end(visit, child, mother)
    if persona != "hospital-software":  # it registered the child: it may say so at birth
        with pytest.raises(errors.NotFound):
            await family.link(visit, child, mother, "mother")
