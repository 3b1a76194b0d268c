# SPDX-License-Identifier: EUPL-1.2
"""How much of a day a room or a device is taken, by the slots of its agenda: minutes, not whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from carnet import errors

TAKEN: Final = ("busy", "busy-tentative")  # Slot.status, FHIR R4
CLOSED: Final = "busy-unavailable"  # nobody may be there: neither offered nor taken
FREE: Final = "free"
FAR: Final = 3660  # days from today


class NotADay(errors.Invalid):
    """A day is written YYYY-MM-DD, and is not of another century."""


Span = tuple[datetime, datetime]


def read(text: str, today: date) -> date:
    """A day that is asked for; "": today. NotADay."""
    try:
        found = date.fromisoformat(text) if text else today
    except ValueError:
        raise NotADay from None
    if abs((found - today).days) > FAR:
        raise NotADay
    return found


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Of one room or device, one day. taken, offered, closed: minutes; what is taken was offered."""

    name: str
    taken: int
    offered: int
    closed: int

    @property
    def share(self) -> int | None:
        """Per cent of what was offered, rounded; None when nothing was."""
        return round(100 * self.taken / self.offered) if self.offered else None


def of(name: str, slots: Iterable[Mapping[str, Any]], begin: datetime, end: datetime) -> Occupancy:
    """The part of slots between two moments; where slots overlap, a minute counts once.

    slots: Slot resources; those without two moments, or entered in error, are left aside.
    """
    by_status: dict[str, list[Span]] = {}
    for slot in slots:
        span = _within(slot, begin, end)
        if span is not None:
            by_status.setdefault(str(slot.get("status")), []).append(span)
    taken = [each for status in TAKEN for each in by_status.get(status, ())]
    offered = [*taken, *by_status.get(FREE, ())]
    closed = by_status.get(CLOSED, [])
    return Occupancy(name, minutes(taken), minutes(offered), minutes(closed))


def minutes(spans: Iterable[Span]) -> int:
    """Of their union."""
    total, reached = 0.0, None
    for start, end in sorted(spans):
        start = start if reached is None else max(start, reached)
        if end > start:
            total += (end - start).total_seconds()
        reached = end if reached is None else max(reached, end)
    return int(total // 60)


def _within(slot: Mapping[str, Any], begin: datetime, end: datetime) -> Span | None:
    try:
        start, over = (datetime.fromisoformat(str(slot.get(key))) for key in ("start", "end"))
    except ValueError:
        return None
    if start.tzinfo is None or over.tzinfo is None:
        return None
    start, over = max(start, begin), min(over, end)
    return (start, over) if start < over else None
