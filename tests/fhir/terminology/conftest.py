# SPDX-License-Identifier: EUPL-1.2
"""One database for the tests of terminology: HL7's definitions, and an invented nomenclature."""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from carnet.fhir.terminology import Terms
from carnet.fhir.terminology.load import fhir, install, store
from carnet.postgres.cluster import DATABASE, Cluster
from tests.fhir.terminology import herbs
from tests.postgres_fixture import Database

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture(scope="session")
def stocked(cluster: Cluster) -> Iterator[Database]:
    """A database with everything loaded, for all who only read."""
    database = Database(cluster, f"terms_{uuid.uuid4().hex}")
    name, template = sql.Identifier(database.name), sql.Identifier(DATABASE)
    with psycopg.connect(cluster.url(database="postgres"), autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(name, template)
        )
        try:
            with database.connect() as owner:
                install.base(owner, AT)
                put(owner, *herbs.RESOURCES)
            yield database
        finally:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def put(
    conn: psycopg.Connection[Any], *resources: dict[str, Any], replace: bool = False
) -> store.Stored:
    """Load some resources as one file."""
    digest = store.digest_of(repr(resources).encode())
    return store.store(
        conn, fhir.brought(resources), name="test.json", digest=digest, at=AT, replace=replace
    )


@pytest.fixture
async def conn(stocked: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection of the role that serves."""
    url = stocked.url("carnet_app")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as found:
        yield found


@pytest.fixture
def terms() -> Terms:
    """A terminology that remembers nothing yet."""
    return Terms()
