# SPDX-License-Identifier: EUPL-1.2
"""The sealed context: what row-level security believes of a statement.

A session variable alone would not survive an injected `set_config`, so the parts are signed under a key
the service's role cannot read, bound to the connection's process and to a few seconds
(specs of migration 0003; `access.context` checks it).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import LiteralString

LIFETIME = 60  # seconds; longer than any statement may run
BLOCK = 64

# What a remembered decision was made of is looked at before anything is read, and by whatever is read.
SET: LiteralString = "SELECT set_config('carnet.scope', %s, true), access.unchanged()"


class Sealer:
    """Signs contexts."""

    def __init__(self, key: bytes) -> None:
        self._mac = hmac.new(key, digestmod="sha256")
        padded = key.ljust(BLOCK, b"\0")
        self.inner_pad = bytes(byte ^ 0x36 for byte in padded)
        self.outer_pad = bytes(byte ^ 0x5C for byte in padded)

    def seal(self, parts: Sequence[str], pid: int, now: float) -> str:
        """The value of carnet.scope: MAC, process, expiry, parts."""
        body = f"{pid}|{now + LIFETIME:.0f}|" + "|".join(parts)
        mac = self._mac.copy()
        mac.update(body.encode())
        return f"{mac.hexdigest()}|{body}"
