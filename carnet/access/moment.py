# SPDX-License-Identifier: EUPL-1.2
"""The moment of an act, told to the transaction that changes rights: their past is kept by it (0020)."""

from __future__ import annotations

from typing import LiteralString

TELL: LiteralString = "SELECT set_config('carnet.now', %s, true)"
