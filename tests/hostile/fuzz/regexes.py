# SPDX-License-Identifier: EUPL-1.2
"""Every regular expression of Carnet, on texts made of its own structure to make it try again and again.

    python -m tests.hostile.fuzz.regexes      one line of JSON for each: where, pattern, slow or not

An expression is slow when one of its texts takes more than SECONDS of processor: the system ends it. That
is what is exponential or cubic where it searches, what is quadratic where it is asked for the whole text.
Source: C. Davis and others, The Impact of Regular Expression Denial of Service in Practice, 2018.
"""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[3]
SECONDS: Final = 3  # of processor, for one text
LENGTHS: Final = (30, 2000, 20_000)  # characters of what repeats
SEARCHED: Final = 2000  # a search starts again at every character: on shorter texts
ENDS: Final = ("", "\0", "!", "\n", " ", "\u00e9")
MOST: Final = 150  # texts for one expression
FUNCTIONS: Final = frozenset(
    "compile match fullmatch search sub subn split findall finditer".split()
)
MODULES: Final = ("re", "regex")

Found = tuple[str, Any, int]  # place, pattern, flags


def every() -> list[Found]:
    """All the expressions written in carnet/: by what the source says, and what its modules hold."""
    found: dict[tuple[Any, int], str] = {}
    for path in sorted((ROOT / "carnet").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        names: dict[str, Any] = {}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and node.value is not None:
                    names[target.id] = _literal(node.value, names)
            if isinstance(node, ast.Call):
                for pattern in _pattern(node, names):
                    found.setdefault((pattern, _flags(node)), f"{place}:{node.lineno}")
    for name, module in list(sys.modules.items()):
        if name.startswith("carnet."):
            for what, held in vars(module).items():
                if isinstance(held, re.Pattern):
                    found.setdefault((held.pattern, held.flags & ~re.UNICODE), f"{name}.{what}")
    return [(place, pattern, flags) for (pattern, flags), place in found.items()]


def _pattern(call: ast.Call, names: dict[str, Any]) -> Iterator[Any]:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        if function.value.id not in MODULES or function.attr not in FUNCTIONS:
            return
    elif not (isinstance(function, ast.Name) and function.id in ("RegexValidator", "re_path")):
        return
    given = call.args[0] if call.args else None
    value = _literal(given, names) if given is not None else None
    if isinstance(value, str | bytes):
        yield value


def _literal(node: ast.expr, names: dict[str, Any]) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal(node.left, names), _literal(node.right, names)
        if isinstance(left, str) and isinstance(right, str):
            return left + right
    return None


def _flags(call: ast.Call) -> int:
    found = 0
    for node in ast.walk(call):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            flag = getattr(re, node.attr, None)
            if node.value.id == "re" and isinstance(flag, re.RegexFlag):
                found |= flag
    return found


# ------------------------------------------------------------------------------------- texts


def texts(pattern: Any, flags: int) -> Iterator[str]:
    """Each thing that repeats, repeated long, after what leads to it, before what does not follow."""
    tree = parser.parse(pattern if isinstance(pattern, str) else pattern.decode("latin-1"), flags)
    made = 0
    repeats = list(_repeats(tree))
    for target in repeats:
        for variant in range(3):
            before, inside = _until(tree, target, variant)
            if not inside:
                continue
            for length, end in product(LENGTHS, ENDS):
                long = inside * max(1, length // len(inside))
                yield before + long + end
                made += 1
                if made > MOST:
                    return
    whole = _one(tree, 0)
    for end in ENDS:
        yield whole * 200 + end


def _repeats(tree: Any) -> Iterator[Any]:
    for op, given in tree:
        if op in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield given
            yield from _repeats(given[2])
        elif op is codes.SUBPATTERN:
            yield from _repeats(given[3])
        elif op is codes.BRANCH:
            for branch in given[1]:
                yield from _repeats(branch)
        elif op in (codes.ASSERT, codes.ASSERT_NOT):
            yield from _repeats(given[1])
        elif op is codes.ATOMIC_GROUP:
            yield from _repeats(given)


def _until(tree: Any, target: Any, variant: int) -> tuple[str, str]:
    """A text that leads to a repetition, and one turn of it."""
    before = ""
    for op, given in tree:
        if op in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            if given is target:
                return before, _one(given[2], variant)
            if any(each is target for each in _repeats(given[2])):
                lead, inside = _until(given[2], target, variant)
                return before + lead, inside
        elif op is codes.SUBPATTERN and any(each is target for each in _repeats(given[3])):
            lead, inside = _until(given[3], target, variant)
            return before + lead, inside
        elif op is codes.BRANCH:
            for branch in given[1]:
                if any(each is target for each in _repeats(branch)):
                    lead, inside = _until(branch, target, variant)
                    return before + lead, inside
        before += _one([(op, given)], variant)
    return before, ""


def _one(tree: Any, variant: int) -> str:
    """A text the tree matches, more or less: the first choice, the last, or another."""
    made = ""
    for op, given in tree:
        if op is codes.LITERAL:
            made += chr(given)
        elif op is codes.NOT_LITERAL:
            made += "a" if given != ord("a") else "b"
        elif op is codes.ANY:
            made += "a"
        elif op is codes.IN:
            made += _of_set(given, variant)
        elif op is codes.BRANCH:
            made += _one(given[1][(0, -1, len(given[1]) // 2)[variant]], variant)
        elif op is codes.SUBPATTERN:
            made += _one(given[3], variant)
        elif op is codes.ATOMIC_GROUP:
            made += _one(given, variant)
        elif op in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            made += _one(given[2], variant) * max(min(given[0], 20), 1)
    return made


def _of_set(given: Any, variant: int) -> str:
    plain = [each for each in given if each[0] is not codes.NEGATE]
    if len(plain) != len(given):
        return "a1 "[variant]
    op, value = plain[(0, -1, len(plain) // 2)[variant]]
    if op is codes.LITERAL:
        return chr(value)
    if op is codes.RANGE:
        return chr(value[variant % 2])
    return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(value), "a")


# ------------------------------------------------------------------------------------- the run


def tried(pattern: Any, flags: int, seconds: float = SECONDS) -> bool:
    """Whether the expression ends on all of its texts, in a fork with little processor time."""
    pid = os.fork()
    if pid == 0:
        run = re.compile(pattern, flags)
        for text in texts(pattern, flags):
            given: Any = text if isinstance(pattern, str) else text.encode("latin-1", "replace")
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)  # ends the process
            run.fullmatch(given)
            run.match(given)
            if len(text) <= SEARCHED + 200:
                run.search(given)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def main() -> None:
    """Every expression, a line each."""
    from tests.hostile.fuzz import readers  # noqa: F401  what it imports holds expressions

    for place, pattern, flags in every():
        told = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
        ends = tried(pattern, flags)
        print(json.dumps({"place": place, "pattern": told, "ends": ends}), flush=True)


if __name__ == "__main__":
    main()
