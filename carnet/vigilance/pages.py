# SPDX-License-Identifier: EUPL-1.2
"""What is typed to find a person, and what comes back: never more than was typed, plus a handle."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class TraitsForm:
    """A search as typed: the INS alone, or birth date and name and one more trait.

    Empty fields are "" or None. The act checks that there is enough, never the page.
    """

    ins: str = ""  # 15 characters, spaces removed
    birth_date: date | None = None
    name: str = ""  # birth name
    given_name: str = ""  # first given name
    sex: str = ""  # "male" | "female"
    birth_place: str = ""  # INSEE code, five characters


@dataclass(frozen=True, slots=True)
class Found:
    """One person who answers to what was typed."""

    handle: str  # opaque; opens nothing by itself
    name: str
    birth_date: date | None  # None when it was not typed
    sex: str  # FHIR administrative gender, "" when it was not typed
    consented: bool  # the caller already has the patient's consent


@dataclass(frozen=True, slots=True)
class Person:
    """Whose record is open, on top of every page of it."""

    name: str
    birth_date: date
    sex: str  # FHIR administrative gender


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done on an identity."""

    at: datetime
    act: str  # identity/status.py
    after: str  # status, with its attributes
    proof: str


@dataclass(frozen=True, slots=True)
class Mine:
    """« Mon identité »."""

    birth_name: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str  # INSEE code
    name: str  # as it is shown
    status: str  # PROV, RECUP, VALI, QUAL
    doubtful: bool
    homonym: bool
    ins: str  # "" unless qualified
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """An identity sheet, of a qualified identity."""

    birth_name: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str
    name: str
    ins: str
    system: str  # OID
    real: bool  # false: a test or demonstration number
    drawing: str  # path of the datamatrix
    side: int  # modules of its side, with the white around


@dataclass(frozen=True, slots=True)
class Traits:
    """One identity of a comparison: traits and status, nothing of health."""

    id: str  # of its Patient
    birth_name: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str
    ins: str  # borne, or claimed when quarantined
    status: str
    quarantined: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the history of an identity, as an officer reads it."""

    at: datetime
    act: str  # identity/status.py
    after: str
    proof: str  # code of a document, or the answer of the INSi
    reason: str
    by: str  # name


@dataclass(frozen=True, slots=True)
class Kin:
    """A parent, or a child, of somebody."""

    traits: Traits
    parent: bool  # else a child
    nature: str  # of the parent: one of vigilance/family.py NATURES
    since: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity before an officer."""

    traits: Traits
    homonym: bool
    fictitious: bool
    may: tuple[str, ...]  # acts of identity/status.py that would change something
    steps: tuple[Step, ...]  # newest first
    family: tuple[Kin, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two identities to compare."""

    one: Traits
    other: Traits
    why: tuple[str, ...]
    since: datetime
    differing: frozenset[str]  # names of the traits that are not the same


@dataclass(frozen=True, slots=True)
class Proposal:
    """A merge that waits for its second officer, or that is in force."""

    id: str
    source: Traits
    target: Traits
    reason: str
    at: datetime
    by: str  # name of who proposed it
    own: bool  # the reader did: another confirms it
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The officers' page."""

    pairs: tuple[Pair, ...]
    proposals: tuple[Proposal, ...]
    apart: tuple[Traits, ...]  # in quarantine, in nobody's record
    simulated: bool  # the INSi of this installation is a simulator
