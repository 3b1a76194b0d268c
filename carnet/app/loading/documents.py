# SPDX-License-Identifier: EUPL-1.2
"""One document: a CDA, or a file that says nothing of itself; what was understood of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from carnet import errors
from carnet.access.actor import Actor
from carnet.app.loading import files, models
from carnet.app.loading.files import Named
from carnet.app.loading.outcomes import Options, Outcome, Remark, State, shown
from carnet.app.loading.outcomes import found as told_of
from carnet.app.loading.refusals import refusal
from carnet.app.parts import Built, visit
from carnet.documents import brought, metadata
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.conformance import Profile
from carnet.documents.cda.understood import Fate, Line
from carnet.documents.receive import Received, receive
from carnet.documents.receive_file import receive_file
from carnet.exchange.parts import Told
from carnet.identity.traits import normal

NUMBER: Final = re.compile("(?:[0-9][ ./-]?){6}")  # a birth date, an INS, a telephone
NOBODY: Final = "This file names nobody: it is kept apart from everybody's documents."
NOBODY_FR: Final = "Ce fichier ne nomme personne : il est gardé à part des documents de chacun."


class Altered(errors.Invalid):
    """Its container describes other bytes, or cannot be read: what it says of this file is not known."""


def _profile(built: Built, options: Options) -> Profile:
    """How strictly documents are taken."""
    lenient = Profile.LENIENT if built.settings.lenient else Profile.STRICT
    return options.profile or lenient


async def document_in(
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
