# SPDX-License-Identifier: EUPL-1.2
"""From a resource to what search compares: hashes, readable words, dates."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from carnet.fhir import json
from carnet.fhir.definitions import Definitions
from carnet.fhir.search import contained, hierarchies, missing, texts, tokens, uris
from carnet.fhir.search.composites import composed
from carnet.fhir.search.dates import NEVER, bound
from carnet.fhir.search.extract import extract
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.search.own import Catalogue
from carnet.fhir.search.strings import READABLE, beginnings, readable
from carnet.fhir.store.hashes import ANY, Hasher
from carnet.fhir.store.owners import Owners
from carnet.fhir.store.rows import Index

SEEN: Final = 500  # contained resources whose hashes are kept, a few kilobytes each


class Indexer:
    """Turns what `extract` finds into the columns and side rows of one resource."""

    def __init__(
        self,
        definitions: Definitions,
        owners: Owners,
        hasher: Hasher,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._definitions = definitions
        self._owners = owners
        self._hasher = hasher
        self._catalogue = catalogue or Catalogue(definitions)
        self._seen: OrderedDict[bytes, tuple[int, ...]] = OrderedDict()

    def index(self, resource: dict[str, Any]) -> Index:
        """Columns lo, hi, toks and the side rows."""
        rtype = resource["resourceType"]
        type_number = self._definitions.types[rtype]
        known = self._catalogue
        numbers = known.numbers(rtype)
        found = extract(resource, own=known.definitions.own.get(rtype, ()))
        toks = self._toks(type_number, numbers, found)
        strings: set[tuple[int, str]] = set()
        for param, text in found.strings:
            if rtype in READABLE:
                strings.update((numbers[param], form) for form in readable(text))
            else:
                toks.update(self._starts(type_number, numbers[param], text))
        toks.update(self._more(type_number, numbers, found, rtype))
        if found.contained:
            toks.update(self._contained(resource, type_number, numbers, found))
        principal = self._owners.principal(rtype)
        lo, hi = NEVER, NEVER
        dates: list[tuple[int, str, str]] = []
        spans = [(low, high) for param, low, high in found.dates if param == principal]
        if spans:
            lo, hi = bound(min(low for low, _ in spans)), bound(max(high for _, high in spans))
        for param, low, high in found.dates:
            if param != principal:
                dates.append((numbers[param], bound(low), bound(high)))
        held, joined = composed(self._hasher, type_number, numbers, found)
        toks |= joined
        return Index(
            lo, hi, tuple(sorted(toks)), tuple(sorted(strings)), tuple(dates), tuple(held),
            known.generation,
        )  # fmt: skip

    def nothing(self, rtype: str) -> Index:
        """What a deleted resource is found by."""
        return replace(self.index({"resourceType": rtype}), toks=())

    def _toks(self, rtype: int, numbers: dict[str, int], found: Extracted) -> set[int]:
        """The hashes of tokens, references and addresses."""
        hashed = self._hasher
        toks: set[int] = set()
        for param, system, code in found.tokens:
            number = numbers[param]
            toks.add(hashed.token(rtype, number, system, code))
            toks.add(hashed.token(rtype, number, ANY, code))
            if system:
                toks.add(hashed.system(rtype, number, system))
        for param, target in found.references:
            toks.add(hashed.reference(rtype, numbers[param], target))
        for param, system, code in found.identifiers:
            # The parameter's number, negated: the identifier inside a reference.
            toks.add(hashed.token(rtype, -numbers[param], system, code))
            toks.add(hashed.token(rtype, -numbers[param], ANY, code))
        for param, uri in found.uris:
            toks.add(hashed.uri(rtype, numbers[param], uri))
        return toks

    def _starts(self, rtype: int, param: int, text: str) -> Iterator[int]:
        """The hashes of a sealed string."""
        for part in beginnings(text):
            yield self._hasher.start(rtype, param, part)

    def _contained(
        self, resource: dict[str, Any], rtype: int, numbers: dict[str, int], found: Extracted
    ) -> Iterator[int]:
        """What contained resources are found by, through the references that name them."""
        held = {each.get("id"): each for each in resource.get("contained", ())}
        for param, id in dict.fromkeys(found.contained):
            inner = held.get(id)
            if inner is not None:
                yield from self._again(inner, held, rtype, numbers[param])

    def _again(
        self, inner: dict[str, Any], held: dict[Any, dict[str, Any]], rtype: int, param: int
    ) -> tuple[int, ...]:
        """The same, kept: an author or a place is contained in one document after another."""
        said = json.dump(inner)
        beside = [each for id, each in held.items() if json.dump(f"#{id}") in said]
        whole = b"\0".join((said, *map(json.dump, beside)))
        key = self._hasher.long(b"%d.%d.%d\0%b" % (rtype, param, self._catalogue.generation, whole))
        found = self._seen.get(key)
        if found is None:
            toks = self._inner(inner, held, contained.STEPS)
            found = tuple(contained.within(self._hasher, rtype, param, toks))
            self._seen[key] = found
            if len(self._seen) > SEEN:
                self._seen.popitem(last=False)
        return found

    def _inner(
        self, resource: dict[str, Any], held: dict[Any, dict[str, Any]], steps: int
    ) -> set[int]:
        """What a contained resource is found by, with those that its own references name, a step less."""
        name = resource["resourceType"]
        number, params = self._definitions.types[name], self._catalogue.numbers(name)
        said = extract(resource)
        toks = self._toks(number, params, said)
        toks.update(self._more(number, params, said, name))
        for code, text in said.strings:
            toks.update(self._starts(number, params[code], text))
        if steps > 1:
            for param, id in dict.fromkeys(said.contained):
                inner = held.get(id)
                if inner is not None and inner is not resource:
                    next_ = self._inner(inner, held, steps - 1)
                    toks.update(contained.within(self._hasher, number, params[param], next_))
        return toks

    def _more(
        self, rtype: int, numbers: dict[str, int], found: Extracted, name: str
    ) -> Iterator[int]:
        """What modifiers compare: types of identifiers, texts, addresses above, what is there."""
        hashed = self._hasher
        for param, system, code, value in found.typed:
            for one in (system, ANY):
                yield tokens.of_type(hashed, rtype, numbers[param], one, code, value)
        for param, text in found.texts:
            yield from texts.hashes(hashed, rtype, numbers[param], text)
        for param, uri in found.uris:
            for above in uris.above(uri):
                yield uris.below(hashed, rtype, numbers[param], above)
        for param, target in found.references:
            for above in hierarchies.above(target):
                yield uris.below(hashed, rtype, numbers[param], above)
        kinds = self._catalogue.kinds(name)
        for param in found.present:
            if missing.hashed(name, kinds[param]):
                yield missing.there(hashed, rtype, numbers[param])
