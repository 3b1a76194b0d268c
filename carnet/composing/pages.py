# SPDX-License-Identifier: EUPL-1.2
"""What the pages of writing show and send back: what the record offers, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from carnet import errors
from carnet.composing.model import Kind, Part


class NoSort(errors.NotFound):
    """There is no such kind of document to write."""


class TooLong(errors.BusinessRule):
    """A free field has 4000 characters at most."""


class WrongStay(errors.BusinessRule):
    """A stay has a first day, and a last one that is neither before it nor to come."""


class UnknownPeer(errors.BusinessRule):
    """The directory has no professional of this RPPS number."""


class NotItsModel(errors.BusinessRule):
    """The document would not keep what its model asks."""


class NoSignature(errors.BusinessRule):
    """The directory does not have this professional, or their place of work, with their national number."""


# Why a line is offered without being chosen: who writes has to look at it.
Doubt = Literal["declared", "conflict", "old", "unsure", "outside"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of the record that may go in the document; address: Type/id of its resource."""

    address: str
    kind: Kind
    cells: tuple[str, ...]
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A professional the record names: IDNPS, as they are read, whether it is the treating doctor."""

    idnps: str
    name: str
    attending: bool = False


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a document may be made of.

    words: the names of its free fields. answers: those of the questions only who writes can answer.
    """

    sort: str
    groups: Sequence[tuple[Kind, Sequence[Offer]]]
    words: Sequence[str]
    stay: tuple[date | None, date | None] | None = None  # None: a document of no stay
    before: date | None = None  # day of one's own that it would replace
    answers: Sequence[str] = ()
    peers: Sequence[Known] = ()  # who may receive it


@dataclass(frozen=True, slots=True)
class Kept:
    """What was reviewed: the addresses that stay, the words, the stay."""

    chosen: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    start: date | None = None
    end: date | None = None
    replaces: bool = False  # one's own document of that kind
    answers: Mapping[str, str] = field(
        default_factory=dict
    )  # a code of the question, or yes and no
    attending: str = ""  # RPPS or IDNPS of the treating doctor, "" when there is none to name
    to: Sequence[str] = ()  # RPPS or IDNPS of who receives it


@dataclass(frozen=True, slots=True)
class Draft:
    """One document being written: its number and its instant are given once, so that it is written once."""

    number: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """The document as it will be: what is read, and its readable copy."""

    title: str
    signer: str
    place: str
    parts: Sequence[Part]
    pdf: bytes
    attending: str = ""
    recipients: Sequence[str] = ()
