# SPDX-License-Identifier: EUPL-1.2
"""What the pages ask of the rest of Carnet: `app.py` supplies it, a page holds no rule.

Every act raises a `carnet.errors.CarnetError` to refuse; `refusals.py` makes a page of it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol, Unpack

from carnet.access.actor import Actor
from carnet.access.limits.login import Tries
from carnet.access.pages import Opening, Seal
from carnet.composing.prescription import Line
from carnet.documents.pages import (
    Asked,
    Content,
    Curve,
    CurveLine,
    DocumentList,
    DocumentPage,
)
from carnet.documents.show import FilePage
from carnet.documents.text.pages import Results
from carnet.documents.upload import Given
from carnet.portal.acting.acts import ActingActs
from carnet.portal.activation.acts import ActivationActs
from carnet.portal.agenda.acts import AgendaActs
from carnet.portal.alarms.acts import AlarmActs
from carnet.portal.apps.acts import AppActs
from carnet.portal.clients.acts import ClientActs
from carnet.portal.composing.acts import ComposingActs
from carnet.portal.ecosystem.acts import EcosystemActs
from carnet.portal.life.acts import LifeActs
from carnet.portal.messaging.acts import MailActs
from carnet.portal.orientation.acts import OrientationActs
from carnet.portal.prescribing.acts import PrescribingActs
from carnet.portal.rights.acts import RightsActs
from carnet.portal.upstream.acts import UpstreamActs
from carnet.portal.vigilance.acts import IdentityActs
from carnet.summary.pages import Health
from carnet.summary.said import Place as Said
from carnet.summary.words import Language
from carnet.vigilance.pages import Found, Person, TraitsForm

# What an International Patient Summary is written in: a page to read, or FHIR.
Form = Literal["pdf", "json"]

# How a consent was had, as the professional declares it.
HOW = ("oral", "written", "remote")


class Acts(RightsActs, ActingActs, Protocol):
    """The acts, already bound to the desk.

    `patient` is the opaque id of a Patient; "" is the actor's own record.
    """

    async def person(self, actor: Actor, patient: str) -> Person:
        """Whose record this is; NotFound when it must look absent."""

    async def health(self, actor: Actor, patient: str, language: Language = "fr") -> Health:
        """What matters of the record, on one page."""

    async def said_in(self, actor: Actor, patient: str, rtype: str, id: str) -> Said:
        """The document where something of the record was said, and its section."""

    async def summary(
        self, actor: Actor, patient: str, language: str, form: Form
    ) -> tuple[str, bytes]:
        """The International Patient Summary as a file, with its name."""

    async def prescription_number(self) -> str:
        """The number of a prescription that is about to be reviewed."""

    async def prescribe(
        self, actor: Actor, patient: str, lines: Sequence[Line], number: str
    ) -> str:
        """Write a prescription of that number; the id of its document, Conflict when it is written."""

    async def documents(self, actor: Actor, patient: str, asked: Asked) -> DocumentList:
        """What the actor may see of the record, a page at a time."""

    async def search(self, actor: Actor, patient: str, typed: str, asked: Asked) -> Results:
        """The documents of the record that answer to words; WrongQuestion when it is no question."""

    async def document(self, actor: Actor, patient: str, document: str) -> DocumentPage:
        """One document of the record."""

    async def curves(self, actor: Actor, patient: str) -> Sequence[CurveLine]:
        """Every measure that has a curve, by label."""

    async def curve(self, actor: Actor, patient: str, code: str) -> Curve:
        """One measure over time, by LOINC code."""

    async def content(self, actor: Actor, patient: str, binary: str) -> Content:
        """A file of a document, by Binary id."""

    async def upload(self, actor: Actor, **given: Unpack[Given]) -> str:
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

    def take_away(self, actor: Actor, patient: str) -> AsyncIterator[bytes]:
        """A copy of the record, as one archive made as it is read: see carnet/export/take.py."""

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Found]:
        """The persons who answer to what was typed, five at most."""

    async def resolve(self, actor: Actor, handle: str) -> str:
        """The patient's id behind a handle, for one who already has consent; else NotFound."""

    async def end_connections(self, actor: Actor) -> int:
        """End all that is connected in the actor's name; the revision of a session that stays."""

    async def declare(self, actor: Actor, handle: str, how: str) -> str:
        """Declare a consent, with how it was had (one of `HOW`); returns the patient's id."""


class Parts(Protocol):
    """What `app.py` hands to the portal."""

    acts: Acts
    composing: ComposingActs
    prescribing: PrescribingActs
    life: LifeActs
    apps: AppActs
    identity: IdentityActs
    tries: Tries
    alarms: AlarmActs
    agenda: AgendaActs
    mail: MailActs
    ecosystem: EcosystemActs
    orientation: OrientationActs
    activation: ActivationActs
    clients: ClientActs
    upstream: UpstreamActs

    @property
    def matrix(self) -> str:
        """Name and version of the access matrix in force, as refusals quote it."""

    def seal(self) -> Seal | None:
        """The last root of the audit handed out; None before there is one."""

    async def actor(
        self,
        subject: str,
        *,
        secret: bool = False,
        acting_for: int | None = None,
        situation: str | None = None,
    ) -> Actor:
        """The actor of a log-in, from `access.subject`.

        secret: a minor's connection that leaves no trace for their representatives; BusinessRule when
        it is not theirs to ask. acting_for: RPPS of whom an assistant chose, the first of theirs when
        none is; Forbidden when they do not assist them (any more). situation: where a professional
        practises, the first when none is; Unauthenticated when it is not theirs (any more).
        """

    async def situations(self, subject: str) -> Sequence[tuple[str, str]]:
        """Where a professional practises: situation, and name of the organisation."""
