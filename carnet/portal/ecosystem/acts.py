# SPDX-License-Identifier: EUPL-1.2
"""What these pages ask of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.ecosystem.indicators import Shown


class EcosystemActs(Protocol):
    """For anybody."""

    async def indicators(self) -> Sequence[Shown]:
        """Each public indicator, of the last closed months."""
