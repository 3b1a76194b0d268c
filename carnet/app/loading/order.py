# SPDX-License-Identifier: EUPL-1.2
"""What goes in first: a lot after those it refers to; those that refer to each other, together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Thing = TypeVar("Thing")


def in_order(
    things: Iterable[Thing], needs: Mapping[Thing, Iterable[Thing]]
) -> list[tuple[Thing, ...]]:
    """Groups, each after what its members need; a group is a ring, or one thing.

    Tarjan's strongly connected components, without recursion: a chain may be long.
    """
    number: dict[Thing, int] = {}
    low: dict[Thing, int] = {}
    stack: list[Thing] = []
    held: set[Thing] = set()
    found: list[tuple[Thing, ...]] = []
    for first in things:
        if first in number:
            continue
        number[first] = low[first] = len(number)
        stack.append(first)
        held.add(first)
        work = [(first, iter(needs.get(first, ())))]
        while work:
            thing, rest = work[-1]
            for need in rest:
                if need not in number:
                    number[need] = low[need] = len(number)
                    stack.append(need)
                    held.add(need)
                    work.append((need, iter(needs.get(need, ()))))
                    break
                if need in held:
                    low[thing] = min(low[thing], number[need])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[thing])
                if low[thing] == number[thing]:
                    group = []
                    while True:
                        member = stack.pop()
                        held.discard(member)
                        group.append(member)
                        if member == thing:
                            break
                    found.append(tuple(reversed(group)))
    return found
