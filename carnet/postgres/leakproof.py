# SPDX-License-Identifier: EUPL-1.2
"""The operators our searches use, and whether PostgreSQL may run them before row level security.

Under row level security a condition is tried on a row before the policy only when its function is
marked LEAKPROOF: it can neither fail nor tell anything about its arguments. An index cannot serve a
condition that must wait, so one unmarked operator turns an index search into a walk over all rows.

The array operators are not marked, because `anyarray` covers types whose comparison may fail. Ours
are `bigint[]` only, and the comparison of bigint is itself leakproof; nobody but the migrating role
may make a function or type here. So a superuser marks them (`mark`), and `carnet check` tells where
it could not be done.
"""

from dataclasses import dataclass
from typing import LiteralString

import psycopg


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator the SQL builder may emit."""

    sql: str  # as in pg_catalog: "@>(anyarray,anyarray)"
    function: LiteralString  # its function, with argument types
    ours: bool  # not leakproof in PostgreSQL: marked by us
    without: str  # what no longer holds without the mark


KEYED = "every read by compartment and row"
PAGED = "patient-scoped search: 0.2-0.7 ms, flat from 200 k to 2 M rows"
TOKEN = "token and identifier search: 0.55 ms becomes 49 ms at 2 M rows"
SMALL = "searches on numbers, kinds and labels"
TEXT = "string and identifier-text search"

OPERATORS: tuple[Operator, ...] = (
    *(
        Operator(f"{name}(bigint,bigint)", f"int8{f}(bigint,bigint)", False, KEYED)
        for name, f in (
            ("=", "eq"),
            ("<>", "ne"),
            ("<", "lt"),
            ("<=", "le"),
            (">", "gt"),
            (">=", "ge"),
        )
    ),
    Operator("=(bigint,integer)", "int84eq(bigint,integer)", False, KEYED),
    Operator("=(smallint,smallint)", "int2eq(smallint,smallint)", False, SMALL),
    Operator("=(smallint,integer)", "int24eq(smallint,integer)", False, SMALL),
    Operator("=(integer,integer)", "int4eq(integer,integer)", False, SMALL),
    *(
        Operator(
            f"{name}(timestamp with time zone,timestamp with time zone)",
            f"timestamptz_{f}(timestamp with time zone,timestamp with time zone)",
            False,
            PAGED,
        )
        for name, f in (("=", "eq"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge"))
    ),
    *(
        Operator(
            f"{name}(double precision,double precision)",
            f"float8{f}(double precision,double precision)",
            False,
            SMALL,
        )
        for name, f in (("=", "eq"), ("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge"))
    ),
    Operator("=(text,text)", "texteq(text,text)", False, TEXT),
    Operator("<(text,text)", "text_lt(text,text)", False, TEXT),
    Operator("<=(text,text)", "text_le(text,text)", False, TEXT),
    Operator(">(text,text)", "text_gt(text,text)", False, TEXT),
    Operator(">=(text,text)", "text_ge(text,text)", False, TEXT),
    Operator("~<~(text,text)", "text_pattern_lt(text,text)", False, TEXT),
    Operator("~>=~(text,text)", "text_pattern_ge(text,text)", False, TEXT),
    Operator("^@(text,text)", "starts_with(text,text)", False, TEXT),
    Operator("=(uuid,uuid)", "uuid_eq(uuid,uuid)", False, KEYED),
    Operator("=(bytea,bytea)", "byteaeq(bytea,bytea)", False, KEYED),
    Operator("@>(anyarray,anyarray)", "arraycontains(anyarray,anyarray)", True, TOKEN),
    Operator("&&(anyarray,anyarray)", "arrayoverlap(anyarray,anyarray)", True, TOKEN),
)


MARKED: LiteralString = """
    SELECT %(functions)s::text[] AS wanted,
           array(SELECT f FROM unnest(%(functions)s::text[]) f
                   JOIN pg_proc ON pg_proc.oid = to_regprocedure('pg_catalog.' || f)
                  WHERE proleakproof) AS marked,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser
"""


def mark(conn: psycopg.Connection) -> bool:
    """Mark our array operators where we may; whether all of them now are.

    Not part of a migration: neither pg_dump nor pg_upgrade carries a mark on a function of
    pg_catalog, so it is looked at every time migrations run.
    """
    ours = [o.function for o in OPERATORS if o.ours]
    row = conn.execute(MARKED, {"functions": ours}).fetchone()
    assert row is not None
    _, marked, superuser = row
    if len(marked) == len(ours):
        return True
    if not superuser:
        return False
    for operator in OPERATORS:
        if operator.ours and operator.function not in marked:
            conn.execute("ALTER FUNCTION pg_catalog." + operator.function + " LEAKPROOF")
    return True
