# SPDX-License-Identifier: EUPL-1.2
"""What a leaf is: every column of a row, in one way to write it.

Which records and resources a line names is committed to under a salt: a patient can be shown that their
line stands in the log without being shown whose else it was, or what they may not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, LiteralString

import orjson

from carnet.access.log import tree

FORM = 1  # of the encoding; a column added later belongs to the next one
SALT = 16  # bytes
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

SHOWN = (
    "seq", "at", "request", "sub", "situation", "org", "acting_for", "secret", "client", "purpose",
    "act", "granted", "rule", "matrix",
)  # fmt: skip
COMMITTED = ("cid", "cids", "rids", "vers")
COLUMNS: LiteralString = (
    "seq, at, request, sub, situation, org, acting_for, secret, client, purpose, act, granted, rule,"
    " matrix, cid, cids, rids, vers"
)

Row = Sequence[Any]  # in the order of COLUMNS
SEQ, AT, SUB, CID, CIDS = 0, 1, 3, 14, 15
NAMED = len(SHOWN)  # where the committed columns begin


@dataclass(frozen=True, slots=True)
class Leaf:
    """A row's place in the log."""

    pos: int
    seq: int
    form: int
    salt: bytes
    hash: bytes


def commitment(salt: bytes, named: Sequence[Any]) -> str:
    """What a leaf says of the committed columns."""
    return sha256(salt + orjson.dumps(list(named))).hexdigest()


def shown(row: Row) -> list[Any]:
    """The columns a leaf says, as JSON has them: `at` in microseconds since 1970."""
    return [row[SEQ], (row[AT] - EPOCH) // MICROSECOND, *row[2:NAMED]]


def content(form: int, said: Sequence[Any], committed: str) -> bytes:
    """The bytes that are hashed: the form, the columns, the commitment."""
    return orjson.dumps([form, *said, committed])


def hashed(row: Row, form: int, salt: bytes) -> bytes | None:
    """The hash of a row's leaf; None for a form that this program does not know."""
    if form != FORM:
        return None
    return tree.leaf(content(form, shown(row), commitment(salt, row[NAMED:])))


def packed(row: Row) -> dict[str, Any]:
    """A row as an export writes it."""
    return dict(zip((*SHOWN, *COMMITTED), [*shown(row), *row[NAMED:]], strict=True))


def unpacked(line: Mapping[str, Any]) -> Row:
    """A row of an export."""
    found = [line[name] for name in (*SHOWN, *COMMITTED)]
    found[AT] = EPOCH + found[AT] * MICROSECOND
    return found
