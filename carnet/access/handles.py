# SPDX-License-Identifier: EUPL-1.2
"""Handles: what a search for a person gives back; opaque, of one account, and opening nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carnet import errors
from carnet.access.door import Visit

HOURS = 12


class WrongHandle(errors.NotFound):
    """This search has expired: search for the person again."""


def write(visit: Visit, cid: int) -> str:
    """An opaque handle of a person, for this account and twelve hours."""
    until = int((visit.door.clock() + timedelta(hours=HOURS)).timestamp())
    return visit.door.cursors.write(f"handle:{visit.actor.sub}", str(until), cid, 0)


def read(visit: Visit, text: str) -> int:
    """The compartment behind a handle; WrongHandle when it is not ours, another's, or too old."""
    try:
        until, cid, _ = visit.door.cursors.read(text, f"handle:{visit.actor.sub}")
    except errors.Invalid:
        raise WrongHandle from None
    if datetime.fromtimestamp(int(until), UTC) < visit.door.clock():
        raise WrongHandle
    return cid
