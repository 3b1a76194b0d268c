# SPDX-License-Identifier: EUPL-1.2
"""Texts. An argument that is empty makes the answer empty; the input must be a text."""

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from carnet.fhir.fhirpath.compiler import Builder, Compiler, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.functions.patterns import bearable, checked
from carnet.fhir.fhirpath.refusals import WrongPath, WrongType
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import NOTHING, STRING, Items, boolean, integer, text

GROUP: Final = re.compile(r"\$(?:([0-9]+)|\{([A-Za-z][A-Za-z0-9]*)\})")

JSON_ESCAPE: Final = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
HALF: Final = re.compile("[\ud800-\udfff]")  # a surrogate without its other half is no character


def _text(items: Items) -> str | None:
    item = single(items)
    if item is None or item[1] is None:
        return None
    if type(item[1]) is not str:
        raise WrongType("FHIRPath: this function takes a text.")
    return item[1]


def _number(items: Items) -> int | None:
    item = single(items)
    if item is None:
        return None
    if type(item[1]) is not int:
        raise WrongType("FHIRPath: a whole number is expected as an argument.")
    return item[1]


def _on_text(function: Callable[..., Items], *readers: Callable[[Items], Any]) -> Builder:
    """A function of a text and of arguments, all of which must be there."""

    def made(c: Compiler, run: Run, *arguments: Node) -> Run:
        runs = [(c.compile(node), read) for node, read in zip(arguments, readers, strict=True)]

        def result(items: Items, frame: Frame) -> Items:
            subject = _text(run(items, frame))
            values = [read(argument(items, frame)) for argument, read in runs]
            if subject is None or None in values:
                return NOTHING
            return function(subject, *values)

        return result

    return made


def _substring(subject: str, start: int, length: int | None = None) -> Items:
    if not 0 <= start < len(subject):
        return NOTHING
    return text(subject[start:] if length is None else subject[start : start + max(0, length)])


# ---------------------------------------------------------------- patterns


@lru_cache(maxsize=1024)
def pattern(written: str) -> re.Pattern[str]:
    """A regular expression, whose point is any character."""
    try:
        return checked(written)
    except (re.error, RecursionError, OverflowError):
        raise WrongPath("FHIRPath: this regular expression cannot be used here.") from None


def _tried(written: str, subject: str) -> re.Pattern[str]:
    """A pattern that is tried on a text in a time that does not matter."""
    found = pattern(written)
    if not bearable(written, len(subject)):
        raise WrongPath("FHIRPath: this regular expression takes too long on so long a text.")
    return found


def _matches(subject: str, regex: str) -> Items:
    return boolean(_tried(regex, subject).search(subject) is not None)


def _matches_full(subject: str, regex: str) -> Items:
    return boolean(_tried(regex, subject).fullmatch(subject) is not None)


def _replace_matches(subject: str, regex: str, substitution: str) -> Items:
    if not regex:
        return text(subject)
    template = GROUP.sub(
        lambda found: rf"\g<{found[1] or found[2]}>", substitution.replace("\\", r"\\")
    )
    try:
        return text(_tried(regex, subject).sub(template, subject))
    except (re.error, IndexError):
        raise WrongPath("FHIRPath: the substitution names a group that is not there.") from None


# ---------------------------------------------------------------- codings


def _encode(subject: str, form: str) -> Items:
    raw = subject.encode()
    match form:
        case "hex":
            return text(raw.hex())
        case "base64":
            return text(base64.b64encode(raw).decode())
        case "urlbase64":
            return text(base64.urlsafe_b64encode(raw).decode())
    return NOTHING


def _decode(subject: str, form: str) -> Items:
    try:
        match form:
            case "hex":
                return text(bytes.fromhex(subject).decode())
            case "base64":
                return text(base64.b64decode(subject, validate=True).decode())
            case "urlbase64":
                return text(base64.b64decode(subject, altchars=b"-_", validate=True).decode())
    except (ValueError, binascii.Error):
        pass
    return NOTHING


def _escape(subject: str, form: str) -> Items:
    match form:
        case "html":
            return text(html.escape(subject))
        case "json":
            return text(json.dumps(subject, ensure_ascii=False)[1:-1])
    return NOTHING


def _unescape(subject: str, form: str) -> Items:
    match form:
        case "html":
            return text(html.unescape(subject))
        case "json":
            plain = JSON_ESCAPE.sub(lambda found: str(json.loads(f'"{found[0]}"')), subject)
            return NOTHING if HALF.search(plain) else text(plain)
    return NOTHING


# ---------------------------------------------------------------- several


def _split(subject: str, separator: str) -> Items:
    parts = subject.split(separator) if separator else list(subject)
    return [(STRING, part, None) for part in parts]


def _join(c: Compiler, run: Run, *separator: Node) -> Run:
    between = c.compile(separator[0]) if separator else None

    def joined(items: Items, frame: Frame) -> Items:
        mark = "" if between is None else _text(between(items, frame))
        values = [value for _, value, _ in run(items, frame) if value is not None]
        if not all(type(value) is str for value in values):
            raise WrongType("FHIRPath: join() takes texts.")
        return NOTHING if mark is None or not values else text(mark.join(values))

    return joined


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("indexOf", 1): _on_text(lambda s, part: integer(s.find(part)), _text),
    ("lastIndexOf", 1): _on_text(lambda s, part: integer(s.rfind(part)), _text),
    ("substring", 1): _on_text(_substring, _number),
    ("substring", 2): _on_text(_substring, _number, _number),
    ("startsWith", 1): _on_text(lambda s, part: boolean(s.startswith(part)), _text),
    ("endsWith", 1): _on_text(lambda s, part: boolean(s.endswith(part)), _text),
    ("contains", 1): _on_text(lambda s, part: boolean(part in s), _text),
    ("upper", 0): _on_text(lambda s: text(s.upper())),
    ("lower", 0): _on_text(lambda s: text(s.lower())),
    ("length", 0): _on_text(lambda s: integer(len(s))),
    ("trim", 0): _on_text(lambda s: text(s.strip())),
    ("toChars", 0): _on_text(lambda s: [(STRING, letter, None) for letter in s]),
    ("replace", 2): _on_text(lambda s, part, by: text(s.replace(part, by)), _text, _text),
    ("matches", 1): _on_text(_matches, _text),
    ("matchesFull", 1): _on_text(_matches_full, _text),
    ("replaceMatches", 2): _on_text(_replace_matches, _text, _text),
    ("split", 1): _on_text(_split, _text),
    ("join", 0): _join,
    ("join", 1): _join,
    ("encode", 1): _on_text(_encode, _text),
    ("decode", 1): _on_text(_decode, _text),
    ("escape", 1): _on_text(_escape, _text),
    ("unescape", 1): _on_text(_unescape, _text),
}
