# SPDX-License-Identifier: EUPL-1.2
"""A document of the record as it leaves in a container: what its DocumentReference says, in the words of XDS.

The inverse of `brought`. Whose it is comes from the record, never from the document.
Source: IHE ITI TF-3 4.2.3.2 (attributes of DocumentEntry), MHD 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from carnet.access.queries import Identity
from carnet.documents import nomenclature
from carnet.documents.brought import LOINC
from carnet.exchange.parts import Author, Code, Institution, Number, Part, Related, Somebody, Told
from carnet.identity.traits import Sex

NATIONAL: Final = "urn:oid:1.2.250.1.71.4.2.1"  # IDNPS: a professional's number


def part(
    resource: Mapping[str, Any], content: Mapping[str, Any], data: bytes, whose: Identity
) -> Part:
    """One file of a document, with what is told of it."""
    media = str(content.get("attachment", {}).get("contentType", "application/octet-stream"))
    return Part("", data, media.partition(";")[0], told(resource, content, whose))


def told(resource: Mapping[str, Any], content: Mapping[str, Any], whose: Identity) -> Told:
    """What a DocumentReference says of one of its files."""
    context = resource.get("context", {})
    period = context.get("period", {})
    held = {f"#{each.get('id')}": each for each in resource.get("contained", [])}
    authors = [_author(each, held) for each in resource.get("author", [])]
    format = content.get("format")
    signed = resource.get("authenticator")
    return Told(
        title=str(content.get("attachment", {}).get("title") or resource.get("description", "")),
        type=_code(resource.get("type")),
        category=next(iter(map(_code, resource.get("category", []))), None),
        at=_moment(period.get("start") or resource.get("date")),
        until=_moment(period.get("end")),
        authors=tuple(authors),
        authenticator=_author(signed, held) if signed else None,
        unique_id=number(resource.get("masterIdentifier", {})),
        labels=tuple(
            code for each in resource.get("securityLabel", []) if (code := _code(each)) is not None
        ),
        person=person(whose),
        format=_code({"coding": [format]}) if format else None,
        facility=_code(context.get("facilityType")),
        setting=_code(context.get("practiceSetting")),
        events=tuple(code for each in context.get("event", []) if (code := _code(each))),
        language=str(content.get("attachment", {}).get("language", "")),
        related=tuple(
            Related(str(each.get("code")), f"urn:oid:{known}")
            for each in resource.get("relatesTo", [])
            if (known := number(each.get("target", {}).get("identifier", {})))
        ),
    )


def person(whose: Identity) -> Somebody:
    """Whose a record is, as a container says it."""
    numbers: tuple[Number, ...] = ()
    if whose.ins and whose.ins_system:
        numbers = (Number(whose.ins, whose.ins_system.removeprefix("urn:oid:"), "NH"),)
    return Somebody(
        numbers,
        whose.birth_name,
        "",
        (whose.first_given,) if whose.first_given else (),
        whose.birth_date,
        Sex(whose.sex) if whose.sex in ("male", "female") else None,
        whose.birth_place or "",
    )


def number(identifier: Mapping[str, Any]) -> str:
    """A unique id without its scheme; empty for none."""
    return str(identifier.get("value", "")).removeprefix("urn:oid:").removeprefix("urn:uuid:")


def _author(reference: Mapping[str, Any], held: Mapping[str, Any]) -> Author:
    own = held.get(str(reference.get("reference", "")), {})
    role = own if own.get("resourceType") == "PractitionerRole" else {}
    someone = held.get(
        str(role.get("practitioner", {}).get("reference", "")), own if not role else {}
    )
    place = held.get(str(role.get("organization", {}).get("reference", "")), {})
    if own.get("resourceType") == "Organization":
        someone, place = {}, own
    name: Mapping[str, Any] = next(iter(someone.get("name", [])), {}) if someone else {}
    family = str(name.get("family", ""))
    return Author(
        _number(someone.get("identifier", [])),
        family or ("" if place else str(reference.get("display", ""))),
        " ".join(name.get("given", [])),
        (Institution(str(place.get("name", "")), _number(place.get("identifier", []))),)
        if place
        else (),
    )


def _number(identifiers: Sequence[Mapping[str, Any]]) -> Number:
    for each in identifiers:
        if each.get("value"):
            system = str(each.get("system", "")).removeprefix("urn:oid:")
            return Number(str(each["value"]), system)
    return Number("")


def _code(concept: Mapping[str, Any] | None) -> Code | None:
    for each in (concept or {}).get("coding", []):
        if each.get("code"):
            system = oid(str(each.get("system", "")))
            return Code(str(each["code"]), system, str(each.get("display", "")))
    return None


def oid(system: str) -> str:
    """The OID of a code system FHIR names by a URI; the URI itself when none is known."""
    if system == "http://loinc.org":
        return LOINC
    return _oids().get(system, system.removeprefix("urn:oid:"))


@cache
def _oids() -> dict[str, str]:
    known = nomenclature.table("systems")
    return {uri: number for kind in ("ans", "hl7") for number, uri in known[kind].items()}


def _moment(text: object) -> str:
    """An instant of FHIR in digits: YYYYMMDDHHMMSS or shorter."""
    bare = str(text or "").partition(".")[0].rstrip("Z").partition("+")[0]
    return "".join(each for each in bare if each.isdigit())[:14]
