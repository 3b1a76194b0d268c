# SPDX-License-Identifier: EUPL-1.2
"""HL7 v2 messages as files to load: their documents, and a Bundle of what they say in fields."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from carnet.documents.cda import datatypes
from carnet.documents.receive_file import said_of
from carnet.exchange import hl7v2
from carnet.exchange.hl7v2 import Meaning, Result
from carnet.exchange.parts import Code, Note, Opened, Part
from carnet.fhir import json

STATUS: Final = {
    "F": "final", "P": "preliminary", "C": "corrected", "X": "cancelled", "D": "entered-in-error",
    "W": "entered-in-error", "R": "preliminary", "I": "registered",
}  # fmt: skip
FLAGS: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
FLAGGED: Final = frozenset(("H", "L", "N", "A", "AA", "HH", "LL", "R", "S", "I"))
LOINC: Final = "2.16.840.1.113883.6.1"
COMPARATORS: Final = ("<", "<=", ">", ">=")


def opened(data: bytes) -> Opened:
    """The parts of every message of a file."""
    found = hl7v2.messages(data)
    parts: list[Part] = []
    notes: list[Note] = []
    said: list[str] = []
    for number, message in enumerate(found, 1):
        meaning = hl7v2.understood(message)
        where = f"message-{number}/" if len(found) > 1 else ""
        parts += [replace(each, name=where + each.name) for each in meaning.documents]
        bundle = bundle_of(meaning)
        if bundle is not None:
            parts.append(Part(f"{where}fields.json", json.dump(bundle), "application/fhir+json"))
        notes += [replace(each, place=where + each.place) for each in meaning.notes]
        said.append(
            f"{where.rstrip('/') or 'message'} {meaning.kind}: {len(meaning.documents)} documents,"
            f" {len(meaning.results)} results"
        )
    return Opened("HL7 v2", tuple(parts), tuple(notes), tuple(said))


def bundle_of(meaning: Meaning) -> dict[str, Any] | None:
    """Who a message is about, and its results; None when it brings documents alone."""
    person = meaning.person
    if person is None or not person.named:
        return None
    if not meaning.results and not meaning.kind.startswith("ADT"):
        return None
    whose = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries: list[dict[str, Any]] = [{"fullUrl": whose, "resource": said_of(person).patient}]
    entries += [{"resource": _observation(each, whose)} for each in meaning.results]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _observation(result: Result, whose: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "status": STATUS.get(result.status, "final" if not result.status else "unknown"),
        "code": _concept(result.code),
        "subject": {"reference": whose},
    }
    if at := datatypes.moment(result.at):
        made["effectiveDateTime"] = at
    if result.kind == "number":
        quantity: dict[str, Any] = {"value": Decimal(result.value)}
        if result.comparator in COMPARATORS:
            quantity["comparator"] = result.comparator
        if result.unit:
            quantity["unit"] = result.unit
        made["valueQuantity"] = quantity
    else:
        made["valueString"] = result.value
    if result.flag in FLAGGED:
        made["interpretation"] = [{"coding": [{"system": FLAGS, "code": result.flag}]}]
    if result.low_high:
        made["referenceRange"] = [{"text": result.low_high}]
    return made


def _concept(code: Code) -> dict[str, Any]:
    system = {LOINC: "http://loinc.org"}.get(code.system, "")
    if not system and code.system.replace(".", "").isdigit():
        system = f"urn:oid:{code.system}"
    coding = {"system": system, "code": code.code, "display": code.display}
    held = {key: value for key, value in coding.items() if value}
    made: dict[str, Any] = {"coding": [held]} if code.code else {}
    return made | ({"text": code.display} if code.display else {})
