# SPDX-License-Identifier: EUPL-1.2
"""carnet load: documents and resources from files, and what was understood of each."""

from __future__ import annotations

import asyncio
import gzip
import json as plain_json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from carnet import errors
from carnet.access.actor import Actor
from carnet.app.parts import Built, actor, build, visit
from carnet.cli import common
from carnet.config import Settings
from carnet.documents.receive import receive
from carnet.fhir import json
from carnet.postgres.server import Server
from carnet.rest.acts import Entry, Plan
from carnet.rest.http import validated
from carnet.rest.outcome import NotValid
from carnet.rest.plans import carry_out
from carnet.rest.transaction import entry_of

SOFTWARE = "software:lab-software"  # whom the demonstration loads as


class NotKnown(errors.Invalid):
    """The file is neither a CDA document nor FHIR JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file."""

    path: Path
    refused: str  # the reason, "" when it went in
    code: str
    lines: tuple[str, ...]


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    create_patients: Annotated[
        bool,
        typer.Option(
            help="Make the identity a document names when it is unknown (not in production)."
        ),
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report there, as JSON.")] = None,
    software: Annotated[
        str, typer.Option("--as", help="Subject of the loading software.")
    ] = SOFTWARE,
    data: common.Data = None,
) -> None:
    """Load CDA documents, FHIR resources and Bundles (.json, .json.gz, .ndjson); exit 1 if any is refused."""
    with common.refusals():
        settings = common.settings_of(data)
        with common.server_of(settings) as server:
            found = asyncio.run(_load(settings, server, paths, create_patients, software))
        for each in found:
            print(f"{'REFUSED ' + each.code if each.refused else 'ok':12} {each.path}")
            for text in (each.refused, *each.lines):
                if text:
                    print(f"             {text}")
        refused = sum(bool(each.refused) for each in found)
        print(f"{len(found) - refused} in, {refused} refused")
        if report is not None:
            said = [
                {
                    "file": str(each.path),
                    "refused": each.refused or None,
                    "code": each.code or None,
                    "understood": each.lines,
                }
                for each in found
            ]
            report.write_text(plain_json.dumps(said, ensure_ascii=False, indent=1), "utf-8")
        if refused:
            raise typer.Exit(1)


async def _load(
    settings: Settings, server: Server, paths: list[Path], create: bool, software: str
) -> list[Outcome]:
    built = await build(settings, server, name="carnet load")
    try:
        who = await actor(built, software, client="carnet-load")
        return [await _one(built, who, path, create) for path in _files(paths)]
    finally:
        await built.pool.close()


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        else:
            yield path


async def _one(built: Built, who: Actor, path: Path, create: bool) -> Outcome:
    content = await asyncio.to_thread(path.read_bytes)
    try:
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start == b"<":
            lines = await _document(built, who, content, create)
        elif start == b"{":
            lines = await _fhir(built, who, content, ndjson=".ndjson" in path.suffixes)
        else:
            raise NotKnown
    except NotValid as error:
        said = "; ".join(f"{issue.path}: {issue.text}" for issue in error.issues[:5])
        return Outcome(path, said, "", ())
    except (OSError, EOFError):
        return Outcome(path, "The file cannot be read.", "", ())
    except errors.CarnetError as error:
        place = f" ({error.path})" if error.path else ""
        return Outcome(path, f"{error}{place}", error.code or "", ())
    return Outcome(path, "", "", lines)


async def _document(built: Built, who: Actor, content: bytes, create: bool) -> tuple[str, ...]:
    done = await receive(visit(built, who), built.desk.acts, content, create_patient=create)
    document = done.document
    lines = [
        f"{done.address}" + ("" if done.created else " (already there)"),
        f"{len(document.results.results)} results, {len(document.sections)} sections,"
        f" {len(document.attachments)} files",
    ]
    lines += [
        f"{line.fate}: {line.count} × {line.what}" + (f" — {line.why}" if line.why else "")
        for line in document.report
    ]
    return (*lines, *(f"avertissement : {text}" for text in done.warnings))


async def _fhir(built: Built, who: Actor, content: bytes, *, ndjson: bool) -> tuple[str, ...]:
    if ndjson:
        resources = [json.parse(line) for line in content.splitlines() if line.strip()]
    else:
        resources = [json.parse(content)]
    count = 0
    for resource in resources:
        entries = _entries(resource)
        await carry_out(visit(built, who), built.desk.acts, Plan(entries))
        count += len(entries)
    return (f"{count} resources",)


def _entries(resource: dict[str, Any]) -> list[Entry]:
    if resource.get("resourceType") != "Bundle":
        return [Entry("POST", str(resource.get("resourceType")), resource=validated(resource))]
    if resource.get("type") == "transaction":
        return [entry_of(each, index) for index, each in enumerate(resource.get("entry", []))]
    return [
        Entry(
            "POST",
            str(each["resource"]["resourceType"]),
            full_url=str(each.get("fullUrl", "")),
            resource=validated(each["resource"], f"Bundle.entry[{index}].resource"),
        )
        for index, each in enumerate(resource.get("entry", []))
    ]
