# SPDX-License-Identifier: EUPL-1.2
"""Is there anything, is all of it so: existence, and sets."""

from collections.abc import Callable
from typing import Final

from carnet.fhir.fhirpath import equality
from carnet.fhir.fhirpath.compiler import Builder, Compiler, single, truth
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.functions.collections import each, where
from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import FALSE, INTEGER, NOTHING, TRUE, Items, boolean


def _empty(c: Compiler, run: Run) -> Run:
    return lambda items, frame: FALSE if run(items, frame) else TRUE


def _exists(c: Compiler, run: Run) -> Run:
    return lambda items, frame: TRUE if run(items, frame) else FALSE


def _exists_where(c: Compiler, run: Run, criteria: Node) -> Run:
    return _exists(c, where(c, run, criteria))


def _not(c: Compiler, run: Run) -> Run:
    def negated(items: Items, frame: Frame) -> Items:
        value = truth(run(items, frame))
        return NOTHING if value is None else FALSE if value else TRUE

    return negated


def _all(c: Compiler, run: Run, criteria: Node) -> Run:
    holds = each(c, criteria)

    def every(items: Items, frame: Frame) -> Items:
        return boolean(
            all(truth(holds(at, i, frame)) is True for at, i in enumerate(run(items, frame)))
        )

    return every


def _booleans(of: Callable[[list[bool]], bool]) -> Builder:
    def made(c: Compiler, run: Run) -> Run:
        def told(items: Items, frame: Frame) -> Items:
            values = [value for _, value, _ in run(items, frame)]
            if not all(type(value) is bool for value in values):
                raise WrongType("FHIRPath: allTrue() and its like take booleans.")
            return boolean(of(values))

        return told

    return made


def _subset(c: Compiler, run: Run, other: Node) -> Run:
    whole = c.compile(other)

    def inside(items: Items, frame: Frame) -> Items:
        others = whole(items, frame)
        return boolean(all(equality.holds(item, others) for item in run(items, frame)))

    return inside


def _superset(c: Compiler, run: Run, other: Node) -> Run:
    part = c.compile(other)

    def around(items: Items, frame: Frame) -> Items:
        ours = run(items, frame)
        return boolean(all(equality.holds(item, ours) for item in part(items, frame)))

    return around


def _count(c: Compiler, run: Run) -> Run:
    return lambda items, frame: [(INTEGER, len(run(items, frame)), None)]


def _is_distinct(c: Compiler, run: Run) -> Run:
    def told(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        return boolean(len(equality.distinct(found)) == len(found))

    return told


def _iif(c: Compiler, run: Run, criterion: Node, *results: Node) -> Run:
    condition = c.compile(criterion)
    yes, no = c.compile(results[0]), c.compile(results[1]) if len(results) > 1 else None

    def chosen(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        single(found)
        known = single(condition(found, frame))
        if known is not None and type(known[1]) is not bool:
            raise WrongType("FHIRPath: the criterion of iif() is a boolean.")
        if known is not None and known[1]:
            return yes(found, frame)
        return NOTHING if no is None else no(found, frame)

    return chosen


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("empty", 0): _empty,
    ("exists", 0): _exists,
    ("exists", 1): _exists_where,
    ("not", 0): _not,
    ("all", 1): _all,
    ("allTrue", 0): _booleans(all),
    ("anyTrue", 0): _booleans(any),
    ("allFalse", 0): _booleans(lambda values: not any(values)),
    ("anyFalse", 0): _booleans(lambda values: not all(values)),
    ("subsetOf", 1): _subset,
    ("supersetOf", 1): _superset,
    ("count", 0): _count,
    ("isDistinct", 0): _is_distinct,
    ("iif", 2): _iif,
    ("iif", 3): _iif,
}
