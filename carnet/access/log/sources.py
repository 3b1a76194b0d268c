# SPDX-License-Identifier: EUPL-1.2
"""Where a log is verified from: a database, or an export of it (NDJSON)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, Protocol

import orjson
import psycopg
from psycopg import sql

from carnet import errors
from carnet.access.log import rows
from carnet.access.log.heads import Head, WrongHead, instant
from carnet.access.log.rows import Leaf, Row

FETCHED = 5000  # rows at once

ROWS: LiteralString = "SELECT " + rows.COLUMNS + " FROM access.audit ORDER BY seq, at"
LEAVES: LiteralString = "SELECT pos, seq, form, salt, hash FROM access.log_leaf ORDER BY pos"
HEADS: LiteralString = (
    "SELECT size, root, at, upto, key, signature FROM access.log_head ORDER BY size"
)


# Numbers are given outside of transactions: read after the snapshot, it is at least what that holds.
GIVEN: LiteralString = (
    "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM access.audit_seq_seq"
)


MAY_ASK: LiteralString = "SELECT has_sequence_privilege('access.audit_seq_seq', 'SELECT')"


class WrongExport(errors.Invalid):
    """This file is not an export of an audit."""


class Source(Protocol):
    """A log: its heads by size, its rows by number, its leaves by place; read once."""

    at: datetime  # when it was taken
    given: int  # the last number a row took; 0 when it is not known

    def heads(self) -> list[Head]: ...
    def rows(self) -> Iterator[Row]: ...
    def leaves(self) -> Iterator[Leaf]: ...


class Database:
    """The log of a database, live or restored; in one snapshot, by a role that may read it."""

    def __init__(self, url: str, at: datetime) -> None:
        self.at, self.given = at, 0
        self._conn = psycopg.connect(url, application_name="carnet audit")
        self._conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._conn.read_only = True

    def close(self) -> None:
        self._conn.close()

    def heads(self) -> list[Head]:
        """Read first: the snapshot of the three is taken here."""
        found = [Head(*each) for each in self._conn.execute(HEADS)]
        if self._conn.execute(MAY_ASK).fetchone() == (True,):
            given = self._conn.execute(GIVEN).fetchone()
            self.given = int(given[0]) if given else 0
        return found

    def rows(self) -> Iterator[Row]:
        yield from self._read("rows", ROWS)

    def leaves(self) -> Iterator[Leaf]:
        for each in self._read("leaves", LEAVES):
            yield Leaf(*each)

    def _read(self, name: str, query: LiteralString) -> Iterator[Any]:
        with self._conn.cursor(name=name, binary=True) as cur:
            cur.itersize = FETCHED
            cur.execute(sql.SQL(query))
            yield from cur


def export(source: Source, path: Path) -> int:
    """Write a log to a file: what it is, its heads, its leaves, its rows; returns how many lines."""
    count = 0
    with path.open("wb") as file:

        def put(line: dict[str, Any]) -> None:
            nonlocal count
            file.write(orjson.dumps(line) + b"\n")
            count += 1

        heads = source.heads()
        put({"carnet-audit": 1, "time": instant(source.at), "given": source.given})
        for head in heads:
            put({"head": head.line()})
        for leaf in source.leaves():
            salt = base64.b64encode(leaf.salt).decode()
            put({"leaf": [leaf.pos, leaf.seq, leaf.form, salt, leaf.hash.hex()]})
        for row in source.rows():
            put({"row": rows.packed(row)})
    return count


class Export:
    """The log of a file that `export` wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                first = orjson.loads(file.readline())
            assert first["carnet-audit"] == 1
            self.at = datetime.fromisoformat(first["time"])
            self.given = int(first.get("given", 0))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AssertionError):
            raise WrongExport from None

    def close(self) -> None:
        """Nothing is held."""

    def heads(self) -> list[Head]:
        return [Head.of(line) for line in self._of("head")]

    def rows(self) -> Iterator[Row]:
        return (rows.unpacked(line) for line in self._of("row"))

    def leaves(self) -> Iterator[Leaf]:
        for pos, seq, form, salt, hashed in self._of("leaf"):
            yield Leaf(pos, seq, form, base64.b64decode(salt), bytes.fromhex(hashed))

    def _of(self, kind: str) -> Iterator[Any]:
        start = f'{{"{kind}":'.encode()
        try:
            with self._path.open("rb") as file:
                for line in file:
                    if line.startswith(start):
                        yield orjson.loads(line)[kind]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, WrongHead):
            raise WrongExport from None
