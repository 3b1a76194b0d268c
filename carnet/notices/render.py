# SPDX-License-Identifier: EUPL-1.2
"""A notice as it is read: subject and text, in the language of its reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from carnet.access.door import Door
from carnet.access.notices import MADE, one_time_code, templates
from carnet.notices.queries import Outgoing

MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent."""

    subject: str
    text: str


def render(door: Door, notice: Outgoing) -> Rendered:
    """From its template; the one-time code is made again, it is stored nowhere."""
    template = templates()[notice.template]
    language = notice.language if notice.language in template.texts else "fr"
    named: dict[str, str] = {"link": door.settings.base_url}
    for name, shape in template.codes.items():
        if shape == MADE:
            named[name] = one_time_code(door, notice.id)
        elif shape == "date":
            named[name] = spoken(date.fromisoformat(notice.codes[name]), language)
        else:
            named[name] = notice.codes[name]
    said = template.texts[language]
    return Rendered(said.subject, said.text.format(**named))


def spoken(day: date, language: str) -> str:
    """1er mars 2027, 1 March 2027."""
    number = "1er" if day.day == 1 and language == "fr" else str(day.day)
    return f"{number} {MONTHS[language].split()[day.month - 1]} {day.year}"
