# SPDX-License-Identifier: EUPL-1.2
"""Put a platform back on an empty machine: read once to verify all of it, and once to write it.

One transaction: a restoration that is cut off, or whose content is not in the end what the manifest
says, has written nothing but sealed files that no row names, which the sweeper removes.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
import pyrage
from psycopg import AsyncConnection

from carnet import errors
from carnet.access.door import Door, Keyring, leaving
from carnet.access.door.leaving import Place, Version
from carnet.access.log import heads, rows, sources, tree, verify
from carnet.access.log import queries as log
from carnet.export.platform import parts, queries, sealed, tables
from carnet.export.platform.parts import NotWhole, Part
from carnet.export.platform.take import NotOwner, Sum

BATCH: Final = 500  # rows at once
DELAY: Final = timedelta(days=36_500)  # a line that nobody sealed yet is sealed here


class NotEmpty(errors.Conflict):
    """Somebody was here already: an archive is put back on a machine that has no record and no account."""


class Served(errors.Conflict):
    """This machine is serving, or another restoration runs: stop it first."""


class OtherProgram(errors.BusinessRule):
    """The archive was made by another version of the program: restore it with that one, then upgrade."""


class OtherSigner(errors.Forbidden):
    """The archive was not signed by this key."""


class Rewritten(errors.BusinessRule):
    """The audit of this archive does not hold. Nothing was written."""


@dataclass(frozen=True)
class Verified:
    """What an archive said of itself, once all of it was seen to hold."""

    manifest: dict[str, Any]
    raw: bytes
    keys: tuple[bytes, bytes]  # of ids, of hashes
    signers: list[bytes]  # public keys of its log
    report: verify.Report


def examine(path: Path, by: pyrage.x25519.Identity, key: bytes | None, folder: Path) -> Verified:
    """Read all of an archive and hold it against its manifest, its signature and its proofs.

    key: the signing key its origin publishes; None believes the archive's. folder: where the log waits
    while it is verified, in a file without a name.
    """
    found: tuple[bytes, bytes] | None = None
    with tempfile.NamedTemporaryFile(dir=folder, prefix="audit-", suffix=".part") as spool:
        with sealed.reading(path, by) as plain:
            reader = parts.Reader(plain)
            for part in reader.parts():
                if part.name == "keys/installation.json":
                    found = _keys(part)
                elif part.name.startswith("audit/log-"):
                    spool.write(part.data)
        spool.flush()
        try:
            manifest = reader.manifest
            signer = base64.b64decode(manifest["key"], validate=True)
            signature = base64.b64decode(reader.signature, validate=True)
            signers = [base64.b64decode(each, validate=True) for each in manifest["audit"]["keys"]]
            if not heads.signed_by(signer, parts.signed(reader.raw), signature):
                raise NotWhole
            if key is not None and signer != key:
                raise OtherSigner
            if found is None or signer not in signers:
                raise NotWhole
            report = verify.verify(sources.Export(Path(spool.name)), keys=signers, delay=DELAY)
        except (KeyError, TypeError, binascii.Error, sources.WrongExport):
            raise NotWhole from None
    last = report.last.line() if report.last else None
    if (
        report.found
        or report.rows != manifest["audit"]["lines"]
        or last != manifest["audit"]["head"]
    ):
        raise Rewritten
    return Verified(manifest, reader.raw, found, signers, report)


def _keys(part: Part) -> tuple[bytes, bytes]:
    said = orjson.loads(part.data)
    return (
        base64.b64decode(said["ids"], validate=True),
        base64.b64decode(said["hashes"], validate=True),
    )


async def vacant(conn: AsyncConnection[Any], roots: bool) -> None:
    """Refused where somebody was, or is served. roots: this machine has handed some out."""
    if roots or not await queries.empty(conn):
        raise NotEmpty
    if await queries.served(conn):
        raise Served


async def ready(conn: AsyncConnection[Any], verified: Verified, roots: bool) -> None:
    """Refused where the archive may not be put back."""
    await vacant(conn, roots)
    if await queries.migrations(conn) != verified.manifest["migrations"]:
        raise OtherProgram


@dataclass
class Restoring:
    """One restoration, in one transaction.

    door: by this machine's keys, with those of the archive's ids and hashes. before: called once all is
    written and compares equal, before the commit.
    """

    door: Door
    verified: Verified
    before: Callable[[AsyncConnection[Any]], Any]
    told: Callable[[str], None] = lambda name: None
    _documents: dict[str, list[Place]] = field(default_factory=dict)
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _columns: dict[str, dict[str, bool]] = field(default_factory=dict)
    _counted: Counter[str] = field(default_factory=Counter)
    _edge: tree.Edge = field(default_factory=tree.Edge)
    _heads: list[heads.Head] = field(default_factory=list)
    _given: int = 0

    async def run(self, conn: AsyncConnection[Any], path: Path, by: pyrage.x25519.Identity) -> None:
        """Everything or nothing. conn: of the database's owner."""
        try:
            async with conn.transaction():
                await conn.execute(queries.WHOLE)
                for setting in queries.PLAIN:
                    await conn.execute(setting)
                if not await queries.alone(conn):
                    raise Served
                if not await queries.empty(conn):
                    raise NotEmpty
                there = await queries.tables(conn)
                names = tables.carried(there)
                await queries.clear(conn, [*names, "record.compartment"])
                for name in names:
                    self._columns[name] = await queries.columns(conn, name)
                with sealed.reading(path, by) as plain:
                    reader = parts.Reader(plain)
                    for part in reader.parts():
                        self.told(part.name)
                        await self._part(conn, part)
                if reader.raw != self.verified.raw:  # another file than the one that was verified
                    raise NotWhole
                await self._end(conn, names)
                await self._compare(conn)
                await self.before(conn)
        except psycopg.errors.InsufficientPrivilege:
            raise NotOwner from None
        except (psycopg.errors.DataError, psycopg.errors.IntegrityError):
            raise NotWhole from None  # what PostgreSQL says of it may name somebody

    async def _part(self, conn: AsyncConnection[Any], part: Part) -> None:
        folder, _, name = part.name.partition("/")
        stem = name.rpartition("-")[0]
        match folder:
            case "tables":
                await self._table(conn, stem, part)
            case "rows" if stem == "compartments":
                await leaving.put_compartments(
                    self.door, conn, [tuple(each) for each in part.lines]
                )
            case "rows" if stem == "documents":
                self._expect(part)
            case "rows" if stem == "gone":
                await self._gone(conn, part)
            case "rows":
                self._rows[stem] = list(part.lines)
            case "fhir" | "versions":
                await self._versions(conn, stem, part, earlier=folder == "versions")
            case "documents":
                digest = name.rpartition("/")[2]
                await leaving.put_file(self.door, conn, self._documents.pop(digest), part.data)
            case "audit":
                await self._log(conn, part)

    async def _table(self, conn: AsyncConnection[Any], table: str, part: Part) -> None:
        columns = self._columns[table]
        lines = part.data.splitlines()
        named = list(orjson.loads(lines[0]))
        if set(named) != set(columns):
            raise OtherProgram
        for start in range(0, len(lines), BATCH):
            await queries.put(conn, table, named, lines[start : start + BATCH])
        self._counted[table] += len(lines)

    def _expect(self, part: Part) -> None:
        if self._documents:
            raise NotWhole
        for said in part.lines:
            self._documents[said["sha256"]] = [Place(*each) for each in said["places"]]

    async def _versions(
        self, conn: AsyncConnection[Any], rtype: str, part: Part, *, earlier: bool
    ) -> None:
        placed = self._rows.pop(f"versions-{rtype}" if earlier else rtype)
        lines = part.data.splitlines()
        if len(lines) != len(placed):
            raise NotWhole
        found = []
        for row, line in zip(placed, lines, strict=True):
            if sha256(line).hexdigest() != row.pop("sha256"):
                raise NotWhole
            found.append(Version(rtype, row, line))
        await self._put(conn, found, earlier=earlier)

    async def _gone(self, conn: AsyncConnection[Any], part: Part) -> None:
        found: dict[bool, list[Version]] = {True: [], False: []}
        for row in part.lines:
            found[row.pop("current")].append(Version(row.pop("type"), row, b""))
        await self._put(conn, found[True], earlier=False)
        await self._put(conn, found[False], earlier=True)

    async def _put(
        self, conn: AsyncConnection[Any], found: Sequence[Version], *, earlier: bool
    ) -> None:
        await self.door.catalogue.look(conn)
        for start in range(0, len(found), BATCH):
            await leaving.put(self.door, conn, found[start : start + BATCH], earlier=earlier)

    async def _log(self, conn: AsyncConnection[Any], part: Part) -> None:
        """Lines of the audit as they are; leaves with the tree they make; heads where they stand."""
        written, leaves, made = list[bytes](), list[rows.Leaf](), list[Any]()

        async def flush() -> None:
            if leaves:
                await log.add(conn, leaves, made)
                leaves.clear()
                made.clear()

        for line in part.lines:
            match line:
                case {"row": row}:
                    at = rows.unpacked(row)[rows.AT]
                    written.append(orjson.dumps({**row, "at": at}))
                case {"leaf": [pos, seq, form, salt, hashed]}:
                    one = rows.Leaf(pos, seq, form, base64.b64decode(salt), bytes.fromhex(hashed))
                    leaves.append(one)
                    made += self._edge.add(one.hash)
                    while self._heads and self._heads[0].size == self._edge.size:
                        await flush()
                        await log.add_head(conn, self._heads.pop(0), self._edge)
                case {"head": head}:
                    self._heads.append(heads.Head.of(head))
                case {"given": given}:
                    self._given = int(given)
        await flush()
        for start in range(0, len(written), BATCH):
            await queries.put(
                conn, "access.audit", (*rows.SHOWN, *rows.COMMITTED), written[start : start + BATCH]
            )
        self._counted["access.audit"] += len(written)

    async def _end(self, conn: AsyncConnection[Any], names: Sequence[str]) -> None:
        """Numbers go on where they were; every document waits to be read for its words."""
        said = self.verified.manifest
        if self._rows or self._documents or self._heads:
            raise NotWhole
        counted = {name: self._counted[name] for name in names if self._counted[name]}
        if counted != said["rows"] or self._counted["access.audit"] != said["audit"]["lines"]:
            raise NotWhole
        for name in names:
            for column, given in self._columns[name].items():
                if given:
                    await queries.number_on(conn, name, column)
        await queries.number_on(conn, "access.audit", "seq", self._given)
        await queries.parameters_on(conn)
        values = {
            "at": self.door.clock(),
            "rtype": self.door.definitions.types["DocumentReference"],
        }
        await conn.execute(queries.WAIT_TO_BE_READ, values)

    async def _compare(self, conn: AsyncConnection[Any]) -> None:
        """What lies here now, opened with this machine's keys, is what left there."""
        said = self.verified.manifest
        for name, earlier in (("resources", False), ("versions", True)):
            found = Sum()
            async for each in leaving.versions(self.door, conn, earlier=earlier):
                digest = sha256(each.plain).hexdigest()
                found.add(each.rtype, each.placed["id"], each.placed["ver"], digest)
            if found.told() != said["content"][name]:
                raise NotWhole
        count = 0
        async for file in leaving.files(conn):
            count += 1
            if sha256(await leaving.opened(self.door, file)).hexdigest() != file.digest:
                raise NotWhole
        if count != said["documents"]:
            raise NotWhole


def keyring(own: Keyring, verified: Verified) -> Keyring:
    """This machine's keys, with those that give ids and hashes their form."""
    return replace(own, ids=verified.keys[0], hashes=verified.keys[1])
