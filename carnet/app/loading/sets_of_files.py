# SPDX-License-Identifier: EUPL-1.2
"""FHIR files as one set: read line by line, written with what is referred to first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from carnet.access.actor import Actor
from carnet.app.loading.definitions import Definitions, Keeper, Kept
from carnet.app.loading.files import Named
from carnet.app.loading.order import in_order
from carnet.app.loading.outcomes import Options, Outcome, Remark, State
from carnet.app.loading.refusals import remarks_of, sentence
from carnet.app.loading.sets import Lot, NotKnown, Skipped, lots_of
from carnet.app.loading.write import DOCUMENTS, Done, Writer
from carnet.app.parts import Built
from carnet.fhir import json
from carnet.rest.desk import Desk

BATCH: Final = 100  # lines of NDJSON written in one transaction
MOST_TOLD: Final = 20  # refused lines of one file


class Advance(Protocol):
    """Called at each file that is done; a negative number: there are so many more than was said."""

    def __call__(self, step: int = 1, /) -> None: ...


@dataclass(slots=True)
class OneFile:
    """What is known so far of one FHIR file."""

    named: Named
    lots: list[Lot] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    refused: list[tuple[str, Exception]] = field(default_factory=list)  # where, why
    skipped: list[str] = field(default_factory=list)
    given: Definitions = field(default_factory=Definitions)
    kept: Kept = field(default_factory=Kept)  # what came of those
    seconds: float = 0.0


def read_file(desk: Desk, named: Named, content: bytes, *, keeps: bool) -> OneFile:
    """What a FHIR file holds; what is wrong with a line is the line's."""
    one = OneFile(named)
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


async def write_set(
    built: Built,
    who: Actor,
    waiting: Iterable[OneFile],
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


def _is_in(one: OneFile, lot: Lot) -> bool:
    return any(each.lot is lot for each in one.done)


def _outcome(one: OneFile) -> Outcome:
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
            remark for where, error in one.refused for remark in remarks_of(error, where)
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


def _told(one: OneFile) -> str:
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
