# SPDX-License-Identifier: EUPL-1.2
"""What a row is found by beside its own columns: readable strings, dates and numbers, each in its table.

One statement writes those of any number of rows: arrays as text, one element a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString

from carnet.fhir.search.ordered import seal
from carnet.fhir.store.hashes import Hasher
from carnet.fhir.store.rows import Index

# Parts of a WITH, after another; of `values`.
WRITTEN: LiteralString = """
    strings AS (
        INSERT INTO record.idx_string (cid, rid, param, value)
        SELECT * FROM unnest(%(s_cid)s::bigint[], %(s_rid)s::bigint[], %(s_param)s::smallint[],
                             %(s_value)s::text[])
    ), dates AS (
        INSERT INTO record.idx_date (cid, rid, param, lo, hi)
        SELECT * FROM unnest(%(d_cid)s::bigint[], %(d_rid)s::bigint[], %(d_param)s::smallint[],
                             %(d_lo)s::timestamptz[], %(d_hi)s::timestamptz[])
    ), numbers AS (
        INSERT INTO record.idx_number (cid, rid, salt, lo, hi, lo2, hi2, tags)
        SELECT cid, rid, salt, lo, hi, lo2, hi2, (%(n_tags)s::bigint[])[tag_from:tag_to]
          FROM unnest(%(n_cid)s::bigint[], %(n_rid)s::bigint[], %(n_salt)s::bigint[],
                      %(n_lo)s::bigint[], %(n_hi)s::bigint[], %(n_lo2)s::bigint[],
                      %(n_hi2)s::bigint[], %(n_tag_from)s::integer[], %(n_tag_to)s::integer[])
            AS n (cid, rid, salt, lo, hi, lo2, hi2, tag_from, tag_to)
    )
"""

Row = tuple[int, int, Index]  # compartment, row, what it is found by


def values(hasher: Hasher, rows: Sequence[Row]) -> dict[str, object]:
    """What WRITTEN takes, and the hashes of all rows in one array, cut by place."""
    strings = [(cid, rid, *pair) for cid, rid, index in rows for pair in index.strings]
    dates = [(cid, rid, *each) for cid, rid, index in rows for each in index.dates]
    held = [(cid, rid, each) for cid, rid, index in rows for each in index.numbers]
    sealed = [seal(hasher, *each) for each in held]
    toks, tok_from, tok_to = _joined([index.toks for *_, index in rows])
    tags, tag_from, tag_to = _joined([each.tags for each in sealed])
    return {
        "toks": toks,
        "tok_from": tok_from,
        "tok_to": tok_to,
        # The least of them: what is said to be older than it is, is looked at again.
        "indexed": min(index.generation for *_, index in rows),
        "s_cid": numbers(cid for cid, *_ in strings),
        "s_rid": numbers(rid for _, rid, *_ in strings),
        "s_param": numbers(param for *_, param, _ in strings),
        "s_value": texts(value for *_, value in strings),
        "d_cid": numbers(cid for cid, *_ in dates),
        "d_rid": numbers(rid for _, rid, *_ in dates),
        "d_param": numbers(param for *_, param, _, _ in dates),
        "d_lo": texts(lo for *_, lo, _ in dates),
        "d_hi": texts(hi for *_, hi in dates),
        "n_cid": numbers(cid for cid, *_ in held),
        "n_rid": numbers(rid for _, rid, _ in held),
        "n_salt": numbers(each.salt for each in sealed),
        "n_lo": numbers(each.lo for each in sealed),
        "n_hi": numbers(each.hi for each in sealed),
        "n_lo2": numbers(each.lo2 for each in sealed),
        "n_hi2": numbers(each.hi2 for each in sealed),
        "n_tags": tags,
        "n_tag_from": tag_from,
        "n_tag_to": tag_to,
    }


def _joined(lists: Iterable[Sequence[int]]) -> tuple[str, str, str]:
    """Lists in one array, and where each of them begins and ends in it."""
    every: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    for each in lists:
        starts.append(len(every) + 1)
        every.extend(each)
        ends.append(len(every))
    return numbers(every), numbers(starts), numbers(ends)


def numbers(values: Iterable[int | None]) -> str:
    """A PostgreSQL array of numbers, as text: the quickest way through the driver."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """A PostgreSQL array of texts, each quoted."""
    return (
        "{"
        + ",".join(
            "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            for value in values
        )
        + "}"
    )
