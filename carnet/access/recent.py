# SPDX-License-Identifier: EUPL-1.2
"""How many people's records one account reads in an hour: counted in the audit, asked only for a new one.

What this process remembers saves the question: whom an account read already counts once. What it
forgot, or another process knows, the audit tells.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
RULE = "too-many-patients-read"  # of the trace of the stop; the sealer makes an alert of it
MOST = 100_000  # pairs remembered, and accounts
ASK = 1 << 30  # so many that the audit is asked


class Recent:
    """Pairs of account and record that were counted less than an hour ago."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, int], datetime] = OrderedDict()
        # By account: when the audit was last asked, and what a day held then and since.
        self._days: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def new(self, sub: str, cids: Sequence[int] | None, now: datetime) -> bool:
        """Whether one of the records is not known to be counted; those of a search are not known."""
        if cids is None:
            return True
        return any(
            cid and not ((until := self._until.get((sub, cid))) and now < until) for cid in cids
        )

    def keep(self, sub: str, cids: Sequence[int] | None, now: datetime) -> None:
        """These are being read, and will be counted."""
        asked, done = self._days.get(sub, (now, ASK))
        self._days[sub] = asked, done + max(1, len(cids or ()))
        for cid in cids or ():
            self._until[sub, cid] = now + HOUR
            self._until.move_to_end((sub, cid))
        while len(self._until) > MOST:
            self._until.popitem(last=False)

    def today(self, sub: str, now: datetime) -> int:
        """At least as many as an account read in a day, as far as this process must not ask the audit."""
        asked, done = self._days.get(sub, (now, ASK))
        return done if now - asked < HOUR else ASK

    def counted(self, sub: str, done: int, now: datetime) -> None:
        """What the audit said of a day."""
        self._days[sub] = now, done
        self._days.move_to_end(sub)
        while len(self._days) > MOST:
            self._days.popitem(last=False)
