# SPDX-License-Identifier: EUPL-1.2
"""One search parameter, with its modifier and its values, as a Filter; chains and `_has` go hop by hop.

Source: FHIR R4, Search, "Modifiers", "Chained Parameters", "Reverse Chaining".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from carnet import errors
from carnet.fhir.definitions import Definitions, SearchParameter
from carnet.fhir.search import (
    chains,
    codes,
    composites,
    contents,
    dates,
    expressions,
    hierarchies,
    lists,
    logic,
    missing,
    near,
    numbers,
    references,
    reverse,
    strings,
    texts,
    tokens,
)
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.identifiers import IdFilter, NoValue, ReferenceIdentifier
from carnet.fhir.search.logic import Together
from carnet.fhir.search.names import (
    ABSENT,
    TooManyValues,
    UnknownParameter,
    naming,
    only,
    safe,
    unknown_modifier,
)
from carnet.fhir.search.own.live import Live, waiting
from carnet.fhir.search.query import Filter, Query
from carnet.fhir.search.rules import identifies
from carnet.fhir.search.uris import UriFilter
from carnet.fhir.store.hashes import ANY
from carnet.fhir.store.ids import DIRECTORY, Ids
from carnet.fhir.store.owners import Owners

MOST_VALUES = 500  # of one parameter

# A filter, and the records it names: None when it names none.
Found = tuple[Filter, set[int] | None]


@dataclass(frozen=True, slots=True)
class Filters:
    """Makes filters. base: our FHIR address, no final slash."""

    definitions: Definitions
    ids: Ids
    owners: Owners
    base: str

    def one(self, rtype: str, name: str, modifier: str, value: str, depth: int = 0) -> Found:
        """The filter of one parameter of a type, `*` for what every type has."""
        known = self.definitions.params.get(rtype, {})
        if name == "_has":
            return self._reverse(rtype, modifier, value, depth + 1), None
        if chained := chains.cut(f"{name}:{modifier}" if modifier else name):
            return self._chain(rtype, known, chained, value, depth + 1), None
        values = cut(value, ",")
        if len(values) > MOST_VALUES:
            raise TooManyValues
        if name == "_id":
            only(modifier, name)
            found = IdFilter(tuple(map(unescaped, values)))
            return found, found.compartments(self.ids)
        if name == "_lastUpdated":
            only(modifier, name)
            return dates.LastUpdated(tuple(map(dates.read, values))), None
        if name == "_list":
            only(modifier, name)
            return lists.Listed(tuple(map(lists.read, values)), self.base), None
        if name in ("_text", "_content"):
            only(modifier, name)
            asked = tuple(map(unescaped, values))
            for each in asked:
                contents.compiled(each)
            return contents.Words("_text" if name == "_text" else "_content", asked), None
        if name in ABSENT:
            raise UnknownParameter(f"{name} is not supported: {ABSENT[name]}")
        parameter = known.get(name)
        if parameter is None:
            waiting(self.definitions, rtype, name)
            raise UnknownParameter(f"{rtype} has no search parameter {safe(name)}.")
        if modifier == "missing":
            absent = missing.read(values)
            return missing.Missing(name, parameter.number, parameter.type, absent), None
        match parameter.type:
            case "token":
                return self._token(rtype, parameter, modifier, values), None
            case "date":
                if modifier != expressions.OVERLAPS:
                    only(modifier, name)
                spans = tuple(map(dates.read, values))
                if modifier:
                    spans = tuple(replace(each, prefix="po") for each in spans)
                return dates.DateFilter(name, parameter.number, spans), None
            case "string":
                return self._string(rtype, parameter, modifier, values), None
            case "uri":
                if modifier not in ("", "above", "below"):
                    raise unknown_modifier(modifier, name)
                return UriFilter(parameter.number, tuple(map(unescaped, values)), modifier), None
            case "special" if name == "near":
                only(modifier, name)
                return near.NearFilter(parameter.number, tuple(map(near.read, values))), None
            case "number":
                only(modifier, name)
                return numbers.NumberFilter(
                    parameter.number, tuple(map(numbers.read, values))
                ), None
            case "quantity":
                only(modifier, name)
                amounts = tuple(map(numbers.read_quantity, values))
                return numbers.QuantityFilter(parameter.number, amounts), None
            case "composite":
                only(modifier, name)
                return self._composite(rtype, parameter, values), None
            case "reference":
                return self._reference(rtype, parameter, modifier, values)
            case _:
                raise UnknownParameter(
                    f"Search by {parameter.type} is not supported yet ({safe(name)})."
                )

    def expression(self, rtype: str, text: str, depth: int = 0) -> list[Found]:
        """The filters of `_filter`, all of which must hold, and the records each names."""
        if depth > chains.DEEPEST:
            raise chains.TooDeep
        named: dict[int, set[int] | None] = {}
        live: list[Filter] = []

        def kind(name: str) -> str:
            if name in ("_id", "_lastUpdated"):
                return "uri" if name == "_id" else "date"
            parameter = self._last(rtype, name)
            return parameter.type if parameter else "token"

        def test(name: str, modifier: str, value: str, inside: str) -> Filter:
            first, _, rest = f"{name}:{modifier}".rstrip(":").partition(":")
            if ":" in name and "." not in name and first != "_has":
                raise UnknownParameter  # a modifier is an operator there
            try:
                made, compartments = self.one(rtype, first, rest, value, depth)
            except errors.CarnetError as refused:
                raise naming(refused, name) from None
            if inside:
                made = self._narrowed(made, inside, depth + 1)
            named[id(made)] = compartments
            live.extend(self.live(rtype, first))
            return made

        found = expressions.Reader(text, kind, test).read()
        return [(part, named.get(id(part))) for part in (*logic.apart(found), *live)]

    def _narrowed(self, chain: Filter, inside: str, depth: int) -> Filter:
        """A chain whose targets answer to a filter too; types that lack what it names are left out."""
        if not isinstance(chain, chains.Chain):
            raise expressions.WrongInside
        kept: list[Query] = []
        unknown: errors.CarnetError | None = None
        for target in chain.targets:
            try:
                found = self.expression(target.rtype, inside, depth)
            except (UnknownParameter, expressions.UnknownOperator) as refused:
                unknown = refused
                continue
            more = tuple(each for each, _ in found)
            kept.append(replace(target, filters=(*target.filters, *more)))
        if not kept and unknown is not None:
            raise unknown
        return replace(chain, targets=tuple(kept))

    def live(self, rtype: str, name: str) -> tuple[Live, ...]:
        """What a statement says that searches by a parameter of the installation."""
        known = self.definitions.params.get(rtype, {})
        parameter = known.get(re.split("[:.]", name, maxsplit=1)[0])
        return (Live((parameter.number,)),) if parameter is not None and parameter.own else ()

    def _last(self, rtype: str, name: str) -> SearchParameter | None:
        """The parameter a path of names ends at."""
        if name.startswith("_has:"):
            source, _, further = reverse.cut(name.removeprefix("_has:"))
            return self._last(source, further) if source in self.definitions.types else None
        first, _, rest = name.partition(".")
        code, _, target = first.partition(":")
        parameter = self.definitions.params[rtype].get(code)
        if not rest or parameter is None:
            return parameter
        to = (target,) if target in self.definitions.types else chains.narrowed(rtype, parameter)
        return next((one for each in to if (one := self._last(each, rest))), None)

    def _string(
        self, rtype: str, parameter: SearchParameter, modifier: str, values: list[str]
    ) -> Filter:
        how = {
            "": "starts", "exact": "exact", "contains": "contains",
            expressions.EQUAL: "equal", expressions.ENDS: "ends",
        }.get(modifier)  # fmt: skip
        if how is None:
            raise unknown_modifier(modifier, parameter.code)
        words = tuple(strings.checked(rtype, unescaped(each), how) for each in values)
        if rtype not in strings.READABLE and (how == "contains" or how == "ends"):
            plain = tuple(map(strings.normalised, words))
            own = (parameter,) if parameter.own else ()
            return contents.Within(parameter.code, plain, how, own)
        return strings.StringFilter(parameter.number, words, how)

    def _chain(
        self,
        rtype: str,
        known: dict[str, SearchParameter],
        chained: tuple[str, str, str],
        value: str,
        depth: int,
    ) -> Filter:
        code, kind, rest = chained
        parameter = known.get(code)
        if parameter is None or parameter.type != "reference":
            waiting(self.definitions, rtype, code)
            raise UnknownParameter(f"{rtype} has no reference parameter {safe(code)}.")
        to = chains.targets(self.definitions, rtype, parameter, kind, rest)
        queries = tuple(self._hop(each, rest, value, depth) for each in to)
        return chains.Chain(code, parameter.number, queries)

    def _reverse(self, rtype: str, modifier: str, value: str, depth: int) -> Filter:
        source, code, rest = reverse.cut(modifier)
        if source not in self.definitions.types or source in chains.VIEWS:
            raise reverse.WrongReverse
        parameter = self.definitions.params[source].get(code)
        if parameter is None or parameter.type != "reference":
            waiting(self.definitions, source, code)
            raise reverse.WrongReverse
        if rtype not in chains.narrowed(source, parameter):
            raise reverse.WrongReverse
        hop = self._hop(source, rest, value, depth)
        live = self.live(source, code)
        return reverse.Reverse(parameter.number, replace(hop, filters=(*hop.filters, *live)))

    def _hop(self, rtype: str, name: str, value: str, depth: int) -> Query:
        """The query of one parameter on the type a reference leads to, or comes from."""
        if depth > chains.DEEPEST:
            raise chains.TooDeep
        chained = chains.cut(name) if not name.startswith("_has:") else None
        bare, _, modifier = name.partition(":")
        if chained:
            bare, modifier = name, ""
        found, named = self.one(rtype, bare, modifier, value, depth)
        filters = (found, *self.live(rtype, bare))
        return Query(rtype, filters, None if named is None else tuple(sorted(named)))

    def _token(
        self, rtype: str, parameter: SearchParameter, modifier: str, values: list[str]
    ) -> Filter:
        if modifier == "text":
            known = {code: each.number for code, each in self.definitions.params[rtype].items()}
            kept = texts.kept_under(rtype, parameter.code, known)
            if parameter.own:  # its texts are under itself
                kept = ((parameter.code, parameter.number),)
            return texts.TextFilter(
                parameter.code, kept, tuple(texts.read(unescaped(each)) for each in values)
            )
        if modifier in ("in", "not-in"):
            urls = tuple(map(unescaped, values))
            return codes.OfValueSet(parameter.number, urls, negated=modifier == "not-in")
        if modifier in ("above", "below"):
            pairs = tuple(map(tokens.read, values))
            named = tuple((system, code) for system, code in pairs if system and code)
            if len(named) != len(pairs):
                raise codes.WrongHierarchy
            return codes.OfHierarchy(
                parameter.number, named, "above" if modifier == "above" else "below"
            )
        if modifier == "of-type" and identifies(rtype, parameter):
            return tokens.OfType(parameter.number, tuple(map(tokens.read_typed, values)))
        if modifier not in ("", "not"):
            raise unknown_modifier(modifier, parameter.code)
        pairs = tuple(map(tokens.read, values))
        return tokens.TokenFilter(parameter.number, pairs, negated=modifier == "not")

    def _composite(self, rtype: str, parameter: SearchParameter, values: list[str]) -> Filter:
        if parameter.own:
            every = tuple(self.definitions.types)
            of = [SearchParameter("", 0, each.kind, "", every) for each in parameter.components]
        else:
            known = {each.url: each for each in self.definitions.params[rtype].values()}
            of = [known[each.definition] for each in parameter.components]
        made: list[tuple[composites.Part, ...]] = []
        for value in values:
            parts = cut(value, "$")
            if len(parts) != len(of) or not all(parts):
                raise composites.WrongComposite
            found = tuple(map(self._part, of, parts))
            if parameter.own:  # what a component finds alone may be in another element
                found = tuple(replace(each, own=None) for each in found)
            made.append(found)
        return composites.CompositeFilter(parameter.number, tuple(made))

    def _part(self, of: SearchParameter, text: str) -> composites.Part:
        """One component of a composite."""
        match of.type:
            case "token":
                pair = tokens.read(text)
                system, code = pair
                looked = ANY if system is None else system
                return composites.Part(
                    (composites.token(looked, code),), own=tokens.TokenFilter(of.number, (pair,))
                )
            case "reference":
                found = references.read(unescaped(text), of.targets, None, self.base)
                return composites.Part(
                    tuple(f">{each}" for each in found),
                    own=references.ReferenceFilter(of.number, found),
                )
            case "string":
                word = strings.searched(unescaped(text))
                return composites.Part((f"^{word}",))
            case "quantity":
                return composites.Part(ranged=numbers.read_quantity(text))
            case "number":
                return composites.Part(ranged=numbers.read(text))
            case _:
                return composites.Part(ranged=dates.read(text))

    def _reference(
        self, rtype: str, parameter: SearchParameter, modifier: str, values: list[str]
    ) -> Found:
        if modifier == "identifier":
            named = tuple(map(tokens.read, values))
            if any(code is None for _, code in named):
                raise NoValue
            return ReferenceIdentifier(parameter.number, named), None
        if modifier == "above" or modifier == "below":
            return self._hierarchy(rtype, parameter, modifier == "above", values), None
        if modifier and modifier not in self.definitions.types:
            raise unknown_modifier(modifier, parameter.code)
        targets = tuple(
            target
            for value in values
            for target in references.read(
                unescaped(value), parameter.targets, modifier or None, self.base
            )
        )
        found = references.ReferenceFilter(parameter.number, targets)
        return found, self._compartments(rtype, parameter.code, targets)

    def _hierarchy(
        self, rtype: str, parameter: SearchParameter, above: bool, values: list[str]
    ) -> Filter:
        """Parts of a whole, by `Type/id`; versions of a definition, by its address."""
        side: Literal["above", "below"] = "above" if above else "below"
        to = tuple(each for each in chains.narrowed(rtype, parameter) if each in hierarchies.PARTS)
        addresses, targets = list[str](), list[str]()
        for value in values:
            text = references.literal(unescaped(value), self.base)
            if "://" in text or text.startswith("urn:"):
                addresses.append(text)
                continue
            found = references.read(text, to, None, self.base)
            if not found or any(each.split("/")[0] not in to for each in found):
                raise hierarchies.NoHierarchy
            targets += found
        made: list[Filter] = []
        if addresses:
            made.append(hierarchies.Versions(parameter.number, tuple(addresses), side))
        if targets:
            made.append(hierarchies.Parts(parameter.number, tuple(targets), side))
        return made[0] if len(made) == 1 else Together("or", tuple(made))

    def _compartments(self, rtype: str, code: str, targets: tuple[str, ...]) -> set[int] | None:
        """Where resources about these targets are; None when the targets do not say."""
        if code not in self.owners.parameters(rtype) or self.owners.several(rtype):
            return None
        compartments: set[int] = set()
        for target in targets:
            named = references.LITERAL.fullmatch(target)
            place = self.ids.decode(named[2]) if named else None
            # A client-chosen id does not say where it is; what is about a place of the directory
            # is with its depositor.
            if place is None or place[0] == DIRECTORY:
                return None
            compartments.add(place[0])
        return compartments
