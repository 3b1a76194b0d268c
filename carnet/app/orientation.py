# SPDX-License-Identifier: EUPL-1.2
"""Whom to turn to, bound to this process: the table in force, and the places near."""

from __future__ import annotations

from collections.abc import Sequence

from carnet import errors
from carnet.access import regulated
from carnet.access.door import platform
from carnet.app.parts import Built
from carnet.care.orientation.table import Table, orientation
from carnet.config import Instance
from carnet.directory import near
from carnet.directory.near import HERE, Near

FUNCTION = "orientation"  # of regulated.toml


class OrientationPages:
    """Public where it is in service; nothing of what is answered is kept."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def on(self) -> bool:
        settings = self._built.settings
        today = self._built.door.clock().astimezone(HERE).date()
        if not regulated.on(settings, FUNCTION, today):
            return False
        if settings.instance in (Instance.DEMONSTRATION, Instance.TEST):
            return True
        reviewed = orientation(settings.orientation).reviewed
        return reviewed is not None and reviewed <= today

    def table(self) -> Table:
        if not self.on():
            raise errors.NotFound
        return orientation(self._built.settings.orientation)

    async def near(self, kinds: Sequence[str], code: str) -> Sequence[Near]:
        visit = platform.visit(self._built.door, FUNCTION)
        return await near.near(visit, kinds, code, self._built.door.clock())
