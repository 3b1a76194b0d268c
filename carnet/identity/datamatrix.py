# SPDX-License-Identifier: EUPL-1.2
"""Text of the INS datamatrix: written from a qualified identity, and read with its checks.

Source: ANS, Format datamatrix INS v2.2 (2023-09-26), as described in a public implementation and its
tests. The drawing is in `vigilance/sheet.py`; here is only what it says.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from carnet import errors
from carnet.identity.ins import Ins, claim
from carnet.identity.traits import Sex

HEADER: Final = "IS01" + "0" * 22
SEPARATOR: Final = "\x1d"  # GS, closes a field of variable length
NAME: Final = re.compile(r"[A-Z]+(?:[ '-][A-Z]+)*'?")
LIGATURES: Final = str.maketrans({"Œ": "OE", "Æ": "AE", "’": "'", "ʼ": "'"})


@dataclass(frozen=True, slots=True)
class Field:
    """One block: its two characters, and how long its value may be."""

    key: str
    least: int
    most: int

    @property
    def fixed(self) -> bool:
        """A field of fixed length never carries a separator."""
        return self.least == self.most


NUMBER, SYSTEM = Field("S1", 15, 15), Field("S2", 19, 20)
GIVEN, NAMED = Field("S3", 1, 100), Field("S4", 1, 100)
SEX, BORN, PLACE = Field("S5", 1, 1), Field("S6", 10, 10), Field("S7", 5, 5)
FIELDS: Final = (NUMBER, SYSTEM, GIVEN, NAMED, SEX, BORN, PLACE)
COMPULSORY: Final = frozenset(FIELDS) - {PLACE}


class NotCoded(errors.BusinessRule):
    """Only a qualified identity of known sex has a datamatrix, with names of letters alone."""


class WrongDatamatrix(errors.Invalid):
    """This is not the text of an INS datamatrix."""


@dataclass(frozen=True, slots=True)
class Coded:
    """What a datamatrix says of a person."""

    ins: Ins
    given_names: str  # the whole list, separated by spaces: capitals, no accent
    birth_name: str
    sex: Sex
    birth_date: date
    birth_place: str | None  # INSEE code


def capitals(name: str) -> str:
    """A name as the datamatrix writes it: capitals, no accents, hyphens and apostrophes kept."""
    upper = unicodedata.normalize("NFKC", name).upper().translate(LIGATURES)
    bare = "".join(c for c in unicodedata.normalize("NFD", upper) if not unicodedata.combining(c))
    found = " ".join(bare.split())
    if not NAME.fullmatch(found):
        raise NotCoded
    return found


def write(coded: Coded) -> str:
    """The text; refused for unknown sex or names that cannot be written."""
    if coded.sex is Sex.UNKNOWN:
        raise NotCoded
    values = {
        NUMBER: coded.ins.value,
        SYSTEM: coded.ins.system.removeprefix("urn:oid:"),
        GIVEN: capitals(coded.given_names),
        NAMED: capitals(coded.birth_name),
        SEX: "M" if coded.sex is Sex.MALE else "F",
        BORN: "-".join(reversed(coded.birth_date.isoformat().split("-"))),
    }
    if coded.birth_place:
        values[PLACE] = coded.birth_place
    text = HEADER
    last = list(values)[-1]
    for field, value in values.items():
        if not field.least <= len(value) <= field.most:
            raise NotCoded
        text += field.key + value
        if not field.fixed and len(value) < field.most and field is not last:
            text += SEPARATOR
    return text


def read(text: str) -> Coded:
    """What the text of a datamatrix says; every field known, once, and each value right."""
    if not text.startswith(HEADER):
        raise WrongDatamatrix
    values: dict[Field, str] = {}
    by_key = {field.key: field for field in FIELDS}
    place = len(HEADER)
    while place < len(text):
        field = by_key.get(text[place : place + 2])
        if field is None or field in values:
            raise WrongDatamatrix
        place += 2
        value = text[place : place + field.most]
        if not field.fixed:
            value = value.partition(SEPARATOR)[0]
        if not field.least <= len(value) or SEPARATOR in value:
            raise WrongDatamatrix
        place += len(value)
        if not field.fixed and len(value) < field.most and place < len(text):
            if text[place] != SEPARATOR:
                raise WrongDatamatrix
            place += 1
            if place == len(text):
                raise WrongDatamatrix  # a separator closes nothing at the end
        values[field] = value
    if COMPULSORY - set(values):
        raise WrongDatamatrix
    return _checked(values)


def _checked(values: dict[Field, str]) -> Coded:
    born = re.fullmatch(r"([0-9]{2})-([0-9]{2})-([0-9]{4})", values[BORN], re.ASCII)
    place = values.get(PLACE)
    if (
        born is None
        or values[SEX] not in ("M", "F")
        or not NAME.fullmatch(values[GIVEN])
        or not NAME.fullmatch(values[NAMED])
        or (place is not None and not re.fullmatch("[0-9][0-9AB][0-9]{3}", place, re.ASCII))
    ):
        raise WrongDatamatrix
    try:
        return Coded(
            ins=claim(values[NUMBER], values[SYSTEM]).verified(),
            given_names=values[GIVEN],
            birth_name=values[NAMED],
            sex=Sex.MALE if values[SEX] == "M" else Sex.FEMALE,
            birth_date=date(int(born[3]), int(born[2]), int(born[1])),
            birth_place=place,
        )
    except (ValueError, errors.Invalid) as wrong:
        raise WrongDatamatrix from wrong
