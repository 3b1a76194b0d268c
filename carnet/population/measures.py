# SPDX-License-Identifier: EUPL-1.2
"""What people measure at home, as the FHIR Observations of the national "Mesures de santé".

The subject is left out: whoever loads them knows the address of the Patient. Source of the shape: ANS,
guide Mesures de santé; values are of a demonstration (measures.toml).
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from carnet.population import bodies, conditions, laboratory
from carnet.population.cda import uuid
from carnet.population.chance import Chance
from carnet.population.clock import at, paris
from carnet.population.data import table
from carnet.population.people import Person, Population

Json = dict[str, Any]

PROFILES: Final = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
ANS_LOINC: Final = "https://mos.esante.gouv.fr/NOS/TRE_A04-Loinc/FHIR/TRE-A04-Loinc"
MOMENTS: Final = (("53049-3", "Glucose à jeun"), ("16915-1", "Glucose post prandial"))  # JDV_J157
PARTS: Final = (  # of a blood pressure, as the guide's example names them
    ("8480-6", "Tension artérielle systolique"),
    ("8462-4", "Tension artérielle diastolique"),
)
FORGOTTEN: Final = 0.12  # how often a measure is not made


def measures(population: Population, person: Person) -> Iterator[Json]:
    """The Observations of a person, oldest first, up to the population's today. Most have none."""
    found = [
        each
        for row in table("measures")["habit"]
        if row["about"] in (person.profiles or ("healthy",))
        for each in _habit(population.seed, person, row, population.today)
    ]
    seen: set[tuple[str, datetime]] = set()
    for moment, name in sorted(found):
        if (name, moment) not in seen and moment <= at(population.today, 23, 59):
            seen.add((name, moment))
            yield _observation(population.seed, person, name, moment)


def _habit(
    seed: int, person: Person, row: Mapping[str, Any], until: date
) -> Iterator[tuple[datetime, str]]:
    """The moments of a habit: who has it is drawn once, and some times are forgotten."""
    path = (seed, person.key, "measure", row["measure"])
    chance = Chance(*path, row["about"])
    if not chance.happens(row["part"]) and person.key not in row.get("always", ()):
        return
    begins: date = max(table("measures")["from"], conditions.begins(person, 30))
    day = begins + timedelta(days=chance.between(0, 2 * row["every"] + 200))
    while day <= until:
        minute = (
            chance.between(7 * 60, 9 * 60) if chance.happens(0.6) else chance.between(1110, 1300)
        )
        if not chance.happens(FORGOTTEN):
            yield at(day, *divmod(minute, 60)), row["measure"]
        day += timedelta(days=max(1, row["every"] + chance.between(-row["every"] // 5, 1)))


def _observation(seed: int, person: Person, name: str, moment: datetime) -> Json:
    row = table("measures")["measure"][name]
    made: Json = {
        "resourceType": "Observation",
        "meta": {"profile": [PROFILES + row["profile"]]},
        "identifier": [
            {
                "system": "urn:ietf:rfc:3986",
                "value": f"urn:uuid:{uuid(seed, person.key, name, moment.isoformat())}",
            }
        ],
        "status": "final",
        "category": [
            {"coding": [{"system": CATEGORY, "code": "vital-signs", "display": "Signes vitaux"}]}
        ],
        "code": {"coding": [_loinc(row["code"], row["label"])]},
        "effectiveDateTime": paris(moment).isoformat(timespec="seconds"),
    }
    if name == "pressure":
        values = bodies.pressure(seed, person, moment)
        made["component"] = [
            {"code": {"coding": [_loinc(*part)]}, "valueQuantity": _quantity(value, row)}
            for part, value in zip(PARTS, values, strict=True)
        ]
        return made
    if name == "glucose":
        made["extension"] = [_moment(paris(moment).hour)]
    made["valueQuantity"] = _quantity(_value(seed, person, name, moment), row)
    return made


def _value(seed: int, person: Person, name: str, moment: datetime) -> Decimal | int:
    turn = bodies.slow(seed, person, name, moment)
    match name:
        case "weight":
            return _tenth(bodies.weight(seed, person, moment))
        case "height":
            return round(bodies.height(seed, person, moment))
        case "glucose":
            fasting = 18.016 * laboratory.value(seed, person, moment, "glucose")
            meal = 1.0 if paris(moment).hour < 12 else 1.28
            return round(max(62.0, fasting * meal + 9.0 * turn))
        case "heart_rate":
            return round(72.0 + 5.0 * _beat(person) + 4.0 * turn)
        case "steps":
            age = bodies.age(person, moment)
            return round(max(600.0, 8200.0 - 60.0 * max(0.0, age - 35.0) + 1500.0 * turn))
        case "pain":
            return max(0, min(10, round(3.6 + 1.5 * turn)))
        case _:
            return _tenth(36.7 + 0.2 * turn)


def _tenth(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.1"))


def _beat(person: Person) -> float:
    """Slower hearts for those a beta blocker is usual for."""
    return -1.2 if {"heart_failure", "anticoagulant"} & set(person.profiles) else 0.2


def _moment(hour: int) -> Json:
    """When a glucose was measured, which the profile asks for."""
    code, label = MOMENTS[hour >= 12]
    coding = {"system": ANS_LOINC, "code": code, "display": label}
    return {
        "url": f"{PROFILES}mesures-moment-of-measurement",
        "valueCodeableConcept": {"coding": [coding]},
    }


def _loinc(code: str, label: str) -> Json:
    return {"system": LOINC, "code": code, "display": label}


def _quantity(value: Decimal | int, row: Mapping[str, str]) -> Json:
    return {"value": value, "unit": row["unit"], "system": UCUM, "code": row["ucum"]}
