# SPDX-License-Identifier: EUPL-1.2
"""What the pages ask of the rest of Carnet: `app.py` supplies it, a page holds no rule.

Every act raises a `carnet.errors.CarnetError` to refuse; `refusals.py` makes a page of it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from carnet.access.actor import Actor
from carnet.access.pages import Opening, Seal
from carnet.documents.pages import (
    Asked,
    Content,
    Curve,
    CurveLine,
    DocumentList,
    DocumentPage,
)
from carnet.documents.show import FilePage
from carnet.portal.life.acts import LifeActs
from carnet.portal.rights.acts import RightsActs
from carnet.portal.vigilance.acts import IdentityActs
from carnet.rights.acting.queries import Session
from carnet.rights.mandate import Acting, Offer, Traits
from carnet.rights.session import Receipt
from carnet.vigilance.pages import Found, Person, TraitsForm

# How a consent was had, as the professional declares it.
HOW = ("oral", "written", "remote")


class Acts(RightsActs, Protocol):
    """The acts, already bound to the desk.

    `patient` is the opaque id of a Patient; "" is the actor's own record.
    """

    async def person(self, actor: Actor, patient: str) -> Person:
        """Whose record this is; NotFound when it must look absent."""

    async def documents(self, actor: Actor, patient: str, asked: Asked) -> DocumentList:
        """What the actor may see of the record, a page at a time."""

    async def document(self, actor: Actor, patient: str, document: str) -> DocumentPage:
        """One document of the record."""

    async def curves(self, actor: Actor, patient: str) -> Sequence[CurveLine]:
        """Every measure that has a curve, by label."""

    async def curve(self, actor: Actor, patient: str, code: str) -> Curve:
        """One measure over time, by LOINC code."""

    async def content(self, actor: Actor, patient: str, binary: str) -> Content:
        """A file of a document, by Binary id."""

    async def upload(
        self,
        actor: Actor,
        *,
        data: bytes,
        title: str,
        kind: str,
        on: date,
        declared: str,
        name: str,
        patient: str = "",
    ) -> str:
        """Put a file in one's own record, or in that of whom one acts for; the document's id.

        See documents/upload.py.
        """

    async def file(self, actor: Actor, patient: str, document: str) -> FilePage:
        """The file of a document: how many page images, its text."""

    async def picture(
        self, actor: Actor, patient: str, binary: str, number: int, width: int
    ) -> bytes:
        """One page image of a file, PNG."""

    async def openings(self, actor: Actor, patient: str) -> Sequence[Opening]:
        """Who has read the record, newest first."""

    async def proof(self, actor: Actor, line: str) -> bytes:
        """The proof of one opening, as JSON to keep."""

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Found]:
        """The persons who answer to what was typed, five at most."""

    async def resolve(self, actor: Actor, handle: str) -> str:
        """The patient's id behind a handle, for one who already has consent; else NotFound."""

    async def declare(self, actor: Actor, handle: str, how: str) -> str:
        """Declare a consent, with how it was had (one of `HOW`); returns the patient's id."""

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


class Parts(Protocol):
    """What `app.py` hands to the portal."""

    acts: Acts
    life: LifeActs
    identity: IdentityActs

    @property
    def matrix(self) -> str:
        """Name and version of the access matrix in force, as refusals quote it."""

    def seal(self) -> Seal | None:
        """The last root of the audit handed out; None before there is one."""

    async def actor(self, subject: str, *, secret: bool = False) -> Actor:
        """The actor of a log-in, from `access.subject`.

        secret: a minor's connection that leaves no trace for their representatives; BusinessRule when
        it is not theirs to ask.
        """
