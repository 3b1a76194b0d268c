# SPDX-License-Identifier: EUPL-1.2
"""What the pages of appointments show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment: when, with whom, where, and what its person may still do.

    how: AMB at the practice, HH at home, VR at a distance, "" unknown. status: FHIR. open: it may be moved
    or cancelled by its person.
    """

    id: str
    start: datetime | None
    end: datetime | None
    who: str
    where: str
    how: str
    status: str
    open: bool


@dataclass(frozen=True, slots=True)
class Free:
    """A slot that may be taken instead."""

    id: str
    start: datetime
    end: datetime
