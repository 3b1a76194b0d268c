# SPDX-License-Identifier: EUPL-1.2
"""Whether a code is in a value set, as far as what is at hand tells: lists, and whole systems.

The small terminology that validation has by itself. It answers None rather than guess: a filter, a
code system nobody brought. A terminology that knows more takes its place.
"""

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

    def has(self, system: str | None, code: str) -> bool | None:
        """Whether a code is one of them; None when that cannot be told."""
        if (system, code) in self.pairs:
            return True
        if system is not None and system in self.whole:
            return True
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
        codes = self.codes(value_set.partition("|")[0])
        if codes is None:
            return None
        kind, value, _ = item
        if type(value) is str:
            return codes.has_bare(value)
        if type(value) is not dict:
            return None
        codings = value.get("coding", ()) if kind == "CodeableConcept" else (value,)
        answers = [
            codes.has(coding.get("system"), coding["code"])
            for coding in codings
            if "code" in coding
        ]
        if True in answers:
            return True
        return None if None in answers else False

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
            for concept in exclude.get("concept", ()):
                made.pairs.discard((exclude.get("system"), concept["code"]))
        return made

    def _include(self, include: Json, made: Codes, depth: int) -> None:
        system = include.get("system")
        if "filter" in include or depth > DEEPEST:
            made.partial = True
        elif "concept" in include:
            made.pairs |= {(system, concept["code"]) for concept in include["concept"]}
        elif system is not None:
            listed = self._system(system)
            if listed is None:
                made.whole.add(system)
            else:
                made.pairs |= {(system, code) for code in listed}
        else:
            for address in include.get("valueSet", ()):
                inner = self.codes(address.partition("|")[0], depth + 1)
                if inner is None:
                    made.partial = True
                else:
                    made.pairs |= inner.pairs
                    made.whole |= inner.whole
                    made.partial = made.partial or inner.partial

    def _system(self, url: str) -> set[str] | None:
        found = self.packages.code_systems.get(url)
        if found is None or found.get("content") != "complete":
            return None
        codes: set[str] = set()
        _concepts(found, codes)
        return codes


def _concepts(holder: Json, codes: set[str]) -> None:
    for concept in holder.get("concept", ()):
        codes.add(concept["code"])
        _concepts(concept, codes)


def _contained(holder: Json, made: Codes) -> None:
    for one in holder.get("contains", ()):
        if "code" in one:
            made.pairs.add((one.get("system"), one["code"]))
        _contained(one, made)
