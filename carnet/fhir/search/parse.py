# SPDX-License-Identifier: EUPL-1.2
"""From the parameters of a URL to a Query.

Unknown parameters are refused, or left out when the caller prefers lenient handling; the self link
says what was applied. Source: FHIR R4, Search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from carnet import errors
from carnet.fhir.definitions import Definitions, SearchParameter
from carnet.fhir.search import (
    chains,
    codes,
    composites,
    dates,
    expressions,
    includes,
    logic,
    missing,
    near,
    numbers,
    references,
    reverse,
    sorting,
    strings,
    texts,
    tokens,
)
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.extract import identifies
from carnet.fhir.search.identifiers import IdFilter, ReferenceIdentifier
from carnet.fhir.search.logic import Together
from carnet.fhir.search.own.live import Live, waiting
from carnet.fhir.search.query import Filter, Include, Query, Sort
from carnet.fhir.search.subsets import SUMMARIES, keys
from carnet.fhir.search.uris import UriFilter
from carnet.fhir.store.cursors import Cursors
from carnet.fhir.store.hashes import ANY
from carnet.fhir.store.ids import DIRECTORY, Ids
from carnet.fhir.store.owners import Owners

RESULT = frozenset(
    (*"_count _sort _total _summary _elements _cursor _format _pretty".split(), *includes.NAMES)
)
ASIDE = "_totalMethod"  # what fhirpy adds to have a total: it narrows nothing, and is left out
# Parameters of FHIR this server does not have; some have no values of their own to compare.
ABSENT = frozenset("_text _content _list _query _type _contained _containedType _score".split())
MOST_VALUES = 500  # values of one parameter
MOST_PARAMETERS = 60


class UnknownParameter(errors.NotSupported):
    """This search parameter is unknown for this type."""


class UnknownModifier(errors.NotSupported):
    """This modifier is not supported on this parameter."""


class NotInCompartment(errors.NotFound):
    """This compartment holds nothing of this type."""


class WrongCount(errors.Invalid):
    """_count is a whole number, 0 or more."""


class WrongSummary(errors.Invalid):
    """_summary is true, text, data, count or false; text includes nothing, and _elements goes without it."""


class WrongElements(errors.Invalid):
    """_elements names elements of the type, separated by commas."""


class WrongTotal(errors.Invalid):
    """_total is none, estimate or accurate."""


class TooManyValues(errors.TooCostly):
    """The search names more parameters or values than this server compares at once."""


@dataclass(frozen=True)
class Parser:
    """What parsing needs to know of the server."""

    definitions: Definitions
    ids: Ids
    cursors: Cursors
    owners: Owners
    base: str  # our FHIR address, no final slash
    page_size: int
    page_limit: int

    def parse(
        self,
        rtype: str,
        given: Iterable[tuple[str, str]],
        *,
        lenient: bool = False,
        within: tuple[str, str] | None = None,
    ) -> Query:
        """The query of one type; parameters in the order given.

        within: a compartment, its type and id (`Patient/x/Observation`).
        """
        known = self.definitions.params[rtype]
        filters: list[Filter] = []
        named: list[set[int]] = []
        if within is not None:
            found, compartments = self._within(rtype, *within)
            filters.append(found)
            if compartments is not None:
                named.append(compartments)
        shown: list[tuple[str, str]] = []
        result: dict[str, list[str]] = {}
        for position, (name, value) in enumerate(given):
            if position >= MOST_PARAMETERS:
                raise TooManyValues
            if name == ASIDE:
                continue
            bare, _, modifier = name.partition(":")
            if value == "" and (name in RESULT or bare in known or "." in name or bare == "_has"):
                continue  # FHIR: a parameter without a value is left out
            if name == "_filter":
                for each, compartments in self._expression(rtype, value):
                    filters.append(each)
                    if compartments is not None:
                        named.append(compartments)
                shown.append((name, value))
                continue
            if name in RESULT:
                if name == "_sort" and lenient and not self._sortable(rtype, value):
                    continue
                if name == "_elements" and lenient and not self._elements(rtype, [value]):
                    continue
                result.setdefault(name, []).append(value)
                if name != "_cursor":
                    shown.append((name, value))
                continue
            try:
                found, compartments = self._filter(rtype, known, bare, modifier, value)
            except (UnknownParameter, UnknownModifier):
                if lenient:
                    continue
                raise
            filters += (found, *self._live(known, bare))
            shown.append((name, value))
            if compartments is not None:
                named.append(compartments)
        order = self._sort(rtype, result.get("_sort", []))
        filters += (one for each in order for one in self._live(known, each.param))
        elements = self._elements(rtype, result.get("_elements", []))
        count = self._count(result.get("_count", []))
        after = None
        if "_cursor" in result:
            after = self.cursors.read(result["_cursor"][-1], rtype)
        summary = result.get("_summary", ["false"])[-1]
        if summary not in SUMMARIES:
            raise WrongSummary
        if elements is None:
            raise WrongElements
        included = self._includes(rtype, result)
        if (summary == "text" and included) or (summary in ("true", "text", "data") and elements):
            raise WrongSummary
        total = result.get("_total", ["none"])[-1]
        if total not in ("none", "estimate", "accurate"):
            raise WrongTotal
        compartments = set.intersection(*named) if named else None
        return Query(
            rtype,
            tuple(filters),
            None if compartments is None else tuple(sorted(compartments)),
            included,
            order[0] if order else None,
            order[1:],
            count,
            total=total != "none",
            only_total=summary == "count" or count == 0,
            summary="false" if summary == "count" else summary,
            elements=elements,
            after=after,
            shown=tuple(shown),
        )

    def _filter(
        self,
        rtype: str,
        known: dict[str, SearchParameter],
        name: str,
        modifier: str,
        value: str,
        depth: int = 0,
    ) -> tuple[Filter, set[int] | None]:
        if name == "_has":
            return self._reverse(rtype, modifier, value, depth + 1), None
        if chained := chains.cut(f"{name}:{modifier}" if modifier else name):
            return self._chain(rtype, known, chained, value, depth + 1), None
        values = cut(value, ",")
        if len(values) > MOST_VALUES:
            raise TooManyValues
        if name == "_id":
            _only(modifier, name)
            found = IdFilter(tuple(map(unescaped, values)))
            return found, found.compartments(self.ids)
        if name == "_lastUpdated":
            _only(modifier, name)
            return dates.LastUpdated(tuple(map(dates.read, values))), None
        if name in ABSENT:
            raise UnknownParameter(f"The parameter {name} is not supported yet.")
        if name in RESULT:
            raise _unknown_modifier(modifier, name)
        parameter = known.get(name)
        if parameter is None:
            waiting(self.definitions, rtype, name)
            raise UnknownParameter(f"{rtype} has no search parameter {_safe(name)}.")
        if modifier == "missing":
            absent = missing.read(values)
            return missing.Missing(name, parameter.number, parameter.type, absent), None
        match parameter.type:
            case "token":
                return self._token(rtype, parameter, modifier, values), None
            case "date":
                _only(modifier, name)
                return (
                    dates.DateFilter(name, parameter.number, tuple(map(dates.read, values))),
                    None,
                )
            case "string":
                how = {"": "starts", "exact": "exact", "contains": "contains"}.get(modifier)
                if how is None:
                    raise _unknown_modifier(modifier, name)
                return (
                    strings.StringFilter(parameter.number, tuple(map(unescaped, values)), how),
                    None,
                )
            case "uri":
                if modifier not in ("", "above", "below"):
                    raise _unknown_modifier(modifier, name)
                return UriFilter(parameter.number, tuple(map(unescaped, values)), modifier), None
            case "special" if name == "near":
                _only(modifier, name)
                return near.NearFilter(parameter.number, tuple(map(near.read, values))), None
            case "number":
                _only(modifier, name)
                return numbers.NumberFilter(
                    parameter.number, tuple(map(numbers.read, values))
                ), None
            case "quantity":
                _only(modifier, name)
                amounts = tuple(map(numbers.read_quantity, values))
                return numbers.QuantityFilter(parameter.number, amounts), None
            case "composite":
                _only(modifier, name)
                return self._composite(rtype, parameter, values), None
            case "reference":
                return self._reference(rtype, parameter, modifier, values)
            case _:
                raise UnknownParameter(
                    f"Search by {parameter.type} is not supported yet ({_safe(name)})."
                )

    def _expression(self, rtype: str, text: str) -> list[tuple[Filter, set[int] | None]]:
        """The filters of `_filter`, all of which must hold, and the records each names."""
        known = self.definitions.params[rtype]
        named: dict[int, set[int] | None] = {}
        live: list[Filter] = []

        def kind(name: str) -> str:
            if name in ("_id", "_lastUpdated"):
                return "uri" if name == "_id" else "date"
            parameter = self._last(rtype, name)
            return parameter.type if parameter else "token"

        def test(name: str, modifier: str, value: str) -> Filter:
            if modifier == expressions.EQUAL:
                parameter = known.get(name)
                if parameter is not None:
                    live.extend(self._live(known, name))
                    return strings.StringFilter(parameter.number, (unescaped(value),), "equal")
                modifier = "exact"
            made, compartments = self._filter(
                rtype, known, f"{name}:{modifier}" if modifier and "." in name else name,
                "" if "." in name else modifier, value,
            )  # fmt: skip
            named[id(made)] = compartments
            live.extend(self._live(known, name))
            return made

        found = expressions.Reader(text, kind, test).read()
        parts = logic.apart(found)
        if any(
            logic.holds(part, chains.Chain) for part in parts if not isinstance(part, chains.Chain)
        ):
            raise expressions.ChainInside
        return [(part, named.get(id(part))) for part in (*parts, *live)]

    def _live(self, known: dict[str, SearchParameter], name: str) -> tuple[Live, ...]:
        """What a statement says that searches by a parameter of the installation."""
        parameter = known.get(re.split("[:.]", name, maxsplit=1)[0])
        return (Live((parameter.number,)),) if parameter is not None and parameter.own else ()

    def _last(self, rtype: str, name: str) -> SearchParameter | None:
        """The parameter a path of names ends at."""
        first, _, rest = name.partition(".")
        code, _, target = first.partition(":")
        parameter = self.definitions.params[rtype].get(code)
        if not rest or parameter is None:
            return parameter
        to = (target,) if target in self.definitions.types else chains.narrowed(rtype, parameter)
        return next((one for each in to if (one := self._last(each, rest))), None)

    def _within(self, rtype: str, compartment: str, id: str) -> tuple[Filter, set[int] | None]:
        """What is in a compartment, by the parameters FHIR names for the type."""
        names = self.definitions.compartments.get(compartment, {}).get(rtype)
        if names is None:
            raise NotInCompartment
        target = f"{compartment}/{id}"
        named: set[int] | None = None
        parts: list[Filter] = []
        for code in names:
            if code == "{def}":  # the compartment's own resource
                continue
            parameter = self.definitions.params[rtype][code]
            parts.append(references.ReferenceFilter(parameter.number, (target,)))
            named = named or self._compartments(rtype, code, (target,))
        return (parts[0] if len(parts) == 1 else Together("or", tuple(parts))), named

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
            raise UnknownParameter(f"{rtype} has no reference parameter {_safe(code)}.")
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
        live = self._live(self.definitions.params[source], code)
        return reverse.Reverse(parameter.number, replace(hop, filters=(*hop.filters, *live)))

    def _hop(self, rtype: str, name: str, value: str, depth: int) -> Query:
        """The query of one parameter on the type a reference leads to, or comes from."""
        if depth > chains.DEEPEST:
            raise chains.TooDeep
        chained = chains.cut(name) if not name.startswith("_has:") else None
        bare, _, modifier = name.partition(":")
        if chained:
            bare, modifier = name, ""
        found, named = self._filter(
            rtype, self.definitions.params[rtype], bare, modifier, value, depth
        )
        filters = (found, *self._live(self.definitions.params[rtype], bare))
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
            raise _unknown_modifier(modifier, parameter.code)
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
    ) -> tuple[Filter, set[int] | None]:
        if modifier == "identifier":
            return ReferenceIdentifier(parameter.number, tuple(map(tokens.read, values))), None
        if modifier and modifier not in self.definitions.types:
            raise _unknown_modifier(modifier, parameter.code)
        targets = tuple(
            target
            for value in values
            for target in references.read(
                unescaped(value), parameter.targets, modifier or None, self.base
            )
        )
        found = references.ReferenceFilter(parameter.number, targets)
        return found, self._compartments(rtype, parameter.code, targets)

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

    def _sort(self, rtype: str, given: list[str]) -> tuple[Sort, ...]:
        if not given:
            return ()
        asked = given[-1].split(",")
        if len(asked) > sorting.MOST:
            raise sorting.WrongSort
        return tuple(self._key(rtype, text) for text in asked)

    def _key(self, rtype: str, text: str) -> Sort:
        """One key of `_sort`."""
        name, descending = text.removeprefix("-"), text.startswith("-")
        if name in ("_id", "_lastUpdated"):
            return Sort(name, descending)
        parameter = self.definitions.params[rtype].get(name)
        if parameter is None:
            waiting(self.definitions, rtype, name)
            raise sorting.WrongSort
        if not sorting.sortable(rtype, parameter.type):
            raise sorting.SealedOrder
        return Sort(name, descending, parameter.type, parameter.number)

    def _sortable(self, rtype: str, text: str) -> bool:
        try:
            return bool(self._sort(rtype, [text]))
        except (sorting.WrongSort, sorting.SealedOrder):
            return False

    def _elements(self, rtype: str, given: list[str]) -> tuple[str, ...] | None:
        """The elements named; None when one is not of the type."""
        named = [each for text in given for each in text.split(",") if each]
        known = {key for each in self.definitions.shapes[rtype].elements for key in keys(each)}
        return tuple(dict.fromkeys(named)) if known.issuperset(named) else None

    def _includes(self, rtype: str, result: dict[str, list[str]]) -> tuple[Include, ...]:
        found = dict.fromkeys(
            includes.read(self.definitions, rtype, name, text)
            for name in includes.NAMES
            for text in result.get(name, [])
        )
        if len(found) > includes.MOST:
            raise includes.TooManyIncludes
        return tuple(found)

    def _count(self, given: list[str]) -> int:
        if not given:
            return self.page_size
        if not re.fullmatch("[0-9]{1,99}", given[-1], re.ASCII):
            raise WrongCount
        return min(int(given[-1]), self.page_limit)


def _only(modifier: str, name: str) -> None:
    if modifier:
        raise _unknown_modifier(modifier, name)


def _unknown_modifier(modifier: str, name: str) -> UnknownModifier:
    return UnknownModifier(f"The modifier :{_safe(modifier)} is not supported on {_safe(name)}.")


def _safe(name: str) -> str:
    """A name as it may be repeated in an answer: a word of FHIR, no number and no sentence."""
    return name if re.fullmatch("_?[A-Za-z][A-Za-z-]{0,39}", name) else "of this name"
