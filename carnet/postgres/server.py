# SPDX-License-Identifier: EUPL-1.2
"""Which PostgreSQL: the one CARNET_DATABASE_URL names, or the embedded one of the data folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from carnet.postgres.cluster import ADMIN, Cluster, Progress


class Server(Protocol):
    """A server that runs, and the way in for each role."""

    def url(self, role: str = ..., /) -> str: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class External:
    """A server somebody else runs. `database_url` is the owner's: migrations and checks.

    A serving role has the same host and database under its own name, and without the owner's
    password: libpq finds the role's in its password file (PGPASSFILE), or a certificate or the
    system's user says who.
    """

    database_url: str

    def url(self, role: str = ADMIN, /) -> str:
        if role == ADMIN:
            return self.database_url
        parts = conninfo_to_dict(self.database_url)
        if parts.get("user") != role:
            parts.pop("password", None)
        return make_conninfo("", **{**parts, "user": role})

    def stop(self) -> None:
        """Not ours to stop."""


def open_server(
    database_url: str | None, data: Path, *, progress: Progress | None = None
) -> Server:
    """The server to use, running. Leave it with `stop`."""
    if database_url:
        return External(database_url)
    return Cluster.attach_or_start(data, progress=progress)
