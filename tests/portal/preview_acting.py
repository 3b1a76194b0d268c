# SPDX-License-Identifier: EUPL-1.2
"""Invented answers behind the pages of assistants and of the operator."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from carnet import errors
from carnet.access.actor import Actor
from carnet.rights.acting.queries import Assisted, Assisting, Colleague
from carnet.rights.assist import NotColleague
from carnet.rights.mandate import Acting, NobodyAnswers, Traits
from carnet.rights.represent import OfAge, Represented

THEN = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
DURAND, MERCIER = 10000000001, 10000000004
TILLEULS = "Maison de santé des Tilleuls"
PERSON = "k3v9q2x7suzanne"
PARENT = Acting(
    "m1", PERSON, "LE CŒUR Suzanne", date(1941, 5, 14), "female", "Anne LE CŒUR", "guardian",
    "all", "judgment", "TJ Tours, 2026/44", THEN, None,
)  # fmt: skip


class PreviewAssistants:
    """What was done is kept, for the tests to read."""

    assisting: list[tuple[Any, ...]] = []

    async def assisted(self, actor: Actor) -> Sequence[Assisted]:
        if actor.sub == "assistant:nobody":
            return ()
        return (Assisted(DURAND, "Dr Paul DURAND"), Assisted(MERCIER, "Dr Anne MERCIER"))

    async def colleagues(self, actor: Actor) -> Sequence[Colleague]:
        return (
            Colleague("assistant:poulain", "Martine POULAIN", TILLEULS, 5, THEN),
            Colleague("assistant:leroux", "Jean LEROUX", TILLEULS, 5, None),
        )

    async def assistants(self, actor: Actor) -> Sequence[Assisting]:
        one = Assisting(
            "assistant:poulain", "Martine POULAIN", TILLEULS, DURAND, "Dr Paul DURAND", THEN
        )
        return (
            one,
            replace(one, rpps=MERCIER, professional=None),
            Assisting("assistant:leroux", "Jean LEROUX", TILLEULS, None, None, None),
        )

    async def assist(self, actor: Actor, sub: str, rpps: int | None, *, named: bool) -> None:
        if rpps == 99999999999:
            raise NotColleague
        self.assisting.append((actor.sub, sub, rpps, named))

    async def find_person(self, actor: Actor, person: Traits) -> str:
        if person.name != "Le Cœur":
            raise NobodyAnswers
        return PERSON

    async def represented(self, actor: Actor, patient: str) -> Represented:
        if patient != PERSON:
            raise errors.NotFound
        return Represented(PERSON, "LE CŒUR Suzanne", date(1941, 5, 14), False, (PARENT,))

    async def represent(
        self,
        actor: Actor,
        patient: str,
        who: Traits,
        nature: str,
        proof: str,
        until: datetime | None,
    ) -> str:
        if nature == "representative":
            raise OfAge
        if who.name != "Delaunay":
            raise NobodyAnswers
        self.assisting.append((patient, nature, proof, until))
        return "m3"
