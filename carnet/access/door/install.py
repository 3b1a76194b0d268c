# SPDX-License-Identifier: EUPL-1.2
"""What an installation needs once: the context's key in its table, the directory's compartment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from carnet.access.seal import Sealer
from carnet.fhir.store.ids import DIRECTORY
from carnet.fhir.store.keys import Keyring
from carnet.fhir.store.vault import Vault


def install(conn: psycopg.Connection[Any], keyring: Keyring) -> None:
    """Idempotent; by the migrating role, in one transaction."""
    sealer = Sealer(keyring.context)
    with conn.transaction():
        conn.execute("LOCK TABLE access.seal IN EXCLUSIVE MODE")
        conn.execute("DELETE FROM access.seal")
        conn.execute(
            "INSERT INTO access.seal (inner_pad, outer_pad) VALUES (%s, %s)",
            (sealer.inner_pad, sealer.outer_pad),
        )
        conn.execute("SELECT access.arm_erasure()")  # what migrations since 0014 have added
        conn.execute(
            "INSERT INTO record.compartment (cid, nature, wrapped, made_at)"
            " VALUES (%s, 0, %s, %s) ON CONFLICT DO NOTHING",
            (DIRECTORY, Vault(keyring.operator).make(DIRECTORY), datetime.now(UTC)),
        )
