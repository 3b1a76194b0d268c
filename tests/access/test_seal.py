# SPDX-License-Identifier: EUPL-1.2
"""The sealed context: what a service's role cannot forge, keep, borrow or get round."""

from __future__ import annotations

import contextlib
import hmac
import time
from collections.abc import AsyncIterator
from hashlib import sha256

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from carnet.access.seal import LIFETIME, SET, Sealer
from carnet.fhir.search.scope import context_parts
from tests.space import Space

pytestmark = pytest.mark.anyio
COUNT = "SELECT count(*) FROM record.resource WHERE cid <> 0"
KEY = b"k" * 32


def test_the_pads_are_those_of_hmac() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(["a", ""], 7, 1_000.0)
    body = f"7|{1_000 + LIFETIME}|a|"
    assert sealed == hmac.new(KEY, body.encode(), sha256).hexdigest() + "|" + body
    inner = sha256(sealer.inner_pad + body.encode()).digest()
    assert sha256(sealer.outer_pad + inner).hexdigest() == sealed[:64]


@pytest.fixture
async def app(space: Space) -> AsyncIterator[AsyncConnection]:
    """A connection of the service's role, as an injected statement would have it."""
    url = space.admin_url.replace("carnet_admin", "carnet_app")
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


async def _parts(space: Space) -> list[str]:
    async with space.built.pool.connection() as conn:
        decision = await space.built.door.decide(conn, await space.actor("patient"), None)
    return context_parts(decision.scope)


async def _seen(app: AsyncConnection, context: str) -> int:
    async with app.transaction():
        await app.execute(SET, (context,))
        row = await (await app.execute(COUNT)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_sealed_context_opens_what_it_says(space: Space, app: AsyncConnection) -> None:
    sealer, parts = space.built.door.sealer, await _parts(space)
    assert await _seen(app, sealer.seal(parts, app.info.backend_pid, time.time())) > 0


@pytest.mark.parametrize("attack", [
    "none", "empty", "another key", "another process", "expired", "widened", "platform", "no MAC",
    "MAC of another", "cut", "longer",
])  # fmt: skip
async def test_any_other_context_opens_nothing(
    space: Space, app: AsyncConnection, attack: str
) -> None:
    sealer, parts, pid = space.built.door.sealer, await _parts(space), app.info.backend_pid
    good = sealer.seal(parts, pid, time.time())
    mac, _, body = good.partition("|")
    forged = {
        "none": "{}",
        "empty": "",
        "another key": Sealer(KEY).seal(parts, pid, time.time()),
        "another process": sealer.seal(parts, pid + 1, time.time()),
        "expired": sealer.seal(parts, pid, time.time() - LIFETIME - 1),
        "widened": good.replace("|{", "|{1,", 1),
        "platform": mac
        + "|"
        + "|".join([*body.split("|")[:18], "platform", *body.split("|")[19:]]),
        "no MAC": "0" * 64 + "|" + body,
        "MAC of another": sealer.seal([], pid, time.time())[:64] + "|" + body,
        "cut": good[:-4],
        "longer": good + "|platform",
    }[attack]
    with contextlib.suppress(psycopg.DataError):  # refused outright: nothing was seen either
        assert await _seen(app, forged) == 0


async def test_no_context_opens_nothing(app: AsyncConnection) -> None:
    row = await (await app.execute(COUNT)).fetchone()
    assert row == (0,)


async def test_a_context_ends_with_its_transaction(space: Space, app: AsyncConnection) -> None:
    sealer, parts = space.built.door.sealer, await _parts(space)
    assert await _seen(app, sealer.seal(parts, app.info.backend_pid, time.time())) > 0
    row = await (await app.execute(COUNT)).fetchone()
    assert row == (0,)
    await space.get("Observation?_count=1", as_="patient")
    async with space.built.pool.connection() as conn:
        left = await (await conn.execute("SELECT current_setting('carnet.scope', true)")).fetchone()
    assert left is not None and not left[0]


FORBIDDEN = {
    "read the key": "SELECT inner_pad FROM access.seal",
    "replace the key": "UPDATE access.seal SET inner_pad = 'x'",
    "add a key": "INSERT INTO access.seal VALUES ('x', 'x')",
    "drop a policy": "DROP POLICY see_matrix_1 ON record.resource",
    "add a policy": "CREATE POLICY mine ON record.resource USING (true)",
    "alter a policy": "ALTER POLICY see_directory ON record.resource USING (true)",
    "switch row security off": "ALTER TABLE record.resource DISABLE ROW LEVEL SECURITY",
    "replace the function": "CREATE OR REPLACE FUNCTION access.context(part integer) RETURNS text"
    " LANGUAGE sql AS 'SELECT ''platform'''",
    "make a function": "CREATE FUNCTION access.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "make a table": "CREATE TABLE access.mine (x int)",
    "become the owner": "SET ROLE carnet_admin",
    "write a file": "COPY (SELECT 1) TO '/tmp/carnet-copied'",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "copy out past row security": "SET row_security = off; COPY record.resource TO STDOUT",
    "rewrite the trace": "UPDATE access.audit SET granted = true",
    "rewrite a part of the trace": "UPDATE access.audit_2026 SET granted = true",
    "delete the trace": "DELETE FROM access.audit",
    "empty the trace": "TRUNCATE access.audit",
    "delete a resource": "DELETE FROM record.resource",
    "delete a version": "DELETE FROM record.history",
    "read the outbox": "SELECT * FROM record.outbox",
    "make a subject": "INSERT INTO access.subject (sub, kind, name) VALUES ('x', 'operator', 'x')",
    "join a team": "INSERT INTO access.team_member (team, rpps, role, since)"
    " SELECT id, 1, 'PCP', now() FROM access.team",
    "lift a block": "DELETE FROM access.block",
    "give a mandate": "INSERT INTO access.mandate SELECT 1, cid, (SELECT min(sub) FROM"
    " access.subject), 'carer', 'all', 'x', 'x', now() FROM access.record LIMIT 1",
    "open in emergency": "INSERT INTO access.emergency (id, cid, rpps, mode, reason, since, until)"
    " SELECT 1, cid, 1, 'centre-15', 'x', now(), now() FROM access.record LIMIT 1",
    "declare a consent": "INSERT INTO access.consent (id, cid, rpps, how, declared_by, since)"
    " SELECT 1, cid, 1, 'x', 'x', now() FROM access.record LIMIT 1",
    "make an assistant": "INSERT INTO access.assistant (sub, rpps, since)"
    " SELECT min(sub), 1, now() FROM access.subject",
}
UNMOVED = {
    "reopen a record": "UPDATE access.record SET state = 'open'",
    "end a block": "UPDATE access.block SET until = now()",
    "revive a mandate": "UPDATE access.mandate SET revoked = NULL",
    "extend a consent": "UPDATE access.consent SET withdrawn = NULL",
    "keep an assistant": "UPDATE access.assistant SET until = NULL",
}


@pytest.mark.parametrize("attack", FORBIDDEN)
async def test_what_the_services_role_cannot_do(
    space: Space, app: AsyncConnection, attack: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        for statement in FORBIDDEN[attack].split("; "):
            await app.execute(statement.encode())
            await app.execute(b"SELECT 1")


async def test_parts_of_the_history_are_closed_when_asked_directly(
    space: Space, app: AsyncConnection
) -> None:
    parts = await space.rows(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'record.history'::regclass"
    )
    await space.rows("INSERT INTO record.history SELECT cid, rid, 1, upd, false, dict, body"
                     " FROM record.resource WHERE cid <> 0 LIMIT 5")  # fmt: skip
    sealer, scope = space.built.door.sealer, await _parts(space)
    for (name,) in parts:
        async with app.transaction():
            await app.execute(SET, (sealer.seal(scope, app.info.backend_pid, time.time()),))
            counted = sql.SQL("SELECT count(*) FROM {}").format(sql.SQL(name))
            assert await (await app.execute(counted)).fetchone() == (0,)


async def test_every_table_of_health_data_forces_row_security(space: Space) -> None:
    open_tables = await space.rows(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'record' AND c.relkind IN ('r', 'p')"
        " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    # Keys wrapped by the operator's key; what happened, which requests write and cannot read.
    assert {name for (name,) in open_tables} == {"record.compartment", "record.outbox"}


@pytest.mark.parametrize("attack", UNMOVED)
async def test_rights_do_not_move_without_a_sealed_context(
    space: Space, app: AsyncConnection, attack: str
) -> None:
    done = await app.execute(UNMOVED[attack].encode())
    assert done.rowcount == 0
