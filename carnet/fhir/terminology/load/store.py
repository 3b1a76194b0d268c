# SPDX-License-Identifier: EUPL-1.2
"""What a file brings goes in whole, in one transaction, once: the same bytes again change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from carnet.fhir import json
from carnet.fhir.terminology.compose import Listed, parts
from carnet.fhir.terminology.load import queries
from carnet.fhir.terminology.load.model import Brought, Concept, System, ValueSet
from carnet.fhir.terminology.refusals import Taken, shown
from carnet.fhir.terminology.words import vector, words

RECIPE = b"2"  # of what is made of a file: another number, and each is read again

MANY = 1_000  # concepts after which the planner, and whoever waits, is told

Conn = psycopg.Connection[Any]


@dataclass(slots=True)
class Stored:
    """What came of one file."""

    form: str
    known: bool = False  # it was there already: nothing changed
    systems: int = 0
    value_sets: int = 0
    concepts: int = 0
    touched: dict[str, set[str]] = field(
        default_factory=lambda: {"CodeSystem": set(), "ValueSet": set()}
    )


def digest_of(content: bytes) -> bytes:
    """By which a file is known again."""
    return hashlib.sha256(RECIPE + content).digest()


def known(conn: Conn, digest: bytes) -> bool:
    """Whether a file was loaded."""
    return conn.execute(queries.SOURCE, {"sha256": digest}).fetchone() is not None


def store(
    conn: Conn,
    brought: Brought,
    *,
    name: str,
    digest: bytes,
    at: datetime,
    origin: str = "",
    replace: bool = False,
    seen: Callable[[int], None] = lambda codes: None,
) -> Stored:
    """Write what a file brings. seen: told how many codes are written, from time to time.

    replace: what has the same address and version with other content is replaced; else Taken names all
    that has, and nothing is written.
    """
    told = Stored(brought.form)
    held: list[System | ValueSet] = []
    with conn.transaction():
        conn.execute(queries.TAKE_LOCK, {"lock": queries.LOCK})
        if known(conn, digest):
            told.known = True
            return told
        values = {"name": name, "sha256": digest, "form": brought.form, "origin": origin, "at": at}
        source = _id(conn.execute(queries.ADD_SOURCE, values))
        _systems(conn, brought, source, told, seen, None if replace else held)
        _value_sets(conn, brought.value_sets, source, told, None if replace else held)
        if held:
            raise _taken(*held)
        _names(conn, brought)
        systems, sets = ({"urls": list(urls)} for urls in told.touched.values())
        conn.execute(queries.NOT_CURRENT_SYSTEMS, systems)
        conn.execute(queries.CURRENT_SYSTEMS, systems)
        conn.execute(queries.NOT_CURRENT_VALUE_SETS, sets)
        conn.execute(queries.CURRENT_VALUE_SETS, sets)
        conn.execute(queries.CHANGED)
        if told.concepts > MANY:
            conn.execute(queries.LOOK_AGAIN)
    return told


def _systems(
    conn: Conn,
    brought: Brought,
    source: int,
    told: Stored,
    seen_codes: Callable[[int], None],
    held: list[System | ValueSet] | None,
) -> None:
    urls = {"urls": list({each.url for each in brought.systems})}
    there = {row[:3]: row[3:] for row in conn.execute(queries.SYSTEMS, urls).fetchall()}
    rows: list[dict[str, Any]] = []
    whole: list[tuple[System, bool]] = []
    seen: dict[tuple[str, ...], bytes] = {}
    for each in brought.systems:
        told_of = _Told()
        digest = _digest([each.url, each.version, each.case_sensitive, each.name, each.title, each.head],
                         ([c.code, c.display, c.definition, c.inactive, c.abstract, c.parents,
                           c.properties, c.designations] for c in told_of.each(each.concepts)))  # fmt: skip
        content = "supplement" if each.supplements else "fragment" if each.fragment else "complete"
        key = (each.url, each.version, content)
        if _twice(each, key, digest, seen):
            continue
        found = there.get(key)
        if found is not None and found[1] == digest:
            continue
        told.touched["CodeSystem"].add(each.url)
        if found is not None and each.fragment:
            told.concepts += _grow(conn, found[0], tuple(unique(each.concepts)), digest)
            continue
        if found is not None:
            if held is not None:
                held.append(each)
                continue
            conn.execute(queries.DROP_SYSTEM, {"id": found[0]})
        row = {
            "url": each.url,
            "version": each.version,
            "content": content,
            "name": each.name,
            "title": each.title,
            "status": each.status,
            "published": each.published,
            "language": each.language,
            "case_sensitive": each.case_sensitive,
            "value_set": each.value_set,
            "properties": Jsonb(dict(each.properties)),
            "size": told_of.size,
            "source": source,
            "digest": digest,
            "aliases": Jsonb(dict(each.aliases)),
            "supplements": each.supplements or None,
            "head": Jsonb(each.head, json.dump),
        }
        rows.append(row)
        whole.append((each, told_of.hierarchy))
        told.systems += 1
        told.concepts += told_of.size
    made = list(zip(_ids(conn, queries.ADD_SYSTEM, rows), whole, strict=True))
    with conn.cursor() as cursor, cursor.copy(queries.COPY_CONCEPTS) as copy:
        for row_id, (each, _) in made:
            for at, one in enumerate(unique(each.concepts)):
                copy.write_row(_row(row_id, at, one))
                if at % MANY == MANY - 1:
                    seen_codes(at + 1)
    systems = [row_id for row_id, (_, hierarchy) in made if hierarchy]
    conn.execute(queries.CLOSE, {"systems": systems})


class _Told:
    """What is learnt of concepts in passing: a large table is read twice, and never held."""

    def __init__(self) -> None:
        self.size = 0
        self.hierarchy = False

    def each(self, concepts: Iterable[Concept]) -> Iterator[Concept]:
        """Each of them, once."""
        for one in unique(concepts):
            self.size += 1
            self.hierarchy |= bool(one.parents)
            yield one


def unique(concepts: Iterable[Concept]) -> Iterator[Concept]:
    """Each code once, as it is said first."""
    seen: set[str] = set()
    for one in concepts:
        if one.code not in seen:
            seen.add(one.code)
            yield one


def _row(system: int, at: int, one: Concept) -> tuple[Any, ...]:
    said = [str(d.get("value", "")) for d in one.designations]
    return (
        system,
        one.code,
        at,
        one.display,
        one.definition,
        one.inactive,
        one.abstract,
        list(one.parents),
        Jsonb({name: list(values) for name, values in one.properties.items()}),
        Jsonb(list(one.designations)),
        vector(words(one.code, one.display, *said, *one.hints)),
    )


def _grow(conn: Conn, system: int, concepts: tuple[Concept, ...], digest: bytes) -> int:
    """Add to a fragment what it has not; a label that is there stays."""
    last = conn.execute(queries.LAST, {"system": system}).fetchone()
    added = conn.execute(
        queries.ADD_TO_FRAGMENT,
        {
            "system": system,
            "first": last[0] if last else 0,
            "codes": [c.code for c in concepts],
            "displays": [c.display for c in concepts],
            "inactive": [c.inactive for c in concepts],
            "words": [vector(words(c.code, c.display)) for c in concepts],
        },
    ).rowcount
    conn.execute(queries.GROW, {"system": system, "digest": digest})
    return added


def _value_sets(
    conn: Conn, value_sets: Iterable[ValueSet], source: int, told: Stored,
    held: list[System | ValueSet] | None,
) -> None:  # fmt: skip
    value_sets = list(value_sets)
    urls = {"urls": list({each.url for each in value_sets})}
    there = {row[:2]: row[2:] for row in conn.execute(queries.VALUE_SETS, urls).fetchall()}
    rows: list[dict[str, Any]] = []
    lists: list[dict[int, list[Listed]]] = []
    seen: dict[tuple[str, ...], bytes] = {}
    for each in value_sets:
        digest = _digest(
            [each.url, each.version, each.name, each.title, each.compose, each.head], ()
        )
        key = (each.url, each.version)
        if _twice(each, key, digest, seen):
            continue
        found = there.get(key)
        if found is not None and found[1] == digest:
            continue
        if found is not None:
            if held is not None:
                held.append(each)
                continue
            conn.execute(queries.DROP_VALUE_SET, {"id": found[0]})
        told.touched["ValueSet"].add(each.url)
        bare, listed = parts(each.compose)
        row = {
            "url": each.url,
            "version": each.version,
            "name": each.name,
            "title": each.title,
            "status": each.status,
            "published": each.published,
            "language": each.language,
            "compose": Jsonb(bare),
            "source": source,
            "digest": digest,
            "supplements": list(each.supplements),
            "head": Jsonb(each.head, json.dump),
        }
        rows.append(row)
        lists.append(listed)
        told.value_sets += 1
    made = zip(_ids(conn, queries.ADD_VALUE_SET, rows), lists, strict=True)
    with conn.cursor() as cursor, cursor.copy(queries.COPY_LISTED) as copy:
        for value_set, listed in made:
            for at, concepts in listed.items():
                for seq, one in enumerate(concepts):
                    copy.write_row(_line(value_set, at, seq, one))


def _twice(
    each: System | ValueSet, key: tuple[str, ...], digest: bytes, seen: dict[tuple[str, ...], bytes]
) -> bool:
    """Whether the same file has said the same already; Taken when it says otherwise."""
    if key in seen and seen[key] != digest:
        raise _taken(each)
    twice = key in seen
    seen[key] = digest
    return twice


def _line(value_set: int, at: int, seq: int, one: Listed) -> tuple[Any, ...]:
    said = [str(d.get("value", "")) for d in one.designations]
    found = vector(words(one.code, one.display, *said))
    return value_set, at, seq, one.code, one.display, Jsonb(list(one.designations)), found


def _names(conn: Conn, brought: Brought) -> None:
    given = [("CodeSystem", name, url) for name, url in brought.names.items()]
    given += [("CodeSystem", name, each.url) for each in brought.systems for name in each.names]
    given += [("ValueSet", name, each.url) for each in brought.value_sets for name in each.names]
    rows = [{"kind": k, "name": n, "url": u} for k, n, u in given if n != u]
    with conn.cursor() as cursor:
        cursor.executemany(queries.NAME, rows)


def _digest(head: list[Any], lines: Iterable[list[Any]]) -> bytes:
    found = hashlib.sha256(json.dump({"head": head}))
    for line in lines:
        found.update(json.dump({"": line}))
    return found.digest()


def _taken(first: System | ValueSet, *others: System | ValueSet) -> Taken:
    more = f" So are {len(others)} more." if others else ""
    refusal = Taken(
        f"{shown(first.url)} {shown(first.version)} is there already with other content: --replace"
        f" takes this one instead.{more}"
    )
    refusal.held = frozenset((each.url, each.version) for each in (first, *others))
    return refusal


def _id(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _ids(conn: Conn, query: LiteralString, rows: list[dict[str, Any]]) -> list[int]:
    """Write rows, all on their way at once; their ids, in order."""
    if not rows:
        return []
    with conn.cursor() as cursor:
        cursor.executemany(query, rows, returning=True)
        found = [_id(cursor)]
        while cursor.nextset():
            found.append(_id(cursor))
    return found
