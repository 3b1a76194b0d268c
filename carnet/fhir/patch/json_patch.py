# SPDX-License-Identifier: EUPL-1.2
"""JSON Patch: operations on a JSON document. Source: RFC 6902, and RFC 6901 for its pointers.

Our own, as libraries compare in Python's way, where true is 1, and let copies grow without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from carnet.fhir.json import MAX_DEPTH
from carnet.fhir.patch.refusals import NotApplied, TestFailed, WrongPatch

MOST_OPERATIONS: Final = 1000
MOST_VALUES: Final = 200_000  # that one patch puts or copies
INDEX: Final = re.compile("0|[1-9][0-9]{0,8}", re.ASCII)
ESCAPE: Final = re.compile("~(?![01])")
ROOM: Final = MAX_DEPTH - 1  # levels left below a document

Pointer = tuple[str, ...]
WITH_VALUE: Final = ("add", "replace", "test")
WITH_FROM: Final = ("move", "copy")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, with the place it has in the patch."""

    at: int
    op: str
    path: Pointer
    source: Pointer = ()  # `from`
    value: Any = None

    def refuse(self, what: str) -> NotApplied:
        """A refusal that names the operation."""
        return NotApplied(f"Operation {self.at + 1} ({self.op}): {what}")


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """A JSON Patch that is well formed."""

    operations: tuple[Operation, ...]

    def applied(self, document: Any) -> Any:
        """The document after every operation; the one given may be changed in place."""
        left = MOST_VALUES
        for operation in self.operations:
            document, left = ACTS[operation.op](document, operation, left)
        return document


def read(operations: Any) -> JsonPatch:
    """The patch that a JSON list says."""
    if type(operations) is not list:  # an empty one changes nothing
        raise WrongPatch("A JSON Patch is a list of operations.")
    if len(operations) > MOST_OPERATIONS:
        raise WrongPatch(f"A patch has {MOST_OPERATIONS} operations at most.")
    return JsonPatch(tuple(_operation(at, each) for at, each in enumerate(operations)))


def _operation(at: int, given: Any) -> Operation:
    if type(given) is not dict or given.get("op") not in tuple(ACTS):
        known = ", ".join(ACTS)
        raise WrongPatch(f"Operation {at + 1}: op is one of {known}.")
    op = given["op"]
    if op in WITH_VALUE and "value" not in given:
        raise WrongPatch(f"Operation {at + 1} ({op}): it has a value.")
    return Operation(
        at,
        op,
        _pointer(at, op, "path", given.get("path")),
        _pointer(at, op, "from", given.get("from")) if op in WITH_FROM else (),
        given.get("value"),
    )


def _pointer(at: int, op: str, name: str, text: Any) -> Pointer:
    if type(text) is not str or (text and text[0] != "/") or ESCAPE.search(text):
        raise WrongPatch(f"Operation {at + 1} ({op}): {name} is a JSON Pointer, as /name/0/family.")
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in text.split("/")[1:])


# ---------------------------------------------------------------- places


def _index(text: str, length: int) -> int | None:
    """A place of a list; None for what is no place in it."""
    if not INDEX.fullmatch(text) or int(text) >= length:
        return None
    return int(text)


def _value(document: Any, pointer: Pointer, operation: Operation, what: str = "path") -> Any:
    """What stands at a pointer."""
    for step in pointer:
        if type(document) is dict and step in document:
            document = document[step]
        elif type(document) is list and (at := _index(step, len(document))) is not None:
            document = document[at]
        else:
            raise operation.refuse(f"nothing is at its {what}.")
    return document


def _copied(value: Any, operation: Operation, depth: int, left: int) -> tuple[Any, int]:
    """A copy of its own, within what one patch may put; and what is left of that."""
    left -= 1
    if left < 0:
        raise operation.refuse("the patch puts more than this server takes.")
    if type(value) is not dict and type(value) is not list:
        return value, left
    if depth <= 0:
        raise operation.refuse("it nests objects and lists too deeply.")
    made: Any
    if type(value) is dict:
        made = {}
        for key, each in value.items():
            made[key], left = _copied(each, operation, depth - 1, left)
    else:
        made = []
        for each in value:
            one, left = _copied(each, operation, depth - 1, left)
            made.append(one)
    return made, left


# ---------------------------------------------------------------- operations


def _put(document: Any, operation: Operation, value: Any, left: int) -> tuple[Any, int]:
    """`add`: in an object, or before a place of a list."""
    value, left = _copied(value, operation, ROOM - len(operation.path), left)
    if not operation.path:
        return value, left
    *before, last = operation.path
    holder = _value(document, tuple(before), operation)
    if type(holder) is dict:
        holder[last] = value
    elif type(holder) is list and last == "-":
        holder.append(value)
    elif type(holder) is list and (at := _index(last, len(holder) + 1)) is not None:
        holder.insert(at, value)
    else:
        raise operation.refuse("nothing can be put at its path.")
    return document, left


def _add(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    return _put(document, operation, operation.value, left)


def _taken(document: Any, pointer: Pointer, operation: Operation, what: str = "path") -> Any:
    """What stands at a pointer, no longer in the document."""
    if not pointer:
        raise operation.refuse("the whole resource is not removed by a patch.")
    _value(document, pointer, operation, what)
    *before, last = pointer
    holder = _value(document, tuple(before), operation, what)
    return holder.pop(last if type(holder) is dict else int(last))


def _remove(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    _taken(document, operation.path, operation)
    return document, left


def _replace(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    value, left = _copied(operation.value, operation, ROOM - len(operation.path), left)
    if not operation.path:
        return value, left
    _value(document, operation.path, operation)
    *before, last = operation.path
    holder = _value(document, tuple(before), operation)
    holder[last if type(holder) is dict else int(last)] = value  # which keeps its place among keys
    return document, left


def _move(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    source, path = operation.source, operation.path
    if len(source) < len(path) and path[: len(source)] == source:
        raise operation.refuse("a value is not moved into itself.")
    if source == path:
        _value(document, path, operation, "from")
        return document, left
    value = _taken(document, source, operation, "from")
    return _put(document, operation, value, left)


def _copy(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    value = _value(document, operation.source, operation, "from")
    return _put(document, operation, value, left)


def _test(document: Any, operation: Operation, left: int) -> tuple[Any, int]:
    if not same(_value(document, operation.path, operation), operation.value):
        raise TestFailed(f"Operation {operation.at + 1} (test): the value is another.")
    return document, left


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by what they are worth, true is no number."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(each, other[key]) for key, each in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and _each_same(one, other)
    if isinstance(one, int | Decimal) and not isinstance(one, bool):
        return isinstance(other, int | Decimal) and not isinstance(other, bool) and one == other
    return type(one) is type(other) and bool(one == other)


def _each_same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


Act = Callable[[Any, Operation, int], tuple[Any, int]]
ACTS: Final[dict[str, Act]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
