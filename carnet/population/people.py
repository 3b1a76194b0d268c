# SPDX-License-Identifier: EUPL-1.2
"""The invented people, places and roles of a demonstration, as frozen values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, Protocol, TypeVar

from carnet.identity.ins import InsSystem
from carnet.identity.traits import Sex, Traits

INS_TEST_OID = InsSystem.NIR_TEST.removeprefix("urn:oid:")  # of nobody real (ANS, Référentiel INS)


@dataclass(frozen=True, slots=True)
class Commune:
    """A birth place or a town: INSEE code (Code officiel géographique), name, a postal code."""

    code: str
    name: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address in France."""

    number: str
    street: str
    town: Commune


@dataclass(frozen=True, slots=True)
class Person:
    """A person who has a record: the five strict traits, the INS, home, family and doctor."""

    key: str
    ins: str  # 15 characters with the key; its OID is always INS_TEST_OID
    birth_name: str  # capitals without accents, as the civil registry gives it
    birth_given_names: tuple[str, ...]  # the same; the first is the first birth given name
    used_name: str
    used_given_name: str
    birth_date: date
    sex: Sex
    birth_place: Commune
    address: Address
    phones: tuple[str, ...]
    email: str | None
    parents: tuple[str, ...] = ()  # keys of persons
    children: tuple[str, ...] = ()
    spouses: tuple[str, ...] = ()
    attending: str | None = None  # médecin traitant: key of a professional
    profiles: tuple[str, ...] = ()  # keys of laboratory.toml: what this person is followed for
    laboratory: str = ""  # usual laboratory: key of an establishment
    sector: int = 0  # of the population, whose doctors and places they go to (supply.py)

    @property
    def ins_oid(self) -> str:
        """OID of the test INS, the only one a generated person ever has."""
        return INS_TEST_OID

    @property
    def traits(self) -> Traits:
        """The strict traits, as a register of identities takes them."""
        return Traits(
            birth_name=self.birth_name,
            birth_given_names=" ".join(self.birth_given_names),
            first_given_name=self.first_given_name,
            birth_date=self.birth_date,
            sex=self.sex,
            birth_place=self.birth_place.code,
        )

    @property
    def first_given_name(self) -> str:
        """First given name of the birth certificate, one of the strict traits."""
        return self.birth_given_names[0]

    @property
    def title(self) -> str:
        """Civilité, code of TRE_R81: M or MME."""
        return "M" if self.sex is Sex.MALE else "MME"

    @property
    def name(self) -> str:
        """The name people read: used given name and used name."""
        return f"{self.used_given_name} {self.used_name}"

    def age(self, on: date) -> int:
        """Whole years on a day."""
        before = (on.month, on.day) < (self.birth_date.month, self.birth_date.day)
        return on.year - self.birth_date.year - before


@dataclass(frozen=True, slots=True)
class Establishment:
    """A place of care: FINESS, kind (JDV_J02, SA..) and practice setting (JDV_J04)."""

    key: str
    finess: str  # nine characters, last one the key; fictitious (no département is 99)
    name: str
    kind: str  # XdsHealthcareFacilityTypeCode: SA01, SA07, SA25, SA33...
    kind_label: str
    setting: str  # XdsPracticeSettingCode: AMBULATOIRE, ETABLISSEMENT...
    setting_label: str
    address: Address
    phone: str

    @property
    def idnst(self) -> str:
        """National identifier of a structure: 1 and the FINESS."""
        return f"1{self.finess}"


@dataclass(frozen=True, slots=True)
class Situation:
    """A situation of exercise (PractitionerRole): who works where, and how."""

    key: str
    professional: str
    establishment: str
    mode: Literal["L", "S"]  # TRE_R23-ModeExercice: L libéral, S salarié


@dataclass(frozen=True, slots=True)
class Professional:
    """A health professional: RPPS, profession and specialty, and where they work."""

    key: str
    rpps: str  # eleven digits, last one the key; fictitious (999...)
    sex: Sex
    civil_title: str  # M or MME
    title: str | None  # DR, or none
    given_name: str
    family_name: str
    profession: str  # TRE_G15-ProfessionSante: 10 doctor, 21 pharmacist, 40, 50, 60, 70
    profession_label: str
    specialty: str | None  # TRE_R38-SpecialiteOrdinale: SM54, SM03...
    specialty_label: str | None
    phone: str
    email: str
    situations: tuple[Situation, ...]

    @property
    def idnps(self) -> str:
        """National identifier of a professional: 8 and the RPPS."""
        return f"8{self.rpps}"

    @property
    def name(self) -> str:
        """The name people read: Dr Claire Lemoine."""
        return " ".join(
            filter(None, ("Dr" if self.title else None, self.given_name, self.family_name))
        )

    @property
    def main_place(self) -> str:
        """Key of the establishment of the first situation."""
        return self.situations[0].establishment


@dataclass(frozen=True, slots=True)
class Member:
    """A professional of a care team and the part they play (JDV_J47-FunctionCode)."""

    professional: str
    role: str  # PCP médecin traitant, ATTPHYS référent, 353 membre, CORRE correspondant
    role_label: str


@dataclass(frozen=True, slots=True)
class CareTeam:
    """The équipe de soins of one patient, in one establishment or across several."""

    key: str
    patient: str
    name: str
    establishment: str | None
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A professional to whom the patient closed their record."""

    patient: str
    professional: str


@dataclass(frozen=True, slots=True)
class Mandate:
    """Somebody who acts for the person of a record, otherwise than as their parent."""

    person: str
    holder: str
    nature: str
    reach: str
    how: str
    form: str
    days: int  # it lasts


@dataclass(frozen=True, slots=True)
class Assists:
    """Whom an assistant acts for."""

    persona: str
    professionals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody the demonstration lets a visitor be: `carnet token --as KEY`."""

    key: str
    kind: str  # patient, professional, software, operator, representative, carer, helper...
    label_fr: str
    label_en: str
    built: bool  # false: the kind of actor exists in a later course
    person: str | None = None
    professional: str | None = None
    establishment: str | None = None
    name: str | None = None  # of somebody who is neither a person of the cast nor a professional


class Keyed(Protocol):
    """Anything with a key."""

    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=Keyed)


def by_key(things: Iterable[K]) -> Mapping[str, K]:
    """The same things, found by key."""
    return {thing.key: thing for thing in things}


@dataclass(frozen=True)
class Population:
    """Everybody of a demonstration. The cast (personas and those around them) comes first."""

    seed: int
    today: date
    people: tuple[Person, ...]
    professionals: tuple[Professional, ...]
    establishments: tuple[Establishment, ...]
    teams: tuple[CareTeam, ...]
    blocks: tuple[Block, ...]
    personas: tuple[Persona, ...]
    mandates: tuple[Mandate, ...] = ()
    assists: tuple[Assists, ...] = ()
    announced: tuple[Person, ...] = ()  # beside `people`: registered, told so, and not open yet

    def person(self, key: str) -> Person:
        """The person of that key; KeyError when nobody has it."""
        return self._people[key]

    def professional(self, key: str) -> Professional:
        """The professional of that key; KeyError when nobody has it."""
        return self._professionals[key]

    def establishment(self, key: str) -> Establishment:
        """The establishment of that key; KeyError when none has it."""
        return self._establishments[key]

    def persona(self, key: str) -> Persona:
        """The persona of that key; KeyError when there is none."""
        return self._personas[key]

    def teams_of(self, patient: str) -> tuple[CareTeam, ...]:
        """The care teams of one person."""
        return tuple(team for team in self._teams.get(patient, ()))

    def staff(self, establishment: str) -> tuple[Professional, ...]:
        """Those whose first situation is there."""
        return tuple(self._staff.get(establishment, ()))

    @cached_property
    def cast_places(self) -> int:
        """How many of the establishments, the first ones, are the cast's."""
        return sum("." not in each.key for each in self.establishments)

    @cached_property
    def _staff(self) -> Mapping[str, list[Professional]]:
        found: dict[str, list[Professional]] = {}
        for one in self.professionals:
            found.setdefault(one.main_place, []).append(one)
        return found

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return by_key((*self.people, *self.announced))

    @cached_property
    def _professionals(self) -> Mapping[str, Professional]:
        return by_key(self.professionals)

    @cached_property
    def _establishments(self) -> Mapping[str, Establishment]:
        return by_key(self.establishments)

    @cached_property
    def _personas(self) -> Mapping[str, Persona]:
        return by_key(self.personas)

    @cached_property
    def _teams(self) -> Mapping[str, list[CareTeam]]:
        found: dict[str, list[CareTeam]] = {}
        for team in self.teams:
            found.setdefault(team.patient, []).append(team)
        return found
