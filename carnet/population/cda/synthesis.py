# SPDX-License-Identifier: EUPL-1.2
"""The summary a médecin traitant keeps (VSM), level 3: problems, history, allergies, risks, treatment.

Source: ANS, CI-SIS, volet VSM and its example, with the type code in force (60591-5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from carnet.population.cda import medicines
from carnet.population.cda.elements import (
    ATC_OID,
    CIM_10_OID,
    SNOMED_OID,
    coded,
    day,
    done,
    leaf,
    oid,
    pointer,
    tag,
    templates,
    told_at,
    typed,
)
from carnet.population.cda.header import Act, Header
from carnet.population.cda.sections import Grid, Model, Row, Section
from carnet.population.treatment import Allergy, Line

TYPE = ("60591-5", "Synthèse médicale")
MODEL = Model(("1.2.250.1.213.1.1.1.13^201310",), Act("34117-2", "Historique et clinique"))

CONCERN = (
    "2.16.840.1.113883.10.20.1.27",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5.1",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5.2",
    "1.2.250.1.213.1.1.3.39",
)
PROBLEM = (
    "2.16.840.1.113883.10.20.1.28",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5",
    "1.2.250.1.213.1.1.3.37",
)
ALLERGY_CONCERN = (
    "2.16.840.1.113883.10.20.1.27",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5.1",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5.3",
    "1.2.250.1.213.1.1.3.40",
)
ALLERGY = (
    "2.16.840.1.113883.10.20.1.18",
    "2.16.840.1.113883.10.20.1.28",
    "1.3.6.1.4.1.19376.1.5.3.1.4.5",
    "1.3.6.1.4.1.19376.1.5.3.1.4.6",
    "1.2.250.1.213.1.1.3.41",
)
CONCLUSIONS = ("1.2.250.1.213.1.1.2.29",)
HISTORY_AND_CLINIC = ("1.2.250.1.213.1.1.2.30",)
PROBLEMS = (
    "2.16.840.1.113883.10.20.1.11",
    "1.3.6.1.4.1.19376.1.5.3.1.3.6",
    "1.2.250.1.213.1.1.2.132",
)
PAST = ("1.3.6.1.4.1.19376.1.5.3.1.3.8", "1.2.250.1.213.1.1.2.134")
ALLERGIES = (
    "2.16.840.1.113883.10.20.1.2",
    "1.3.6.1.4.1.19376.1.5.3.1.3.13",
    "1.2.250.1.213.1.1.2.137",
)
RISKS = ("1.2.250.1.213.1.1.2.31",)
LIFE = (
    "2.16.840.1.113883.10.20.1.15",
    "1.3.6.1.4.1.19376.1.5.3.1.3.16",
    "1.3.6.1.4.1.19376.1.5.3.1.3.16.1",
    "1.2.250.1.213.1.1.2.141",
)
RESULTS = ("1.3.6.1.4.1.19376.1.5.3.1.3.27", "1.2.250.1.213.1.1.2.150")
PLAN = ("1.2.250.1.213.1.1.2.32",)
TREATMENTS = (
    "2.16.840.1.113883.10.20.1.8",
    "1.3.6.1.4.1.19376.1.5.3.1.3.19",
    "1.2.250.1.213.1.1.2.143",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person has or had: a CIM-10 code where it is known, and since when."""

    name: str
    code: str | None
    label: str | None
    since: date
    until: date | None = None


def sections(
    header: Header,
    problems: Sequence[Problem],
    past: Sequence[Problem],
    allergies: Sequence[Allergy],
    life: Sequence[str],
    points: Sequence[str],
    lines: tuple[Line, ...],
) -> list[Section]:
    """The sections of a summary. life: habits. points: what to be careful with."""
    clinic = Section(
        "34117-2",
        "Historique et physique",
        "Pathologies en cours, antécédents et allergies",
        HISTORY_AND_CLINIC,
        inner=(
            _problems(
                header, "11450-4", "Liste des problèmes actifs", "Pathologies en cours", PROBLEMS,
                problems, "Aucune pathologie en cours connue.",
            ),
            _problems(
                header, "11348-0", "Antécédents médicaux", "Antécédents médicaux", PAST, past,
                "Aucun antécédent connu.",
            ),
            allergy_section(header, allergies),
        ),
    )  # fmt: skip
    return [
        Section(
            "46612-8",
            "Conclusions de synthèse",
            "Pathologies en cours, antécédents, allergies et facteurs de risque",
            CONCLUSIONS,
            inner=(
                clinic,
                Section(
                    "57207-3",
                    "Facteurs de risque présents ou passés affectant l'état de santé",
                    "Facteurs de risque",
                    RISKS,
                    inner=(
                        Section(
                            "29762-2", "Habitus, Mode de vie", "Mode de vie", LIFE, tuple(life)
                        ),
                    ),
                ),
            ),
        ),
        Section("30954-2", "Résultats d'examens", "Points de vigilance", RESULTS, tuple(points)),
        Section(
            "18776-5",
            "Plan de traitement",
            "Traitement au long cours",
            PLAN,
            inner=(treatment_section(header, lines),),
        ),
    ]


def treatment_section(header: Header, lines: tuple[Line, ...]) -> Section:
    """The list of treatments, as a summary has it."""
    return Section(
        "10160-0",
        "Traitements",
        "Traitements",
        TREATMENTS,
        () if lines else ("Aucun traitement au long cours.",),
        medicines.grid(lines, "med") if lines else None,
        tuple(
            medicines.treatment(
                line, f"med-{number:02}", oid(header.unique_id, "treatment", number)
            )
            for number, line in enumerate(lines, 1)
        ),
    )


def _problems(
    header: Header,
    code: str,
    label: str,
    title: str,
    section: tuple[str, ...],
    problems: Sequence[Problem],
    none: str,
) -> Section:
    anchors = [f"pb-{code}-{number:02}" for number in range(1, len(problems) + 1)]
    rows = tuple(
        Row((problem.name.capitalize(), _when(problem)), anchor)
        for problem, anchor in zip(problems, anchors, strict=True)
    )
    return Section(
        code,
        label,
        title,
        section,
        () if problems else (none,),
        Grid((6, 3), ("Problème", "Quand"), rows) if problems else None,
        tuple(
            _concern(problem, anchor, oid(header.unique_id, anchor))
            for problem, anchor in zip(problems, anchors, strict=True)
        ),
    )


def _when(problem: Problem) -> str:
    if problem.until is None:
        return f"depuis le {problem.since:%d/%m/%Y}"
    return f"{problem.since:%m/%Y}"


def _concern(problem: Problem, anchor: str, name: str) -> str:
    when = tag(
        "effectiveTime",
        day(problem.since, "low"),
        day(problem.until, "high") if problem.until else "",
    )
    value = (
        typed(
            "value", "CD", pointer(anchor), code=problem.code, displayName=problem.label,
            codeSystem=CIM_10_OID, codeSystemName="CIM10",
        )
        if problem.code
        else typed("value", "CD", pointer(anchor), nullFlavor="UNK")
    )  # fmt: skip
    observation = tag(
        "observation",
        templates(*PROBLEM),
        tag("id", root=f"{name}"),
        coded("code", SNOMED_OID, "282291009", "interprétation diagnostique"),
        told_at(anchor),
        done(),
        when,
        value,
        classCode="OBS",
        moodCode="EVN",
        negationInd="false",
    )
    return tag(
        "act",
        templates(*CONCERN),
        tag("id", root=oid(name, "concern")),
        tag("code", nullFlavor="NA"),
        done("completed" if problem.until else "active"),
        when,
        tag("entryRelationship", observation, typeCode="SUBJ", inversionInd="false"),
        classCode="ACT",
        moodCode="EVN",
    )


def allergy_section(header: Header, allergies: Sequence[Allergy]) -> Section:
    """What the person does not stand."""
    rows = tuple(
        Row((allergy.name.capitalize(), allergy.told), f"allergie-{number:02}")
        for number, allergy in enumerate(allergies, 1)
    )
    return Section(
        "48765-2",
        "Allergies et hypersensibilités",
        "Allergies et hypersensibilités",
        ALLERGIES,
        () if allergies else ("Aucune allergie connue.",),
        Grid((4, 6), ("Agent", "Réaction"), rows) if allergies else None,
        tuple(
            _allergy(allergy, f"allergie-{number:02}", oid(header.unique_id, "allergy", number))
            for number, allergy in enumerate(allergies, 1)
        ),
    )


def _allergy(allergy: Allergy, anchor: str, name: str) -> str:
    agent = tag(
        "participant",
        tag(
            "participantRole",
            tag(
                "playingEntity",
                coded("code", ATC_OID, allergy.atc, allergy.name, pointer(anchor)),
                leaf("name", allergy.name),
                classCode="MMAT",
            ),
            classCode="MANU",
        ),
        typeCode="CSM",
    )
    observation = tag(
        "observation",
        templates(*ALLERGY),
        tag("id", root=name),
        coded("code", SNOMED_OID, allergy.kind, allergy.kind_label),
        told_at(anchor),
        done(),
        tag("effectiveTime", tag("low", nullFlavor="UNK"), **{"xsi:type": "IVL_TS"}),
        typed("value", "CD", pointer(anchor), nullFlavor="UNK"),
        agent,
        classCode="OBS",
        moodCode="EVN",
        negationInd="false",
    )
    return tag(
        "act",
        templates(*ALLERGY_CONCERN),
        tag("id", root=oid(name, "concern")),
        tag("code", nullFlavor="NA"),
        done("active"),
        tag("effectiveTime", tag("low", nullFlavor="UNK")),
        tag("entryRelationship", observation, typeCode="SUBJ", inversionInd="false"),
        classCode="ACT",
        moodCode="EVN",
    )
