# SPDX-License-Identifier: EUPL-1.2
"""One load: definitions, then the FHIR files as one set, then each document; one outcome a file.

A refusal is the file's own: those that need nothing of it go in.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from carnet.access.actor import Actor
from carnet.app.loading import containers, definitions, files, together
from carnet.app.loading.containers import Budget, Inside
from carnet.app.loading.definitions import Definitions, Keeper
from carnet.app.loading.documents import document_in
from carnet.app.loading.files import Named
from carnet.app.loading.outcomes import Options, Outcome, Remark, State
from carnet.app.loading.refusals import refusal
from carnet.app.loading.sets_of_files import Advance, OneFile, read_file, write_set
from carnet.app.parts import Built
from carnet.fhir import archives

__all__ = ["Advance", "load_all"]


SET_BYTES: Final = 128 * 1024 * 1024  # of FHIR read as one set; what is beyond makes the next one


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
    waiting: list[OneFile] = []
    size = 0

    async def settle() -> None:
        nonlocal found
        found |= await write_set(built, who, waiting, options, advance, keeper)
        for each, media in documents:
            found[each] = await document_in(built, who, each, options, media)
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
                one = OneFile(each, given=given)
            else:
                one = await asyncio.to_thread(
                    read_file, built.desk, each, content, keeps=bool(keeper)
                )
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
