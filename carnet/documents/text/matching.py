# SPDX-License-Identifier: EUPL-1.2
"""A question as the condition of one statement: what answers, where the words stand, what is in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, LiteralString, NamedTuple

from carnet.documents.text import pairs
from carnet.documents.text.asking import Question, Term
from carnet.documents.text.queries import Hasher, begins, hashed
from carnet.fhir.search.columns import Tally
from carnet.fhir.search.query import Place, Query
from carnet.fhir.search.scope import array

ZONES = ("title", "heads", "body")  # where all the words stand, best first
# The type of a document: kept beside its words, or looked for in its row by an older version.
KINDS: LiteralString = "CASE WHEN s.type IS NULL THEN {token} ELSE nullif(s.type, 0) END"
PAIRED = (
    "(s.cid, s.rid) IN (SELECT p.cid, p.rid FROM documents.pairs p"
    " WHERE p.cid = {cid}::bigint AND p.pairs @> {pairs}::integer[])"
)


class Found(NamedTuple):
    """One document that answers, as far as its row says."""

    cid: int
    rid: int
    year: int | None
    organisation: int | None  # the compartment of who deposited it
    token: int | None  # what stands for its type
    began: float  # its date: seconds since 1970
    authors: list[int]
    zone: int  # of ZONES
    doubt: bool  # only its text says whether a phrase, or a whole beginning, is there

    @property
    def place(self) -> tuple[int, int]:
        """Its row."""
        return self.cid, self.rid


@dataclass(frozen=True, slots=True)
class Answers:
    """What is beside the documents that answer a question: the columns of Found."""

    question: Question
    tally: Tally
    table: ClassVar[LiteralString] = "documents.words"

    def sql(self, query: Query, place: Place, values: dict[str, object]) -> tuple[str, str]:
        """Each record has numbers of its own for the same words."""
        made = [
            _Numbers(self.question, cid, place.hasher, values, f"w{rank}")
            for rank, cid in enumerate(query.compartments or ())
        ]

        def anywhere(condition: Callable[[_Numbers], str]) -> str:
            parts = [f"(s.cid = {each.cid_value} AND {condition(each)})" for each in made]
            return f"({' OR '.join(parts) or 'FALSE'})"

        title = anywhere(lambda each: each.all("title"))
        heads = anywhere(lambda each: each.all("heads"))
        doubt = anywhere(lambda each: each.doubt())
        columns = (
            f"{self.tally.sql(place, values, KINDS)},"
            " coalesce(date_part('epoch', r.lo), '-infinity') AS began, s.authors,"
            f" CASE WHEN {title} THEN 0 WHEN {heads} THEN 1 ELSE 2 END AS zone, {doubt} AS doubt"
        )
        return columns, anywhere(lambda each: each.answers())


class _Numbers:
    """The conditions of a question on a row `s` of one record."""

    def __init__(
        self, question: Question, cid: int, hasher: Hasher, values: dict[str, object], name: str
    ) -> None:
        self._question, self._cid, self._hasher = question, cid, hasher
        self._values, self._name = values, name
        values[name] = cid
        self.cid_value = f"%({name})s::bigint"

    def all(self, zone: str) -> str:
        """Every word that is wanted stands in a zone."""
        wanted = [each for each in self._question.terms if not each.refused]
        return f"({' AND '.join(self._stems(each, zone) for each in wanted)})"

    def answers(self) -> str:
        """The row answers, or may."""
        parts = [self._may(each) for each in self._question.terms if not each.refused]
        parts += [
            f"NOT {self._is(each)}" for each in self._question.terms if each.refused and each.sure
        ]
        return " AND ".join(parts)

    def doubt(self) -> str:
        """The text of the row has to be looked at."""
        parts = ["FALSE"]
        for each in self._question.terms:
            if each.checked and not each.sure:
                parts.append(self._may(each) if each.refused else "TRUE")
            elif each.checked:
                parts.append("s.paired IS NOT TRUE")
        return f"({' OR '.join(parts)})"

    def _may(self, term: Term) -> str:
        """As far as numbers say, it is there."""
        if not term.phrases:
            return self._stems(term, "body")
        parts = []
        for stems, phrase in zip(term.any, term.phrases, strict=True):
            every = self._every(stems, "body")
            together = self._together(phrase)
            parts.append(f"({every} AND (s.paired IS NOT TRUE OR {together}))")
        return f"({' OR '.join(parts)})"

    def _is(self, term: Term) -> str:
        """It is there without a doubt."""
        if not term.phrases:
            return self._stems(term, "body")
        return f"(s.paired IS TRUE AND {self._may(term)})"

    def _stems(self, term: Term, zone: str) -> str:
        if term.start:  # beginnings are kept for the whole
            if zone != "body":
                return "FALSE"
            return f"s.starts @> {self._array([begins(self._hasher, self._cid, term.start)])}"
        single = [form for one in term.any if len(one) == 1 for form in one]
        made = [self._every(one, zone) for one in term.any if len(one) > 1]
        if single:
            made.append(f"s.{zone} && {self._array(self._hashed(single))}")
        return f"({' OR '.join(made)})"

    def _every(self, stems: frozenset[str], zone: str) -> str:
        return f"s.{zone} @> {self._array(self._hashed(sorted(stems)))}"

    def _together(self, phrase: tuple[str, ...]) -> str:
        wanted = pairs.numbers(self._hasher, self._cid, phrase)
        if not wanted:
            return "TRUE"
        return PAIRED.format(cid=self.cid_value, pairs=self._value(array(wanted)))

    def _hashed(self, stems: list[str]) -> list[int]:
        return [hashed(self._hasher, self._cid, each) for each in stems]

    def _array(self, numbers: list[int]) -> str:
        return f"{self._value(array(numbers))}::bigint[]"

    def _value(self, value: object) -> str:
        name = f"{self._name}_{len(self._values)}"
        self._values[name] = value
        return f"%({name})s"
