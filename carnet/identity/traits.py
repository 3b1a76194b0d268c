# SPDX-License-Identifier: EUPL-1.2
"""The five strict traits that go with an INS, and how two sets of them are compared.

Source: ANS, Référentiel INS and RNIV: birth name, birth given names, birth date, sex and INSEE
code of the birth place. The first birth given name is told apart because it alone is compulsory on
paper.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Sex(StrEnum):
    """Administrative sex, in the words of FHIR."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Traits:
    """A person's strict traits as received; None where the sender gave none."""

    birth_name: str | None
    birth_given_names: str | None  # the whole list, separated by spaces
    first_given_name: str | None
    birth_date: date | None
    sex: Sex | None
    birth_place: str | None  # INSEE code of the commune or country, five characters


# A comma or a dot separates given names in some software; hyphens and apostrophes have many forms.
JOINTS: Final = re.compile("[\\s,.'\"`´\u2018\u2019\u02bc\u2010-\u2015\u2212-]+")
LOCAL: Final = ZoneInfo("Europe/Paris")
OF_AGE: Final = 18
LIGATURES: Final = str.maketrans({"Œ": "OE", "Æ": "AE", "Ø": "O", "Ł": "L", "Đ": "D"})


def normal(text: str) -> str:
    """A name as it is compared: capitals, no accents, one space for hyphens, apostrophes and
    spaces.

    Letters of other alphabets stay what they are: a Cyrillic А never equals a Latin A.
    """
    # Compatibility forms first, so that full-width letters are letters; ß becomes SS by upper().
    upper = unicodedata.normalize("NFKC", text).upper().translate(LIGATURES)
    bare = "".join(c for c in unicodedata.normalize("NFD", upper) if not unicodedata.combining(c))
    return JOINTS.sub(" ", bare).strip()


def missing(traits: Traits) -> tuple[str, ...]:
    """Names of the strict traits that were not given.

    The list of given names is optional in exchanges when the first one is there, and a birth place
    is required, "unknown" having its own code (99999).
    """
    absent: list[str] = []
    if not traits.birth_name or not normal(traits.birth_name):
        absent.append("birth_name")
    if not any(n and normal(n) for n in (traits.first_given_name, traits.birth_given_names)):
        absent.append("birth_given_names")
    if traits.birth_date is None:
        absent.append("birth_date")
    if traits.sex is None:
        absent.append("sex")
    if not traits.birth_place:
        absent.append("birth_place")
    return tuple(absent)


def differences(a: Traits, b: Traits) -> tuple[str, ...]:
    """Names of the traits that both sides give and that do not agree; a gap is no difference."""
    found: list[str] = []
    if _differ(a.birth_name, b.birth_name):
        found.append("birth_name")
    if _differ(a.birth_given_names, b.birth_given_names):
        found.append("birth_given_names")
    if _differ(a.first_given_name, b.first_given_name):
        found.append("first_given_name")
    if a.birth_date and b.birth_date and a.birth_date != b.birth_date:
        found.append("birth_date")
    if a.sex and b.sex and a.sex != b.sex:
        found.append("sex")
    if _differ(a.birth_place, b.birth_place):
        found.append("birth_place")
    return tuple(found)


def _differ(a: str | None, b: str | None) -> bool:
    one, other = normal(a or ""), normal(b or "")
    return bool(one and other) and one != other


def majority(born: date) -> datetime:
    """The instant somebody is eighteen (Code civil, article 388): midnight in Paris, on their birthday.

    Born on 29 February, they are so on 28 February: the doubt goes to the person.
    """
    try:
        day = born.replace(year=born.year + OF_AGE)
    except ValueError:
        day = date(born.year + OF_AGE, 2, 28)
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL).astimezone(UTC)
