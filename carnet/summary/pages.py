# SPDX-License-Identifier: EUPL-1.2
"""What the one page shows: one frozen object, of lines that say where they come from."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

# Who says it: a professional or a software, the patient, somebody who acts for them.
By = Literal["professional", "patient", "relative"]
# What a section is without a line: nobody said anything, or somebody said that there is nothing.
Empty = Literal["", "unknown", "none"]
# What is to be known of a line, each a sentence of the page.
Conflict = Literal[
    "stopped-elsewhere",  # one source stops what another continues
    "not-taken",  # the patient says that they do not take it
    "doses",  # two sources, two doses
    "denied-elsewhere",  # one source denies what another states
    "over-elsewhere",  # a later source says that it is over
    "contradicted",  # "nothing known", and something is
    "values",  # two values of one instant
    "future",  # a result of a day that has not come
]
Stage = Literal["prescribed", "planned", "dispensed", "taken"]


class Ours(str):
    """Words of the page, in its language; those of a source are a plain string."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line comes from: the resource, and the document it was read in."""

    address: str  # Type/id
    document: str  # id of a DocumentReference, "" when it came with none
    title: str  # of the document, "" when it came with none
    author: str  # as it is read, "" when unknown
    at: datetime | None  # when it was written
    by: By = "professional"
    stage: Stage | None = None  # of a treatment
    said: str = ""  # what this source says, when sources differ: a dose, a state


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is known."""

    label: str
    since: str = ""  # FHIR date, as partial as it was written
    until: str = ""
    days: tuple[str, ...] = ()  # of each dose of a vaccine, of each time of an act, newest first
    details: tuple[str, ...] = ()  # as written: dose, reaction, place…
    sources: tuple[Source, ...] = ()  # newest first
    conflicts: tuple[Conflict, ...] = ()
    stages: tuple[Stage, ...] = ()
    old: bool = False  # without an end, and older than the rule that is ours
    unsure: bool = False  # not confirmed by who wrote it
    severe: bool = False  # high risk, as the source says

    @property
    def at(self) -> datetime | None:
        """When its newest source was written."""
        return next((each.at for each in self.sources if each.at), None)

    @property
    def told(self) -> tuple[str, ...]:
        """Its details, but those that say its name again."""
        return tuple(each for each in self.details if each.casefold() != self.label.casefold())

    @property
    def act(self) -> bool:
        """Whether its days are those of an act, not of a vaccine."""
        return any(each.address.startswith("Procedure/") for each in self.sources)

    @property
    def declared(self) -> bool:
        """Whether no professional said it."""
        return bool(self.sources) and all(each.by != "professional" for each in self.sources)


@dataclass(frozen=True, slots=True)
class Value:
    """One result, with what it was before."""

    code: str  # LOINC
    label: str
    value: str  # as written: 5.40, <0.5, 128/76
    unit: str
    number: Decimal | None
    low: Decimal | None
    high: Decimal | None
    range_text: str
    interpretation: str | None  # HL7 ObservationInterpretation
    at: datetime
    previous: Decimal | None
    previous_at: datetime | None
    sources: tuple[Source, ...]
    conflicts: tuple[Conflict, ...] = ()
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page.

    lines: what holds. past: what held. nothing: who says that there is nothing, and of what.
    more: there is more than was looked at.
    """

    lines: tuple[Line, ...] = ()
    past: tuple[Line, ...] = ()
    nothing: tuple[Line, ...] = ()
    more: bool = False

    @property
    def empty(self) -> Empty:
        """Why there is no line."""
        if self.lines:
            return ""
        return "none" if self.nothing else "unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """The page."""

    name: str
    born: str
    sex: str
    problems: Section
    allergies: Section
    treatments: Section
    results: tuple[Value, ...]
    vaccinations: Section
    stays: Section
    procedures: Section
    directives: Section
    contacts: Section
    made: datetime
    unread: bool = False  # there are results too far back to have been looked at
