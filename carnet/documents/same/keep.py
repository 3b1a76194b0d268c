# SPDX-License-Identifier: EUPL-1.2
"""What each document is recognised by is kept, with the document; which are one is told, as each sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from carnet.access.door import Address, Door, Unit, Visit
from carnet.documents.cda import CdaDocument
from carnet.documents.same import queries
from carnet.documents.same.copies import Paper, Place, Same, told_once
from carnet.documents.same.reading import marks
from carnet.fhir.search.query import Query
from carnet.fhir.search.tokens import TokenFilter


async def keep(
    unit: Unit,
    address: Address,
    resource: dict[str, Any],
    document: CdaDocument | None,
    made: Iterable[dict[str, Any]] = (),
) -> None:
    """Keep what a document is recognised by, in its own transaction. made: what was read in it."""
    await unit.allow(address.cid)
    door = unit.visit.door
    await again(door, unit.conn, address.cid, address.rid, resource, document, made)


async def again(
    door: Door,
    conn: AsyncConnection[Any],
    cid: int,
    rid: int,
    resource: dict[str, Any],
    document: CdaDocument | None,
    made: Iterable[dict[str, Any]],
) -> None:
    """The same under a context that may write this record already."""
    read, number = marks(resource, document, made), door.hasher.number
    values: dict[str, object] = {"cid": cid, "rid": rid}
    values["exact"] = [number(f"same.{each}") for each in sorted(read.exact)]
    values["keys"] = [number(f"same.{each}") for each in sorted(read.exact | read.keys)]
    for name, said in (("results", read.results), ("narrative", read.narrative)):
        values[name] = None if said is None else number(f"same.{name}|{said}")
    await queries.keep(conn, values)


async def forget(unit: Unit, cid: int, rid: int) -> None:
    """Keep nothing of a document that is deleted."""
    await unit.allow(cid)
    await queries.forget(unit.conn, cid, rid)


@dataclass(frozen=True, slots=True)
class Copies:
    """The documents of a record that are one, or look alike: of those a viewer sees, and no others."""

    groups: tuple[Same, ...] = ()

    def heads(self, organisation: int | None = None) -> dict[Place, Same]:
        """Each group by the document it is shown by: one this organisation deposited, when it did."""
        found = {}
        for group in self.groups:
            own = (each.place for each in group.papers if each.organisation == organisation)
            found[next(own, group.papers[0].place)] = group
        return found

    def hidden(self, organisation: int | None = None) -> queries.Rows | None:
        """The condition of a list that shows each document once; None when no document has a copy."""
        heads = self.heads(organisation)
        copies = {place for group in self.groups for place in group.places if place not in heads}
        return queries.places(copies, but=True) if copies else None

    def repeated(self) -> queries.Rows | None:
        """The condition that leaves each document once for each of those who deposited it."""
        more = self.repeats()
        return queries.places(more, but=True) if more else None

    def repeats(self) -> frozenset[Place]:
        """What that condition leaves out."""
        once: dict[tuple[int, int | None], Place] = {}
        more = set()
        for at, group in enumerate(self.groups):
            for each in group.papers:
                if once.setdefault((at, each.organisation), each.place) != each.place:
                    more.add(each.place)
        return frozenset(more)

    def answering(self, places: Iterable[Place]) -> Copies:
        """The same, those of these documents first in each group: a list shows them by one of these."""
        kept = frozenset(places)
        return Copies(
            tuple(
                Same(
                    tuple(sorted(group.papers, key=lambda each: each.place not in kept)),
                    group.conflicts,
                )
                for group in self.groups
            )
        )


async def copies(visit: Visit, cid: int) -> Copies:
    """Which documents of an open record are one: the door first, then the comparison.

    What was replaced is a version and no copy; what is in error is neither.
    """
    number = visit.door.definitions.params["DocumentReference"]["status"].number
    standing = TokenFilter(number, ((None, "current"),))
    query = Query("DocumentReference", (standing,), compartments=(cid,))
    found: dict[Place, Paper] = {}
    for cid_, rid, key, exact, results, narrative, organisation in await visit.beside(
        query, queries.SHARED
    ):
        place = (cid_, rid)
        paper = found.get(place) or Paper(
            place, results=results, narrative=narrative, organisation=organisation
        )
        found[place] = Paper(
            place,
            paper.exact | {key} if exact else paper.exact,
            paper.keys if exact else paper.keys | {key},
            results,
            narrative,
            organisation,
        )
    ordered = sorted(found.values(), key=lambda each: (not each.read, each.place))
    groups = told_once(ordered)
    return Copies(tuple(each for each in groups if len(each.papers) > 1 or each.conflicts))
