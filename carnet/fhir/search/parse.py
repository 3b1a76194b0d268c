# SPDX-License-Identifier: EUPL-1.2
"""From the parameters of a URL to a Query.

Unknown parameters are refused, or left out when the caller prefers lenient handling; the self link
says what was applied. Source: FHIR R4, Search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    includes,
    lists,
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
from carnet.fhir.search.compartments import Across, InCompartment
from carnet.fhir.search.escapes import cut, unescaped
from carnet.fhir.search.extract import identifies
from carnet.fhir.search.identifiers import IdFilter, NoValue, ReferenceIdentifier
from carnet.fhir.search.logic import Together
from carnet.fhir.search.own.live import Live, waiting
from carnet.fhir.search.query import EVERY, Filter, Include, Query, Sort
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
ABSENT = frozenset("_query _type _contained _containedType _score".split())
# Those of every type that are answered without values of their own.
OF_ALL = (("_list", "special"), ("_text", "string"), ("_content", "string"))
# A name as it may be repeated: words of FHIR, no number.
SPOKEN = re.compile(r"_?[A-Za-z][A-Za-z-]{0,39}(?:[.:]_?[A-Za-z][A-Za-z-]{0,39}){0,30}")
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


class WrongTypes(errors.Invalid):
    """_type is types of resources, separated by commas."""


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

        within: a compartment, its type and id (`Patient/x/Observation`); there alone, rtype may be "*".
        """
        given = list(given)
        known = self.definitions.params.get(rtype, {})
        filters: list[Filter] = []
        named: list[set[int]] = []
        types = self._types(rtype, within, given)
        if within is not None:
            found, compartments = self._within(types, rtype, *within)
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
            if name == "_type" and types:
                shown.append((name, value))
                continue
            if name == "_filter" and not types:
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
                if types:
                    found, compartments = self._across(types, bare, modifier, value), None
                else:
                    found, compartments = self._filter(rtype, known, bare, modifier, value)
            except (UnknownParameter, UnknownModifier) as refused:
                if lenient:
                    continue
                raise naming(refused, name) from None
            except errors.CarnetError as refused:
                raise naming(refused, name) from None
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
            types=types,
            anywhere=within is not None,
        )

    def _types(
        self, rtype: str, within: tuple[str, str] | None, given: list[tuple[str, str]]
    ) -> tuple[tuple[str, int], ...]:
        """The types of a search on several, with their numbers; none of a search on one."""
        if rtype != EVERY or within is None:
            return ()
        held = self.definitions.compartments.get(within[0])
        if held is None:
            raise NotInCompartment
        types = {each: self.definitions.types[each] for each in (within[0], *held)}
        asked = [set(value.split(",")) for name, value in given if name == "_type" and value]
        if any(each not in self.definitions.types for one in asked for each in one):
            raise WrongTypes
        kept = [each for each in types if all(each in one for one in asked)]
        # A type that is in no compartment of this kind has nothing there, and is told so.
        if not kept:
            raise NotInCompartment
        return tuple((each, types[each]) for each in sorted(kept) if each not in chains.VIEWS)

    def _across(
        self, types: tuple[tuple[str, int], ...], name: str, modifier: str, value: str
    ) -> Filter:
        """A condition on resources of several types: by what every type has."""
        if name in ("_lastUpdated", "_text", "_content"):
            return self._filter(EVERY, {}, name, modifier, value)[0]
        if name not in ("_id", "_profile", "_security", "_source", "_tag"):
            raise UnknownParameter(f"Several types are not searched by {_safe(name)}.")
        params = self.definitions.params
        return Across(
            tuple(
                (each, number, self._filter(each, params[each], name, modifier, value)[0])
                for each, number in types
            )
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
        if name == "_list":
            _only(modifier, name)
            return lists.Listed(tuple(map(lists.read, values)), self.base), None
        if name in ("_text", "_content"):
            _only(modifier, name)
            asked = tuple(map(unescaped, values))
            for each in asked:
                contents.compiled(each)
            return contents.Words("_text" if name == "_text" else "_content", asked), None
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
                if modifier != expressions.OVERLAPS:
                    _only(modifier, name)
                spans = tuple(map(dates.read, values))
                if modifier:
                    spans = tuple(replace(each, prefix="po") for each in spans)
                return dates.DateFilter(name, parameter.number, spans), None
            case "string":
                return self._string(rtype, parameter, modifier, values), None
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
            first, _, rest = f"{name}:{modifier}".rstrip(":").partition(":")
            if ":" in name and "." not in name and first != "_has":
                raise UnknownParameter  # a modifier is an operator there
            try:
                made, compartments = self._filter(rtype, known, first, rest, value)
            except errors.CarnetError as refused:
                raise naming(refused, name) from None
            named[id(made)] = compartments
            live.extend(self._live(known, first))
            return made

        found = expressions.Reader(text, kind, test).read()
        return [(part, named.get(id(part))) for part in (*logic.apart(found), *live)]

    def _string(
        self, rtype: str, parameter: SearchParameter, modifier: str, values: list[str]
    ) -> Filter:
        how = {
            "": "starts", "exact": "exact", "contains": "contains",
            expressions.EQUAL: "equal", expressions.ENDS: "ends",
        }.get(modifier)  # fmt: skip
        if how is None:
            raise _unknown_modifier(modifier, parameter.code)
        words = tuple(strings.checked(rtype, unescaped(each), how) for each in values)
        if rtype not in strings.READABLE and (how == "contains" or how == "ends"):
            plain = tuple(map(strings.normalised, words))
            own = (parameter,) if parameter.own else ()
            return contents.Within(parameter.code, plain, how, own)
        return strings.StringFilter(parameter.number, words, how)

    def _live(self, known: dict[str, SearchParameter], name: str) -> tuple[Live, ...]:
        """What a statement says that searches by a parameter of the installation."""
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

    def _within(
        self, types: tuple[tuple[str, int], ...], rtype: str, compartment: str, id: str
    ) -> tuple[Filter, set[int] | None]:
        """What is in a compartment, by the parameters FHIR names for each type, and whose record it is."""
        held = self.definitions.compartments.get(compartment)
        if held is None or (rtype not in (EVERY, compartment) and rtype not in held):
            raise NotInCompartment
        numbers, params = self.definitions.types, self.definitions.params
        pointers = tuple(
            (number, params[each][code].number)
            for each, number in types or ((rtype, numbers[rtype]),)
            for code in held.get(each, ())
            if code != "{def}"  # the compartment's own resource
        )
        own = not types or compartment in dict(types)
        found = InCompartment(
            numbers[compartment], pointers, (f"{compartment}/{id}",),
            own=own and rtype in (EVERY, compartment),
        )  # fmt: skip
        place = self.ids.decode(id)
        if compartment != "Patient" or place is None or place[0] == DIRECTORY:
            return found, None
        return found, {place[0]}

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
            named = tuple(map(tokens.read, values))
            if any(code is None for _, code in named):
                raise NoValue
            return ReferenceIdentifier(parameter.number, named), None
        if modifier == "above" or modifier == "below":
            return self._hierarchy(rtype, parameter, modifier == "above", values), None
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
        if name == "_score":
            raise naming(sorting.NoScore(), name)
        parameter = self.definitions.params.get(rtype, {}).get(name)
        if parameter is None:
            waiting(self.definitions, rtype, name)
            raise naming(sorting.WrongSort(), name)
        if not parameter.expression or not sorting.sortable(parameter.type):
            raise naming(sorting.NoOrder(), name)
        return Sort(name, descending, parameter.type, parameter.number)

    def _sortable(self, rtype: str, text: str) -> bool:
        try:
            return bool(self._sort(rtype, [text]))
        except errors.NotSupported:
            return False

    def _elements(self, rtype: str, given: list[str]) -> tuple[str, ...] | None:
        """The elements named; None when one is not of the type."""
        named = [each for text in given for each in text.split(",") if each]
        of = self.definitions.types if rtype == EVERY else (rtype,)
        shapes = self.definitions.shapes
        known = {key for name in of for each in shapes[name].elements for key in keys(each)}
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


def naming(refused: errors.CarnetError, name: str) -> errors.CarnetError:
    """The same refusal, in which the parameter is named."""
    said = str(refused)
    told = isinstance(refused, UnknownParameter | UnknownModifier) and name in said
    if SPOKEN.fullmatch(name) and not told and not said.startswith(f"{name}: "):
        refused.args = (f"{name}: {said}",)
    return refused


def _safe(name: str) -> str:
    """A name as it may be repeated in an answer: a word of FHIR, no number and no sentence."""
    return name if re.fullmatch("_?[A-Za-z][A-Za-z-]{0,39}", name) else "of this name"
