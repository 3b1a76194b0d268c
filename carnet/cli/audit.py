# SPDX-License-Identifier: EUPL-1.2
"""carnet audit: verify the log, hand out its roots, export it, prove a line, watch records."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import psycopg
import typer

from carnet import errors
from carnet.access import audit, door, replay
from carnet.access import matrix as matrices
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import platform
from carnet.access.log import heads, proofs, queries, roots, sources, verify
from carnet.access.replay import queries as replays
from carnet.cli import common
from carnet.config import Settings
from carnet.export import check
from carnet.identity.traits import LOCAL

commands = typer.Typer(no_args_is_help=True, help="The audit: verify, roots, export, prove.")
DIFFERS, LATE = 3, 4  # exit statuses; 0 is whole, 1 could not be verified
SHOWN = 100  # findings printed
NOTED = re.compile("([0-9]{1,18}):([0-9a-f]{16,64})", re.ASCII)

Result = TypeVar("Result")
Key = Annotated[str | None, typer.Option(help="The signing key expected, public, base64.")]


class WrongKey(errors.Invalid):
    """A public key is 32 bytes, in base64."""


class WrongFile(errors.Invalid):
    """This file cannot be read as JSON."""


class WrongRoot(errors.Invalid):
    """A root noted from a page is its number of lines, a colon, and 16 hexadecimal digits at least."""


class NoProof(errors.Invalid):
    """There is no proof in this file."""


class WrongMoment(errors.Invalid):
    """A moment is a date and an hour: 2026-11-22T10:00, Paris unless it says otherwise."""


class NoRecordOfLine(errors.NotFound):
    """This line concerns nobody's record: name the person, and the moment."""


class NoLine(errors.NotFound):
    """There is no such line: give its number, or the id of an AuditEvent."""


class NoAlert(errors.NotFound):
    """No alert of this line waits to be looked at."""


class NoRecord(errors.NotFound):
    """There is no record of this id: give that of a Patient."""


@commands.command("verify")
def verify_log(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A file made by `carnet audit export`, or a PostgreSQL URL; else ours."
        ),
    ] = None,
    kept: Annotated[
        Path | None, typer.Option("--roots", help="Roots somebody kept; else the data folder's.")
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(
            help="LINES:ROOT noted from the foot of a page, or its beginning; repeatable."
        ),
    ] = None,
    key: Key = None,
    proof: Annotated[
        Path | None,
        typer.Option(help="Check proofs instead: of a line, of many (NDJSON), of an export (ZIP)."),
    ] = None,
    data: common.Data = None,
) -> None:
    """Recompute everything; exit 0 whole, 3 it differs, 4 only late, 1 it could not be verified."""
    with common.refusals():
        settings = common.settings_of(data)
        keys = _keys(key, settings)
        if proof is not None:
            _check_proofs(proof, keys)
            return
        file = kept or settings.roots
        if kept is not None and not kept.exists():
            raise roots.NoRoots
        handed = roots.read(file) if file.exists() else []
        delay = timedelta(seconds=settings.seal_delay)
        noted = [_noted(each) for each in root or ()]
        with _source(source, settings) as opened:
            report = verify.verify(opened, handed, keys, delay=delay, noted=noted)
    _tell(report)
    if report.found:
        raise typer.Exit(LATE if report.late_only else DIFFERS)


@commands.command("roots")
def show_roots(
    all_: Annotated[bool, typer.Option("--all", help="Every head, not the last one.")] = False,
    data: common.Data = None,
) -> None:
    """Print the signed roots, one JSON line each: to be kept elsewhere."""
    with common.refusals():
        settings = common.settings_of(data)
        with _source(None, settings) as opened:
            found = opened.heads()
    for head in found if all_ else found[-1:]:
        print(json.dumps(head.line()))


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(help="NDJSON file to write.")],
    data: common.Data = None,
) -> None:
    """Write the whole log to a file, to be verified elsewhere. It names who acted and which records."""
    with common.refusals():
        settings = common.settings_of(data)
        with _source(None, settings) as opened:
            print(f"{sources.export(opened, file)} lines written.")


@commands.command()
def prove(
    line: Annotated[str, typer.Argument(help="Number of a line, or the id of an AuditEvent.")],
    data: common.Data = None,
) -> None:
    """Print the proof that a line stands in the log."""

    async def work(conn: psycopg.AsyncConnection[Any]) -> dict[str, Any]:
        seq = int(line) if line.isascii() and line.isdigit() else _place(settings, line)[1]
        if await replays.said(conn, seq) is None:
            raise NoLine
        return await proofs.of_line(conn, seq, opened=True)

    with common.refusals():
        settings = common.settings_of(data)
        print(json.dumps(_with(settings, work)))


@commands.command()
def canary(
    patient: Annotated[str, typer.Argument(help="Id of a Patient nobody has a reason to open.")],
    by: Annotated[str, typer.Option(help="Who decides it: their operator's subject.")],
    end: Annotated[bool, typer.Option("--end", help="Watch it no more.")] = False,
    data: common.Data = None,
) -> None:
    """Watch a record: any opening of it raises an alert."""

    async def work(conn: psycopg.AsyncConnection[Any]) -> None:
        cid, rid = _place(settings, patient, NoRecord)
        if cid != rid or not await queries.is_patient(conn, cid):
            raise NoRecord
        await queries.watch(conn, cid, door.now(), by, end=end)

    with common.refusals():
        settings = common.settings_of(data)
        _with(settings, work)


@commands.command()
def alerts(
    review: Annotated[int | None, typer.Option(help="Number of a line that was looked at.")] = None,
    by: Annotated[str, typer.Option(help="Who looked: their operator's subject.")] = "operator",
    data: common.Data = None,
) -> None:
    """Print what is to be looked at, or say that one was."""

    async def work(conn: psycopg.AsyncConnection[Any]) -> list[dict[str, Any]]:
        if review is not None and not await queries.reviewed(conn, review, door.now(), by):
            raise NoAlert
        return await queries.to_review(conn)

    with common.refusals():
        settings = common.settings_of(data)
        for each in _with(settings, work):
            print(json.dumps(each))


@commands.command("replay")
def replay_moment(
    patient: Annotated[str, typer.Argument(help="Id of a Patient; none with --line.")] = "",
    at: Annotated[str, typer.Option(help="The moment, as 2026-11-22T10:00 (Paris).")] = "",
    line: Annotated[
        str, typer.Option(help="Number of a line of the audit, or the id of an AuditEvent.")
    ] = "",
    of: Annotated[str, typer.Option("--of", help="One account alone, as a subject: rpps:….")] = "",
    by: Annotated[str, typer.Option(help="Who asks: their operator's subject.")] = "operator",
    data: common.Data = None,
) -> None:
    """Say who could read a record at a past moment, by which rule, matrix and reason; JSON lines.

    With --line, also what that line says was decided; exit 3 when the replay says otherwise. No health
    content: kinds and counts. The person sees in their record that it was asked.
    """

    async def work(conn: psycopg.AsyncConnection[Any]) -> bool:
        said = None
        cid, moment = 0, door.now()
        if line:
            seq = int(line) if line.isascii() and line.isdigit() else _place(settings, line)[1]
            said = await replays.said(conn, seq)
            if said is None:
                raise NoLine
            cid, moment = said.cid or (said.cids or [0])[0], said.at
            if not cid:
                raise NoRecordOfLine
        else:
            moment = _moment(at)
            cid, rid = _place(settings, patient, NoRecord)
            if cid != rid:
                raise NoRecord
        actor = Actor(ActorKind.OPERATOR, by, "", "carnet-audit", purpose=platform.PURPOSE)
        matrix = matrices.load(settings.matrix)
        now = door.now()
        rule = "audit-by-auditor"
        trace = audit.Trace(
            now, secrets.token_hex(8), actor, "replay", rule, matrix.at(now).version
        )
        await audit.write(conn, trace, granted=True, cids=[cid])
        then, found = await replay.could(conn, matrix, cid, moment)
        print(json.dumps(replay.told_record(then)))
        for each in found:
            if not of or each.actor.sub == of:
                print(json.dumps(replay.told(each)))
        if said is None:
            return True
        agrees = replay.agrees(said, found)
        print(json.dumps(replay.told_line(said, agrees=agrees)))
        return agrees

    with common.refusals():
        settings = common.settings_of(data)
        agrees = _with(settings, work)
    if not agrees:
        raise typer.Exit(DIFFERS)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise WrongMoment from None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL)


@contextmanager
def _source(named: str | None, settings: Settings) -> Iterator[sources.Database | sources.Export]:
    """A file, another database, or this installation's."""
    if named is not None and not named.startswith(("postgresql://", "postgres://", "host=")):
        if not Path(named).exists():
            raise sources.WrongExport
        yield sources.Export(Path(named))
        return
    if named is not None:
        with _closing(sources.Database(named, door.now())) as found:
            yield found
        return
    with (
        common.server_of(settings) as server,
        _closing(sources.Database(server.url("carnet_admin"), door.now())) as found,
    ):
        yield found


@contextmanager
def _closing(source: sources.Database) -> Iterator[sources.Database]:
    try:
        yield source
    finally:
        source.close()


def _with(
    settings: Settings, work: Callable[[psycopg.AsyncConnection[Any]], Awaitable[Result]]
) -> Result:
    """Work on the installation's database, by its owner."""

    async def run(url: str) -> Result:
        async with await psycopg.AsyncConnection.connect(url) as conn:
            return await work(conn)

    with common.server_of(settings) as server:
        return asyncio.run(run(server.url("carnet_admin")))


def _place(settings: Settings, id: str, unknown: type[errors.NotFound] = NoLine) -> tuple[int, int]:
    """What an id of ours stands for."""
    found = door.numbers_of(settings, id)
    if found is None:
        raise unknown
    return found


def _keys(key: str | None, settings: Settings) -> list[bytes]:
    """The key that must have signed: the one given, else the installation's."""
    if key is None:
        return heads.known_keys(settings.keys)
    try:
        found = base64.b64decode(key, validate=True)
    except ValueError:
        raise WrongKey from None
    if len(found) != 32:
        raise WrongKey
    return [found]


def _noted(text: str) -> tuple[int, str]:
    """A size and a root, as the foot of a page shows them."""
    found = NOTED.fullmatch("".join(text.split()).lower())
    if found is None:
        raise WrongRoot
    return int(found[1]), found[2]


def _check_proofs(path: Path, keys: list[bytes]) -> None:
    """Every proof of a file holds, under one head."""
    count, found = 0, set[heads.Head]()
    for each in _proofs(path):
        found.add(proofs.check(each, keys))
        count += 1
    if not found:
        raise NoProof
    for head in found:
        print(f"{count} lines stand" if count > 1 else "This line stands", end=" ")
        print(f"in the log of {head.size} lines, {heads.instant(head.at)}, root {head.root.hex()}.")
    if not keys:
        print("No key was given: that of the root itself was believed.")
    if len(found) > 1:
        raise typer.Exit(DIFFERS)


def _proofs(path: Path) -> Iterator[Any]:
    try:
        if zipfile.is_zipfile(path):
            yield from check.proofs_of(path)
            return
        text = path.read_bytes()
        try:
            yield json.loads(text)
        except json.JSONDecodeError:
            for line in text.splitlines():
                if (found := json.loads(line)) is not None:
                    yield found
    except (OSError, ValueError):
        raise WrongFile from None


def _tell(report: verify.Report) -> None:
    """What was seen, then what differs."""
    print(
        f"{report.rows} lines, {report.leaves} sealed, {report.heads} heads, {report.roots} roots"
        f" handed out, {report.unsealed} not sealed yet."
    )
    if report.last is not None:
        print(f"Last head: {report.last.size} lines, {heads.instant(report.last.at)},", end=" ")
        print(f"root {report.last.root.hex()}.")
    if report.unused:
        print(
            f"{report.unused} numbers given since have no line: acts that were undone, or lines removed"
            " before they were sealed. Nothing tells one from the other."
        )
    if not report.trusted:
        print("No key was given: that of the heads themselves was believed.")
    if not report.roots:
        print("No root handed out was given: a log rewritten whole, or cut, is not seen.")
    for finding in report.found[:SHOWN]:
        print(f"  {finding}")
    if (left := len(report.found) + report.more - SHOWN) > 0:
        print(f"  and {left} more")
    if not report.found:
        print("Nothing differs.")
