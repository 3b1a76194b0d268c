# SPDX-License-Identifier: EUPL-1.2
"""Consult a record: its list, one document, one curve, one file. What the viewer may see, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from carnet import errors
from carnet.access import labels, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents import nomenclature, reserves
from carnet.documents.cda import CdaDocument, read
from carnet.documents.pages import (
    Content,
    Curve,
    CurveLine,
    DocumentLine,
    DocumentList,
    DocumentPage,
    Point,
    ResultLine,
    Section,
)
from carnet.documents.replace import replaced_by
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.references import LITERAL, ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter

TOGETHER = 1000  # documents or results fetched at once
NEAR = 5  # earlier results looked at for each code, at once
LAST = 2**63 - 1  # after every row of an instant
TITLES = {"DR": "Dr", "PR": "Pr", "M": "M.", "MME": "Mme"}
LOINC = "http://loinc.org"
XML_TYPES = ("text/xml", "application/xml", "application/xslt+xml", "application/hl7-cda+xml")
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
VOID = ("entered-in-error", "cancelled")  # Observations whose value counts for nothing


async def documents(visit: Visit, patient: str) -> DocumentList:
    """The documents, newest first, and the measures that have a curve."""
    cid = await _record(visit, patient)
    found = await _all(visit, Query("DocumentReference", compartments=(cid,)))
    observations = await _all(visit, Query("Observation", compartments=(cid,)))
    lines = tuple(line(stored) for stored in found)
    replaced = {each.id for each in lines if each.status == "superseded"}
    series: dict[str, list[tuple[ResultLine, str | None]]] = {}
    for shown, origin in _measures(observations, replaced):
        series.setdefault(shown.code, []).append((shown, origin))
    curves = []
    for code, measures in series.items():
        points = _points(measures)
        last, _ = points[-1]
        assert last.number is not None
        curves.append(CurveLine(code, last.label, last.unit, len(points), last.number, last.at))
    return DocumentList(
        lines,
        tuple(sorted(curves, key=lambda each: each.label.casefold())),
    )


async def document(visit: Visit, patient: str, document: str) -> DocumentPage:
    """One document: its metadata in plain words, its results, its text, its files, its versions."""
    cid = await _record(visit, patient)
    stored = await visit.read("DocumentReference", document)
    if stored.cid != cid:
        raise Nothing
    observations = await _of_document(visit, cid, document)
    source, pdf = _files(stored.resource)
    parsed = await _source(visit, source) if source is not None else None
    results = [result(each) for each in observations]
    earlier = await _previous(visit, cid, results)
    chain = await _versions(visit, cid, stored)
    return DocumentPage(
        line(stored),
        tuple(line(each) for each in chain),
        tuple(_with_previous(each, earlier) for each in results),
        tuple(
            Section(each.title or "", each.html)
            for each in (parsed.sections if parsed is not None else ())
            if each.html
        ),
        pdf,
        source,
        await _name(visit, cid),
    )


async def curve(visit: Visit, patient: str, code: str) -> Curve:
    """One measure over time, in the unit of its last value; replaced reports are left out."""
    cid = await _record(visit, patient)
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted = TokenFilter(number, ((LOINC, code),))
    stored = await _all(visit, Query("Observation", (wanted,), compartments=(cid,)))
    named = {origin for each in stored if (origin := _document_of(each.resource))}
    about = await _documents(visit, cid, named)
    replaced = {id for id, each in about.items() if each.resource.get("status") == "superseded"}
    measures = [each for each in _measures(stored, replaced) if each[0].code == code]
    if not measures:
        raise Nothing
    points = _points(measures)
    last, _ = points[-1]
    lines = {id: line(each) for id, each in about.items()}
    return Curve(
        code,
        last.label,
        last.unit,
        last.low,
        last.high,
        tuple(
            Point(
                shown.at,
                shown.number,
                origin if origin in lines else "",
                lines[origin].place if origin in lines else "",
            )
            for shown, origin in points
            if shown.number is not None
        ),
    )


async def content(visit: Visit, patient: str, binary: str) -> Content:
    """The bytes of a file of the record, called as its document calls it."""
    cid = await _record(visit, patient)
    stored = await visit.read("Binary", binary)
    if stored.cid != cid:
        raise Nothing
    media = str(stored.resource.get("contentType", "application/octet-stream"))
    return Content(media, await _title(visit, stored), await visit.attachment(stored))


# ------------------------------------------------------------------------------------------- curves


def _measures(stored: Iterable[Stored], replaced: set[str]) -> list[tuple[ResultLine, str | None]]:
    """The numbers that count, with the document each comes from; a replaced report's do not."""
    found = []
    for each in stored:
        resource = each.resource  # parsed at each look: once is enough
        origin = _document_of(resource)
        if origin in replaced or resource.get("status") in VOID:
            continue
        shown = _result(each, resource)
        if shown.number is not None and shown.code:
            found.append((shown, origin))
    return found


def _points(
    measures: Iterable[tuple[ResultLine, str | None]],
) -> list[tuple[ResultLine, str | None]]:
    """Oldest first, in the unit of the last; the same number at the same instant is one point."""
    ordered = sorted(measures, key=lambda each: each[0].at)
    unit = ordered[-1][0].unit
    once: dict[tuple[datetime, Decimal | None], tuple[ResultLine, str | None]] = {}
    for shown, origin in ordered:
        if shown.unit == unit:
            once.setdefault((shown.at, shown.number), (shown, origin))
    return list(once.values())


# ------------------------------------------------------------------------------------ what is shown


def line(stored: Stored) -> DocumentLine:
    """One document of a list."""
    resource = stored.resource
    coding = _first(resource.get("type", {}).get("coding"))
    attachment = _first(resource.get("content")).get("attachment", {})
    code = str(coding.get("code", ""))
    label = nomenclature.type_label(code) or str(coding.get("display", ""))
    return DocumentLine(
        id=stored.id,
        title=str(attachment.get("title") or resource.get("description") or label or "Document"),
        kind=code,
        kind_label=label,
        date=moment(resource.get("context", {}).get("period", {}).get("start"))
        or moment(resource.get("date"))
        or stored.upd,
        author=_people(resource, "author"),
        place=_custodian(resource),
        status="superseded" if resource.get("status") == "superseded" else "current",
        labels=labels.codes(labels.of(resource)),
        warnings=reserves.of(resource),
    )


def result(stored: Stored) -> ResultLine:
    """One result."""
    return _result(stored, stored.resource)


def _result(stored: Stored, resource: dict[str, Any]) -> ResultLine:
    coding: dict[str, Any] = next(
        (each for each in resource["code"].get("coding", []) if each.get("system") == LOINC), {}
    )
    quantity = resource.get("valueQuantity", {})
    span = _first(resource.get("referenceRange"))
    low, high = (_decimal(span.get(end, {}).get("value")) for end in ("low", "high"))
    number = _decimal(quantity.get("value"))
    unit = nomenclature.unit(str(quantity.get("unit") or quantity.get("code") or ""))
    interpretation = _first(_first(resource.get("interpretation")).get("coding")).get("code")
    return ResultLine(
        id=stored.id,
        code=str(coding.get("code", "")),
        label=str(
            resource["code"].get("text")
            or coding.get("display")
            or _first(resource["code"].get("coding")).get("display")
            or ""
        ),
        value=_value(resource),
        number=number,
        unit=unit,
        low=low,
        high=high,
        range_text=str(span.get("text") or _span(low, high)),
        interpretation=str(interpretation) if interpretation else None,
        at=moment(resource.get("effectiveDateTime"))
        or moment(resource.get("effectivePeriod", {}).get("start"))
        or stored.upd,
        section=_chapter(resource),
    )


def _chapter(resource: dict[str, Any]) -> str:
    """The section of the report a result stands in: its category that is not FHIR's own."""
    for concept in resource.get("category", []):
        systems = {coding.get("system") for coding in concept.get("coding", [])}
        if concept.get("text") and CATEGORIES not in systems:
            return str(concept["text"])
    return ""


def moment(text: object) -> datetime | None:
    """A FHIR dateTime, UTC; the start of it when it is partial."""
    if not isinstance(text, str) or len(text) < 4:
        return None
    full = text if len(text) >= 10 else text + "-01-01"[: 10 - len(text)]
    try:
        found = datetime.fromisoformat(full)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _value(resource: dict[str, Any]) -> str:
    if quantity := resource.get("valueQuantity"):
        return f"{quantity.get('comparator', '')}{quantity.get('value', '')}"
    if concept := resource.get("valueCodeableConcept"):
        return str(concept.get("text") or _first(concept.get("coding")).get("display", ""))
    for key in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if key in resource:
            return str(resource[key])
    if ratio := resource.get("valueRatio"):
        return (
            f"{ratio.get('numerator', {}).get('value')}/{ratio.get('denominator', {}).get('value')}"
        )
    if span := resource.get("valueRange"):
        return _span(
            _decimal(span.get("low", {}).get("value")), _decimal(span.get("high", {}).get("value"))
        )
    return ""


def _span(low: Decimal | None, high: Decimal | None) -> str:
    if low is not None and high is not None:
        return f"{low} – {high}"
    if low is not None:
        return f"≥ {low}"
    return f"≤ {high}" if high is not None else ""


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, Decimal | int) else None


def _first(values: Any) -> dict[str, Any]:
    return values[0] if isinstance(values, list) and values and isinstance(values[0], dict) else {}


def _people(resource: dict[str, Any], element: str) -> str:
    """Names of the contained or displayed people of an element."""
    contained = {f"#{each.get('id')}": each for each in resource.get("contained", [])}
    names = []
    for reference in resource.get(element, []):
        who = contained.get(str(reference.get("reference", "")), {})
        person = contained.get(str(who.get("practitioner", {}).get("reference", "")), who)
        said = _said(person) or str(reference.get("display", ""))
        if said and said not in names:
            names.append(said)
    return ", ".join(names)


def _said(who: dict[str, Any]) -> str:
    """The name of a person, an organisation or a device."""
    name = who.get("name")
    if isinstance(name, str):
        return name
    if name:
        # CI-SIS puts the civil title in front and the professional one (DR) behind.
        titles = name[0].get("suffix", []) or name[0].get("prefix", [])
        shown = [TITLES.get(title, title) for title in titles]
        parts = [*shown, *name[0].get("given", []), name[0].get("family", "")]
        return str(name[0].get("text") or " ".join(filter(None, parts)))
    return str(_first(who.get("deviceName")).get("name", ""))


def _custodian(resource: dict[str, Any]) -> str:
    reference = resource.get("custodian", {})
    for each in resource.get("contained", []):
        if f"#{each.get('id')}" == reference.get("reference") and isinstance(each.get("name"), str):
            return str(each["name"])
    return str(reference.get("display", ""))


def _files(resource: dict[str, Any]) -> tuple[str | None, str | None]:
    """(source, PDF): Binary ids."""
    source = pdf = None
    for content_ in resource.get("content", []):
        attachment = content_.get("attachment", {})
        url = str(attachment.get("url", ""))
        if not url.startswith("Binary/"):
            continue
        media = str(attachment.get("contentType", "")).split(";")[0]
        if media in XML_TYPES and source is None:
            source = url.removeprefix("Binary/")
        elif media == "application/pdf" and pdf is None:
            pdf = url.removeprefix("Binary/")
    return source, pdf


def _document_of(resource: dict[str, Any]) -> str | None:
    for reference in resource.get("derivedFrom", []):
        found = LITERAL.fullmatch(str(reference.get("reference", "")))
        if found and found[1] == "DocumentReference":
            return found[2]
    return None


# --------------------------------------------------------------------------------- what is fetched


async def _record(visit: Visit, patient: str) -> int:
    """The compartment of a record the viewer may open; Nothing when it must look absent.

    patient: id of a Patient, or "" for the viewer's own record.
    """
    door, actor = visit.door, visit.actor
    if not patient and actor.kind is ActorKind.PATIENT and actor.patient is not None:
        place: tuple[int, int] | None = (actor.patient, actor.patient)
    else:
        place = door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    cid = place[0]
    async with door.pool.connection() as conn:
        decision = await door.decide(conn, actor, [cid])
    if not any(cid in clause.cids for clause in decision.scope.admits):
        await visit.refused("search", decision.rule, [cid])
        raise Nothing
    return cid


async def _all(visit: Visit, query: Query) -> list[Stored]:
    """Every match, page after page."""
    found: list[Stored] = []
    query = replace(query, count=TOGETHER)
    while True:
        page = await visit.search(query)
        found += page.matches
        if page.next is None:
            return found
        query = replace(query, after=visit.door.cursors.read(page.next, query.rtype))


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
    found = await _all(visit, Query("Observation", (wanted,), compartments=(cid,)))
    return sorted(found, key=lambda each: each.rid)  # as the document has them


async def _documents(visit: Visit, cid: int, ids: Iterable[str]) -> dict[str, Stored]:
    places = [place for each in ids if (place := visit.door.ids.decode(each)) and place[0] == cid]
    found = await visit.named(cid, [rid for _, rid in places], "search")
    return {each.id: each for each in found}


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
                sort=Sort("date", True),
                count=min(TOGETHER, NEAR * len(left)),
                after=after,
            )
        )
        named = {origin for each in page.matches if (origin := _document_of(each.resource))}
        about = await _documents(visit, cid, named)
        replaced = {id for id, each in about.items() if each.resource.get("status") == "superseded"}
        for each, _ in _measures(page.matches, replaced):
            key = (each.code, each.unit)
            if key in wanted and each.at < wanted[key]:
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
            Query("DocumentReference", (wanted,), compartments=(cid,), count=TOGETHER)
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
        older = await _documents(visit, cid, ids) if ids else {}
        chain |= older
        waiting += older.values()
    return sorted(chain.values(), key=lambda each: each.rid, reverse=True)


async def _title(visit: Visit, binary: Stored) -> str:
    """What the document a file belongs to calls it."""
    found = LITERAL.fullmatch(str(binary.resource.get("securityContext", {}).get("reference", "")))
    if found and found[1] == "DocumentReference":
        try:
            document = await visit.read("DocumentReference", found[2])
        except errors.CarnetError:
            return "document"
        for each in document.resource.get("content", []):
            attachment = each.get("attachment", {})
            if attachment.get("url") == binary.address and attachment.get("title"):
                return str(attachment["title"])
        return line(document).title
    return "document"


async def _name(visit: Visit, cid: int) -> str:
    """Whose record it is, once it is open."""
    async with visit.door.pool.connection() as conn:
        found = await queries.identity(conn, cid)
    return found.shown_name if found is not None else ""
