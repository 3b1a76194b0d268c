# SPDX-License-Identifier: EUPL-1.2
"""Vaccines given, not given, and recommended. Source: IHE PCC, Immunization; FHIR R4."""

from typing import Final

from carnet.documents.cda.datatypes import Code, Quantity
from carnet.documents.cda.statements import Statement
from carnet.documents.metadata.entries import dispenses, products
from carnet.documents.metadata.entries.conditions import PROBLEM
from carnet.documents.metadata.entries.procedures import reasons
from carnet.documents.metadata.entries.reading import Reading
from carnet.documents.metadata.entries.shared import denied, notes, recorded, words
from carnet.documents.metadata.people import logical
from carnet.documents.metadata.pieces import (
    Json,
    answers,
    coded,
    concept,
    identifier,
    kept,
    quantity,
)

RANK: Final = ("1.2.250.1.213.1.1.3.82", "2.16.840.1.113883.10.20.1.46")
FORECAST: Final = "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status"
LOINC: Final = "http://loinc.org"
EARLIEST, DUE, LATEST = (
    "30981-5",
    "30980-7",
    "59777-3",
)  # dates a vaccine may, should, must be given


def made(reading: Reading, statement: Statement) -> None:
    """A vaccination that took place, or that did not: an Immunization, never without its vaccine."""
    if statement.mood != "EVN" or statement.null:
        reading.keep(statement, "not-done")
        return
    named = products.product(statement.product)
    if named is None:
        reading.keep(statement, "no-code")
        return
    if dispenses.only(reading, statement, named):
        return
    url = reading.take(statement, _immunization(reading, statement, named))
    for link in statement.related:
        if reading.told(link.statement):
            continue
        if link.statement.kind == "supply":
            dispenses.inside(reading, link.statement, statement, named, url)
        else:
            reading.again(reading, link.statement)


def recommended(reading: Reading, statement: Statement) -> None:
    """A vaccine that is advised, or advised against: an ImmunizationRecommendation.

    One that is written as if it were given (EVN) is advised all the same: its template says so.
    """
    named = products.product(statement.product)
    void = statement.place in reading.void or statement.status in ("aborted", "cancelled")
    if void or statement.null or statement.mood not in ("INT", "PRP", "RQO", "EVN"):
        reading.keep(statement, "not-done")
        return
    if named is None:
        reading.keep(statement, "no-code")
        return
    at = statement.at
    said = notes(reading, statement, _shown(statement))
    reading.take(
        statement,
        {
            "resourceType": "ImmunizationRecommendation",
            "identifier": [identifier(each) for each in statement.ids],
            "patient": reading.making.subject,
            "date": recorded(reading, statement) or reading.making.now,
            "recommendation": [
                kept(
                    {
                        "vaccineCode": [named],
                        **({"contraindicatedVaccineCode": [named]} if statement.negated else {}),
                        "forecastStatus": coded(
                            FORECAST, "contraindicated" if statement.negated else "due"
                        ),
                        "dateCriterion": [
                            {"code": coded(LOINC, code), "value": value}
                            for code, value in (
                                (EARLIEST, at.low if at and not at.point else None),
                                (DUE, at.first if at and at.point else None),
                                (LATEST, at.high if at and not at.point else None),
                            )
                            if value
                        ],
                        "description": "\n".join(each["text"] for each in said) or None,
                    }
                )
            ],
        },
    )
    for link in statement.related:
        if not reading.told(link.statement):
            reading.again(reading, link.statement)


def _immunization(reading: Reading, statement: Statement, named: Json) -> Json:
    product = statement.product
    at = statement.at.first if statement.at else None
    dose = statement.dose
    return {
        "resourceType": "Immunization",
        "identifier": [identifier(each) for each in statement.ids],
        "status": "not-done" if denied(statement) else "completed",
        "vaccineCode": named,
        "patient": reading.making.subject,
        **({"occurrenceDateTime": at} if at else {"occurrenceString": "date non indiquée"}),
        "recorded": recorded(reading, statement),
        "lotNumber": product.lot if product else None,
        "manufacturer": {"display": product.maker} if product and product.maker else None,
        "expirationDate": product.expires[:10]
        if product and product.expires and len(product.expires) >= len("2025-01-01")
        else None,
        "site": next(
            (c for c in map(concept, (*statement.sites, *statement.approaches)) if c), None
        ),
        "route": concept(statement.route),
        "doseQuantity": quantity(dose) if isinstance(dose, Quantity) else None,
        "performer": [
            {"actor": actor}
            for part in statement.taking("performer")
            for actor in logical([part.party])
        ],
        "reasonCode": reasons(reading, statement),
        "note": [
            *notes(reading, statement, _shown(statement)),
            *_series(statement),
        ],
        "protocolApplied": _ranks(reading, statement),
        "reaction": _reactions(reading, statement),
    }


def _shown(statement: Statement) -> list[str | None]:
    """What is said elsewhere in the resource, or only answers a question."""
    product, own = statement.product, statement.text
    shown = [*words(statement.code), *([own] if own and answers(own) else [])]
    return shown if product is None else [*shown, product.name, *words(product.code)]


def _series(statement: Statement) -> list[Json]:
    """First series or booster: R4 has no code for it."""
    code = statement.code
    if code is None or not code.label or code.code == "IMMUNIZ":
        return []
    return [{"text": f"Type de vaccination : {code.label}"}]


def _ranks(reading: Reading, statement: Statement) -> list[Json]:
    found: list[Json] = []
    for each in list(statement.inside(None, *RANK)):
        value = each.value
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31:
            reading.use(each)
            found.append({"doseNumberPositiveInt": value})
        elif isinstance(value, str) and value.strip():
            reading.use(each)
            found.append({"doseNumberString": value})
        else:
            reading.keep(each, "no-value")
    return found


def _reactions(reading: Reading, statement: Statement) -> list[Json]:
    """What the vaccine caused: said in its notes, and each a problem of its own."""
    found = []
    for each in list(statement.inside("CAUS")):
        if not (each.happened and each.is_a(*PROBLEM)):
            continue
        reading.again(reading, each)
        url = reading.same(each)
        label = each.value.label if isinstance(each.value, Code) else each.text
        if url and label:
            found.append(
                kept(
                    {
                        "date": each.at.first if each.at else None,
                        "detail": {"reference": url, "display": label},
                    }
                )
            )
    # R4 has an Observation there: a problem is named by its words alone.
    return [kept({**one, "detail": {"display": one["detail"]["display"]}}) for one in found]
