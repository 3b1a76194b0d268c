# SPDX-License-Identifier: EUPL-1.2
"""What happened to a person over the years, as the documents their carers sent.

A document depends on the seed, the person and its own date. `today` only says where to stop: a
later one adds documents and changes none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from carnet.identity.traits import Sex
from carnet.population import cda, laboratory, pdf
from carnet.population.chance import Chance
from carnet.population.clock import at, paris
from carnet.population.data import table
from carnet.population.laboratory import Measure, Panel
from carnet.population.people import Person, Population
from carnet.population.supply import near

START = date(2021, 1, 4)
SINCE = {"patient": date(2018, 1, 8)}  # the cast shows one long record
OF_AGE = 18
LABORATORIES = ("lab-quais", "lab-indrois")
OTHER_LABORATORY = 0.25  # how often people go to the one that is not theirs
CORRECTED = 0.03  # how often a report is corrected afterwards
ALWAYS_CORRECTED = {"patient": 4}  # the cast shows one: the number of the visit

REPORT = ("11502-2", "CR d'examens biologiques", "Compte rendu d'examens biologiques")
LETTERS = {
    "11488-4": "CR ou fiche de consultation ou de visite",
    "11490-0": "Lettre de liaison à la sortie d'un établissement de soins",
}
NOTICE = "Document de démonstration : personne, professionnels, établissements et valeurs inventés."


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """A document as its author's software would send it."""

    xml: bytes
    unique_id: str  # an OID
    set_id: str
    version: int
    replaces: str | None  # unique_id of the version before
    kind: str  # LOINC, JDV_J07-XdsTypeCode
    title: str
    patient: str  # keys of the population
    author: str
    establishment: str
    effective: datetime  # aware, UTC
    results: int  # coded results inside


def documents(population: Population, person: Person) -> Iterator[GeneratedDocument]:
    """The documents of a person, oldest first, up to the population's today."""
    until = at(population.today, 23, 59)
    plans: list[_Visit | _Letter] = [
        *_visits(population.seed, person, population.today),
        *_letters(population.seed, person, population.today),
    ]
    for plan in sorted(plans, key=lambda one: (one.effective, one.key)):
        if plan.effective <= until:
            yield plan.written(population, person)


def report(
    population: Population,
    person: Person,
    moment: datetime,
    *,
    panels: Iterable[str] = ("glycaemia", "kidney", "blood_count"),
    establishment: str | None = None,
) -> GeneratedDocument:
    """A laboratory report of that moment, outside the timeline: the one a laboratory sends now.

    moment: when it is released, aware; its id follows from it, to the microsecond.
    establishment: key of a laboratory; the person's usual one by default.
    """
    visit = _Visit(
        key=f"at {moment.astimezone(UTC).isoformat()}",
        effective=moment,
        sampled=moment - timedelta(hours=5),
        laboratory=establishment or person.laboratory,
        panels=tuple(panels),
    )
    return visit.written(population, person)


# ---------------------------------------------------------------- laboratory


@dataclass(frozen=True, slots=True)
class _Visit:
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
        set_id = cda.oid("document", seed, person.key, self.key)
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
            guardian=_guardian(population, person, self.effective),
            author=_seat(population, _biologist(self.laboratory)),
            prescriber=_attending(population, person),
            attending=_attending(population, person),
            prescribed=self.sampled - timedelta(days=4),
            order=str(cda.uuid(set_id, "order").int % 10**13),
            performed=(self.sampled + timedelta(minutes=70), self.effective),
            encounter=cda.Encounter("AMB", "Ambulatoire (hors établissement)", self.sampled, None),
        )
        return _generated(
            header,
            cda.laboratory_report(
                header, results, self.sampled, self.remark, _report_pdf(header, results, self)
            ),
            sum(len(measures) for _, measures in results),
        )


BIOLOGISTS = {"lab-quais": "biologist", "lab-indrois": "biologist-2"}


def _biologist(laboratory: str) -> str:
    """Who signs for a laboratory, the cast's or its counterpart elsewhere (supply.py)."""
    key, dot, group = laboratory.partition(".")
    return f"{BIOLOGISTS[key]}{dot}{group}"


def _visits(seed: int, person: Person, until: date) -> Iterator[_Visit]:
    """The visits to the laboratory: as often as what one is followed for asks."""
    chance = Chance(seed, person.key, "laboratory")
    base = "child" if "child" in person.profiles else "adult"
    every: dict[str, int] = {}
    for profile in (base, *person.profiles):
        for panel, days in laboratory.follow_up(profile).items():
            every[panel] = min(days, every.get(panel, days))
    pace = min(every.values())
    day = _start(person, 900) + timedelta(days=chance.between(3, min(pace, 240)))
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
) -> Iterator[_Visit]:
    infection = table("laboratory")["episode"]["infection"]
    ill = chance.happens(infection["probability"])
    elsewhere = chance.happens(OTHER_LABORATORY)
    early, late = chance.between(425, 590), chance.between(850, 1060)  # minutes of the day
    corrected = chance.happens(CORRECTED) or ALWAYS_CORRECTED.get(person.key) == number
    panels = tuple(dict.fromkeys((*due, *(infection["panels"] if ill else ()))))
    first = _Visit(
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
    header: cda.Header, results: list[tuple[Panel, list[Measure]]], visit: _Visit
) -> bytes:
    lab = header.author
    blocks: list[pdf.Block] = [
        *_letterhead(header),
        pdf.Heading(header.title, 14),
        pdf.Paragraph(
            f"Prélèvement du {_spoken(visit.sampled)}. Compte rendu du {_spoken(visit.effective)}."
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


# ---------------------------------------------------------------- letters


@dataclass(frozen=True, slots=True)
class _Letter:
    """One consultation or stay, and its letter."""

    key: str
    effective: datetime
    start: datetime
    row: Mapping[str, Any]

    def written(self, population: Population, person: Person) -> GeneratedDocument:
        seed, row = population.seed, self.row
        set_id = cda.oid("document", seed, person.key, self.key)
        inside = row["code"] == "11490-0"
        author = row["author"]
        header = cda.Header(
            unique_id=cda.oid(set_id, 1),
            set_id=set_id,
            version=1,
            replaces=None,
            code=row["code"],
            label=LETTERS[row["code"]],
            title=row["title"],
            effective=self.effective,
            patient=person,
            guardian=_guardian(population, person, self.effective),
            author=_attending(population, person)
            if author == "attending"
            else _seat(population, near(author, person.sector)),
            prescriber=None,
            attending=None if author == "attending" else _attending(population, person),
            prescribed=None,
            order=None,
            performed=(self.start, self.effective),
            encounter=cda.Encounter(
                "IMP", "Hospitalisation (établissement, y compris HAD)", self.start, self.effective
            )
            if inside
            else cda.Encounter("AMB", "Ambulatoire (hors établissement)", self.start, None),
        )
        return _generated(header, cda.letter(header, _letter_pdf(header, row, seed, self.start)), 0)


def _letters(seed: int, person: Person, until: date) -> Iterator[_Letter]:
    for row in table("letters")["letter"]:
        if row["about"] not in (person.profiles or ("healthy",)):
            continue
        chance = Chance(seed, person.key, "letter", row["key"])
        start = _start(person, 200)
        if "once" in row:
            days = chance.between(200, 1700)
            if chance.happens(row["once"]):
                yield _letter(chance, row, 1, start + timedelta(days=days))
            continue
        every = row["every"]
        day = start + timedelta(days=chance.between(5, every))
        number = 0
        while day <= until:
            number += 1
            yield _letter(chance, row, number, day)
            day += timedelta(days=every + chance.between(-every // 6, every // 6))


def _letter(chance: Chance, row: Mapping[str, Any], number: int, day: date) -> _Letter:
    day += timedelta(days=max(0, day.weekday() - 4) and 7 - day.weekday())  # not on a week-end
    begun = at(day, chance.between(9, 17), chance.pick((0, 15, 30, 45)))
    lasted = timedelta(days=row["days"]) if "days" in row else timedelta(minutes=25)
    return _Letter(f"{row['key']} {number}", begun + lasted, begun, row)


def _letter_pdf(header: cda.Header, row: Mapping[str, Any], seed: int, begun: datetime) -> bytes:
    person, author = header.patient, header.author
    chance = Chance(seed, person.key, "examination", begun.isoformat())
    woman = person.sex is Sex.FEMALE
    words = {
        **laboratory.told(seed, person, begun),
        "name": person.name,
        "age": str(person.age(begun.date())),
        "civil": "Madame" if woman else "Monsieur",
        "He": "Elle" if woman else "Il",
        "himself": "elle" if woman else "lui",
        "e": "e" if woman else "",
        "systolic": str(chance.between(108, 148)),
        "diastolic": str(chance.between(62, 88)),
    }
    addressee = header.attending.who.name if header.attending else None
    blocks: list[pdf.Block] = [*_letterhead(header), pdf.Heading(header.title, 14)]
    if row["code"] == "11490-0":
        blocks.append(
            pdf.Paragraph(f"Séjour du {_day(begun)} au {_day(header.effective)}.", bold=True)
        )
    else:
        blocks.append(pdf.Paragraph(f"Consultation du {_day(begun)}.", bold=True))
    if addressee:
        blocks.append(pdf.Paragraph(f"À l'attention de {addressee}."))
    blocks += [pdf.Paragraph(line.format_map(words)) for line in row["lines"]]
    blocks.append(pdf.Paragraph(f"{author.who.name}, {author.where.name}."))
    return pdf.write(f"{header.title} - {person.name}", blocks, NOTICE)


# ---------------------------------------------------------------- shared


def _generated(header: cda.Header, xml: bytes, results: int) -> GeneratedDocument:
    return GeneratedDocument(
        xml=xml,
        unique_id=header.unique_id,
        set_id=header.set_id,
        version=header.version,
        replaces=header.replaces,
        kind=header.code,
        title=header.title,
        patient=header.patient.key,
        author=header.author.who.key,
        establishment=header.author.where.key,
        effective=header.effective,
        results=results,
    )


def _seat(population: Population, key: str) -> cda.Seat:
    who = population.professional(key)
    return cda.Seat(who, population.establishment(who.main_place))


def _attending(population: Population, person: Person) -> cda.Seat:
    return _seat(population, person.attending or "gp")


def _start(person: Person, days: int) -> date:
    """When the record begins: at a common date, or so many days after birth."""
    return max(SINCE.get(person.key, START), person.birth_date + timedelta(days=days))


def _guardian(population: Population, person: Person, moment: datetime) -> Person | None:
    if not person.parents or person.age(moment.date()) >= OF_AGE:
        return None
    return population.person(person.parents[0])


def _letterhead(header: cda.Header) -> list[pdf.Block]:
    author, person = header.author, header.patient
    where, home = author.where.address, person.address
    born = f"{person.birth_date:%d/%m/%Y}"
    left = (
        author.where.name,
        f"{where.number} {where.street}",
        f"{where.town.postal_code} {where.town.name}",
        f"Tél. {_dialled(author.where.phone)}",
        f"{author.who.name} - RPPS {author.who.rpps}",
    )
    right = (
        f"{person.used_given_name} {person.used_name}",
        f"Nom de naissance : {person.birth_name}",
        f"{'Née' if person.sex is Sex.FEMALE else 'Né'} le {born} à {person.birth_place.name}",
        f"INS (test) : {person.ins}",
        f"{home.number} {home.street}, {home.town.postal_code} {home.town.name}",
    )
    return [pdf.Pair(left, right)]


def _dialled(phone: str) -> str:
    return " ".join(phone[place : place + 2] for place in range(0, len(phone), 2))


def _day(moment: datetime) -> str:
    return f"{paris(moment):%d/%m/%Y}"


def _spoken(moment: datetime) -> str:
    return f"{paris(moment):%d/%m/%Y à %H:%M}"
