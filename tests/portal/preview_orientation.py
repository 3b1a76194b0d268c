# SPDX-License-Identifier: EUPL-1.2
"""Orientation for the pages: the table of this version, two places."""

from collections.abc import Sequence
from datetime import UTC, datetime

from carnet.care.orientation.table import Table, orientation
from carnet.directory.near import CODE, Near, NotAPostalCode


class PreviewOrientation:
    """Near 37000 there are two places, near any other none."""

    def on(self) -> bool:
        return True

    def table(self) -> Table:
        return orientation()

    async def near(self, kinds: Sequence[str], code: str) -> Sequence[Near]:
        if not CODE.fullmatch(code):
            raise NotAPostalCode
        monday = datetime(2026, 3, 16, 8, 0, tzinfo=UTC)
        places = (
            Near(
                "Pharmacie du Marché",
                "5 place du Marché, 37000 Tours",
                "0261910106",
                0.4,
                True,
                True,
                None,
            ),
            Near(
                "Pharmacie de la Gare",
                "1 place de la Gare, 37000 Tours",
                "",
                None,
                True,
                False,
                monday,
            ),
        )
        return places if code == "37000" else ()
