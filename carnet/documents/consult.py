# SPDX-License-Identifier: EUPL-1.2
"""Consult a record: its list, one document, one curve, one file. What the viewer may see, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from carnet import errors
from carnet.access import labels
from carnet.access.door import Nothing, Stored, Visit
from carnet.documents import nomenclature
from carnet.documents.cda import NotCda, read
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
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.references import LITERAL, ReferenceFilter
from carnet.fhir.search.tokens import TokenFilter

LONGEST = 1000  # documents or results of one page
LOINC = "http://loinc.org"
XML_TYPES = ("text/xml", "application/xml", "application/xslt+xml")


async def documents(visit: Visit, patient: str) -> DocumentList:
    """The documents, newest first, and the measures that have a curve."""
    cid = await _record(visit, patient)
    found = await _all(visit, Query("DocumentReference", compartments=(cid,), count=LONGEST))
    observations = await _all(visit, Query("Observation", compartments=(cid,), count=LONGEST))
    lines = tuple(line(stored) for stored in found)
    replaced = {stored.id for stored in found if stored.resource.get("status") == "superseded"}
    series: dict[str, list[ResultLine]] = {}
    for stored in observations:
        shown = result(stored)
        if shown.number is not None and shown.code and _document_of(stored) not in replaced:
            series.setdefault(shown.code, []).append(shown)
    curves = []
    for code, results in series.items():
        last = max(results, key=lambda each: each.at)
        same = [each for each in results if each.unit == last.unit]
        assert last.number is not None
        curves.append(CurveLine(code, last.label, last.unit, len(same), last.number, last.at))
    return DocumentList(lines, tuple(sorted(curves, key=lambda each: each.label.casefold())))


async def document(visit: Visit, patient: str, document: str) -> DocumentPage:
    """One document: its metadata in plain words, its results, its text, its files, its versions."""
    cid = await _record(visit, patient)
    stored = await visit.read("DocumentReference", document)
    if stored.cid != cid:
        raise Nothing
    resource = stored.resource
    observations = await _of_document(visit, cid, document)
    source, pdf = _files(resource)
    sections: tuple[Section, ...] = ()
    if source is not None:
        binary = await visit.read("Binary", source)
        try:
            parsed = read(await visit.attachment(binary))
        except NotCda:
            parsed = None
        if parsed is not None:
            sections = tuple(
                Section(each.title or "", each.html) for each in parsed.sections if each.html
            )
    results = [result(each) for each in observations]
    earlier = await _previous(visit, cid, results)
    chain = await _versions(visit, cid, stored)
    name = await _name(visit, patient)
    return DocumentPage(
        line(stored),
        tuple(line(each) for each in chain),
        tuple(_with_previous(each, earlier) for each in results),
        sections,
        pdf,
        source,
        name,
    )


async def curve(visit: Visit, patient: str, code: str) -> Curve:
    """One measure over time, in the unit of its last value; replaced reports are left out."""
    cid = await _record(visit, patient)
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted = TokenFilter(number, ((LOINC, code),))
    stored = await _all(visit, Query("Observation", (wanted,), compartments=(cid,), count=LONGEST))
    named = {each for each in (_document_of(one) for one in stored) if each}
    about = await _documents(visit, cid, named)
    points: dict[tuple[datetime, Decimal], Point] = {}
    shown = sorted((result(each) for each in stored), key=lambda each: each.at)
    current = {
        each.id: about[origin]
        for each in stored
        if (origin := _document_of(each)) in about
        and about[origin].resource.get("status") == "current"
    }
    loose = {each.id for each in stored if _document_of(each) is None}
    shown = [
        each
        for each in shown
        if each.number is not None and (each.id in current or each.id in loose)
    ]
    if not shown:
        raise Nothing
    last = shown[-1]
    for each in shown:
        if each.unit != last.unit or each.number is None:
            continue
        source = current.get(each.id)
        points.setdefault(
            (each.at, each.number),
            Point(
                each.at,
                each.number,
                source.id if source else "",
                line(source).place if source else "",
            ),
        )
    return Curve(code, last.label, last.unit, last.low, last.high, tuple(points.values()))


async def content(visit: Visit, patient: str, binary: str) -> Content:
    """The bytes of a file of the record."""
    cid = await _record(visit, patient)
    stored = await visit.read("Binary", binary)
    if stored.cid != cid:
        raise Nothing
    media = str(stored.resource.get("contentType", "application/octet-stream"))
    return Content(media, "document", await visit.attachment(stored))


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
        warnings=(),
    )


def result(stored: Stored) -> ResultLine:
    """One result."""
    resource = stored.resource
    coding: dict[str, Any] = next(
        (each for each in resource["code"].get("coding", []) if each.get("system") == LOINC), {}
    )
    quantity = resource.get("valueQuantity", {})
    span = _first(resource.get("referenceRange"))
    low, high = (_decimal(span.get(end, {}).get("value")) for end in ("low", "high"))
    number = _decimal(quantity.get("value"))
    unit = str(quantity.get("unit") or quantity.get("code") or "")
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
        section="",
    )


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
        practitioner = contained.get(str(who.get("practitioner", {}).get("reference", "")), who)
        name = (
            _first(practitioner.get("name")) if isinstance(practitioner.get("name"), list) else {}
        )
        parts = [*name.get("prefix", []), *name.get("given", []), name.get("family", "")]
        said = str(
            name.get("text") or " ".join(filter(None, parts)) or reference.get("display", "")
        )
        if said:
            names.append(said)
    return ", ".join(names)


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


def _document_of(stored: Stored) -> str | None:
    for reference in stored.resource.get("derivedFrom", []):
        found = LITERAL.fullmatch(str(reference.get("reference", "")))
        if found and found[1] == "DocumentReference":
            return found[2]
    return None


# --------------------------------------------------------------------------------- what is fetched


async def _record(visit: Visit, patient: str) -> int:
    """The compartment of a record the viewer may open; Nothing when it must look absent."""
    place = visit.door.ids.decode(patient)
    if place is None or place[0] != place[1]:
        raise Nothing
    return place[0]


async def _all(visit: Visit, query: Query) -> list[Stored]:
    page = await visit.search(query)
    return page.matches


async def _of_document(visit: Visit, cid: int, document: str) -> list[Stored]:
    number = visit.door.definitions.params["Observation"]["derived-from"].number
    wanted = ReferenceFilter(number, (f"DocumentReference/{document}",))
    found = await _all(visit, Query("Observation", (wanted,), compartments=(cid,), count=LONGEST))
    return sorted(found, key=lambda each: each.rid)  # as the document has them


async def _documents(visit: Visit, cid: int, ids: set[str]) -> dict[str, Stored]:
    places = [place for each in ids if (place := visit.door.ids.decode(each)) and place[0] == cid]
    found = await visit.named(cid, [rid for _, rid in places], "read")
    return {each.id: each for each in found}


async def _previous(
    visit: Visit, cid: int, results: Sequence[ResultLine]
) -> dict[tuple[str, str], list[ResultLine]]:
    codes = sorted({each.code for each in results if each.code and each.number is not None})
    if not codes:
        return {}
    number = visit.door.definitions.params["Observation"]["code"].number
    wanted = TokenFilter(number, tuple((LOINC, code) for code in codes))
    stored = await _all(
        visit,
        Query(
            "Observation", (wanted,), compartments=(cid,), count=LONGEST, sort=Sort("date", True)
        ),
    )
    found: dict[tuple[str, str], list[ResultLine]] = {}
    for each in map(result, stored):
        found.setdefault((each.code, each.unit), []).append(each)
    return found


def _with_previous(
    shown: ResultLine, earlier: dict[tuple[str, str], list[ResultLine]]
) -> ResultLine:
    """The result with the number before it, of the same code and unit."""
    if shown.number is None:
        return shown
    before = [
        each
        for each in earlier.get((shown.code, shown.unit), [])
        if each.at < shown.at and each.number is not None
    ]
    if not before:
        return shown
    last = max(before, key=lambda each: each.at)
    return replace(shown, previous=last.number, previous_at=last.at)


async def _versions(visit: Visit, cid: int, stored: Stored) -> list[Stored]:
    """The chain a document is in, newest first."""
    chain = {stored.id: stored}
    number = visit.door.definitions.params["DocumentReference"]["relatesto"].number
    newer = stored
    while True:  # what replaces it
        wanted = ReferenceFilter(number, (newer.address,))
        found = await _all(
            visit, Query("DocumentReference", (wanted,), compartments=(cid,), count=5)
        )
        found = [each for each in found if each.id not in chain]
        if not found:
            break
        newer = found[0]
        chain[newer.id] = newer
    older = stored
    while True:  # what it replaces
        targets = [
            str(each.get("target", {}).get("reference", ""))
            for each in older.resource.get("relatesTo", [])
            if each.get("code") == "replaces"
        ]
        ids = [target.removeprefix("DocumentReference/") for target in targets if "/" in target]
        try:
            before = [
                await visit.read("DocumentReference", each) for each in ids if each not in chain
            ]
        except errors.CarnetError:
            break
        if not before:
            break
        older = before[0]
        chain[older.id] = older
    return sorted(chain.values(), key=lambda each: each.rid, reverse=True)


async def _name(visit: Visit, patient: str) -> str:
    try:
        stored = await visit.read("Patient", patient)
    except errors.CarnetError:
        return ""
    name = _first(stored.resource.get("name"))
    return f"{' '.join(name.get('given', [])[:1])} {name.get('family', '')}".strip()
