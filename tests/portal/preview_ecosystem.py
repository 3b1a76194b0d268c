# SPDX-License-Identifier: EUPL-1.2
"""Indicators for the pages."""

from collections.abc import Sequence
from datetime import date

from carnet.ecosystem.indicators import Shown, indicators


class PreviewEcosystem:
    """One with months, one of too few people, the others not counted yet."""

    async def indicators(self) -> Sequence[Shown]:
        _, lines = indicators()
        months = ((date(2026, 2, 1), 1204), (date(2026, 1, 1), None))
        return [
            Shown(each.key, each.says, months if number < 2 else ())
            for number, each in enumerate(lines)
        ]
