# SPDX-License-Identifier: EUPL-1.2
"""One key a compartment, wrapped by the operator's key; opened keys are kept in memory for a while."""

from __future__ import annotations

import os
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import AsyncConnection

from carnet.fhir.store import bodies, queries

KEPT = 50_000  # opened keys
KEPT_FOR = (
    300.0  # seconds; then the wrapped one is asked for again, and is not there after an erasure
)


class Vault:
    """Gives the cipher of each compartment."""

    def __init__(
        self,
        operator: bytes,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._operator = AESGCM(operator)
        self._random = random
        self._clock = clock
        self._open: OrderedDict[int, tuple[AESGCM, float]] = OrderedDict()  # with when it is let go
        self._destroyed: set[int] = set()

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
        key = AESGCM(plain)
        if cid in self._destroyed:  # read just before it was erased: good for that reading alone
            return key
        self._open[cid] = key, self._clock() + KEPT_FOR
        self._open.move_to_end(cid)
        if len(self._open) > KEPT:
            self._open.popitem(last=False)
        return key

    def forget(self, cid: int) -> None:
        """A compartment whose transaction was undone."""
        self._open.pop(cid, None)

    def destroy(self, cid: int) -> None:
        """After an erasure: it is not kept again, whoever had read it meanwhile."""
        self._destroyed.add(cid)
        self._open.pop(cid, None)

    def let_go(self) -> None:
        """Forget the keys whose time is over; those opened first come first."""
        now = self._clock()
        while self._open:
            cid, (_, until) = next(iter(self._open.items()))
            if until > now:
                return
            del self._open[cid]

    def _held(self, cid: int) -> AESGCM | None:
        found = self._open.get(cid)
        if found is None or found[1] <= self._clock():
            return None
        return found[0]

    def at_hand(self, cids: Iterable[int]) -> dict[int, AESGCM] | None:
        """The ciphers, when every one of them is in memory."""
        found = {}
        for cid in cids:
            key = self._held(cid)
            if key is None:
                return None
            found[cid] = key
        return found

    async def ciphers(self, conn: AsyncConnection[Any], cids: Iterable[int]) -> dict[int, AESGCM]:
        """The cipher of each compartment; one query for those not in memory."""
        wanted = set(cids)
        found = {cid: key for cid in wanted if (key := self._held(cid)) is not None}
        missing = wanted - found.keys()
        if missing:
            for cid, wrapped in await queries.wrapped_keys(conn, sorted(missing)):
                found[cid] = self.use(cid, wrapped)
        return found
