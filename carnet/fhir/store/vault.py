# SPDX-License-Identifier: EUPL-1.2
"""One key a compartment, wrapped by the operator's key; opened keys are kept in memory for a while."""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import AsyncConnection

from carnet.fhir.store import bodies, queries

KEPT = 50_000  # opened keys


class Vault:
    """Gives the cipher of each compartment."""

    def __init__(self, operator: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._operator = AESGCM(operator)
        self._random = random
        self._open: OrderedDict[int, AESGCM] = OrderedDict()

    def make(self, cid: int) -> bytes:
        """A new wrapped key for a new compartment; it is usable once its row is written."""
        plain = self._random(32)
        nonce = self._random(12)
        return nonce + self._operator.encrypt(nonce, plain, struct.pack(">q", cid))

    def use(self, cid: int, wrapped: bytes) -> AESGCM:
        """Open a wrapped key and keep it."""
        try:
            plain = self._operator.decrypt(wrapped[:12], wrapped[12:], struct.pack(">q", cid))
        except InvalidTag:
            raise bodies.Damaged from None
        key = self._open[cid] = AESGCM(plain)
        if len(self._open) > KEPT:
            self._open.popitem(last=False)
        return key

    def forget(self, cid: int) -> None:
        """After an erasure, or a compartment whose transaction was undone."""
        self._open.pop(cid, None)

    def at_hand(self, cids: Iterable[int]) -> dict[int, AESGCM] | None:
        """The ciphers, when every one of them is in memory."""
        found = {}
        for cid in cids:
            key = self._open.get(cid)
            if key is None:
                return None
            found[cid] = key
        return found

    async def ciphers(self, conn: AsyncConnection[Any], cids: Iterable[int]) -> dict[int, AESGCM]:
        """The cipher of each compartment; one query for those not in memory."""
        wanted = set(cids)
        found = {cid: key for cid in wanted if (key := self._open.get(cid)) is not None}
        missing = wanted - found.keys()
        if missing:
            for cid, wrapped in await queries.wrapped_keys(conn, sorted(missing)):
                found[cid] = self.use(cid, wrapped)
        return found
