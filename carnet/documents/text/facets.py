# SPDX-License-Identifier: EUPL-1.2
"""What may narrow the documents that answer: kind, year, who sent them, who wrote them.

Counted over the documents this viewer sees and no others; a name of an author is read in one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from carnet.access.door import Visit
from carnet.access.door.visit import Group
from carnet.documents import nomenclature
from carnet.documents.consult import listing
from carnet.documents.pages import OTHER, Asked, Facet
from carnet.documents.text import queries
from carnet.documents.text.authors import known
from carnet.documents.text.index import Text
from carnet.documents.text.matching import Found
from carnet.fhir.search.columns import Tally

NAMED = 40  # authors whose name is read: those of most documents, and the one that is chosen
_FULL = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, as rows say it."""

    asked: Asked
    organisation: int | None
    authors: frozenset[int] | None  # numbers of one name; None when none was chosen
    codes: dict[int, str]

    def code(self, one: Found) -> str | None:
        """The type of a document, where it is one that is listed."""
        return None if one.token is None else self.codes.get(one.token)

    def writes(self, one: Found) -> bool:
        """Whether the author that was chosen is among its own."""
        return self.authors is None or not self.authors.isdisjoint(one.authors)

    def kept(self, found: Sequence[Found]) -> Sequence[Found]:
        """The documents of all that was chosen."""
        return [each for each in self.but_author(found) if self.writes(each)]

    def but_author(self, found: Sequence[Found]) -> Sequence[Found]:
        """The same, whoever wrote them."""
        if not self.asked.kind and self.asked.year is None and self.organisation is None:
            return found
        return [
            each
            for each in found
            if self.asked.kind in ("", self.code(each) or OTHER)
            and self.asked.year in (None, each.year)
            and self.organisation in (None, each.organisation)
        ]


def choice(visit: Visit, asked: Asked) -> Choice:
    """What an address asks for."""
    door = visit.door
    number = door.definitions.params["DocumentReference"]["type"].number
    tally = Tally(number, tuple(nomenclature.types()), listing.ZONE)
    return Choice(
        asked,
        listing.organisation(visit, asked),
        _numbers(asked.author) if asked.author else None,
        tally.hashes(door.place("DocumentReference")),
    )


def counts(visit: Visit, found: Iterable[Found], asked: Asked, choice: Choice) -> listing.Counts:
    """Counts of kinds, years and senders, each with the other choices as they are."""
    groups = Counter(
        (each.year, each.organisation, each.token) for each in found if choice.writes(each)
    )
    made = [
        Group(year, organisation, None if token is None else choice.codes.get(token), count)
        for (year, organisation, token), count in groups.items()
    ]
    return listing.counts(visit, made, asked)


async def authors(
    visit: Visit,
    texts: Callable[[Iterable[Found]], Awaitable[dict[tuple[int, int], Text]]],
    found: Sequence[Found],
    choice: Choice,
) -> tuple[Facet, ...]:
    """Who wrote them, of most documents first; one name in two records of a person is one choice."""
    counted: Counter[int] = Counter()
    shown: dict[int, Found] = {}
    for each in choice.but_author(found):
        for number in each.authors:
            counted[number] += 1
            shown.setdefault(number, each)
    chosen = choice.authors or frozenset()
    numbers = [number for number, _ in counted.most_common(NAMED)]
    numbers += [each for each in sorted(chosen & counted.keys()) if each not in numbers]
    read = await texts(shown[each] for each in numbers)
    names: dict[str, tuple[str, set[int]]] = {}
    for number in numbers:
        place = shown[number].place
        text = read.get(place)
        for name in text.authors if text is not None else ():
            if queries.writer(visit.door.hasher, place[0], known(name)) == number:
                names.setdefault(known(name), (name, set()))[1].add(number)
    made = [
        Facet(_value(every), name, sum(counted[each] for each in every))
        for name, every in names.values()
    ]
    return tuple(sorted(made, key=lambda each: (-each.count, each.label.casefold())))


def _value(numbers: Iterable[int]) -> str:
    return ".".join(f"{each & _FULL:016x}" for each in sorted(numbers))


def _numbers(value: str) -> frozenset[int]:
    """The numbers of a name; what is none was written by nobody."""
    try:
        found = [int(each, 16) for each in value.split(".")]
    except ValueError:
        return frozenset()
    return frozenset(each - (1 << 64) if each >> 63 else each for each in found if each <= _FULL)
