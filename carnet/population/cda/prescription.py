# SPDX-License-Identifier: EUPL-1.2
"""Prescriptions of medicines (eP-MED-DM, 57833-6), level 3.

Source: ANS, CI-SIS, volet eP-MED-DM 2024.01 and its examples. The bar code is left out: it is the
national service's to give.
"""

from carnet.population.cda import medicines
from carnet.population.cda.elements import TA_ASIP_OID, coded, done, oid, tag, templates, typed
from carnet.population.cda.header import Act, Header
from carnet.population.cda.sections import Grid, Model, Row, Section
from carnet.population.treatment import Line

TYPE = ("57833-6", "Prescription de produits de santé")
MODEL = Model(
    (
        "1.3.6.1.4.1.19376.1.9.1.1.1",
        "1.3.6.1.4.1.19376.1.5.3.1.1.1",
        "1.2.250.1.213.1.1.1.39^2024.01",
    ),
    Act(*TYPE),
)
LINES = ("1.3.6.1.4.1.19376.1.9.1.2.1", "1.2.250.1.213.1.1.2.171")
SUPPLY = ("1.3.6.1.4.1.19376.1.9.1.3.8", "1.2.250.1.213.1.1.3.86")
OBSERVATION = ("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.2.250.1.213.1.1.3.48")
BOX = "30009000"  # EDQM, as the examples write the unit of a quantity
SUBSTITUTION_OID = "2.16.840.1.113883.5.1070"
SUBSTITUTION = ("1.3.6.1.4.1.19376.1.9.1.3.9.1", "1.2.250.1.213.1.1.3.87")


def item(header_set: str, number: int) -> str:
    """The identifier of a line of a prescription, which its dispensing repeats."""
    return oid(header_set, "line", number)


def sections(header: Header, lines: tuple[Line, ...], days: int, ald: bool) -> list[Section]:
    """The section of the lines.

    days: how long the prescription holds. ald: whether it is for an affection de longue durée.
    """
    rows = tuple(
        Row(
            (line.medicine.name, line.told, line.quantity(line.days or days)),
            f"med-{number:02}",
        )
        for number, line in enumerate(lines, 1)
    )
    entries = tuple(
        medicines.prescribed(
            line,
            f"med-{number:02}",
            item(header.set_id, number),
            days,
            _more(header, line, number, days, ald),
        )
        for number, line in enumerate(lines, 1)
    )
    said = f"Pour {days} jours." + (
        " En rapport avec une affection de longue durée." if ald else ""
    )
    return [
        Section(
            "57828-6",
            "Prescriptions",
            "Prescription de médicaments",
            LINES,
            (said,),
            Grid((5, 5, 2), ("Médicament", "Posologie", "Quantité"), rows),
            entries,
        )
    ]


def _more(header: Header, line: Line, number: int, days: int, ald: bool) -> str:
    """How much, whether another may be given for it, and whether it is for a long illness."""
    supply = tag(
        "supply",
        templates(*SUPPLY),
        tag("independentInd", value="false"),
        tag("quantity", value=str(line.boxes(line.days or days)), unit=BOX),
        classCode="SPLY",
        moodCode="RQO",
    )
    substitution = tag(
        "act",
        templates(*SUBSTITUTION),
        coded("code", SUBSTITUTION_OID, "G", "Substitution autorisée par un produit générique"),
        done(),
        classCode="ACT",
        moodCode="DEF",
    )
    long = tag(
        "observation",
        templates(*OBSERVATION, "1.2.250.1.213.1.1.3.48.13"),
        tag("id", root=oid(header.unique_id, "ald", number)),
        coded("code", TA_ASIP_OID, "MED-574", "En rapport avec une ALD"),
        done(),
        tag("effectiveTime", value=f"{header.effective:%Y%m%d}"),
        typed("value", "BL", value="true" if ald else "false"),
        classCode="OBS",
        moodCode="EVN",
    )
    return "".join(
        tag("entryRelationship", each, typeCode="COMP") for each in (supply, substitution, long)
    )
