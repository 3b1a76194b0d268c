# SPDX-License-Identifier: EUPL-1.2
"""FHIRPath: words, tree, and Python functions compiled from it.

The whole grammar is read; compiled are the parts that R4's search parameters use: paths through
choices, unions, `as`, `is`, `ofType`, `where`, `exists`, `resolve`, `extension`, indexes, equality
and three-valued logic. Anything else is refused when compiled, never when run. A new function is
one entry of `FUNCTIONS`, a new operator one of `OPERATORS`.

An item of a collection is a tuple: the name of its FHIR type, its value as in JSON, and, for a
primitive, what its `_name` sibling holds. Nothing is ever fetched: `resolve()` knows contained
resources, and of others only the type their reference tells.

Source: FHIRPath 1.0 as R4 uses it; the `as` of R4's search parameters filters a collection, as
`ofType` does.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, NoReturn

from carnet import errors
from carnet.fhir.definitions import Definitions, Element, load

Item = tuple[str, Any, dict[str, Any] | None]
Items = list[Item]

MAX_LENGTH: Final = 10_000  # characters of an expression; R4's longest has 2,500
MAX_NESTING: Final = 100
# Each step of a chain is a level of the tree, walked by functions that call themselves. R4 has 326.
MAX_WORDS: Final = 600
MAX_DIGITS: Final = 64


class WrongPath(errors.Invalid):
    """The FHIRPath expression is not well formed."""


class NotCompiled(errors.NotSupported):
    """The FHIRPath expression uses a function or an operator that is not supported here."""


class NotSingle(errors.Invalid):
    """The FHIRPath expression gives several items where one is needed."""


# ---------------------------------------------------------------- the tree


@dataclass(frozen=True, slots=True)
class This:
    """The focus: `$this`, or what an expression starts from."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`$index`, `$total`, `%resource`, `%'vs-name'`."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A written value, with its System type; `{}` has none."""

    kind: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`; at the start of an expression the name may be that of a type."""

    of: "Node | None"
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`of.name(arguments)`."""

    of: "Node | None"
    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Index:
    """`of[index]`."""

    of: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Sign:
    """`-operand` or `+operand`."""

    sign: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """`operand is type` or `operand as type`."""

    operator: str
    operand: "Node"
    kind: str


Node = This | Variable | Literal | Member | Call | Index | Sign | Operation | TypeOperation

# ---------------------------------------------------------------- words

WORD: Final = re.compile(
    r"""\s*(?://[^\n]*(?:\n|\Z)\s*|/\*(?:[^*]|\*(?!/))*\*/\s*)*(?:
      (?P<moment>@(?:T[0-9:.]+|[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?
         (?:T(?:[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?))
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<variable>[$%](?:[A-Za-z_][A-Za-z0-9_]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

# Weakest first; `is` and `as` stand apart because their right side is a type.
PRECEDENCE: Final = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5, "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7,
    "is": 8, "as": 8, "+": 9, "-": 9, "&": 9, "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
UNARY: Final = 11
RESERVED: Final = frozenset(("and", "or", "xor", "implies", "div", "mod", "true", "false"))


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        letter = found[1]
        return chr(int(letter[1:], 16)) if len(letter) > 1 else ESCAPED.get(letter, letter)

    return ESCAPE.sub(one, text)


def _words(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while True:
        found = WORD.match(text, at)
        if found is None or found.lastgroup is None:
            raise WrongPath
        yield found.lastgroup, found[found.lastgroup]
        if found.lastgroup == "end":
            return
        at = found.end()


class _Reader:
    """Reads words into a tree, by precedence."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise WrongPath("The FHIRPath expression is too long.")
        self.words = list(_words(text))
        if len(self.words) > MAX_WORDS:
            raise WrongPath("The FHIRPath expression is too long.")
        self.at = 0
        self.nesting = 0

    def peek(self) -> str:
        """The next operator, sign or name; empty for anything else."""
        kind, word = self.words[self.at]
        return word if kind in {"sign", "name"} else ""

    def next(self) -> tuple[str, str]:
        word = self.words[self.at]
        self.at += 1
        return word

    def take(self, sign: str) -> bool:
        if self.words[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise WrongPath

    def whole(self) -> Node:
        node = self.expression(0)
        if self.words[self.at][0] != "end":
            raise WrongPath
        return node

    def expression(self, above: int) -> Node:
        """Everything that binds tighter than `above`."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise WrongPath("The FHIRPath expression is nested too deeply.")
        if (sign := self.peek()) in {"+", "-"}:
            self.next()
            left: Node = Sign(sign, self.expression(UNARY))
        else:
            left = self.postfix(self.term())
        while (strength := PRECEDENCE.get(operator := self.peek(), 0)) > above:
            self.next()
            if operator in {"is", "as"}:
                left = TypeOperation(operator, left, self.type_name())
            else:
                left = Operation(operator, left, self.expression(strength))
        self.nesting -= 1
        return left

    def postfix(self, node: Node) -> Node:
        while True:
            if self.take("."):
                node = self.invocation(node)
            elif self.take("["):
                index = self.expression(0)
                self.need("]")
                node = Index(node, index)
            else:
                return node

    def invocation(self, of: Node | None) -> Node:
        kind, word = self.next()
        if kind == "quoted":
            return Member(of, _unescaped(word[1:-1]))
        if kind == "variable" and word == "$this":
            return This() if of is None else of
        if kind != "name" or word in RESERVED:
            raise WrongPath
        if not self.take("("):
            return Member(of, word)
        arguments: list[Node] = []
        if not self.take(")"):
            arguments.append(self.expression(0))
            while self.take(","):
                arguments.append(self.expression(0))
            self.need(")")
        return Call(of, word, tuple(arguments))

    def term(self) -> Node:
        kind, word = self.words[self.at]
        if kind == "text":
            self.at += 1
            return Literal("string", _unescaped(word[1:-1]))
        if kind == "number":
            self.at += 1
            return self.quantity(word)
        if kind == "moment":
            self.at += 1
            if word.startswith("@T"):
                return Literal("time", word[2:])
            return Literal("dateTime" if "T" in word else "date", word[1:].removesuffix("T"))
        if kind == "variable" and word != "$this":
            self.at += 1
            mark, name = word[0], word[1:]
            return Variable(mark + (_unescaped(name[1:-1]) if name[0] in "'`" else name))
        if word in {"true", "false"} and kind == "name":
            self.at += 1
            return Literal("boolean", word == "true")
        if self.take("("):
            node = self.expression(0)
            self.need(")")
            return node
        if self.take("{"):
            self.need("}")
            return Literal(None, None)
        return self.invocation(None)

    def quantity(self, word: str) -> Node:
        """A number, or a number with its unit: `4 'mg'`, `2 days`."""
        if len(word) > MAX_DIGITS:
            raise WrongPath
        number = Decimal(word) if "." in word else int(word)
        kind, unit = self.words[self.at]
        if kind == "text":
            self.at += 1
            return Literal("Quantity", (number, _unescaped(unit[1:-1])))
        if kind == "name" and unit.removesuffix("s") in {
            "year", "month", "week", "day", "hour", "minute", "second", "millisecond",
        }:  # fmt: skip
            self.at += 1
            return Literal("Quantity", (number, unit))
        return Literal("decimal" if "." in word else "integer", number)

    def type_name(self) -> str:
        kind, word = self.next()
        if kind not in {"name", "quoted"}:
            raise WrongPath
        name = word.strip("`")
        while self.take("."):
            kind, word = self.next()
            name += "." + word.strip("`")
        return name.removeprefix("FHIR.")


@lru_cache(maxsize=4096)
def read(text: str) -> Node:
    """The tree of an expression."""
    return _Reader(text).whole()


def branches(node: Node) -> tuple[Node, ...]:
    """The parts of a union, in order."""
    if isinstance(node, Operation) and node.operator == "|":
        return (*branches(node.left), *branches(node.right))
    return (node,)


def start(node: Node) -> tuple[Member | None, Member | None]:
    """The first name of a path and the one after: `Patient` and `Patient.name`.

    Either is None where the node is not a path, or has one name only.
    """
    after: Member | None = None
    while True:
        match node:
            case Member(of=None):
                return node, after
            case Member(of=of):
                after = node
                node = of  # type: ignore[assignment]  # not None: the case above
            case Call(of=of) if of is not None:
                node = of
            case Index(of=of) | TypeOperation(operand=of):
                node = of
            case _:
                return None, None


def elements(node: Node, kind: str, model: "Model") -> tuple[Element, ...]:
    """The elements a plain path ends at, from a type, told without any resource."""
    match node:
        case This():
            return ()
        case Member(of=None, name=name) if name == kind:
            return ()
        case Member(of=of, name=name):
            if of is None or isinstance(of, This) or of == Member(None, kind):
                parents = [kind]
            else:
                parents = [t for e in elements(of, kind, model) for t in _kinds(e)]
            return tuple(e for p in parents for e in model.named(p, name))
        case Call(of=of, name="where") | Index(of=of) if of is not None:
            return elements(of, kind, model)
        case TypeOperation(operand=of):
            return elements(of, kind, model)
    return ()


def _kinds(element: Element) -> list[str]:
    if element.children:
        return [element.children]
    return [t.code.removeprefix("System.") for t in element.types]


# ---------------------------------------------------------------- the model


@dataclass(frozen=True, slots=True)
class Child:
    """One way a named element may stand in the JSON of its parent."""

    key: str
    sibling: str  # where id and extensions of a primitive stand
    kind: str  # type of the item; "Resource" where the resource itself tells
    primitive: bool


class Model:
    """What R4 says of types, in the shape navigation needs."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._children: dict[str, dict[str, tuple[Child, ...]]] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

    def children(self, kind: str) -> dict[str, tuple[Child, ...]]:
        """The named children of a type."""
        found = self._children.get(kind)
        if found is None:
            shape = self.definitions.shapes.get(kind)
            found = {e.name: self._ways(e) for e in shape.elements} if shape else {}
            self._children[kind] = found
        return found

    def named(self, kind: str, name: str) -> Iterator[Element]:
        """The element of that name, if the type has one."""
        shape = self.definitions.shapes.get(kind)
        for element in shape.elements if shape else ():
            if element.name == name:
                yield element

    def is_a(self, kind: str, ancestor: str) -> bool:
        """Whether a type is another or one of its specialisations."""
        known = self._ancestors.get(kind)
        if known is None:
            names = []
            current: str | None = kind
            while current is not None:
                names.append(current)
                shape = self.definitions.shapes.get(current)
                current = shape.base if shape else None
            known = self._ancestors[kind] = frozenset(names)
        return ancestor in known

    def is_type(self, name: str) -> bool:
        """Whether a name is that of a type."""
        return name in self.definitions.shapes and "." not in name

    def item(self, resource: dict[str, Any]) -> Item:
        """A resource as an item."""
        kind = resource.get("resourceType")
        return (kind if type(kind) is str else "Resource", resource, None)

    def _ways(self, element: Element) -> tuple[Child, ...]:
        shapes = self.definitions.shapes
        if element.children:
            return (Child(element.name, "", element.children, primitive=False),)
        ways = []
        for t in element.types:
            kind = t.code.removeprefix("System.")
            key = element.name + kind[0].upper() + kind[1:] if element.choice else element.name
            primitive = shapes[kind].kind == "primitive"
            ways.append(Child(key, "_" + key, kind, primitive))
        return tuple(ways)


@cache
def model() -> Model:
    """The model of R4."""
    return Model(load())


# ---------------------------------------------------------------- running


class Frame:
    """What an evaluation may look at beside its focus."""

    __slots__ = ("index", "model", "root")

    def __init__(self, model: Model, root: Item) -> None:
        self.model = model
        self.root = root  # the resource, for contained ones and %resource
        self.index = 0


Run = Callable[[Items, Frame], Items]

TRUE: Final[Items] = [("boolean", True, None)]
FALSE: Final[Items] = [("boolean", False, None)]
NOTHING: Final[Items] = []
LITERAL: Final = re.compile(
    r"(?:[a-z]+://.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?",
    re.DOTALL,
)


def path(text: str) -> Callable[[dict[str, Any]], Items]:
    """A function giving the items an expression finds in a resource."""
    run = compiled(read(text))
    known = model()

    def find(resource: dict[str, Any]) -> Items:
        root = known.item(resource)
        return run([root], Frame(known, root))

    return find


def compiled(node: Node) -> Run:
    """A function of a collection and a frame."""
    match node:
        case This():
            return _focus
        case Literal(kind=kind, value=value):
            return _constant(kind, value)
        case Variable(name="%resource" | "%context" | "%rootResource"):
            return _resource
        case Member(of=None, name=name):
            return _start(name)
        case Member(of=of, name=name):
            return _member(compiled(of), name)  # type: ignore[arg-type]  # not None
        case Index(of=of, index=index):
            return _index(compiled(of), compiled(index))
        case TypeOperation(operator=operator, operand=operand, kind=kind):
            run = compiled(operand)
            return _is(run, kind) if operator == "is" else _of_type(run, kind)
        case Operation(operator=operator, left=left, right=right):
            make = OPERATORS.get(operator)
            return make(compiled(left), compiled(right)) if make else _refuse()
        case Call(of=of, name=name, arguments=arguments):
            function = FUNCTIONS.get((name, len(arguments)))
            run = _focus if of is None else compiled(of)
            return function(run, *arguments) if function else _refuse()
    return _refuse()


def _refuse() -> NoReturn:
    raise NotCompiled


def truth(items: Items) -> bool | None:
    """A collection as a condition: empty is neither; one item that is no boolean is true."""
    if not items:
        return None
    if len(items) > 1:
        raise NotSingle
    value = items[0][1]
    return value if type(value) is bool else True


def _condition(value: bool | None) -> Items:
    return NOTHING if value is None else TRUE if value else FALSE


def _focus(items: Items, frame: Frame) -> Items:
    return items


def _resource(items: Items, frame: Frame) -> Items:
    return [frame.root]


def _constant(kind: str | None, value: Any) -> Run:
    items: Items = [] if kind is None else [(kind, value, None)]
    return lambda _, frame: items


def _start(name: str) -> Run:
    """The first name of a path: a type the focus must be of, or an element of it."""
    known = model()
    if name[:1].isupper() and known.is_type(name):
        return lambda items, frame: [i for i in items if frame.model.is_a(i[0], name)]
    return _member(_focus, name)


def _member(run: Run, name: str) -> Run:
    def members(items: Items, frame: Frame) -> Items:
        known = frame.model
        found: Items = []
        for kind, value, sibling in run(items, frame):
            if type(value) is not dict:
                if sibling is None:
                    continue
                value, kind = sibling, "Element"
            for child in known.children(kind).get(name, ()):
                _gather(child, value, found)
        return found

    return members


def _gather(child: Child, parent: dict[str, Any], found: Items) -> None:
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
    else:
        for one in value if type(value) is list else (value,):
            named = one.get("resourceType", kind) if kind == "Resource" else kind
            found.append((named, one, None))


def _index(run: Run, index: Run) -> Run:
    def indexed(items: Items, frame: Frame) -> Items:
        numbers = index(items, frame)
        if len(numbers) != 1 or type(numbers[0][1]) is not int:
            return NOTHING
        at = numbers[0][1]
        found = run(items, frame)
        return found[at : at + 1] if at >= 0 else NOTHING

    return indexed


def _of_type(run: Run, kind: str) -> Run:
    return lambda items, frame: [i for i in run(items, frame) if frame.model.is_a(i[0], kind)]


def _is(run: Run, kind: str) -> Run:
    def test(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        if not found:
            return NOTHING
        if len(found) > 1:
            raise NotSingle
        return TRUE if frame.model.is_a(found[0][0], kind) else FALSE

    return test


# ---------------------------------------------------------------- operators


def _same(left: Item, right: Item) -> bool:
    # Python holds True equal to 1, and FHIRPath does not. Dates of other precisions: see FHIRPath
    # completed, issue by issue; no search parameter compares them.
    if (type(left[1]) is bool) != (type(right[1]) is bool):
        return False
    return bool(left[1] == right[1])


def _equal(left: Run, right: Run) -> Run:
    def equal(items: Items, frame: Frame) -> Items:
        ours, theirs = left(items, frame), right(items, frame)
        if not ours or not theirs:
            return NOTHING
        same = len(ours) == len(theirs) and all(map(_same, ours, theirs))
        return TRUE if same else FALSE

    return equal


def _different(left: Run, right: Run) -> Run:
    return _not(_equal(left, right))


def _and(left: Run, right: Run) -> Run:
    def both(items: Items, frame: Frame) -> Items:
        one = truth(left(items, frame))
        if one is False:
            return FALSE
        two = truth(right(items, frame))
        return FALSE if two is False else _condition(None if one is None else two)

    return both


def _or(left: Run, right: Run) -> Run:
    def either(items: Items, frame: Frame) -> Items:
        one = truth(left(items, frame))
        if one is True:
            return TRUE
        two = truth(right(items, frame))
        return TRUE if two is True else _condition(None if one is None else two)

    return either


def _xor(left: Run, right: Run) -> Run:
    def one_only(items: Items, frame: Frame) -> Items:
        one, two = truth(left(items, frame)), truth(right(items, frame))
        return NOTHING if one is None or two is None else _condition(one != two)

    return one_only


def _implies(left: Run, right: Run) -> Run:
    return _or(_not(left), right)


def _union(left: Run, right: Run) -> Run:
    def united(items: Items, frame: Frame) -> Items:
        found: Items = []
        for item in (*left(items, frame), *right(items, frame)):
            if not any(_same(item, other) for other in found):
                found.append(item)
        return found

    return united


OPERATORS: Final[dict[str, Callable[[Run, Run], Run]]] = {
    "=": _equal,
    "!=": _different,
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "|": _union,
}

# ---------------------------------------------------------------- functions


def _where(run: Run, criteria: Node) -> Run:
    holds = compiled(criteria)

    def kept(items: Items, frame: Frame) -> Items:
        return [i for i in run(items, frame) if truth(holds([i], frame)) is True]

    return kept


def _exists(run: Run) -> Run:
    return lambda items, frame: TRUE if run(items, frame) else FALSE


def _exists_where(run: Run, criteria: Node) -> Run:
    return _exists(_where(run, criteria))


def _empty(run: Run) -> Run:
    return lambda items, frame: FALSE if run(items, frame) else TRUE


def _not(run: Run) -> Run:
    def negated(items: Items, frame: Frame) -> Items:
        value = truth(run(items, frame))
        return _condition(None if value is None else not value)

    return negated


def _first(run: Run) -> Run:
    return lambda items, frame: run(items, frame)[:1]


def _has_value(run: Run) -> Run:
    def has(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        return TRUE if len(found) == 1 and _is_value(found[0][1]) else FALSE

    return has


def _is_value(value: Any) -> bool:
    return value is not None and type(value) is not dict


def _extension(run: Run, url: Node) -> Run:
    extensions, wanted = _member(run, "extension"), compiled(url)

    def named(items: Items, frame: Frame) -> Items:
        urls = [i[1] for i in wanted(items, frame)]
        return [e for e in extensions(items, frame) if e[1].get("url") in urls]

    return named


def _resolve(run: Run) -> Run:
    def resolved(items: Items, frame: Frame) -> Items:
        return [target for i in run(items, frame) if (target := target_of(i, frame)) is not None]

    return resolved


def target_of(item: Item, frame: Frame) -> Item | None:
    """What a reference points to: a contained resource whole, of any other its type alone."""
    value = item[1]
    reference = value.get("reference") if type(value) is dict else value
    if type(reference) is str:
        if reference.startswith("#"):
            return _contained(reference[1:], frame)
        if found := LITERAL.fullmatch(reference):
            kind = found[1]
            return (kind, {}, None) if kind in frame.model.definitions.types else None
    told = value.get("type") if type(value) is dict else None
    if type(told) is str and told in frame.model.definitions.types:
        return (told, {}, None)
    return None


def _contained(name: str, frame: Frame) -> Item | None:
    if not name:  # "#": the resource that contains
        return frame.root
    for resource in frame.root[1].get("contained", ()):
        if resource.get("id") == name:
            return frame.model.item(resource)
    return None


def _as_type(make: Callable[[Run, str], Run]) -> Callable[..., Run]:
    """A function whose argument is the name of a type."""

    def made(run: Run, argument: Node) -> Run:
        match argument:
            case Member(of=None, name=name) | Member(of=Member(of=None, name="FHIR"), name=name):
                return make(run, name)
        raise NotCompiled

    return made


FUNCTIONS: Final[dict[tuple[str, int], Callable[..., Run]]] = {
    ("where", 1): _where,
    ("exists", 0): _exists,
    ("exists", 1): _exists_where,
    ("empty", 0): _empty,
    ("not", 0): _not,
    ("first", 0): _first,
    ("hasValue", 0): _has_value,
    ("extension", 1): _extension,
    ("resolve", 0): _resolve,
    ("as", 1): _as_type(_of_type),
    ("ofType", 1): _as_type(_of_type),
    ("is", 1): _as_type(_is),
}
