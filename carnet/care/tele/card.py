# SPDX-License-Identifier: EUPL-1.2
"""The insurance card read at a distance (ApCV): a simulator's token (*simulateur*), bound to one act.

The real one is signed by the insurance; here the shape alone is shown: for one act, in its time, once.
What was used is remembered by the caller's `once`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from carnet import errors

LABEL: Final = "simulateur"
LASTS: Final = 300  # seconds
MOST: Final = 500  # characters
SEPARATOR: Final = "\n"

# True the first time a digest is given, to be remembered until that moment (Unix seconds).
Once = Callable[[bytes, int], Awaitable[bool]]


class WrongToken(errors.Forbidden):
    """This reading of the card is not of this act, is over, or was used."""


def made(key: bytes, act: str, now: int, nonce: bytes) -> str:
    """A token for that act from now on; nonce: 16 random bytes."""
    if SEPARATOR in act or len(nonce) != 16:
        raise errors.Invalid
    said = SEPARATOR.join((act, str(now + LASTS), nonce.hex())).encode()
    return base64.urlsafe_b64encode(said + mac(key, said)).decode()


async def take(key: bytes, token: str, act: str, now: int, once: Once) -> None:
    """Use a token for its act; WrongToken says no more than that."""
    if len(token) > MOST:
        raise WrongToken
    try:
        bare = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise WrongToken from None
    said, seal = bare[:-32], bare[-32:]
    if not hmac.compare_digest(mac(key, said), seal):
        raise WrongToken
    whose, until, _nonce = said.decode().split(SEPARATOR)
    if whose != act or not int(until) - LASTS <= now < int(until):
        raise WrongToken
    if not await once(hashlib.sha256(said).digest(), int(until)):
        raise WrongToken


def mac(key: bytes, said: bytes) -> bytes:
    """HMAC-SHA-256, for this use alone."""
    return hmac.new(key, b"apcv\0" + said, hashlib.sha256).digest()
