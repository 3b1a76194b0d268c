# SPDX-License-Identifier: EUPL-1.2
"""Tickets of a room: made by a page for who is logged in, good for one connection in half a minute."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.care.tele.card import Once
from carnet.care.tele.room import SEATS, Seat

LASTS: Final = 30  # seconds
MOST: Final = 1000  # characters


class WrongTicket(errors.Forbidden):
    """This ticket is not of this room, is over, or was used."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """room: id of the room. session: what must still stand while the connection does."""

    room: str
    seat: Seat
    session: str


def made(key: bytes, ticket: Ticket, now: int, nonce: bytes) -> str:
    """A ticket as text; nonce: 16 random bytes."""
    parts = (ticket.room, ticket.seat, ticket.session, str(now + LASTS), nonce.hex())
    if any("\n" in part for part in parts) or len(nonce) != 16:
        raise errors.Invalid
    said = "\n".join(parts).encode()
    return base64.urlsafe_b64encode(said + mac(key, said)).decode()


async def take(key: bytes, text: str, room: str, now: int, once: Once) -> Ticket:
    """Use a ticket up."""
    try:
        bare = base64.b64decode(text[: MOST + 1].encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise WrongTicket from None
    said, seal = bare[:-32], bare[-32:]
    if not hmac.compare_digest(mac(key, said), seal):
        raise WrongTicket
    whose, seat, session, until, _nonce = said.decode().split("\n")
    if whose != room or seat not in SEATS or not int(until) - LASTS <= now < int(until):
        raise WrongTicket
    if not await once(hashlib.sha256(said).digest(), int(until)):
        raise WrongTicket
    return Ticket(whose, seat, session)


def mac(key: bytes, said: bytes) -> bytes:
    """HMAC-SHA-256, for this use alone."""
    return hmac.new(key, b"room\0" + said, hashlib.sha256).digest()
