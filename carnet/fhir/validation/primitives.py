# SPDX-License-Identifier: EUPL-1.2
"""Primitive values: which JSON type, and which text, each of R4's primitive types takes.

A check gives None, or the sentence that says the rule; no sentence repeats the value.

Source: FHIR R4, Datatypes, and the regular expressions of its StructureDefinitions. Those of R4
that a hostile text makes slow (base64Binary) are replaced by plain code.
"""

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Final

Check = Callable[[Any], str | None]

MAX_STRING: Final = 1024 * 1024  # characters, R4's own limit
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
BLANKS: Final = str.maketrans("", "", " \t\r\n")

DAY: Final = r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?"
FULL_DAY: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,30})?"
ZONE: Final = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"


def _string(value: Any) -> str | None:
    if type(value) is not str:
        return "A string is written as a JSON string."
    if not value:
        return "A string is not empty: what has no value is left out."
    if not value.isprintable() and CONTROL.search(value):
        return "A string holds no control character but tab, line feed and carriage return."
    if len(value) > MAX_STRING:
        return "A string has at most 1,048,576 characters."
    return None


def _boolean(value: Any) -> str | None:
    return None if type(value) is bool else "A boolean is true or false, without quotes."


def _integer(least: int, name: str) -> Check:
    rule = f"{name} is a whole JSON number from {least} to 2147483647."

    def check(value: Any) -> str | None:
        return None if type(value) is int and least <= value <= 2_147_483_647 else rule

    return check


def _decimal(value: Any) -> str | None:
    kind = type(value)
    return None if kind is Decimal or kind is int else "A decimal is written as a JSON number."


def _text(pattern: str, rule: str) -> Check:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any) -> str | None:
        return None if type(value) is str and matches(value) else rule

    return check


def _dated(pattern: str, rule: str) -> Check:
    """A text that starts with a date; of a whole day, the calendar must have it."""
    matches = re.compile(pattern).fullmatch

    def check(value: Any) -> str | None:
        if type(value) is not str or not matches(value) or value.startswith("0000"):
            return rule
        if value[8:10] > "28":
            try:
                date(int(value[:4]), int(value[5:7]), int(value[8:10]))
            except ValueError:
                return "The calendar has no such day."
        return None

    return check


def _base64(value: Any) -> str | None:
    if type(value) is str and value:
        try:
            binascii.a2b_base64(value, strict_mode=True)
            return None
        except ValueError:  # binascii.Error, or a character that is not ASCII
            pass
        try:
            bare = value.translate(BLANKS)
            binascii.a2b_base64(bare, strict_mode=True)
            if bare:
                return None
        except ValueError:
            pass
    return "A base64Binary is a string of whole groups of four base64 characters."


_uri: Final = _text(r"[^\s\x00-\x1f]+", "A uri is a string without white space.")

CHECKS: Final[dict[str, Check]] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _uri,
    "code": _text(
        r"[^\s\x00-\x1f]+(?: [^\s\x00-\x1f]+)*",
        "A code is a string without leading, trailing or doubled white space.",
    ),
    "date": _dated(DAY, "A date is YYYY, YYYY-MM or YYYY-MM-DD."),
    "dateTime": _dated(
        rf"{DAY}|{FULL_DAY}T{CLOCK}{ZONE}",
        "A dateTime is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss and its time zone.",
    ),
    "decimal": _decimal,
    "id": _text(
        r"[A-Za-z0-9\-.]{1,64}",
        "An id has 1 to 64 of the characters A-Z, a-z, 0-9, hyphen and full stop.",
    ),
    "instant": _dated(
        rf"{FULL_DAY}T{CLOCK}{ZONE}", "An instant is YYYY-MM-DDThh:mm:ss and its time zone."
    ),
    "integer": _integer(-2_147_483_648, "An integer"),
    "markdown": _string,
    "oid": _text(
        r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+", "An oid is urn:oid: and numbers with full stops."
    ),
    "positiveInt": _integer(1, "A positiveInt"),
    "string": _string,
    "time": _text(CLOCK, "A time is hh:mm:ss, without time zone."),
    "unsignedInt": _integer(0, "An unsignedInt"),
    "uri": _uri,
    "url": _uri,
    "uuid": _text(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "A uuid is urn:uuid: and a UUID in lower case.",
    ),
}
