# SPDX-License-Identifier: EUPL-1.2
"""HL7's definitions as rows: what the general path makes of them, made once, for a database that has none.

tools/pack_terminology.py writes them from a database that was loaded the general way; a test holds the one
against the other. COPY in its text form, so that any release of PostgreSQL takes it.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from typing import Any, Final, LiteralString

import msgspec
import psycopg
import zstandard

from carnet.fhir.terminology.load import queries

ROWS: Final = "r4.copy.zst"
MAX_UNPACKED: Final = 64 * 1024 * 1024  # bytes
# In the order they are written: what they name comes before. "source" is row 1, and written apart.
TABLES: Final[dict[str, LiteralString]] = {
    "code_system": "id, url, version, name, title, status, published, language, content, case_sensitive,"
    " value_set, properties, size, source, digest, current, head, supplements, aliases",
    "concept": "system, code, seq, display, definition, inactive, abstract, parents, properties,"
    " designations, words",
    "below": "system, ancestor, code, seq",
    "value_set": "id, url, version, name, title, status, published, language, compose, source, digest,"
    " current, head, supplements",
    "listed": "value_set, clause, seq, code, display, designations, words",
    "alias": "kind, name, url",
}
SOURCE: Final = 1


class Rows(msgspec.Struct, frozen=True):
    """What the packed file holds."""

    sha256: bytes  # of the artefact it was made from, as terminology.source says it
    tables: dict[str, bytes]


def packed() -> Rows:
    """The packed rows."""
    raw = files("carnet.fhir.terminology").joinpath(ROWS).read_bytes()
    whole = zstandard.ZstdDecompressor().decompress(raw, max_output_size=MAX_UNPACKED)
    return msgspec.msgpack.decode(whole, type=Rows)


def taken(conn: psycopg.Connection[Any], sha256: bytes) -> Rows:
    """The rows of a database that has HL7's definitions and nothing else."""
    tables: dict[str, bytes] = {}
    for name, columns in TABLES.items():
        with conn.cursor() as cursor, cursor.copy(queries.copy_out(name, columns)) as copy:
            tables[name] = b"".join(bytes(each) for each in copy)
    return Rows(sha256, tables)


def packed_of(rows: Rows) -> bytes:
    """The packed file."""
    return zstandard.ZstdCompressor(level=19).compress(msgspec.msgpack.encode(rows))


def write(
    conn: psycopg.Connection[Any], rows: Rows, *, name: str, form: str, origin: str, at: datetime
) -> bool:
    """Write them where there is nothing yet; whether there was nothing."""
    with conn.transaction():
        conn.execute(queries.TAKE_LOCK, {"lock": queries.LOCK})
        if conn.execute(queries.ANYTHING).fetchone() is not None:
            return False
        values = {"id": SOURCE, "name": name, "sha256": rows.sha256, "form": form, "origin": origin,
                  "at": at}  # fmt: skip
        conn.execute(queries.FIRST_SOURCE, values)
        for table, columns in TABLES.items():
            with conn.cursor() as cursor, cursor.copy(queries.copy_in(table, columns)) as copy:
                copy.write(rows.tables[table])
        for table in ("source", "code_system", "value_set"):
            conn.execute(queries.go_on(table))
        conn.execute(queries.CHANGED)
        conn.execute(queries.LOOK_AGAIN)
    return True
