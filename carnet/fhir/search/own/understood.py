# SPDX-License-Identifier: EUPL-1.2
"""What a SearchParameter resource means here, or why it cannot be had.

Source: FHIR R4, SearchParameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from carnet import errors
from carnet.fhir import paths
from carnet.fhir.definitions import Component, Definitions, SearchParameter
from carnet.fhir.fhirpath import check
from carnet.fhir.search.chains import VIEWS
from carnet.fhir.search.converters import CONVERTERS, MORE
from carnet.fhir.search.parse import ABSENT, RESULT
from carnet.fhir.search.rules import COLUMNS, own_rules

CODE: Final = re.compile(r"_?[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
TYPES: Final = frozenset("token reference date string number quantity uri composite".split())
COMPARED: Final = frozenset("token reference string number quantity date".split())  # in a composite
LONGEST: Final = 4000  # characters of an expression
STATUSES: Final = frozenset(("draft", "active", "retired", "unknown"))


class NotUnderstood(errors.BusinessRule):
    """This SearchParameter cannot be had here."""


class Served(errors.BusinessRule):
    """This SearchParameter is there already, under the same name and with the same expression."""


@dataclass(frozen=True, slots=True)
class Given:
    """A SearchParameter of an installation, without its number yet.

    bases: concrete types, those that another parameter of the same name serves left out.
    """

    url: str
    code: str
    type: str
    bases: tuple[str, ...]
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[tuple[str, str, str], ...] = ()  # address, expression, type
    left: tuple[str, ...] = ()  # types of its definition that it is not searched on, and why

    def numbered(self, number: int) -> SearchParameter:
        """As definitions have it."""
        return SearchParameter(
            self.code, number, self.type, self.expression, self.targets,
            tuple(Component(*each) for each in self.components), self.url,
        )  # fmt: skip


def understood(
    resource: Mapping[str, Any],
    definitions: Definitions,
    known: Callable[[str], str | None],
) -> Given:
    """What a SearchParameter means; NotUnderstood says why it cannot be had, Served that it is there.

    definitions: R4 and what the installation has already. known: the type of a parameter by its
    address, for composites.
    """
    url, code, kind = (_text(resource, name) for name in ("url", "code", "type"))
    if not CODE.fullmatch(code):
        raise NotUnderstood("its code is no name of a parameter")
    if code in RESULT | ABSENT.keys() | COLUMNS or code == "_has" or code == "_filter":
        raise NotUnderstood("its code is one FHIR keeps for itself")
    if resource.get("status", "active") not in STATUSES:
        raise NotUnderstood("its status is none of FHIR's")
    if resource.get("status") == "retired":
        raise NotUnderstood("it is retired")
    if kind not in TYPES:
        raise NotUnderstood(f"parameters of type {kind[:20]} are not supported")
    expression = _text(resource, "expression")
    if len(expression) > LONGEST:
        raise NotUnderstood("its expression is too long")
    bases = _bases(resource, definitions)
    targets = _targets(resource, definitions) if kind == "reference" else ()
    components = _components(resource, known) if kind == "composite" else ()
    kept, left, same = [], [], []
    for name in bases:
        there = _there(definitions, name, code)
        if name in VIEWS:
            left.append(f"{name} is made from the access tables, which have no index")
        elif there is None or (there.own and there.url == url):
            kept.append(name)
        elif _same(there, kind, expression, name):
            same.append(name)
        else:
            left.append(f"{name} has another parameter of this name ({there.url})")
    if not kept and same and not left:
        raise Served(f"there already, on {', '.join(same)}: the same name and expression")
    if not kept:
        raise NotUnderstood("; ".join(left))
    given = Given(url, code, kind, tuple(kept), expression, targets, components, tuple(left))
    for name in kept:
        _compiles(given, name)
    return given


def _text(resource: Mapping[str, Any], name: str) -> str:
    value = resource.get(name)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise NotUnderstood(f"it has no {name}")
    return value


def _names(resource: Mapping[str, Any], name: str) -> list[str]:
    found = resource.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise NotUnderstood(f"its {name} is no list of types")
    return found


def _bases(resource: Mapping[str, Any], definitions: Definitions) -> tuple[str, ...]:
    """Its concrete types: DomainResource stands for all that derive from it."""
    found: dict[str, None] = {}
    for base in _names(resource, "base"):
        derived = [name for name in definitions.types if definitions.derives(name, base)]
        if not derived:
            raise NotUnderstood(f"{base[:40]} is no type of R4")
        found |= dict.fromkeys(derived)
    if not found:
        raise NotUnderstood("it has no base")
    return tuple(found)


def _targets(resource: Mapping[str, Any], definitions: Definitions) -> tuple[str, ...]:
    found = _names(resource, "target")
    if "Resource" in found or not found:
        return tuple(definitions.types)
    if unknown := [each for each in found if each not in definitions.types]:
        raise NotUnderstood(f"it points to {unknown[0][:40]}, which is no type of R4")
    return tuple(found)


def _components(
    resource: Mapping[str, Any], known: Callable[[str], str | None]
) -> tuple[tuple[str, str, str], ...]:
    made = []
    given = resource.get("component")
    for each in given if isinstance(given, list) else ():
        address = str(each.get("definition", "")).partition("|")[0]
        kind = known(address)
        if kind is None:
            raise NotUnderstood(f"its component {address[:120]} is not known here")
        if kind not in COMPARED:
            raise NotUnderstood(f"a component of type {kind} is not supported")
        made.append((address, _text(each, "expression"), kind))
    if len(made) < 2:
        raise NotUnderstood("a composite has two components at least")
    if sum(kind in ("number", "quantity", "date") for *_, kind in made) > 2:
        raise NotUnderstood("a composite compares two numbers, quantities or dates at most")
    return tuple(made)


def _there(definitions: Definitions, name: str, code: str) -> SearchParameter | None:
    found = definitions.params[name].get(code)
    own = (each for each in definitions.own.get(name, ()) if each.code == code)
    return found or next(own, None)


def _same(there: SearchParameter, kind: str, expression: str, name: str) -> bool:
    """Whether both are the same of one type: what is written of other types is left aside."""
    return there.type == kind and _of(there.expression, name) == _of(expression, name)


def _of(expression: str, name: str) -> set[paths.Node | str]:
    try:
        found = paths.branches(paths.read(expression)) if expression else ()
    except errors.CarnetError:
        return {expression}
    known, kept = paths.model(), set[paths.Node | str]()
    for each in found:
        first, _ = paths.start(each)
        if first is None or not known.is_type(first.name) or known.is_a(name, first.name):
            kept.add(each)
    return kept


def _compiles(given: Given, name: str) -> None:
    """Refuse an expression that is not well formed, or names what the type does not have."""
    try:
        node = paths.read(given.expression)
        ends = []
        for branch in paths.branches(node):
            first, _ = paths.start(branch)
            typed = first is not None and paths.model().is_type(first.name)
            if first is not None and typed and not paths.model().is_a(name, first.name):
                continue
            check(branch, name)
            ends.append(paths.elements(branch, name, paths.model()))
        if not ends:
            raise NotUnderstood(f"its expression says nothing of {name}")
        own_rules(name, (given.numbered(0),))
    except (NotUnderstood, Served):
        raise
    except errors.CarnetError as error:
        raise NotUnderstood(f"its expression: {error}") from None
    if given.type == "composite" or not all(ends):
        return  # what an extension has is not told by its path
    kinds = {
        each.code.removeprefix("System.") for found in ends for end in found for each in end.types
    }
    if not kinds & set(own_kinds(given.type)):
        raise NotUnderstood(
            f"a parameter of type {given.type} does not compare {', '.join(sorted(kinds))}"
        )


def own_kinds(kind: str) -> set[str]:
    """The FHIR types a parameter of a type compares."""
    return set(CONVERTERS.get(kind, {})) | set(MORE.get(kind, {}))
