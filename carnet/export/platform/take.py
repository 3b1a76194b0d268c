# SPDX-License-Identifier: EUPL-1.2
"""Write the whole platform: one snapshot, a batch in memory at a time, encrypted as it goes."""

from __future__ import annotations

import base64
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from psycopg import AsyncConnection

from carnet import errors
from carnet.access.door import Door, Keyring, leaving
from carnet.access.log import rows as log_rows
from carnet.access.log import sources
from carnet.access.log.heads import Head, Signer, instant
from carnet.export.platform import parts, queries, sealed, tables
from carnet.export.platform.queries import Leaving

FILES: Final = 500  # told in one index
FILES_BYTES: Final = 64 << 20


class Exists(errors.Conflict):
    """There is a file of this name already."""


class Unsaid(errors.CarnetError):
    """A table has no line in tables.toml: nobody decided what becomes of it, and nothing leaves."""

    status = 500


class NotOwner(errors.Forbidden):
    """The owner of the database sees past row security to take all of it away: BYPASSRLS."""


@dataclass
class Sum:
    """What a set of contents is, in whatever order: the sum of their digests."""

    count: int = 0
    total: int = 0

    def add(self, *said: object) -> None:
        """One of them."""
        digest = sha256(orjson.dumps(said)).digest()
        self.count += 1
        self.total = (self.total + int.from_bytes(digest)) % (1 << 256)

    def told(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"count": self.count, "sum": f"{self.total:064x}"}


@dataclass
class Taken:
    """What was written."""

    resources: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    documents: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    lines: int = 0  # of the audit
    digest: bytes = b""  # SHA-256 of the file


@dataclass(frozen=True)
class Taking:
    """What the platform is written with. keys: of ids and hashes, which leave with it."""

    door: Door
    keyring: Keyring
    signer: Signer
    known: list[bytes]
    version: str

    async def write(self, conn: AsyncConnection[Any], asked: Leaving, path: Path) -> Taken:
        """The archive; it takes its name once it is whole. conn: of the database's owner."""
        if path.exists():  # noqa: ASYNC240 (a command, which serves nobody meanwhile)
            raise Exists
        part = path.with_name(path.name + ".part")
        to = sealed.recipient(asked.recipient)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                with sealed.writing(out, to) as plain:
                    writer = parts.Writer(plain, self.door.clock())
                    try:
                        done = await self._all(conn, asked, writer)
                    except psycopg.errors.InsufficientPrivilege:
                        raise NotOwner from None
                out.flush()
                os.fsync(out.fileno())
            with part.open("rb") as file:
                done.digest = file_digest(file, "sha256").digest()
            os.rename(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return done

    async def _all(self, conn: AsyncConnection[Any], asked: Leaving, writer: parts.Writer) -> Taken:
        done = Taken()
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            await conn.execute(queries.WHOLE)
            for setting in queries.PLAIN:
                await conn.execute(setting)
            there = await queries.tables(conn)
            if unsaid := tables.unsaid(there):
                raise Unsaid(f"{Unsaid.__doc__} ({', '.join(unsaid)})")
            writer.put("keys/installation.json", self._keys())
            for table in tables.carried(there):
                async for line in queries.lines(conn, table):
                    writer.line(f"tables/{table}", line)
                    done.rows[table] += 1
                writer.flush()
            for cid, nature, at in await leaving.compartments(conn):
                writer.line("rows/compartments", orjson.dumps([cid, nature, at]))
            writer.flush()
            content = {
                "resources": await self._versions(conn, writer, done, earlier=False),
                "versions": await self._versions(conn, writer, done, earlier=True),
            }
            writer.flush()
            done.documents = await self._files(conn, writer)
            head = await self._audit(conn, writer, done)
            writer.flush()
            migrations = await queries.migrations(conn)
        manifest = {
            "carnet-platform": parts.FORM,
            "program": self.version,
            "time": instant(writer.at),
            "asked": {"at": instant(asked.asked), "by": asked.asked_by, "confirmed-by": asked.confirmed_by},
            "migrations": migrations,
            "resources": dict(sorted(done.resources.items())),
            "content": {name: each.told() for name, each in content.items()},
            "documents": done.documents,
            "rows": dict(sorted(done.rows.items())),
            "audit": {
                "lines": done.lines,
                "head": head.line() if head else None,
                "keys": [base64.b64encode(each).decode() for each in self.known],
            },
            "key": base64.b64encode(self.signer.public).decode(),
            "files": writer.files,
        }  # fmt: skip
        raw = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        signature = base64.b64encode(self.signer.sign_text(parts.signed(raw)))
        writer.end(raw, signature)
        return done

    def _keys(self) -> bytes:
        ids, hashes = self.keyring.ids, self.keyring.hashes
        return orjson.dumps(
            {"ids": base64.b64encode(ids).decode(), "hashes": base64.b64encode(hashes).decode()}
        )

    async def _versions(
        self, conn: AsyncConnection[Any], writer: parts.Writer, done: Taken, *, earlier: bool
    ) -> Sum:
        found = Sum()
        folder, before = ("versions", "versions-") if earlier else ("fhir", "")
        async for each in leaving.versions(self.door, conn, earlier=earlier):
            placed = each.placed
            line = each.plain.replace(b"\r", b" ").replace(b"\n", b" ")
            digest = sha256(line).hexdigest()
            found.add(each.rtype, placed["id"], placed["ver"], digest)
            if earlier:
                done.versions += 1
            if placed["gone"]:
                row = {"type": each.rtype, "current": not earlier, **placed}
                writer.line("rows/gone", orjson.dumps(row))
                continue
            if not earlier:
                done.resources[each.rtype] += 1
            row = {**placed, "sha256": digest}
            writer.pair(
                f"rows/{before}{each.rtype}", orjson.dumps(row), f"{folder}/{each.rtype}", line
            )
        return found

    async def _files(self, conn: AsyncConnection[Any], writer: parts.Writer) -> int:
        count, number, waiting = 0, 0, list[leaving.File]()

        async def flush() -> None:
            nonlocal number
            number += 1
            lines = [
                orjson.dumps(
                    {"sha256": each.digest, "size": each.size,
                     "places": [list(asdict(at).values()) for at in each.places]}
                )
                for each in waiting
            ]  # fmt: skip
            writer.put(f"rows/documents-{number}.ndjson", b"\n".join((*lines, b"")))
            for each in waiting:
                data = await leaving.opened(self.door, each)
                writer.put(f"documents/{each.digest[:2]}/{each.digest}", data)
            waiting.clear()

        async for file in leaving.files(conn):
            waiting.append(file)
            count += 1
            if len(waiting) == FILES:
                await flush()
        if waiting:
            await flush()
        return count

    async def _audit(
        self, conn: AsyncConnection[Any], writer: parts.Writer, done: Taken
    ) -> Head | None:
        """The log as `carnet audit export` writes it, in pieces."""

        def put(line: dict[str, Any]) -> None:
            writer.line("audit/log", orjson.dumps(line))

        found = await (await conn.execute(sources.HEADS)).fetchall()
        heads = [Head(*each) for each in found]
        given = await (await conn.execute(sources.GIVEN)).fetchone()
        put({"carnet-audit": 1, "time": instant(writer.at), "given": given[0] if given else 0})
        for head in heads:
            put({"head": head.line()})
        async with conn.cursor("leaves", binary=True) as cur:
            cur.itersize = sources.FETCHED
            await cur.execute(sources.LEAVES)
            async for pos, seq, form, salt, hashed in cur:
                put({"leaf": [pos, seq, form, base64.b64encode(salt).decode(), hashed.hex()]})
        async with conn.cursor("rows", binary=True) as cur:
            cur.itersize = sources.FETCHED
            await cur.execute(sources.ROWS)
            async for row in cur:
                put({"row": log_rows.packed(row)})
                done.lines += 1
        return heads[-1] if heads else None
