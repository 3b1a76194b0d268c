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
from carnet.access.door import Stored, Visit
from carnet.access.door.visit import Group
from carnet.documents import nomenclature
from carnet.documents.consult import record
from carnet.documents.consult.curves import latest
from carnet.documents.consult.lines import line
from carnet.documents.pages import OTHER, Asked, DocumentLine, DocumentList, Facet
from carnet.documents.same.keep import Copies, copies
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
    every = Query("DocumentReference", standing(visit), compartments=(cid,))
    same = await copies(visit, cid)
    whole = narrowed(every, same.hidden(organisation(visit, asked)))
    tally = Tally(number, types, ZONE)
    counted = counts(visit, await visit.tally(whole, tally), asked)
    sent = counted
    if whole is not every:  # a document stands once for each who sent it
        again = await visit.tally(narrowed(every, same.repeated()), tally)
        sent = counts(visit, again, asked)

    sort = Sort("date", descending=not asked.before, plain=True)
    after = None
    if cursor := asked.before or asked.after:
        after = door.cursors.read(cursor, "DocumentReference")
    query = replace(
        whole,
        filters=(*whole.filters, *filters(visit, number, types, asked)),
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
        await lines(visit, cid, matches, same),
        total=counted.total(),
        kinds=counted.kinds(),
        years=counted.years(),
        places=await sent.places(visit),
        latest=await latest(visit, cid, MEASURES) if first_page else (),
        newer=edge(0) if more_newer else "",
        older=edge(-1) if more_older else "",
    )


def narrowed(query: Query, condition: Filter | None) -> Query:
    """The same query under one more condition, where there is one."""
    return query if condition is None else replace(query, filters=(*query.filters, condition))


async def lines(
    visit: Visit, cid: int, matches: Sequence[Stored], same: Copies
) -> tuple[DocumentLine, ...]:
    """Documents as a list shows them, each with its copies and with those that differ from it."""
    groups = {place: group for group in same.groups for place in group.places}
    shown = [groups.get((each.cid, each.rid)) for each in matches]
    others = {
        place for group in shown if group is not None for place in (*group.places, *group.conflicts)
    }
    if not others:
        return tuple(line(each) for each in matches)
    rids = sorted(rid for _, rid in others)
    found = {
        (each.cid, each.rid): line(each)
        for start in range(0, len(rids), record.TOGETHER)
        for each in await visit.named(cid, rids[start : start + record.TOGETHER], "search")
    }

    def told(places: Iterable[tuple[int, int]], own: Stored) -> tuple[DocumentLine, ...]:
        others = (each for each in places if each != (own.cid, own.rid))
        return tuple(found[each] for each in others if each in found)

    return tuple(
        line(each)
        if group is None
        else replace(
            line(each), copies=told(group.places, each), unlike=told(group.conflicts, each)
        )
        for each, group in zip(matches, shown, strict=True)
    )


def counts(visit: Visit, groups: Sequence[Group], asked: Asked) -> Counts:
    """What may narrow a list, of what was counted."""
    return Counts(groups, asked, organisation(visit, asked))


def standing(visit: Visit) -> tuple[Filter, ...]:
    """What leaves out documents that their author said are in error: they are read by their address alone."""
    status = visit.door.definitions.params["DocumentReference"]["status"].number
    return (TokenFilter(status, ((None, "entered-in-error"),), negated=True),)


def filters(visit: Visit, number: int, types: Iterable[str], asked: Asked) -> Iterable[Filter]:
    """The conditions of what was chosen."""
    if asked.kind == OTHER:
        yield TokenFilter(number, tuple((None, code) for code in types), negated=True)
    elif asked.kind:
        yield TokenFilter(number, ((None, asked.kind),))
    if asked.year is not None:
        zone = ZoneInfo(ZONE)
        yield Began(
            datetime(asked.year, 1, 1, tzinfo=zone), datetime(asked.year + 1, 1, 1, tzinfo=zone)
        )
    chosen = organisation(visit, asked)
    if chosen is not None:
        yield DepositedBy(chosen)


def organisation(visit: Visit, asked: Asked) -> int | None:
    """The compartment of the depositor that is asked for; what is none deposited nothing."""
    if not asked.place:
        return None
    found = visit.door.ids.decode(asked.place)
    return found[0] if found is not None else -1


@dataclass(frozen=True, slots=True)
class Counts:
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
