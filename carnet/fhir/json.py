# SPDX-License-Identifier: EUPL-1.2
"""JSON: the one door by which it comes in, and the one by which it goes out.

In memory a resource is a plain dict; a number with a fraction is a `Decimal`, so 1.10 stays 1.10.
The standard reader keeps the last of two equal keys, takes NaN, turns 1e999 into infinity, dies of
deep nesting and lets half a character in; each of these is refused here with its own sentence.

Source: FHIR R4, JSON representation; RFC 8259.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from carnet import errors

MAX_DEPTH: Final = 64  # nested objects and lists
MAX_NUMBER: Final = 64  # characters; R4 asks for 18 significant digits
MAX_EXPONENT: Final = 300  # what a double precision index can hold

BOM: Final = b"\xef\xbb\xbf"
# Written escapes of what the reader would let through: U+0000 and surrogates.
SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
FORBIDDEN: Final = re.compile("[\x00\ud800-\udfff]")


class NotUtf8(errors.Invalid):
    """The body is not UTF-8 text."""


class ByteOrderMark(errors.Invalid):
    """The body starts with a byte order mark: JSON has none."""


class Empty(errors.Invalid):
    """The body is empty: a JSON object is expected."""


class Malformed(errors.Invalid):
    """The body is not well-formed JSON."""


class TrailingData(errors.Invalid):
    """Something follows the end of the JSON object."""


class NotAnObject(errors.Invalid):
    """The body is JSON, but not an object."""


class NotAList(errors.Invalid):
    """The body is JSON, but not a list."""


class DuplicateKey(errors.Invalid):
    """An object of the body has the same key twice."""


class NotANumber(errors.Invalid):
    """NaN and Infinity are not JSON numbers."""


class NumberTooLong(errors.Invalid):
    """A number of the body has too many digits, or an exponent out of range."""


class TooDeep(errors.Invalid):
    """The body nests objects and lists too deeply."""


class ForbiddenCharacter(errors.Invalid):
    """A text of the body holds U+0000 or half of a surrogate pair."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise DuplicateKey
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER:
        raise NumberTooLong
    return int(digits)


def _decimal(digits: str) -> Decimal:
    if len(digits) > MAX_NUMBER:
        raise NumberTooLong
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond even what a Decimal holds
        raise NumberTooLong from None
    if not -MAX_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise NumberTooLong
    return number


def _constant(_: str) -> Any:
    raise NotANumber


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_kept: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def parse(body: bytes) -> dict[str, Any]:
    """The object a body holds.

    Raises errors.Invalid, with a sentence that never repeats what was in the body.
    """
    value = _parsed(body)
    if type(value) is not dict:
        raise NotAnObject
    return value


def again(body: bytes) -> dict[str, Any]:
    """An object that `parse` let in and that was kept: without its checks, five times faster.

    Only for a body that came out of the store.
    """
    return _kept.decode(body)


def parse_list(body: bytes) -> list[Any]:
    """The list a body holds (a JSON Patch), read as an object is."""
    value = _parsed(body)
    if type(value) is not list:
        raise NotAList
    return value


def _parsed(body: bytes) -> Any:
    if body.startswith(BOM):
        raise ByteOrderMark
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NotUtf8 from None
    if not text or text.isspace():
        raise Empty
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise TrailingData from None
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not well-formed JSON: see {where}.") from None
    except RecursionError:
        raise TooDeep from None
    if type(value) is dict or type(value) is list:
        _measure(value, MAX_DEPTH)
    if SUSPECT.search(text):
        _search(value)
    return value


def dump(value: Any) -> bytes:
    """The bytes of a value; decimals keep their digits."""
    return _encoder.encode(value)


def _measure(value: dict[str, Any] | list[Any], left: int) -> None:
    """Refuse what nests deeper than `left` levels, this one included."""
    if left == 0:
        raise TooDeep
    for inner in value.values() if type(value) is dict else value:
        if type(inner) is dict or type(inner) is list:
            _measure(inner, left - 1)


def _search(value: Any) -> None:
    """Refuse forbidden characters in any key or text; depth is already bounded."""
    if type(value) is str:
        if FORBIDDEN.search(value):
            raise ForbiddenCharacter
    elif type(value) is dict:
        for key, inner in value.items():
            _search(key)
            _search(inner)
    elif type(value) is list:
        for inner in value:
            _search(inner)
