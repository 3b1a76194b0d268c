# SPDX-License-Identifier: EUPL-1.2
"""The fixtures of a real PostgreSQL."""

from tests.postgres_fixture import anyio_backend, cluster, db, pool, short_path

__all__ = ["anyio_backend", "cluster", "db", "pool", "short_path"]
