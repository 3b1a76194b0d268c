# SPDX-License-Identifier: EUPL-1.2
"""What the pages of those who act for somebody ask of the rest of Carnet; see portal/acts.py."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from carnet.access.actor import Actor
from carnet.rights.acting.queries import Assisted, Assisting, Colleague, Session
from carnet.rights.mandate import Acting, Offer, Traits
from carnet.rights.represent import Represented
from carnet.rights.session import Receipt


class ActingActs(Protocol):
    """Mandates, sessions of helpers, assistants, and what the operator declares."""

    async def acting(self, actor: Actor) -> Sequence[Acting]:
        """Those this actor acts for."""

    async def place(self, actor: Actor, patient: str) -> Acting:
        """By what the actor acts for this person; NotFound when by nothing."""

    async def mandated(self, actor: Actor, patient: str) -> Sequence[Acting]:
        """Those who act for the person of a record."""

    async def offer_mandate(self, actor: Actor, reach: str, until: datetime) -> Offer:
        """Make a mandate for whom one will tell its code."""

    async def share_mandate(self, actor: Actor, patient: str) -> Offer:
        """A code for the other parent."""

    async def accept_mandate(self, actor: Actor, code: str) -> Acting:
        """Take the mandate of a code."""

    async def revoke_mandate(self, actor: Actor, mandate: str) -> None:
        """End a mandate at once."""

    async def declare_mandate(
        self, actor: Actor, patient: str, carer: Traits, reach: str, until: datetime, form: str
    ) -> str:
        """Declare a mandate signed on paper."""

    async def begin_session(self, actor: Actor, person: Traits, how: str, reach: str) -> Acting:
        """A helper begins to act for the person present."""

    async def end_session(self, actor: Actor, session: str) -> Receipt:
        """End a helper's session, with its receipt."""

    async def sessions(self, actor: Actor) -> Sequence[tuple[str, Session]]:
        """Helpers' sessions of the actor or on their record, by id."""

    async def receipt(self, actor: Actor, session: str) -> Receipt:
        """What was done in a session."""

    async def assisted(self, actor: Actor) -> Sequence[Assisted]:
        """Whom an assistant may act for."""

    async def colleagues(self, actor: Actor) -> Sequence[Colleague]:
        """The assistants of where a professional works, theirs among them."""

    async def assistants(self, actor: Actor) -> Sequence[Assisting]:
        """Every assistant and whom they assist, for the operator."""

    async def assist(self, actor: Actor, sub: str, rpps: int | None, *, named: bool) -> None:
        """Name an assistant of a professional, or dismiss them; rpps: when the operator does it."""

    async def find_person(self, actor: Actor, person: Traits) -> str:
        """The operator finds a person by their card; the id of their Patient."""

    async def represented(self, actor: Actor, patient: str) -> Represented:
        """Who acts for a person, for the operator."""

    async def represent(
        self,
        actor: Actor,
        patient: str,
        who: Traits,
        nature: str,
        proof: str,
        until: datetime | None,
    ) -> str:
        """The operator declares a representative or a guardian, on proof."""
