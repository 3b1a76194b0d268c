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
MOST = 100_000  # pairs remembered


class Recent:
    """Pairs of account and record that were counted less than an hour ago."""

    def __init__(self) -> None:
        self._until: OrderedDict[tuple[str, int], datetime] = OrderedDict()

    def new(self, sub: str, cids: Sequence[int] | None, now: datetime) -> bool:
        """Whether one of the records is not known to be counted; those of a search are not known."""
        if cids is None:
            return True
        return any(
            cid and not ((until := self._until.get((sub, cid))) and now < until) for cid in cids
        )

    def keep(self, sub: str, cids: Sequence[int] | None, now: datetime) -> None:
        """These are being read, and will be counted."""
        for cid in cids or ():
            self._until[sub, cid] = now + HOUR
            self._until.move_to_end((sub, cid))
        while len(self._until) > MOST:
            self._until.popitem(last=False)
