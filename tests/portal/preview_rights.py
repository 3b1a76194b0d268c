# SPDX-License-Identifier: EUPL-1.2
"""Invented answers behind the pages of the rights."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from carnet import errors
from carnet.access.actor import Actor
from carnet.rights.explain import (
    ANNOUNCED,
    CHECKED,
    KEPT,
    LEAST,
    MASKS,
    NO_LINK,
    NOT_HELD,
    REACH,
    SENT,
    UNCLASSIFIED,
    unread,
)
from carnet.rights.pages import (
    Chosen,
    Explanation,
    Given,
    Professional,
    Refused,
    Rights,
)

THEN = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
DURAND = Professional(
    10000000001, "Dr Paul DURAND", "Médecin", "Maison de santé des Tilleuls", True, ("read", "team")
)
ROUX = Professional(10000000002, "Sophie ROUX", "Infirmier", "", False, ("team",), blocked=True)
FABRE = Professional(10000000003, "Dr Marc FABRE", "Chirurgien-dentiste", "", False, ("consent",))
RIGHTS = Rights(
    (
        Given(
            "c1", "Équipe des Tilleuls", (DURAND, ROUX), "oral", DURAND.name, THEN, None, None, True
        ),
        Given("c2", "", (FABRE,), "remote", FABRE.name, THEN, THEN.replace(hour=17), None, False),
        Given(
            "c3", "Équipe de l’hôpital", (), "written", "", THEN, None, THEN.replace(day=14), False
        ),
    ),
    (Chosen(ROUX, THEN),),
    (Chosen(FABRE, THEN),),
    (
        Refused("bris-de-glace", "", "", 4, False, None),
        Refused("centre-15", "", "", 2, True, THEN),
    ),
)
NOTHING = Rights(
    (), (), (), tuple(replace(one, refused=False, since=None) for one in RIGHTS.emergencies)
)


class PreviewRights:
    """What was done is kept, for the tests to read."""

    done: list[tuple[Any, ...]] = []

    async def rights(self, actor: Actor, patient: str) -> Rights:
        return NOTHING if actor.sub == "patient:newcomer" else RIGHTS

    async def professionals(self, actor: Actor, patient: str) -> Sequence[Professional]:
        return () if actor.sub == "patient:newcomer" else (DURAND, ROUX, FABRE)

    async def find_professional(self, actor: Actor, text: str) -> Sequence[Professional]:
        if len(text) < 3:
            raise errors.Invalid
        return (FABRE,) if text.upper() == "FABRE" else ()

    async def withdraw(self, actor: Actor, patient: str, consent_: str) -> None:
        self.done.append(("withdraw", patient, consent_))

    async def block(self, actor: Actor, patient: str, rpps: int, *, blocked: bool) -> None:
        self.done.append(("block", patient, rpps, blocked))

    async def trust(self, actor: Actor, patient: str, rpps: int, *, trusted: bool) -> None:
        self.done.append(("trust", patient, rpps, trusted))

    async def refuse(self, actor: Actor, patient: str, mode: str, *, refused: bool) -> None:
        self.done.append(("refuse", patient, mode, refused))

    async def mask(self, actor: Actor, document: str, *, masked: bool) -> None:
        if document == "unknown":
            raise errors.NotFound
        self.done.append(("mask", document, masked))

    async def marks(self, actor: Actor, document: str) -> frozenset[str]:
        if actor.kind == "professional":
            return frozenset(
                {"bio-2026": ("announce-later", "keep"), "img-2025": ("announced",)}.get(
                    document, ()
                )
            )
        if actor.sub == "patient:newcomer":
            return frozenset(("keep",) if document == "bio-2026" else ("give-back",))
        return frozenset()

    async def mark(self, actor: Actor, document: str, what: str) -> None:
        if document == "unknown":
            raise errors.NotFound
        self.done.append((what, document))

    async def explain(self, actor: Actor, patient: str) -> Explanation:
        if actor.kind in ("patient", "helper"):
            if patient == "unknown":
                return Explanation(False, "", None, "", NOT_HELD)
            more = (REACH["care"], KEPT) if patient else ()
            rule = "carer-mandate" if patient else "patient-self"
            return Explanation(True, rule, None, "", (SENT, CHECKED, ANNOUNCED, *more))
        if patient == "unknown":
            return Explanation(False, "", None, "", NO_LINK)
        reasons = (*unread(()), *unread((10, 12)), MASKS, UNCLASSIFIED, LEAST)
        return Explanation(True, "care-team", THEN, "", reasons)
