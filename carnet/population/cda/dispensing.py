# SPDX-License-Identifier: EUPL-1.2
"""What a pharmacy gave (eDISP-MED, 60593-1), level 3. Source: ANS, CI-SIS, volet eDISP-MED 2024.01."""

from carnet.population.cda import medicines
from carnet.population.cda.elements import coded, leaf, oid, tag, templates, told_at
from carnet.population.cda.header import Act, Header
from carnet.population.cda.prescription import BOX, item
from carnet.population.cda.sections import Grid, Model, Row, Section
from carnet.population.treatment import Line

TYPE = ("60593-1", "Dispensation médicamenteuse")
MODEL = Model(
    (
        "1.3.6.1.4.1.19376.1.5.3.1.1.1",
        "1.3.6.1.4.1.19376.1.9.1.1.3",
        "1.2.250.1.213.1.1.1.54^2024.01",
    ),
    Act(*TYPE),
)
GIVEN = (
    "1.3.6.1.4.1.19376.1.9.1.2.3",
    "2.16.840.1.113883.10.20.1.8",
    "1.2.250.1.213.1.1.2.236",
)
SUPPLY = (
    "2.16.840.1.113883.10.20.1.34",
    "1.3.6.1.4.1.19376.1.5.3.1.4.7.3",
    "1.3.6.1.4.1.19376.1.9.1.3.4",
    "1.2.250.1.213.1.1.3.204",
)
ITEM = ("1.3.6.1.4.1.19376.1.9.1.3.11", "1.2.250.1.213.1.1.3.90")
ITEM_OID = "1.3.6.1.4.1.19376.1.9.2.2"


def sections(
    header: Header, lines: tuple[Line, ...], days: int, prescription: str
) -> list[Section]:
    """The section of what was given.

    days: for how long at once. prescription: set of the document that asked for it.
    """
    rows = []
    entries = []
    for number, line in enumerate(lines, 1):
        anchor = f"med-{number:02}-delivre"
        held = min(days, line.days or days)
        boxes, quantity = line.boxes(held), line.quantity(held)
        rows.append(Row((line.medicine.brand or line.medicine.name, quantity, line.told), anchor))
        entries.append(_given(header, line, anchor, number, boxes, prescription))
    return [
        Section(
            "60590-7",
            "Médicaments délivrés",
            "Médicaments délivrés",
            GIVEN,
            (),
            Grid((5, 2, 5), ("Médicament", "Quantité", "Posologie"), tuple(rows)),
            tuple(entries),
        )
    ]


def _given(
    header: Header, line: Line, anchor: str, number: int, boxes: int, prescription: str
) -> str:
    lot = leaf("lotNumberText", f"D{int(oid(header.set_id, number)[5:]) % 10**6:06}")
    asked = tag(
        "substanceAdministration",
        templates(*ITEM),
        tag("id", root=item(prescription, number)),
        coded("code", ITEM_OID, "PREItem", "Prescription Item"),
        tag(
            "consumable",
            tag(
                "manufacturedProduct",
                tag("manufacturedMaterial", tag("name", nullFlavor="NA"), nullFlavor="NA"),
            ),
        ),
        classCode="SBADM",
        moodCode="INT",
    )
    return tag(
        "supply",
        templates(*SUPPLY),
        tag("id", root=oid(header.unique_id, "supply", number)),
        told_at(anchor),
        tag("quantity", value=str(boxes), unit=BOX),
        tag("product", medicines.product(line.medicine, anchor, lot)),
        tag("entryRelationship", asked, typeCode="REFR", inversionInd="false"),
        classCode="SPLY",
        moodCode="EVN",
    )
