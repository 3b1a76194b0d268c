# SPDX-License-Identifier: EUPL-1.2
"""Each promise of the one page holds, and each fault planted in it turns its promise red."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from carnet.access.door import Nothing, Visit
from carnet.summary import gather, health, said
from carnet.summary.pages import Health
from tests import people
from tests.documents.lots import corrected, document_of, fresh, lot, subject
from tests.faults import decisions, statements
from tests.space import Peopled, Space, build, pattern
from tests.summary.claims import CLAIMS, everything
from tests.summary.faults import FAULTS, Fault, Plant, written

pytestmark = pytest.mark.anyio

ADMIN = "carnet_admin"  # whom row-level security does not bind: the statements stand alone


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda each: each.__name__)
def test_each_promise_holds(claim: Callable[[], None]) -> None:
    claim()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.name)
def test_each_fault_breaks_its_promise(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.plant(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):  # ValueError: one line was awaited
        fault.claim()


def test_every_promise_has_a_fault() -> None:
    assert {fault.claim for fault in FAULTS} == set(CLAIMS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


# --------------------------------------------------------------------------------- through the door

READERS = ("nurse", "pharmacist")  # who see a report, and not what is masked in it
GONE = ("outsider", "blocked", "minor", "operator")


@asynccontextmanager
async def process(space: Space, peopled: Peopled, role: str) -> AsyncIterator[Space]:
    """Another process on the same database, perhaps as one whom row-level security does not bind."""
    if not role:
        yield space
        return
    name = str(psycopg.conninfo.conninfo_to_dict(space.admin_url)["dbname"])
    url = pattern(peopled.cluster, name).replace("{role}", role)
    built = await build(url, peopled.folder, space.clock, seed=12)
    try:
        yield replace(space, built=built)
    finally:
        await built.pool.close()


async def seen(space: Space, persona: str, patient: str) -> Health:
    """A page, but for when it was made."""
    found = await health(await space.visit(persona), patient)
    return replace(found, made=datetime.fromtimestamp(0, UTC))


async def masked_is_absent(space: Space, process: Space) -> None:
    """What is masked is in no line, source, date, disagreement, number or trend of who may not see it."""
    patient = space.patient_id()
    before = {each: await seen(space, each, patient) for each in READERS}
    document = document_of(await space.post("", lot(fresh().xml), as_="lab-software"))
    for each in READERS:
        assert await seen(space, each, patient) != before[each], "it would show, were it not masked"
    assert (await space.post(f"{document}/$hide", {}, as_="patient")).status == 204
    for each in READERS:
        assert await seen(process, each, patient) == before[each], each
    own = await seen(space, "patient", "")
    id = document.partition("/")[2]
    (source, *_) = [s for line in everything(own) for s in line.sources if s.document == id]
    assert (await said.place(await space.visit("patient"), "", *source.address.split("/"))).document
    for each in READERS:
        with pytest.raises(Nothing):
            await said.place(await process.visit(each), patient, *source.address.split("/"))


async def a_closed_record_is_absent(space: Space, process: Space) -> None:
    """Who may not open a record gets what anybody gets of one that is not."""
    assert everything(await seen(process, "gp", space.patient_id()))
    for persona in GONE:
        with pytest.raises(Nothing):
            await health(await process.visit(persona), space.patient_id())


async def a_replaced_or_withdrawn_document_is_absent(space: Space, process: Space) -> None:
    """Nothing of a report that another replaces, or that is itself entered in error."""
    old = fresh()
    first = document_of(await space.post("", lot(old.xml), as_="lab-software"))
    second = document_of(await space.post("", lot(corrected(old)), as_="lab-software"))
    named = {s.document for line in everything(await seen(process, "gp", space.patient_id()))
             for s in line.sources}  # fmt: skip
    assert second.partition("/")[2] in named
    assert first.partition("/")[2] not in named


Checked = Callable[[Space, Space], Any]
DOOR: tuple[tuple[str, Checked, Plant, str], ...] = (
    ("masks are not looked at", masked_is_absent, statements.labels_ignored, ADMIN),
    ("a search finds what everyone has", masked_is_absent, statements.search_without_scope, ADMIN),
    ("every link reads what is masked", masked_is_absent, decisions.everyone_is_trusted, ""),
    ("whoever knows an id is led to it", masked_is_absent, lambda patch: _led(patch), ADMIN),
    ("a closed record is an empty page", a_closed_record_is_absent,
     written(gather, "opened", ("not any(place[0] in clause.cids for clause in decision.scope.admits)",
                                "False")), ""),
    ("every open record is linked", a_closed_record_is_absent, decisions.linked_with_everybody, ""),
    ("what is replaced counts", a_replaced_or_withdrawn_document_is_absent,
     lambda patch: _replaced_counts(patch), ADMIN),
)  # fmt: skip


PROMISES = (masked_is_absent, a_closed_record_is_absent, a_replaced_or_withdrawn_document_is_absent)


def _led(patch: pytest.MonkeyPatch) -> None:
    """Neither what is read by its id nor the document it came of is judged: either alone is a wall."""
    statements.read_without_scope(patch)
    judging = sys.modules["carnet.access.door.origins"]
    patch.setattr(judging, "condition", lambda *given, **more: "TRUE")


def _replaced_counts(patch: pytest.MonkeyPatch) -> None:
    """Searches find what was replaced, and the status of a document is not looked at."""
    plain = Visit.search
    patch.setattr(Visit, "search", lambda visit, query: plain(visit, replace(query, replaced=True)))
    patch.setattr(gather, "GONE", frozenset())


@pytest.mark.parametrize("claim", PROMISES)
@pytest.mark.parametrize("role", ["", ADMIN])
async def test_each_promise_of_the_door_holds(
    space: Space, peopled: Peopled, claim: Checked, role: str
) -> None:
    async with process(space, peopled, role) as other:
        await claim(space, other)


@pytest.mark.parametrize(("name", "claim", "plant", "role"), DOOR, ids=[each[0] for each in DOOR])
async def test_each_fault_of_the_door_breaks_its_promise(
    space: Space,
    peopled: Peopled,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    claim: Checked,
    plant: Plant,
    role: str,
) -> None:
    async with process(space, peopled, role) as other:
        plant(monkeypatch)
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await claim(space, other)


async def test_a_place_is_of_the_record_it_is_asked_for_in(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through one record nothing leads into another, even for who may open both."""
    made = lot(fresh(people.MINOR).xml, subject=subject(people.MINOR))
    id = document_of(await space.post("", made, as_="lab-software")).partition("/")[2]
    visit, minor, own = (
        await space.visit("parent"),
        space.patient_id("minor"),
        space.patient_id("parent"),
    )
    page = await health(visit, minor)
    address = next(s.address for line in everything(page) for s in line.sources if s.document == id)
    assert (await said.place(visit, minor, *address.split("/"))).document == id
    with pytest.raises(Nothing):
        await said.place(visit, own, *address.split("/"))

    async def same(visit: Visit, cid: int, other: int) -> bool:
        return True

    monkeypatch.setattr(Visit, "same", same)  # the fault: whose it is is not looked at
    assert (await said.place(visit, own, *address.split("/"))).document == id
