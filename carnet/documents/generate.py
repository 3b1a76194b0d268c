# SPDX-License-Identifier: EUPL-1.2
"""Publish a document that comes alone, a CDA or a FHIR document: its metadata is made from what it says.

The CDA is received as a file is. Of a FHIR document, the Bundle is kept as one file and its Composition
gives the metadata; who wrote it is contained, and the person it is about is found by their number.
Source: IHE MHD 4.2, ITI-106 ($generate-metadata) and table "FHIR Composition to DocumentReference".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from carnet import errors
from carnet.access.door import Visit, Written
from carnet.documents.cda.conformance import Profile
from carnet.documents.content import FHIR_JSON, sha1, unpacked
from carnet.documents.publish import XML_TYPES, Deposit
from carnet.documents.receive import receive
from carnet.fhir import json
from carnet.fhir.validation import structure
from carnet.rest.acts import Acts, Plan
from carnet.rest.outcome import NotValid
from carnet.rest.plans import carry_out

FORMAT: Final = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}
# What is kept of somebody a document names: enough to know them by.
KEPT: Final = frozenset(
    "resourceType id identifier name telecom code specialty practitioner organization type"
    " deviceName relationship qualification".split()
)
PEOPLE: Final = frozenset(
    "Practitioner PractitionerRole Organization Device Patient RelatedPerson".split()
)
NEXT: Final = ("practitioner", "organization")  # of a role


class NotADocument(errors.BusinessRule):
    """Metadata is made from a CDA document in a Binary, or from a FHIR document: a Bundle of type document
    that begins with its Composition."""


class NobodyNamed(errors.BusinessRule):
    """A FHIR document says whose it is: its Composition has a subject with an identifier."""

    code = "902"


class WrongInput(errors.Invalid):
    """$generate-metadata takes a Parameters resource with one parameter, document, a Binary or a Bundle."""


async def generate(
    visit: Visit, acts: Acts, document: Mapping[str, Any], *, profile: Profile | None = None
) -> Written:
    """Publish a Binary with a CDA, or a Bundle of type document; its DocumentReference."""
    if document.get("resourceType") == "Bundle":
        return await _fhir(visit, acts, dict(document), profile)
    if document.get("resourceType") != "Binary":
        raise WrongInput
    media = str(document.get("contentType", "")).split(";")[0].strip().lower()
    data = unpacked(dict(document))
    if media in (FHIR_JSON, "application/json"):
        bundle = json.parse(data)
        if bundle.get("resourceType") != "Bundle":
            raise NotADocument
        return await _fhir(visit, acts, bundle, profile, data)
    if media not in XML_TYPES:
        raise NotADocument(path="Parameters.parameter[0].resource.contentType")
    received = await receive(visit, acts, data, profile=profile)
    assert received.written is not None
    return received.written


async def _fhir(
    visit: Visit,
    acts: Acts,
    bundle: dict[str, Any],
    profile: Profile | None,
    data: bytes | None = None,
) -> Written:
    issues = structure.check(bundle)
    if issues:
        raise NotValid(issues)
    data = json.dump(bundle) if data is None else data
    resource = reference(bundle, data, visit.door.clock())
    deposit = Deposit("POST", "DocumentReference", resource=resource, profile=profile)
    await carry_out(visit, acts, Plan([deposit]))
    assert deposit.written is not None
    return deposit.written


def reference(bundle: Mapping[str, Any], data: bytes, now: datetime) -> dict[str, Any]:
    """The DocumentReference of a FHIR document, its bytes in it. Pure."""
    entries = [each for each in bundle.get("entry", []) if "resource" in each]
    if bundle.get("type") != "document" or not entries:
        raise NotADocument
    composition = entries[0]["resource"]
    if composition["resourceType"] != "Composition":
        raise NotADocument
    inside = _Inside(entries)
    written = composition.get("date")
    attachment = {
        "contentType": FHIR_JSON,
        "language": composition.get("language") or bundle.get("language"),
        "size": len(data),
        "hash": sha1(data),
        "title": composition.get("title"),
        "creation": bundle.get("timestamp") or written,
        "data": base64.b64encode(data).decode(),
    }
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "masterIdentifier": bundle.get("identifier") or composition.get("identifier"),
        "identifier": [composition["identifier"]] if "identifier" in composition else None,
        "status": "entered-in-error" if composition["status"] == "entered-in-error" else "current",
        "docStatus": composition["status"],
        "type": composition.get("type"),
        "category": composition.get("category"),
        "subject": inside.subject(composition.get("subject", {})),
        "date": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "author": [inside.contained(each) for each in composition.get("author", [])],
        "authenticator": next(
            (
                inside.contained(each["party"])
                for each in composition.get("attester", [])
                if each.get("mode") in ("legal", "official") and "party" in each
            ),
            None,
        ),
        "custodian": inside.contained(composition["custodian"])
        if "custodian" in composition
        else None,
        "relatesTo": _related(composition),
        "description": composition.get("title"),
        "securityLabel": _security(composition),
        "content": [{"attachment": _kept(attachment), "format": FORMAT}],
        "context": _kept(_context(composition)) or None,
    }
    made["contained"] = inside.people
    return _kept(made)


class _Inside:
    """The resources of a document by what refers to them, and those that were made contained."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._by: dict[str, dict[str, Any]] = {}
        for each in entries:
            resource = each["resource"]
            self._by.setdefault(str(each.get("fullUrl", "")), resource)
            self._by.setdefault(f"{resource['resourceType']}/{resource.get('id')}", resource)
        self.people: list[dict[str, Any]] = []
        self._known: dict[str, str] = {}

    def find(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._by.get(str(given.get("reference", "")))

    def subject(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Whose it is: a Patient of the document by their number, or who is named outside of it."""
        person = self.find(given)
        if person is None:
            if not given.get("reference") and not given.get("identifier"):
                raise NobodyNamed(path="Composition.subject")
            return dict(given)
        for each in person.get("identifier", []):
            if each.get("system") and each.get("value"):
                return {"reference": f"Patient?identifier={each['system']}|{each['value']}"}
        raise NobodyNamed(path="Composition.subject")

    def contained(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A reference to a copy of somebody, or what is said of who is not in the document."""
        person = self.find(given)
        if person is None or person["resourceType"] not in PEOPLE:
            said = {key: each for key, each in given.items() if key != "reference"}
            return said or {"display": "Auteur non indiqué"}
        key = f"{person['resourceType']}/{person.get('id')}"
        name = self._known.get(key)
        if name is None:
            name = self._known[key] = f"p{len(self._known) + 1}"
            copy = {key: each for key, each in person.items() if key in KEPT}
            for element in NEXT:
                if isinstance(copy.get(element), dict):
                    copy[element] = self.contained(copy[element])
            self.people.append({**copy, "id": name})
        return {"reference": f"#{name}"}


def _related(composition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the document replaces, transforms, signs or adds to, by its number."""
    return [
        {"code": each["code"], "target": {"identifier": each["targetIdentifier"]}}
        for each in composition.get("relatesTo", [])
        if "targetIdentifier" in each
    ]


def _security(composition: Mapping[str, Any]) -> list[dict[str, Any]]:
    system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    level = composition.get("confidentiality", "N")
    labels = composition.get("meta", {}).get("security", [])
    return [
        {"coding": [{"system": system, "code": level}]},
        *({"coding": [each]} for each in labels),
    ]


def _context(composition: Mapping[str, Any]) -> dict[str, Any]:
    events = composition.get("event", [])
    return {
        "event": [code for each in events for code in each.get("code", [])],
        "period": next((each["period"] for each in events if "period" in each), None),
    }


def _kept(table: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing empty is kept in JSON."""
    return {key: each for key, each in table.items() if each not in (None, [], {})}
