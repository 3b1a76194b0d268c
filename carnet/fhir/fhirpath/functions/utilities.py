# SPDX-License-Identifier: EUPL-1.2
"""The time of the evaluation, and traces."""

from typing import Final

from carnet.fhir.fhirpath.compiler import Builder, Compiler, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.functions.collections import each
from carnet.fhir.fhirpath.tree import Node
from carnet.fhir.fhirpath.values import DATE, DATETIME, TIME, Items


def _now(c: Compiler, run: Run) -> Run:
    return lambda items, frame: [(DATETIME, frame.clock().isoformat(timespec="milliseconds"), None)]


def _today(c: Compiler, run: Run) -> Run:
    return lambda items, frame: [(DATE, frame.clock().date().isoformat(), None)]


def _time_of_day(c: Compiler, run: Run) -> Run:
    return lambda items, frame: [
        (TIME, frame.clock().time().isoformat(timespec="milliseconds"), None)
    ]


def _trace(c: Compiler, run: Run, name: Node, *projection: Node) -> Run:
    """The input as it is; who asked for traces is told."""
    label = c.compile(name)
    project = each(c, projection[0]) if projection else None

    def traced(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        if frame.trace is not None:
            called = single(label(items, frame))
            shown = (
                found
                if project is None
                else [r for at, i in enumerate(found) for r in project(at, i, frame)]
            )
            frame.trace("" if called is None else str(called[1]), shown)
        return found

    return traced


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("now", 0): _now,
    ("today", 0): _today,
    ("timeOfDay", 0): _time_of_day,
    ("trace", 1): _trace,
    ("trace", 2): _trace,
}
