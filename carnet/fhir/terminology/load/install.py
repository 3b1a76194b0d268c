# SPDX-License-Identifier: EUPL-1.2
"""HL7's own definitions go into every installation, once, and again when a new program brings others."""

from datetime import datetime
from typing import Any

import psycopg

from carnet.fhir.terminology.load import base as artefact
from carnet.fhir.terminology.load import store


def base(conn: psycopg.Connection[Any], at: datetime) -> bool:
    """Store HL7's code systems and value sets; whether there was anything to store."""
    packed = artefact.artefact()
    digest = store.digest_of(packed)
    if store.known(conn, digest):
        return False
    told = store.store(
        conn,
        artefact.brought(packed),
        name=artefact.ARTEFACT,
        digest=digest,
        at=at,
        origin="HL7, CC0-1.0",
        replace=True,
    )
    return not told.known
