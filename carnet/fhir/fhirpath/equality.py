# SPDX-License-Identifier: EUPL-1.2
"""Equal, equivalent, before and after: three answers, the third being that it is not known."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from carnet.fhir.fhirpath import moments, quantities
from carnet.fhir.fhirpath.refusals import WrongType
from carnet.fhir.fhirpath.values import EXACT, MOMENTS, TIME, Item, Items, Quantity, quantity


def same(left: Item, right: Item) -> bool | None:
    """Whether two items are equal."""
    ours, theirs = left[1], right[1]
    one, two = type(ours), type(theirs)
    if one is str and two is str:
        if left[0] in MOMENTS or right[0] in MOMENTS:
            return _moments(left, right)
        return bool(ours == theirs)
    if one is bool or two is bool:
        return one is two and ours is theirs
    if one is Quantity or two is Quantity:
        a, b = quantity(left), quantity(right)
        if a is None or b is None:
            return False
        order = quantities.compare(a, b)
        return None if order is None else order == 0
    if one is dict and two is dict:
        return _same_children(ours, theirs)
    if ours is None or theirs is None:
        return ours is theirs and left[2] == right[2]
    return bool(ours == theirs)


def _moments(left: Item, right: Item) -> bool | None:
    if left[0] not in MOMENTS or right[0] not in MOMENTS:
        return False
    if _is_clock(left) != _is_clock(right):
        return False
    ours, theirs = moments.of(left[0], left[1]), moments.of(right[0], right[1])
    if ours is None or theirs is None:
        return bool(left[1] == right[1])
    order = moments.compare(ours, theirs)
    return None if order is None else order == 0


def _is_clock(item: Item) -> bool:
    return item[0] in ("time", TIME)


def _same_children(ours: Any, theirs: Any) -> bool:
    """Two values of JSON: `==`, but that true is not one."""
    if type(ours) is dict:
        return (
            type(theirs) is dict
            and ours.keys() == theirs.keys()
            and all(_same_children(value, theirs[key]) for key, value in ours.items())
        )
    if type(ours) is list:
        return (
            type(theirs) is list
            and len(ours) == len(theirs)
            and all(map(_same_children, ours, theirs))
        )
    if type(ours) is bool or type(theirs) is bool:
        return ours is theirs
    return bool(ours == theirs)


def equal(ours: Items, theirs: Items) -> bool | None:
    """`=` of two collections, in order."""
    if not ours or not theirs:
        return None
    if len(ours) != len(theirs):
        return False
    known: bool | None = True
    for left, right in zip(ours, theirs, strict=True):
        found = same(left, right)
        if found is False:
            return False
        if found is None:
            known = None
    return known


def equivalent(ours: Items, theirs: Items) -> bool:
    """`~` of two collections, in any order."""
    if len(ours) != len(theirs):
        return False
    left = list(theirs)
    for item in ours:
        for at, other in enumerate(left):
            if alike(item, other):
                del left[at]
                break
        else:
            return False
    return True


def alike(left: Item, right: Item) -> bool:
    """Whether two items are equivalent: letters of either case, numbers as precise as they are."""
    ours, theirs = left[1], right[1]
    one, two = type(ours), type(theirs)
    if one is bool or two is bool:
        return one is two and ours is theirs
    if one is str and two is str:
        if left[0] in MOMENTS or right[0] in MOMENTS:
            return _moments(left, right) is True
        return " ".join(ours.split()).casefold() == " ".join(theirs.split()).casefold()
    if one is Quantity or two is Quantity:
        a, b = quantity(left), quantity(right)
        return a is not None and b is not None and quantities.equivalent(a, b)
    if one in (int, Decimal) and two in (int, Decimal):
        return _alike_numbers(ours, theirs)
    if one is dict and two is dict:
        a, b = quantity(left), quantity(right)
        if a is not None and b is not None:
            return quantities.equivalent(a, b)
        return _alike_children(ours, theirs)
    return one is two and bool(ours == theirs)


def _alike_numbers(ours: Decimal | int, theirs: Decimal | int) -> bool:
    places = [_places(n) for n in (ours, theirs)]
    step = Decimal(1).scaleb(-min(places))
    a, b = (Decimal(n).quantize(step, ROUND_HALF_UP, EXACT) for n in (ours, theirs))
    return a == b


def _places(number: Decimal | int) -> int:
    return max(0, -int(number.as_tuple().exponent)) if type(number) is Decimal else 0


def _alike_children(ours: Any, theirs: Any) -> bool:
    if type(ours) is dict:
        return (
            type(theirs) is dict
            and ours.keys() == theirs.keys()
            and all(_alike_children(value, theirs[key]) for key, value in ours.items())
        )
    if type(ours) is list:
        if type(theirs) is not list or len(ours) != len(theirs):
            return False
        left = list(theirs)
        for one in ours:
            found = next((i for i, other in enumerate(left) if _alike_children(one, other)), None)
            if found is None:
                return False
            del left[found]
        return True
    return alike(("", ours, None), ("", theirs, None))


def order(left: Item, right: Item) -> int | None:
    """-1, 0, 1, or None where it is not known; of types that have an order."""
    ours, theirs = left[1], right[1]
    one, two = type(ours), type(theirs)
    if one in (int, Decimal) and two in (int, Decimal):
        return 0 if ours == theirs else -1 if ours < theirs else 1
    if one is str and two is str:
        if left[0] in MOMENTS and right[0] in MOMENTS and _is_clock(left) == _is_clock(right):
            a, b = moments.of(left[0], ours), moments.of(right[0], theirs)
            return None if a is None or b is None else moments.compare(a, b)
        if left[0] not in MOMENTS and right[0] not in MOMENTS:
            return 0 if ours == theirs else -1 if ours < theirs else 1
    elif one in (Quantity, dict) or two in (Quantity, dict):
        a1, b1 = quantity(left), quantity(right)
        if a1 is not None and b1 is not None:
            return quantities.compare(a1, b1)
        if _measured(left) and _measured(right):
            return None
    elif ours is None or theirs is None:
        return None
    raise WrongType("FHIRPath puts in order two numbers, texts, dates, times or quantities.")


def _measured(item: Item) -> bool:
    return type(item[1]) in (Quantity, int, Decimal) or (
        type(item[1]) is dict and "value" in item[1]
    )


def holds(item: Item, items: Items) -> bool:
    """Whether a collection has an item equal to this one."""
    return any(same(item, other) is True for other in items)


def distinct(items: Items) -> Items:
    """Each item once, in order. Texts, most of what is made one of, are told by a set."""
    if len(items) < 2:
        return items
    seen: set[tuple[type, Any]] = set()
    kept: Items = []
    others: Items = []  # what a set cannot tell: dates, quantities
    for item in items:
        value = item[1]
        kind = type(value)
        if (kind is str and item[0] not in MOMENTS) or kind is bool:
            key = (kind, value)
        elif kind is int or kind is Decimal:
            key = (Decimal, value)
        elif kind is dict:
            key = (dict, _frozen(value))
        else:
            if holds(item, others):
                continue
            others.append(item)
            kept.append(item)
            continue
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


def _frozen(value: Any) -> Any:
    """A value of JSON as a set can hold it; two are equal when what they are frozen from is."""
    if type(value) is dict:
        return frozenset((key, _frozen(inner)) for key, inner in value.items())
    if type(value) is list:
        return tuple(map(_frozen, value))
    return (type(value) is bool, value)
