# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to, bound to this process: the table in force, and the places near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from carnet import errors
from carnet.access import regulated
from carnet.access.door import platform
from carnet.care.orientation.table import Table, orientation
from carnet.config import Settings, WrongSetting
from carnet.directory import near
from carnet.directory.near import HERE, Near

if TYPE_CHECKING:  # which checks its settings here
    from carnet.app.parts import Built

FUNCTION = "orientation"  # of regulated.toml


def checked(settings: Settings) -> None:
    """What an operator wrote of it, at the start; WrongSetting when they signed for an unreviewed table."""
    held = orientation(settings.orientation)
    if FUNCTION in regulated.signed(settings.regulated) and held.reviewed is None:
        raise WrongSetting(
            "CARNET_REGULATED signs orientation, and nobody has reviewed its table: name one with a [review]"
            " in CARNET_ORIENTATION."
        )


class OrientationPages:
    """Public where it is in service; nothing of what is answered is kept."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def on(self) -> bool:
        today = self._built.door.clock().astimezone(HERE).date()
        return regulated.on(self._built.settings, FUNCTION, today)

    def table(self) -> Table:
        if not self.on():
            raise errors.NotFound
        return orientation(self._built.settings.orientation)

    async def near(self, kinds: Sequence[str], code: str) -> Sequence[Near]:
        visit = platform.visit(self._built.door, FUNCTION)
        return await near.near(visit, kinds, code, self._built.door.clock())
