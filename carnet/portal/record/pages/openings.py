# SPDX-License-Identifier: EUPL-1.2
"""Who has opened a record, day by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.translation import gettext

from carnet.access.pages import Opening
from carnet.portal.record import words
from carnet.portal.record.vocabulary import deed, word

LINES = 50  # openings on one page


@dataclass(frozen=True, slots=True)
class Link:
    """One choice among several: a filter, a page of a list."""

    label: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """One opening of the record, in plain words."""

    hour: str
    who: str
    profession: str
    place: str
    what: str
    purpose: str
    emergency: bool
    application: str
    proof: str  # its address


@dataclass(frozen=True, slots=True)
class Day:
    """The openings of one day."""

    day: str
    rows: tuple[OpeningRow, ...]


@dataclass(frozen=True, slots=True)
class OpeningsView:
    """Who has read my record."""

    tabs: tuple[Link, ...]
    tab: str  # OTHERS, WRITERS or OWN
    days: tuple[Day, ...]
    newer: str
    older: str


OTHERS, WRITERS, OWN = "", "ajouts", "moi"  # as they stand in the address


def tab_of(opening: Opening) -> str:
    """The list an opening stands in."""
    if opening.own:
        return OWN
    return WRITERS if opening.wrote else OTHERS


def openings_view(home: str, openings: Sequence[Opening], tab: str, page: int) -> OpeningsView:
    """tab: OTHERS, who has read; WRITERS, who has added; OWN, the patient's own acts."""
    tab = tab if tab in (WRITERS, OWN) else OTHERS
    kept = [opening for opening in openings if tab_of(opening) == tab]
    first = (page - 1) * LINES
    shown = kept[first : first + LINES]
    by_day = groupby(shown, key=lambda opening: words.day(opening.at))
    count = Counter(map(tab_of, openings))

    def address(tab: str, other: int = 1) -> str:
        query = {**({"vue": tab} if tab else {}), **({"page": other} if other > 1 else {})}
        return f"{home}?{urlencode(query)}" if query else home

    return OpeningsView(
        tabs=(
            Link(gettext("Lectures"), address(OTHERS), tab == OTHERS, count[OTHERS]),
            Link(gettext("Ajouts"), address(WRITERS), tab == WRITERS, count[WRITERS]),
            Link(gettext("Moi"), address(OWN), tab == OWN, count[OWN]),
        ),
        tab=tab,
        days=tuple(
            Day(day, tuple(opening_row(each, home) for each in group)) for day, group in by_day
        ),
        newer=address(tab, page - 1) if page > 1 else "",
        older=address(tab, page + 1) if first + LINES < len(kept) else "",
    )


def opening_row(opening: Opening, home: str) -> OpeningRow:
    """One line."""
    return OpeningRow(
        hour=hour(opening.at),
        who=opening.who,
        profession=word(opening.profession),
        place=opening.place,
        what=deed(opening.what),
        application=opening.application,
        purpose="" if opening.own else words.purpose(opening.purpose),
        emergency=opening.purpose in ("ETREAT", "BTG"),
        proof=f"{home}preuves/{opening.line}" if opening.line else "",
    )


def hour(at: datetime) -> str:
    """08:30, in Paris."""
    return timezone.localtime(at).strftime("%H:%M")
