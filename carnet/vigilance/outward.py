# SPDX-License-Identifier: EUPL-1.2
"""A Patient as it leaves: profile and reliability say its status; only a qualified one has the INS.

Source: FR Core, fr-core-patient and fr-core-patient-ins; RNIV 1. The codes RECUP and VALI of the status are
those of RNIV; the published examples show PROV and QUAL alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carnet.identity.ins import ARC, Ins, InsSystem
from carnet.identity.status import Standing

CORE: Final = "https://hl7.fr/ig/fhir/core"
PATIENT: Final = f"{CORE}/StructureDefinition/fr-core-patient"
PATIENT_INS: Final = f"{CORE}/StructureDefinition/fr-core-patient-ins"
RELIABILITY: Final = f"{CORE}/StructureDefinition/fr-core-identity-reliability"
OLD_RELIABILITY: Final = f"{CORE}/StructureDefinition/fr-core-ident-reliability"
STATUSES: Final = f"{CORE}/CodeSystem/fr-core-cs-identity-status"
TYPES: Final = f"{CORE}/CodeSystem/fr-core-cs-v2-0203"
CLAIM: Final = "urn:carnet:identity:claim"  # while it is in quarantine (access/quarantine.py)
GIVEN_LIST: Final = f"{CORE}/StructureDefinition/fr-core-patient-birth-list-given-name"
BIRTH_PLACE: Final = "patient-birthPlace"
LOCAL: Final = "urn:carnet:patient"  # our own number, when the INS may not leave
V2_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
# The code system has no type of its own for test and demonstration numbers.
NUMBER_TYPES: Final = dict.fromkeys(InsSystem, "INS-NIR") | {InsSystem.NIA: "INS-NIA"}
DECLARED: Final = frozenset(("VALI", "QUAL"))  # of who sends an identity they have checked


def patient(
    resource: Mapping[str, Any], standing: Standing, ins: Ins | None, given_names: str, id: str
) -> dict[str, Any]:
    """The resource with its profile, its reliability, and the number where it may leave.

    ins: the number the identity bears inside. given_names: the whole list, "" when it is not known.
    """
    outward = standing.outward and ins is not None
    identifiers = [
        each
        for each in resource.get("identifier", [])
        if not is_number(each) and each.get("system") != LOCAL
    ]
    if outward and ins is not None:
        identifiers.insert(0, _number(ins))
    elif not outward:
        pi = {"coding": [{"system": V2_TYPES, "code": "PI"}]}
        identifiers.append({"use": "usual", "type": pi, "system": LOCAL, "value": id})
    code = {"system": STATUSES, "code": str(standing.status)}
    extensions = [
        each
        for each in resource.get("extension", [])
        if each.get("url") not in (RELIABILITY, OLD_RELIABILITY, CLAIM)
    ]
    extensions.append(
        {"url": RELIABILITY, "extension": [{"url": "identityStatus", "valueCoding": code}]}
    )
    made = {
        **resource,
        "meta": _profiled(resource.get("meta", {}), PATIENT_INS if outward else PATIENT),
        "extension": extensions,
        "identifier": identifiers,
        "name": [_named(each, given_names) for each in resource.get("name", [])],
    }
    return {key: value for key, value in made.items() if value}


def is_number(identifier: Mapping[str, Any]) -> bool:
    """Whether an identifier is an INS of any system, in use or not; the billing number (NH) is none."""
    types = {str(each.get("code")) for each in identifier.get("type", {}).get("coding", [])}
    system = str(identifier.get("system", "")).removeprefix("urn:oid:")
    return system.startswith(ARC) and "NH" not in types


def declared(resource: Mapping[str, Any]) -> bool:
    """Whether who sends an identity says that they have checked it."""
    return any(
        inner.get("valueCoding", {}).get("code") in DECLARED
        for extension in resource.get("extension", [])
        if extension.get("url") in (RELIABILITY, OLD_RELIABILITY)
        for inner in extension.get("extension", [])
    )


def linked(resource: Mapping[str, Any], links: list[dict[str, Any]]) -> dict[str, Any]:
    """The resource with the links of the merges in force, and no others of ours."""
    others = [
        each
        for each in resource.get("link", [])
        if each.get("type") not in ("replaces", "replaced-by")
    ]
    made = {**resource, "link": [*others, *links]}
    return {key: value for key, value in made.items() if value}


def _number(ins: Ins) -> dict[str, Any]:
    kind = {"coding": [{"system": TYPES, "code": NUMBER_TYPES[ins.system]}]}
    use = "temp" if ins.system is InsSystem.NIA else "official"
    return {"use": use, "type": kind, "system": str(ins.system), "value": ins.value}


def _profiled(meta: Mapping[str, Any], profile: str) -> dict[str, Any]:
    kept = [each for each in meta.get("profile", []) if each not in (PATIENT, PATIENT_INS)]
    return {**meta, "profile": [profile, *kept]}


def _named(name: Mapping[str, Any], given_names: str) -> dict[str, Any]:
    if name.get("use") != "official" or not given_names:
        return dict(name)
    kept = [each for each in name.get("extension", []) if each.get("url") != GIVEN_LIST]
    return {**name, "extension": [*kept, {"url": GIVEN_LIST, "valueString": given_names}]}
