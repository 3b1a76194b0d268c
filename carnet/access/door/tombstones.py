# SPDX-License-Identifier: EUPL-1.2
"""What was erased, in a file outside the database: a backup that is restored is erased again from it.

A line a record: number, compartment, when, why, and the hash of all that and of the line before. The line
is written and synced before the erasure is committed: one that never committed is done at the next start.
Every process looks at the list, and lets go of the keys of who is in it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import LiteralString

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from carnet import errors
from carnet.fhir.store.vault import Vault
from carnet.postgres.pool import Pool

log = structlog.get_logger("carnet.tombstones")
EVERY = 1.0  # seconds between two looks
# Numbers follow each other and are never taken back: none is missed, whatever a process slept through.
SINCE: LiteralString = "SELECT n, cid FROM access.tombstone WHERE n > %s ORDER BY n"


class WrongTombstones(errors.Invalid):
    """The list of erasures was altered: restore data/tombstones.jsonl from its copy before serving."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erased record."""

    n: int  # from 1
    cid: int
    at: datetime
    motive: str  # term, request
    hash: bytes

    @property
    def line(self) -> bytes:
        """As the file has it."""
        said = {"n": self.n, "cid": self.cid, "at": self.at.isoformat(), "motive": self.motive,
                "hash": self.hash.hex()}  # fmt: skip
        return json.dumps(said).encode() + b"\n"


def after(last: Tombstone | None, cid: int, at: datetime, motive: str) -> Tombstone:
    """The next one of the chain."""
    n, before = (last.n + 1, last.hash) if last else (1, b"")
    told = f"{n}|{cid}|{at.isoformat()}|{motive}".encode()
    return Tombstone(n, cid, at, motive, sha256(before + told).digest())


class Tombstones:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Tombstone]:
        """Every line, checked against the one before; a last line cut short was never acknowledged."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        found: list[Tombstone] = []
        for line in lines[:-1]:
            try:
                said = json.loads(line)
                at = datetime.fromisoformat(said["at"])
                made = after(found[-1] if found else None, said["cid"], at, said["motive"])
            except (ValueError, KeyError, TypeError):
                raise WrongTombstones from None
            if (made.n, made.hash.hex()) != (said.get("n"), said.get("hash")):
                raise WrongTombstones
            found.append(made)
        return found

    def append(self, stones: Sequence[Tombstone]) -> None:
        """Write and sync; a line cut short before is taken away first."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            whole = file.read()
            kept = whole.rfind(b"\n") + 1
            file.truncate(kept)
            file.seek(kept)
            for stone in stones:
                file.write(stone.line)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def same(known: Sequence[Tombstone], kept: Sequence[Tombstone]) -> bool:
    """Whether two lists tell the same story, as far as the shorter one goes."""
    return all(one.hash == other.hash for one, other in zip(known, kept, strict=False))


async def follow(vault: Vault, pool: Pool) -> None:
    """Until cancelled: a key that another process destroyed is gone from this one within a second or two."""
    last = 0
    while True:
        try:
            last = await look(vault, pool, last)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("tombstones wait", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def look(vault: Vault, pool: Pool, last: int) -> int:
    """Let go of the keys of who was erased since a tombstone, and of those kept long enough; the last one."""
    vault.let_go()
    async with pool.connection() as conn:
        for n, cid in await (await conn.execute(SINCE, (last,))).fetchall():
            vault.destroy(cid)
            last = n
    return last
