# SPDX-License-Identifier: EUPL-1.2
"""What the pages of the rights show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Professional:
    """A professional as a patient may know them."""

    rpps: int
    name: str
    profession: str = ""  # French label
    place: str = ""
    treating: bool = False  # the médecin traitant
    why: tuple[str, ...] = ()  # team, consent, read: where the patient meets them
    blocked: bool = False
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A consent, as the patient reads it."""

    id: str
    team: str  # name of the team, "" for a visit
    members: tuple[Professional, ...]  # whom it opens the record to, at its time
    how: str  # oral, written, remote, electronic
    declared_by: str  # name of who asked and declared it
    since: datetime
    until: datetime | None  # of a visit: it ends by itself
    withdrawn: datetime | None
    live: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """A professional blocked, or trusted with what is masked."""

    professional: Professional
    since: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """An emergency mode: whether the patient refuses it, and since when."""

    mode: str
    label: str
    text: str
    hours: int  # how long such an opening lasts
    refused: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Rights:
    """All that the patient decided of who reads."""

    consents: tuple[Given, ...]
    blocked: tuple[Chosen, ...]
    trusted: tuple[Chosen, ...]
    emergencies: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something may not be seen; never whether it exists."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a professional may be told of the limits of what they see."""

    linked: bool
    rule: str  # that opened the record, "" when none did
    until: (
        datetime | None
    )  # end of the visit's consent or of the emergency, when that is all there is
    matrix: str  # name and version
    reasons: tuple[Reason, ...]
