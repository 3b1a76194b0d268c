# SPDX-License-Identifier: EUPL-1.2
"""Vaccinations, level 3: the note of one (87273-9) and the history of all (11369-6).

Source: ANS, CI-SIS, volet VAC 2023.01 and its example.
"""

from collections.abc import Sequence

from carnet.population.cda.elements import (
    ATC_OID,
    CIS_OID,
    EDQM_OID,
    coded,
    day,
    done,
    leaf,
    loinc,
    oid,
    pointer,
    tag,
    templates,
    told_at,
    typed,
)
from carnet.population.cda.header import ACT_OID, Act, Header, assigned
from carnet.population.cda.medicines import PRODUCT
from carnet.population.cda.sections import Grid, Model, Row, Section
from carnet.population.immunisation import Dose

NOTE_TYPE = ("87273-9", "Note de vaccination")
HISTORY_TYPE = ("11369-6", "Historique des vaccinations")
HISTORY = Model(
    ("1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2", "1.2.250.1.213.1.1.1.37^2023.01"), Act(*HISTORY_TYPE)
)
NOTE = Model(
    ("1.3.6.1.4.1.19376.1.5.3.1.1.18.1.2", "1.2.250.1.213.1.1.1.46^2023.01"), Act(*NOTE_TYPE)
)
VACCINES = (
    "2.16.840.1.113883.10.20.1.6",
    "1.3.6.1.4.1.19376.1.5.3.1.3.23",
    "1.2.250.1.213.1.1.2.147",
)
VACCINATION = (
    "2.16.840.1.113883.10.20.1.24",
    "1.3.6.1.4.1.19376.1.5.3.1.4.12",
    "1.2.250.1.213.1.1.3.45",
)
RANK = ("2.16.840.1.113883.10.20.1.46", "1.2.250.1.213.1.1.3.82")
INTRAMUSCULAR = ("20035000", "Voie intramusculaire")


def sections(header: Header, doses: Sequence[Dose], here: bool) -> list[Section]:
    """The section of the vaccines given. here: whether the author gave them, as in a note."""
    rows = []
    entries = []
    for number, dose in enumerate(doses, 1):
        anchor = f"vac-{number:02}"
        said = "rappel" if dose.booster else f"dose {dose.rank}"
        rows.append(Row((f"{dose.on:%d/%m/%Y}", dose.name, said, f"lot {dose.lot}"), anchor))
        entries.append(_entry(header, dose, anchor, oid(header.set_id, number), here))
    return [
        Section(
            *HISTORY_TYPE,
            "Vaccination" if here else "Historique des vaccinations",
            VACCINES,
            () if doses else ("Aucune vaccination connue.",),
            Grid((2, 6, 2, 2), ("Date", "Vaccin", "Dose", "Lot"), tuple(rows)) if doses else None,
            tuple(entries),
        )
    ]


def _entry(header: Header, dose: Dose, anchor: str, name: str, here: bool) -> str:
    kind = (
        ("BOOSTER", "Rappel de vaccin")
        if dose.booster
        else ("INITIMMUNIZ", "1ère série vaccinante")
    )
    rank = tag(
        "observation",
        templates(*RANK),
        loinc("30973-2", "Rang de la vaccination"),
        done(),
        typed("value", "INT", value=str(dose.rank)),
        classCode="OBS",
        moodCode="EVN",
    )
    performer = tag("performer", assigned("assignedEntity", header.author), typeCode="PRF")
    return tag(
        "substanceAdministration",
        templates(*VACCINATION),
        tag("id", root=name),
        coded("code", ACT_OID, *kind),
        told_at(anchor),
        done(),
        day(dose.on),
        coded("routeCode", EDQM_OID, *INTRAMUSCULAR),
        tag("consumable", _product(dose, anchor), typeCode="CSM"),
        performer if here else "",
        "" if dose.booster else tag("entryRelationship", rank, typeCode="SUBJ"),
        classCode="SBADM",
        moodCode="EVN",
        negationInd="false",
    )


def _product(dose: Dose, anchor: str) -> str:
    name = dose.brand or dose.name
    atc = coded("translation", ATC_OID, dose.atc, dose.target) if dose.atc else ""
    code = (
        coded("code", CIS_OID, dose.cis, name, pointer(anchor), atc)
        if dose.cis
        else tag("code", pointer(anchor), atc, nullFlavor="UNK")
    )
    return tag(
        "manufacturedProduct",
        templates(*PRODUCT),
        tag("manufacturedMaterial", code, leaf("name", name), leaf("lotNumberText", dose.lot)),
    )
