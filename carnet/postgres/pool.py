# SPDX-License-Identifier: EUPL-1.2
"""Connections of the serving roles: one pool for each role of a process, with limits on everything.

A connection goes from one person's request to the next one's. What a request sets (its sealed
context) is set for a transaction; the pool checks that nothing of it stays when the connection
serves again.
"""

import logging
import select
from dataclasses import dataclass
from time import monotonic
from typing import LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

log = logging.getLogger(__name__)

# Settings a request makes, in its transaction.
CONTEXT: tuple[LiteralString, ...] = ("carnet.scope", "carnet.named", "carnet.now")


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds; what passes them is ended by the server. Zero is none."""

    statement: float = 10.0
    lock: float = 3.0
    idle_in_transaction: float = 15.0
    transaction: float = 60.0


REQUEST = Limits()
JOB = Limits(statement=300.0, lock=10.0, idle_in_transaction=60.0, transaction=900.0)


class ContextLeft(Exception):
    """A connection came back with the context of the request it served."""


def limited(
    url: str, *, name: str, limits: Limits = REQUEST, search_path: str | None = None
) -> str:
    """The connection string with the limits as the session's defaults: no round trip sets them."""
    options = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction,
        "transaction_timeout": limits.transaction,
    }
    words = [str(conninfo_to_dict(url).get("options", ""))]
    words += [f"-c {option}={round(seconds * 1000)}" for option, seconds in options.items()]
    words += [f"-c search_path={search_path}"] if search_path else []
    return make_conninfo(url, application_name=name, options=" ".join(words).strip())


class Connection(AsyncConnection[TupleRow]):
    """A connection that knows since when it is there and how often it served."""

    born: float = 0.0
    served: int = 0


Pool = AsyncConnectionPool[Connection]


async def open_pool(
    url: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    name: str = "carnet",
    limits: Limits = REQUEST,
    search_path: str | None = None,
    wait: float = 5.0,
    verify_every: int = 16,
) -> Pool:
    """A pool, open, its first connections made.

    url: of a serving role. name: shown by the server beside each connection. wait: seconds a
    request waits for a connection before PoolTimeout. verify_every: see `look`.
    """
    drained = 0.0

    async def configure(conn: Connection) -> None:
        conn.born = monotonic()

    async def check(conn: Connection) -> None:
        nonlocal drained
        try:
            await look(conn, verify_every)
        except psycopg.OperationalError:
            # The server has ended it, and likely the others: look at none of them in vain.
            if conn.born > drained:
                drained = monotonic()
                await pool.drain()
            raise

    pool: Pool = AsyncConnectionPool(
        limited(url, name=name, limits=limits, search_path=search_path),
        kwargs={"autocommit": True, "prepare_threshold": 3},
        min_size=min_size,
        max_size=max_size,
        connection_class=Connection,
        name=name,
        timeout=wait,
        max_lifetime=3600.0,
        configure=configure,
        check=check,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=30.0)
    except BaseException:
        await pool.close()
        raise
    return pool


LEFT: LiteralString = "SELECT " + " || ".join(
    f"coalesce(current_setting('{setting}', true), '')" for setting in CONTEXT
)


async def look(conn: Connection, every: int) -> None:
    """Look at a connection before it serves; raises, having closed it, when it must not.

    An open transaction shows without asking the server, and so does a server that has gone: an idle
    connection has little else to say, so one that speaks is asked. A setting left for the session
    does not, and asking costs 0.06 ms of a read: it is asked one time in `every`. Our code never
    makes one (tests/postgres/test_pool.py reads it all, and the tests ask every time); this finds
    the mistake that got through, within a few requests.
    """
    try:
        if conn.info.transaction_status != TransactionStatus.IDLE:
            raise ContextLeft("a transaction is open")
        conn.served += 1
        if conn.served % every == 0 or speaks(conn.fileno()):
            row = await (await conn.execute(LEFT)).fetchone()
            if row is None or row[0]:
                raise ContextLeft("the session has a setting of " + ", ".join(CONTEXT))
    except ContextLeft as left:
        log.error("a connection is closed, not given to the next request: %s", left)
        await conn.close()
        raise
    except psycopg.OperationalError:
        await conn.close()
        raise


def speaks(descriptor: int) -> bool:
    """Whether something waits to be read there."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
