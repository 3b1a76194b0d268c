# SPDX-License-Identifier: EUPL-1.2
"""Imaging: the request (55115-0) and the report (18748-4), level 3.

Source: ANS, CI-SIS, volets Demande d'acte d'imagerie and CR d'imagerie 2024.01, and their examples.
"""

from dataclasses import dataclass

from carnet.population.cda.elements import (
    LOINC_OID,
    TA_ASIP_OID,
    coded,
    day,
    done,
    loinc,
    oid,
    pointer,
    tag,
    templates,
    time,
    told_at,
)
from carnet.population.cda.header import Act, Header
from carnet.population.cda.sections import Grid, Model, Row, Section

DCM_OID = "1.2.840.10008.2.16.4"
REPORT_TYPE = ("18748-4", "CR d'imagerie médicale")
REQUEST_TYPE = ("55115-0", "Demande d'actes d'imagerie")
REPORT = Model(
    (
        "1.2.840.10008.9.1",
        "1.2.840.10008.9.20",
        "1.2.840.10008.9.21",
        "1.2.250.1.213.1.1.1.45^2024.01",
    ),
    Act(*REPORT_TYPE),
)
REQUEST = Model(("1.2.840.10008.9.20", "1.2.250.1.213.1.1.1.47^2024.01"), Act(*REQUEST_TYPE))

CLINICAL = ("1.2.840.10008.9.2", "1.2.250.1.213.1.1.2.205")
ASKED = ("1.2.840.10008.9.7", "1.2.250.1.213.1.1.2.211")
DONE = ("1.2.840.10008.9.3", "1.2.250.1.213.1.1.2.206")
PROCEDURE = ("1.2.840.10008.9.14", "1.2.250.1.213.1.1.3.153")
FOUND = ("2.16.840.1.113883.10.20.6.1.2", "1.2.250.1.213.1.1.2.208")
COMPARED = ("1.2.840.10008.9.4", "1.2.250.1.213.1.1.2.207")
CONCLUSIONS = ("1.2.840.10008.9.5", "1.2.250.1.213.1.1.2.209")
PLAN = (
    "2.16.840.1.113883.10.20.1.10",
    "1.3.6.1.4.1.19376.1.5.3.1.3.36",
    "1.2.250.1.213.1.1.2.158",
    "1.2.250.1.213.1.1.2.158.3",
)
PLANNED = (
    "1.3.6.1.4.1.19376.1.5.3.1.1.20.3.1",
    "2.16.840.1.113883.10.20.1.25",
    "1.2.250.1.213.1.1.3.27",
    "1.2.250.1.213.1.1.3.27.3",
)
MODALITIES = {
    "DX": "Radiographie numérique",
    "US": "Ultrasons",
    "CT": "Tomodensitométrie",
    "MR": "Résonance magnétique",
    "MG": "Mammographie",
}


@dataclass(frozen=True, slots=True)
class Imaging:
    """An act of imaging: LOINC code, modality (DCM), what it is asked for and how it is done."""

    key: str
    title: str
    code: str
    label: str
    modality: str
    asked: str  # JDV_Modalite-demandeActeImagerie
    asked_label: str
    site: str
    reason: str
    technique: str


def act(imaging: Imaging) -> Act:
    """What was done, for the head of a report."""
    return Act(imaging.code, imaging.label, LOINC_OID)


def report(
    header: Header, imaging: Imaging, results: str, conclusion: str, before: str | None
) -> list[Section]:
    """The sections of a report. before: what it is compared with."""
    procedure = tag(
        "procedure",
        templates(*PROCEDURE),
        tag("id", root=oid(header.unique_id, "act")),
        loinc(imaging.code, imaging.label, pointer("acte-01")),
        told_at("acte-01"),
        done(),
        time(header.performed[0], "effectiveTime"),
        coded("methodCode", DCM_OID, imaging.modality, MODALITIES[imaging.modality]),
        classCode="PROC",
        moodCode="EVN",
    )
    made = Grid(
        (4, 8), ("Acte", "Technique"), (Row((imaging.title, imaging.technique), "acte-01"),)
    )
    compared = () if before is None else (_compared(before),)
    return [
        _clinical(imaging),
        Section(
            "55111-9", "Description de l'acte d'imagerie", "Technique d'imagerie", DONE,
            (), made, (procedure,),
        ),
        Section("59776-5", "Résultats de l'acte", "Résultats", FOUND, (results,)),
        *compared,
        Section("19005-8", "Conclusions", "Conclusion", CONCLUSIONS, (conclusion,)),
    ]  # fmt: skip


def request(header: Header, imaging: Imaging) -> list[Section]:
    """The sections of a request."""
    system = TA_ASIP_OID if imaging.asked.startswith("MED-") else DCM_OID
    planned = tag(
        "observation",
        templates(*PLANNED),
        tag("id", root=oid(header.unique_id, "asked")),
        coded("code", system, imaging.asked, imaging.asked_label, pointer("acte-01")),
        told_at("acte-01"),
        done("active"),
        day(header.effective),
        classCode="OBS",
        moodCode="INT",
    )
    wanted = Grid(
        (5, 4, 3),
        ("Acte demandé", "Modalité", "Localisation"),
        (Row((imaging.title, imaging.asked_label, imaging.site), "acte-01"),),
    )
    return [
        _clinical(imaging),
        Section(
            "18776-5", "Plan de soins", "Acte d'imagerie demandé", PLAN, (), wanted, (planned,)
        ),
    ]


def _clinical(imaging: Imaging) -> Section:
    why = Section(
        "55115-0", "Demande", "Justification de la demande d'examen", ASKED, (imaging.reason,)
    )
    return Section(
        "55752-0", "Informations cliniques", "Informations cliniques", CLINICAL, inner=(why,)
    )


def _compared(before: str) -> Section:
    return Section(
        "18834-2",
        "Examen de comparaison radiologique",
        "Comparaison avec des résultats antérieurs",
        COMPARED,
        (before,),
    )
