# SPDX-License-Identifier: EUPL-1.2
"""Is this document about this person? The INS and the strict traits, against the record's.

What a document says of its patient is a claim: it is compared, never written into the record. What does
not agree is found; a strict entry refuses it, a lenient one keeps the document apart, in the record of an
identity in quarantine (access/quarantine.py), never in the record of the person it may not be about.
Source: CI-SIS, answers of a receiver that integrates a document: 903, 904, 905, 906.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from carnet import errors
from carnet.access import quarantine
from carnet.access.queries import Identity
from carnet.documents import metadata
from carnet.documents.cda.conformance import (
    Finding,
    Profile,
    Severity,
    finding,
    ordered,
    quarantines,
)
from carnet.documents.cda.header import Patient
from carnet.identity import ins
from carnet.identity.ins import Defect, InsClaim
from carnet.identity.traits import Sex, Traits, missing, normal

PATIENT_ROLE = "ClinicalDocument/recordTarget/patientRole"
SOURCE_PATIENT = "DocumentReference.context.sourcePatientInfo"
NO_DATE = date(1, 1, 1)  # of an identity registered without a birth date
UNSOUND = frozenset((Defect.WRONG_SHAPE, Defect.WRONG_KEY, Defect.UNKNOWN_SYSTEM))


class NotConform(errors.BusinessRule):
    """The document does not conform."""

    def __init__(self, found: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(ordered(found))
        first = self.findings[0]
        super().__init__(first.sentence, path=first.path)
        self.code = first.code or None  # type: ignore[misc]


class NoPatient(NotConform):
    """The person this document is about is unknown here."""


@dataclass(frozen=True, slots=True)
class Said:
    """Whose a document says it is."""

    claim: InsClaim | None
    traits: Traits
    patient: dict[str, Any]  # the same as a Patient, without identifier
    path: str  # where it is said

    @property
    def holds(self) -> bool:
        """Whether a person can be made of it: a sound number, and the traits that are compared."""
        return (
            self.claim is not None
            and not self.claim.defects & UNSOUND
            and not set(missing(self.traits)) - {"birth_place"}
        )


def refuse(findings: Sequence[Finding]) -> None:
    """All that was found, when anything of it is an error."""
    if any(each.severity is Severity.ERROR for each in findings):
        raise NotConform(findings)


def compared(said: Said, known: Identity, profile: Profile) -> list[Finding]:
    """How what a document says differs from a record; nothing where they agree or are silent."""
    if known.quarantined:
        same = quarantine.key(said.claim, said.traits) == _key(known)
        return [] if same else [finding("traits-differ", said.path, profile)]
    claim, traits = said.claim, said.traits
    found = []
    if claim is not None and known.ins is not None and claim.value != known.ins:
        found.append("ins-of-another")
    if _differ(traits, known):
        found.append("traits-differ")
    if claim is not None and known.ins is None:
        found.append("record-without-ins")
    elif claim is not None and claim.value == known.ins and claim.system != known.ins_system:
        found.append("ins-other-system")
    if traits.birth_place and known.birth_place and traits.birth_place != known.birth_place:
        found.append("birth-place-differs")
    return [finding(rule, said.path, profile) for rule in found]


def apart(findings: Iterable[Finding], *, production: bool) -> bool:
    """Whether a lenient entry keeps a document with these findings out of the record it names."""
    return any(quarantines(each.rule, production=production) for each in findings)


def _key(known: Identity) -> dict[str, object]:
    return {
        "claim": known.claim,
        "claim_system": known.claim_system,
        "birth_name": known.birth_name,
        "first_given": known.first_given,
        "birth_date": known.birth_date,
        "sex": known.sex,
        "birth_place": known.birth_place,
    }


def of_header(patient: Patient) -> Said:
    """What the header of a CDA says of its patient."""
    return Said(patient.claim, patient.traits, person(patient), PATIENT_ROLE)


def person(patient: Patient) -> dict[str, Any]:
    """A Patient from what a document says of the person; what it does not say is left out."""
    claim, traits = patient.claim, patient.traits
    given = traits.first_given_name or traits.birth_given_names
    names: list[dict[str, Any]] = [
        {"use": "official", "family": traits.birth_name, "given": [given] if given else None},
        {
            "use": "usual",
            "family": patient.used_family,
            "given": [patient.used_given] if patient.used_given else None,
        },
    ]
    names = [{key: value for key, value in name.items() if value} for name in names]
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": claim.system, "value": claim.value}]
        if claim
        else None,
        "name": [name for name in names if len(name) > 1],
        "gender": str(traits.sex or "unknown"),
        "extension": metadata.birth_place(traits.birth_place, patient.birth_city),
    }
    if traits.birth_date:
        made["birthDate"] = traits.birth_date.isoformat()
    return {key: value for key, value in made.items() if value}


def _differ(traits: Traits, known: Identity) -> bool:
    name = normal(traits.birth_name or "")
    if name and known.birth_name and name != known.birth_name:
        return True
    given = normal(traits.first_given_name or traits.birth_given_names or "")
    if given and known.first_given and not _begin_alike(given, known.first_given):
        return True
    born = known.birth_date if known.birth_date != NO_DATE else None
    if traits.birth_date and born and traits.birth_date != born:
        return True
    sex = str(traits.sex or Sex.UNKNOWN)
    return "unknown" not in (sex, known.sex) and sex != known.sex


def _begin_alike(one: str, other: str) -> bool:
    """The same given names, or the first of a list: JEAN PIERRE may be one name or two."""
    return f"{one} ".startswith(f"{other} ") or f"{other} ".startswith(f"{one} ")


def source_patient(resource: dict[str, Any]) -> Said | None:
    """What a DocumentReference says of its patient (contained sourcePatientInfo); None for nothing."""
    reference = resource.get("context", {}).get("sourcePatientInfo", {}).get("reference", "")
    patient = next(
        (
            each
            for each in resource.get("contained", [])
            if each.get("resourceType") == "Patient" and f"#{each.get('id')}" == reference
        ),
        None,
    )
    if patient is None:
        return None
    claim = next(
        (
            ins.claim(str(each["value"]), str(each["system"]))
            for each in patient.get("identifier", [])
            if str(each.get("system", "")).removeprefix("urn:oid:").startswith(ins.ARC)
            and each.get("value")
            # The billing number (NSS) has the same OID as the INS: its type tells it apart.
            and not any(c.get("code") == "NH" for c in each.get("type", {}).get("coding", []))
        ),
        None,
    )
    names = patient.get("name", [])
    birth: dict[str, Any] = next((name for name in names if name.get("use") == "official"), {})
    sex = patient.get("gender")
    traits = Traits(
        birth_name=birth.get("family"),
        birth_given_names=None,
        first_given_name=" ".join(birth.get("given", [])) or None,
        birth_date=_date(patient.get("birthDate")),
        sex=Sex(sex) if sex in ("male", "female") else None,
        birth_place=None,
    )
    told = {name: patient[name] for name in ("name", "gender", "birthDate") if name in patient}
    return Said(claim, traits, {"resourceType": "Patient", **told}, SOURCE_PATIENT)


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text and len(str(text)) == 10 else None
    except ValueError:
        return None
