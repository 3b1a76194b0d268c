# SPDX-License-Identifier: EUPL-1.2
"""carnet check: settings and where each comes from; what must hold of the database."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Any, LiteralString

import psycopg
import typer
from psycopg.rows import scalar_row

from carnet import config, errors
from carnet.app.upstream import providers_of
from carnet.cli import common
from carnet.config import Instance, Settings
from carnet.documents import files
from carnet.oauth.registering import sandboxes
from carnet.postgres.check import Check, checks, refusals
from carnet.postgres.server import Server


class NotSafe(errors.Invalid):
    """The database is not as it must be to serve."""


def check(data: common.Data = None) -> None:
    """Print every setting with its origin, then every check; exit 1 when one fails."""
    with common.refusals():
        settings = common.settings_of(data)
        origins = config.origins()
        for setting in fields(Settings):
            value = getattr(settings, setting.name)
            if setting.name == "database_url" and value:
                value = "(set)"
            print(f"{Settings.PREFIX}{setting.name.upper()} = {value}  [{origins[setting.name]}]")
        providers_of(settings)
        with common.server_of(settings) as server:
            found = [*asyncio.run(_checks(server, settings)), *cell()]
        for each in found:
            mark = "ok " if each.ok else "NO "
            print(f"{mark} {each.name}: {each.value}" + ("" if each.ok else f" — {each.why}"))
        if not all(each.ok for each in found):
            raise typer.Exit(1)


def cell() -> list[Check]:
    """Where files of people are looked at: the layers that hold here, and what gets out of them."""
    try:
        held = files.confinement()
        layers, out = ", ".join(held.layers), ", ".join(held.escapes)
    except errors.CarnetError:
        layers, out = "", "the confined process does not start"
    missing = [each for each in ("landlock", "seccomp") if each not in layers]
    value = layers + (f"; this kernel has no {' nor '.join(missing)}" if missing else "")
    why = f"In it, a hostile file could: {out}." if out else ""
    return [Check("cell for files of others", value or "none", not out, why, required=False)]


def named_matrix(settings: Settings) -> Check:
    """A production instance never serves by a demonstration's matrix."""
    production = settings.instance is Instance.PRODUCTION
    return Check(
        "access matrix",
        settings.matrix or "the demonstration's",
        bool(settings.matrix) or not production,
        "A production instance serves by the matrix its operator names (CARNET_MATRIX).",
    )


SANDBOXES: LiteralString = (
    "SELECT count(*) FROM access.client WHERE sandbox AND state IN ('live', 'suspended')"
)


async def no_sandbox(conn: psycopg.AsyncConnection[Any], settings: Settings) -> Check:
    """Clients of a developer's sandbox are of a demonstration or a test instance."""
    async with conn.cursor(row_factory=scalar_row) as cur:
        await cur.execute("SELECT to_regclass('access.client') IS NOT NULL")
        there = await cur.fetchone()  # not before the first migration
        await cur.execute(SANDBOXES if there else "SELECT 0")
        count = await cur.fetchone() or 0
    return Check(
        "clients of a sandbox",
        str(count),
        not count or sandboxes(settings.instance),
        "End them first: carnet client end, each by its client_id.",
    )


def guard(settings: Settings, server: Server) -> None:
    """Refuse to serve on a database that would not keep what it acknowledges, or would show it."""
    wrong = refusals(asyncio.run(_checks(server, settings)))
    if wrong:
        raise NotSafe("; ".join(f"{each.name}: {each.value}, {each.why}" for each in wrong))


async def _checks(server: Server, settings: Settings) -> list[Check]:
    async with await psycopg.AsyncConnection.connect(
        server.url("carnet_admin"), autocommit=True
    ) as conn:
        return [
            *await checks(conn, settings),
            named_matrix(settings),
            await no_sandbox(conn, settings),
        ]
