# SPDX-License-Identifier: EUPL-1.2
"""Is this document about this person? The INS and the strict traits, against the record's.

What a document says of its patient is a claim: it is compared, never written into the record. Another
person's name, date or number refuses the document in every profile; a gap is no difference.
Source: CI-SIS, answers of a receiver that integrates a document: 903, 904, 905, 906.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from carnet import errors
from carnet.access import queries
from carnet.access.door import Unit
from carnet.access.queries import Identity
from carnet.documents.cda.conformance import Finding, Profile, Severity, finding
from carnet.identity import ins
from carnet.identity.ins import InsClaim
from carnet.identity.traits import Sex, Traits, normal

PATIENT_ROLE = "ClinicalDocument/recordTarget/patientRole"
SOURCE_PATIENT = "DocumentReference.context.sourcePatientInfo"
NO_DATE = date(1, 1, 1)  # of an identity registered without a birth date


class OtherIns(errors.BusinessRule):
    """The INS of the document is not that of the record."""

    code = "904"


class OtherTraits(errors.BusinessRule):
    """The strict traits of the document are not those of the record."""

    code = "906"


class NoIns(errors.BusinessRule):
    """The document has no INS: it cannot be filed without a person's decision."""

    code = "903"


class NotConform(errors.BusinessRule):
    """The document does not conform."""

    def __init__(self, found: Finding) -> None:
        super().__init__(found.sentence, path=found.path)
        self.code = found.code or None  # type: ignore[misc]


def refuse(findings: list[Finding]) -> list[Finding]:
    """The same findings, when none of them is an error."""
    for found in findings:
        if found.severity is Severity.ERROR:
            raise NotConform(found)
    return findings


async def check_identity(
    unit: Unit, cid: int, claim: InsClaim | None, traits: Traits, profile: Profile, path: str
) -> list[Finding]:
    """Refuse a document whose identity is not the record's; what is only doubtful is found."""
    known = await queries.identity(unit.conn, cid)
    if known is None:
        return []
    if claim is not None and known.ins is not None and claim.value != known.ins:
        raise OtherIns(path=path)
    if _differ(traits, known):
        raise OtherTraits(path=path)
    doubts = []
    if claim is not None and known.ins is None:
        doubts.append("record-without-ins")
    elif claim is not None and claim.system != known.ins_system:
        doubts.append("ins-other-system")
    if traits.birth_place and known.birth_place and traits.birth_place != known.birth_place:
        doubts.append("birth-place-differs")
    return refuse([finding(rule, path, profile) for rule in doubts])


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


def source_patient(resource: dict[str, Any]) -> tuple[InsClaim | None, Traits] | None:
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
    return claim, Traits(
        birth_name=birth.get("family"),
        birth_given_names=None,
        first_given_name=" ".join(birth.get("given", [])) or None,
        birth_date=_date(patient.get("birthDate")),
        sex=Sex(sex) if sex in ("male", "female") else None,
        birth_place=None,
    )


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text and len(str(text)) == 10 else None
    except ValueError:
        return None
