# SPDX-License-Identifier: EUPL-1.2
"""Laboratory results: a DiagnosticReport, its samples, its panels and its results."""

from collections.abc import Iterable
from typing import Final

from carnet.documents import nomenclature
from carnet.documents.cda.attachments import Role
from carnet.documents.cda.datatypes import Code, Interval, Period, Quantity
from carnet.documents.cda.results import Group, Previous, ReferenceRange, Result, Specimen
from carnet.documents.metadata.making import Made, Making
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    INSTANT,
    Json,
    coded,
    concept,
    effective,
    identifier,
    kept,
    quantity,
    references,
    value,
)

# Models that are laboratory reports: IHE XD-LAB, CI-SIS CR-BIO and TROD.
LABORATORY: Final = frozenset(
    {"1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55", "1.2.250.1.213.1.1.1.59"}
)
# Status of a CDA act → Observation.status. Source: HL7 v3 ActStatus; FHIR R4 observation-status.
STATUS: Final = {
    "completed": "final",
    "active": "preliminary",
    "new": "registered",
    "held": "registered",
    "suspended": "registered",
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "nullified": "entered-in-error",
}

Shown = dict[int, list[tuple[int, str]]]  # by section: rank and url of what stands at its top


def report(making: Making) -> tuple[list[Made], Shown]:
    """The resources, and which of them each section shows; panels lead to their members."""
    results = making.document.results
    specimens = [making.new_url() for _ in results.specimens]
    shown = [_named(group) for group in results.groups]
    groups = [making.new_url() if s else None for s in shown]
    urls = [making.new_url() for _ in results.results]
    members: dict[int | None, list[tuple[int, str]]] = {}
    tops: Shown = {}
    for index, group in enumerate(results.groups):
        if url := groups[index]:
            holder = _holder(making, group.parent, shown)
            members.setdefault(holder, []).append((group.rank, url))
            if holder is None:
                tops.setdefault(group.section, []).append((group.rank, url))
    for index, result in enumerate(results.results):
        holder = _holder(making, result.group, shown)
        members.setdefault(holder, []).append((result.rank, urls[index]))
        if holder is None:
            tops.setdefault(result.section, []).append((result.rank, urls[index]))
    made: list[Made] = []
    if LABORATORY & set(making.header.templates):  # others only recall results
        whole = _diagnostic_report(making, specimens, references(members.get(None)))
        made.append(Made(making.new_url(), whole))
    made.extend(
        Made(specimens[i], _specimen(making, s, specimens), place=s.place)
        for i, s in enumerate(results.specimens)
    )
    made.extend(
        Made(url, _panel(making, group, specimens, references(members.get(i))), place=group.place)
        for i, (url, group) in enumerate(zip(groups, results.groups, strict=True))
        if url
    )
    made.extend(
        Made(url, _observation(making, result, specimens), place=result.place)
        for url, result in zip(urls, results.results, strict=True)
    )
    return made, tops


def _holder(making: Making, group: int | None, shown: list[bool]) -> int | None:
    """The nearest group above that becomes an Observation."""
    while group is not None and not shown[group]:
        group = making.document.results.groups[group].parent
    return group


def _whole(making: Making) -> str:
    """Status of the report: the document's; in error when each of its results was withdrawn."""
    found = making.document.results.results
    if found and all(each.status == "nullified" for each in found):
        return "entered-in-error"
    return "corrected" if making.status == "amended" else making.status


def _diagnostic_report(making: Making, specimens: list[str], result: list[Json]) -> Json:
    header = making.header
    printed = [(url, a) for url, a in making.files if a.role is Role.COPY]
    numbers = [number for order in header.orders for number in order.ids]
    return kept(
        {
            "resourceType": "DiagnosticReport",
            "identifier": [identifier(header.id)] if header.id else None,
            "basedOn": [{"type": "ServiceRequest", "identifier": identifier(n)} for n in numbers],
            "status": _whole(making),
            "category": [coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
            "code": concept(header.code) or {"text": header.title or "Compte rendu"},
            "subject": making.subject,
            **effective(making.act, header.effective),
            "issued": header.effective
            if header.effective and INSTANT.fullmatch(header.effective)
            else None,
            "performer": logical([header.custodian]),
            "resultsInterpreter": logical([header.legal_authenticator]),
            "specimen": [{"reference": s} for s in specimens],
            "result": result,
            "conclusion": "\n".join(making.document.results.comments) or None,
            "presentedForm": [
                kept({"contentType": a.media_type, "url": url, "title": a.title or header.title})
                for url, a in printed
            ],
        }
    )


def _specimen(making: Making, specimen: Specimen, urls: list[str]) -> Json:
    collected = effective(specimen.collected, None)
    return kept(
        {
            "resourceType": "Specimen",
            "identifier": [identifier(i) for i in specimen.ids],
            "type": concept(specimen.type),
            "subject": making.subject,
            "receivedTime": specimen.received,
            "parent": [{"reference": urls[specimen.parent]}]
            if specimen.parent is not None
            else None,
            "collection": kept(
                {
                    "collector": next(iter(logical([specimen.collector])), None),
                    "collectedDateTime": collected.get("effectiveDateTime"),
                    "collectedPeriod": collected.get("effectivePeriod"),
                    "method": concept(specimen.procedure),
                    "bodySite": concept(specimen.sites[0]) if specimen.sites else None,
                }
            ),
        }
    )


def _panel(making: Making, group: Group, specimens: list[str], members: list[Json]) -> Json:
    """A battery, or an isolate: the organism is its value, what was found of it its members."""
    made = _base(making, group.status, group.at, group.specimen, specimens, group.section)
    isolated = (
        making.document.results.specimens[group.specimen]
        if group.isolate and group.specimen is not None
        else None
    )
    made |= {
        "code": concept(group.code) or {"text": "Isolat"},
        "performer": logical(group.performers),
        "valueCodeableConcept": concept(isolated.type) if isolated else None,
        "note": _notes(group.comments),
        "hasMember": members,
    }
    return kept(made)


def _observation(making: Making, result: Result, specimens: list[str]) -> Json:
    made = _base(making, result.status, result.at, result.specimen, specimens, result.section)
    made |= {
        "identifier": [identifier(i) for i in result.ids],
        "code": concept(result.code),
        "performer": logical([*result.performers, *result.validators]),
        **value(result.value),
        "dataAbsentReason": coded(
            "http://terminology.hl7.org/CodeSystem/data-absent-reason",
            nomenclature.absent(result.null),
        )
        if result.value is None
        else None,
        "interpretation": [c for c in map(concept, result.interpretations) if c],
        "note": _notes([*result.comments, *_said(result)]),
        "bodySite": concept(result.sites[0]) if result.sites else None,
        "method": concept(result.methods[0]) if result.methods else None,
        "referenceRange": [_range(r) for r in result.ranges],
    }
    return kept(made)


def _base(
    making: Making,
    status: str,
    at: Period | None,
    specimen: int | None,
    specimens: list[str],
    section: int,
) -> Json:
    """What a panel and a result have in common."""
    found = STATUS.get(status, "unknown")
    sample = making.document.results.specimens[specimen] if specimen is not None else None
    when = at or (sample.collected if sample else None)
    when = when or making.act
    return {
        "resourceType": "Observation",
        "status": "corrected" if found == "final" and making.replaced else found,
        "category": [
            coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
            *_chapter(making, section),
        ],
        "subject": making.subject,
        **effective(when, making.header.effective),
        "specimen": {"reference": specimens[specimen]} if specimen is not None else None,
        "derivedFrom": [{"reference": making.url}],
    }


def _chapter(making: Making, section: int) -> list[Json]:
    """The section a result stands in, as its second category: its code, and its title as read.

    A section without title takes the one of the chapter it is in.
    """
    sections = making.document.sections
    if not 0 <= section < len(sections):
        return []
    own = sections[section]
    titled = next(
        (
            above
            for above in reversed(sections[: section + 1])
            if above.title and own.place.startswith(above.place)
        ),
        None,
    )
    title = titled.title if titled else own.code.label if own.code else None
    if not title:
        return []
    found = concept(titled.code if titled else own.code) or {}
    return [{**found, "text": title}]


def _range(found: ReferenceRange) -> Json:
    made = {
        "low": quantity(found.low) if found.low else None,
        "high": quantity(found.high) if found.high else None,
        "type": concept(found.meaning),
        "text": found.text,
    }
    if found.meaning and found.meaning.code == "N":
        made["type"] = coded(
            "http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal"
        )
    return kept(made)


def _said(result: Result) -> Iterable[str]:
    """What the document says of a result that R4 has no place for, in words."""
    value = result.value
    if isinstance(value, Quantity) and value.translations:
        yield "Autre unité : " + ", ".join(_written(t) for t in value.translations)
    if isinstance(value, Interval) and not (value.low_inclusive and value.high_inclusive):
        yield "Une borne au moins de l'intervalle est exclue."
    for earlier in result.previous:
        yield _recalled(earlier)
    if result.devices:
        yield "Moyens : " + ", ".join(d.label or "" for d in result.devices)
    if len(result.methods) > 1:
        yield "Autres méthodes : " + ", ".join(m.label or "" for m in result.methods[1:])


def _recalled(earlier: Previous) -> str:
    """An earlier result recalled by this document: said, not recorded a second time as a result."""
    when = f" du {earlier.at.first}" if earlier.at else ""
    value = earlier.value
    if isinstance(value, Quantity):
        shown = _written(value)
    elif isinstance(value, Interval):
        shown = f"{_written(value.low)} à {_written(value.high)}"
    elif isinstance(value, Code):
        shown = value.label or ""
    else:
        shown = value if isinstance(value, str) else ""
    return f"Résultat antérieur{when} : {shown}"


def _written(amount: Quantity) -> str:
    return " ".join(str(p) for p in (amount.comparator, amount.value, amount.unit) if p is not None)


def _notes(texts: Iterable[str]) -> list[Json]:
    return [{"text": t} for t in texts if t]


def _named(group: Group) -> bool:
    """A battery without a name says nothing: its results stand by themselves."""
    return group.isolate or bool(group.code and group.code.label) or bool(group.comments)
