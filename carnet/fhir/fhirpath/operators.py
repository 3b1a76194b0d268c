# SPDX-License-Identifier: EUPL-1.2
"""Operators, each a function of two compiled operands. An operand may be empty: so is the answer."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from carnet.fhir.fhirpath import equality, moments, quantities
from carnet.fhir.fhirpath.compiler import single, spend, truth
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.values import (
    EXACT,
    FALSE,
    MOMENTS,
    NOTHING,
    QUANTITY,
    ROUNDED,
    TRUE,
    Item,
    Items,
    Quantity,
    boolean,
    decimal,
    integer,
    quantity,
    text,
)

# ---------------------------------------------------------------- equality and order


def _equal(left: Run, right: Run) -> Run:
    def equal(items: Items, frame: Frame) -> Items:
        ours, theirs = left(items, frame), right(items, frame)
        if not ours or not theirs:
            return NOTHING
        return boolean(equality.equal(ours, theirs))

    return equal


def _different(left: Run, right: Run) -> Run:
    def different(items: Items, frame: Frame) -> Items:
        same = equality.equal(left(items, frame), right(items, frame))
        return NOTHING if same is None else FALSE if same else TRUE

    return different


def _equivalent(left: Run, right: Run) -> Run:
    return lambda items, frame: (
        TRUE if equality.equivalent(left(items, frame), right(items, frame)) else FALSE
    )


def _not_equivalent(left: Run, right: Run) -> Run:
    return lambda items, frame: (
        FALSE if equality.equivalent(left(items, frame), right(items, frame)) else TRUE
    )


def _ordered(holds: Callable[[int], bool]) -> Callable[[Run, Run], Run]:
    def made(left: Run, right: Run) -> Run:
        def compared(items: Items, frame: Frame) -> Items:
            ours, theirs = single(left(items, frame)), single(right(items, frame))
            if ours is None or theirs is None:
                return NOTHING
            order = equality.order(ours, theirs)
            return NOTHING if order is None else TRUE if holds(order) else FALSE

        return compared

    return made


# ---------------------------------------------------------------- logic


def _and(left: Run, right: Run) -> Run:
    def both(items: Items, frame: Frame) -> Items:
        one = truth(left(items, frame))
        if one is False:
            return FALSE
        two = truth(right(items, frame))
        return FALSE if two is False else boolean(None if one is None else two)

    return both


def _or(left: Run, right: Run) -> Run:
    def either(items: Items, frame: Frame) -> Items:
        one = truth(left(items, frame))
        if one is True:
            return TRUE
        two = truth(right(items, frame))
        return TRUE if two is True else boolean(None if one is None else two)

    return either


def _xor(left: Run, right: Run) -> Run:
    def one_only(items: Items, frame: Frame) -> Items:
        one, two = truth(left(items, frame)), truth(right(items, frame))
        return NOTHING if one is None or two is None else boolean(one != two)

    return one_only


def _implies(left: Run, right: Run) -> Run:
    def implied(items: Items, frame: Frame) -> Items:
        one = truth(left(items, frame))
        if one is False:
            return TRUE
        two = truth(right(items, frame))
        return TRUE if two is True else boolean(None if one is None else two)

    return implied


# ---------------------------------------------------------------- collections


def _union(left: Run, right: Run) -> Run:
    return lambda items, frame: equality.distinct(
        spend(frame, [*left(items, frame), *right(items, frame)])
    )


def _in(left: Run, right: Run) -> Run:
    def inside(items: Items, frame: Frame) -> Items:
        item = single(left(items, frame))
        if item is None:
            return NOTHING
        return TRUE if equality.holds(item, right(items, frame)) else FALSE

    return inside


def _contains(left: Run, right: Run) -> Run:
    return _in(right, left)


# ---------------------------------------------------------------- reckoning


def _reckoned(reckon: Callable[[Item, Item], Items]) -> Callable[[Run, Run], Run]:
    def made(left: Run, right: Run) -> Run:
        def result(items: Items, frame: Frame) -> Items:
            ours, theirs = single(left(items, frame)), single(right(items, frame))
            if ours is None or theirs is None or ours[1] is None or theirs[1] is None:
                return NOTHING
            return reckon(ours, theirs)

        return result

    return made


def _numbers(left: Item, right: Item) -> bool:
    return type(left[1]) in (int, Decimal) and type(right[1]) in (int, Decimal)


def _quantities(left: Item, right: Item) -> tuple[Quantity, Quantity]:
    """Two quantities, one at least written as such; a number may stand for the other."""
    ours, theirs = quantity(left), quantity(right)
    if ours is None or theirs is None:
        raise WrongType("FHIRPath: this operator has no meaning between these types.")
    return ours, theirs


def _measured(value: Quantity | None) -> Items:
    return NOTHING if value is None else [(QUANTITY, value, None)]


def _plus(left: Item, right: Item) -> Items:
    ours, theirs = left[1], right[1]
    if _numbers(left, right):
        if type(ours) is int and type(theirs) is int:
            return integer(ours + theirs)
        return decimal(EXACT.add(Decimal(ours), Decimal(theirs)))
    if left[0] in MOMENTS:
        return _moved(left, right, 1)
    if type(ours) is str and type(theirs) is str:
        return text(ours + theirs)
    one, two = _quantities(left, right)
    return _measured(quantities.plus(one, two, 1))


def _minus(left: Item, right: Item) -> Items:
    ours, theirs = left[1], right[1]
    if _numbers(left, right):
        if type(ours) is int and type(theirs) is int:
            return integer(ours - theirs)
        return decimal(EXACT.subtract(Decimal(ours), Decimal(theirs)))
    if left[0] in MOMENTS:
        return _moved(left, right, -1)
    one, two = _quantities(left, right)
    return _measured(quantities.plus(one, two, -1))


def _moved(moment: Item, by: Item, sign: int) -> Items:
    stretch = None if type(by[1]) in (int, Decimal) else quantity(by)
    if stretch is None:
        raise WrongType("FHIRPath adds to a date a stretch of time with its unit: + 7 days.")
    found = moments.add(moment[0], moment[1], stretch, sign)
    kind = moments.KIND.get(moment[0], moment[0])
    return NOTHING if found is None else [(kind, found, None)]


def _times(left: Item, right: Item) -> Items:
    ours, theirs = left[1], right[1]
    if _numbers(left, right):
        if type(ours) is int and type(theirs) is int:
            return integer(ours * theirs)
        return decimal(EXACT.multiply(Decimal(ours), Decimal(theirs)))
    return _measured(quantities.times(*_quantities(left, right)))


def _over(left: Item, right: Item) -> Items:
    if _numbers(left, right):
        if right[1] == 0:
            return NOTHING
        return decimal(ROUNDED.divide(Decimal(left[1]), Decimal(right[1])))
    return _measured(quantities.over(*_quantities(left, right)))


def _div(left: Item, right: Item) -> Items:
    _need_numbers(left, right)
    if right[1] == 0:
        return NOTHING
    whole = EXACT.divide_int(Decimal(left[1]), Decimal(right[1]))
    return integer(int(whole))


def _mod(left: Item, right: Item) -> Items:
    _need_numbers(left, right)
    if right[1] == 0:
        return NOTHING
    rest = EXACT.remainder(Decimal(left[1]), Decimal(right[1]))
    whole = type(left[1]) is int and type(right[1]) is int
    return integer(int(rest)) if whole else decimal(rest)


def _need_numbers(left: Item, right: Item) -> None:
    if not _numbers(left, right):
        raise WrongType("FHIRPath: div and mod stand between numbers.")


def _joined(left: Run, right: Run) -> Run:
    def joined(items: Items, frame: Frame) -> Items:
        parts = [single(left(items, frame)), single(right(items, frame))]
        values = ["" if part is None or part[1] is None else part[1] for part in parts]
        if not all(type(value) is str for value in values):
            raise WrongType("FHIRPath: & stands between texts.")
        return text("".join(values))

    return joined


OPERATORS: Final[dict[str, Callable[[Run, Run], Run]]] = {
    "=": _equal,
    "!=": _different,
    "~": _equivalent,
    "!~": _not_equivalent,
    "<": _ordered(lambda order: order < 0),
    "<=": _ordered(lambda order: order <= 0),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
    "|": _union,
    "in": _in,
    "contains": _contains,
    "+": _reckoned(_plus),
    "-": _reckoned(_minus),
    "*": _reckoned(_times),
    "/": _reckoned(_over),
    "div": _reckoned(_div),
    "mod": _reckoned(_mod),
    "&": _joined,
}
