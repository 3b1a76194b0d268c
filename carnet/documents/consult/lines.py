# SPDX-License-Identifier: EUPL-1.2
"""What a list or a page shows of one resource: plain functions of its JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from carnet.access import labels
from carnet.access.door import Stored
from carnet.documents import nomenclature, reserves
from carnet.documents.archive import archived
from carnet.documents.pages import DocumentLine, ResultLine, Status
from carnet.fhir.search.references import LITERAL
from carnet.identity.titles import title as civil

LOINC = "http://loinc.org"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"


def line(stored: Stored) -> DocumentLine:
    """One document of a list."""
    resource = stored.resource
    coding = first(resource.get("type", {}).get("coding"))
    attachment = first(resource.get("content")).get("attachment", {})
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
        status=_status(resource),
        labels=labels.codes(labels.of(resource)),
        warnings=reserves.of(resource),
        archived=archived(resource),
    )


def _status(resource: dict[str, Any]) -> Status:
    said = resource.get("status")
    return said if said in ("superseded", "entered-in-error") else "current"


def result(stored: Stored) -> ResultLine:
    """One result."""
    return result_of(stored, stored.resource)


def result_of(stored: Stored, resource: dict[str, Any]) -> ResultLine:
    coding: dict[str, Any] = next(
        (each for each in resource["code"].get("coding", []) if each.get("system") == LOINC), {}
    )
    quantity = resource.get("valueQuantity", {})
    spread = first(resource.get("referenceRange"))
    low, high = (decimal(spread.get(end, {}).get("value")) for end in ("low", "high"))
    number = decimal(quantity.get("value"))
    unit = nomenclature.unit(str(quantity.get("unit") or quantity.get("code") or ""))
    interpretation = first(first(resource.get("interpretation")).get("coding")).get("code")
    return ResultLine(
        id=stored.id,
        code=str(coding.get("code", "")),
        label=str(
            resource["code"].get("text")
            or coding.get("display")
            or first(resource["code"].get("coding")).get("display")
            or ""
        ),
        value=value(resource),
        number=number,
        unit=unit,
        low=low,
        high=high,
        range_text=str(spread.get("text") or span(low, high)),
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


def value(resource: dict[str, Any]) -> str:
    if quantity := resource.get("valueQuantity"):
        return f"{quantity.get('comparator', '')}{quantity.get('value', '')}"
    if concept := resource.get("valueCodeableConcept"):
        return str(concept.get("text") or first(concept.get("coding")).get("display", ""))
    for key in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if key in resource:
            return str(resource[key])
    if ratio := resource.get("valueRatio"):
        return (
            f"{ratio.get('numerator', {}).get('value')}/{ratio.get('denominator', {}).get('value')}"
        )
    if ends := resource.get("valueRange"):
        return span(
            decimal(ends.get("low", {}).get("value")), decimal(ends.get("high", {}).get("value"))
        )
    return ""


def span(low: Decimal | None, high: Decimal | None) -> str:
    if low is not None and high is not None:
        return f"{low} – {high}"
    if low is not None:
        return f"≥ {low}"
    return f"≤ {high}" if high is not None else ""


def decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, Decimal | int) else None


def first(values: Any) -> dict[str, Any]:
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
        shown = [civil(title) for title in titles]
        parts = [*shown, *name[0].get("given", []), name[0].get("family", "")]
        return str(name[0].get("text") or " ".join(filter(None, parts)))
    return str(first(who.get("deviceName")).get("name", ""))


def _custodian(resource: dict[str, Any]) -> str:
    reference = resource.get("custodian", {})
    for each in resource.get("contained", []):
        if f"#{each.get('id')}" == reference.get("reference") and isinstance(each.get("name"), str):
            return str(each["name"])
    return str(reference.get("display", ""))


def document_of(resource: dict[str, Any]) -> str | None:
    for reference in resource.get("derivedFrom", []):
        found = LITERAL.fullmatch(str(reference.get("reference", "")))
        if found and found[1] == "DocumentReference":
            return found[2]
    return None
