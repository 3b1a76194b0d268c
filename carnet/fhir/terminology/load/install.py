# SPDX-License-Identifier: EUPL-1.2
"""HL7's own definitions go into every installation, once, and again when a new program brings others."""

from datetime import datetime
from typing import Any, Final

import psycopg

from carnet.fhir.terminology.load import base as artefact
from carnet.fhir.terminology.load import dump, store

ORIGIN: Final = "HL7, CC0-1.0"


def base(conn: psycopg.Connection[Any], at: datetime) -> bool:
    """Store HL7's code systems and value sets; whether there was anything to store."""
    packed = artefact.artefact()
    digest = store.digest_of(packed)
    if store.known(conn, digest):
        return False
    rows = dump.packed()
    # Rows made by another recipe, or of another artefact, are not for this program.
    if rows.sha256 == digest and dump.write(
        conn, rows, name=artefact.ARTEFACT, form=artefact.FORM, origin=ORIGIN, at=at
    ):
        return True
    return slowly(conn, at)


def slowly(conn: psycopg.Connection[Any], at: datetime) -> bool:
    """The same from the definitions themselves, as any file is loaded: beside what is there."""
    packed = artefact.artefact()
    told = store.store(
        conn,
        artefact.brought(packed),
        name=artefact.ARTEFACT,
        digest=store.digest_of(packed),
        at=at,
        origin=ORIGIN,
        replace=True,
    )
    return not told.known
