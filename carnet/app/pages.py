# SPDX-License-Identifier: EUPL-1.2
"""What the pages call: the acts of the slices, bound to this process."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Unpack

from carnet.access import queries
from carnet.access.actor import Actor
from carnet.access.limits.login import Counted, Tries
from carnet.access.log import roots
from carnet.access.pages import Opening, Seal
from carnet.app import export, parts, summary
from carnet.app.acting import ActingPages
from carnet.app.activation import ActivationPages
from carnet.app.agenda import AgendaPages
from carnet.app.alarms import AlarmPages
from carnet.app.apps import AppPages
from carnet.app.clients import ClientPages
from carnet.app.composing import ComposingPages
from carnet.app.ecosystem import EcosystemPages
from carnet.app.life import LifePages
from carnet.app.mail_pages import MailPages
from carnet.app.opening.pages import OpeningPages
from carnet.app.orientation import OrientationPages
from carnet.app.parts import Built
from carnet.app.prescribing import PrescribingPages
from carnet.app.rights import RightsPages
from carnet.app.upstream import UpstreamPages
from carnet.app.vigilance import IdentityPages
from carnet.composing.prescription import Line, prescribe
from carnet.config import Instance
from carnet.documents import consult, show, upload
from carnet.documents.pages import (
    Asked,
    Content,
    Curve,
    CurveLine,
    DocumentList,
    DocumentPage,
)
from carnet.documents.show import FilePage
from carnet.documents.text import find as looking
from carnet.documents.text.pages import Results
from carnet.documents.upload import Given
from carnet.portal.activation.acts import ActivationActs
from carnet.portal.acts import Acts
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
from carnet.portal.upstream.acts import UpstreamActs
from carnet.portal.vigilance.acts import IdentityActs
from carnet.rights import connections, consent, readers
from carnet.summary import Health, Language, health, said
from carnet.vigilance import find
from carnet.vigilance.pages import Found, Person, TraitsForm

CLIENT = "carnet-pages"


class PageParts:
    """The parts `carnet.portal` is set up with."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self.acts: Acts = PageActs(built)
        self.composing: ComposingActs = ComposingPages(built)
        self.prescribing: PrescribingActs = PrescribingPages(built)
        self.life: LifeActs = LifePages(built)
        self.apps: AppActs = AppPages(built)
        self.identity: IdentityActs = IdentityPages(built)
        self.ecosystem: EcosystemActs = EcosystemPages(built)
        self.orientation: OrientationActs = OrientationPages(built)
        self.agenda: AgendaActs = AgendaPages(built)
        self.alarms: AlarmActs = AlarmPages(built)
        self.mail: MailActs = MailPages(built)
        self.activation: ActivationActs = ActivationPages(built)
        self.clients: ClientActs = ClientPages(built)
        self.upstream: UpstreamActs = UpstreamPages(built)
        self.tries: Tries = Counted(built.door.counter, built.door.clock)
        private = built.settings.instance is Instance.PRIVATE
        self.opening = OpeningPages(built) if private else None
        self._seal: Seal | None = None
        self._read = -1  # bytes of the file of roots when it was read

    @property
    def matrix(self) -> str:
        """Name and version of the access matrix in force."""
        matrix = self._built.door.matrix.at(self._built.door.clock())
        return f"{matrix.name} ({matrix.version})"

    def seal(self) -> Seal | None:
        """The last root of the file, read again when the file has grown."""
        path = self._built.settings.roots
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return None
        if size != self._read:
            head = roots.last(path)
            self._seal = Seal(head.root.hex(), head.size, head.at) if head else None
            self._read = size
        return self._seal

    async def actor(
        self,
        subject: str,
        *,
        secret: bool = False,
        acting_for: int | None = None,
        situation: str | None = None,
    ) -> Actor:
        """The actor of a log-in."""
        return await parts.actor(
            self._built,
            subject,
            client=CLIENT,
            secret=secret,
            acting_for=acting_for,
            situation=situation,
        )

    async def situations(self, subject: str) -> Sequence[tuple[str, str]]:
        """Where a professional practises."""
        async with self._built.pool.connection() as conn:
            return await queries.situations(conn, subject)


class PageActs(ActingPages, RightsPages):
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def _of(self, actor: Actor, patient: str) -> str:
        """The id of a Patient; "" is one's own."""
        if patient or actor.patient is None:
            return patient
        return self._built.door.ids.encode(actor.patient, actor.patient)

    async def person(self, actor: Actor, patient: str) -> Person:
        return await find.person(parts.visit(self._built, actor), self._of(actor, patient))

    async def health(self, actor: Actor, patient: str, language: Language = "fr") -> Health:
        return await health(parts.visit(self._built, actor), self._of(actor, patient), language)

    async def said_in(self, actor: Actor, patient: str, rtype: str, id: str) -> said.Place:
        visit = parts.visit(self._built, actor)
        return await said.place(visit, self._of(actor, patient), rtype, id)

    async def summary(
        self, actor: Actor, patient: str, language: str, form: summary.Form
    ) -> tuple[str, bytes]:
        visit = parts.visit(self._built, actor)
        made = await summary.file(visit, self._of(actor, patient), language, form)
        return summary.name(language, form), made

    async def prescription_number(self) -> str:
        return str(uuid.UUID(bytes=self._built.door.random(16), version=4))

    async def prescribe(
        self, actor: Actor, patient: str, lines: Sequence[Line], number: str
    ) -> str:
        visit = parts.visit(self._built, actor)
        return await prescribe.prescribe(visit, self._built.desk.acts, patient, lines, number)

    async def documents(self, actor: Actor, patient: str, asked: Asked) -> DocumentList:
        visit = parts.visit(self._built, actor)
        return await consult.documents(visit, self._of(actor, patient), asked)

    async def search(self, actor: Actor, patient: str, typed: str, asked: Asked) -> Results:
        visit = parts.visit(self._built, actor)
        return await looking.find(visit, self._of(actor, patient), typed, asked)

    async def curves(self, actor: Actor, patient: str) -> Sequence[CurveLine]:
        return await consult.curves(parts.visit(self._built, actor), self._of(actor, patient))

    async def document(self, actor: Actor, patient: str, document: str) -> DocumentPage:
        return await consult.document(
            parts.visit(self._built, actor), self._of(actor, patient), document
        )

    async def curve(self, actor: Actor, patient: str, code: str) -> Curve:
        return await consult.curve(parts.visit(self._built, actor), self._of(actor, patient), code)

    async def content(self, actor: Actor, patient: str, binary: str) -> Content:
        return await consult.content(
            parts.visit(self._built, actor), self._of(actor, patient), binary
        )

    async def upload(self, actor: Actor, **given: Unpack[Given]) -> str:
        visit = parts.visit(self._built, actor)
        made = await upload.upload(visit, self._built.desk.acts, **given)
        return made.document

    async def file(self, actor: Actor, patient: str, document: str) -> FilePage:
        return await show.file(parts.visit(self._built, actor), self._of(actor, patient), document)

    async def picture(
        self, actor: Actor, patient: str, binary: str, number: int, width: int
    ) -> bytes:
        return await show.picture(
            parts.visit(self._built, actor), self._of(actor, patient), binary, number, width
        )

    async def openings(self, actor: Actor, patient: str) -> Sequence[Opening]:
        return await readers.openings(parts.visit(self._built, actor), self._of(actor, patient))

    async def proof(self, actor: Actor, line: str) -> bytes:
        return await readers.proof(parts.visit(self._built, actor), line)

    def take_away(self, actor: Actor, patient: str) -> AsyncIterator[bytes]:
        return export.taken(parts.visit(self._built, actor), patient)

    async def find(self, actor: Actor, form: TraitsForm) -> Sequence[Found]:
        return await find.find(parts.visit(self._built, actor), form)

    async def resolve(self, actor: Actor, handle: str) -> str:
        return await find.resolve(parts.visit(self._built, actor), handle)

    async def end_connections(self, actor: Actor) -> int:
        return await connections.end(parts.visit(self._built, actor))

    async def declare(self, actor: Actor, handle: str, how: str) -> str:
        return await consent.declare(parts.visit(self._built, actor), handle, how)


def secret_key(folder: Path) -> str:
    """Django's secret of the installation, made once (mode 0600)."""
    path = folder / "portal.key"
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        return path.read_text("ascii")
