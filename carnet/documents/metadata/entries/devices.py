# SPDX-License-Identifier: EUPL-1.2
"""Devices: what the patient bears or uses, was handed, or is prescribed.

What is used is a Device and a DeviceUseStatement, what was handed out a SupplyDelivery, what is
prescribed or meant a DeviceRequest: it may never come. Source: CI-SIS, FR-Dispositif-medical; IHE PCC,
Supply Entry; FDA and GS1, unique device identification; FHIR R4.
"""

import re
from dataclasses import replace
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.datatypes import Code, Id
from carnet.documents.cda.statements import Part, Statement
from carnet.documents.metadata.entries import medications, products
from carnet.documents.metadata.entries.conditions import ABSENT
from carnet.documents.metadata.entries.dispenses import packed
from carnet.documents.metadata.entries.procedures import reasons
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import notes, recorded, recorder, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, identifier, kept, period, says_nothing

NCIT: Final = "2.16.840.1.113883.3.26.1.1"
# What some write among the translations of its code, with the words it is about (NCI Thesaurus).
BRAND, MODEL = "C101668", "C43383"
UDI: Final = "2.16.840.1.113883.3.3719"  # arc of unique device identifiers
GS1: Final = "http://hl7.org/fhir/NamingSystem/gs1-di"
# Application identifiers of GS1 → elements of a Device; some write braces for parentheses.
PARTS: Final = re.compile(r"[({]([0-9]{2,3})[)}]([^(){}]+)")
DATE: Final = re.compile(r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
UNITS: Final = {"d": "jours", "wk": "semaines", "mo": "mois", "a": "ans", "h": "heures"}
# Status of a CDA act → device-statement-status; one that is completed was stated, it is not over.
USES: Final = {
    "aborted": "stopped",
    "cancelled": "stopped",
    "held": "on-hold",
    "suspended": "on-hold",
    "nullified": "entered-in-error",
}
# medicationrequest-status → request-status
ORDERED: Final = {
    "active": "active",
    "stopped": "revoked",
    "cancelled": "revoked",
    "on-hold": "on-hold",
    "entered-in-error": "entered-in-error",
}


def made(reading: Reading, statement: Statement) -> None:
    """A device, as what the mood says of it."""
    if statement.null or statement.negated:
        reading.keep(statement, "not-done")
        return
    part = next(iter(statement.taking("DEV", "PRD")), None)
    named = _named(statement, part)
    if named is None:
        reading.keep(statement, "no-code")
        return
    code = part.code if part else None
    if statement.mood in medications.MEANT:
        about = reading.take(statement, _request(reading, statement, named))
    elif statement.mood != "EVN":
        reading.keep(statement, "not-done")
        return
    elif code is not None and code.system == ABSENT:
        about = reading.take(statement, _absent(reading, statement, named))
    else:
        about = _used(reading, statement, part, named)
    before = len(reading.found)
    for link in statement.related:
        if not reading.told(link.statement):
            reading.again(reading, link.statement)
    for each in reading.found[before:]:  # what is measured of the device, not of the patient
        if each.resource["resourceType"] == "Observation":
            each.resource.setdefault("focus", [{"reference": about}])


def _named(statement: Statement, part: Part | None) -> Json | None:
    """What it is: its code, else its model, else the words of the line."""
    found = (concept(_kind(part.code)) if part else None) or products.product(statement.product)
    if found:
        return found
    said = (part.name if part else None) or statement.text
    return {"text": said} if said and not says_nothing(said) else None


def _used(reading: Reading, statement: Statement, part: Part | None, named: Json) -> str:
    """The device, then its use and how it was handed out."""
    url = reading.take(statement, _device(reading, statement, part, named))
    suppliers = [each.party for each in statement.taking("performer")]
    if suppliers:
        reading.take(statement, _delivery(reading, statement, url))
    if statement.at is not None or not suppliers:
        reading.take(statement, _use(reading, statement, {"reference": url}))
    return url


def _device(reading: Reading, statement: Statement, part: Part | None, named: Json) -> Json:
    numbers = part.party.ids if part else ()
    carriers = [each for each in numbers if each.root == UDI and each.extension]
    read = _udi(carriers[0].extension or "") if carriers else {}
    model = (part.name if part else None) or _beside(part, MODEL)
    found = statement.product
    return {
        "resourceType": "Device",
        "identifier": [identifier(each) for each in numbers if each not in carriers],
        "udiCarrier": [_carrier(each) for each in carriers],
        "status": "active",
        "manufacturer": _maker(part) or _beside(part, BRAND) or (found.maker if found else None),
        "expirationDate": read.get("17"),
        "lotNumber": read.get("10") or (found.lot if found else None),
        "serialNumber": read.get("21") or _serial(part),
        "deviceName": [{"name": model, "type": "model-name"}] if model else None,
        "type": named,
        "patient": reading.making.subject,
    }


def _kind(code: Code | None) -> Code | None:
    """The code of what it is, without those of its brand and its model."""
    if code is None:
        return None
    kept_ = tuple(each for each in code.translations if not _is_beside(each, BRAND, MODEL))
    return replace(code, translations=kept_)


def _beside(part: Part | None, kind: str) -> str | None:
    """Its brand or its model, in words."""
    code = part.code if part else None
    told = (each.original for each in (code.translations if code else ()) if _is_beside(each, kind))
    return next((said for said in told if said), None)


def _is_beside(code: Code, *kinds: str) -> bool:
    return code.system == NCIT and code.code in kinds


def _udi(written: str) -> dict[str, str]:
    """The parts of a unique identifier, by their GS1 number; a date as FHIR writes it."""
    found = {number: value.strip() for number, value in PARTS.findall(written)}
    if "17" in found:
        date = DATE.fullmatch(found.pop("17"))
        if date:
            found["17"] = f"20{date[1]}-{date[2]}-{date[3]}"
    return found


def _carrier(number: Id) -> Json:
    written = number.extension or ""
    own = _udi(written).get("01")
    return kept(
        {
            "deviceIdentifier": own,
            "issuer": GS1 if own else None,
            "carrierHRF": written.replace("{", "(").replace("}", ")"),
        }
    )


def _maker(part: Part | None) -> str | None:
    role = None if part is None else d.child(part.element, "participantRole")
    return d.text(d.down(role, "scopingEntity", "desc"))


def _serial(part: Part | None) -> str | None:
    """A number that says of no system whose it is."""
    role = None if part is None else d.child(part.element, "participantRole")
    for each in d.children(role, "id"):
        if each.get("root") is None and (number := d.attribute(each, "extension")):
            return number
    return None


def _use(reading: Reading, statement: Statement, device: Json) -> Json:
    at = statement.at
    when: Json = {"_timingDateTime": medications.UNKNOWN}
    if at is not None:
        when = (
            {"timingDateTime": at.first}
            if at.point
            else {"timingPeriod": kept({"start": at.low, "end": at.high})}
        )
    return {
        "resourceType": "DeviceUseStatement",
        "identifier": [identifier(each) for each in statement.ids],
        "status": _lasts(reading, statement),
        "subject": reading.making.subject,
        **when,
        "recordedOn": recorded(reading, statement),
        "source": recorder(reading, statement),
        "derivedFrom": [{"reference": reading.making.url}],
        "device": device,
        "reasonCode": reasons(reading, statement),
        "bodySite": concept(statement.sites[0]) if statement.sites else None,
        "note": _said(reading, statement),
    }


def _lasts(reading: Reading, statement: Statement) -> str:
    """Whether the use goes on: as said, else by its end, against the date of the document."""
    if statement.status in USES:
        return USES[statement.status]
    at, written = statement.at, reading.making.header.effective
    ended = at.high if at and not at.point else None
    return "completed" if ended and written and medications.before(ended, written) else "active"


def _delivery(reading: Reading, statement: Statement, url: str) -> Json:
    suppliers = list(statement.taking("performer"))
    handed = next((p.party.time.first for p in suppliers if p.party.time), None)
    named = [part.party for part in suppliers]
    places = [party.organisation for party in named if party.organisation]
    supplied = {"quantity": packed(statement), "itemReference": {"reference": url}}
    return {
        "resourceType": "SupplyDelivery",
        "status": "completed",
        "patient": reading.making.subject,
        "suppliedItem": kept(supplied),
        "occurrenceDateTime": handed,
        "supplier": next(iter(logical([*named, *places])), None),
    }


def _request(reading: Reading, statement: Statement, named: Json) -> Json:
    prescribed = medications.prescribes(reading)
    number = medications.number(reading) if prescribed else None
    at = statement.at
    when: Json = {}
    if at is not None:
        when = {"occurrenceDateTime": at.first} if at.point else {"occurrencePeriod": period(at)}
    amount = packed(statement)
    ordered = prescribed or statement.mood == "RQO"
    return {
        "resourceType": "DeviceRequest",
        "identifier": [identifier(each) for each in statement.ids],
        "groupIdentifier": identifier(number) if number else None,
        "status": ORDERED[medications.ORDERED.get(statement.status or "", "active")],
        "intent": "order" if ordered else "proposal" if statement.mood == "PRP" else "plan",
        "codeCodeableConcept": named,
        "parameter": [{"code": {"text": "Quantité"}, "valueQuantity": amount}] if amount else None,
        "subject": reading.making.subject,
        **when,
        "authoredOn": recorded(reading, statement),
        "requester": recorder(reading, statement),
        "performer": next(
            iter(logical([part.party for part in statement.taking("performer")])), None
        ),
        "reasonCode": reasons(reading, statement),
        "note": [
            *_said(reading, statement),
            *_lasting(statement),
            *({"text": each} for each in medications.marks(reading, statement)),
        ],
    }


def _lasting(statement: Statement) -> list[Json]:
    """How long it is for, and how many times more: R4 has no place for it."""
    said = []
    width = d.quantity(d.down(statement.element, "expectedUseTime", "width"))
    if width is not None:
        unit = UNITS.get(width.unit or "", width.unit or "")
        said.append(f"Durée prévue : {width.value} {unit}".strip())
    times = statement.repeat
    if isinstance(times, d.Quantity) and times.value > 0:
        said.append(f"Renouvellements : {times.value}")
    return [{"text": each} for each in said]


def _absent(reading: Reading, statement: Statement, named: Json) -> Json:
    """No device, or nothing known of any: the Device that says so stands inside, it is none."""
    inside = {"resourceType": "Device", "id": "device", "type": named}
    return {
        **_use(reading, statement, {"reference": "#device"}),
        "contained": [inside],
    }


def _said(reading: Reading, statement: Statement) -> list[Json]:
    parts = list(statement.taking("DEV", "PRD"))
    shown = [said for part in parts for said in (part.name, *_all(part.code))]
    return notes(reading, statement, [*shown, *words(statement.code)])


def _all(code: Code | None) -> list[str | None]:
    """All that a code says, its translations included."""
    if code is None:
        return []
    return [*words(code), *(said for each in code.translations for said in words(each))]
