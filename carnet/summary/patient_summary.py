# SPDX-License-Identifier: EUPL-1.2
"""Patient/[id]/$summary: the one page as an International Patient Summary, a Bundle of type document.

The resources are those of the record, as they are; what says where each comes from stays in them. What is
claimed to follow a profile of IPS is what we write ourselves: the Bundle and its Composition.
Source: HL7 International Patient Summary 1.1.0 (Bundle-uv-ips, Composition-uv-ips); FHIR R4, Documents.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import carnet
from carnet.access.door import Nothing, Visit
from carnet.fhir.terminology.queries import names
from carnet.summary.facts import LOINC, Fact, mapping
from carnet.summary.gather import Gathered, gathered, opened, page
from carnet.summary.told import Part, Row, Told, codes, plain, told
from carnet.summary.words import LANGUAGES, OWN

Json = dict[str, Any]
IPS = "http://hl7.org/fhir/uv/ips"
PROFILE = f"{IPS}/StructureDefinition/"
DEFINITION = f"{IPS}/OperationDefinition/summary"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
XHTML = "http://www.w3.org/1999/xhtml"
VITAL = "vital-signs"
# Source: IPS 1.1.0, sections of Composition-uv-ips.
REQUIRED = frozenset({"11450-4", "48765-2", "10160-0"})


@dataclass(frozen=True, slots=True)
class Summary:
    """One summary: what it says in a language, and the document of FHIR that says the same."""

    cid: int
    told: Told
    bundle: Json


async def operation(visit: Visit, id: str, language: str) -> Json:
    """GET or POST Patient/[id]/$summary."""
    return (await summary(visit, id, language)).bundle


async def summary(visit: Visit, id: str, asked: str) -> Summary:
    """The summary of a record, as this viewer sees it; Nothing when it must look absent."""
    language = next(each for each in LANGUAGES if each == asked)
    cid = await opened(visit, id)
    found = await gathered(visit, cid, whole=True)
    async with visit.door.pool.connection() as conn:
        displays = await names(conn, sorted(codes(found)), language) if language != OWN else {}
    number = uuid.UUID(bytes=visit.door.random(16), version=4)
    base = f"{visit.door.settings.base_url}/fhir"
    says = told(page(found, language=language), found, language, displays)
    return Summary(cid, says, bundle(found, says, base, number))


def bundle(found: Gathered, says: Told, base: str, number: uuid.UUID) -> Json:
    """The document. number: of this one; those inside are made of it."""
    patients = [each for each in found.of("Patient") if each.stored.cid == found.cid]
    if not patients:
        raise Nothing
    patient = patients[0]
    subject = {"reference": f"{base}/{patient.stored.address}"}
    facts = {each.stored.address: each for each in found.of(*found.facts)}
    at = says.made.isoformat(timespec="milliseconds")
    author = f"urn:uuid:{uuid.uuid5(number, 'author')}"
    kept: dict[str, Json] = {}
    sections = []
    for part in says.parts:
        made = _section(part, facts, kept, base)
        if made is not None:
            sections.append(made)
    for address, pointed in (*found.medications.items(), *found.devices.items()):
        if any(_points(each, address) for each in kept.values()):
            kept[address] = dict(pointed)
    composition = {
        "resourceType": "Composition",
        "id": str(uuid.uuid5(number, "composition")),
        "meta": {"profile": [f"{PROFILE}Composition-uv-ips"]},
        "language": says.language,
        "status": "final",
        "type": _code("60591-5", "Patient summary Document"),
        "subject": subject,
        "date": at,
        "author": [{"reference": author}],
        "title": says.title,
        "confidentiality": "N",
        "section": sections,
    }
    device = {
        "resourceType": "Device",
        "id": author.removeprefix("urn:uuid:"),
        "deviceName": [{"name": "Carnet", "type": "user-friendly-name"}],
        "version": [{"value": carnet.__version__}],
        "note": [{"text": " ".join(each for each in says.notices if not each.startswith("*"))}],
    }
    return {
        "resourceType": "Bundle",
        "id": str(number),
        "meta": {"profile": [f"{PROFILE}Bundle-uv-ips"]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{number}"},
        "type": "document",
        "timestamp": at,
        "entry": [
            {"fullUrl": f"urn:uuid:{composition['id']}", "resource": composition},
            {"fullUrl": f"{base}/{patient.stored.address}", "resource": patient.own},
            {"fullUrl": author, "resource": device},
            *({"fullUrl": f"{base}/{address}", "resource": one} for address, one in kept.items()),
        ],
    }


def _code(code: str, display: str) -> Json:
    return {"coding": [{"system": LOINC, "code": code, "display": display}]}


def _section(
    part: Part, facts: Mapping[str, Fact], kept: dict[str, Json], base: str
) -> Json | None:
    """A section, its resources put among those kept; None for one that is empty and not required."""
    if not part.addresses and not part.rows and part.code not in REQUIRED:
        return None
    for address in part.addresses:
        kept.setdefault(address, completed(facts[address].own))
    body = "".join(map(_row, part.rows))
    text = f"<table><tbody>{body}</tbody></table>" if body else f"<p>{escape(part.empty)}</p>"
    if part.more:
        text += f"<p>{escape(part.more)}</p>"
    made: Json = {
        "title": part.title,
        "code": _code(part.code, part.display),
        "text": {"status": "generated", "div": f'<div xmlns="{XHTML}">{text}</div>'},
    }
    if part.addresses:
        made["entry"] = [{"reference": f"{base}/{each}"} for each in part.addresses]
    elif not part.rows:
        made["emptyReason"] = {"coding": [{"system": EMPTY, "code": "unavailable"}]}
    return made


def _row(row: Row) -> str:
    label = f"{row.label} *" if row.original else row.label
    cells = (label, " · ".join((*row.details, *row.warnings)), " ; ".join(row.sources))
    return "<tr>" + "".join(f"<td>{escape(plain(each))}</td>" for each in cells) + "</tr>"


def completed(own: Mapping[str, Any]) -> Json:
    """The resource as it is; what IPS asks for and nobody said, said to be unknown."""
    made = dict(own)
    unknown = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    rtype = own["resourceType"]
    if rtype == "MedicationStatement" and not any(
        key.lstrip("_").startswith("effective") for key in own
    ):
        made["_effectiveDateTime"] = unknown
    if rtype == "Procedure" and not any(key.lstrip("_").startswith("performed") for key in own):
        made["_performedDateTime"] = unknown
    if rtype == "Observation":
        if not any(key.lstrip("_").startswith("effective") for key in own):
            made["_effectiveDateTime"] = unknown
        if "performer" not in own:
            made["performer"] = [unknown]
    return made


def _points(resource: Mapping[str, Any], address: str) -> bool:
    elements = ("medicationReference", "device")
    return any(mapping(resource.get(each)).get("reference") == address for each in elements)
