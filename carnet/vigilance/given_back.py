# SPDX-License-Identifier: EUPL-1.2
"""What one person's decisions ended in another's record while both were one: given back by the undo.

Each line of `access.meanwhile` is a change that a decision of one compartment made in another (migration
0018). Without those of who is another person now, the row is what it was, changed by the rest in order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from carnet.access.door import Unit
from carnet.vigilance import queries
from carnet.vigilance.queries import Change

# Of a document, by the first row of its chain: not a table, another slice writes them.
MASKS = "masks"

# Compartment, row, and which masks it bears: documents' own, which `app` hands over.
Masks = Callable[[Unit, int, int, Mapping[str, bool]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Settled:
    """One row: the columns it takes again, the changes that are over, those that stand anew."""

    columns: dict[str, Any]
    over: tuple[int, ...]
    standing: tuple[Change, ...]


async def give_back(unit: Unit, cids: Sequence[int]) -> None:
    """For these compartments, once `root` says whose each is; under a context that writes them all."""
    for first, settled in await _settled(unit, cids, masks=False):
        if settled.columns:
            values = {"cid": first.cid, "key": first.key, "columns": settled.columns}
            await queries.take_again(unit.conn, first.tbl, values)
        await queries.changed_anew(unit.conn, settled.over, settled.standing)


async def give_masks_back(unit: Unit, cids: Sequence[int], masks: Masks) -> None:
    """The same of what was masked, or shown, in another's documents."""
    for first, settled in await _settled(unit, cids, masks=True):
        await unit.visit.rights_of(unit.conn, cids)
        await queries.changed_anew(unit.conn, settled.over, settled.standing)
        await masks(unit, first.cid, int(first.key["rid"]), settled.columns)


async def _settled(unit: Unit, cids: Sequence[int], *, masks: bool) -> list[tuple[Change, Settled]]:
    """What becomes of each row: its first change, and the rest."""
    every = await queries.meanwhile(unit.conn, cids)
    found = [one for one in every if (one.tbl == MASKS) is masks]
    persons = await queries.persons(unit.conn, {one.named for one in found} | set(cids))
    rows = []
    for _, lines in groupby(found, key=lambda one: (one.cid, one.tbl, sorted(one.key.items()))):
        changes = list(lines)
        settled = settle(changes, persons)
        if settled is not None:
            rows.append((changes[0], settled))
    return rows


def settle(changes: Sequence[Change], persons: Mapping[int, int]) -> Settled | None:
    """What becomes of one row; changes: all that others made of it, oldest first. None: nothing."""
    whose = persons.get(changes[0].cid)
    over = tuple(one.id for one in changes if persons.get(one.named) != whose)
    if not over:
        return None
    columns: dict[str, Any] = {}
    for one in changes:  # as it was before the first of them
        columns = one.before | columns
    standing = []
    for one in changes:
        if one.id not in over:
            before = {name: columns[name] for name in one.after}
            standing.append(Change(one.id, one.cid, one.named, one.tbl, one.key, before, one.after))
            columns |= one.after
    return Settled(columns, over, tuple(standing))
