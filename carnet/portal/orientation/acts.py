# SPDX-License-Identifier: EUPL-1.2
"""What the pages of orientation ask of the rest."""

from collections.abc import Sequence
from typing import Protocol

from carnet.care.orientation.table import Table
from carnet.directory.near import Near


class OrientationActs(Protocol):
    """Public: nobody is asked who they are."""

    def on(self) -> bool:
        """Whether this installation offers it."""

    def table(self) -> Table:
        """The table in force; NotFound where it is off."""

    async def near(self, kinds: Sequence[str], code: str) -> Sequence[Near]:
        """Places near a postal code; NotAPostalCode."""
