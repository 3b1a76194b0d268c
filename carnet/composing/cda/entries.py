# SPDX-License-Identifier: EUPL-1.2
"""Entries of CDA from FHIR resources: problems, allergies, acts, treatments, observations.

Each has the templates of CCD, of IHE PCC and of the CI-SIS that its published examples claim.
Its words are in the narrative of its section, at `anchor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from carnet.composing.cda import codes
from carnet.composing.cda.codes import coded, date, interval, listed, mapping
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.model import Json

CONCERN: Final = ("2.16.840.1.113883.10.20.1.27", "1.3.6.1.4.1.19376.1.5.3.1.4.5.1")
PROBLEMS: Final = (*CONCERN, "1.3.6.1.4.1.19376.1.5.3.1.4.5.2", "1.2.250.1.213.1.1.3.39")
ALLERGIES: Final = (*CONCERN, "1.3.6.1.4.1.19376.1.5.3.1.4.5.3", "1.2.250.1.213.1.1.3.40")
PROBLEM: Final = (
    "2.16.840.1.113883.10.20.1.28", "1.3.6.1.4.1.19376.1.5.3.1.4.5", "1.2.250.1.213.1.1.3.37",
)  # fmt: skip
ALLERGY: Final = (
    "2.16.840.1.113883.10.20.1.18", "2.16.840.1.113883.10.20.1.28", "1.3.6.1.4.1.19376.1.5.3.1.4.5",
    "1.3.6.1.4.1.19376.1.5.3.1.4.6", "1.2.250.1.213.1.1.3.41",
)  # fmt: skip
STATUS: Final = (
    "2.16.840.1.113883.10.20.1.50", "2.16.840.1.113883.10.20.1.57",
    "1.3.6.1.4.1.19376.1.5.3.1.4.1.1", "1.2.250.1.213.1.1.3.30",
)  # fmt: skip
ACT: Final = (
    "2.16.840.1.113883.10.20.1.29", "1.3.6.1.4.1.19376.1.5.3.1.4.19", "1.2.250.1.213.1.1.3.62",
)  # fmt: skip
TREATMENT: Final = (
    "2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.7", "1.2.250.1.213.1.1.3.42",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.1",
)  # fmt: skip
PRODUCT: Final = (
    "2.16.840.1.113883.10.20.1.53", "1.3.6.1.4.1.19376.1.5.3.1.4.7.2", "1.2.250.1.213.1.1.3.43",
)  # fmt: skip
OBSERVATION: Final = ("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48")
INSTRUCTION: Final = (
    "2.16.840.1.113883.10.20.1.49", "1.3.6.1.4.1.19376.1.5.3.1.4.3", "1.2.250.1.213.1.1.3.33",
)  # fmt: skip
# FHIR condition-clinical and its like, as the CI-SIS codes them since 2022 (JDV of statuses).
STATES: Final = "2.16.840.1.113883.4.642.4.1373"
STATE_WORDS: Final = {
    "active": "Actif", "recurrence": "Récidive", "relapse": "Rechute", "inactive": "Inactif",
    "remission": "Rémission", "resolved": "Résolu",
}  # fmt: skip
OVER: Final = frozenset({"inactive", "remission", "resolved"})
Number = Callable[[Json | None], Element]  # the id of an entry: its resource's own, else a new one


def _status(resource: Json) -> str:
    return next(
        (
            str(each.get("code"))
            for each in listed(mapping(resource.get("clinicalStatus")).get("coding"))
        ),
        "active",
    )


def _denied(resource: Json) -> bool:
    held = listed(mapping(resource.get("verificationStatus")).get("coding"))
    return any(each.get("code") == "refuted" for each in held)


def _told(anchor: str) -> Element:
    return tag("text", tag("reference", value=f"#{anchor}"))


def _state(status: str, anchor: str) -> Element:
    return tag(
        "entryRelationship",
        tag(
            "observation",
            *templates(*STATUS),
            codes.loinc("33999-4", "Statut"),
            _told(anchor),
            tag("statusCode", code="completed"),
            tag("value", kind="CE", code=status, displayName=STATE_WORDS.get(status, status),
                codeSystem=STATES),
            classCode="OBS",
            moodCode="EVN",
        ),
        typeCode="REFR",
        inversionInd="false",
    )  # fmt: skip


def problem(resource: Json, anchor: str, number: Number) -> Element:
    """A Condition, in a concern of its own."""
    status = _status(resource)
    over = status in OVER
    begins = resource.get("onsetDateTime") or mapping(resource.get("onsetPeriod")).get("start")
    ends = resource.get("abatementDateTime") or mapping(resource.get("abatementPeriod")).get("end")
    ends = (ends or "?") if over else None  # an end nobody dated is unknown, not absent
    concept = resource.get("code")
    observed = tag(
        "observation",
        *templates(*PROBLEM),
        number(resource),
        codes.code("code", "282291009", codes.SNOMED, "interprétation diagnostique", "SNOMED CT"),
        _told(anchor),
        tag("statusCode", code="completed"),
        interval("effectiveTime", begins, ends),
        coded("value", concept, anchor, "CD"),
        _state(status, anchor),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if _denied(resource) else "false",
    )
    return _concern(PROBLEMS, "completed" if over else "active", begins, ends, observed, number)


def _concern(
    roots: tuple[str, ...],
    status: str,
    begins: object,
    ends: object,
    observed: Element,
    number: Number,
) -> Element:
    return tag(
        "act",
        *templates(*roots),
        number(None),
        tag("code", nullFlavor="NA"),
        tag("statusCode", code=status),
        interval("effectiveTime", begins, ends),
        tag("entryRelationship", observed, typeCode="SUBJ", inversionInd="false"),
        classCode="ACT",
        moodCode="EVN",
    )


def allergy(resource: Json, anchor: str, number: Number) -> Element:
    """An AllergyIntolerance, in a concern of its own; nothing known is said in the place of the value."""
    status = _status(resource)
    categories = resource.get("category")
    category = str(categories[0]) if isinstance(categories, list) and categories else ""
    kinds = codes.table("allergies")
    wanted = str(resource.get("type") or ("allergy" if category else ""))
    kind = kinds.get(f"{wanted}/{category}") or kinds.get(f"{wanted}/") or kinds["/"]
    concept = resource.get("code")
    absent = any(oid == "2.16.840.1.113883.5.1150.1" for _, oid, _, _ in codes.codings(concept))
    agent = tag(
        "participant",
        tag(
            "participantRole",
            tag(
                "playingEntity",
                coded("code", concept, anchor),
                tag("name", text=codes.said(concept)),
                classCode="MMAT",
            ),
            classCode="MANU",
        ),
        typeCode="CSM",
    )
    observed = tag(
        "observation",
        *templates(*ALLERGY),
        number(resource),
        codes.code("code", kind[0], codes.SNOMED, kind[1], "SNOMED CT"),
        _told(anchor),
        tag("statusCode", code="completed"),
        interval("effectiveTime", resource.get("onsetDateTime"), None),
        coded("value", concept, anchor, "CD") if absent else None,
        None if absent else agent,
        _state(status, anchor),
        classCode="OBS",
        moodCode="EVN",
        negationInd="true" if _denied(resource) else "false",
    )
    over = status in OVER
    state, ends = ("completed", "?") if over else ("active", None)
    return _concern(ALLERGIES, state, resource.get("onsetDateTime"), ends, observed, number)


def procedure(resource: Json, anchor: str, number: Number) -> Element:
    """A Procedure that took place."""
    period = mapping(resource.get("performedPeriod"))
    at = date(resource.get("performedDateTime"))
    when = (
        tag("effectiveTime", value=at)
        if at
        else interval("effectiveTime", period.get("start"), period.get("end"))
        if period
        else tag("effectiveTime", nullFlavor="UNK")
    )
    return tag(
        "procedure",
        *templates(*ACT),
        number(resource),
        coded("code", resource.get("code"), anchor),
        _told(anchor),
        tag("statusCode", code="completed"),
        when,
        classCode="PROC",
        moodCode="EVN",
    )


def treatment(resource: Json, anchor: str, number: Number) -> Element:
    """A medicine that is taken: MedicationStatement, MedicationRequest or MedicationDispense."""
    key = "dosage" if resource["resourceType"] == "MedicationStatement" else "dosageInstruction"
    dosage: Mapping[str, object] = next(iter(listed(resource.get(key))), {})
    period = mapping(resource.get("effectivePeriod")) or mapping(
        mapping(mapping(dosage.get("timing")).get("repeat")).get("boundsPeriod")
    )
    begins = (
        period.get("start")
        or resource.get("effectiveDateTime")
        or resource.get("authoredOn")
        or resource.get("whenHandedOver")
    )
    concept = resource.get("medicationCodeableConcept")
    instruction = str(dosage.get("text") or dosage.get("patientInstruction") or "")
    return tag(
        "substanceAdministration",
        *templates(*TREATMENT),
        number(resource),
        codes.code("code", "DRUG", "2.16.840.1.113883.5.4", "Médicament", "HL7:ActCode"),
        _told(anchor),
        tag("statusCode", code="completed"),
        interval("effectiveTime", begins, period.get("end") or "?", kind="IVL_TS"),
        _rhythm(dosage),
        coded("routeCode", dosage["route"]) if dosage.get("route") else None,
        _dose(dosage),
        tag(
            "consumable",
            tag(
                "manufacturedProduct",
                *templates(*PRODUCT),
                tag(
                    "manufacturedMaterial",
                    coded("code", concept, anchor),
                    tag("name", text=codes.said(concept)),
                ),
            ),
        ),
        _instruction(f"{anchor}-posologie", number) if instruction else None,
        classCode="SBADM",
        moodCode="EVN",
    )


def _rhythm(dosage: Mapping[str, object]) -> Element | None:
    """So many times in a period, as the time between two."""
    repeat = mapping(mapping(dosage.get("timing")).get("repeat"))
    length, times = codes.number(repeat.get("period")), codes.number(repeat.get("frequency", 1))
    unit = repeat.get("periodUnit")
    if length is None or times is None or Decimal(length) <= 0 or Decimal(times) <= 0:
        return None
    between = Decimal(length) / Decimal(times)
    hours = {"d": 24, "wk": 168}
    if unit in hours and between != between.to_integral_value():
        between, unit = between * hours[str(unit)], "h"
    if unit not in ("s", "min", "h", "d", "wk", "mo", "a"):
        return None
    shown = f"{between:.6f}".rstrip("0").rstrip(".")
    return tag(
        "effectiveTime", tag("period", value=shown, unit=str(unit)), kind="PIVL_TS", operator="A"
    )


def _dose(dosage: Mapping[str, object]) -> Element | None:
    rate: Mapping[str, object] = next(iter(listed(dosage.get("doseAndRate"))), {})
    amount = mapping(rate.get("doseQuantity"))
    value = codes.number(amount.get("value"))
    if value is None:
        return None
    unit = str(amount.get("code") or amount.get("unit") or "1").replace(" ", "_")
    if "code" not in amount and unit != "1":
        unit = f"{{{unit.strip('{}')}}}"  # a unit in words is an annotation of UCUM
    ends = (tag(end, value=value, unit=unit) for end in ("low", "high"))
    return tag("doseQuantity", *ends)


def _instruction(anchor: str, number: Number) -> Element:
    """How it is taken, in the words of who prescribed it."""
    return tag(
        "entryRelationship",
        tag(
            "act",
            *templates(*INSTRUCTION),
            tag("code", code="PINSTRUCT", codeSystem="1.3.6.1.4.1.19376.1.5.3.2",
                codeSystemName="IHEActCode"),
            _told(anchor),
            tag("statusCode", code="completed"),
            classCode="ACT",
            moodCode="INT",
        ),
        typeCode="SUBJ",
        inversionInd="true",
    )  # fmt: skip


def observation(resource: Json, anchor: str, number: Number) -> Element:
    """A simple Observation; `template` names the CI-SIS template it refines."""
    own = resource.get("template")
    when = date(resource.get("effectiveDateTime"))
    return tag(
        "observation",
        *templates(*OBSERVATION, *([str(own)] if own else [])),
        number(resource),
        coded("code", resource.get("code")),
        _told(anchor),
        tag("statusCode", code="completed"),
        tag("effectiveTime", value=when) if when else tag("effectiveTime", nullFlavor="UNK"),
        _value(resource, anchor),
        classCode="OBS",
        moodCode="EVN",
    )


def _value(resource: Json, anchor: str) -> Element | None:
    if "valueBoolean" in resource:
        return tag("value", kind="BL", value="true" if resource["valueBoolean"] else "false")
    if "valueCodeableConcept" in resource:
        return coded("value", resource["valueCodeableConcept"], anchor, "CD")
    if "valueQuantity" in resource:
        amount = mapping(resource["valueQuantity"])
        unit = str(amount.get("code") or amount.get("unit") or "1")
        return tag("value", kind="PQ", value=codes.number(amount.get("value")), unit=unit)
    if "valueString" in resource:
        return tag("value", kind="ST", text=str(resource["valueString"]))
    if "dataAbsentReason" in resource:  # of a question that yes or no answers
        return tag("value", kind="BL", nullFlavor="UNK")
    return None


WRITERS: Final = {
    "problem": problem,
    "history": problem,
    "procedure": procedure,
    "allergy": allergy,
    "treatment": treatment,
    "stopped": treatment,
    "observation": observation,
}


def own_number(resource: Json | None) -> tuple[str, str | None] | None:
    """The number a resource already has of its own: root and extension."""
    for each in listed((resource or {}).get("identifier")):
        where, value = str(each.get("system", "")), str(each.get("value", ""))
        oid = value.removeprefix("urn:oid:")
        if where == "urn:ietf:rfc:3986" and codes.OID.fullmatch(oid):
            return oid, None
        if where == "urn:ietf:rfc:3986" and value.startswith("urn:uuid:"):
            try:
                return str(UUID(value[9:])).upper(), None
            except ValueError:
                continue
        root = where.removeprefix("urn:oid:")
        if value and codes.OID.fullmatch(root):
            return root, value
    return None
