# SPDX-License-Identifier: EUPL-1.2
"""Words into a tree, by precedence: the whole grammar of FHIRPath N1.

`is` and `as` bind tighter than `|` and `<`, as the table of FHIRPath and HL7's tests of R4 have it (1.7 of
their test cases; those before 1.6, and the grammar beside N1, had them weaker). Nothing that R4 itself
writes is read differently by the two.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Final

from carnet.fhir.fhirpath import moments
from carnet.fhir.fhirpath.lexer import unescaped, words
from carnet.fhir.fhirpath.refusals import WrongPath, placed
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
from carnet.fhir.fhirpath.values import CALENDAR, Quantity

MAX_LENGTH: Final = 10_000  # characters of an expression; R4's longest has 2,500
MAX_NESTING: Final = 100
# Each step of a chain is a level of the tree, walked by functions that call themselves. R4 has 326.
MAX_WORDS: Final = 600
MAX_DIGITS: Final = 64

# Weakest first; `is` and `as` stand apart because their right side is a type.
PRECEDENCE: Final = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4,
    "=": 5, "~": 5, "!=": 5, "!~": 5, "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8,
    "+": 9, "-": 9, "&": 9, "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
UNARY: Final = 11
RESERVED: Final = frozenset(("and", "or", "xor", "implies", "div", "mod", "true", "false"))
MARKS: Final = "'`"


@lru_cache(maxsize=4096)
def read(text: str) -> Node:
    """The tree of an expression."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise WrongPath("The FHIRPath expression is too long.")
        self.words = list(words(text))
        if len(self.words) > MAX_WORDS:
            raise WrongPath("The FHIRPath expression is too long.")
        self.at = 0
        self.nesting = 0

    def peek(self) -> str:
        """The next operator, sign or name; empty for anything else."""
        kind, word, _ = self.words[self.at]
        return word if kind in {"sign", "name"} else ""

    def place(self) -> int:
        return self.words[self.at][2]

    def next(self) -> tuple[str, str]:
        kind, word, _ = self.words[self.at]
        if kind == "end":
            raise self.refusal("the expression ends too early.")
        self.at += 1
        return kind, word

    def refusal(self, what: str) -> Exception:
        return placed(WrongPath, self.place(), what)

    def take(self, sign: str) -> bool:
        if self.words[self.at][:2] == ("sign", sign):
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.refusal(f"{sign} is expected.")

    def whole(self) -> Node:
        node = self.expression(0)
        if self.words[self.at][0] != "end":
            raise self.refusal("an operator, or the end, is expected.")
        return node

    def expression(self, above: int) -> Node:
        """Everything that binds tighter than `above`."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.refusal("the expression is nested too deeply.")
        at = self.place()
        if (sign := self.peek()) in {"+", "-"}:
            self.next()
            left: Node = Sign(sign, self.expression(UNARY), at)
        else:
            left = self.postfix(self.term())
        while (strength := PRECEDENCE.get(operator := self.peek(), 0)) > above:
            at = self.place()
            self.next()
            if operator in {"is", "as"}:
                left = TypeOperation(operator, left, self.type_name(), at)
            else:
                left = Operation(operator, left, self.expression(strength), at)
        self.nesting -= 1
        return left

    def postfix(self, node: Node) -> Node:
        while True:
            at = self.place()
            if self.take("."):
                node = self.invocation(node)
            elif self.take("["):
                index = self.expression(0)
                self.need("]")
                node = Index(node, index, at)
            else:
                return node

    def invocation(self, of: Node | None) -> Node:
        at = self.place()
        kind, word = self.next()
        if kind == "variable" and word[0] == "$":
            if word == "$this":
                return This(at) if of is None else of
            if of is None and word in {"$index", "$total"}:
                return Variable(word, at)
        name = unescaped(word[1:-1]) if kind == "quoted" else word
        # After a point only a name may follow: Narrative.div is written bare by HL7's own patches.
        reserved = kind == "name" and word in RESERVED and (of is None or word != "div")
        if (kind != "quoted" and kind != "name") or reserved:
            raise placed(WrongPath, at, "a name, a value or ( is expected.")
        if not self.take("("):
            return Member(of, name, at)
        arguments: list[Node] = []
        if not self.take(")"):
            arguments.append(self.expression(0))
            while self.take(","):
                arguments.append(self.expression(0))
            self.need(")")
        return Call(of, name, tuple(arguments), at)

    def term(self) -> Node:
        kind, word, at = self.words[self.at]
        if kind == "text":
            self.at += 1
            return Literal("System.String", unescaped(word[1:-1]), at)
        if kind == "number":
            self.at += 1
            return self.quantity(word, at)
        if kind == "moment":
            self.at += 1
            clock = word.startswith("@T")
            if moments.parse(word[2:] if clock else word[1:].removesuffix("T"), clock) is None:
                raise placed(WrongPath, at, "no calendar or clock has this.")
            if word.startswith("@T"):
                return Literal("System.Time", word[2:], at)
            if "T" in word:
                return Literal("System.DateTime", word[1:].removesuffix("T"), at)
            return Literal("System.Date", word[1:], at)
        if kind == "variable" and word[0] == "%":
            self.at += 1
            name = word[1:]
            return Variable("%" + (unescaped(name[1:-1]) if name[0] in MARKS else name), at)
        if word in {"true", "false"} and kind == "name":
            self.at += 1
            return Literal("System.Boolean", word == "true", at)
        if self.take("("):
            node = self.expression(0)
            self.need(")")
            return node
        if self.take("{"):
            self.need("}")
            return Literal(None, None, at)
        return self.invocation(None)

    def quantity(self, word: str, at: int) -> Node:
        """A number, or a number with its unit: `4 'mg'`, `2 days`."""
        if len(word) > MAX_DIGITS:
            raise placed(WrongPath, at, "the number has too many digits.")
        number = Decimal(word) if "." in word else int(word)
        kind, unit, _ = self.words[self.at]
        if kind == "text":
            self.at += 1
            return Literal("System.Quantity", Quantity(number, unescaped(unit[1:-1])), at)
        if kind == "name" and unit in CALENDAR:
            self.at += 1
            return Literal("System.Quantity", Quantity(number, CALENDAR[unit], calendar=True), at)
        return Literal("System.Decimal" if "." in word else "System.Integer", number, at)

    def type_name(self) -> str:
        names = [self.one_name()]
        while self.take("."):
            names.append(self.one_name())
        return ".".join(names)

    def one_name(self) -> str:
        at = self.place()
        kind, word = self.next()
        if kind not in {"name", "quoted"}:
            raise placed(WrongPath, at, "the name of a type is expected.")
        return unescaped(word[1:-1]) if kind == "quoted" else word
