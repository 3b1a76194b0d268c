# SPDX-License-Identifier: EUPL-1.2
"""What somebody with every right on the database may try; `run` is the campaign of it.

They have no signing key, and somebody else holds the roots.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from carnet.access.log import rows, tree
from carnet.access.log.heads import Head, Signer
from carnet.access.log.tree import Edge
from carnet.postgres import migrate
from carnet.postgres.cluster import Cluster
from carnet.postgres.pool import JOB, open_pool
from tests.access.log.installed import WRITE, Log
from tests.postgres_fixture import SETTINGS

TABLES = ("audit", "log_leaf", "log_node", "log_head")
OTHER = Signer(bytes(range(32)))
YEAR = "access.audit_2026"
CHANGED: dict[str, Callable[[random.Random], Any]] = {
    "seq": lambda chance: chance.randrange(10**6, 10**7),
    "at": lambda chance: timedelta(
        microseconds=chance.choice((-1, 1)) * chance.randrange(1, 10**9)
    ),
    "situation": lambda chance: f"s{chance.random()}",
    "org": lambda chance: chance.getrandbits(50),
    "acting_for": lambda chance: chance.getrandbits(31),
    "secret": lambda chance: None,
    "granted": lambda chance: None,
    "cid": lambda chance: chance.getrandbits(50),
    "cids": lambda chance: [chance.getrandbits(50)],
    "rids": lambda chance: [chance.getrandbits(50)],
    "vers": lambda chance: [chance.randrange(2, 99)],
    **{
        name: (lambda chance: f"x{chance.random()}")
        for name in ("request", "sub", "client", "purpose", "act", "rule", "matrix")
    },
}


@dataclass
class Attack:
    """One tampering: a connection that may all, chance, and what is there."""

    conn: psycopg.Connection[Any]
    chance: random.Random
    log: Log

    def do(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.conn.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def some(self) -> int:
        """A sealed row."""
        return int(self.chance.choice(self.do("SELECT seq FROM access.log_leaf"))[0])

    def gap(self) -> int:
        """A number under the seal that no row has."""
        found = self.do(
            "SELECT n FROM generate_series(1, (SELECT max(upto) FROM access.log_head)) n"
            " WHERE NOT EXISTS (SELECT FROM access.audit WHERE seq = n)"
        )
        return int(self.chance.choice(found)[0])

    def add(self, seq: int | None, back: timedelta = timedelta()) -> None:
        """A row nobody made, of a number and a date."""
        values = list(self.log.values())
        values[0] -= back
        if seq is None:
            self.do(WRITE, *values)
            return
        text = WRITE.replace("(at,", "(seq, at,").replace(
            "VALUES (", "OVERRIDING SYSTEM VALUE VALUES (%s, "
        )
        self.do(text, seq, *values)

    def change(self, seq: int, column: str = "") -> str:
        """Another value in one column of a row, any unless it is named."""
        column = column or self.chance.choice(sorted(CHANGED))
        value = CHANGED[column](self.chance)
        if column in ("secret", "granted"):
            self.do(f"UPDATE access.audit SET {column} = NOT {column} WHERE seq = %s", seq)
        elif column == "at":
            self.do("UPDATE access.audit SET at = at + %s WHERE seq = %s", value, seq)
        else:
            self.do(f"UPDATE access.audit SET {column} = %s WHERE seq = %s", value, seq)
        return column

    def remake(self, signer: Signer | None) -> None:
        """Leaves, nodes and heads made anew of the rows as they are, with another's signature or none."""
        before = [
            (Head(*each[:6])) for each in self.do(
                "SELECT size, root, at, upto, key, signature FROM access.log_head ORDER BY size")
        ]  # fmt: skip
        salts = dict(self.do("SELECT seq, salt FROM access.log_leaf"))
        found = self.do(f"SELECT {rows.COLUMNS} FROM access.audit WHERE seq <= %s ORDER BY seq",
                        before[-1].upto)  # fmt: skip
        for table in TABLES[1:]:
            self.do(f"DELETE FROM access.{table}")
        edge, left = Edge(), list(before)
        for row in found:
            while left and left[0].upto < row[0]:
                self._head(left.pop(0), edge, signer)
            salt = salts.get(row[0], b"0" * 16)
            hashed = rows.hashed(row, rows.FORM, salt)
            self.do("INSERT INTO access.log_leaf VALUES (%s, %s, %s, %s, %s)",
                    edge.size, row[0], rows.FORM, salt, hashed)  # fmt: skip
            assert hashed is not None
            edge.add(hashed)
        for head in left:
            self._head(head, edge, signer)

    def _head(self, head: Head, edge: Edge, signer: Signer | None) -> None:
        if self.do("SELECT FROM access.log_head WHERE size = %s", edge.size) or not edge.size:
            return
        made = Head(edge.size, edge.root(), head.at, head.upto, head.key, head.signature)
        if signer is not None:
            made = signer.sign(edge.size, edge.root(), head.at, head.upto)
        self.do("INSERT INTO access.log_head (size, root, at, upto, edge, key, signature)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                made.size, made.root, made.at, made.upto, edge.packed(), made.key, made.signature,
                )  # fmt: skip


def edited(attack: Attack) -> str:
    return f"edited {attack.change(attack.some())}"


def edited_with_leaf(attack: Attack) -> str:
    attack.change(attack.some())
    attack.remake(attack.chance.choice((None, OTHER)))
    return "edited, all made anew"


def removed(attack: Attack) -> str:
    attack.do("DELETE FROM access.audit WHERE seq = %s", attack.some())
    return "removed"


def removed_with_leaf(attack: Attack) -> str:
    seq = attack.some()
    attack.do("DELETE FROM access.audit WHERE seq = %s", seq)
    ((pos,),) = attack.do("DELETE FROM access.log_leaf WHERE seq = %s RETURNING pos", seq)
    if attack.chance.random() < 0.5:
        for (each,) in attack.do(
            "SELECT pos FROM access.log_leaf WHERE pos > %s ORDER BY pos", pos
        ):
            attack.do("UPDATE access.log_leaf SET pos = pos - 1 WHERE pos = %s", each)
    return "removed with its leaf"


def removed_and_remade(attack: Attack) -> str:
    attack.do("DELETE FROM access.audit WHERE seq = %s", attack.some())
    attack.remake(attack.chance.choice((None, OTHER)))
    return "removed, all made anew"


def inserted(attack: Attack) -> str:
    attack.add(attack.gap())
    if attack.chance.random() < 0.3:
        attack.remake(attack.chance.choice((None, OTHER)))
        return "inserted, all made anew"
    return "inserted"


def inserted_beside(attack: Attack) -> str:
    # Never at the very instant of the other: its table would refuse two of one number and one instant.
    back = timedelta(seconds=attack.chance.randrange(1, 50), microseconds=1)
    attack.add(attack.some(), back)
    return "inserted beside another"


def inserted_late(attack: Attack) -> str:
    attack.add(None, timedelta(minutes=attack.chance.randrange(3, 10_000)))
    return "back-dated at the end"


def swapped(attack: Attack) -> str:
    one, other = attack.some(), attack.some()
    while other == one:
        other = attack.some()
    pairs = ((one, -1), (other, one), (-1, other))
    for old, new in pairs:
        attack.do("UPDATE access.audit SET seq = %s WHERE seq = %s", new, old)
    return "swapped rows"


def swapped_leaves(attack: Attack) -> str:
    one, other = sorted((attack.some(), attack.some()))
    while other == one:
        one, other = sorted((attack.some(), attack.some()))
    ((first,), (second,)) = attack.do(
        "SELECT pos FROM access.log_leaf WHERE seq IN (%s, %s) ORDER BY seq", one, other
    )
    attack.do("DELETE FROM access.log_leaf WHERE pos = %s RETURNING 1", first)
    leaf = attack.do("SELECT seq, form, salt, hash FROM access.log_leaf WHERE pos = %s", second)[0]
    attack.do("UPDATE access.log_leaf SET pos = %s WHERE pos = %s", first, second)
    attack.do("INSERT INTO access.log_leaf VALUES (%s, %s, %s, %s, %s)",
              second, one, leaf[1], leaf[2], tree.leaf(b"?"))  # fmt: skip
    return "swapped leaves"


def leaf_changed(attack: Attack) -> str:
    column = attack.chance.choice(("hash", "salt", "form"))
    value: Any = attack.chance.randbytes(32 if column == "hash" else 16)
    if column == "form":
        value = 2
    attack.do(f"UPDATE access.log_leaf SET {column} = %s WHERE seq = %s", value, attack.some())
    return f"leaf's {column}"


def truncated(attack: Attack) -> str:
    sizes = [size for (size,) in attack.do("SELECT size FROM access.log_head ORDER BY size")]
    size = attack.chance.choice(sizes[:-1])
    attack.do("DELETE FROM access.audit a USING access.log_leaf l WHERE a.seq = l.seq AND pos >= %s",
              size)  # fmt: skip
    attack.do("DELETE FROM access.audit WHERE seq > (SELECT max(seq) FROM access.log_leaf)")
    attack.do("DELETE FROM access.log_leaf WHERE pos >= %s", size)
    attack.do("DELETE FROM access.log_head WHERE size > %s", size)
    if attack.chance.random() < 0.5:
        attack.remake(OTHER)
        return "cut, signed by another"
    return "cut, as an older backup"


def head_changed(attack: Attack) -> str:
    sizes = [size for (size,) in attack.do("SELECT size FROM access.log_head ORDER BY size")]
    size = attack.chance.choice(sizes)
    how = attack.chance.choice(("at", "upto", "size", "root", "key", "signature", "gone"))
    if how == "gone":
        attack.do("DELETE FROM access.log_head WHERE size = %s", size)
    elif how in ("root", "key", "signature"):
        length = 64 if how == "signature" else 32
        attack.do(f"UPDATE access.log_head SET {how} = %s WHERE size = %s",
                  attack.chance.randbytes(length), size)  # fmt: skip
    elif how == "at":
        attack.do("UPDATE access.log_head SET at = at - interval '1 minute' WHERE size = %s", size)
    else:
        change = attack.chance.choice((-1, 1))
        attack.do(f"UPDATE access.log_head SET {how} = {how} + %s WHERE size = %s", change, size)
    return f"head's {how}"


def emptied(attack: Attack) -> str:
    for table in TABLES:
        attack.do(f"TRUNCATE access.{table}")
    return "emptied"


def numbers_again(attack: Attack) -> str:
    """The sequence is set back: what is written next takes numbers already sealed."""
    attack.do("SELECT setval('access.audit_seq_seq', (SELECT max(upto) - 4 FROM access.log_head))")
    for _ in range(3):
        attack.add(None)
    return "sequence set back"


def detached(attack: Attack) -> str:
    """A year of lines is there, and no longer in the table."""
    attack.do(f"ALTER TABLE access.audit DETACH PARTITION {YEAR}")
    return "partition detached"


def clock_back(attack: Attack) -> str:
    """The machine's clock is set back, for the lines and the sealer alike."""
    attack.log.now -= timedelta(days=1)
    attack.add(None)
    return "clock set back"


def signed_again(attack: Attack) -> str:
    """The same heads, by another key: what a stolen database and a new installation would hand out."""
    sizes = [size for (size,) in attack.do("SELECT size FROM access.log_head ORDER BY size")]
    for size in sizes[attack.chance.randrange(len(sizes)) :]:
        ((root, at, upto),) = attack.do(
            "SELECT root, at, upto FROM access.log_head WHERE size = %s", size
        )
        head = OTHER.sign(size, root, at, upto)
        attack.do("UPDATE access.log_head SET key = %s, signature = %s WHERE size = %s",
                  head.key, head.signature, size)  # fmt: skip
    return "signed by another"


KINDS = (
    edited, edited, edited, edited_with_leaf, removed, removed_with_leaf, removed_and_remade, inserted,
    inserted_beside, inserted_late, swapped, swapped_leaves, leaf_changed, truncated, head_changed,
    emptied, numbers_again, detached, clock_back, signed_again,
)  # fmt: skip


async def attacks(log: Log, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many of each were tried, each from the same good log, and those that were not found."""
    chance = random.Random(seed)
    with psycopg.connect(log.url) as conn:  # numbers that nobody has
        log.write(3)
        log.write(4, conn)
        conn.rollback()
    for _ in range(5):
        log.write(9)
        await log.sealing.once()
    handed = [Head(*each) for each in log.sql(
        "SELECT size, root, at, upto, key, signature FROM access.log_head ORDER BY size")]  # fmt: skip
    log.write(2)
    assert log.verify(handed).found == []
    log.sql("ALTER TABLE access.audit ALTER seq SET GENERATED BY DEFAULT")  # an owner may
    log.sql("CREATE SCHEMA kept")
    for table in TABLES:
        log.sql(f"CREATE TABLE kept.{table} AS SELECT * FROM access.{table}")
    tried: Counter[str] = Counter()
    missed = []
    now = log.now
    for number in range(count):
        kind = KINDS[number] if number < len(KINDS) else chance.choice(KINDS)
        with psycopg.connect(log.url) as conn:
            said = kind(Attack(conn, chance, log))
        if kind in (inserted_late, clock_back):  # the sealer, which knows no better, seals it
            await log.sealer().once()
        tried[said.split(" ")[0] if said.startswith("edited ") else said] += 1
        report = log.verify(handed)
        if not report.found or report.late_only:
            missed.append(said)
        _restore(log)
        log.now = now
    assert log.verify(handed).found == []
    return tried, missed


def _restore(log: Log) -> None:
    if not log.sql("SELECT 1 FROM pg_inherits WHERE inhrelid = %s::regclass", YEAR):
        log.sql(f"TRUNCATE {YEAR}")
        log.sql(f"ALTER TABLE access.audit ATTACH PARTITION {YEAR}"
                " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")  # fmt: skip
    log.sql("SELECT setval('access.audit_seq_seq', (SELECT max(seq) FROM kept.audit))")
    columns = f"{rows.COLUMNS}"
    log.file.unlink(missing_ok=True)
    with psycopg.connect(log.url) as conn:
        conn.execute("TRUNCATE access.audit, access.log_leaf, access.log_node, access.log_head")
        conn.execute(
            f"INSERT INTO access.audit ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM kept.audit".encode()
        )
        for table in TABLES[1:]:
            conn.execute(f"INSERT INTO access.{table} SELECT * FROM kept.{table}".encode())


def run(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """A whole run, on a server of its own: what `bench/campaign` calls."""

    async def work(cluster: Cluster, folder: Path) -> tuple[Counter[str], list[str]]:
        url = cluster.url("carnet_worker")
        pool = await open_pool(url, min_size=1, max_size=4, name="tampering", limits=JOB)
        try:
            return await attacks(Log(cluster.url(), pool, folder), count, seed)
        finally:
            await pool.close()

    with tempfile.TemporaryDirectory(prefix="carnet-log-", dir="/tmp") as folder:
        cluster = Cluster.attach_or_start(Path(folder) / "server", settings=SETTINGS)
        try:
            migrate.migrate(cluster.url())
            return asyncio.run(work(cluster, Path(folder)))
        finally:
            cluster.stop()
