# SPDX-License-Identifier: EUPL-1.2
"""What has happened, told once, after it is committed.

The writing transaction adds a row to the outbox and nothing else; the relay reads it and tells each
listener. `app.py` says who listens. A listener may be told twice after a crash: it keeps what it has
done by the event's number.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One committed write of one compartment.

    name: written or deleted. cid: the compartment. rids, types, versions: what changed, in order.
    """

    seq: int
    at: datetime
    name: str
    cid: int
    rids: tuple[int, ...]
    types: tuple[int, ...]
    versions: tuple[int, ...]


Listener = Callable[[Event], Awaitable[None]]
