# SPDX-License-Identifier: EUPL-1.2
"""Statements of the full text: what is kept of each document, and the condition of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString, Protocol

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from carnet.documents.text.asking import Question, Term
from carnet.fhir.search.query import Filter, Place
from carnet.fhir.search.scope import array

ZONES = ("title", "heads", "body")  # where all the words stand, best first


class Hasher(Protocol):
    """What turns words to numbers: its key never enters the database."""

    def number(self, text: str) -> int:
        """A signed 64-bit number."""


@dataclass(frozen=True, slots=True)
class Due:
    """A document whose file a worker has to read."""

    cid: int
    rid: int


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a document, sealed."""

    cid: int
    rid: int
    body: bytes


KEEP: tuple[LiteralString, ...] = (
    """
    INSERT INTO documents.words (cid, rid, title, heads, body, starts)
    VALUES (%(cid)s, %(rid)s, %(title)s, %(heads)s, %(body)s, %(starts)s)
    ON CONFLICT (cid, rid) DO UPDATE SET title = excluded.title, heads = excluded.heads,
       body = excluded.body, starts = excluded.starts
    """,
    """
    INSERT INTO documents.said (cid, rid, body) VALUES (%(cid)s, %(rid)s, %(said)s)
    ON CONFLICT (cid, rid) DO UPDATE SET body = excluded.body
    """,
)
LATER: LiteralString = """
    INSERT INTO documents.to_read (cid, rid, since) VALUES (%(cid)s, %(rid)s, %(now)s)
    ON CONFLICT (cid, rid) DO UPDATE SET tried = 0
"""
DUE: LiteralString = """
    SELECT cid, rid FROM documents.to_read WHERE tried < 3
     ORDER BY since, cid, rid LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
BACKLOG: LiteralString = "SELECT count(*) FROM documents.to_read WHERE tried < 3"
TRIED: LiteralString = """
    UPDATE documents.to_read SET tried = tried + 1 WHERE cid = %(cid)s AND rid = %(rid)s
"""
DONE: LiteralString = "DELETE FROM documents.to_read WHERE cid = %(cid)s AND rid = %(rid)s"
FORGET: tuple[LiteralString, ...] = (
    "DELETE FROM documents.words WHERE cid = %(cid)s AND rid = %(rid)s",
    "DELETE FROM documents.said WHERE cid = %(cid)s AND rid = %(rid)s",
    DONE,
)
WITHOUT: LiteralString = """
    SELECT r.cid, r.rid FROM record.resource r
     WHERE r.rtype = %(rtype)s AND NOT r.gone AND (r.cid, r.rid) > (%(cid)s, %(rid)s)
       AND (%(again)s OR NOT EXISTS (
            SELECT 1 FROM documents.words w WHERE w.cid = r.cid AND w.rid = r.rid)
            OR NOT EXISTS (SELECT 1 FROM documents.same s WHERE s.cid = r.cid AND s.rid = r.rid))
     ORDER BY r.cid, r.rid LIMIT %(limit)s
"""
SAID: LiteralString = """
    SELECT s.cid, s.rid, s.body FROM documents.said s
     WHERE (s.cid, s.rid) IN (SELECT * FROM unnest(%(cids)s::bigint[], %(rids)s::bigint[]))
"""


async def keep(conn: AsyncConnection[Any], values: dict[str, object]) -> None:
    """What a document is found by; under a context that may write its record. Primary keys."""
    for statement in KEEP:
        await conn.execute(statement, values)


async def later(conn: AsyncConnection[Any], cid: int, rid: int, now: datetime) -> None:
    """Have a worker read the files of a document. Primary key."""
    await conn.execute(LATER, {"cid": cid, "rid": rid, "now": now})


async def forget(conn: AsyncConnection[Any], cid: int, rid: int) -> None:
    """Nothing is kept of a document. Primary keys."""
    for statement in FORGET:
        await conn.execute(statement, {"cid": cid, "rid": rid})


async def due(conn: AsyncConnection[Any], limit: int) -> list[Due]:
    """Those that wait longest; under the platform's context. Index to_read_since."""
    async with conn.cursor(row_factory=class_row(Due)) as cur:
        await cur.execute(DUE, {"limit": limit})
        return await cur.fetchall()


async def backlog(conn: AsyncConnection[Any]) -> int:
    """How many wait; under the platform's context. Index to_read_since."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute(BACKLOG)
        return int(await cur.fetchone() or 0)


async def tried(conn: AsyncConnection[Any], one: Due) -> None:
    """A file that could not be read: three times at most. Primary key."""
    await conn.execute(TRIED, {"cid": one.cid, "rid": one.rid})


async def done(conn: AsyncConnection[Any], one: Due) -> None:
    """It was read. Primary key."""
    await conn.execute(DONE, {"cid": one.cid, "rid": one.rid})


async def without(
    conn: AsyncConnection[Any], rtype: int, after: Due, limit: int, *, again: bool
) -> list[Due]:
    """Documents of which nothing is kept, or all of them; under the platform's context."""
    values = {"rtype": rtype, "cid": after.cid, "rid": after.rid, "limit": limit, "again": again}
    async with conn.cursor(row_factory=class_row(Due)) as cur:
        await cur.execute(WITHOUT, values)
        return await cur.fetchall()


async def said(conn: AsyncConnection[Any], places: Sequence[tuple[int, int]]) -> list[Said]:
    """The sealed texts of documents that this context sees. Primary key."""
    values = {"cids": [cid for cid, _ in places], "rids": [rid for _, rid in places]}
    async with conn.cursor(row_factory=class_row(Said)) as cur:
        await cur.execute(SAID, values)
        return await cur.fetchall()


def hashed(hasher: Hasher, cid: int, form: str) -> int:
    """What stands for a stem in the rows of one record: another number in every other record."""
    return hasher.number(f"text.{cid}\0{form}")


def begins(hasher: Hasher, cid: int, start: str) -> int:
    """What stands for the beginning of a word."""
    return hasher.number(f"text.{cid}\0^{start}")


@dataclass(frozen=True, slots=True)
class WordFilter:
    """Documents of these compartments that answer a question.

    zone: where every word that is wanted stands. but: zones where they do not all stand.
    """

    question: Question
    cids: tuple[int, ...]
    zone: str = "body"
    but: tuple[str, ...] = ()

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        parts = []
        for rank, cid in enumerate(self.cids):
            mine = f"{name}_{rank}"
            values[mine] = cid
            said = [self._all(self.zone, place.hasher, cid, values, f"{mine}z")]
            said += [
                f"NOT {self._all(zone, place.hasher, cid, values, f'{mine}b{at}')}"
                for at, zone in enumerate(self.but)
            ]
            said += [
                f"NOT {self._term(term, 'body', place.hasher, cid, values, f'{mine}n{at}')}"
                for at, term in enumerate(self.question.terms)
                if term.refused and not term.check
            ]
            parts.append(f"(w.cid = %({mine})s::bigint AND {' AND '.join(said)})")
        return (
            "(r.cid, r.rid) IN (SELECT w.cid, w.rid FROM documents.words w"
            f" WHERE {' OR '.join(parts) or 'FALSE'})"
        )

    def _all(
        self, zone: str, hasher: Hasher, cid: int, values: dict[str, object], name: str
    ) -> str:
        wanted = [each for each in self.question.terms if not each.refused]
        made = [
            self._term(term, zone, hasher, cid, values, f"{name}{at}")
            for at, term in enumerate(wanted)
        ]
        return f"({' AND '.join(made)})"

    def _term(
        self,
        term: Term,
        zone: str,
        hasher: Hasher,
        cid: int,
        values: dict[str, object],
        name: str,
    ) -> str:
        if term.start:
            if zone != "body":
                return "FALSE"  # beginnings are kept for the whole
            values[name] = array((begins(hasher, cid, term.start),))
            return f"w.starts @> %({name})s::bigint[]"
        single = [form for one in term.any if len(one) == 1 for form in one]
        made = []
        if single:
            values[f"{name}s"] = array(hashed(hasher, cid, form) for form in single)
            made.append(f"w.{zone} && %({name}s)s::bigint[]")
        for at, one in enumerate(each for each in term.any if len(each) > 1):
            values[f"{name}m{at}"] = array(hashed(hasher, cid, form) for form in sorted(one))
            made.append(f"w.{zone} @> %({name}m{at})s::bigint[]")
        return f"({' OR '.join(made)})"

    def patients(self, ids: object) -> set[int]:
        """The record it looks in."""
        return set(self.cids)

    def widened(self, sets: Mapping[int, tuple[int, ...]], ids: object) -> Filter:
        """The same in all the records of one person."""
        return replace(self, cids=_every(self.cids, sets))


def _every(cids: Iterable[int], sets: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted({each for cid in cids for each in sets.get(cid, (cid,))}))
