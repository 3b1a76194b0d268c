# SPDX-License-Identifier: EUPL-1.2
"""A log to test: a database without people, rows written by hand, a sealer with a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from carnet.access.log import heads, roots, sources, verify
from carnet.access.log.heads import Head, Signer
from carnet.access.log.sealing import Sealing
from carnet.postgres.pool import Pool

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
DELAY = timedelta(seconds=60)
WRITE = (
    "INSERT INTO access.audit (at, request, sub, situation, org, client, purpose, act, granted, rule,"
    " matrix, cid, cids, rids, vers, acting_for, secret) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
    " %s, %s, %s, %s, %s, %s, %s, %s) RETURNING seq"
)


@dataclass
class Log:
    """One installation's log."""

    url: str
    pool: Pool
    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(4))
    now: datetime = START

    def __post_init__(self) -> None:
        self.signer: Signer = heads.load_or_make(self.folder / "keys")
        self.sealing = self.sealer()

    @property
    def file(self) -> Path:
        return self.folder / roots.NAME

    def sealer(self) -> Sealing:
        """A sealer as a process makes one."""
        return Sealing(
            self.pool, self.signer, self.file, lambda: self.now, self.chance.randbytes,
            delay=DELAY.total_seconds(),
        )  # fmt: skip

    def values(self) -> tuple[Any, ...]:
        """A row as life makes them."""
        chance = self.chance
        several = chance.random() < 0.2
        count = chance.randrange(5)
        cids = [chance.getrandbits(40) for _ in range(3)]
        return (
            self.now, chance.randbytes(8).hex(), f"rpps:{chance.getrandbits(30)}",
            chance.choice((None, "situation-é")), chance.choice((None, chance.getrandbits(40))),
            "carnet-pages", "TREAT", chance.choice(("read", "search", "create")),
            chance.random() < 0.9, "care-team", "demonstration-1",
            None if several else cids[0], cids if several else None,
            [chance.getrandbits(60) for _ in range(count)], [1] * count,
            chance.choice((None, 10001)), chance.random() < 0.1,
        )  # fmt: skip

    def write(self, count: int, conn: psycopg.Connection[Any] | None = None) -> list[int]:
        """Rows a second apart."""
        if conn is None:
            with psycopg.connect(self.url) as conn:
                return self.write(count, conn)
        seqs = []
        for _ in range(count):
            self.now += timedelta(seconds=1)
            found = conn.execute(WRITE, self.values()).fetchone()
            assert found is not None
            seqs.append(int(found[0]))
        return seqs

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the superuser of the database."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def verify(
        self, handed: Sequence[Head] | None = None, *, keys: Sequence[bytes] | None = None
    ) -> verify.Report:
        """With the installation's key, and the roots of its file unless others are given."""
        if handed is None:
            handed = roots.read(self.file) if self.file.exists() else []
        source = sources.Database(self.url, self.now)
        try:
            believed = [self.signer.public] if keys is None else keys
            return verify.verify(source, handed, believed, delay=DELAY)
        finally:
            source.close()
