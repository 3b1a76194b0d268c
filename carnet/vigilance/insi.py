# SPDX-License-Identifier: EUPL-1.2
"""INSi, the national identity service: asked by traits, or to verify a number.

Its description (WSDL) could not be had: this is the interface of what it answers, with a simulator for a
demonstration. Nothing is called outside: an installation that has the service brings its own `Insi`, and
its address is one line of its file of destinations. No answer is kept: what it changes is written at once.
Source: ANS, Référentiel INS; answers 00, 01, 02 as regional guides describe them (see french-specs §1.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

from psycopg import AsyncConnection

from carnet import errors
from carnet.identity.ins import Ins, InsSystem
from carnet.identity.traits import normal
from carnet.vigilance import queries
from carnet.vigilance.queries import National

SIMULATOR: Final = "simulateur"


class Code(StrEnum):
    """What the service says."""

    FOUND = "00"
    NONE = "01"
    SEVERAL = "02"  # ask again with the other given names, then with the birth place


@dataclass(frozen=True, slots=True)
class Asked:
    """Traits the service is asked with; given_names: the first, then as many as are known."""

    birth_name: str
    given_names: str
    birth_date: date
    sex: str  # male or female
    birth_place: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The identity the service answers with."""

    ins: Ins
    birth_name: str
    given_names: str  # the whole list
    birth_date: date
    sex: str
    birth_place: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A code, and the identity when there is one."""

    code: Code
    known: Known | None = None


class Unreachable(errors.Transient):
    """The national identity service does not answer."""


class Off(errors.BusinessRule):
    """This installation does not ask the national identity service."""


class Insi(Protocol):
    """What can be asked."""

    @property
    def name(self) -> str:
        """As it is shown on screen; SIMULATOR for the simulator."""

    @property
    def inside(self) -> bool:
        """It answers in this process: it may be asked in the middle of a transaction."""

    async def by_traits(self, conn: AsyncConnection[Any], asked: Asked) -> Answer:
        """Who answers to these traits."""

    async def verify(self, conn: AsyncConnection[Any], ins: Ins, asked: Asked) -> Answer:
        """Whether a number is that of these traits: 00 with the identity, else 01."""


class NotConnected:
    """What an installation has until it brings its own."""

    name, inside = "", False

    async def by_traits(self, conn: AsyncConnection[Any], asked: Asked) -> Answer:
        raise Off

    async def verify(self, conn: AsyncConnection[Any], ins: Ins, asked: Asked) -> Answer:
        raise Off


@dataclass(frozen=True, slots=True)
class Simulator:
    """Answers from the invented people of a demonstration (vigilance.simulated).

    times_out: it does not answer. degraded: it answers with traits that are not those asked.
    """

    times_out: bool = False
    degraded: bool = False
    name: str = SIMULATOR
    inside: bool = True

    async def by_traits(self, conn: AsyncConnection[Any], asked: Asked) -> Answer:
        if self.times_out:
            raise Unreachable
        values = {
            "birth_date": asked.birth_date,
            "birth_name": normal(asked.birth_name),
            "sex": asked.sex if asked.sex != "unknown" else None,
        }
        given = normal(asked.given_names)
        found = [
            each
            for each in await queries.nationals(conn, values)
            if f"{normal(each.given_names)} ".startswith(f"{given} ")
            and asked.birth_place in (None, each.birth_place)
        ]
        if len(found) != 1:
            return Answer(Code.SEVERAL if found else Code.NONE)
        return self._found(found[0])

    async def verify(self, conn: AsyncConnection[Any], ins: Ins, asked: Asked) -> Answer:
        if self.times_out:
            raise Unreachable
        found = await queries.national(conn, ins.system, ins.value)
        answer = self._found(found[0]) if found else Answer(Code.NONE)
        return answer if answer.known and agree(asked, answer.known) else Answer(Code.NONE)

    def _found(self, line: National) -> Answer:
        known = Known(
            Ins(line.ins, InsSystem(line.ins_system)), line.birth_name, line.given_names,
            line.birth_date, line.sex, line.birth_place,
        )  # fmt: skip
        if self.degraded:
            known = replace(
                known, birth_name=known.birth_name[:-1] + "X", birth_date=date(1900, 1, 1)
            )
        return Answer(Code.FOUND, known)


def agree(asked: Asked, known: Known) -> bool:
    """Whether an answer is of the person asked about: its traits overwrite nothing otherwise."""
    given, whole = normal(asked.given_names), normal(known.given_names)
    return (
        normal(asked.birth_name) == normal(known.birth_name)
        and bool(given)
        and (f"{whole} ".startswith(f"{given} ") or f"{given} ".startswith(f"{whole} "))
        and asked.birth_date == known.birth_date
        and asked.sex in ("unknown", known.sex)
        and asked.birth_place in (None, known.birth_place)
    )
