# SPDX-License-Identifier: EUPL-1.2
"""Whether a row is found by what it should be, and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from carnet.fhir.search.ordered import seal
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.reindex.queries import Indexed
from carnet.fhir.store.rows import Index

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def differs(row: Indexed, index: Index, hasher: Hasher) -> list[str]:
    """What of the row is not as the index made of its body: tokens, strings, dates, numbers."""
    found = []
    if sorted(row.toks or ()) != list(index.toks):
        found.append("tokens")
    if (row.lo, row.hi) != (micros(index.lo), micros(index.hi)):
        found.append("principal date")
    if sorted(row.strings or ()) != sorted(f"{param} {value}" for param, value in index.strings):
        found.append("strings")
    dates = sorted(f"{param} {micros(lo)} {micros(hi)}" for param, lo, hi in index.dates)
    if sorted(row.dates or ()) != dates:
        found.append("dates")
    numbers = []
    for each in index.numbers:
        one = seal(hasher, row.cid, row.rid, each)
        ends = " ".join("-" if end is None else str(end) for end in (one.hi, one.lo2, one.hi2))
        numbers.append(f"{one.salt} {one.lo} {ends} {{{','.join(map(str, one.tags))}}}")
    if sorted(row.numbers or ()) != sorted(numbers):
        found.append("numbers")
    return found


def micros(bound: str) -> str:
    """An end as the statement of the rows gives it."""
    if bound in ("-infinity", "infinity"):
        return bound
    return str((datetime.fromisoformat(bound) - EPOCH) // MICROSECOND)
