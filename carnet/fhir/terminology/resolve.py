# SPDX-License-Identifier: EUPL-1.2
"""A value set with everything its clauses name found: systems, versions, other value sets.

What is found is kept in the process for one generation of what is loaded, and no more than KEPT of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.compose import Clause, Compose, read
from carnet.fhir.terminology.grammars import GRAMMARS
from carnet.fhir.terminology.queries import Conn, Json, System
from carnet.fhir.terminology.refusals import (
    Circular,
    UnknownSupplement,
    UnknownValueSet,
    WrongVersion,
)
from carnet.fhir.terminology.resources import Known

STANDARDS: Final = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
DEEPEST: Final = 10  # value sets one in another
MOST: Final = 200  # value sets in one
KEPT: Final = 500  # value sets and totals


def wary(status: str, head: Json) -> str:
    """What there is to be wary of in a system or value set: a word, or none."""
    for each in head.get("extension", ()):
        if each.get("url") == STANDARDS and each.get("valueCode") in ("withdrawn", "deprecated"):
            return str(each["valueCode"])
    if status in ("draft", "retired"):
        return status
    return "experimental" if head.get("experimental") is True else ""


@dataclass(frozen=True, slots=True)
class Pins:
    """Which versions a caller wants, by the address of a system."""

    default: Mapping[str, str] = field(default_factory=dict)  # where the value set says none
    check: Mapping[str, str] = field(default_factory=dict)  # another one is refused
    force: Mapping[str, str] = field(default_factory=dict)  # whatever the value set says
    sets: Mapping[str, str] = field(default_factory=dict)  # of value sets, where none is said
    at: str = ""  # a day: what was the latest then
    supplements: tuple[str, ...] = ()  # beside those the value set asks for

    def of(self, url: str, said: str) -> str:
        """The version of a system, where a value set says one or none."""
        return self.force.get(url) or said or self.default.get(url) or self.check.get(url, "")


NONE: Final = Pins()


@dataclass(frozen=True, slots=True)
class Part:
    """A clause: its system, when it is known, and the value sets it names."""

    clause: Clause
    url: str  # address of the system; "" when the clause has none
    system: System | None
    value_sets: tuple[Resolved, ...] = ()

    @property
    def grammar(self) -> bool:
        """Whether its system is a grammar, not a list."""
        return self.system is None and self.url in GRAMMARS

    @property
    def unlisted(self) -> bool:
        """Whether it takes codes of a system of which not all are known here."""
        if self.clause.lists or not self.url or self.grammar:
            return False
        return self.system is None or self.system.content != "complete"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A value set, and all it is made of."""

    compose: Compose
    include: tuple[Part, ...]
    exclude: tuple[Part, ...]
    supplements: tuple[int, ...] = ()  # rows

    def parts(self) -> list[Part]:
        """Every clause, of the value sets it names too."""
        found: list[Part] = []
        for part in (*self.include, *self.exclude):
            found.append(part)
            for each in part.value_sets:
                found += each.parts()
        return found

    def composes(self) -> list[Compose]:
        """This value set, and each it takes codes of, once."""
        found = {self.compose.canonical: self.compose}
        for part in (*self.include, *self.exclude):
            for each in part.value_sets:
                found |= {one.canonical: one for one in each.composes()}
        return list(found.values())

    def asked(self) -> tuple[str, ...]:
        """The supplements it asks for, with those of the value sets it names."""
        every = [*self.compose.supplements]
        for part in self.parts():
            for each in part.value_sets:
                every += each.compose.supplements
        return tuple(dict.fromkeys(every))


@dataclass(slots=True)
class Memory:
    """What a process keeps of one generation."""

    generation: int = -1
    resolved: OrderedDict[tuple[str, str], Resolved] = field(default_factory=OrderedDict)
    totals: OrderedDict[Any, int] = field(default_factory=OrderedDict)
    answers: OrderedDict[tuple[str, str, str], bytes] = field(default_factory=OrderedDict)
    supplements: dict[str, list[int]] = field(
        default_factory=dict
    )  # rows, by the system they add to

    resources: dict[str, dict[str, Known]] = field(default_factory=dict)  # by kind and id

    async def look(self, conn: Conn) -> None:
        """Forget everything when something was loaded since."""
        now = await queries.generation(conn)
        if now != self.generation:
            self.resolved.clear()
            self.totals.clear()
            self.answers.clear()
            self.supplements.clear()
            self.resources.clear()
            for row, base in await queries.every_supplement(conn):
                self.supplements.setdefault(base.partition("|")[0], []).append(row)
            self.generation = now

    def keep(self, key: tuple[str, str], found: Resolved) -> None:
        """Remember a value set."""
        self.resolved[key] = found
        if len(self.resolved) > KEPT:
            self.resolved.popitem(last=False)

    def keep_answer(self, key: tuple[str, str, str], answer: bytes) -> None:
        """Remember an expansion, as it was answered."""
        self.answers[key] = answer
        if len(self.answers) > KEPT:
            self.answers.popitem(last=False)

    def keep_total(self, key: Any, total: int) -> None:
        """Remember how many codes an expansion has."""
        self.totals[key] = total
        if len(self.totals) > KEPT:
            self.totals.popitem(last=False)


@dataclass(slots=True)
class Resolver:
    """Resolves one value set."""

    conn: Conn
    memory: Memory
    pins: Pins = NONE
    seen: int = 0

    async def known(
        self, url: str, version: str = "", above: tuple[str, ...] = (), *, imported: bool = False
    ) -> Resolved:
        """A value set by its address; UnknownValueSet without one."""
        bare, _, said = url.partition("|")
        version = said or version or self.pins.sets.get(bare, "")
        key = (bare, version)
        found = self.memory.resolved.get(key)
        if found is not None and self.pins == NONE:
            return found
        compose = await self._stored(bare, version)
        if compose is None:
            raise UnknownValueSet(url, imported=imported)
        if compose.url in above or len(above) >= DEEPEST:
            raise Circular
        made = await self.resolved(compose, (*above, compose.url))
        if self.pins == NONE:
            self.memory.keep(key, made)
        return made

    async def _stored(self, url: str, version: str) -> Compose | None:
        row = await queries.value_set(self.conn, url, version, self.pins.at)
        if row is not None:
            include, exclude = read(row.compose)
            inactive = row.compose.get("inactive", True) is not False
            return Compose(include, exclude, inactive, row.id, {}, row.url, row.version, row.name,
                           row.title, row.status, row.language, tuple(row.supplements),
                           row.head | {key: value for key, value in (
                               ("date", row.published), ("language", row.language)) if value})  # fmt: skip
        whole = await queries.whole(self.conn, url)
        if whole is None or version not in ("", whole.version):
            return None
        clause = Clause(0, whole.url, whole.version)
        return Compose((clause,), (), True, None, {}, url, whole.version, whole.name, whole.title,
                       "active", whole.language)  # fmt: skip

    async def resolved(self, compose: Compose, above: tuple[str, ...] = ()) -> Resolved:
        """A value set with all it names."""
        self.seen += 1
        if self.seen > MOST:
            raise Circular
        include = [await self._part(clause, above) for clause in compose.include]
        exclude = [await self._part(clause, above) for clause in compose.exclude]
        made = Resolved(compose, tuple(include), tuple(exclude))
        asked = (*made.asked(), *self.pins.supplements) if len(above) < 2 else ()
        return replace(made, supplements=await self._supplements(asked)) if asked else made

    async def _supplements(self, asked: tuple[str, ...]) -> tuple[int, ...]:
        found: list[int] = []
        for each in asked:
            url, _, version = each.partition("|")
            rows = await queries.supplements(self.conn, url=url, version=version)
            if not rows:
                raise UnknownSupplement(each)
            found += [row for row, _ in rows]
        return tuple(found)

    async def _part(self, clause: Clause, above: tuple[str, ...]) -> Part:
        sets = [await self.known(url, "", above, imported=True) for url in clause.value_sets]
        if clause.system is None:
            return Part(clause, "", None, tuple(sets))
        version = self.pins.of(clause.system, clause.version)
        must = self.pins.check.get(clause.system, version)
        if version and version != must:
            raise WrongVersion(clause.system, version, must)
        system = await queries.system(self.conn, clause.system, version, self.pins.at)
        if system is None:
            url = await queries.named(self.conn, clause.system)
            return Part(clause, url, None, tuple(sets))
        return Part(clause, system.url, system, tuple(sets))
