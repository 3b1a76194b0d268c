# SPDX-License-Identifier: EUPL-1.2
"""`_sort` by what rests sealed: tokens, references, addresses, and strings that are not readable.

Keyed hashes have no order. What the caller may see and the search finds is opened by the service, which
gives the statement a number for each row and no value; a page link keeps the value itself, sealed, so that
the next page goes on after it whatever is written meanwhile. Above a limit it is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from carnet import errors
from carnet.fhir.definitions import SearchParameter
from carnet.fhir.search.extract import extract
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.search.strings import normalised
from carnet.fhir.store.rows import Stored

MOST_ORDERED: Final = 2000  # resources one search may open to order
LONGEST: Final = 100  # characters of a value that count
APART: Final = "\0"  # between the parts of a value: no text has it

# What a resource has for a parameter, as texts in the order of their values. Case and accents aside first,
# then as it is written, so that two values never tie.
ORDERED: Final[dict[str, Callable[[Extracted], Iterable[str]]]] = {
    "token": lambda found: (
        APART.join((code.casefold()[:LONGEST], code[:LONGEST], (system or "")[:LONGEST]))
        for _, system, code in found.tokens
    ),
    "reference": lambda found: (target[:LONGEST] for _, target in found.references),
    "uri": lambda found: (uri[:LONGEST] for _, uri in found.uris),
    "string": lambda found: (normalised(text)[:LONGEST] for _, text in found.strings),
}


class TooManyToOrder(errors.TooCostly):
    """What is sorted by is opened, of 2,000 resources at most: name a patient, or add parameters."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The values there are, and where each row stands among them; None where it has none."""

    words: tuple[str, ...]
    rows: tuple[tuple[int, int, int | None], ...]  # compartment, row, place

    def place(self, word: str) -> int:
        """Where a value stands, be it there or not: between two places for one that is not."""
        at = bisect_left(self.words, word)
        return 2 * at if self.words[at : at + 1] == (word,) else 2 * at - 1

    def word(self, place: int) -> str:
        """The value that stands there."""
        return self.words[place // 2]

    def arrays(self) -> tuple[str, str, str]:
        """Compartments, rows and places as PostgreSQL arrays."""
        columns = tuple(zip(*self.rows, strict=True)) or ((), (), ())
        cids, rids, places = (
            "{" + ",".join("NULL" if each is None else str(each) for each in column) + "}"
            for column in columns
        )
        return cids, rids, places


def ranked(
    opened: Iterable[Stored], code: str, kind: str, own: tuple[SearchParameter, ...], *, last: bool
) -> Ranks:
    """The places of what was opened; last: of several values the greatest counts."""
    only, best = frozenset((code,)), max if last else min
    held = [
        (each.cid, each.rid, best(ORDERED[kind](extract(each.resource, only, own)), default=None))
        for each in opened
    ]
    words = tuple(sorted({word for _, _, word in held if word is not None}))
    places = {word: 2 * at for at, word in enumerate(words)}
    rows = tuple((cid, rid, None if word is None else places[word]) for cid, rid, word in held)
    return Ranks(words, rows)
