# SPDX-License-Identifier: EUPL-1.2
"""What a process remembers of its decisions: used only by statements that prove nothing has changed.

A remembered decision bears the revisions it was made at (migration 0022), and the server answers no
statement under it once one of them has changed. What no revision tells is here: the passing of time, the
version of the matrix. Nothing of what a record holds is remembered, only whose it is and who may.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from carnet.access.actor import Actor
from carnet.access.matrix import Matrix

MOST = 4096  # decisions, some 2 kB each
MOST_TOGETHER = 16  # records named at once, for a decision to be remembered

Made = TypeVar("Made")
Key = tuple[Actor, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Kept(Generic[Made]):
    """A decision, from when it was made until the first instant that may change it, excluded."""

    made: Made
    since: datetime
    until: datetime | None
    matrix: Matrix


class Remembered(Generic[Made]):
    """The decisions used last, by who asks and of which records."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._kept: OrderedDict[Key, Kept[Made]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key, now: datetime, matrix: Matrix) -> Made | None:
        """The decision of these, if it was made under this matrix and no instant has passed since."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        # A clock that was put back, as a demonstration's may be, is before the decision was made.
        if now < kept.since or (kept.until is not None and now >= kept.until):
            return None
        if kept.matrix is not matrix:
            return None
        self._kept.move_to_end(key)
        return kept.made

    def keep(self, key: Key, kept: Kept[Made]) -> None:
        """This one, in the place of what was known."""
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Everything."""
        self._kept.clear()
