# SPDX-License-Identifier: EUPL-1.2
"""Rapid tests at the pharmacy (TROD, 96173-0), level 3. Source: ANS, CI-SIS, volet BIO-TROD 2024.01."""

from dataclasses import dataclass

from carnet.population.cda.elements import (
    CIM_10_OID,
    SNOMED_OID,
    done,
    loinc,
    oid,
    pointer,
    tag,
    templates,
    time,
    typed,
)
from carnet.population.cda.header import Act, Header
from carnet.population.cda.laboratory import CHAPTER, RESULT, RESULTS
from carnet.population.cda.sections import Grid, Model, Row, Section

TYPE = ("96173-0", "Test rapide d'orientation diagnostique")
ANGINA = Model(
    ("1.3.6.1.4.1.19376.1.5.3.1.1.1", "1.2.250.1.213.1.1.1.59^2024.01"),
    Act("J02.0", "Pharyngite à streptocoques", CIM_10_OID),
)
VALUES = {True: ("10828004", "positif"), False: ("260385009", "négatif")}


@dataclass(frozen=True, slots=True)
class Test:
    """A test: LOINC code, and what people call it."""

    code: str
    label: str
    name: str


STREPTOCOCCUS = Test(  # source: ANS, BIO-TROD_2024.01_Angine
    "78012-2",
    "Streptococcus pyogenes Ag [Présence/Seuil] Gorge ; Qualitatif",
    "Streptocoque du groupe A",
)


def sections(header: Header, test: Test, positive: bool) -> list[Section]:
    """The section of one test."""
    code, label = VALUES[positive]
    grid = Grid((6, 3), ("Test", "Résultat"), (Row((test.name, label), "examen-1"),))
    observation = tag(
        "observation",
        templates(*RESULT),
        tag("id", root=oid(header.unique_id, "result")),
        loinc(test.code, test.label, pointer("examen-1")),
        done(),
        time(header.performed[0], "effectiveTime"),
        typed(
            "value", "CD", code=code, displayName=label, codeSystem=SNOMED_OID,
            codeSystemName="SNOMED CT",
        ),
        classCode="OBS",
        moodCode="EVN",
    )  # fmt: skip
    act = tag(
        "act",
        templates(*RESULTS),
        loinc("92894-5", "Sérologie bactérienne"),
        done(),
        tag("entryRelationship", observation, typeCode="COMP"),
        classCode="ACT",
        moodCode="EVN",
    )
    title = "Résultat du test rapide d'orientation diagnostique"
    return [Section("18725-2", "Microbiologie", title, CHAPTER, (), grid, (act,))]
