# SPDX-License-Identifier: EUPL-1.2
"""What AuditEvent is searched by beside what a line of the audit has a column for.

The lines that the other parameters find are made into resources, as their caller may see them, and these
are tested: nothing is found by what is not shown. Above a limit the search is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from carnet import errors
from carnet.fhir.search import missing, tokens
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.extract import extract
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.search.strings import normalised

MOST_TESTED: Final = 2000  # lines of one page
KINDS: Final = {
    "_id": "id", "_profile": "uri", "_security": "token", "_source": "uri", "_tag": "token",
    "address": "string", "agent-name": "string", "agent-role": "token", "entity-name": "string",
    "entity-role": "token", "entity-type": "token", "policy": "uri", "site": "token",
    "source": "reference", "type": "token",
}  # fmt: skip
MODIFIERS: Final = {
    "id": (), "uri": ("missing",), "reference": ("missing",),
    "string": ("missing", "exact", "contains"), "token": ("missing", "not", "text"),
}  # fmt: skip
NAMES: Final = frozenset(
    (*KINDS, *(f"{name}:{word}" for name, kind in KINDS.items() for word in MODIFIERS[kind]))
)

Test = Callable[[dict[str, Any]], bool]  # of an AuditEvent


class TooManyLines(errors.TooCostly):
    """These parameters are compared in 2,000 lines at most: name a shorter stretch by date, or narrow it."""


def test_of(name: str, value: str) -> Test:
    """One parameter, with its modifier and its values."""
    code, _, modifier = name.partition(":")
    values = cut(value, ",")
    if code == "_id":
        ids = {unescaped(each) for each in values}
        return lambda event: event["id"] in ids
    only = frozenset((code,))
    if modifier == "missing":
        absent = missing.read(values)
        return lambda event: (code not in extract(event, only).present) is absent
    tests = [_alternative(KINDS[code], modifier, each) for each in values]
    found: Test = lambda event: any(test(extract(event, only)) for test in tests)  # noqa: E731
    return (lambda event: not found(event)) if modifier == "not" else found


def _alternative(kind: str, modifier: str, value: str) -> Callable[[Extracted], bool]:
    if kind == "token" and modifier != "text":
        system, code = tokens.read(value)
        return lambda held: any(
            (system is None or system == (one or "")) and code in (None, said)
            for _, one, said in held.tokens
        )
    wanted = unescaped(value)
    if kind in ("uri", "reference"):
        return lambda held: any(each == wanted for _, each in (*held.uris, *held.references))
    if modifier == "exact":
        return lambda held: any(text == wanted for _, text in held.strings)
    folded = normalised(wanted)

    def of_words(held: Extracted) -> bool:
        texts = [normalised(text) for _, text in (*held.strings, *held.texts)]
        if modifier == "contains":
            return any(folded in text for text in texts)
        return folded != "" and any(text.startswith(folded) for text in texts)

    return of_words


def passing(tests: Sequence[Test], event: dict[str, Any]) -> bool:
    """Whether all of them hold."""
    return all(test(event) for test in tests)
