# SPDX-License-Identifier: EUPL-1.2
"""What is told back of a mail that found its place, and what comes back of ours.

Told in the transaction that places the mail: a crash tells once or not yet, and the same notice has the
same number. Notices leave from nobody (MAIL FROM:<>), and none is told of a notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.policy import SMTP
from typing import Any, Final

from psycopg import AsyncConnection

from carnet.access.door import Door
from carnet.messaging import queries, receipts, spool
from carnet.messaging.envelope import Letter
from carnet.messaging.queries import Delivery

# The code and label of a failed filing: none of the volet's table was found in our sources (unverified).
NOT_VERIFIED: Final = ("IDENTITE", "la personne n’a pas été reconnue avec certitude")
OTHERWISE: Final = ("DOCUMENT", "un document n’a pas pu être lu ou n’est pas conforme")


@dataclass(frozen=True)
class Answers:
    """Tells back. domain: ours."""

    door: Door
    domain: str

    async def __call__(
        self,
        conn: AsyncConnection[Any],
        one: Delivery,
        letter: Letter,
        state: str,
        why: Exception | None,
    ) -> None:
        """The notice that is due for this mail, if any; under the platform's context."""
        if not one.sender or letter.automatic:
            return
        now = self.door.clock()
        if state == "filed" and letter.receipt_to is not None:
            made = receipts.filed(self.domain, one, letter, now)
        elif state == "to-attach" and await self._software(conn, one.address):
            verified = type(why).__name__ == "NotVerified"
            code, label = NOT_VERIFIED if verified else OTHERWISE
            made = receipts.not_filed(self.domain, one, letter, code, label, now)
        else:
            return
        number = str(made["Message-ID"])
        states = [(one.sender, "waiting")]
        put = spool.Put("out", "", number, made.as_bytes(policy=SMTP), states, one.cid)
        await spool.put_in(self.door, conn, put)

    async def _software(self, conn: AsyncConnection[Any], address: str) -> bool:
        """Nobody looks at the tray of a software: its sender is told."""
        box = await queries.mailbox(conn, address)
        return box is not None and box.kind == "APP"


async def came_back(door: Door, conn: AsyncConnection[Any], letter: Letter) -> bool:
    """Note what a notice tells of a mail of ours; whether it was one that is believed."""
    told = receipts.told(letter)
    if told is None:
        return False
    number = spool.number_of(door, told.of)
    rows = await queries.deliveries(conn, queries.BY_NUMBER, {"numbers": [number]})
    domain = told.recipient.rpartition("@")[2]
    found = [
        each.id
        for each in rows
        if each.way == "out"
        and each.address == told.recipient
        and (str(letter.sender) == told.recipient or letter.sender.domain == domain)
    ]
    if not found:
        return False
    if told.failed:
        await conn.execute(queries.CAME_BACK, {"ids": found, "failed": told.failed})
    else:
        await conn.execute(queries.SEEN, (door.clock(), found))
    return True
