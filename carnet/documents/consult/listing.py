# SPDX-License-Identifier: EUPL-1.2
"""The list of a record: a page of documents, what may narrow it, and the last measures.

The page is fetched alone; what may narrow it is counted by the statement of a search, by codes and
columns that are not sealed, so a record of ten thousand documents opens no more than fifty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from carnet.access import queries
from carnet.access.door import Visit
from carnet.access.door.visit import Group
from carnet.documents import nomenclature
from carnet.documents.consult import record
from carnet.documents.consult.curves import latest
from carnet.documents.consult.lines import line
from carnet.documents.pages import OTHER, Asked, DocumentList, Facet
from carnet.fhir.search.columns import Began, DepositedBy, Tally
from carnet.fhir.search.query import Filter, Query, Sort
from carnet.fhir.search.tokens import TokenFilter

PAGE = 50  # documents
MEASURES = 4  # last measures above the first page
ZONE = "Europe/Paris"


async def documents(visit: Visit, patient: str, asked: Asked | None = None) -> DocumentList:
    """The documents, newest first, one page of them."""
    asked = asked or Asked()
    cid = await record.opened(visit, patient)
    door = visit.door
    number = door.definitions.params["DocumentReference"]["type"].number
    types = tuple(nomenclature.types())
    whole = Query("DocumentReference", compartments=(cid,))
    counts = _Counts(
        await visit.tally(whole, Tally(number, types, ZONE)),
        asked,
        _organisation(visit, asked.place) if asked.place else None,
    )

    sort = Sort("date", descending=not asked.before, plain=True)
    after = None
    if cursor := asked.before or asked.after:
        after = door.cursors.read(cursor, "DocumentReference")
    query = replace(
        whole,
        filters=tuple(_filters(visit, number, types, asked)),
        sort=sort,
        count=PAGE,
        after=after,
    )
    page = await visit.search(query)
    matches = page.matches[::-1] if asked.before else page.matches
    more_newer = page.next is not None if asked.before else bool(asked.after)
    more_older = True if asked.before else page.next is not None

    def edge(index: int) -> str:
        if not matches:
            return ""
        last = matches[index]
        return door.cursors.write("DocumentReference", last.mark, last.rid, last.cid)

    first_page = asked == Asked()
    return DocumentList(
        tuple(line(stored) for stored in matches),
        total=counts.total(),
        kinds=counts.kinds(),
        years=counts.years(),
        places=await counts.places(visit),
        latest=await latest(visit, cid, MEASURES) if first_page else (),
        newer=edge(0) if more_newer else "",
        older=edge(-1) if more_older else "",
    )


def _filters(visit: Visit, number: int, types: Iterable[str], asked: Asked) -> Iterable[Filter]:
    if asked.kind == OTHER:
        yield TokenFilter(number, tuple((None, code) for code in types), negated=True)
    elif asked.kind:
        yield TokenFilter(number, ((None, asked.kind),))
    if asked.year is not None:
        zone = ZoneInfo(ZONE)
        yield Began(
            datetime(asked.year, 1, 1, tzinfo=zone), datetime(asked.year + 1, 1, 1, tzinfo=zone)
        )
    if asked.place:
        yield DepositedBy(_organisation(visit, asked.place))


def _organisation(visit: Visit, place: str) -> int:
    """The compartment of a depositor; what is none deposited nothing."""
    found = visit.door.ids.decode(place)
    return found[0] if found is not None else -1


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the filters keep, and what each would keep with another choice of its own."""

    groups: Sequence[Group]
    asked: Asked
    organisation: int | None

    def of(self, but: str) -> Iterator[Group]:
        """The groups that the other filters keep."""
        for group in self.groups:
            if (
                (but == "kind" or self.asked.kind in ("", group.code or OTHER))
                and (but == "year" or self.asked.year in (None, group.year))
                and (but == "place" or self.organisation in (None, group.organisation))
            ):
                yield group

    def total(self) -> int:
        return sum(group.count for group in self.of(""))

    def kinds(self) -> tuple[Facet, ...]:
        """The most frequent first."""
        counts: Counter[str] = Counter()
        for group in self.of("kind"):
            counts[group.code or OTHER] += group.count
        made = [
            Facet(code, nomenclature.type_label(code) or "Autre document", count)
            for code, count in counts.items()
        ]
        return tuple(sorted(made, key=lambda each: (each.value == OTHER, -each.count, each.label)))

    def years(self) -> tuple[Facet, ...]:
        """Newest first."""
        counts: Counter[int] = Counter()
        for group in self.of("year"):
            if group.year is not None:
                counts[group.year] += group.count
        return tuple(Facet(str(year), str(year), counts[year]) for year in sorted(counts)[::-1])

    async def places(self, visit: Visit) -> tuple[Facet, ...]:
        """By name."""
        counts: Counter[int] = Counter()
        for group in self.of("place"):
            if group.organisation is not None:
                counts[group.organisation] += group.count
        if not counts:
            return ()
        async with visit.door.pool.connection() as conn:
            names = await queries.organisation_names(conn, sorted(counts))
        made = [
            Facet(visit.door.ids.encode(cid, cid), name, counts[cid]) for cid, name in names.items()
        ]
        return tuple(sorted(made, key=lambda each: each.label.casefold()))
