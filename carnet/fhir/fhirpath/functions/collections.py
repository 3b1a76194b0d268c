# SPDX-License-Identifier: EUPL-1.2
"""Choosing among items, turning them into others, putting collections together."""

from collections.abc import Callable
from functools import cmp_to_key
from typing import Final

from carnet.fhir.fhirpath import equality
from carnet.fhir.fhirpath.compiler import (
    Builder,
    Compiler,
    children,
    is_type,
    of_type,
    single,
    spend,
    truth,
)
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.refusals import NotSingle, WrongPath, WrongType, placed
from carnet.fhir.fhirpath.tree import Member, Node, Sign, mentions
from carnet.fhir.fhirpath.values import NOTHING, Item, Items

EachRun = Callable[[int, Item, Frame], Items]


def each(c: Compiler, node: Node) -> EachRun:
    """An argument run on one item of the input, which is then `$this`, and has its `$index`."""
    run = c.compile(node)
    if not mentions(node, "$index"):
        return lambda at, item, frame: run([item], frame)

    def counted(at: int, item: Item, frame: Frame) -> Items:
        before, frame.index = frame.index, at
        try:
            return run([item], frame)
        finally:
            frame.index = before

    return counted


def where(c: Compiler, run: Run, criteria: Node) -> Run:
    """Those items a condition holds of."""
    if mentions(criteria, "$index"):
        holds = each(c, criteria)

        def counted(items: Items, frame: Frame) -> Items:
            found = enumerate(run(items, frame))
            return [i for at, i in found if truth(holds(at, i, frame)) is True]

        return counted
    condition = c.compile(criteria)

    def kept(items: Items, frame: Frame) -> Items:
        return [i for i in run(items, frame) if truth(condition([i], frame)) is True]

    return kept


def _select(c: Compiler, run: Run, projection: Node) -> Run:
    project = each(c, projection)

    def selected(items: Items, frame: Frame) -> Items:
        found: Items = []
        for at, item in enumerate(run(items, frame)):
            found += spend(frame, project(at, item, frame))
        return found

    return selected


def _repeat(c: Compiler, run: Run, projection: Node) -> Run:
    project = each(c, projection)

    def repeated(items: Items, frame: Frame) -> Items:
        found: Items = []
        queue = run(items, frame)
        while queue:
            made: Items = []
            for at, item in enumerate(queue):
                made += spend(frame, project(at, item, frame))
            before = len(found)
            found = equality.distinct(spend(frame, [*found, *made]))
            queue = found[before:]
        return found

    return repeated


def _aggregate(c: Compiler, run: Run, aggregator: Node, *start: Node) -> Run:
    step = each(c, aggregator)
    first = c.compile(start[0]) if start else None

    def total(items: Items, frame: Frame) -> Items:
        before = frame.total
        so_far = NOTHING if first is None else first(items, frame)
        try:
            for at, item in enumerate(run(items, frame)):
                frame.total = so_far
                so_far = spend(frame, step(at, item, frame))
        finally:
            frame.total = before
        return so_far

    return total


def _as_type(make: Callable[[Compiler, Run, str, int], Run]) -> Builder:
    """A function whose argument is the name of a type."""

    def made(c: Compiler, run: Run, argument: Node) -> Run:
        match argument:
            case Member(of=None, name=name):
                return make(c, run, name, argument.at)
            case Member(of=Member(of=None, name=namespace), name=name):
                return make(c, run, f"{namespace}.{name}", argument.at)
        raise placed(WrongPath, argument.at, "the name of a type is expected.")

    return made


def _of_type(c: Compiler, run: Run, name: str, at: int) -> Run:
    return of_type(run, c.matcher(name, at))


def _as(c: Compiler, run: Run, name: str, at: int) -> Run:
    return c.as_type(run, c.matcher(name, at))


def _is(c: Compiler, run: Run, name: str, at: int) -> Run:
    return is_type(run, c.matcher(name, at, exact=False))


# ---------------------------------------------------------------- a part of them


def _single(c: Compiler, run: Run) -> Run:
    def alone(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        if len(found) > 1:
            raise NotSingle
        return found

    return alone


def _cut(start: Callable[[int], int | None], end: Callable[[int], int | None]) -> Builder:
    def made(c: Compiler, run: Run, count: Node) -> Run:
        number = c.compile(count)

        def cut(items: Items, frame: Frame) -> Items:
            many = single(number(items, frame))
            if many is None:
                return NOTHING
            if type(many[1]) is not int:
                raise WrongType("FHIRPath: skip() and take() take a whole number.")
            found = run(items, frame)
            return found[start(max(0, many[1])) : end(max(0, many[1]))]

        return cut

    return made


def _first(c: Compiler, run: Run) -> Run:
    return lambda items, frame: run(items, frame)[:1]


def _last(c: Compiler, run: Run) -> Run:
    return lambda items, frame: run(items, frame)[-1:]


def _tail(c: Compiler, run: Run) -> Run:
    return lambda items, frame: run(items, frame)[1:]


# ---------------------------------------------------------------- together


def _distinct(c: Compiler, run: Run) -> Run:
    return lambda items, frame: equality.distinct(run(items, frame))


def _intersect(c: Compiler, run: Run, other: Node) -> Run:
    theirs = c.compile(other)

    def both(items: Items, frame: Frame) -> Items:
        others = theirs(items, frame)
        return [
            i for i in equality.distinct(run(items, frame)) if equality.holds(i, others)
        ]  # each once

    return both


def _exclude(c: Compiler, run: Run, other: Node) -> Run:
    theirs = c.compile(other)

    def rest(items: Items, frame: Frame) -> Items:
        others = theirs(items, frame)
        return [i for i in run(items, frame) if not equality.holds(i, others)]

    return rest


def _union(c: Compiler, run: Run, other: Node) -> Run:
    theirs = c.compile(other)
    return lambda items, frame: equality.distinct(
        spend(frame, [*run(items, frame), *theirs(items, frame)])
    )


def _combine(c: Compiler, run: Run, other: Node) -> Run:
    theirs = c.compile(other)
    return lambda items, frame: spend(frame, [*run(items, frame), *theirs(items, frame)])


def _sort(c: Compiler, run: Run, *keys: Node) -> Run:
    """By each key; one written with a minus goes from the greatest."""
    signed = [
        (c.compile(key.operand), -1)
        if isinstance(key, Sign) and key.sign == "-"
        else (c.compile(key), 1)
        for key in keys
    ] or [(lambda items, frame: items, 1)]

    def in_order(items: Items, frame: Frame) -> Items:
        rows = [(i, [single(key([i], frame)) for key, _ in signed]) for i in run(items, frame)]

        def compare(
            left: tuple[Item, list[Item | None]], right: tuple[Item, list[Item | None]]
        ) -> int:
            for (_, sign), ours, theirs in zip(signed, left[1], right[1], strict=True):
                if ours is None or theirs is None:  # those without the key come first, either way
                    order = sign * ((ours is not None) - (theirs is not None))
                else:
                    order = equality.order(ours, theirs) or 0
                if order:
                    return sign * order
            return 0

        return [item for item, _ in sorted(rows, key=cmp_to_key(compare))]

    return in_order


# ---------------------------------------------------------------- down the tree


def _children(c: Compiler, run: Run) -> Run:
    return lambda items, frame: children(run(items, frame), frame)


def _descendants(c: Compiler, run: Run) -> Run:
    def below(items: Items, frame: Frame) -> Items:
        found: Items = []
        level = children(run(items, frame), frame)
        while level:
            found += level
            level = children(level, frame)
        return found

    return below


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("where", 1): where,
    ("select", 1): _select,
    ("repeat", 1): _repeat,
    ("aggregate", 1): _aggregate,
    ("aggregate", 2): _aggregate,
    ("ofType", 1): _as_type(_of_type),
    ("as", 1): _as_type(_as),
    ("is", 1): _as_type(_is),
    ("single", 0): _single,
    ("first", 0): _first,
    ("last", 0): _last,
    ("tail", 0): _tail,
    ("skip", 1): _cut(lambda n: n, lambda n: None),
    ("take", 1): _cut(lambda n: None, lambda n: n),
    ("distinct", 0): _distinct,
    ("intersect", 1): _intersect,
    ("exclude", 1): _exclude,
    ("union", 1): _union,
    ("combine", 1): _combine,
    **{("sort", count): _sort for count in range(5)},
    ("children", 0): _children,
    ("descendants", 0): _descendants,
}
