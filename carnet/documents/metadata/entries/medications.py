# SPDX-License-Identifier: EUPL-1.2
"""Treatments: taken (MedicationStatement), given (MedicationAdministration), prescribed (MedicationRequest).

A line of a prescription is one MedicationRequest, its document's number the group. A treatment that is
denied, prescribed or only meant is never one that is taken. What was supplied is in `dispenses.py`.
Source: IHE PCC, Medications; IHE Pharmacy, PRE; CI-SIS eP-MED; FHIR R4.
"""

from datetime import datetime
from typing import Final

from carnet.documents.cda.datatypes import Code, Id, Interval, Quantity, bare
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries import dispenses, dosages, products
from carnet.documents.metadata.entries.conditions import ABSENT
from carnet.documents.metadata.entries.procedures import PRIORITIES, reasons
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import notes, recorded, recorder, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    Json,
    concept,
    identifier,
    kept,
    period,
    quantity,
    says_nothing,
)

SUPPLIED: Final = ("1.2.250.1.213.1.1.3.86", "1.3.6.1.4.1.19376.1.9.1.3.8")
SUBSTITUTION: Final = ("1.2.250.1.213.1.1.3.87", "1.3.6.1.4.1.19376.1.9.1.3.9")
FLAGS: Final = "1.2.250.1.213.1.1.3.48"  # ALD, work accident, not reimbursed… of a line
PRESCRIBED: Final = ("1.2.250.1.213.1.1.3.83", "1.3.6.1.4.1.19376.1.9.1.3.2")  # IHE PRE
# Products given during an imaging act.
DURING: Final = ("1.2.250.1.213.1.1.3.151", "1.2.250.1.213.1.1.3.173", "1.2.840.10008.9.13")
# Sections whose treatments are prescriptions, whatever their mood says.
PRESCRIPTIONS: Final = frozenset({"57828-6", "57833-6"})
# Sections that say what was given in the place itself.
GIVEN: Final = frozenset({"18610-6", "29549-3"})
# Sections of adverse effects: what caused one was given, nobody says that it goes on.
EFFECTS: Final = frozenset({"44939-7"})
MEANT: Final = frozenset({"INT", "RQO", "PRP", "PRMS"})
# Acts that say that there is no treatment. Source: IHE PCC, Medications (SNOMED CT).
NONE: Final = frozenset({"182849000", "408350003", "no-known-medications"})
UNSAID: Final = frozenset({"182904002", "no-medication-info"})
# Status of a CDA act → medicationrequest-status; a line that is stated is in force.
ORDERED: Final = {
    "aborted": "stopped",
    "cancelled": "cancelled",
    "held": "on-hold",
    "suspended": "on-hold",
    "nullified": "entered-in-error",
}
# Status of a CDA act → medication-admin-status.
GIVEN_STATUS: Final = {
    "active": "in-progress",
    "aborted": "stopped",
    "cancelled": "not-done",
    "held": "on-hold",
    "suspended": "on-hold",
    "nullified": "entered-in-error",
}
# A date that the International Patient Summary asks for and the document does not give.
UNKNOWN: Final[Json] = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
INSTANT: Final = len("2025-01-01T00:00:00Z")


def made(reading: Reading, statement: Statement) -> None:
    """A treatment, as what its mood and its section say it is."""
    if statement.is_a(*dispenses.LINE):
        reading.keep(statement, "no-code")  # said by the dispensation that holds it, else nothing
        return
    if (absent := _absent(reading, statement)) is not None:
        reading.take(statement, absent)
        return
    if statement.null:
        reading.keep(statement, "not-done")
        return
    named = products.product(statement.product) or (
        {"text": statement.text} if statement.text else None
    )
    if named is None or ("coding" not in named and says_nothing(named.get("text"))):
        reading.keep(statement, "no-code")
        return
    if dispenses.only(reading, statement, named):
        return
    resource = _resource(reading, statement, named)
    if resource is None:
        reading.keep(statement, "not-done")
        return
    url = reading.take(statement, resource)
    for link in statement.related:
        inside = link.statement
        if reading.told(inside):
            continue
        if inside.is_a(*dosages.SUBORDINATE):
            if dosages.is_step(inside):
                reading.use(inside)  # said in the dosage
            else:
                reading.keep(inside, "not-done")
        elif inside.kind == "supply":
            dispenses.inside(reading, inside, statement, named, url)
        else:
            reading.again(reading, inside)


def _resource(reading: Reading, statement: Statement, named: Json) -> Json | None:
    where = reading.section_code
    if statement.mood in MEANT:
        return _request(reading, statement, named)
    if statement.mood != "EVN":
        return None
    if statement.is_a(*PRESCRIBED) or where in PRESCRIPTIONS:
        return _request(reading, statement, named)  # a prescription written as if it were done
    if where == dispenses.SECTION:
        return dispenses.dispense(reading, statement, named, [])
    if where in GIVEN or where in EFFECTS or statement.is_a(*DURING):
        return _administration(reading, statement, named)
    return _statement(reading, statement, named)


def _absent(reading: Reading, statement: Statement) -> Json | None:
    """No treatment, or nothing known of any: said by the act or in the place of the product."""
    found = statement.product.code if statement.product else None
    code = next((c for c in (statement.code, found) if c and c.code in NONE | UNSAID), None)
    ours = code is not None and (code.system == ABSENT or "-" not in (code.code or ""))
    if code is None or not ours or statement.mood != "EVN" or statement.null not in (None, "UNK"):
        return None
    return {
        "resourceType": "MedicationStatement",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "unknown",  # what the code says; no treatment is named that could have one
        "medicationCodeableConcept": concept(code),
        "subject": reading.making.subject,
        "_effectiveDateTime": UNKNOWN,
        "dateAsserted": recorded(reading, statement),
        "informationSource": recorder(reading, statement),
        "derivedFrom": [{"reference": reading.making.url}],
    }


def _statement(reading: Reading, statement: Statement, named: Json) -> Json:
    return {
        "resourceType": "MedicationStatement",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "not-taken" if statement.negated else _taken(reading, statement),
        "medicationCodeableConcept": named,
        "subject": reading.making.subject,
        **_effective(statement),
        "dateAsserted": recorded(reading, statement),
        "informationSource": recorder(reading, statement),
        "derivedFrom": [{"reference": reading.making.url}],
        "reasonCode": reasons(reading, statement),
        "dosage": dosages.of(statement, dispenses.instructions(reading, statement)),
        "note": [*_notes(reading, statement), *products.made_of(statement.product)],
    }


def _taken(reading: Reading, statement: Statement) -> str:
    """Whether it goes on: by its dates, against the date of the document."""
    if statement.status in ("aborted", "suspended"):
        return "stopped"
    if statement.status == "held":
        return "on-hold"
    if statement.status == "cancelled":
        return "not-taken"
    if statement.status == "nullified":
        return "entered-in-error"
    written, at = reading.making.header.effective, statement.at
    if at is None or not written:
        return "active"
    if not at.point and at.high and before(at.high, written):
        return "completed"
    if at.low and before(written, at.low):
        return "intended"
    return "active"


def before(one: str, other: str) -> bool:
    """Whether a date is before another, as precisely as both are known."""
    if len(one) >= INSTANT and len(other) >= INSTANT:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    shared = min(len(one), len(other), len("2025-01-01"))
    return one[:shared] < other[:shared]


def _administration(reading: Reading, statement: Statement, named: Json) -> Json:
    at = statement.at
    when: Json = {"effectiveDateTime": at.first} if at and at.first else {}
    if at and not at.point and at.high and at.low:
        when = {"effectivePeriod": period(at)}
    if not when:
        act = reading.making.act
        day = (act.first if act else None) or reading.making.header.effective
        when = {"effectiveDateTime": day or reading.making.now}
    inside, pointed = products.contained(statement.product, named)
    return {
        "resourceType": "MedicationAdministration",
        "contained": inside,
        "identifier": [identifier(each) for each in statement.ids],
        "status": "not-done"
        if statement.negated
        else GIVEN_STATUS.get(statement.status or "", "completed"),
        "medicationCodeableConcept": named,
        "subject": reading.making.subject,
        "supportingInformation": pointed,
        **when,
        "performer": [
            {"actor": actor}
            for part in statement.taking("performer")
            for actor in logical([part.party])
        ],
        "reasonCode": reasons(reading, statement),
        "note": [*_notes(reading, statement), *_undosed(statement)],
        "dosage": _dosed(statement),
    }


def _dosed(statement: Statement) -> Json | None:
    """How it was given, when how much is said: R4 knows no route without a dose (mad-1)."""
    amount = _given(statement.dose)
    rate = quantity(bare(statement.rate)) if isinstance(statement.rate, Quantity) else None
    if amount is None and rate is None:
        return None
    return kept(
        {
            "text": dosages.text(statement),
            "route": concept(statement.route),
            "site": concept(statement.approaches[0]) if statement.approaches else None,
            "dose": amount,
            "rateQuantity": rate,
        }
    )


def _undosed(statement: Statement) -> list[Json]:
    """The same in words when no dose can be said."""
    if _dosed(statement) is not None:
        return []
    said = [("Dose", dosages.text(statement)), ("Voie", statement.route and statement.route.label)]
    return [{"text": f"{name} : {each}"} for name, each in said if each]


def _given(dose: Quantity | Interval | None) -> Json | None:
    """The dose that was given, when one is said: an end of a range is not one."""
    if isinstance(dose, Interval):
        return quantity(dose.low) if dose.low == dose.high else None
    return quantity(dose) if dose is not None and dose.comparator is None else None


def _request(reading: Reading, statement: Statement, named: Json) -> Json:
    prescribed = statement.is_a(*PRESCRIBED) or prescribes(reading)
    said = marks(reading, statement)
    group = number(reading) if prescribed else None
    ordered = prescribed or statement.mood == "RQO"
    inside, pointed = products.contained(statement.product, named)
    return {
        "resourceType": "MedicationRequest",
        "contained": inside,
        "identifier": [identifier(each) for each in statement.ids],
        "status": ORDERED.get(statement.status or "", "active"),
        "intent": "order" if ordered else "proposal" if statement.mood == "PRP" else "plan",
        "priority": PRIORITIES.get((statement.priority and statement.priority.code) or ""),
        "doNotPerform": True if statement.negated else None,
        "medicationCodeableConcept": named,
        "subject": reading.making.subject,
        "supportingInformation": pointed,
        "authoredOn": recorded(reading, statement),
        "requester": recorder(reading, statement),
        "reasonCode": reasons(reading, statement),
        "groupIdentifier": identifier(group) if group is not None else None,
        "note": [*_notes(reading, statement), *({"text": each} for each in said)],
        "dosageInstruction": dosages.of(statement, dispenses.instructions(reading, statement)),
        "dispenseRequest": _dispense(reading, statement),
        "substitution": _substitution(reading, statement),
    }


def number(reading: Reading) -> Id | None:
    """The number of the prescription: that of its order when it has one, else of the document."""
    header = reading.making.header
    return next((each for order in header.orders for each in order.ids), header.id)


def marks(reading: Reading, statement: Statement) -> list[str]:
    """The marks on a line (ALD, work accident, not reimbursed…), each yes or no, in words."""
    flags = [each for each in statement.inside() if each.is_a(FLAGS) or _flag(each)]
    return [said for each in flags if (said := _flag_said(reading, each))]


def prescribes(reading: Reading) -> bool:
    """Whether the document, or its section, is a prescription."""
    code = reading.making.header.code
    return reading.section_code in PRESCRIPTIONS or bool(code and code.code in PRESCRIPTIONS)


def _flag(statement: Statement) -> bool:
    return any(template.startswith(f"{FLAGS}.") for template in statement.templates)


def _flag_said(reading: Reading, statement: Statement) -> str | None:
    """A mark on the line (ALD, prevention, not reimbursed…), yes or no, in words."""
    found = statement.value
    if isinstance(found, bool) and statement.label and statement.happened:
        reading.use(statement)
        return f"{statement.label} : {'oui' if found else 'non'}"
    return None


def _dispense(reading: Reading, statement: Statement) -> Json | None:
    amount, lasts = None, None
    for each in list(statement.inside(None, *SUPPLIED, *dispenses.SUPPLY)):
        if each.mood == "EVN" and not each.is_a(*SUPPLIED):
            continue  # what was handed out, not what is asked
        if each.negated or each.null:
            reading.keep(each, "not-done")
        elif each.amount is not None:
            reading.use(each)
            amount = dispenses.packed(each)
            lasts = each.use
    repeat = statement.repeat
    times = repeat.high if isinstance(repeat, Interval) else repeat
    whole = times is not None and 0 <= times.value == times.value.to_integral_value()
    return (
        kept(
            {
                "validityPeriod": period(lasts) if lasts else None,
                "numberOfRepeatsAllowed": int(times.value) if times is not None and whole else None,
                "quantity": amount,
            }
        )
        or None
    )


def _substitution(reading: Reading, statement: Statement) -> Json | None:
    for each in list(statement.inside(None, *SUBSTITUTION)):
        named = concept(each.code)
        if named and not each.null:
            reading.use(each)
            if each.negated:
                return {"allowedBoolean": False, "reason": named}
            return {"allowedCodeableConcept": named}
    return None


def _notes(reading: Reading, statement: Statement) -> list[Json]:
    named = statement.product
    known = [named.name, *words(named.code), *_translated(named.code)] if named else []
    if statement.dose is not None or statement.timings or statement.mood in MEANT:
        known.append(statement.text)  # the dosage says it
    return [
        *notes(reading, statement, [*known, *words(statement.code)]),
        *dispenses.to_pharmacist(reading, statement),
    ]


def _translated(code: Code | None) -> list[str | None]:
    return [each.display for each in code.translations] if code else []


def _effective(statement: Statement) -> Json:
    at = statement.at
    if at is None:
        return {"_effectiveDateTime": UNKNOWN}
    if at.point:
        return {"effectiveDateTime": at.first}
    return {"effectivePeriod": kept({"start": at.low, "end": at.high})}
