# SPDX-License-Identifier: EUPL-1.2
"""Watched records and hourly limits, for every kind of actor."""

from __future__ import annotations

import pytest

from carnet.access.actor import ActorKind
from carnet.access.door.visit import LIMITED
from tests.export.test_take import seal
from tests.space import Space

pytestmark = pytest.mark.anyio
# Who reads the patient's record, and how; an assistant acts for the doctor.
OPENERS = {
    "patient": ActorKind.PATIENT, "gp": ActorKind.PROFESSIONAL, "assistant": ActorKind.ASSISTANT,
    "hospital-software": ActorKind.SOFTWARE, "helper": ActorKind.HELPER,
}  # fmt: skip


async def test_any_opening_of_a_watched_record_is_told_whoever_opens_it(space: Space) -> None:
    """Granted or refused, by an id or a search; but not being found by one's traits."""
    keys = {"helper": "elder"}
    for key in ("patient", "elder"):
        await space.rows(
            "INSERT INTO access.canary VALUES (%s, now(), 'operator:x')", space.where.people[key]
        )
    await seal(space)
    await space.rows("DELETE FROM access.alert")
    for persona in (*OPENERS, "outsider", "operator"):
        id = space.patient_id(keys.get(persona, "patient"))
        await space.get(f"Patient/{id}", as_=persona)
    await space.get(f"Observation?patient={space.patient_id()}&_count=1", as_="nurse")
    await space.get(f"Patient/{space.patient_id()}/$everything?_count=1", as_="nurse")
    await space.get(f"Patient/{space.patient_id()}/$take-away", as_="gp")
    await seal(space)
    told = {
        sub for (sub,) in await space.rows("SELECT sub FROM access.alert WHERE reason = 'canary'")
    }
    for persona in (*OPENERS, "outsider", "nurse"):
        assert (await space.actor(persona)).sub in told, persona


@pytest.mark.parametrize("persona", list(OPENERS))
async def test_who_reads_other_people_stops_at_a_number_an_hour(space: Space, persona: str) -> None:
    """The person of a record and a software reading its own deposits are not counted."""
    who = await space.actor(persona)
    await space.rows(
        "INSERT INTO access.audit (at, request, sub, client, purpose, act, granted, rule, matrix, cid)"
        " SELECT %s, 'r', %s, 'c', 'TREAT', 'read', true, 'care-team', 'm', n"
        " FROM generate_series(1, %s) n", space.clock(), who.sub, space.built.settings.patients_per_hour,
    )  # fmt: skip
    id = space.patient_id("elder" if persona == "helper" else "patient")
    if persona == "helper":  # a session, as the person present began it
        await space.rows(
            "INSERT INTO access.mandate (id, cid, sub, nature, reach, how, declared_by, since)"
            " VALUES (1, %s, %s, 'helper', 'care', 'oral', %s, %s)",
            space.where.people["elder"], who.sub, who.sub, space.clock(),
        )  # fmt: skip
    answers = [
        await space.get(f"Observation?patient={id}&_count=1", as_=persona),
        await space.get(f"Patient/{id}/$everything?_count=1", as_=persona),
    ]
    assert who.kind is OPENERS[persona]
    seen = {each.status for each in answers}
    assert seen == {429} if who.kind in LIMITED else 429 not in seen


async def test_every_kind_of_actor_is_limited_or_reads_their_own(space: Space) -> None:
    """A kind that is added is decided here."""
    assert set(ActorKind) - LIMITED == {ActorKind.PATIENT, ActorKind.SOFTWARE, ActorKind.OPERATOR}
    assert set(OPENERS.values()) == set(ActorKind) - {ActorKind.OPERATOR}
