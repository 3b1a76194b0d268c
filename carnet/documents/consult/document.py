# SPDX-License-Identifier: EUPL-1.2
"""One document: its metadata in plain words, its results, its text, its files, its versions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from carnet import errors
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents import files, metadata
from carnet.documents.cda import CdaDocument, read
from carnet.documents.cda.understood import Fate
from carnet.documents.consult import record
from carnet.documents.consult.lines import LOINC, document_of, line, result, result_of
from carnet.documents.consult.listing import lines
from carnet.documents.consult.measures import VOID
from carnet.documents.pages import DocumentPage, ResultLine, Section
from carnet.documents.replace import replaced_by
from carnet.documents.same.keep import copies
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.references import ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter

NEAR = 5  # earlier results looked at for each code, at once
LAST = 2**63 - 1  # after every row of an instant
RANK = re.compile(r"\[(\d+)\]")
XML_TYPES = ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")


async def document(visit: Visit, patient: str, document: str) -> DocumentPage:
    """The page of one document; Nothing when it must look absent."""
    cid = await record.opened(visit, patient)
    stored = await visit.read("DocumentReference", document)
    if not await visit.same(stored.cid, cid):
        raise Nothing
    observations = await _of_document(visit, cid, document)
    source, pdf = _files(stored.resource)
    parsed = await _source(visit, source) if source is not None else None
    data = metadata.said(parsed) if parsed is not None else {}
    results = [result(each) for each in observations]
    earlier = await _previous(visit, cid, results)
    chain = await _versions(visit, cid, stored)
    (told,) = await lines(visit, cid, [stored], await copies(visit, cid))
    return DocumentPage(
        told,
        tuple(line(each) for each in chain),
        tuple(_with_previous(each, earlier) for each in results),
        tuple(
            Section(each.title or "", each.html, data.get(number, ()), ranks(each.place))
            for number, each in enumerate(parsed.sections if parsed is not None else ())
            if each.html
        ),
        pdf,
        source,
        await record.name(visit, cid),
        *_fates(parsed),
        shown=any(files.shown(media) is not None for _, media in _attached(stored.resource)),
    )


def ranks(place: str) -> str:
    """The ranks of a section and of those it stands in: 2-1 for the first of those in the second."""
    return "-".join(RANK.findall(place))


def _fates(parsed: CdaDocument | None) -> tuple[int, int]:
    """How many coded entries of the source are only kept, and how many became data."""
    lines = metadata.told(parsed) if parsed is not None else ()
    kept = sum(each.count for each in lines if each.fate is Fate.KEPT)
    return kept, sum(each.count for each in lines if each.fate is Fate.DATA)


async def _source(visit: Visit, binary: str) -> CdaDocument | None:
    """The CDA behind a document; None when it cannot be read: the rest is shown all the same."""
    data = await visit.attachment(await visit.read("Binary", binary))
    try:
        return await asyncio.to_thread(read, data)
    except errors.CarnetError:
        return None


async def _of_document(visit: Visit, cid: int, document: str) -> list[Stored]:
    number = visit.door.definitions.params["Observation"]["derived-from"].number
    wanted = ReferenceFilter(number, (f"DocumentReference/{document}",))
    found = await record.every(
        visit, Query("Observation", (wanted,), compartments=(cid,), replaced=True)
    )
    return sorted(found, key=lambda each: each.rid)  # as the document has them


async def _previous(
    visit: Visit, cid: int, results: Sequence[ResultLine]
) -> dict[tuple[str, str], ResultLine]:
    """The last number before each result, by code and unit, from reports that still hold.

    Walks back in time from the report, and stops looking for a code once it is found.
    """
    wanted = {
        (each.code, each.unit): each.at for each in results if each.code and each.number is not None
    }
    found: dict[tuple[str, str], ResultLine] = {}
    if not wanted:
        return found
    number = visit.door.definitions.params["Observation"]["code"].number
    after: tuple[str, int, int] = (max(wanted.values()).isoformat(), LAST, cid)
    while left := sorted({code for code, unit in wanted if (code, unit) not in found}):
        codes = TokenFilter(number, tuple((LOINC, code) for code in left))
        page = await visit.search(
            Query(
                "Observation",
                (codes,),
                compartments=(cid,),
                sort=Sort("date", True, plain=True),
                count=min(record.TOGETHER, NEAR * len(left)),
                after=after,
            )
        )
        named = {origin for each in page.matches if (origin := document_of(each.resource))}
        about = await record.documents_by_id(visit, cid, named)
        replaced = {id for id, each in about.items() if each.resource.get("status") != "current"}
        for match in page.matches:
            resource = match.resource
            if resource.get("status") in VOID or document_of(resource) in replaced:
                continue
            each = result_of(match, resource)
            key = (each.code, each.unit)
            if each.number is not None and key in wanted and each.at < wanted[key]:
                found.setdefault(key, each)
        if page.next is None:
            break
        after = visit.door.cursors.read(page.next, "Observation")
    return found


def _with_previous(shown: ResultLine, earlier: dict[tuple[str, str], ResultLine]) -> ResultLine:
    """The result with the number before it, of the same code and unit."""
    last = earlier.get((shown.code, shown.unit))
    if shown.number is None or last is None or last.at >= shown.at:
        return shown
    return replace(shown, previous=last.number, previous_at=last.at)


async def _versions(visit: Visit, cid: int, stored: Stored) -> list[Stored]:
    """The chain a document is in, newest first, as far as the viewer sees it."""
    chain = {stored.id: stored}
    number = visit.door.definitions.params["DocumentReference"]["relatesto"].number
    newest = stored
    while newest.resource.get("status") == "superseded":  # something replaces it
        wanted = ReferenceFilter(number, (newest.address,))
        page = await visit.search(
            Query("DocumentReference", (wanted,), compartments=(cid,), count=record.TOGETHER)
        )
        newer = [
            each
            for each in page.matches
            if each.id not in chain and newest.id in replaced_by(each.resource)
        ]
        if not newer:
            break
        newest = newer[0]
        chain[newest.id] = newest
    waiting = [stored]
    while waiting:  # what it replaces
        ids = [id for id in replaced_by(waiting.pop().resource) if id not in chain]
        older = await record.documents_by_id(visit, cid, ids) if ids else {}
        chain |= older
        waiting += older.values()
    return sorted(chain.values(), key=lambda each: each.rid, reverse=True)


def _files(resource: dict[str, Any]) -> tuple[str | None, str | None]:
    """(source, PDF): Binary ids."""
    source = pdf = None
    for binary, media in _attached(resource):
        if media in XML_TYPES and source is None:
            source = binary
        elif media == "application/pdf" and pdf is None:
            pdf = binary
    return source, pdf


def _attached(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """(Binary id, media type) of each of its files."""
    attachments = [each.get("attachment", {}) for each in resource.get("content", [])]
    return [
        (str(each["url"]).removeprefix("Binary/"), str(each.get("contentType", "")).split(";")[0])
        for each in attachments
        if str(each.get("url", "")).startswith("Binary/")
    ]
