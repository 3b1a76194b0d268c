# SPDX-License-Identifier: EUPL-1.2
"""A room: who is there, who waits, who was let in, and what each may say to which.

Held by the one process that serves it. Whoever was let in and drops comes back let in: the act goes on,
with the time it began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from carnet import errors

Seat = Literal["professional", "patient", "carer"]
SEATS: Final[tuple[Seat, ...]] = ("professional", "patient", "carer")
HOST: Final[Seat] = "professional"
Tell = Callable[[Mapping[str, Any] | None], None]  # None: the seat is taken by a newer connection


class NotInRoom(errors.Forbidden):
    """Who waits says nothing to the others, and the professional alone lets in."""


@dataclass(slots=True)
class Room:
    """One act; begun: Unix seconds of the first time the patient was let in, None before."""

    begun: int | None = None
    let_in: set[Seat] = field(default_factory=lambda: {HOST})
    here: dict[Seat, tuple[int, Tell]] = field(default_factory=dict)
    comings: int = 0

    def come(self, seat: Seat, tell: Tell) -> int:
        """Take a seat, from an older connection of the same; the number of this coming."""
        if seat in self.here:
            self.here[seat][1](None)
        self.comings += 1
        self.here[seat] = (self.comings, tell)
        self.say()
        return self.comings

    def go(self, seat: Seat, coming: int) -> None:
        """Leave a seat, when it is still one's own."""
        if self.here.get(seat, (0, None))[0] == coming:
            del self.here[seat]
            self.say()

    def admit(self, by: Seat, seat: Seat, now: int) -> None:
        """Let in who waits."""
        if by != HOST:
            raise NotInRoom
        self.let_in.add(seat)
        if seat == "patient" and self.begun is None:
            self.begun = now
        self.say()

    def signal(self, by: Seat, to: Seat, data: Any) -> None:
        """Pass a message of the browsers on; to nobody when that seat is empty."""
        if not {by, to} <= self.let_in:
            raise NotInRoom
        if to in self.here and to != by:
            self.here[to][1]({"type": "signal", "from": by, "data": data})

    def say(self) -> None:
        """Tell each who is there: whoever waits learns nothing of the others."""
        inside = {seat: number for seat, (number, _) in self.here.items() if seat in self.let_in}
        waiting = [seat for seat in self.here if seat not in self.let_in]
        for seat, (number, tell) in self.here.items():
            if seat not in self.let_in:
                tell({"type": "waiting"})
                continue
            told = {"type": "inside", "seat": seat, "coming": number, "here": inside}
            tell({**told, "begun": self.begun, "waiting": waiting if seat == HOST else []})
