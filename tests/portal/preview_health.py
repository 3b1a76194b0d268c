# SPDX-License-Identifier: EUPL-1.2
"""An invented page of health, with every state a line may have."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from carnet.summary.pages import Health, Line, Section, Source, Value


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, 30, tzinfo=UTC)


LETTER = Source("Condition/a", "letter-2026", "Lettre de sortie, service de cardiologie",
                "Dr Hugo LEROY", at(2026, 1, 20))  # fmt: skip
BIO = Source("Observation/b", "bio-2026", "Bilan lipidique et glycémie", "Dr Inès BENALI",
             at(2026, 3, 12))  # fmt: skip
GP = Source("MedicationRequest/c", "", "", "Dr Paul DURAND", at(2026, 3, 1), stage="prescribed")
OWN = Source("AllergyIntolerance/d", "", "", "Claire MARTIN", at(2026, 2, 1), by="patient")
NONE = Section()


def value(label: str, code: str, text: str, unit: str, **more: object) -> Value:
    number = Decimal(text) if text.replace(".", "", 1).isdigit() else None
    plain = Value(code, label, text, unit, number, None, None, "", None, at(2026, 3, 12), None, None,
                  (BIO,))  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


FULL = Health(
    name="Claire MARTIN",
    born="1985-03-27",
    sex="female",
    allergies=Section(
        (
            Line("Pénicilline", since="1998", details=("Urticaire", "Œdème de Quincke"),
                 sources=(LETTER,), severe=True),
            Line("Arachide", details=("Démangeaisons",), sources=(OWN,)),
            Line("Latex", sources=(replace(GP, said="refuted"), replace(LETTER, said="active")),
                 conflicts=("denied-elsewhere",), unsure=True),
        ),
        (Line("Lactose", since="2004-05", sources=(LETTER,)),),
        (Line("Aucune allergie médicamenteuse connue", sources=(GP,), conflicts=("contradicted",)),),
    ),
    treatments=Section(
        (
            Line("Metformine 500 mg", since="2021-05-02", details=("1 comprimé matin et soir",),
                 sources=(replace(GP, said="1 comprimé matin et soir"),
                          replace(LETTER, stage="taken", said="1 comprimé par jour")),
                 conflicts=("doses",), stages=("prescribed", "taken")),
            Line("Bisoprolol 2,5 mg", since="2026-01-20",
                 sources=(replace(GP, said="stopped"), replace(LETTER, said="1 le matin")),
                 conflicts=("stopped-elsewhere",), stages=("prescribed", "dispensed")),
            Line("", since="2019", sources=(replace(OWN, stage="taken"),), stages=("taken",), old=True),
        ),
        (Line("Amoxicilline 1 g", since="2025-10-01", until="2025-10-07", sources=(GP,)),),
        more=True,
    ),
    problems=Section(
        (Line("Diabète de type 2", since="2021-05", details=("Équilibré sous traitement",),
              sources=(LETTER, GP, BIO, replace(LETTER, at=at(2024, 1, 1)),
                       replace(LETTER, at=at(2023, 1, 1)))),),
        (Line("Fracture du poignet", since="2009-07-14", until="2009-09-01", sources=(LETTER,)),),
    ),
    results=(
        value("Pression artérielle", "85354-9", "128/76", "mmHg", sources=(OWN,), declared=True),
        value("Hémoglobine glyquée (HbA1c)", "4548-4", "6.5", "%", low=Decimal("4.0"),
              high=Decimal("6.0"), interpretation="H", previous=Decimal("7.1"),
              previous_at=at(2025, 9, 2)),
        value("Créatinine", "14682-9", "192", "µmol/L", low=Decimal(49), high=Decimal(90),
              sources=(replace(BIO, said="192 µmol/L"), replace(LETTER, said="94 µmol/L")),
              conflicts=("values",)),
        value("Groupe sanguin", "882-1", "A positif", ""),
    ),
    vaccinations=Section(
        (Line("Diphtérie, tétanos, poliomyélite", since="2024-05-04",
              days=("2024-05-04", "2014-05-04", "2004-05"), details=("n° 5", "lot X12"),
              sources=(LETTER,)),),
    ),
    stays=Section((Line("Cardiologie", since="2026-01-15", until="2026-01-20",
                        details=("Centre hospitalier du Val d’Or",), sources=(LETTER,)),)),
    procedures=Section((Line("Coronarographie", since="2026-01-16", sources=(LETTER,)),)),
    directives=NONE,
    contacts=Section((Line("Paul MARTIN", details=("Personne de confiance", "06 00 00 00 00"),
                           sources=(OWN,)),)),
    made=at(2026, 11, 2),
)  # fmt: skip
EMPTY = replace(
    FULL, allergies=NONE, treatments=NONE, problems=NONE, results=(), vaccinations=NONE,
    stays=NONE, procedures=NONE, contacts=NONE,
)  # fmt: skip
