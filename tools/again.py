# SPDX-License-Identifier: EUPL-1.2
"""Which acts that need a fresh log-in (carnet/access/stepup.toml) an address leads to, read from the code.

From the function that answers, every function of Carnet it names is followed, and those they name: through
imports, tables of functions, methods of the same object, and the parts the pages are set up with.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from carnet.access import stepup
from carnet.app import pages as bound

PARTS = "parts"


@functools.cache
def acts() -> dict[Any, str]:
    """Each act's function, and its name in the file."""
    found = {}
    for name in stepup.table()["acts"]:
        module, _, last = name.rpartition(".")
        found[getattr(importlib.import_module(module), last)] = name
    return found


@functools.cache
def pages_parts() -> dict[str, type]:
    """The class behind each part of the pages: `self.life: LifeActs = LifePages(built)`."""
    return {
        each.target.attr: getattr(bound, each.value.func.id)
        for each in _nodes(bound.PageParts.__init__)
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Attribute)
        and isinstance(each.value, ast.Call)
        and isinstance(each.value.func, ast.Name)
    }


def led_to(view: Any) -> set[str]:
    """Names of the acts that answering may do."""
    found: set[str] = set()
    seen: set[Any] = set()
    waiting: list[tuple[Any, type | None]] = [(each, None) for each in _functions(view)]
    while waiting:
        function, owner = waiting.pop()
        if (function, owner) in seen:
            continue
        seen.add((function, owner))
        if function in acts():
            found.add(acts()[function])
        waiting += _named(function, owner)
    return found


def _functions(thing: Any) -> Iterator[Any]:
    """Those of Carnet a value is made of: itself, the methods of a class, what a table holds."""
    if isinstance(thing, functools.partial):
        yield from _functions(thing.func)
    elif isinstance(thing, dict):
        for each in thing.values():
            yield from _functions(each)
    elif isinstance(thing, (list, tuple, frozenset)):
        for each in thing:
            yield from _functions(each)
    elif view := getattr(thing, "view_class", None):
        yield from (each for _, each in inspect.getmembers(view, inspect.isfunction) if _ours(each))
    elif callable(thing):
        plain = inspect.unwrap(thing)
        plain = getattr(plain, "__func__", plain)
        if isinstance(plain, types.FunctionType) and _ours(plain):
            yield plain


def _ours(function: Any) -> bool:
    return str(function.__module__).startswith("carnet.")


@functools.cache
def _module(file: str) -> dict[int, ast.AST]:
    """The functions of a file by their first line, decorators included."""
    found: dict[int, ast.AST] = {}
    for each in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([each.lineno, *(one.lineno for one in each.decorator_list)])
            found[first] = each
    return found


@functools.cache
def _nodes(function: Any) -> tuple[ast.AST, ...]:
    """All of a function; nothing of a form's lambda, or of what a library made."""
    code = function.__code__
    if code.co_filename.startswith("<"):
        return ()
    tree = _module(code.co_filename).get(code.co_firstlineno)
    return () if tree is None else tuple(ast.walk(tree))


@functools.cache
def _named(function: Any, owner: type | None) -> list[tuple[Any, type | None]]:
    """Functions a function names, each with the class it was found in."""
    names: dict[str, Any] = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    for local in function.__code__.co_varnames:
        names.pop(local, None)
    for each in _nodes(function):
        if isinstance(each, ast.ImportFrom) and each.module:
            module = importlib.import_module(each.module)
            names |= {one.asname or one.name: getattr(module, one.name, None) for one in each.names}
    found: list[tuple[Any, type | None]] = []
    local = _locals(function, names)
    for each in _nodes(function):
        if isinstance(each, ast.Attribute):
            if isinstance(each.value, ast.Name) and each.value.id == "self" and owner:
                found += [(one, owner) for one in _functions(getattr(owner, each.attr, None))]
            elif isinstance(each.value, ast.Name) and each.value.id in local:
                part = local[each.value.id]
                found += [(one, part) for one in _functions(getattr(part, each.attr, None))]
            elif (of := _part(each.value, names)) is not None:
                found += [(one, of) for one in _functions(getattr(of, each.attr, None))]
        if isinstance(each, ast.Name | ast.Attribute):
            found += [(one, None) for one in _functions(_value(each, names))]
    return found


def _locals(function: Any, names: dict[str, Any]) -> dict[str, type]:
    """Names a function gives to a part: `who, acts = actor(request), desk.parts().life`."""
    found = {}
    for each in _nodes(function):
        for target in each.targets if isinstance(each, ast.Assign) else ():
            assert isinstance(each, ast.Assign)
            pairs = [(target, each.value)]
            if isinstance(target, ast.Tuple) and isinstance(each.value, ast.Tuple):
                pairs = list(zip(target.elts, each.value.elts, strict=False))
            for name, value in pairs:
                part = _part(value, names)
                if isinstance(name, ast.Name) and part is not None:
                    found[name.id] = part
    return found


def _part(asked: ast.AST, names: dict[str, Any]) -> type | None:
    """The class of `desk.parts().life`, or of what a function of the module returns: `acts()`."""
    if isinstance(asked, ast.Attribute) and isinstance(asked.value, ast.Call):
        called = asked.value.func
        if isinstance(called, ast.Attribute) and called.attr == PARTS:
            return pages_parts().get(asked.attr)
    if isinstance(asked, ast.Call) and isinstance(asked.func, ast.Name):
        made = names.get(asked.func.id)
        if isinstance(made, types.FunctionType) and _ours(made):
            for each in _nodes(made):
                if isinstance(each, ast.Return) and isinstance(each.value, ast.Attribute):
                    return _part(each.value, made.__globals__)
    return None


def _value(said: ast.AST, names: dict[str, Any]) -> Any:
    """What `a.b.c` is, when it is known before anything runs."""
    if isinstance(said, ast.Name):
        return names.get(said.id)
    if isinstance(said, ast.Attribute):
        before = _value(said.value, names)
        known = isinstance(before, types.ModuleType | type)
        return getattr(before, said.attr, None) if known else None
    return None
