# SPDX-License-Identifier: EUPL-1.2
"""What a slot is, who may take it, and which slots an appointment holds. FHIR R4; SAS for the types."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from carnet import errors
from carnet.access.actor import Actor

# Of an appointment: while it has one of these, its slots are its own.
HOLDS: Final = frozenset("pending booked arrived checked-in fulfilled noshow".split())
ENDED: Final = frozenset("fulfilled noshow cancelled entered-in-error".split())


class WrongSlot(errors.BusinessRule):
    """A slot has a schedule, a beginning and an end after it."""


class WrongAppointment(errors.BusinessRule):
    """An appointment begins and ends with the slots it takes."""


class SlotTaken(errors.Conflict):
    """This slot is taken, or is no longer offered."""


class NotForYou(errors.BusinessRule):
    """A slot of this type is not offered to this kind of account."""


class TooLate(errors.BusinessRule):
    """This slot has begun."""


@cache
def table() -> dict[str, Any]:
    """slots.toml."""
    text = resources.files(__package__).joinpath("slots.toml").read_text("utf-8")
    return tomllib.loads(text)


def instant(value: Any) -> datetime | None:
    """A FHIR instant; None for anything else."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def span(resource: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """Beginning and end of a Slot or an Appointment, the one before the other."""
    start, end = instant(resource.get("start")), instant(resource.get("end"))
    return (start, end) if start is not None and end is not None and start < end else None


def types(slot: Mapping[str, Any]) -> frozenset[str]:
    """The types of a slot; PUBLIC when it says none."""
    given = slot.get("meta", {}).get("security", ())
    found = {str(one.get("code")) for one in given if one.get("system") == table()["system"]}
    return frozenset(found or {"PUBLIC"})


def may_take(actor: Actor, slot: Mapping[str, Any], *, regulator: bool) -> bool:
    """Whether this account may take a slot of these types; one of them is enough."""
    for each in types(slot):
        rule = table()["types"].get(each, {})
        if str(actor.kind) in rule.get("kinds", ()) or (regulator and rule.get("regulators")):
            return True
    return False


def wanted(appointment: Mapping[str, Any]) -> tuple[str, ...]:
    """Ids of the slots an appointment holds, by what it says; none once it is cancelled."""
    if appointment.get("status") not in HOLDS:
        return ()
    found = []
    for each in appointment.get("slot", ()):
        rtype, _, id = str(each.get("reference", "")).rpartition("/")
        if rtype.rpartition("/")[2] == "Slot" and id and id not in found:
            found.append(id)
    return tuple(found)


def fits(appointment: Mapping[str, Any], slots: list[Mapping[str, Any]]) -> bool:
    """Whether an appointment that says when takes place within what it takes."""
    if not slots or ("start" not in appointment and "end" not in appointment):
        return True
    said, spans = span(appointment), [span(each) for each in slots]
    if said is None or not all(spans):
        return False
    known = [each for each in spans if each is not None]
    return min(s for s, _ in known) <= said[0] and said[1] <= max(e for _, e in known)
