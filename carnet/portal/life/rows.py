# SPDX-License-Identifier: EUPL-1.2
"""An emergency opening as the pages show it."""

from dataclasses import dataclass

from carnet.portal.life import words
from carnet.portal.record import words as dates
from carnet.rights.emergency import Running
from carnet.rights.review import Line


@dataclass(frozen=True, slots=True)
class Row:
    """One emergency opening, in words."""

    line: Line
    when: str
    until: str
    mode: str
    reason: str
    verdict: str


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A professional's own emergency opening, in words."""

    mode: str
    until: str


def going_on(running: Running | None) -> GoingOn | None:
    """As the page of the record shows it."""
    if running is None:
        return None
    return GoingOn(str(words.MODES[running.mode]), dates.moment(running.until))


def row(line: Line) -> Row:
    """As a page shows it."""
    return Row(
        line=line,
        when=dates.moment(line.since),
        until=dates.moment(line.until),
        mode=str(words.MODES[line.mode]),
        reason=str(words.REASONS[line.reason]),
        verdict=str(words.VERDICTS[line.verdict]),
    )
