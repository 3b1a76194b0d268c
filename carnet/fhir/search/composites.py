# SPDX-License-Identifier: EUPL-1.2
"""Search by composite: values that stand together in one element, `code$value`.

What a composite has of codes, references and texts is hashed together; where one of its parts is a
number, a quantity or a date, the hash stands in the row of that number (record.idx_number).
Source: FHIR R4, Search, "composite".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import product

from carnet import errors
from carnet.fhir.search import dates, near, numbers, ordered, strings
from carnet.fhir.search.dates import DateRange
from carnet.fhir.search.extracted import Extracted
from carnet.fhir.search.numbers import Amount, Asked
from carnet.fhir.search.ordered import Number
from carnet.fhir.search.query import Filter, Place
from carnet.fhir.search.scope import array
from carnet.fhir.store.hashes import ANY, Hasher


class WrongComposite(errors.Invalid):
    """A composite is as many values as it has components, with a dollar sign between them."""


Ends = tuple[int, int | None]
Key = tuple[int, int | None, int | None, int | None, tuple[int, ...]]

# ------------------------------------------------------------------ what a resource has


def composed(
    hasher: Hasher, rtype: int, params: dict[str, int], found: Extracted
) -> tuple[list[Number], set[int]]:
    """The rows of numbers of a resource, and the hashes of its composites that have none."""
    rows: dict[Key, set[int]] = {}
    toks: set[int] = set()
    for param, low, high in found.numbers:
        key: Key = (*_ends(low, high), None, None, ())
        rows.setdefault(key, set()).add(numbers.valued(hasher, rtype, params[param]))
    for param, low, high, system, code, unit in found.quantities:
        key = _quantity(hasher, rtype, low, high, system, code, unit)
        rows.setdefault(key, set()).add(numbers.valued(hasher, rtype, params[param]))
    for param, latitude, longitude in found.positions:
        key = (near.kept(latitude), None, near.kept(longitude), None, ())
        rows.setdefault(key, set()).add(numbers.valued(hasher, rtype, params[param]))
    for param, parts in found.composites:
        hashed = [forms for part in parts if (forms := _forms(part))]
        joined = {together(hasher, rtype, params[param], each) for each in product(*hashed)}
        keys = _keys(hasher, rtype, parts)
        if keys is None:
            toks |= joined
        else:
            for key in keys:
                rows.setdefault(key, set()).update(joined)
    made = [Number(*key[:4], tags=(*sorted(tags), *key[4])) for key, tags in rows.items()]
    return made, toks


def _ends(low: Decimal | Fraction, high: Decimal | Fraction) -> Ends:
    return ordered.order(low), None if high == low else ordered.order(high)


def _based(end: Decimal, factor: Fraction, shift: Fraction) -> Decimal | Fraction:
    return Fraction(end) * factor + shift if end.is_finite() else end


@lru_cache(256)  # several parameters have the same value
def _quantity(
    hasher: Hasher,
    rtype: int,
    low: Decimal,
    high: Decimal,
    system: str | None,
    code: str | None,
    unit: str | None,
) -> Key:
    tags = {numbers.named(hasher, rtype, each) for each in (code, unit) if each}
    base: tuple[int | None, int | None] = (None, None)
    worth = numbers.known(system, code)
    if worth is not None:
        tags.add(numbers.measured(hasher, rtype, worth.dimensions))
        base = _ends(*(_based(end, worth.factor, worth.shift) for end in (low, high)))
    elif system and code:
        tags.add(numbers.coded(hasher, rtype, system, code))
    return (*_ends(low, high), *base, tuple(sorted(tags)))


def _keys(hasher: Hasher, rtype: int, parts: tuple[Extracted, ...]) -> list[Key] | None:
    """The rows a composite's numbers stand in; None when it has none."""
    ranged: list[list[Key]] = []
    for part in parts:
        if part.quantities:
            ranged.append([_quantity(hasher, rtype, *each[1:]) for each in part.quantities])
        elif part.numbers:
            ranged.append([(*_ends(*each[1:]), None, None, ()) for each in part.numbers])
        elif part.dates:
            ranged.append(
                [
                    (ordered.instant(lo), ordered.instant(hi), None, None, ())
                    for _, lo, hi in part.dates
                ]
            )
    if not ranged:
        return None
    if len(ranged) == 1:
        return ranged[0]
    first, second = ranged
    return [(*one[:2], *other[:2], ()) for one, other in product(first, second)]


def _forms(part: Extracted) -> list[str]:
    """What each value of a part may be asked by; none where it is a number or a date."""
    found: dict[str, None] = {}
    for _, system, code in part.tokens:
        found |= dict.fromkeys((token(system or "", code), token(ANY, code)))
        if system:
            found[token(system, None)] = None
    for _, target in part.references:
        found[f">{target}"] = None
    for _, text in part.strings:
        found |= dict.fromkeys(f"^{each}" for each in strings.beginnings(text))
    return list(found)


def token(system: str, code: str | None) -> str:
    """A token as a part of a composite; without a code, any of the system."""
    return f"s{system}" if code is None else f"|{system}\0{code}"


@lru_cache(4096)
def together(hasher: Hasher, rtype: int, param: int, forms: tuple[str, ...]) -> int:
    """Values that stand in one element."""
    return hasher.number(f"{rtype}.{param}$" + "\1".join(forms))


# ------------------------------------------------------------------ what is asked


@dataclass(frozen=True, slots=True)
class Part:
    """One component asked for: forms, any of which is hashed; or a number, an amount, a date.

    own: the same asked of the component's own parameter, which every match fulfils too.
    """

    forms: tuple[str, ...] = ()
    ranged: Asked | Amount | DateRange | None = None
    own: Filter | None = None


@dataclass(frozen=True, slots=True)
class CompositeFilter:
    """Any of the tuples."""

    number: int
    values: tuple[tuple[Part, ...], ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        made = [
            self._one(place, each, values, f"{name}{at}") for at, each in enumerate(self.values)
        ]
        return made[0] if len(made) == 1 else "(" + " OR ".join(made) + ")"

    def _one(
        self, place: Place, parts: tuple[Part, ...], values: dict[str, object], name: str
    ) -> str:
        forms = [each.forms for each in parts if each.forms]
        tags = array(
            together(place.hasher, place.rtype_number, self.number, each)
            for each in product(*forms)
        )
        values[f"{name}t"] = tags
        ranged = [each.ranged for each in parts if each.ranged is not None]
        if not ranged:
            return f"r.toks && %({name}t)s::bigint[]"
        columns: tuple[Callable[[str], tuple[str, str]], ...] = (ordered.written, ordered.based)
        compared = []
        for at, (each, ends) in enumerate(zip(ranged, columns, strict=False)):
            key = f"{name}c{at}"
            if isinstance(each, Amount):
                compared.append(numbers.compare(place, each, values, key))
            elif isinstance(each, DateRange):
                compared.append(_dated(place, each, ends("n"), values, key))
            else:
                compared.append(each.sql(ends("n"), values, key))
        values["n_key"] = ordered.key(place.hasher)
        row = (
            "EXISTS (SELECT 1 FROM record.idx_number n WHERE n.cid = r.cid AND n.rid = r.rid"
            f" AND n.tags && %({name}t)s::bigint[] AND {' AND '.join(compared)})"
        )
        own = [
            each.own.sql(place, values, f"{name}o{at}")
            for at, each in enumerate(parts)
            if each.own is not None
        ]
        return "(" + " AND ".join([*own, row]) + ")"


def _dated(
    place: Place, asked: DateRange, ends: tuple[str, str], values: dict[str, object], name: str
) -> str:
    lo, hi = asked.lo, asked.hi
    if asked.prefix == "ap":
        lo, hi = dates.around(asked, place.clock())
    values[f"{name}l"], values[f"{name}h"] = ordered.instant(lo), ordered.instant(hi)
    low, high = ends
    a, b = f"%({name}l)s::bigint", f"%({name}h)s::bigint"
    inside = f"({low} >= {a} AND {high} <= {b})"
    return {
        "eq": inside, "ne": f"NOT {inside}",
        "gt": f"{high} > {b}", "lt": f"{low} < {a}",
        "ge": f"({high} > {b} OR {inside})", "le": f"({low} < {a} OR {inside})",
        "sa": f"{low} >= {b}", "eb": f"{high} <= {a}",
        "ap": f"({low} < {b} AND {high} > {a})",
    }[asked.prefix]  # fmt: skip
