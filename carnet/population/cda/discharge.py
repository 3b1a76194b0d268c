# SPDX-License-Identifier: EUPL-1.2
"""Letters at the end of a stay (LDL-SES, 11490-0), level 3.

Source: ANS, CI-SIS, volet LDL-SES 2022.01 and its example.
"""

from collections.abc import Sequence

from carnet.population.cda import medicines
from carnet.population.cda.elements import (
    SNOMED_OID,
    TA_ASIP_OID,
    coded,
    day,
    done,
    leaf,
    oid,
    tag,
    templates,
    told_at,
    typed,
)
from carnet.population.cda.header import ACT_OID, Act, Header
from carnet.population.cda.sections import Grid, Model, Row, Section
from carnet.population.cda.synthesis import allergy_section
from carnet.population.treatment import Allergy, Line

TYPE = ("11490-0", "Lettre de liaison à la sortie d'un établissement de soins")
MODEL = Model(
    ("1.2.250.1.213.1.1.1.29^2022.01",),
    Act("IMP", "Hospitalisation (établissement, y compris HAD)", ACT_OID),
)
STATUS = ("1.2.250.1.213.1.1.2.35", "1.2.250.1.213.1.1.2.35.1")
REASON = ("1.3.6.1.4.1.19376.1.5.3.1.3.1", "1.2.250.1.213.1.1.2.127")
EVENTS = (
    "1.3.6.1.4.1.19376.1.5.3.1.1.21.2.9",
    "1.3.6.1.4.1.19376.1.7.3.1.1.13.7",
    "1.2.250.1.213.1.1.2.163",
    "1.2.250.1.213.1.1.2.163.1",
)
TREATMENTS_OUT = ("1.3.6.1.4.1.19376.1.5.3.1.3.22", "1.2.250.1.213.1.1.2.146")
PLAN = (
    "2.16.840.1.113883.10.20.1.10",
    "1.3.6.1.4.1.19376.1.5.3.1.3.36",
    "1.2.250.1.213.1.1.2.158",
)
OBSERVATION = ("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48")


def sections(
    header: Header,
    reason: str,
    story: Sequence[str],
    lines: tuple[Line, ...],
    follow: Sequence[str],
    allergies: Sequence[Allergy],
) -> list[Section]:
    """The sections of the letter. story: what happened. follow: what is to be done next."""
    rows = (
        ("Synthèse médicale", " ".join(story)),
        ("Évènements indésirables", "Aucun"),
        ("Transfusion", "Non"),
        ("Dérivés du sang", "Non"),
    )
    coded_as: tuple[tuple[str, str, str, str | bool], ...] = (
        ("MED-142", "Synthèse médicale", "9", " ".join(story)),
        ("MED-143", "Evènements indésirables survenus pendant l'hospitalisation", "3", "Aucun"),
        ("MED-145", "Transfusion de produits sanguins", "10", False),
        ("MED-147", "Administration de dérivés du sang", "2", False),
    )
    anchors = [f"sejour-{number:02}" for number in range(1, len(rows) + 1)]
    events = Grid(
        (3, 9),
        ("Sujet", "Constat"),
        tuple(Row(row, anchor) for row, anchor in zip(rows, anchors, strict=True)),
    )
    return [
        _status(header),
        Section("42349-1", "Raison de la recommandation", "Motif de l'hospitalisation", REASON,
                (reason,)),
        Section(
            "42545-4", "Evènements observés", "Synthèse médicale du séjour", EVENTS, (), events,
            tuple(
                _observed(header, anchor, *code)
                for code, anchor in zip(coded_as, anchors, strict=True)
            ),
        ),
        Section(
            "10183-2", "Traitements à la sortie", "Traitements à la sortie", TREATMENTS_OUT,
            () if lines else ("Aucun traitement.",),
            medicines.grid(lines, "sortie") if lines else None,
            tuple(
                medicines.treatment(line, f"sortie-{n:02}", oid(header.unique_id, "out", n))
                for n, line in enumerate(lines, 1)
            ),
        ),
        Section("18776-5", "Plan de soins", "Suites à donner", PLAN, tuple(follow)),
        allergy_section(header, allergies),
    ]  # fmt: skip


def _status(header: Header) -> Section:
    value = typed(
        "value", "CD", code="385651009", displayName="en cours d'exécution",
        codeSystem=SNOMED_OID, codeSystemName="SNOMED CT",
    )  # fmt: skip
    entry = tag(
        "observation",
        templates(*OBSERVATION, "1.2.250.1.213.1.1.3.48.16", "1.2.250.1.213.1.1.3.48.16.1"),
        tag("id", root=oid(header.unique_id, "status")),
        coded("code", TA_ASIP_OID, "GEN-065", "Statut du document"),
        told_at("statut"),
        done(),
        day(header.effective),
        value,
        classCode="OBS",
        moodCode="EVN",
    )
    grid = Grid((1,), ("Statut",), (Row(("Document en cours d'exécution",), "statut"),))
    return Section("33557-0", "Etat d'achèvement", "Statut du document", STATUS, (), grid, (entry,))


def _observed(
    header: Header, anchor: str, code: str, label: str, template: str, value: str | bool
) -> str:
    said = (
        typed("value", "BL", value="true" if value else "false")
        if isinstance(value, bool)
        else leaf("value", value, **{"xsi:type": "ST"})
    )
    return tag(
        "observation",
        templates(*OBSERVATION, f"1.2.250.1.213.1.1.3.48.{template}"),
        tag("id", root=oid(header.unique_id, code)),
        coded("code", TA_ASIP_OID, code, label),
        told_at(anchor),
        done(),
        day(header.effective),
        said,
        classCode="OBS",
        moodCode="EVN",
    )
