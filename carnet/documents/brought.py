# SPDX-License-Identifier: EUPL-1.2
"""What a container says of a file, as a DocumentReference: the metadata of an XDM, the fields of a message.

Claims of who sent it: kept as they are, in words where there is no code, and never more than they say.
Source: IHE ITI TF-3 4.2.3.2 (attributes of DocumentEntry), MHD 4.2 (the same in FHIR).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from carnet.documents import nomenclature
from carnet.documents.cda import datatypes
from carnet.documents.identity import Said
from carnet.exchange.parts import Author, Code, Institution, Number, Told

SUFFICIENT: Final = "urn:ihe:iti:xds:2017:mimeTypeSufficient"
FORMATS: Final = "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode"
LOINC: Final = "2.16.840.1.113883.6.1"
LEVELS: Final = "2.16.840.1.113883.5.25"  # HL7 v3 Confidentiality
OTHER: Final = Code("34133-9", LOINC, "Document")  # what nothing says the type of
URI: Final = "urn:ietf:rfc:3986"


def reference(
    now: datetime, data: bytes, media_type: str, told: Told, said: Said | None
) -> dict[str, Any]:
    """A DocumentReference of a file that says nothing of itself."""
    kind = told.type or OTHER
    moment = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    setting = nomenclature.table("deposits")["setting"]
    ours = Code(setting["code"], setting["system"], setting["display"])
    attachment: dict[str, Any] = {
        "contentType": media_type,
        "language": told.language[:5] if "-" in told.language else told.language[:2],
        "data": base64.b64encode(data).decode(),
        "title": told.title or kind.display,
    }
    format = concept(told.format)["coding"][0] if told.format and told.format.code else None
    period = {
        name: at
        for name, text in (("start", told.at), ("end", told.until))
        if text and (at := datatypes.moment(text))
    }
    contained: list[dict[str, Any]] = []
    people = [_author(contained, at, each) for at, each in enumerate(told.authors, 1)]
    signed = _author(contained, 0, told.authenticator) if told.authenticator else None
    context: dict[str, Any] = {
        "event": [concept(each) for each in told.events],
        "period": period,
        "facilityType": concept(told.facility or ours),
        "practiceSetting": concept(told.setting or ours),
    }
    if said is not None:
        contained.append({**said.patient, "id": "patient"})
        context["sourcePatientInfo"] = {"reference": "#patient"}
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "contained": contained,
        "masterIdentifier": {"system": URI, "value": _unique(told, data, said)},
        "status": "current",
        "type": concept(kind),
        "category": [concept(told.category)] if told.category else None,
        "date": moment,
        "author": [each for each in people if each]
        or [{"display": told.author}] * bool(told.author),
        "authenticator": signed,
        "relatesTo": list(relates(told)),
        "description": told.comments or told.title or kind.display,
        "securityLabel": [concept(each) for each in told.labels]
        or [concept(Code("N", LEVELS, "Normal"))],
        "content": [
            {
                "attachment": {key: held for key, held in attachment.items() if held},
                "format": format or {"system": FORMATS, "code": SUFFICIENT},
            }
        ],
        "context": {key: held for key, held in context.items() if held},
    }
    return {key: held for key, held in made.items() if held}


def masks(told: Told) -> list[dict[str, Any]]:
    """What a container masks of a document that says its own level."""
    return [concept(each) for each in told.labels if each.system != LEVELS]


def relates(told: Told) -> Iterator[dict[str, Any]]:
    """The documents it replaces or completes, by their unique ids."""
    for each in told.related:
        identifier = {"system": URI, "value": number(each.unique_id)}
        yield {
            "code": each.code,
            "target": {"type": "DocumentReference", "identifier": identifier},
        }


def concept(code: Code) -> dict[str, Any]:
    """A code with its system as a URI; words alone when it has no code."""
    coding = {"system": _system(code.system), "code": code.code, "display": code.display}
    held = {key: value for key, value in coding.items() if value}
    return {"coding": [held]} if code.code else {"text": code.display or "?"}


def number(unique_id: str) -> str:
    """A unique id as a URI: an OID, with the extension that tells it from others of its root."""
    bare = unique_id.strip().rstrip("^")
    return f"urn:oid:{bare}" if bare[:1].isdigit() else bare


def person(contained: list[dict[str, Any]], name: str, one: Author) -> dict[str, Any] | None:
    """Who wrote it, contained under this name: the person, where they work, both; None for nobody."""
    place = _place(contained, f"{name}-place", one.places[0]) if one.places else ""
    someone = ""
    if one.family or one.given or one.number.value:
        someone = f"#{name}"
        named = {"family": one.family, "given": [one.given] if one.given else None}
        own = {
            "resourceType": "Practitioner",
            "id": name,
            "identifier": _identifiers(one.number),
            "name": [{key: held for key, held in named.items() if held}]
            if one.family or one.given
            else None,
        }
        contained.append({key: held for key, held in own.items() if held})
    shown = {"display": one.shown} if one.shown else {}
    if not place or not someone:
        return {"reference": someone or place, **shown} if someone or place else None
    role = {
        "resourceType": "PractitionerRole",
        "id": f"{name}-role",
        "practitioner": {"reference": someone},
        "organization": {"reference": place},
        "code": [concept(_ce(one.role))] if one.role else None,
        "specialty": [concept(_ce(one.specialty))] if one.specialty else None,
    }
    contained.append({key: held for key, held in role.items() if held})
    return {"reference": f"#{name}-role", **shown}


def _author(contained: list[dict[str, Any]], at: int, one: Author) -> dict[str, Any] | None:
    return person(contained, f"author-{at}" if at else "authenticator", one)


def _place(contained: list[dict[str, Any]], name: str, place: Institution) -> str:
    if not place.name and not place.number.value:
        return ""
    own = {
        "resourceType": "Organization",
        "id": name,
        "identifier": _identifiers(place.number),
        "name": place.name,
    }
    contained.append({key: held for key, held in own.items() if held})
    return f"#{name}"


def _identifiers(one: Number) -> list[Mapping[str, Any]]:
    if not one.value:
        return []
    return [
        {"system": f"urn:oid:{one.oid}", "value": one.value} if one.oid else {"value": one.value}
    ]


def _ce(text: str) -> Code:
    """A coded word in the form of HL7 v2's CE: code^label^system; a word alone is a label."""
    steps = [*[each.strip() for each in text.split("^")], "", ""]
    if not steps[1]:
        return Code("", "", steps[0])
    return Code(steps[0], steps[2].partition("&")[2].partition("&")[0] or steps[2], steps[1])


def _system(oid: str) -> str:
    if not oid or "://" in oid or oid.startswith("urn:"):
        return oid
    return nomenclature.system(oid) if oid[:1].isdigit() else ""


def _unique(told: Told, data: bytes, said: Said | None) -> str:
    if told.unique_id:
        return number(told.unique_id)
    whose = repr((said.claim, said.traits)) if said is not None else ""
    digest = sha256(b"carnet file\0" + whose.encode() + b"\0" + data).hexdigest()
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"
