# SPDX-License-Identifier: EUPL-1.2
"""A row in every table whose rows go as they are: where none is, being equal says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from carnet.access.door.tombstones import after
from carnet.export.platform import tables

AT: Final = datetime(2026, 11, 20, 9, 30, 15, 123456, tzinfo=UTC)
NOBODY: Final = 4_600_000_000_000_000_001  # a number no record has; no double holds it
STONE: Final = after(None, NOBODY, AT, "request")
# What a table asks of a column; the others are any value of their type.
ASKED: Final[dict[str, dict[str, Any]]] = {
    "terminology.code_system": {"content": "fragment"},
    "terminology.alias": {"kind": "CodeSystem"},
    "access.family": {"nature": "mother"},
    "access.offer": {"nature": "carer", "reach": "care"},
    "access.emergency": {"mode": "centre-15", "verdict": "justified"},
    "access.refusal": {"mode": "centre-15"},
    "access.announcement": {"how": "month"},
    "access.alert": {"reason": "canary"},
    "access.client": {
        "id": "app-1",
        "kind": "app",
        "subject": None,
        "method": "private_key_jwt",
        "secret": None,
        "state": "live",
    },
    "access.alarm": {"done": "nothing"},
    "access.stopped": {"sub": "operator:two"},
    "access.recovery": {"sub": "operator:two"},
    "access.client_act": {"client": "app-1", "act": "approve"},
    "access.tombstone": {"n": 1, "cid": NOBODY, "at": AT, "motive": "request", "hash": STONE.hash},
    "notices.outgoing": {"channel": "letter"},
    "messaging.mailbox": {"kind": "PER", "address": "gp@carnet.test"},
    "vigilance.candidate": {"verdict": "merged"},
    "portal.accounts_linked": {"account_id": NOBODY + 10},  # the id a row of accounts is given here
}
TEXT: Final = '« l’été »\t\\ "{0}"\n\'𝄞'
ANY: Final[dict[str, Any]] = {
    "timestamp with time zone": AT,
    "interval": timedelta(days=400, microseconds=7),
    "bytea": bytes(range(0, 256, 5)),
    "boolean": True,
    "jsonb": Jsonb({"é": [1.5, None, "\\"]}),
    "smallint": 3,
    "integer": 70_003,
    "tsvector": "'mot':1,2A 'autre':3",
    "date": AT.date(),
}
COLUMNS: Final = """
    SELECT column_name, data_type, udt_name FROM information_schema.columns
     WHERE table_schema || '.' || table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
"""


def fill(conn: psycopg.Connection[Any]) -> list[str]:
    """One row where there is none; which tables had none. conn: of the owner, in autocommit."""
    conn.execute("SET session_replication_role = replica")  # rows that refer to nothing
    filled = []
    for table in tables.said()["carried"]:
        name = sql.Identifier(*table.split("."))
        if not conn.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(name)).fetchall():
            _add(conn, table, name)
            filled.append(table)
    return filled


def _add(conn: psycopg.Connection[Any], table: str, name: sql.Identifier) -> None:
    columns = conn.execute(COLUMNS, (table,)).fetchall()
    values = [
        ASKED.get(table, {}).get(column, _any(number, column, kind, udt))
        for number, (column, kind, udt) in enumerate(columns)
    ]
    text = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        name,
        sql.SQL(", ").join(sql.Identifier(column) for column, _, _ in columns),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns),
    )
    conn.execute(text, values)


def _any(number: int, column: str, kind: str, udt: str) -> Any:
    if kind == "bigint":
        return NOBODY + 10 + number
    if kind == "ARRAY":
        return "{1,-5}" if udt in ("_int4", "_int8") else ['a"b', "é,{", "\\"]
    if kind in ("text", "character varying"):
        return f"{column} {TEXT}" if kind == "text" else f"{column}@carnet.test"
    return ANY[kind]
