# SPDX-License-Identifier: EUPL-1.2
"""What the pages of secure mail call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence

from carnet import errors
from carnet.access.actor import Actor
from carnet.app import parts
from carnet.app.mail_filing import Filing
from carnet.app.messaging import files_of
from carnet.app.parts import Built
from carnet.messaging import inbox, queries, threads
from carnet.messaging.certificates import NoCertificates
from carnet.messaging.inbox import Line, Mail
from carnet.messaging.signature import Trusted, trusted
from carnet.messaging.threads import Thread


class MailPages:
    """Each act, in a visit of its own."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._filing = Filing(built.door, built.desk.acts)

    async def inbox(self, actor: Actor) -> Sequence[Line]:
        return await inbox.inbox(parts.visit(self._built, actor))

    async def mail(self, actor: Actor, id: str) -> Mail:
        return await inbox.read(parts.visit(self._built, actor), id, self._trusted())

    async def attach(self, actor: Actor, id: str, matricule: str) -> None:
        async with self._built.pool.connection() as conn:
            cid = await queries.patient(conn, matricule)
        if cid is None:
            raise errors.NotFound("Nobody of this number is known here.")
        patient = self._built.door.ids.encode(cid, cid)
        await inbox.attach(parts.visit(self._built, actor), id, patient, self._filing.attach)

    def _trusted(self) -> Trusted | None:
        """The authorities signatures are believed of; read again, since they change."""
        try:
            return trusted(files_of(self._built.settings).authority.read_bytes())
        except (NoCertificates, OSError):
            return None

    async def threads(self, actor: Actor) -> Sequence[Thread]:
        return await threads.threads(parts.visit(self._built, actor))

    async def answer(self, actor: Actor, id: str, text: str) -> None:
        await threads.answer(parts.visit(self._built, actor), id, text)
