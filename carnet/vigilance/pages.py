# SPDX-License-Identifier: EUPL-1.2
"""What is typed to find a person, and what comes back: never more than was typed, plus a handle."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class TraitsForm:
    """A search as typed: the INS alone, or birth date and name and one more trait.

    Empty fields are "" or None. The act checks that there is enough, never the page.
    """

    ins: str = ""  # 15 characters, spaces removed
    birth_date: date | None = None
    name: str = ""  # birth name
    given_name: str = ""  # first given name
    sex: str = ""  # "male" | "female"
    birth_place: str = ""  # INSEE code, five characters


@dataclass(frozen=True, slots=True)
class Found:
    """One person who answers to what was typed."""

    handle: str  # opaque; opens nothing by itself
    name: str
    birth_date: date | None  # None when it was not typed
    sex: str  # FHIR administrative gender, "" when it was not typed
    consented: bool  # the caller already has the patient's consent


@dataclass(frozen=True, slots=True)
class Person:
    """Whose record is open, on top of every page of it."""

    name: str
    birth_date: date
    sex: str  # FHIR administrative gender
