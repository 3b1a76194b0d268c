# SPDX-License-Identifier: EUPL-1.2
"""An officer finds an identity, sees its history, and is offered what may be done on it, no more."""

from datetime import date

import pytest

from carnet import errors
from carnet.access import audit
from carnet.identity.status import Standing, Status
from carnet.vigilance import look
from carnet.vigilance.find import NotEnough, TooManyFinds, TooManyFound
from carnet.vigilance.insi import Simulator
from carnet.vigilance.pages import TraitsForm
from carnet.vigilance.qualify import NoReason
from tests.space import Space
from tests.vigilance.acts import FIRST, made, patient

pytestmark = pytest.mark.anyio
NAME = TraitsForm(name="Delaunay", birth_date=date(1980, 5, 4))


@pytest.mark.parametrize(("standing", "offered"), [
    (Standing(), "validate retrieve doubt homonym fictitious"),
    (Standing(Status.RETRIEVED), "validate retrieve doubt homonym degrade fictitious"),
    (Standing(Status.VALIDATED), "retrieve doubt homonym degrade fictitious"),
    (Standing(Status.QUALIFIED, homonym=True), "doubt no-homonym degrade fictitious"),
    (Standing(doubtful=True), "clear homonym fictitious"),
    (Standing(fictitious=True), "doubt"),
])  # fmt: skip
def test_what_is_offered_would_change_something_and_be_allowed(
    standing: Standing, offered: str
) -> None:
    assert [str(act) for act in look.allowed(standing)] == offered.split()


async def test_an_officer_marks_an_identity_and_the_history_says_who_and_why(space: Space) -> None:
    cid = await made(space, patient())
    visit = await space.visit(FIRST)
    (found,) = await look.find(visit, NAME)
    assert found.id == space.built.door.ids.encode(cid, cid)
    before = len((await look.identity(visit, found.id)).steps)
    with pytest.raises(NoReason):
        await look.mark(visit, found.id, "doubt", " ")
    with pytest.raises(errors.Invalid):
        await look.mark(visit, found.id, "validate", "no document")
    await look.mark(visit, found.id, "doubt", "deux dates")
    seen = await look.identity(visit, found.id)
    assert seen.traits.doubtful
    assert "validate" not in seen.may
    assert (seen.steps[0].act, seen.steps[0].reason) == ("doubt", "deux dates")
    assert len(seen.steps) == before + 1
    with pytest.raises(errors.BusinessRule):
        await look.validate(visit, found.id, "CN")
    await look.mark(visit, found.id, "clear", "acte de naissance vu")
    await look.validate(visit, found.id, "CN")
    assert (await look.identity(visit, found.id)).traits.status == "VALI"
    assert await look.retrieve(visit, Simulator(), found.id) == "01", "nobody of these traits"


@pytest.mark.parametrize("who", ["gp", "patient", "lab-software", "assistant"])
async def test_nobody_but_an_officer_finds_or_sees_an_identity(space: Space, who: str) -> None:
    visit, id = await space.visit(who), space.patient_id()
    with pytest.raises(errors.NotFound):
        await look.find(visit, NAME)
    for act in (
        look.identity(visit, id), look.validate(visit, id, "CN"),
        look.mark(visit, id, "doubt", "x"), look.retrieve(visit, Simulator(), id),
    ):  # fmt: skip
        with pytest.raises(errors.NotFound):
            await act


async def test_finding_is_limited_as_any_search_for_a_person(space: Space) -> None:
    visit = await space.visit(FIRST)
    with pytest.raises(NotEnough):
        await look.find(visit, TraitsForm(name="Delaunay"))
    for given in ("ANNE", "BEA", "CELIA", "DORA", "EVA", "FLORE"):
        await made(space, patient("ABADIE", given))
    with pytest.raises(TooManyFound):
        await look.find(visit, TraitsForm(name="Abadie", birth_date=date(1980, 5, 4)))
    for _ in range(space.built.settings.find_per_hour):
        async with visit.door.pool.connection() as conn:
            await audit.write(conn, visit.trace("find", "find-a-person"), granted=True)
    with pytest.raises(TooManyFinds):
        await look.find(visit, NAME)
