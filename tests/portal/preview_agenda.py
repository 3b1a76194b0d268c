# SPDX-License-Identifier: EUPL-1.2
"""Appointments for the pages."""

from collections.abc import Sequence
from datetime import UTC, datetime

from carnet import errors
from carnet.access.actor import Actor, ActorKind
from carnet.care.agenda.pages import Free, Meeting
from carnet.care.agenda.rules import SlotTaken

AT, END = datetime(2026, 3, 20, 9, 0, tzinfo=UTC), datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
COMING = Meeting("rdv1", AT, END, "Dr Luc FERRAND", "Centre hospitalier", "VR", "booked", True)
OVER = Meeting("rdv2", AT, END, "", "", "", "cancelled", False)


class PreviewAgenda:
    """One to come, one cancelled; the second slot has just been taken."""

    async def appointments(self, actor: Actor, patient: str) -> Sequence[Meeting]:
        if actor.kind is not ActorKind.PATIENT:
            raise errors.NotFound
        return () if actor.sub == "patient:newcomer" else (COMING, OVER)

    async def cancel(self, actor: Actor, patient: str, id: str) -> None:
        if id != COMING.id:
            raise errors.NotFound

    async def free(self, actor: Actor, patient: str, id: str) -> Sequence[Free]:
        return [Free("slot1", AT, END), Free("slot2", AT, END)]

    async def move(self, actor: Actor, patient: str, id: str, slot: str) -> None:
        if slot != "slot1":
            raise SlotTaken

    async def file(self, actor: Actor, patient: str, id: str, title: str) -> tuple[str, bytes]:
        return "rendez-vous.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
