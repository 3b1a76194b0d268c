# SPDX-License-Identifier: EUPL-1.2
"""An installation that leaves, and empty machines to put it back on."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyrage
from psycopg import AsyncConnection

from carnet.access import door
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Visit
from carnet.app import parts
from carnet.cli import leaving
from carnet.config import Settings
from carnet.export.platform import ask, restore, sealed
from carnet.postgres.cluster import DATABASE, Cluster
from carnet.postgres.pool import open_pool
from tests import space as spaces
from tests.space import Space

ONE, TWO = "operator:one", "operator:two"


@dataclass
class Keys:
    """Who the archive is for."""

    private: pyrage.x25519.Identity
    public: str

    @classmethod
    def new(cls) -> Keys:
        private, public = sealed.new_key()
        return cls(pyrage.x25519.Identity.from_str(private), public)


async def operators(space: Space) -> None:
    """Two accounts that may leave together."""
    for sub in (ONE, TWO):
        await space.rows(
            "INSERT INTO access.subject (sub, kind, name) VALUES (%s, 'operator', %s)"
            " ON CONFLICT DO NOTHING",
            sub,
            sub,
        )


def visit(space: Space, sub: str) -> Visit:
    """An operator at the keyboard."""
    who = Actor(ActorKind.OPERATOR, sub, sub, "carnet-export", purpose="HOPERAT")
    return Visit(space.built.door, who, secrets.token_hex(8))


@contextlib.asynccontextmanager
async def owner(url: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection of the database's owner, as the commands have it."""
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


async def seal(space: Space) -> None:
    """What the worker does: the lines of the audit under a signed head."""
    pool = await open_pool(space.admin_url, min_size=1, max_size=2, name="tests")
    try:
        await parts.sealing(space.built.settings, pool, space.built.door).once()
    finally:
        await pool.close()


async def leave(space: Space, path: Path, public: str) -> Any:
    """The archive of a platform, by two operators."""
    await operators(space)
    await seal(space)
    async with owner(space.admin_url) as conn:
        number = await ask.ask(conn, visit(space, ONE), public)
        await ask.confirm(conn, visit(space, TWO), number, public)
        agreed = await ask.begin(conn, visit(space, ONE), number)
        taking = leaving.taking(space.built.settings, space.built.door)
        done = await taking.write(conn, agreed, path)
        await ask.taken(conn, visit(space, ONE), number, done.digest)
    return done


@dataclass
class Machine:
    """A migrated database on which nobody has been, and its folder."""

    url: str  # its role left open
    settings: Settings

    @property
    def admin_url(self) -> str:
        return self.url.replace("{role}", "carnet_admin")

    def server(self) -> Any:
        return spaces._Url(self.url)

    async def put_back(self, path: Path, keys: Keys, **changes: Any) -> restore.Verified:
        """What `carnet restore` does."""
        key = changes.pop("key", None)
        verified = restore.examine(path, keys.private, key, self.settings.data)
        by = changes.pop("by", ONE)
        await leaving.put_back(
            self.settings, self.server(), verified, path, keys.private, by, **changes
        )
        return verified

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What its database holds."""
        with psycopg.connect(self.admin_url, autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def nothing(self) -> bool:
        """Whether nothing was written."""
        (count,) = self.rows(
            "SELECT (SELECT count(*) FROM record.resource) + (SELECT count(*) FROM access.subject)"
            " + (SELECT count(*) FROM access.audit) + (SELECT count(*) FROM record.attachment)"
        )
        return count == (0,)


@contextlib.contextmanager
def machine(cluster: Cluster, folder: Path) -> Iterator[Machine]:
    """An empty machine on the same server, with keys of its own."""
    with spaces.clone(cluster, DATABASE) as name:
        settings = spaces.settings_of(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with psycopg.connect(cluster.url(database=name)) as conn:
            door.install(conn, door.load_or_make(settings.keys))
        yield Machine(spaces.pattern(cluster, name), settings)
