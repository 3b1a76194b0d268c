# SPDX-License-Identifier: EUPL-1.2
"""What the pages of a private instance call, bound to this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from carnet.app.opening import lock, owner, queries, report, words
from carnet.app.parts import Built
from carnet.identity.ins import Defect, claim
from carnet.portal.opening.acts import Named

NO_DATE: Final = date(1, 1, 1)  # of an identity read without a birth date
BAD: Final = {Defect.WRONG_SHAPE, Defect.WRONG_KEY}
MEDIA: Final = {
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "junit": "application/xml",
}


class OpeningPages:
    """The acts of the owner."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def unlocks(self, passphrase: str) -> bool:
        return lock.matches(self._built.settings.data, passphrase)

    async def people(self) -> Sequence[Named]:
        async with self._built.pool.connection() as conn:
            found = await queries.people(conn)
        return [
            Named(
                each.sub,
                each.name,
                None if each.birth_date == NO_DATE else each.birth_date,
                each.ins or "",
                not BAD & claim(each.ins, each.ins_system or "").defects if each.ins else True,
                each.apart,
                each.sub == owner.UNNAMED,
            )
            for each in found
        ]

    def report(self) -> dict[str, Any]:
        return words.told(report.kept(self._built.settings.keys))

    def written(self, form: str) -> tuple[str, bytes]:
        return MEDIA[form], report.to_give(self._built.settings.keys, form)
