# SPDX-License-Identifier: EUPL-1.2
"""Movements of patients: what an ADT message says of a stay, and the answer it is given.

Source: HL7 v2.5 chapter 2 (MSA, ERR, tables 0008 and 0357) and chapter 3 (ADT); PAM-FR 2.11 (PV1, ZBE).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from carnet import errors
from carnet.exchange.hl7v2 import Message
from carnet.exchange.hl7v2.meaning import somebody
from carnet.exchange.hl7v2.message import Segment
from carnet.exchange.parts import Somebody

HERE: Final = ZoneInfo("Europe/Paris")  # of a time said without its offset
TIME: Final = re.compile(r"(\d{8})(\d{2})?(\d{2})?(\d{2})?(?:\.\d{1,4})?([+-]\d{4})?", re.ASCII)
CLASSES: Final = {"I": "IMP", "E": "EMER", "O": "AMB", "R": "AMB"}  # PV1-2, table 0004
EVENTS: Final = ("A01", "A03", "A08")
VERSIONS: Final = ("2.3", "2.4", "2.5", "2.6")
# MSA-1 and ERR-3 (table 0357).
DONE, ERROR, REFUSED = "AA", "AE", "AR"
INTERNAL, UNKNOWN_KEY, NO_FIELD, BAD_TYPE, EVENT, VERSION = (
    "207", "204", "101", "102", "201", "203",
)  # fmt: skip


class NotTaken(errors.Invalid):
    """This HL7 v2 message is not taken: what it lacks, or what it is, is in its acknowledgement."""

    def __init__(self, answer: str, code: str, message: str) -> None:
        super().__init__(message)
        self.answer, self.condition = answer, code


@dataclass(frozen=True, slots=True)
class Movement:
    """What a message says of one stay. number: of the stay, as its hospital numbers it."""

    event: str
    number: str
    authority: str
    kind: str
    at: datetime
    person: Somebody = field(repr=False)
    start: datetime | None = None
    end: datetime | None = None


def read(message: Message) -> Movement:
    """The movement of a message; NotTaken when it is none."""
    head = message.header
    if head.get(12).startswith(VERSIONS) is False:
        raise NotTaken(REFUSED, VERSION, "The version of HL7 (MSH-12) is not one of 2.3 to 2.6.")
    if message.kind != "ADT" or message.event not in EVENTS:
        raise NotTaken(REFUSED, EVENT, "Only ADT^A01, A03 and A08 are taken.")
    if not head.get(10):
        raise NotTaken(REFUSED, NO_FIELD, "The message has no number (MSH-10).")
    stay, person = message.first("PV1"), somebody(message.first("PID"))
    if person is None or person.claim is None:
        raise NotTaken(ERROR, UNKNOWN_KEY, "The message gives no INS (PID-3): nothing was filed.")
    if stay is None or not stay.get(19):
        raise NotTaken(ERROR, NO_FIELD, "The message gives no number of the stay (PV1-19).")
    event, moved = message.first("EVN"), message.first("ZBE")
    when = _time(moved, 2) or _time(event, 6) or _time(event, 2) or _time(head, 7)
    if when is None:
        raise NotTaken(ERROR, BAD_TYPE, "The message says no time of the movement (ZBE-2, EVN-6).")
    return Movement(
        message.event,
        stay.get(19),
        "|".join((stay.get(19, 4, 1), stay.get(19, 4, 2), head.get(4))),
        CLASSES.get(stay.get(2), "IMP"),
        when,
        person,
        _time(stay, 44),
        _time(stay, 45),
    )


def _time(segment: Segment | None, place: int) -> datetime | None:
    found = TIME.fullmatch(segment.get(place)) if segment is not None else None
    if found is None:
        return None
    digits = "".join(found[each] or "00" for each in range(1, 5))
    try:
        if found[5]:
            return datetime.strptime(digits + found[5], "%Y%m%d%H%M%S%z")
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=HERE)
    except ValueError:
        return None


def acknowledged(
    message: Message | None, now: datetime, answer: str, code: str = "", said: str = ""
) -> bytes:
    """The ACK of a message. said: of ours, never of a person."""
    head = message.header if message is not None else None

    def of(place: int) -> str:
        return _plain(head.get(place)) if head is not None else ""

    number, event = of(10), _plain(head.get(9, 2)) if head is not None else ""
    at = now.astimezone(HERE).strftime("%Y%m%d%H%M%S")
    lines = [
        f"MSH|^~\\&|{of(5)}|{of(6)}|{of(3)}|{of(4)}|{at}||ACK^{event}^ACK|A{number}"[:190]
        + f"|{of(11) or 'P'}|{of(12) or '2.5'}||||||UNICODE UTF-8",
        f"MSA|{answer}|{number}",
    ]
    if answer != DONE:
        lines.append(f"ERR|||{code or INTERNAL}^^HL70357|E||||{_plain(said)}")
    return ("\r".join(lines) + "\r").encode()


def _plain(text: str) -> str:
    """A value without what would be another field or segment."""
    return re.sub(r"[|^~\\&\x00-\x1f\x7f]", " ", text)[:150]
