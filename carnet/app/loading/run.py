# SPDX-License-Identifier: EUPL-1.2
"""One load: definitions, then the FHIR files as one set, then each document; one outcome a file.

A refusal is the file's own: those that need nothing of it go in.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from carnet import errors
from carnet.access.actor import Actor
from carnet.app.loading import containers, definitions, files, models, together
from carnet.app.loading.containers import Budget, Inside
from carnet.app.loading.definitions import Definitions, Keeper, Kept
from carnet.app.loading.files import Named
from carnet.app.loading.order import in_order
from carnet.app.loading.outcomes import Options, Outcome, Remark, State, shown
from carnet.app.loading.outcomes import found as told_of
from carnet.app.loading.sets import Lot, NotKnown, Skipped, lots_of
from carnet.app.loading.write import DOCUMENTS, Done, Writer
from carnet.app.parts import Built, visit
from carnet.documents import brought, metadata
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.conformance import Profile
from carnet.documents.cda.understood import Fate, Line
from carnet.documents.receive import Received, receive
from carnet.documents.receive_file import receive_file
from carnet.exchange.parts import Told
from carnet.fhir import archives, json
from carnet.identity.traits import normal
from carnet.rest.desk import Desk
from carnet.rest.outcome import NotValid, known

SET_BYTES: Final = 128 * 1024 * 1024  # of FHIR read as one set; what is beyond makes the next one
BATCH: Final = 100  # lines of NDJSON written in one transaction
NUMBER: Final = re.compile("(?:[0-9][ ./-]?){6}")  # a birth date, an INS, a telephone
MOST_TOLD: Final = 20  # refused lines of one file


NOBODY: Final = "This file names nobody: it is kept apart from everybody's documents."
NOBODY_FR: Final = "Ce fichier ne nomme personne : il est gardé à part des documents de chacun."


class Altered(errors.Invalid):
    """Its container describes other bytes, or cannot be read: what it says of this file is not known."""


class Unforeseen(errors.CarnetError):
    """An unforeseen error."""


@dataclass(slots=True)
class _File:
    """What is known so far of one FHIR file."""

    named: Named
    lots: list[Lot] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    refused: list[tuple[str, Exception]] = field(default_factory=list)  # where, why
    skipped: list[str] = field(default_factory=list)
    given: Definitions = field(default_factory=Definitions)
    kept: Kept = field(default_factory=Kept)  # what came of those
    seconds: float = 0.0


class Advance(Protocol):
    """Called at each file that is done; a negative number: there are so many more than was said."""

    def __call__(self, step: int = 1, /) -> None: ...


async def load_all(
    built: Built,
    who: Actor,
    paths: Sequence[Path],
    options: Options,
    listing: Callable[[int], Advance] = lambda _: lambda step=1: None,
    keeper: Keeper | None = None,
) -> list[Outcome]:
    """The outcome of each file, in their order.

    listing: told how many files there are; what it returns is called at each one that is done.
    keeper: of definitions, when it is the operator who loads; else they are left out.
    """
    named = await asyncio.to_thread(files.listed, paths)
    advance = listing(len(named))
    found: dict[Named, Outcome] = {}
    order: list[Named] = []
    documents: list[tuple[Named, str]] = []  # and the media type of those that are no CDA
    holders: list[tuple[Named, Inside]] = []
    waiting: list[_File] = []
    size = 0

    async def settle() -> None:
        nonlocal found
        found |= await _set(built, who, waiting, options, advance, keeper)
        for each, media in documents:
            found[each] = await _document(built, who, each, options, media)
            advance()
        waiting.clear()
        documents.clear()

    queue = deque(named)
    while queue:
        each = queue.popleft()
        order.append(each)
        if each.page:
            found[each] = Outcome(each.path, State.SKIPPED, files.PAGE)
            advance()
            continue
        start = time.monotonic()
        try:
            content, inside, given = await asyncio.to_thread(_opened, each, options, keeper)
            if inside is not None:
                holders.append((each, inside))
                queue.extendleft(reversed(inside.files))
                found[each] = _holder(each, inside, time.monotonic() - start)
                advance(-len(inside.files))
                advance()
                continue
            media = "" if given is not None else _media(each, content, options)
            if given is None and (media or _is_xml(content)):
                documents.append((each, media))  # read again in its turn: documents may be many
                size += len(each.held or b"")
                if size > SET_BYTES:
                    await settle()
                    size = 0
                continue
            if given is not None:
                one = _File(each, given=given)
            else:
                one = await asyncio.to_thread(_read, built.desk, each, content, keeps=bool(keeper))
        except Exception as error:  # one file must not stop the others
            found[each] = refusal(each.path, error)
            advance()
            continue
        one.seconds = time.monotonic() - start
        waiting.append(one)
        size += len(content)
        if size > SET_BYTES:
            await settle()
            size = 0
    await settle()
    for each, inside in reversed(holders):  # what is deepest is known first
        holder = await together.kept(built, who, found[each], inside, found)
        found[each] = _of_parts(holder, [found[part] for part in inside.files])
    return [found[each] for each in order]


def _opened(
    named: Named, options: Options, keeper: Keeper | None
) -> tuple[bytes, Inside | None, Definitions | None]:
    """The bytes of a file; what is inside them when they are a container, or what they define."""
    content, undefined = files.bytes_of(named), None
    if keeper is not None:
        try:
            given = definitions.read(named.path, content)
            if given is not None and not given.mixed:
                return content, None, given
        except (definitions.NoDefinition, archives.Damaged) as refusal:  # what it holds may be read
            undefined = refusal
    inside = containers.opened(named, content, named.budget or Budget())
    if inside is None and undefined is not None:
        raise undefined
    if inside is None:
        files.judge(content, loose=_loose(named, options))
    return content, inside, None


def _loose(named: Named, options: Options) -> bool:
    """Whether a file that says nothing of itself has an owner all the same."""
    told = named.told.person if named.told is not None else None
    return bool(options.unnamed) or bool(told and told.named)


def _media(named: Named, content: bytes, options: Options) -> str:
    """The media type of a file that is loaded as it is; "" for a CDA or FHIR."""
    if not _loose(named, options):
        return ""
    found = files.kind_of(content, named.path)
    if not found and options.unnamed and named.held is not None:
        return files.text_of(content)  # said to be a document, and only a text
    return found


def _profile(built: Built, options: Options) -> Profile:
    """How strictly documents are taken."""
    lenient = Profile.LENIENT if built.settings.lenient else Profile.STRICT
    return options.profile or lenient


def _holder(named: Named, inside: Inside, seconds: float) -> Outcome:
    """A container, before what it holds is loaded."""
    return Outcome(
        named.path,
        State.SKIPPED,
        counts={"files inside": len(inside.files)},
        remarks=(
            *(Remark("information", f"{inside.kind}: {line}") for line in inside.said),
            *inside.remarks,
        ),
        seconds=seconds,
    )


def _of_parts(holder: Outcome, parts: Sequence[Outcome]) -> Outcome:
    """A container is in when something of it is; what is refused in it is told of the part."""
    states = {each.state for each in parts}
    wrong = next((each for each in holder.remarks if each.severity == "error"), None)
    if State.IN in states:
        return replace(holder, state=State.IN)
    if State.THERE in states:
        return replace(holder, state=State.THERE)
    if wrong is not None and not parts:
        return replace(holder, state=State.REFUSED, why=wrong.sentence)
    why = "What it holds follows." if parts else "There is nothing in it to load."
    return replace(holder, why=why)


def _is_xml(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] in (b"<", b"\0")


# ------------------------------------------------------------------------------------- one document


async def _document(
    built: Built, who: Actor, named: Named, options: Options, media: str
) -> Outcome:
    start = time.monotonic()
    content = b""
    try:
        content = await asyncio.to_thread(files.bytes_of, named)
        if media:
            return await _file(built, who, named, options, content, media)
        files.judge(content)
        if named.altered and _profile(built, options) is Profile.STRICT:
            raise Altered
        done = await receive(
            visit(built, who),
            built.desk.acts,
            content,
            create_patient=options.create_patients,
            profile=options.profile,
            masks=brought.masks(named.told) if named.told is not None else (),
            relates=brought.relates(named.told) if named.told is not None else (),
        )
    except Exception as error:  # one file must not stop the others
        one = refusal(named.path, error, time.monotonic() - start)
        broken = [] if media else await asyncio.to_thread(models.told, content)
        return replace(one, remarks=(*one.remarks, *broken))
    understood = tuple(
        {
            "fate": str(line.fate),
            "what": line.what,
            "name": line.name,
            "section": line.section,
            "why": line.why,
            "count": line.count,
            "first": line.first,
            "sentence": line.sentence,
        }
        for line in discreet(done.document)
    )
    return Outcome(
        named.path,
        State.IN if done.created else State.THERE,
        address=done.address,
        counts=_counts(done),
        understood=understood,
        remarks=(*_doubts(done), *await asyncio.to_thread(models.told, content)),
        seconds=time.monotonic() - start,
    )


async def _file(
    built: Built, who: Actor, named: Named, options: Options, content: bytes, media: str
) -> Outcome:
    """A file that says nothing of itself: whose it is comes from its container, or is nobody's."""
    start = time.monotonic()
    told = named.told or Told()
    if not told.title:
        told = replace(told, title=shown(Path(named.path.name))[:200])
    done = await receive_file(
        visit(built, who),
        built.desk.acts,
        content,
        media,
        told,
        create_patient=options.create_patients,
        profile=options.profile,
        patient=options.unnamed,
    )
    named_by = told.person is not None and told.person.named
    remarks = told_of(done)
    if not named_by:
        remarks.append(Remark("information", NOBODY, rule="names-nobody", french=NOBODY_FR))
    return Outcome(
        named.path,
        State.IN if done.created else State.THERE,
        address=done.address,
        counts={"files": 1}
        | ({"patient made": 1} if done.patient_made else {})
        | ({"kept in quarantine": 1} if done.quarantined else {}),
        remarks=tuple(remarks),
        seconds=time.monotonic() - start,
    )


def discreet(document: CdaDocument) -> Iterator[Line]:
    """What was understood, without the title of a section that names the patient or gives a number.

    A title is the author's own words: reports are read by more people than documents are.
    """
    patient = document.header.patient
    said: tuple[str | None, ...] = ()
    if patient is not None:
        own = patient.traits
        said = (own.birth_name, own.birth_given_names, own.first_given_name)
        said += (patient.used_family, patient.used_given)
    names = {word for name in said for word in normal(name or "").split() if len(word) > 2}
    for line in metadata.told(document):
        code, _, title = line.section.partition(" ")
        told = names & set(normal(line.section).split()) or NUMBER.search(title)
        yield replace(line, section=code if "-" in code else "") if told else line


def _doubts(done: Received) -> list[Remark]:
    return told_of(done) or [Remark("warning", text, french=text) for text in done.reserves]


def _counts(done: Received) -> dict[str, int]:
    """Results and files that went in, sections that can be read, entries that are only kept.

    An image of the narrative stays in the source: it is no file of its own.
    """
    document = done.document
    counts = {
        "results": len(document.results.results),
        "sections": sum(bool(each.html) for each in document.sections),
        "files": sum(each.role is not Role.IMAGE for each in document.attachments),
        "entries only kept": sum(
            line.count for line in metadata.told(document) if line.fate is Fate.KEPT
        ),
    }
    counts |= {"patient made": 1} if done.patient_made else {}
    return counts | ({"kept in quarantine": 1} if done.quarantined else {})


# ------------------------------------------------------------------------------------- one FHIR file


def _read(desk: Desk, named: Named, content: bytes, *, keeps: bool) -> _File:
    """What a FHIR file holds; what is wrong with a line is the line's."""
    one = _File(named)
    if content.lstrip()[:1] != b"{":
        raise NotKnown
    suffixes = [each.lower() for each in named.path.suffixes]
    if ".ndjson" not in suffixes and ".jsonl" not in suffixes:
        resource = json.parse(content)
        if keeps and one.given.take(resource):
            return one
        try:
            one.lots = lots_of(desk, named, resource)
        except Skipped as skipped:
            one.skipped.append(str(skipped))
        return one
    for number, text in enumerate(content.splitlines(), 1):
        if not text.strip():
            continue
        try:
            resource = json.parse(text)
            if keeps and one.given.take(resource, f"line {number}"):
                continue
            found = lots_of(desk, named, resource)
        except Skipped as skipped:
            one.skipped.append(str(skipped))
        except Exception as error:  # the lines that follow are tried
            one.refused.append((f"line {number}", error))
        else:
            for lot in found:
                lot.where = f"line {number}"
                lot.alone = bool(lot.entries) or any(item.rtype in DOCUMENTS for item in lot.items)
            one.lots += found
    return one


async def _set(
    built: Built,
    who: Actor,
    waiting: Iterable[_File],
    options: Options,
    advance: Advance,
    keeper: Keeper | None,
) -> dict[Named, Outcome]:
    """Write a set, what is referred to first."""
    held = list(waiting)
    defining = [one for one in held if one.given]
    if keeper is not None and defining:
        given = [(one.named.path.name, one.given) for one in defining]
        start = time.monotonic()
        for one, kept in zip(defining, await asyncio.to_thread(keeper.keep, given), strict=True):
            one.kept = kept
            one.refused += kept.refused
            one.seconds += (time.monotonic() - start) / len(defining)
    of = {lot: one for one in held for lot in one.lots}
    left = {one.named: len(one.lots) for one in held}
    writer = await asyncio.to_thread(Writer, built, who, options, list(of))
    taken = _with_documents(of)
    groups = in_order(of, {lot: lot.needs for lot in of})
    groups.sort(key=lambda group: group[0] in taken)  # a file of documents, after them

    async def write(lots: Sequence[Lot]) -> None:
        start = time.monotonic()
        try:
            done = await writer.write(lots)
        except Exception as error:  # what needs nothing of it goes in
            if len(lots) > 1 and not any(lot.alone for lot in lots):
                for lot in lots:
                    await write([lot])
                return
            for lot in lots:
                writer.refuse(lot)
                of[lot].refused.append((lot.where, error))
        else:
            for each in done:
                of[each.lot].done.append(each)
        for lot in lots:
            of[lot].seconds += (time.monotonic() - start) / len(lots)
            left[lot.file] -= 1
            if not left[lot.file]:
                advance()

    batch: list[Lot] = []
    for group in groups:
        joins = len(group) == 1 and not group[0].alone and len(batch) < BATCH
        if batch and not (joins and group[0].file is batch[0].file):
            await write(batch)
            batch = []
        if len(group) == 1 and not group[0].alone:
            batch.append(group[0])
        elif (came := taken.get(group[0])) and any(_is_in(of[doc], doc) for doc in came):
            of[group[0]].done.append(Done(group[0], there=1))
            left[group[0].file] -= 1
            advance()
        else:
            await write(group)
    if batch:
        await write(batch)
    for one in held:
        if not one.lots:
            advance()
    return {one.named: _outcome(one) for one in held}


def _with_documents(lots: Iterable[Lot]) -> dict[Lot, list[Lot]]:
    """Binaries by themselves that documents of the set name: they come with them."""
    found: dict[Lot, list[Lot]] = {}
    for lot in lots:
        for item in lot.items:
            for target in item.files.values():
                if target.lot is not lot and len(target.lot.items) == 1:
                    found.setdefault(target.lot, []).append(lot)
    return found


def _is_in(one: _File, lot: Lot) -> bool:
    return any(each.lot is lot for each in one.done)


def _outcome(one: _File) -> Outcome:
    path = one.named.path
    new = sum(each.new for each in one.done)
    there = sum(each.there for each in one.done)
    made = sum(each.made for each in one.done)
    counts: dict[str, int] = dict(one.kept.new)
    counts |= {"definitions already there": one.kept.there} if one.kept.there else {}
    counts |= {"resources": new} if new or not (there or counts) else {}
    counts |= {"resources already there": there} if there else {}
    counts |= {"patients made": made} if made else {}
    remarks = [
        Remark(
            each.severity,
            each.text,
            each.code,
            "; ".join(filter(None, (done.lot.where, each.path))),
        )
        for done in one.done
        for each in done.remarks
    ]
    remarks += one.kept.remarks
    remarks += [Remark("information", text) for text in dict.fromkeys(one.skipped)]
    new, there = new + sum(one.kept.new.values()), there + one.kept.there
    remarks = list(dict.fromkeys(remarks))
    if one.refused:
        told = _told(one)
        errors_found = [
            remark for where, error in one.refused for remark in _remarks_of(error, where)
        ]
        code = next((remark.code for remark in errors_found if remark.code.isdigit()), "")
        left = counts if new or there else {}
        return Outcome(
            path, State.REFUSED, told, code, counts=left, remarks=(*errors_found, *remarks),
            seconds=one.seconds,
        )  # fmt: skip
    if not (new or there or one.done):
        why = "; ".join(dict.fromkeys(one.skipped)) or "There is nothing in it to load."
        return Outcome(path, State.SKIPPED, why, seconds=one.seconds)
    state = State.IN if new else State.THERE
    return Outcome(path, state, counts=counts, remarks=tuple(remarks), seconds=one.seconds)


def _told(one: _File) -> str:
    """The reason of a refusal; lines and entries are told by number."""
    lines = [f"{where}: {sentence(error)}" for where, error in one.refused if where]
    if not lines:
        return sentence(one.refused[0][1])
    more = len(lines) - MOST_TOLD
    told = [*lines[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
    what = (
        "lines" if lines[0].startswith("line") else "definitions" if one.kept.refused else "entries"
    )
    return f"{len(lines)} {what} refused, the others are in. " + " ".join(told)


# ---------------------------------------------------------------------------------------- refusals


def refusal(path: Path, error: Exception, seconds: float = 0.0) -> Outcome:
    """A whole file refused."""
    remarks = _remarks_of(error)
    found = foreseen(error)
    return Outcome(
        path,
        State.REFUSED,
        sentence(error),
        found.code or "",
        remarks=tuple(remarks),
        seconds=seconds,
    )


def foreseen(error: Exception) -> errors.CarnetError:
    """The refusal an exception stands for; an unforeseen one says its kind, never its message."""
    if isinstance(error, OSError):
        reason = error.strerror or "no reason given"
        return errors.Invalid(f"The file cannot be read: {reason}.")
    return known(error) or Unforeseen(f"An unforeseen error: {type(error).__name__}.")


def sentence(error: Exception) -> str:
    """A refusal in one line."""
    found = foreseen(error)
    if isinstance(found, NotValid):
        return "; ".join(f"{issue.path}: {issue.text}" for issue in found.issues[:5])
    if listed := told_of(found):
        return listed[0].sentence
    return f"{found} ({found.path})" if found.path else str(found)


def _remarks_of(error: Exception, where: str = "") -> list[Remark]:
    """Everything a refusal found, errors first."""
    found = foreseen(error)

    def at(path: str | None) -> str:
        return "; ".join(filter(None, (where, path)))

    if isinstance(found, NotValid):
        return [
            Remark("error", issue.text, issue.code, at(_place(found, issue.path)))
            for issue in found.issues
        ]
    listed = told_of(found)
    if listed:
        return listed
    return [Remark("error", str(found), found.code or found.issue, at(found.path))]


def _place(error: NotValid, path: str) -> str:
    if not error.where:
        return path
    return error.where + path[path.index(".") :] if "." in path else error.where
