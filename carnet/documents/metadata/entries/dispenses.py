# SPDX-License-Identifier: EUPL-1.2
"""Products handed out: MedicationDispense, with what the pharmacist said and put in their place.

Source: IHE Pharmacy, DIS; CI-SIS eDISP-MED; IHE PCC, Supply Entry; FHIR R4.
"""

from typing import Final

from carnet.documents.cda.datatypes import Quantity
from carnet.documents.cda.header import Party
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries import dosages, products
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import notes, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import Json, concept, identifier, kept, quantity

SECTION: Final = "60590-7"  # what was handed out
SUPPLY: Final = ("1.2.250.1.213.1.1.3.44", "1.3.6.1.4.1.19376.1.5.3.1.4.7.3")
HANDED: Final = ("1.2.250.1.213.1.1.3.204", "1.3.6.1.4.1.19376.1.9.1.3.4")
SUBSTITUTED: Final = ("1.2.250.1.213.1.1.3.206", "1.3.6.1.4.1.19376.1.9.1.3.9.2")
TO_PATIENT: Final = ("1.2.250.1.213.1.1.3.33", "1.3.6.1.4.1.19376.1.5.3.1.4.3")
TO_PHARMACIST: Final = (
    "1.2.250.1.213.1.1.3.34",
    "1.2.250.1.213.1.1.3.207",
    "1.3.6.1.4.1.19376.1.5.3.1.4.3.1",
)
# A line of a prescription that a dispensation recalls by its number.
LINE: Final = ("1.2.250.1.213.1.1.3.90", "1.3.6.1.4.1.19376.1.9.1.3.11")
TREATMENT: Final = ("1.2.250.1.213.1.1.3.42", "1.3.6.1.4.1.19376.1.5.3.1.4.7")
EDQM: Final = "http://standardterms.edqm.eu"
# Packages by their EDQM code, which some write in the place of a unit.
PACKAGES: Final = {
    "30007000": "flacon",
    "30008000": "bouteille",
    "30009000": "boîte",
    "30015500": "récipient",
    "30066000": "seringue",
    "30067000": "tube",
}
# Status of a CDA act → medicationdispense-status.
STATUS: Final = {
    "active": "in-progress",
    "aborted": "stopped",
    "cancelled": "cancelled",
    "held": "on-hold",
    "suspended": "on-hold",
    "new": "preparation",
    "nullified": "entered-in-error",
}


def made(reading: Reading, statement: Statement) -> None:
    """A product that was handed out; what was not, or is only asked, is no dispensation."""
    if statement.mood != "EVN" or statement.null:
        reading.keep(statement, "not-done")
        return
    named = products.product(statement.product) or _unnamed(statement)
    if named is None:
        reading.keep(statement, "no-code")
        return
    _take(reading, statement, named, [])


def _unnamed(statement: Statement) -> Json | None:
    """A product without a code or a name: the words of the line, else its form."""
    form = statement.product.form if statement.product else None
    if statement.text:
        return {"text": statement.text}
    return {"text": f"Produit sans nom : {form.label}"} if form and form.label else None


def inside(
    reading: Reading, statement: Statement, holder: Statement, named: Json, url: str
) -> None:
    """A supply within a treatment or a vaccination: of its product, unless it names its own."""
    if not statement.happened:
        reading.keep(statement, "not-done")
        return
    own = products.product(statement.product) or named
    asked = [{"reference": url}] if holder.mood != "EVN" else []
    _take(reading, statement, own, asked)


def only(reading: Reading, statement: Statement, named: Json) -> bool:
    """Read what says no more than that a product was handed out: nobody says it was taken or given.

    Such are the lines of the health insurance: a treatment or a vaccination without date nor dose, around
    a supply that has its date.
    """
    bare = statement.at is None and statement.dose is None and not statement.sites
    supplies = [each for each in statement.inside() if each.kind == "supply" and each.happened]
    if statement.mood != "EVN" or statement.negated or not bare or len(supplies) != 1:
        return False
    if not _handed(supplies[0]):
        return False
    _take(reading, supplies[0], products.product(supplies[0].product) or named, [])
    reading.use(statement)
    for each in statement.inside():
        if not reading.told(each):
            reading.again(reading, each)
    return True


def _handed(statement: Statement) -> str | None:
    """When it was handed over, as far as it is said."""
    at = [statement.at, *(part.party.time for part in statement.taking("performer"))]
    return next((each.first for each in at if each and each.first), None)


def _take(reading: Reading, statement: Statement, named: Json, asked: list[Json]) -> None:
    lines = list(statement.inside(None, *LINE))
    for each in lines:
        if each.ids and not each.negated and each.null is None:
            reading.use(each)
            asked = [*asked, *_line(each)]
        else:
            reading.keep(each, "no-value")
    reading.take(statement, dispense(reading, statement, named, asked))
    for link in statement.related:
        if not reading.told(link.statement):
            reading.again(reading, link.statement)


def dispense(reading: Reading, statement: Statement, named: Json, asked: list[Json]) -> Json:
    """The dispensation itself. asked: the lines of prescription it answers."""
    act = reading.making.act
    handed = _handed(statement) or (act.first if act else None) or reading.making.header.effective
    parties = [part.party for part in statement.taking("performer")]
    within, pointed = products.contained(statement.product, named)
    status = STATUS.get(statement.status or "", "completed")
    return {
        "resourceType": "MedicationDispense",
        "contained": within,
        "identifier": [identifier(each) for each in statement.ids],
        "status": "declined" if statement.negated else status,
        "medicationCodeableConcept": named,
        "subject": reading.making.subject,
        "supportingInformation": pointed,
        "performer": [{"actor": actor} for actor in logical(parties or _dispensers(reading))],
        "authorizingPrescription": asked,
        "quantity": packed(statement),
        "whenHandedOver": None if statement.negated else handed,
        "note": [
            *notes(reading, statement, [named.get("text"), *words(statement.code)]),
            *to_pharmacist(reading, statement),
        ],
        "dosageInstruction": _dosages(reading, statement),
        "substitution": _substitution(reading, statement),
    }


def packed(statement: Statement) -> Json | None:
    """An amount; an EDQM package in the place of its unit is named as what it is."""
    amount = statement.amount
    if amount is None:
        return None
    unit = amount.unit or ""
    if not (unit.isdigit() and len(unit) == len("30009000")):
        return quantity(amount)
    made = quantity(Quantity(amount.value))
    return kept({**made, "unit": PACKAGES.get(unit, unit), "system": EDQM, "code": unit})


def instructions(reading: Reading, statement: Statement) -> list[str]:
    """What the patient is told."""
    found = []
    for each in list(statement.inside(None, *TO_PATIENT)):
        if each.is_a(*TO_PHARMACIST):
            continue
        if each.text and not each.negated and each.null is None:
            reading.use(each)
            found.append(each.text)
    return found


def to_pharmacist(reading: Reading, statement: Statement) -> list[Json]:
    """What is said to, or by, who hands the product out."""
    found: list[Json] = []
    for each in list(statement.inside(None, *TO_PHARMACIST)):
        if each.text and not each.negated and each.null is None:
            reading.use(each)
            found.append({"text": f"Pharmacien : {each.text}"})
    return found


def _dosages(reading: Reading, statement: Statement) -> list[Json]:
    """How it is to be taken: the treatments meant inside, else the dosage of the statement."""
    told = instructions(reading, statement)
    found: list[Json] = []
    for each in list(statement.inside("COMP", *TREATMENT)):
        if each.negated or each.null or products.product(each.product) is not None:
            continue  # another product: a treatment of its own
        reading.use(each)
        found += dosages.of(each, [])
        for step in each.inside():
            if dosages.is_step(step):
                reading.use(step)
    if not found:
        return _told(statement, told)
    if told:
        found[0] = {**found[0], "patientInstruction": "\n".join(told)}
    return found


def _told(statement: Statement, told: list[str]) -> list[Json]:
    if statement.kind != "supply":
        return dosages.of(statement, told)
    return [{"patientInstruction": "\n".join(told)}] if told else []


def _substitution(reading: Reading, statement: Statement) -> Json | None:
    for each in list(statement.inside(None, *SUBSTITUTED)):
        if each.null:
            continue
        reading.use(each)
        # A substitution that is denied was not made: what it would have been says nothing.
        return kept(
            {
                "wasSubstituted": not each.negated,
                "type": None if each.negated else concept(each.code),
            }
        )
    return None


def _line(statement: Statement) -> list[Json]:
    """The line of the prescription, by its number: it stands in another document."""
    return [
        kept(
            {
                "type": "MedicationRequest",
                "identifier": identifier(each),
                "display": statement.text,
            }
        )
        for each in statement.ids[:1]
    ]


def _dispensers(reading: Reading) -> list[Party]:
    """Who hands out, when the line does not say it: the authors of the document."""
    if reading.section_code != SECTION:
        return []
    return list(reading.making.header.authors)
