# SPDX-License-Identifier: EUPL-1.2
"""Medicines in entries: the product, and how it is taken.

Source: ANS, CI-SIS, FR-Traitement (3.42), FR-Traitement-prescrit (3.83), FR-Produit-de-sante (3.43), as
the published examples write them.
"""

from datetime import timedelta

from carnet.population.cda.elements import (
    ATC_OID,
    CIM_10_OID,
    CIS_OID,
    EDQM_OID,
    coded,
    day,
    done,
    leaf,
    pointer,
    tag,
    templates,
    told_at,
)
from carnet.population.cda.header import ACT_OID
from carnet.population.cda.sections import Grid, Row
from carnet.population.treatment import Line, Medicine

TREATMENT = (
    "2.16.840.1.113883.10.20.1.24",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7",
    "1.2.250.1.213.1.1.3.42",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.1",
)
PRESCRIBED = (
    "2.16.840.1.113883.10.20.1.24",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7",
    "1.3.6.1.4.1.19376.1.9.1.3.2",
    "1.2.250.1.213.1.1.3.83",
    "1.3.6.1.4.1.19376.1.9.1.3.6",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.1",
)
PRODUCT = (
    "2.16.840.1.113883.10.20.1.53",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.2",
    "1.2.250.1.213.1.1.3.43",
)
MATERIAL = ("1.3.6.1.4.1.19376.1.9.1.3.1",)
REASON = ("1.3.6.1.4.1.19376.1.5.3.1.4.4.1", "1.2.250.1.213.1.1.3.36")

COLUMNS = ("Médicament", "Posologie", "Motif", "Depuis")


def grid(lines: tuple[Line, ...], prefix: str) -> Grid:
    """The table people read: medicine, posology, reason, since when."""
    rows = (
        Row(
            (
                line.medicine.name,
                line.told,
                line.reason.name if line.reason else "",
                f"{line.since:%d/%m/%Y}",
            ),
            f"{prefix}-{number:02}",
        )
        for number, line in enumerate(lines, 1)
    )
    return Grid((5, 4, 4, 2), COLUMNS, tuple(rows))


def treatment(line: Line, anchor: str, name: str) -> str:
    """A line of a list of treatments, as something that goes on."""
    return tag(
        "substanceAdministration",
        templates(*TREATMENT),
        tag("id", root=name),
        coded("code", ACT_OID, "DRUG", "Médicament"),
        told_at(anchor),
        done(),
        tag(
            "effectiveTime",
            day(line.since, "low"),
            tag("high", nullFlavor="UNK"),
            **{"xsi:type": "IVL_TS"},
        ),
        *_how(line),
        tag("consumable", product(line.medicine, anchor)),
        _reason(line),
        classCode="SBADM",
        moodCode="EVN",
    )


def prescribed(line: Line, anchor: str, name: str, days: int, more: str) -> str:
    """A line of a prescription. days: for how long; more: what the prescription adds."""
    end = line.since + timedelta(days=line.days or days)
    return tag(
        "substanceAdministration",
        templates(*PRESCRIBED),
        tag("id", root=name),
        coded("code", ACT_OID, "DRUG", "Médicament"),
        told_at(anchor),
        done(),
        tag(
            "effectiveTime",
            day(line.since, "low"),
            day(end, "high"),
            **{"xsi:type": "IVL_TS"},
        ),
        *_how(line),
        tag("consumable", product(line.medicine, anchor)),
        _reason(line),
        more,
        classCode="SBADM",
        moodCode="INT",
    )


def _how(line: Line) -> tuple[str, ...]:
    medicine = line.medicine
    amount = str(line.take)
    rhythm = ""
    if line.every:
        period = tag("period", value=str(line.every), unit="h")
        rhythm = tag("effectiveTime", period, operator="A", **{"xsi:type": "PIVL_TS"})
    dose = tag(
        "doseQuantity",
        tag("low", value=amount, unit=medicine.unit),
        tag("high", value=amount, unit=medicine.unit),
    )
    return (rhythm, route(medicine), dose)


def route(medicine: Medicine) -> str:
    """How it is given, where the code is known."""
    if medicine.route_code is None:
        return ""
    return coded("routeCode", EDQM_OID, medicine.route_code, medicine.route)


def product(medicine: Medicine, anchor: str, *more: str) -> str:
    """The product: its CIS when it is known, its ATC class, its name. more: elements of a box."""
    name = medicine.brand or medicine.name
    atc = coded("translation", ATC_OID, medicine.atc, medicine.inn)
    code = (
        coded("code", CIS_OID, medicine.cis, name, pointer(anchor), atc)
        if medicine.cis
        else tag("code", pointer(anchor), atc, nullFlavor="UNK")
    )
    form = (
        coded("formCode", EDQM_OID, medicine.form_code, medicine.form) if medicine.form_code else ""
    )
    return tag(
        "manufacturedProduct",
        templates(*PRODUCT),
        tag(
            "manufacturedMaterial",
            templates(*MATERIAL),
            code,
            leaf("name", name),
            form,
            *more,
            classCode="MMAT",
            determinerCode="KIND",
        ),
        classCode="MANU",
    )


def _reason(line: Line) -> str:
    reason = line.reason
    if reason is None or reason.code is None or reason.label is None:
        return ""
    act = tag(
        "act",
        templates(*REASON),
        coded("code", CIM_10_OID, reason.code, reason.label),
        classCode="ACT",
        moodCode="EVN",
    )
    return tag("entryRelationship", act, typeCode="RSON")
