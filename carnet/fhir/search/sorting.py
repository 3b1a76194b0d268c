# SPDX-License-Identifier: EUPL-1.2
"""`_sort`: the order of results, and where a page goes on after the last row shown.

Dates, lastUpdated, ids, the traits of people and places, numbers and quantities have an order (these two
opened by the statement; a quantity in base units where UCUM knows its unit). All else is kept as keyed
hashes, which have none, and is opened by the service (ranks.py). What lacks a value comes last, both ways;
of several values the first in the order asked counts. Source: FHIR R4, Search, "Sorting".
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from carnet import errors
from carnet.fhir.search import numbers, ordered
from carnet.fhir.search.chains import NotFollowed
from carnet.fhir.search.query import Place, Query, Sort
from carnet.fhir.search.ranks import ORDERED, Ranks
from carnet.fhir.search.strings import READABLE
from carnet.fhir.store.cursors import WrongCursor

MOST = 5  # keys of one search


class WrongSort(errors.NotSupported):
    """_sort takes up to five parameters of the type, with commas, each after an optional minus sign."""


class NoOrder(errors.NotSupported):
    """Values of this kind have no order: composite parameters and special ones."""


class NoScore(errors.NotSupported):
    """A search here matches or does not: there is no score to sort by."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the order: an SQL value of a type, on `r` or on a join of its own."""

    sql: str
    cast: str
    descending: bool = False
    lacking: bool = False  # it may be NULL
    ranks: Ranks | None = None  # it is a place among these

    @property
    def order(self) -> str:
        """As ORDER BY takes it."""
        direction = " DESC" if self.descending else ""
        return f"{self.sql}{direction}{' NULLS LAST' if self.lacking else ''}"


def sortable(kind: str) -> bool:
    """Whether a parameter of this kind can be sorted by."""
    return kind in ("date", "number", "quantity") or kind in ORDERED


def sealed(rtype: str, sort: Sort) -> bool:
    """Whether what a key of an order compares has to be opened, on this type."""
    named = sort.param in ("_id", "_lastUpdated")
    return not named and sort.kind in ORDERED and not (sort.kind == "string" and rtype in READABLE)


@dataclass(frozen=True, slots=True)
class Order:
    """The keys of one search, the joins they need, and the name the order has in a page link."""

    name: str
    keys: tuple[Key, ...]
    joins: str

    @property
    def by(self) -> str:
        """ORDER BY: the keys, then the row and its compartment, which are unique."""
        return ", ".join([*(key.order for key in self.keys), f"r.rid{self._rids}", "r.cid"])

    @property
    def _rids(self) -> str:
        # Ascending walks the index (lo DESC, rid) backwards, hence rid descending.
        return "" if self.keys[0].descending else " DESC"

    @property
    def mark(self) -> str:
        """What a page link keeps of a row."""
        if not self.name:
            return f"{self.keys[0].sql}::text"
        found = ", ".join(f"({key.sql})::text" for key in self.keys)
        return f"json_build_array(%(k_order)s::text, {found})::text"

    def after(self, mark: str, values: dict[str, object]) -> str:
        """The condition of what follows a row by its mark; its row and compartment are in `values`."""
        marks = self._read(mark)
        side = ">" if self.keys[0].descending else "<"
        found = (
            f"(r.rid {side} %(k_rid)s::bigint"
            " OR (r.rid = %(k_rid)s::bigint AND r.cid > %(k_cid)s::bigint))"
        )
        for number, (key, kept) in reversed(list(enumerate(zip(self.keys, marks, strict=True)))):
            if kept is None:  # those that lack a value are the last
                found = f"({key.sql} IS NULL AND {found})"
                continue
            values[f"k_{number}"] = kept if key.ranks is None else key.ranks.place(kept)
            value = f"%(k_{number})s::{key.cast}"
            further = f"{key.sql} {'<' if key.descending else '>'} {value}"
            if key.lacking:
                further += f" OR {key.sql} IS NULL"
            found = f"({further} OR ({key.sql} = {value} AND {found}))"
            if number == 0 and not key.lacking:  # said apart, it is where the index begins
                found = f"({key.sql} {'<=' if key.descending else '>='} {value} AND {found})"
        return found

    def told(self, mark: str) -> str:
        """The mark of a row, as a page link keeps it: a value, for a place among them."""
        if all(key.ranks is None for key in self.keys):
            return mark
        name, *marks = json.loads(mark)
        said = [
            kept if kept is None or key.ranks is None else key.ranks.word(int(kept))
            for key, kept in zip(self.keys, marks, strict=True)
        ]
        return json.dumps([name, *said])

    def _read(self, mark: str) -> list[str | None]:
        if not self.name and not mark.startswith("["):
            return [mark]
        try:
            found: list[str | None] = json.loads(mark)
        except ValueError:
            raise WrongCursor from None
        if found[0] != self.name or len(found) != len(self.keys) + 1:
            raise WrongCursor
        return found[1:]


def order(query: Query, place: Place, values: dict[str, object]) -> Order:
    """The order of a search; the values its joins need are added to `values`."""
    asked = query.order
    if all(each.plain for each in asked):
        first = asked[0] if asked else Sort("", descending=True, plain=True)
        column = "r.upd" if first.param == "_lastUpdated" else "r.lo"
        return Order("", (Key(column, "timestamptz", first.descending),), "")
    keys: list[Key] = []
    joins: list[str] = []
    for number, each in enumerate(asked):
        keys += _keys(each, place, number, joins, values)
    name = ",".join(f"{'-' if each.descending else ''}{each.param}" for each in asked)
    values["k_order"] = name
    return Order(name, tuple(keys), "".join(joins))


def _keys(
    sort: Sort, place: Place, number: int, joins: list[str], values: dict[str, object]
) -> list[Key]:
    down = sort.descending
    if sort.param == "_id":
        return [Key("r.id", "text", down)]
    if sort.param == "_lastUpdated":
        return [Key("r.upd", "timestamptz", down)]
    if sort.param == place.principal:
        value = Key("r.lo", "timestamptz", down)
        without = Key("(r.hi = '-infinity')", "boolean")  # a period may begin there too
        return [value, without] if down else [without, value]
    side, best = f"o{number}", "max" if down else "min"
    if sealed(place.rtype, sort):
        return [_ranked(sort, number, joins, values)]
    if sort.kind in ("number", "quantity"):
        values["n_key"] = ordered.key(place.hasher)
        values[f"o_{number}"] = numbers.valued(place.hasher, place.rtype_number, sort.number)
        (low, high), (low2, high2) = ordered.written(side), ordered.based(side)
        found = f"coalesce({high2}, {high})" if down else f"coalesce({low2}, {low})"
        joins.append(
            f" CROSS JOIN LATERAL (SELECT {best}({found}) AS v FROM record.idx_number {side}"
            f" WHERE {side}.cid = r.cid AND {side}.rid = r.rid"
            f" AND {side}.tags @> ARRAY[%(o_{number})s::bigint]) {side}v"
        )
        return [Key(f"{side}v.v", "bigint", down, lacking=True)]
    values[f"o_{number}"] = sort.number
    table, column, only = (
        ("idx_string", "value", f" AND {side}.value !~ '^='")
        if sort.kind == "string"
        else ("idx_date", "lo", "")
    )
    joins.append(
        f" CROSS JOIN LATERAL (SELECT {best}({side}.{column}) AS v FROM record.{table} {side}"
        f" WHERE {side}.cid = r.cid AND {side}.rid = r.rid"
        f" AND {side}.param = %(o_{number})s::smallint{only}) {side}v"
    )
    cast = "text" if sort.kind == "string" else "timestamptz"
    return [Key(f"{side}v.v", cast, down, lacking=True)]


def _ranked(sort: Sort, number: int, joins: list[str], values: dict[str, object]) -> Key:
    """The place of each row that was opened; what was written since is not there yet."""
    if sort.ranks is None:
        raise NotFollowed
    names = [f"p_{number}{each}" for each in ("cid", "rid", "at")]
    values |= zip(names, sort.ranks.arrays(), strict=True)
    cids, rids, places = names
    side = f"o{number}v"
    joins.append(
        f" JOIN unnest(%({cids})s::bigint[], %({rids})s::bigint[], %({places})s::integer[])"
        f" {side} (cid, rid, v) ON {side}.cid = r.cid AND {side}.rid = r.rid"
    )
    return Key(f"{side}.v", "integer", sort.descending, lacking=True, ranks=sort.ranks)
