# SPDX-License-Identifier: EUPL-1.2
"""Reading rows: sealed in, opened out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from carnet.fhir.store import bodies
from carnet.fhir.store.queries import Row
from carnet.fhir.store.rows import Stored


def opened(row: Row, rtype: str, ciphers: Mapping[int, AESGCM]) -> Stored:
    """One row, opened under its compartment's key; Damaged when it does not open."""
    body = bodies.unseal(ciphers[row.cid], row.cid, row.rid, row.ver, row.dict, row.body)
    return Stored(row.cid, row.rid, rtype, row.id, row.ver, row.upd, row.gone, body, row.mark)


def all_opened(
    rows: Sequence[Row], names: Mapping[int, str], ciphers: Mapping[int, AESGCM]
) -> list[Stored]:
    """Rows of several types; names: type by its number."""
    return [opened(row, names[row.rtype], ciphers) for row in rows]
