# SPDX-License-Identifier: EUPL-1.2
"""What validation asks of value sets, answered from what is loaded, without waiting while it validates.

Validation is plain code that asks `member` in passing. What is not remembered is noted, and answered by
what validation knows by itself; once it has ended, PostgreSQL is asked all that was noted, and validation
is done again. What is remembered is of one generation of what is loaded.

    bindings = Bindings(terms, LocalTerminology(packages))      # one for a process
    validator = Validator(packages, terminology=bindings)
    issues = await bindings.settled(conn, lambda: validator.validate(resource))
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, Protocol, TypeVar

from carnet.fhir.fhirpath import Item, Terminology
from carnet.fhir.terminology.queries import Conn, generation
from carnet.fhir.terminology.refusals import Circular, UnknownValueSet
from carnet.fhir.terminology.terms import Terms

KEPT: Final = 50_000  # answers
ROUNDS: Final = 3  # an answer may lead to another question

Question = tuple[str, str | None, str]  # value set, system, code
T = TypeVar("T")


NOTED: Final[ContextVar[set[Question] | None]] = ContextVar("NOTED", default=None)


def noted() -> set[Question]:
    """Where whatever is asked from here on of what is loaded is noted, remembered or not."""
    mine: set[Question] = set()
    NOTED.set(mine)
    return mine


def _note(question: Question) -> None:
    if (mine := NOTED.get()) is not None:
        mine.add(question)


class Own(Terminology, Protocol):
    """What validation knows by itself."""

    def certain(self, value_set: str, item: Item) -> bool | None: ...
    def missing(self, value_set: str) -> bool: ...
    def listed(self, value_set: dict[str, Any]) -> Callable[[Item], bool | None]: ...


class Bindings:
    """A terminology for validation, over PostgreSQL."""

    def __init__(self, terms: Terms, own: Own) -> None:
        self.terms = terms
        self.own = own
        self.generation = -1
        self.answers: OrderedDict[Question, bool | None] = OrderedDict()
        self.unasked: set[Question] = set()
        self.absent: set[str] = set()  # value sets nobody brought, of this generation

    def missing(self, value_set: str) -> bool:
        """Whether nobody brought a value set."""
        return value_set in self.absent and self.own.missing(value_set)

    def listed(self, value_set: dict[str, Any]) -> Callable[[Item], bool | None]:
        """Whether items are in a value set that is contained."""
        return self.own.listed(value_set)

    def member(self, value_set: str, item: Item) -> bool | None:
        """Whether an item is in a value set: by its own lists, what was learnt, what those leave open."""
        told = self.own.certain(value_set, item)
        if told is not None:
            return told
        if value_set in self.absent:
            _note((value_set, None, ""))
        else:
            answers = [self._remembered((value_set, *pair)) for pair in pairs(item)]
            if True in answers:
                return True
            if answers and None not in answers:
                return False
        return self.own.member(value_set, item)

    def _remembered(self, question: Question) -> bool | None:
        _note(question)
        if question in self.answers:
            return self.answers[question]
        self.unasked.add(question)
        return None

    async def learn(self, conn: Conn, questions: set[Question]) -> None:
        """Ask what is not remembered."""
        for question in sorted(questions - self.answers.keys(), key=repr):
            try:
                answer = await self.terms.contains(conn, *question)
            except UnknownValueSet as error:
                answer = None  # nobody brought it: nothing is held against a code
                if str(error) == str(UnknownValueSet(question[0])):  # not one it names
                    self.absent.add(question[0])
            except Circular:
                answer = None
            self.answers[question] = answer
            if len(self.answers) > KEPT:
                self.answers.popitem(last=False)

    async def settled(self, conn: Conn, work: Callable[[], T]) -> T:
        """What validation finds, once nothing it asks is left to learn."""
        now = await generation(conn)
        if now != self.generation:
            self.answers.clear()
            self.absent.clear()
            self.generation = now
        for _ in range(ROUNDS):
            self.unasked = set()  # of this work alone: nothing else runs while it does
            found = work()
            questions = self.unasked
            if not questions:
                return found
            await self.learn(conn, questions)
        return work()


def pairs(item: Item) -> list[tuple[str | None, str]]:
    """System and code of each coding of an item; a bare code has no system."""
    kind, value, _ = item
    if type(value) is str:
        return [(None, value)]
    if type(value) is not dict:
        return []
    codings: list[Any] = value.get("coding", []) if kind == "CodeableConcept" else [value]
    return [(each.get("system"), each["code"]) for each in codings if "code" in each]
