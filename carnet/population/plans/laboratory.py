# SPDX-License-Identifier: EUPL-1.2
"""Visits to the laboratory, and their reports: as often as what one is followed for asks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from carnet.population import cda, conditions, laboratory, pdf
from carnet.population.chance import Chance
from carnet.population.clock import at
from carnet.population.data import table
from carnet.population.laboratory import Measure, Panel
from carnet.population.people import Person, Population
from carnet.population.plans.plan import (
    AMBULATORY,
    NOTICE,
    GeneratedDocument,
    at_work,
    attending,
    generated,
    guardian,
    letterhead,
    set_of,
    told_time,
)

LABORATORIES = ("lab-quais", "lab-indrois")
OTHER_LABORATORY = 0.25  # how often people go to the one that is not theirs
CORRECTED = 0.03  # how often a report is corrected afterwards
ALWAYS_CORRECTED = {"patient": 4}  # the cast shows one: the number of the visit

REPORT = ("11502-2", "CR d'examens biologiques", "Compte rendu d'examens biologiques")


@dataclass(frozen=True, slots=True)
class Visit:
    """One sample, and the report it gave (one of its versions)."""

    key: str
    effective: datetime
    sampled: datetime
    laboratory: str
    panels: tuple[str, ...]
    factors: tuple[tuple[str, float], ...] = ()
    version: int = 1
    remark: str | None = None

    def written(self, population: Population, person: Person) -> GeneratedDocument:
        seed = population.seed
        results = laboratory.measures(
            seed, person, self.panels, self.sampled, self.laboratory, dict(self.factors)
        )
        set_id = set_of(seed, person, self.key)
        code, label, title = REPORT
        header = cda.Header(
            unique_id=cda.oid(set_id, self.version),
            set_id=set_id,
            version=self.version,
            replaces=cda.oid(set_id, self.version - 1) if self.version > 1 else None,
            code=code,
            label=label,
            title=title if self.version == 1 else f"{title} (version corrigée)",
            effective=self.effective,
            patient=person,
            guardian=guardian(population, person, self.effective),
            author=at_work(population, _biologist(self.laboratory)),
            prescriber=attending(population, person),
            attending=attending(population, person),
            prescribed=self.sampled - timedelta(days=4),
            order=str(cda.uuid(set_id, "order").int % 10**13),
            performed=(self.sampled + timedelta(minutes=70), self.effective),
            encounter=cda.Encounter(*AMBULATORY, self.sampled, None),
        )
        return generated(
            header,
            cda.laboratory_report(
                header, results, self.sampled, self.remark, _report_pdf(header, results, self)
            ),
            sum(len(measures) for _, measures in results),
            True,
        )


BIOLOGISTS = {"lab-quais": "biologist", "lab-indrois": "biologist-2"}


def _biologist(laboratory: str) -> str:
    """Who signs for a laboratory, the cast's or its counterpart elsewhere (supply.py)."""
    key, dot, group = laboratory.partition(".")
    return f"{BIOLOGISTS[key]}{dot}{group}"


def visits(seed: int, person: Person, until: date) -> Iterator[Visit]:
    """The visits to the laboratory: as often as what one is followed for asks."""
    chance = Chance(seed, person.key, "laboratory")
    base = "child" if "child" in person.profiles else "adult"
    every: dict[str, int] = {}
    for profile in (base, *person.profiles):
        for panel, days in laboratory.follow_up(profile).items():
            every[panel] = min(days, every.get(panel, days))
    pace = min(every.values())
    day = conditions.begins(person, 900) + timedelta(days=chance.between(3, min(pace, 240)))
    last: dict[str, date] = {}
    number = 0
    while day <= until:
        number += 1
        due = tuple(
            panel
            for panel, days in every.items()
            if panel not in last or (day - last[panel]).days >= days - pace // 3
        )
        last |= dict.fromkeys(due, day)
        yield from _visit(chance, person, number, day, due)
        day += timedelta(days=pace + chance.between(-pace // 10, pace // 8))
        day += timedelta(days=day.weekday() == 6)  # closed on Sundays


def _visit(
    chance: Chance, person: Person, number: int, day: date, due: tuple[str, ...]
) -> Iterator[Visit]:
    infection = table("laboratory")["episode"]["infection"]
    ill = chance.happens(infection["probability"])
    elsewhere = chance.happens(OTHER_LABORATORY)
    early, late = chance.between(425, 590), chance.between(850, 1060)  # minutes of the day
    corrected = chance.happens(CORRECTED) or ALWAYS_CORRECTED.get(person.key) == number
    panels = tuple(dict.fromkeys((*due, *(infection["panels"] if ill else ()))))
    first = Visit(
        key=f"visit {number}",
        effective=at(day, *divmod(late, 60)),
        sampled=at(day, *divmod(early, 60)),
        laboratory=_other(person.laboratory) if elsewhere else person.laboratory,
        panels=panels,
        factors=tuple(infection["factor"].items()) if ill else (),
    )
    if not corrected:
        yield first
        return
    wrong, factor = _error(panels)
    yield replace(first, factors=(*first.factors, (wrong, factor)))
    yield replace(
        first,
        version=2,
        effective=first.effective + timedelta(hours=20),
        remark=(
            "Ce compte rendu annule et remplace le précédent : "
            f"résultat corrigé pour {laboratory.analytes()[wrong].label.lower()}."
        ),
    )


def _error(panels: tuple[str, ...]) -> tuple[str, float]:
    """The analyte a first version had wrong, and by how much."""
    for panel, analyte, factor in (
        ("electrolytes", "potassium", 1.45),  # a haemolysed sample
        ("kidney", "creatinine", 1.6),
        ("blood_count", "platelets", 0.45),  # clumped platelets
        ("thyroid", "tsh", 2.4),
        ("inr", "inr", 1.7),
    ):
        if panel in panels:
            return analyte, factor
    return laboratory.panels()[panels[0]].analytes[-1], 1.5


def _other(key: str) -> str:
    known, dot, group = key.partition(".")
    return f"{LABORATORIES[1 - LABORATORIES.index(known)]}{dot}{group}"


def _report_pdf(
    header: cda.Header, results: list[tuple[Panel, list[Measure]]], visit: Visit
) -> bytes:
    lab = header.author
    blocks: list[pdf.Block] = [
        *letterhead(header),
        pdf.Heading(header.title, 14),
        pdf.Paragraph(
            f"Prélèvement du {told_time(visit.sampled)}. Compte rendu du {told_time(visit.effective)}."
            f" Version {visit.version}."
        ),
    ]
    if header.prescriber:
        blocks.append(pdf.Paragraph(f"Prescription : {header.prescriber.who.name}."))
    if visit.remark:
        blocks.append(pdf.Paragraph(visit.remark, bold=True))
    chapter = ""
    for panel, measures in results:
        if panel.chapter_label != chapter:
            chapter = panel.chapter_label
            blocks.append(pdf.Heading(chapter.upper(), 11))
        rows = []
        for measure in measures:
            normal = measure.interpretation == "N"
            label, bounds = measure.analyte.label, laboratory.printed_range(measure)
            rows.append(pdf.Row((label, cda.told(measure), bounds), bold=not normal))
            if other := cda.also(measure):
                rows.append(pdf.Row(("", other, "")))
        header_row = (panel.label, "Résultat", "Valeurs de référence")
        blocks.append(pdf.Table((5, 3, 4), header_row, rows))
    blocks.append(pdf.Paragraph(f"Validé par {lab.who.name}, {lab.where.name}."))
    return pdf.write(f"{header.title} - {header.patient.name}", blocks, NOTICE)
