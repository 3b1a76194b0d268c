# SPDX-License-Identifier: EUPL-1.2
"""Trees into Python functions: one function for each node, made once, that calls those below it.

A compiled expression is a function of a focus and a frame. Anything unknown is refused when
compiled, never when run. The path into the data is the common case, and is kept short.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from carnet import errors
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.model import Child, model
from carnet.fhir.fhirpath.refusals import NotCompiled, NotSingle, TooMuchWork, WrongPath, placed
from carnet.fhir.fhirpath.tree import (
    Call,
    Index,
    Literal,
    Member,
    Node,
    Operation,
    Sign,
    This,
    TypeOperation,
    Variable,
)
from carnet.fhir.fhirpath.values import (
    DECIMAL,
    FALSE,
    INTEGER,
    NOTHING,
    QUANTITY,
    STRING,
    SYSTEM,
    SYSTEM_OF,
    TRUE,
    Item,
    Items,
    Quantity,
    text,
)

TYPE_INFO: Final = "System.TypeInfo"
CONSTANTS: Final = {
    "%ucum": "http://unitsofmeasure.org",
    "%sct": "http://snomed.info/sct",
    "%loinc": "http://loinc.org",
}
PREFIXES: Final = {
    "%vs-": "http://hl7.org/fhir/ValueSet/",
    "%ext-": "http://hl7.org/fhir/StructureDefinition/",
}

Matches = Callable[[str], bool]  # of the name of a type
Builder = Callable[..., Run]  # of a compiler, a Call's input and its arguments' nodes


@dataclass(frozen=True, slots=True)
class Compiler:
    """search: as R4's search parameters need it, where `as` filters a collection by type.

    traced: each function says the place of what goes wrong in it; slower.
    """

    search: bool = False
    traced: bool = False

    def compile(self, node: Node) -> Run:
        """The function of a node."""
        run = self._compiled(node)
        return _traced(run, node.at) if self.traced else run

    def _compiled(self, node: Node) -> Run:
        match node:
            case This():
                return focus
            case Literal(kind=kind, value=value):
                return _constant([] if kind is None else [(kind, value, None)])
            case Variable(name=name):
                return _variable(name)
            case Member(of=None, name=name):
                return _start(name)
            case Member(of=of, name=name):
                return member(self.compile(of), name)  # type: ignore[arg-type]  # not None
            case Index(of=of, index=index):
                return _index(self.compile(of), self.compile(index))
            case Sign(sign=sign, operand=operand):
                return _sign(sign, self.compile(operand))
            case TypeOperation(operator="is", operand=operand, kind=kind, at=at):
                return is_type(self.compile(operand), self.matcher(kind, at, exact=False))
            case TypeOperation(operand=operand, kind=kind, at=at):
                return self.as_type(self.compile(operand), self.matcher(kind, at))
            case Operation(operator=operator, left=left, right=right):
                return OPERATORS[operator](self.compile(left), self.compile(right))
            case Call(of=of, name=name, arguments=arguments, at=at):
                build = FUNCTIONS.get((name, len(arguments)))
                if build is None:
                    counts = sorted(n for known, n in FUNCTIONS if known == name)
                    if not counts:
                        raise placed(NotCompiled, at, "there is no such function here.")
                    many = " or ".join(map(str, counts))
                    raise placed(NotCompiled, at, f"{name}() takes {many} arguments.")
                return build(self, focus if of is None else self.compile(of), *arguments)
        raise AssertionError(node)

    def matcher(self, name: str, at: int, exact: bool = True) -> Matches:
        """Whether the name of a type is that of a type or of one of its specialisations.

        exact: `as(string)` takes no code, although a code is a string, and HL7's tests say so.
        """
        known = model()
        namespace, dot, bare = name.rpartition(".")
        if namespace == "System" or (not dot and f"System.{name}" in SYSTEM and bare != "Quantity"):
            wanted, written = f"System.{bare}", bare[:1].lower() + bare[1:]
            if self.search and not dot and known.is_type(written):  # rules write String for string
                return lambda kind: kind == wanted or known.is_a(kind, written)
            return lambda kind: kind == wanted
        if namespace in {"", "FHIR"} and known.is_type(bare):
            if exact and not self.search and known.is_primitive(bare):
                return lambda kind: kind == bare
            if bare == "Quantity" and not dot:
                return lambda kind: known.is_a(kind, bare) or kind == QUANTITY
            return lambda kind: known.is_a(kind, bare)
        raise placed(WrongPath, at, "there is no type of this name in FHIR R4.")

    def as_type(self, run: Run, matches: Matches) -> Run:
        """`as`: of one item, but where search asks for more."""
        if self.search:
            return of_type(run, matches)

        def cast(items: Items, frame: Frame) -> Items:
            found = run(items, frame)
            if len(found) > 1:
                raise NotSingle
            return found if found and matches(found[0][0]) else NOTHING

        return cast


def _traced(run: Run, at: int) -> Run:
    def traced(items: Items, frame: Frame) -> Items:
        try:
            return run(items, frame)
        except errors.CarnetError as error:
            if str(error).startswith("FHIRPath, character"):
                raise
            raise placed(type(error), at, str(error)) from None

    return traced


# ---------------------------------------------------------------- what everything uses


def truth(items: Items) -> bool | None:
    """A collection as a condition: empty is neither; one item that is no boolean is true."""
    if not items:
        return None
    if len(items) > 1:
        raise NotSingle
    value = items[0][1]
    return value if type(value) is bool else True


def single(items: Items) -> Item | None:
    """The one item of a collection, if it has one."""
    if len(items) > 1:
        raise NotSingle
    return items[0] if items else None


def spend(frame: Frame, items: Items) -> Items:
    """Count the items made, up to a limit."""
    frame.work -= len(items) + 1
    if frame.work < 0:
        raise TooMuchWork
    return items


def focus(items: Items, frame: Frame) -> Items:
    """The focus itself."""
    return items


def _constant(items: Items) -> Run:
    return lambda _, frame: items


def _variable(name: str) -> Run:
    match name:
        case "%resource":
            return lambda items, frame: [frame.root]
        case "%rootResource":
            return lambda items, frame: [frame.top]
        case "%context":
            return lambda items, frame: frame.context
        case "$index":
            return lambda items, frame: [(INTEGER, frame.index, None)]
        case "$total":
            return lambda items, frame: frame.total
    if name in CONSTANTS:
        return _constant(text(CONSTANTS[name]))
    for prefix, address in PREFIXES.items():
        if name.startswith(prefix):
            return _constant(text(address + name.removeprefix(prefix)))
    bare = name[1:]

    def given(items: Items, frame: Frame) -> Items:
        if frame.variables is None or bare not in frame.variables:
            raise WrongPath("FHIRPath: a variable of the expression has no value here.")
        return frame.variables[bare]

    return given


# ---------------------------------------------------------------- paths


def _start(name: str) -> Run:
    """The first name of a path: a type the focus must be of, or an element of it."""
    known = model()
    if name[:1].isupper() and known.is_type(name):

        def of_this_type(items: Items, frame: Frame) -> Items:
            if len(items) == 1 and items[0][0] == name:
                return items
            return [i for i in items if known.is_a(i[0], name)]

        return of_this_type
    return member(focus, name)


def member(run: Run, name: str) -> Run:
    """The children of that name."""
    known = model()
    ways: dict[str, tuple[Child, ...]] = {}
    choices: dict[str, frozenset[str]] = {}  # where there are several ways: all their keys

    def members(items: Items, frame: Frame) -> Items:
        found: Items = []
        for kind, value, sibling in run(items, frame):
            if type(value) is not dict:
                if name == "value" and value is not None:
                    found += _own_value(kind, value)
                    continue
                if type(value) is Quantity:
                    found += _part(value, name)
                if sibling is None:
                    continue
                value, kind = sibling, "Element"
            children = ways.get(kind)
            if children is None:
                if kind == TYPE_INFO:
                    found.append((STRING, value[name], None))
                    continue
                children = ways[kind] = known.children(kind).get(name, ())
                if len(children) > 1:
                    choices[kind] = frozenset(
                        key for child in children for key in (child.key, child.sibling)
                    )
            if kind in choices:  # eleven of a value, of which one is there, or none
                there = choices[kind].intersection(value)
                if there:
                    for child in children:
                        if child.key in there or child.sibling in there:
                            gather(child, value, found)
                continue
            for child in children:
                gather(child, value, found)
        return found

    return members


def _own_value(kind: str, value: Any) -> Items:
    """`value` of a primitive of FHIR is the same in FHIRPath's own type."""
    if type(value) is Quantity:
        return _part(value, "value")
    return [(SYSTEM_OF.get(kind, STRING), value, None)]


def _part(quantity: Quantity, name: str) -> Items:
    if name == "value":
        return [(DECIMAL, Decimal(quantity.value), None)]
    return text(quantity.unit) if name == "unit" else NOTHING


def gather(child: Child, parent: dict[str, Any], found: Items) -> None:
    """Add the items of one child to those found."""
    value = parent.get(child.key)
    kind = child.kind
    if child.primitive:
        sibling = parent.get(child.sibling)
        if value is None and sibling is None:
            return
        if type(value) is list or type(sibling) is list:
            values, siblings = value or [], sibling or []
            for at in range(max(len(values), len(siblings))):
                one = values[at] if at < len(values) else None
                beside = siblings[at] if at < len(siblings) else None
                if one is not None or beside is not None:
                    found.append((kind, one, beside))
        else:
            found.append((kind, value, sibling))
    elif value is None:
        return
    elif kind == "Resource":
        for one in value if type(value) is list else (value,):
            found.append((one.get("resourceType", kind), one, None))
    elif type(value) is list:
        for one in value:
            found.append((kind, one, None))
    else:
        found.append((kind, value, None))


def children(items: Items, frame: Frame) -> Items:
    """Every child of every item, in the order of its JSON."""
    known = frame.model
    found: Items = []
    for kind, value, sibling in items:
        if type(value) is not dict:
            if sibling is None:
                continue
            value, kind = sibling, "Element"
        keys = known.keys(kind)
        for key in value:
            child = keys.get(key)
            # `_name` alone; beside `name` it comes with it
            if child is not None and (key == child.key or child.key not in value):
                gather(child, value, found)
    return spend(frame, found)


def _index(run: Run, index: Run) -> Run:
    def indexed(items: Items, frame: Frame) -> Items:
        numbers = index(items, frame)
        if len(numbers) != 1 or type(numbers[0][1]) is not int:
            return NOTHING
        at = numbers[0][1]
        found = run(items, frame)
        return found[at : at + 1] if at >= 0 else NOTHING

    return indexed


# ---------------------------------------------------------------- types


def of_type(run: Run, matches: Matches) -> Run:
    """Those items that are of a type."""
    return lambda items, frame: [i for i in run(items, frame) if matches(i[0])]


def is_type(run: Run, matches: Matches) -> Run:
    """Whether the one item is of a type."""

    def test(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        if not found:
            return NOTHING
        if len(found) > 1:
            raise NotSingle
        return TRUE if matches(found[0][0]) else FALSE

    return test


def _sign(sign: str, run: Run) -> Run:
    def signed(items: Items, frame: Frame) -> Items:
        found = single(run(items, frame))
        if found is None:
            return NOTHING
        kind, value, _ = found
        if type(value) is Quantity:
            number = -value.value if sign == "-" else value.value
            return [(kind, Quantity(number, value.unit, value.calendar, value.system), None)]
        if type(value) is int or type(value) is Decimal:
            kind = INTEGER if type(value) is int else DECIMAL
            return [(kind, -value if sign == "-" else value, None)]
        raise WrongType("FHIRPath: a sign stands before numbers and quantities.")

    return signed


# At the end: both tables are made of functions that use what stands above.
from carnet.fhir.fhirpath.functions import FUNCTIONS  # noqa: E402
from carnet.fhir.fhirpath.operators import OPERATORS  # noqa: E402
from carnet.fhir.fhirpath.refusals import WrongType  # noqa: E402
