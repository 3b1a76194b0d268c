# SPDX-License-Identifier: EUPL-1.2
"""A document to come: when, by whom, of what kind, and what will be in it. Written when asked for.

The PDF and the structured body are made from the same sections, so that they agree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Protocol

from carnet.identity.traits import Sex
from carnet.population import cda, pdf, supply
from carnet.population.clock import at, paris
from carnet.population.people import Person, Population

OF_AGE = 18
NOTICE = "Document de démonstration : personne, professionnels, établissements et valeurs inventés."
HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)})

AMBULATORY = ("AMB", "Ambulatoire (hors établissement)")
INSIDE = ("IMP", "Hospitalisation (établissement, y compris HAD)")
EMERGENCY = ("EMER", "Passage aux urgences (établissement)")
EXTERNAL = ("EXTERNE", "Acte et consultation externe (établissement)")


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
    structured: bool  # level 3; False: a PDF alone


class Planned(Protocol):
    """Anything that will be a document."""

    @property
    def key(self) -> str:
        """Its name among those of the person."""

    @property
    def effective(self) -> datetime:
        """When it is signed."""

    def written(self, population: Population, person: Person) -> GeneratedDocument:
        """The document."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a document is written from."""

    population: Population
    person: Person
    header: cda.Header
    start: datetime

    @property
    def seed(self) -> int:
        """The seed of the population."""
        return self.population.seed


Writer = Callable[[Context], list[cda.Section]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A document whose content is sections, or lines of text."""

    key: str
    effective: datetime
    start: datetime
    kind: tuple[str, str]  # type code and label
    title: str
    author: str  # role: attending, or the key of a professional of the cast
    write: Writer
    model: cda.Model | None = None  # None: level 1
    encounter: tuple[str, str] = AMBULATORY
    asked_by: str | None = None  # role of who prescribed it
    asked: datetime | None = None
    answers: str | None = None  # key of the prescription or request
    version: int = 1
    results: int = 0
    acts: tuple[cda.Act, ...] = ()

    def written(self, population: Population, person: Person) -> GeneratedDocument:
        """The document: level 3 around the sections when there is a model, else the PDF alone."""
        seed = population.seed
        set_id = set_of(seed, person, self.key)
        author = seat(population, person, self.author)
        code, label = self.kind
        header = cda.Header(
            unique_id=cda.oid(set_id, self.version),
            set_id=set_id,
            version=self.version,
            replaces=cda.oid(set_id, self.version - 1) if self.version > 1 else None,
            code=code,
            label=label,
            title=self.title,
            effective=self.effective,
            patient=person,
            guardian=guardian(population, person, self.effective),
            author=author,
            prescriber=seat(population, person, self.asked_by) if self.asked_by else None,
            attending=None if self.author == "attending" else attending(population, person),
            prescribed=self.asked,
            order=order(seed, person, self.answers) if self.answers else None,
            performed=(self.start, self.effective),
            encounter=cda.Encounter(
                *self.encounter,
                self.start,
                self.effective if self.encounter is not AMBULATORY else None,
            ),
        )
        sections = self.write(Context(population, person, header, self.start))
        paper = printed(header, sections)
        xml = (
            cda.structured(header, self.model, sections, paper, self.acts)
            if self.model
            else cda.letter(header, paper)
        )
        return generated(header, xml, self.results if self.model else 0, self.model is not None)


def text(*lines: str) -> list[cda.Section]:
    """Paragraphs alone, for a document without structure."""
    return [cda.Section("", "", "", (), tuple(lines))]


def words(context: Context) -> Mapping[str, str]:
    """What a sentence of the tables may say of the person."""
    person = context.person
    woman = person.sex is Sex.FEMALE
    return {
        "name": person.name,
        "age": str(person.age(context.start.date())),
        "civil": "Madame" if woman else "Monsieur",
        "He": "Elle" if woman else "Il",
        "himself": "elle" if woman else "lui",
        "e": "e" if woman else "",
    }


def set_of(seed: int, person: Person, key: str) -> str:
    """The set all versions of a document belong to."""
    return cda.oid("document", seed, person.key, key)


def order(seed: int, person: Person, key: str) -> str:
    """The number of a prescription or a request."""
    return str(cda.uuid(set_of(seed, person, key), "order").int % 10**13)


def generated(header: cda.Header, xml: bytes, results: int, structured: bool) -> GeneratedDocument:
    """A document with what its head says of it."""
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
        structured=structured,
    )


# ---------------------------------------------------------------- who


def seat(population: Population, person: Person, role: str) -> cda.Seat:
    """Who plays a role for a person: their attending doctor, or whom their sector has for it.

    role: attending, or the key of a professional of the cast.
    """
    if role == "attending":
        return attending(population, person)
    return at_work(population, supply.near(role, person.sector))


def attending(population: Population, person: Person) -> cda.Seat:
    """The médecin traitant, where they work."""
    return at_work(population, person.attending or "gp")


def guardian(population: Population, person: Person, moment: datetime) -> Person | None:
    """The parent a minor's document names."""
    if not person.parents or person.age(moment.date()) >= OF_AGE:
        return None
    return population.person(person.parents[0])


def at_work(population: Population, key: str) -> cda.Seat:
    """A professional, in the place they work first."""
    who = population.professional(key)
    return cda.Seat(who, population.establishment(who.main_place))


# ---------------------------------------------------------------- when


@cache
def working(day: date) -> date:
    """That day, or the first after it that is neither of a week-end nor a fixed holiday."""
    while day.weekday() > 4 or (day.month, day.day) in HOLIDAYS:
        day += timedelta(days=1)
    return day


def moment(day: date, minutes: int) -> datetime:
    """That minute of a day in France."""
    return at(day, *divmod(minutes, 60))


# ---------------------------------------------------------------- on paper


def printed(header: cda.Header, sections: Sequence[cda.Section]) -> bytes:
    """The PDF people print: it says what the sections say."""
    author = header.author
    blocks: list[pdf.Block] = [
        *letterhead(header),
        pdf.Heading(header.title, 14),
        pdf.Paragraph(_said(header), bold=True),
    ]
    if header.attending and header.attending.who.key != author.who.key:
        blocks.append(pdf.Paragraph(f"À l'attention de {header.attending.who.name}."))
    blocks += _blocks(sections)
    blocks.append(pdf.Paragraph(f"{author.who.name}, {author.where.name}."))
    return pdf.write(f"{header.title} - {header.patient.name}", blocks, NOTICE)


def _said(header: cda.Header) -> str:
    begun, ended = header.performed
    if header.encounter.code == "IMP":
        said = f"Séjour du {told_day(begun)} au {told_day(ended)}."
    elif header.code == "11488-4":
        said = f"Consultation du {told_day(begun)}."
    else:
        said = f"Le {told_day(header.effective)}."
    return said if header.version == 1 else f"{said} Version {header.version}."


def _blocks(sections: Sequence[cda.Section]) -> Iterable[pdf.Block]:
    for section in sections:
        if section.title:
            yield pdf.Heading(section.title, 11)
        for line in section.paragraphs:
            yield pdf.Paragraph(line)
        if section.grid:
            rows = [pdf.Row(row.cells) for row in section.grid.rows]
            yield pdf.Table(section.grid.widths, section.grid.header, rows)
        yield from _blocks(section.inner)


def letterhead(header: cda.Header) -> list[pdf.Block]:
    """Who writes, and about whom."""
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


def told_day(moment: datetime) -> str:
    """A day as people write it."""
    return f"{paris(moment):%d/%m/%Y}"


def told_time(moment: datetime) -> str:
    """A day and an hour as people write them."""
    return f"{paris(moment):%d/%m/%Y à %H:%M}"
