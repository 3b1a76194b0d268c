# SPDX-License-Identifier: EUPL-1.2
"""Whether a code is in a value set, as far as what is at hand tells: lists, and whole systems.

The small terminology that validation has by itself. It answers None rather than guess: a filter, a
code system nobody brought. A terminology that knows more takes its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Final

from carnet.fhir.definitions import load, profiles
from carnet.fhir.fhirpath import Item
from carnet.fhir.validation.packages import Packages

Json = dict[str, Any]
Pair = tuple[str | None, str]
DEEPEST: Final = 10  # value sets one in another


@dataclass(slots=True)
class Codes:
    """What is known of a value set."""

    pairs: set[Pair] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)  # systems it has all of, whose codes are not known
    partial: bool = False  # it has more than what is listed

    def has(self, system: str | None, code: str, *, sure: bool = False) -> bool | None:
        """Whether a code is one of them; None when that cannot be told.

        sure: nor of a system it has all of, whose codes nobody brought: the code may not exist.
        """
        if (system, code) in self.pairs:
            return True
        if system is not None and system in self.whole:
            return None if sure else True
        return None if self.partial or (system is None and self.whole) else False

    def has_bare(self, code: str) -> bool | None:
        """Whether some system has the code in it."""
        if any(code == known for _, known in self.pairs):
            return True
        return None if self.partial or self.whole else False


class LocalTerminology:
    """The value sets of R4 that can be listed, and those of packages."""

    def __init__(self, packages: Packages) -> None:
        self.packages = packages
        self.known: dict[str, Codes | None] = {}
        self.making = RLock()

    def member(self, value_set: str, item: Item) -> bool | None:
        """Whether an item (code, Coding, CodeableConcept, Quantity, text) is in a value set."""
        return self._member(value_set, item, False)

    def certain(self, value_set: str, item: Item) -> bool | None:
        """The same, as far as it hangs on no code system that is not here."""
        return self._member(value_set, item, True)

    def _member(self, value_set: str, item: Item, sure: bool) -> bool | None:
        codes = self.codes(value_set.partition("|")[0])
        return None if codes is None else _has(codes, item, sure)

    def listed(self, value_set: Json) -> Callable[[Item], bool | None]:
        """Whether items are in a value set that has no address: one that is contained."""
        codes = self._expanded(value_set, 0)
        return lambda item: _has(codes, item, False)

    def missing(self, value_set: str) -> bool:
        """Whether nobody brought a value set."""
        return self.codes(value_set.partition("|")[0]) is None

    def codes(self, url: str, depth: int = 0) -> Codes | None:
        """The codes of a value set, by its address; None when nobody brought it."""
        if url not in self.known:
            with self.making:  # a thread never sees half of one
                self.known[url] = None if depth > DEEPEST else self._made(url, depth)
        return self.known[url]

    def _made(self, url: str, depth: int) -> Codes | None:
        value_set = self.packages.value_sets.get(url)
        if value_set is not None:
            return self._expanded(value_set, depth)
        listed = load().value_sets.get(url) or profiles().value_sets.get(url)
        if listed is None:
            return None
        return Codes({(s, code) for s, found in listed.systems.items() for code in found})

    def _expanded(self, value_set: Json, depth: int) -> Codes:
        made = Codes()
        compose = value_set.get("compose")
        if compose is None:
            made.partial = "expansion" not in value_set
            _contained(value_set.get("expansion", {}), made)
            return made
        for include in compose.get("include", ()):
            self._include(include, made, depth)
        for exclude in compose.get("exclude", ()):
            _exclude(made, self._included(exclude, depth))
        return made

    def _include(self, include: Json, made: Codes, depth: int) -> None:
        found = self._included(include, depth)
        made.pairs |= found.pairs
        made.whole |= found.whole
        made.partial = made.partial or found.partial

    def _included(self, include: Json, depth: int) -> Codes:
        """What one clause takes: what its system says and all the value sets it names have."""
        parts: list[Codes] = []
        system = include.get("system")
        if system is not None:
            parts.append(self._of_system(system, include))
        for address in include.get("valueSet", ()):
            inner = None
            if depth <= DEEPEST:
                inner = self.codes(address.partition("|")[0], depth + 1)
            parts.append(Codes(partial=True) if inner is None else inner)
        return _in_all(parts)

    def _of_system(self, system: str, include: Json) -> Codes:
        if "filter" in include:
            return Codes(partial=True)
        if "concept" in include:
            return Codes({(system, concept["code"]) for concept in include["concept"]})
        listed = self._system(system)
        return Codes(whole={system}) if listed is None else Codes({(system, c) for c in listed})

    def _system(self, url: str) -> set[str] | None:
        found = self.packages.code_systems.get(url)
        if found is None or found.get("content") != "complete":
            return None
        codes: set[str] = set()
        _concepts(found, codes)
        return codes


def _has(codes: Codes, item: Item, sure: bool) -> bool | None:
    """Whether an item has a code that is one of these."""
    kind, value, _ = item
    if type(value) is str:
        return codes.has_bare(value)
    if type(value) is not dict:
        return None
    codings = value.get("coding", ()) if kind == "CodeableConcept" else (value,)
    answers = [
        codes.has(coding.get("system"), coding["code"], sure=sure)
        for coding in codings
        if "code" in coding
    ]
    if True in answers:
        return True
    return None if None in answers else False


def _in_all(parts: list[Codes]) -> Codes:
    """What every one of some value sets has."""
    if len(parts) == 1:
        return parts[0]
    pairs = {pair for part in parts for pair in part.pairs}
    told = {pair: [part.has(*pair) for part in parts] for pair in pairs}
    made = Codes({pair for pair, answers in told.items() if all(answers)})
    made.whole = set.intersection(*(part.whole for part in parts)) if parts else set()
    made.partial = any(part.partial for part in parts) or any(
        None in answers and False not in answers for answers in told.values()
    )
    return made


def _exclude(made: Codes, out: Codes) -> None:
    """Take codes out of what is known; what may be out of it is not known any more."""
    if out.whole & made.whole:
        made.whole -= out.whole
    made.pairs = {pair for pair in made.pairs if pair[0] not in out.whole}
    made.pairs -= out.pairs
    if made.whole & {system for system, _ in out.pairs}:
        made.whole -= {system for system, _ in out.pairs}
        made.partial = True
    if out.partial:
        made.pairs, made.whole, made.partial = set(), set(), True


def _concepts(holder: Json, codes: set[str]) -> None:
    for concept in holder.get("concept", ()):
        codes.add(concept["code"])
        _concepts(concept, codes)


def _contained(holder: Json, made: Codes) -> None:
    for one in holder.get("contains", ()):
        if "code" in one:
            made.pairs.add((one.get("system"), one["code"]))
        _contained(one, made)
