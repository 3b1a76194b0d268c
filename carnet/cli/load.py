# SPDX-License-Identifier: EUPL-1.2
"""carnet load: documents and resources from files, and what was understood of each."""

from __future__ import annotations

import asyncio
import json as plain_json
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import Progress

from carnet import errors
from carnet.access.actor import Actor
from carnet.app.parts import Built, actor, build, visit
from carnet.cli import common
from carnet.config import Settings
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.conformance import Profile
from carnet.documents.cda.understood import Fate
from carnet.documents.receive import NotHere, NotLenient, Received, receive
from carnet.fhir import json
from carnet.postgres.server import Server
from carnet.rest.acts import Entry, Plan
from carnet.rest.http import validated
from carnet.rest.outcome import NotValid, known
from carnet.rest.plans import carry_out, copied
from carnet.rest.transaction import entry_of

SOFTWARE: Final = "software:lab-software"  # whom the demonstration loads as
LARGEST: Final = 256 * 1024 * 1024  # bytes of one file, unpacked
MOST_TOLD: Final = 20  # refused lines of one NDJSON file

# What some files are, by how they begin; they are not loaded yet, or never by themselves.
STARTS: Final = (
    (b"MSH|", "This is an HL7 v2 message: HL7 v2 is not loaded yet."),
    (b"\x0bMSH|", "This is an HL7 v2 message: HL7 v2 is not loaded yet."),
    (b"FHS|", "This is a file of HL7 v2 messages: HL7 v2 is not loaded yet."),
    (b"BHS|", "This is a batch of HL7 v2 messages: HL7 v2 is not loaded yet."),
    (b"PK\x03\x04", "This is a ZIP archive: archives are not loaded yet, unpack it first."),
    (b"%PDF", "This is a PDF by itself: it says neither whose it is nor what. Send it in a CDA."),
)
TAR_MARK: Final = (257, b"ustar")
PACKAGE: Final = "This is a package of profiles or nomenclatures: packages are not loaded yet."
CONFORMANCE: Final = frozenset(
    "StructureDefinition ValueSet CodeSystem ConceptMap SearchParameter CapabilityStatement"
    " ImplementationGuide OperationDefinition NamingSystem".split()
)


class NotKnown(errors.Invalid):
    """The file is neither a CDA document nor FHIR JSON."""


class NotYet(errors.NotSupported):
    """This kind of file is not loaded yet."""


class Empty(errors.Invalid):
    """The file is empty."""


class TooBig(errors.TooLarge):
    """The file is larger than 256 MB once unpacked."""


class WrongGzip(errors.Invalid):
    """The file is named .gz and is not gzip, or it is cut short."""


class NotLoadable(errors.Invalid):
    """A Bundle that is loaded is a transaction, batch, collection, document or searchset."""


class SomeLines(errors.Invalid):
    """Lines of the file were refused."""


class Unforeseen(errors.CarnetError):
    """An unforeseen error."""


@dataclass(frozen=True, slots=True)
class Options:
    """How files are taken."""

    create_patients: bool = False
    profile: Profile | None = None  # None: what the instance is


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file."""

    path: Path
    refused: str = ""  # the reason, "" when it went in
    code: str = ""  # of the national answers, "" when none
    address: str = ""  # of the document
    created: bool = True  # False: all of it was already there
    counts: dict[str, int] = field(default_factory=dict)  # results, sections, files, resources…
    understood: tuple[dict[str, Any], ...] = ()  # each kind of entry: data, or only kept, and why
    reserves: tuple[str, ...] = ()  # what is wrong and was taken all the same

    def lines(self) -> Iterator[str]:
        """As the command prints it."""
        if self.refused:
            yield self.refused
        if self.address:
            yield self.address + ("" if self.created else " (already there)")
        if self.counts:
            yield ", ".join(f"{number} {what}" for what, number in self.counts.items())
        for line in self.understood:
            why = f" — {line['why']}" if line["why"] else ""
            yield f"{line['fate']}: {line['count']} × {line['what']}{why}"
        for text in self.reserves:
            yield f"réserve : {text}"

    def as_json(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "file": str(self.path),
            "refused": self.refused or None,
            "code": self.code or None,
            "document": self.address or None,
            "created": self.created and not self.refused,
            "counts": self.counts,
            "understood": list(self.understood),
            "reserves": list(self.reserves),
        }


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    create_patients: Annotated[
        bool,
        typer.Option(
            "--create-patients",
            help="Make the identity a document names when it is unknown (not in production).",
        ),
    ] = False,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--lenient",
            help="Refuse doubtful documents, or take them with a reserve; by default, as the"
            " instance is.",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report there, as JSON.")] = None,
    software: Annotated[
        str, typer.Option("--as", help="Subject of the loading software.")
    ] = SOFTWARE,
    data: common.Data = None,
) -> None:
    """Load CDA documents, FHIR resources and Bundles (.json, .ndjson, .gz); exit 1 if any is refused."""
    profile = None if strict is None else Profile.STRICT if strict else Profile.LENIENT
    options = Options(create_patients, profile)
    with common.refusals():
        settings = common.settings_of(data)
        if not settings.lenient and create_patients:
            raise NotHere
        if not settings.lenient and profile is Profile.LENIENT:
            raise NotLenient
        with common.server_of(settings) as server:
            found = asyncio.run(_load(settings, server, paths, options, software))
    for each in found:
        print(f"{f'REFUSED {each.code}'.strip() if each.refused else 'ok':12} {each.path}")
        for text in each.lines():
            print(f"             {text}")
    refused = sum(bool(each.refused) for each in found)
    print(f"{len(found) - refused} in, {refused} refused")
    if report is not None:
        said = [each.as_json() for each in found]
        report.write_text(plain_json.dumps(said, ensure_ascii=False, indent=1), "utf-8")
    if refused:
        raise typer.Exit(1)


async def _load(
    settings: Settings, server: Server, paths: list[Path], options: Options, software: str
) -> list[Outcome]:
    built = await build(settings, server, name="carnet load")
    try:
        who = await actor(built, software, client="carnet-load")
        return await load_all(built, who, paths, options)
    finally:
        await built.pool.close()


async def load_all(built: Built, who: Actor, paths: list[Path], options: Options) -> list[Outcome]:
    """Each file in turn: a refusal is its own, the next one is tried."""
    files = list(_files(paths))
    found = []
    with Progress(console=Console(stderr=True), transient=True, disable=len(files) < 2) as bar:
        task = bar.add_task("load", total=len(files))
        for path in files:
            found.append(await load_one(built, who, path, options))
            bar.advance(task)
    return found


def _files(paths: list[Path]) -> Iterator[Path]:
    """Files, and those of folders in order; hidden ones are nobody's document."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for each in sorted(path.rglob("*")):
            inside = each.relative_to(path).parts
            if each.is_file() and not any(part.startswith(".") for part in inside):
                yield each


async def load_one(built: Built, who: Actor, path: Path, options: Options) -> Outcome:
    """One file, whatever is in it."""
    try:
        content = await asyncio.to_thread(_content, path)
        start = content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1]
        _judge(content)
        if start in (b"<", b"\0"):
            return await _document(built, who, path, content, options)
        if start != b"{":
            raise NotKnown
        suffixes = [each.lower() for each in path.suffixes]
        if ".ndjson" in suffixes or ".jsonl" in suffixes:
            return await _ndjson(built, who, path, content)
        count = await _fhir(built, who, json.parse(content))
        return Outcome(path, counts={"resources": count})
    except OSError as error:
        return Outcome(path, f"The file cannot be read: {error.strerror or 'no reason given'}.")
    except Exception as error:  # one file must not stop the others
        return _refused(path, error)


def _refused(path: Path, error: Exception) -> Outcome:
    refusal = known(error) or Unforeseen(f"An unforeseen error: {type(error).__name__}.")
    return Outcome(path, _sentence(refusal), refusal.code or "", created=False)


def _sentence(refusal: errors.CarnetError) -> str:
    if isinstance(refusal, NotValid):
        return "; ".join(f"{issue.path}: {issue.text}" for issue in refusal.issues[:5])
    return f"{refusal} ({refusal.path})" if refusal.path else str(refusal)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked, within limits."""
    if path.stat().st_size > LARGEST:
        raise TooBig
    content = path.read_bytes()
    if path.suffix.lower() not in (".gz", ".tgz"):
        return content
    unpacked, rest = bytearray(), content
    try:
        while rest:  # gzip files may follow one another
            inflater = zlib.decompressobj(wbits=31)
            unpacked += inflater.decompress(rest, LARGEST + 1 - len(unpacked))
            if len(unpacked) > LARGEST:
                raise TooBig
            if not inflater.eof:
                raise WrongGzip
            rest = inflater.unused_data
    except zlib.error:
        raise WrongGzip from None
    return bytes(unpacked)


def _judge(content: bytes) -> None:
    """Say plainly what is not loaded."""
    if not content.strip():
        raise Empty
    for start, sentence in STARTS:
        if content.startswith(start):
            raise NotYet(sentence)
    place, mark = TAR_MARK
    if content[place : place + len(mark)] == mark:
        raise NotYet(PACKAGE)


# ------------------------------------------------------------------------------------- one document


async def _document(
    built: Built, who: Actor, path: Path, content: bytes, options: Options
) -> Outcome:
    done = await receive(
        visit(built, who),
        built.desk.acts,
        content,
        create_patient=options.create_patients,
        profile=options.profile,
    )
    document = done.document
    return Outcome(
        path,
        address=done.address,
        created=done.created,
        counts=_counts(done),
        understood=tuple(
            {
                "fate": str(line.fate),
                "what": line.what,
                "why": line.why,
                "count": line.count,
                "first": line.first,
            }
            for line in document.report
        ),
        reserves=done.reserves,
    )


def _counts(done: Received) -> dict[str, int]:
    """Results and files that went in, sections that can be read, entries that are only kept.

    An image of the narrative stays in the source: it is no file of its own.
    """
    document = done.document
    counts = {
        "results": len(document.results.results),
        "sections": sum(bool(each.html) for each in document.sections),
        "files": sum(each.role is not Role.IMAGE for each in document.attachments),
        "entries only kept": sum(line.count for line in document.report if line.fate is Fate.KEPT),
    }
    return counts | ({"patient made": 1} if done.patient_made else {})


# ------------------------------------------------------------------------------------- resources


async def _ndjson(built: Built, who: Actor, path: Path, content: bytes) -> Outcome:
    """Each line in a transaction of its own; the refused ones are told by number."""
    count, refused = 0, []
    for number, text in enumerate(content.splitlines(), 1):
        if not text.strip():
            continue
        try:
            count += await _fhir(built, who, json.parse(text))
        except Exception as error:  # the lines that follow are tried
            outcome = _refused(path, error)
            refused.append(f"line {number}: {outcome.refused}")
    if not refused:
        return Outcome(path, counts={"resources": count})
    more = len(refused) - MOST_TOLD
    told = [*refused[:MOST_TOLD], *([f"and {more} more lines"] if more > 0 else [])]
    said = f"{len(refused)} lines refused, the others are in. " + " ".join(told)
    return Outcome(path, said, created=False, counts={"resources": count})


async def _fhir(built: Built, who: Actor, resource: dict[str, Any]) -> int:
    """A resource, or what a Bundle holds; how many went in."""
    rtype = resource.get("resourceType")
    if rtype is None and "name" in resource and "version" in resource:
        raise NotYet(PACKAGE)
    if not isinstance(rtype, str) or rtype not in built.door.definitions.types:
        raise NotKnown("The JSON file is not a FHIR resource: it has no resourceType of R4.")
    if rtype in CONFORMANCE:
        raise NotYet(f"This is a {rtype}: profiles and nomenclatures are not loaded yet.")
    plans = [[_entry(resource)]] if rtype != "Bundle" else _plans(resource)
    for entries in plans:
        if entries:
            await carry_out(visit(built, who), built.desk.acts, Plan(entries, _profiles(resource)))
    return sum(map(len, plans))


def _profiles(resource: dict[str, Any]) -> frozenset[str]:
    if resource.get("resourceType") != "Bundle":
        return frozenset()
    return frozenset(map(str, resource.get("meta", {}).get("profile", [])))


def _entry(resource: dict[str, Any]) -> Entry:
    return Entry("POST", str(resource["resourceType"]), resource=validated(resource))


def _plans(bundle: dict[str, Any]) -> list[list[Entry]]:
    """The writes of a Bundle: all in one transaction, but for a batch, where each is its own."""
    kind, given = bundle.get("type"), bundle.get("entry", [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise NotLoadable
    if kind in ("transaction", "batch"):
        for each in given:
            if not isinstance(each.get("request"), dict):
                raise NotLoadable("Each entry of a transaction says its request.")
        writes = [
            entry_of(each, index)
            for index, each in enumerate(given)
            if each["request"].get("method") != "GET"
        ]
        return [writes] if kind == "transaction" else [[each] for each in writes]
    if kind not in ("collection", "document", "searchset"):
        raise NotLoadable
    return [_collected(given)]


def _collected(given: list[dict[str, Any]]) -> list[Entry]:
    """Resources put together elsewhere: their references to each other are kept, their ids are not."""
    held = [
        (index, each)
        for index, each in enumerate(given)
        if isinstance(each.get("resource"), dict)
        and each.get("search", {}).get("mode") != "outcome"
    ]
    urls: dict[str, str] = {}
    fresh = []
    for _, each in held:
        resource, url = each["resource"], f"urn:uuid:{uuid.uuid4()}"
        fresh.append(url)
        if each.get("fullUrl"):
            urls[str(each["fullUrl"])] = url
        if resource.get("id"):
            urls[f"{resource.get('resourceType')}/{resource['id']}"] = url
    return [
        Entry(
            "POST",
            str(each["resource"].get("resourceType")),
            full_url=url,
            resource=copied(validated(each["resource"], f"Bundle.entry[{index}].resource"), urls),
        )
        for (index, each), url in zip(held, fresh, strict=True)
    ]
