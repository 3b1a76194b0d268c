# SPDX-License-Identifier: EUPL-1.2
"""An appointment as a calendar file (RFC 5545). It leaves the record: when and where, never why."""

from __future__ import annotations

from datetime import datetime

from icalendar import Calendar, Event

from carnet.care.agenda.pages import Meeting

NAME = "rendez-vous.ics"
STATUS = {"cancelled": "CANCELLED", "entered-in-error": "CANCELLED", "pending": "TENTATIVE"}


def written(meeting: Meeting, title: str, host: str, now: datetime) -> bytes:
    """One event; title: what it is called, without anything of health. host: of this platform."""
    event = Event()
    event.add("uid", f"{meeting.id}@{host}")
    event.add("dtstamp", now)
    if meeting.start is not None and meeting.end is not None:
        event.add("dtstart", meeting.start)
        event.add("dtend", meeting.end)
    event.add("summary", title)
    if meeting.where:
        event.add("location", meeting.where)
    event.add("status", STATUS.get(meeting.status, "CONFIRMED"))
    made = Calendar()
    made.add("prodid", "-//Carnet//FR")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add_component(event)
    return bytes(made.to_ical())
