# SPDX-License-Identifier: EUPL-1.2
"""Page links: where the last page ended, sealed, since row numbers are never shown.

AES-SIV gives the same link for the same place: two equal searches answer alike to the byte.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from carnet import errors


class WrongCursor(errors.Invalid):
    """This page link is not one this server gave for this search."""


class Cursors:
    """Writes and reads the `_cursor` parameter."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def write(self, rtype: str, mark: str, rid: int, cid: int) -> str:
        """The link of a place in a search on `rtype`."""
        sealed = self._cipher.encrypt(f"{mark}|{rid}|{cid}".encode(), [rtype.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, text: str, rtype: str) -> tuple[str, int, int]:
        """(sort value, rid, cid)."""
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            mark, rid, cid = self._cipher.decrypt(sealed, [rtype.encode()]).decode().rsplit("|", 2)
            return mark, int(rid), int(cid)
        except (binascii.Error, ValueError, InvalidTag):
            raise WrongCursor from None
