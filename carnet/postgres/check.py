# SPDX-License-Identifier: EUPL-1.2
"""What must hold of the database before it serves: durability, migrations, roles, row security.

`carnet check` prints every line; the start-up guard refuses to serve when a required one is red
(`refusals`). Any role can run them.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from carnet.config import Instance, Settings
from carnet.postgres import leakproof, migrate

SERVICES = ["carnet_app", "carnet_worker", "carnet_portal"]
HEALTH = [
    "record",
    "access",
    "documents",
    "notices",
    "vigilance",
    "care",
    "messaging",
]  # schemas whose tables hold or govern health data
OURS = [*HEALTH, "carnet", "portal", "jobs", "ecosystem"]
SEAL_LATE = 120.0  # seconds a line of the audit may wait
CLOCK_SKEW = 2.0  # seconds between this machine's clock and the server's
OPEN_TABLES = Path(__file__).parent / "open_tables.toml"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `required`: without it nothing is served."""

    name: str
    value: str
    ok: bool
    why: str
    required: bool = True


def refusals(checks: Iterable[Check]) -> list[Check]:
    """The red lines that forbid serving."""
    return [check for check in checks if check.required and not check.ok]


async def checks(conn: AsyncConnection[TupleRow], settings: Settings) -> list[Check]:
    """Every check, in the order they are worth reading."""
    found = [
        *await server(conn),
        *await durability(conn),
        *await room(conn, settings),
        await migrations(conn),
    ]
    if found[-1].ok:  # before that, what follows would only say so again
        found += [
            await service_roles(conn),
            await services_own_nothing(conn),
            await services_make_nothing(conn),
            *await row_security(conn),
            await secrets(conn),
            await definer_functions(conn),
            await views(conn),
            await unmoved_clock(conn, settings),
            await seal_age(conn),
        ]
    return [*found, *await operators(conn)]


async def rows(
    conn: AsyncConnection[TupleRow], query: LiteralString, **values: Any
) -> list[TupleRow]:
    return await (await conn.execute(query, values)).fetchall()


def none_of(name: str, wrong: list[TupleRow], why: str) -> Check:
    """Green when the query that looks for offenders finds none."""
    return Check(name, ", ".join(str(row[0]) for row in wrong) or "none", not wrong, why)


# ---------------------------------------- the server


async def server(conn: AsyncConnection[TupleRow]) -> list[Check]:
    before = datetime.now(UTC)
    ((version, clock, encoding),) = await rows(
        conn,
        "SELECT current_setting('server_version_num')::int, clock_timestamp(),"
        " current_setting('server_encoding')",
    )
    after = datetime.now(UTC)
    skew = max((before - clock).total_seconds(), (clock - after).total_seconds(), 0.0)
    return [
        Check(
            "server version",
            f"{version // 10_000}.{version % 10_000}",
            version >= migrate.OLDEST * 10_000,
            f"PostgreSQL {migrate.OLDEST} or later.",
        ),
        Check("encoding", encoding, encoding == "UTF8", "Names and texts are Unicode."),
        Check(
            "clock",
            f"{skew:.1f} s apart",
            skew < CLOCK_SKEW,
            "Consents, tokens and the audit are dated by both clocks.",
        ),
    ]


DURABLE: tuple[tuple[str, frozenset[str], str], ...] = (
    ("fsync", frozenset({"on"}), "Without it a crash of the machine corrupts the database."),
    ("full_page_writes", frozenset({"on"}), "Without it a torn page cannot be repaired."),
    (
        "synchronous_commit",
        frozenset({"on", "remote_apply"}),
        "Without it an acknowledged write can be lost in a crash.",
    ),
    (
        "data_checksums",
        frozenset({"on"}),
        "Without it a damaged page is served as if it were good.",
    ),
    (
        "data_sync_retry",
        frozenset({"off"}),
        "With it a failed flush is believed at the second try, and data can be lost silently.",
    ),
)

OVERRIDDEN: LiteralString = """
    SELECT coalesce(r.rolname, 'all roles') || ': ' || setting
      FROM pg_db_role_setting s
      LEFT JOIN pg_roles r ON r.oid = s.setrole
      CROSS JOIN unnest(s.setconfig) setting
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND split_part(setting, '=', 1) = 'synchronous_commit'
       AND split_part(setting, '=', 2) NOT IN ('on', 'remote_apply')
"""


async def durability(conn: AsyncConnection[TupleRow]) -> list[Check]:
    found = []
    for name, good, why in DURABLE:
        ((value,),) = await rows(conn, "SELECT current_setting(%(name)s)", name=name)
        found.append(Check(name, value, value in good, why))
    found.append(
        none_of(
            "synchronous_commit of roles",
            await rows(conn, OVERRIDDEN),
            "A role or database may carry a weaker setting than the server's.",
        )
    )
    return found


async def room(conn: AsyncConnection[TupleRow], settings: Settings) -> list[Check]:
    ((limit,),) = await rows(conn, "SELECT current_setting('max_connections')::int")
    wanted = 3 * settings.pool_size + 5  # the API, the pages, the worker, and commands
    return [
        Check(
            "max_connections",
            str(limit),
            limit >= wanted,
            f"Three pools of {settings.pool_size} and a margin: {wanted}.",
            required=False,
        )
    ]


async def migrations(conn: AsyncConnection[TupleRow]) -> Check:
    try:
        left = await migrate.pending_in(conn)
    except migrate.MigrationRefused as refused:
        return Check("migrations", "refused", False, str(refused))
    return Check(
        "migrations",
        ", ".join(left) or "none left",
        not left,
        "Run `carnet migrate` before serving.",
    )


# ---------------------------------------- who may


async def service_roles(conn: AsyncConnection[TupleRow]) -> Check:
    wrong = await rows(
        conn,
        """
        SELECT s || CASE WHEN r.oid IS NULL THEN ' (absent)' ELSE '' END
          FROM unnest(%(services)s::text[]) s LEFT JOIN pg_roles r ON r.rolname = s
         WHERE r.oid IS NULL OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
            OR rolreplication OR NOT rolcanlogin
            OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
         ORDER BY 1
        """,
        services=SERVICES,
    )
    return none_of(
        "service roles with power",
        wrong,
        "A serving role logs in, and has no attribute (BYPASSRLS, CREATEROLE...) nor membership.",
    )


async def services_own_nothing(conn: AsyncConnection[TupleRow]) -> Check:
    wrong = await rows(
        conn,
        """
        SELECT r.rolname || ' owns ' || o.what
          FROM (SELECT relowner AS owner, oid::regclass::text AS what FROM pg_class
                UNION ALL SELECT proowner, oid::regprocedure::text FROM pg_proc
                UNION ALL SELECT nspowner, nspname FROM pg_namespace
                UNION ALL SELECT typowner, oid::regtype::text FROM pg_type
                UNION ALL SELECT datdba, datname FROM pg_database
                           WHERE datname = current_database()) o
          JOIN pg_roles r ON r.oid = o.owner
         WHERE r.rolname = ANY (%(services)s) ORDER BY 1
        """,
        services=SERVICES,
    )
    return none_of(
        "owned by a service role", wrong, "An owner can lift row level security from what it owns."
    )


async def services_make_nothing(conn: AsyncConnection[TupleRow]) -> Check:
    wrong = await rows(
        conn,
        """
        SELECT s || ' in ' || n.nspname
          FROM unnest(%(services)s::text[]) s JOIN pg_roles r ON r.rolname = s, pg_namespace n
         WHERE n.nspname NOT LIKE 'pg\\_%%' AND has_schema_privilege(r.oid, n.oid, 'CREATE')
         UNION ALL
        SELECT s || ' in the database'
          FROM unnest(%(services)s::text[]) s JOIN pg_roles r ON r.rolname = s
         WHERE has_database_privilege(r.oid, current_database(), 'CREATE')
         ORDER BY 1
        """,
        services=SERVICES,
    )
    return none_of(
        "places where a service role may create",
        wrong,
        "A function or operator made there could stand in for ours.",
    )


@cache
def open_tables() -> dict[str, dict[str, Any]]:
    """Tables without row level security, each with its reason."""
    found = tomllib.loads(OPEN_TABLES.read_text(encoding="utf-8"))
    return {
        f"{schema}.{table}": line
        for schema, lines in found.items()
        for table, line in lines.items()
    }


async def row_security(conn: AsyncConnection[TupleRow]) -> list[Check]:
    tables = await rows(
        conn,
        """
        SELECT n.nspname || '.' || c.relname, relrowsecurity AND relforcerowsecurity,
               coalesce(pg_partition_root(c.oid)::regclass::text, n.nspname || '.' || c.relname)
          FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE n.nspname = ANY (%(schemas)s) AND relkind IN ('r', 'p', 'f', 'm') ORDER BY 1
        """,
        schemas=HEALTH,
    )
    declared = open_tables()
    names = {name for name, _, _ in tables}
    # A part has its whole's reason, but not its whole's policies: asked directly, it needs its own.
    bare = [(name,) for name, forced, whole in tables if not forced and whole not in declared]
    stale = [(name,) for name in declared if name not in names]
    closed = [(name,) for name, forced, _ in tables if forced and name in declared]
    return [
        none_of(
            "tables without forced row level security",
            bare,
            "Every table of health data has the second wall, or a reason in open_tables.toml.",
        ),
        none_of(
            "exemptions that say nothing",
            stale + closed,
            "A line of open_tables.toml speaks of a table that exists and is open.",
        ),
    ]


async def secrets(conn: AsyncConnection[TupleRow]) -> Check:
    secret = [name for name, line in open_tables().items() if line.get("secret")]
    wrong = await rows(
        conn,
        """
        SELECT s || ' on ' || t
          FROM unnest(%(secret)s::text[]) t, unnest(%(services)s::text[]) s
          JOIN pg_roles r ON r.rolname = s
         WHERE to_regclass(t) IS NOT NULL
           AND (has_table_privilege(
                    r.oid, to_regclass(t), 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(r.oid, to_regclass(t), 'SELECT, INSERT, UPDATE'))
         ORDER BY 1
        """,
        secret=secret,
        services=SERVICES,
    )
    return none_of(
        "rights of a service role on a secret table",
        wrong,
        "Who reads the key can forge the context.",
    )


async def definer_functions(conn: AsyncConnection[TupleRow]) -> Check:
    wrong = await rows(
        conn,
        """
        SELECT p.oid::regprocedure::text
          FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
         WHERE n.nspname = ANY (%(schemas)s) AND prosecdef
           AND (NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%%')
                OR proacl IS NULL
                OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
         ORDER BY 1
        """,
        schemas=OURS,
    )
    return none_of(
        "open functions with the owner's rights",
        wrong,
        "A SECURITY DEFINER function fixes its search_path and is granted by name.",
    )


async def views(conn: AsyncConnection[TupleRow]) -> Check:
    wrong = await rows(
        conn,
        """
        SELECT c.oid::regclass::text
          FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE n.nspname = ANY (%(schemas)s) AND relkind = 'v'
           AND NOT coalesce(
               reloptions && ARRAY['security_invoker=true', 'security_invoker=on'], false)
         ORDER BY 1
        """,
        schemas=HEALTH,
    )
    return none_of(
        "views with their owner's rights",
        wrong,
        "A view is read under the reader's row level security.",
    )


# ---------------------------------------- what the operator answers for


async def unmoved_clock(conn: AsyncConnection[TupleRow], settings: Settings) -> Check:
    """Six weeks, ten years and three months are those of the law, not of a clock that was moved."""
    found = await rows(conn, "SELECT shift::text FROM access.clock")
    moved = settings.instance is Instance.PRODUCTION and bool(found)
    return Check(
        "moved clock",
        found[0][0] if found else "no",
        not moved,
        "This was a demonstration's database: its clock was moved, and its dates are no proof.",
    )


OLDEST_UNSEALED: LiteralString = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 FROM access.audit
     WHERE seq > coalesce((SELECT max(seq) FROM access.log_leaf), 0)
"""


async def seal_age(conn: AsyncConnection[TupleRow]) -> Check:
    """How long a line of the audit has waited to be sealed; the server that starts seals it."""
    ((age,),) = await rows(conn, OLDEST_UNSEALED)
    return Check(
        "seal age",
        f"{max(age, 0.0):.0f} s",
        age < SEAL_LATE,
        "A line that is not sealed could be rewritten: start the server or the worker.",
        required=False,  # care goes on; it is an alarm
    )


# ---------------------------------------- what the figures lean on


async def operators(conn: AsyncConnection[TupleRow]) -> list[Check]:
    """One line per operator the SQL builder may emit."""
    ((_, marked, _),) = await rows(
        conn, leakproof.MARKED, functions=[o.function for o in leakproof.OPERATORS]
    )
    return [
        Check(
            f"operator {operator.sql}",
            "leakproof" if operator.function in marked else "not leakproof",
            operator.function in marked,
            f"Without the mark, no index before row level security. {operator.without}."
            + (" A superuser can run `carnet migrate`." if operator.ours else ""),
            required=False,
        )
        for operator in leakproof.OPERATORS
    ]
