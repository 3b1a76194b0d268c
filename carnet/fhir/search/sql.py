# SPDX-License-Identifier: EUPL-1.2
"""From a query and a scope to one statement; nothing is fetched and then filtered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import LiteralString

from carnet.fhir.search import sorting
from carnet.fhir.search.columns import Beside, Tally
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.logic import Together
from carnet.fhir.search.query import Filter, Place, Query
from carnet.fhir.search.reverse import AnyHash, Rows
from carnet.fhir.search.scope import PUBLIC, REPLACED, Scope, array, condition

LONG = 1000  # characters of an array's text: some fifty hashes
OURS = frozenset("fpb")  # how the values of filters, of hashes looked for and of includes are named
LOOKED = frozenset(("p_hashes", "b_hashes"))  # a look into the index for each of these
GATHER: LiteralString = "SELECT record.gather()"
COLUMNS = "r.cid, r.rid, r.rtype, r.id, r.ver, r.upd, r.gone, r.dict, r.body"


def matches(query: Query, scope: Scope, place: Place) -> tuple[str, dict[str, object]]:
    """A SELECT of the page's rows and one more, in order, and its values.

    The column `mark` is what the next page's keyset needs of the row, as text.
    """
    where, values = _where(query, scope, place)
    order = sorting.order(query, place, values)
    if query.after is not None:
        mark, values["k_rid"], values["k_cid"] = query.after
        where.append(order.after(mark, values))
    values["k_limit"] = query.count + 1
    return (
        f"SELECT {COLUMNS}, {order.mark} AS mark FROM record.resource r{order.joins}"
        f" WHERE {' AND '.join(where)} ORDER BY {order.by} LIMIT %(k_limit)s::bigint",
        values,
    )


def mark(query: Query, place: Place, found: str) -> str:
    """What a page link keeps of a row, by its column `mark`."""
    return sorting.order(query, place, {}).told(found) if query.order else found


def counting(query: Query, scope: Scope, place: Place) -> tuple[str, dict[str, object]]:
    """A SELECT of the exact number of matches the caller may see."""
    where, values = _where(query, scope, place)
    return f"SELECT count(*) FROM record.resource r WHERE {' AND '.join(where)}", values


def records(query: Query, scope: Scope, place: Place, limit: int) -> tuple[str, dict[str, object]]:
    """A SELECT of the compartments its matches are in."""
    where, values = _where(query, scope, place)
    values["k_limit"] = limit
    return (
        f"SELECT DISTINCT r.cid FROM record.resource r WHERE {' AND '.join(where)}"
        " LIMIT %(k_limit)s::bigint",
        values,
    )


def prepare(values: Mapping[str, object]) -> bool | None:
    """False where a condition compares many values: psycopg's word for "plan it anew each time".

    A plan kept for any number of values walks every row for each of them: 10 s where this takes 12 ms.
    """
    many = any(
        isinstance(value, str) and len(value) > LONG and name[0] in OURS
        for name, value in values.items()
    )
    return False if many else None


def looks(values: Mapping[str, object]) -> bool:
    """Whether a statement looks so often into the index that GATHER is to come before it."""
    return any(len(str(values.get(name, ""))) > LONG for name in LOOKED)


def naming(query: Query, scope: Scope, place: Place, limit: int) -> tuple[str, dict[str, object]]:
    """A SELECT of the places and ids of matches, in no order: a hop of a chain."""
    borne = next((each for each in query.filters if isinstance(each, AnyHash)), None)
    others = tuple(each for each in query.filters if each is not borne)
    where, values = _where(replace(query, filters=others), scope, place)
    values["k_limit"] = limit
    if borne is None:
        return (
            f"SELECT r.cid, r.rid, r.id FROM record.resource r WHERE {' AND '.join(where)}"
            " LIMIT %(k_limit)s::bigint",
            values,
        )
    values["p_hashes"] = array(borne.hashes)
    # OFFSET 0: one look for each hash. Whether two arrays overlap takes the product of their lengths.
    return (
        "SELECT DISTINCT f.cid, f.rid, f.id FROM unnest(%(p_hashes)s::bigint[]) g (h)"
        " CROSS JOIN LATERAL (SELECT r.cid, r.rid, r.id FROM record.resource r"
        f" WHERE {' AND '.join(where)} AND r.toks @> ARRAY[g.h] OFFSET 0) f"
        " LIMIT %(k_limit)s::bigint",
        values,
    )


def opening(query: Query, scope: Scope, place: Place, limit: int) -> tuple[str, dict[str, object]]:
    """A SELECT of whole matches, in no order: what is opened to be compared."""
    where, values = _where(query, scope, place)
    values["k_limit"] = limit
    return (
        f"SELECT {COLUMNS}, '' AS mark FROM record.resource r WHERE {' AND '.join(where)}"
        " LIMIT %(k_limit)s::bigint",
        values,
    )


def pointing(
    query: Query, hashes: Iterable[int], scope: Scope, place: Place
) -> tuple[str, dict[str, object]]:
    """A SELECT of those hashes that a match bears: a hop of a reverse chain."""
    where, values = _where(query, scope, place)
    known, many = _known(query.filters), prepare(values) is False
    values["p_hashes"] = array(hashes)
    if known or many:
        # The matches once, and what they bear: a look for each hash would go through all of them.
        if not known:
            where.append("r.toks && %(p_hashes)s::bigint[]")
        return (
            "SELECT DISTINCT g.h FROM record.resource r CROSS JOIN LATERAL unnest(r.toks) g (h)"
            f" WHERE {' AND '.join(where)} AND g.h = ANY (%(p_hashes)s::bigint[])",
            values,
        )
    # One look into the index of hashes for each: a join would walk every match for every hash.
    return (
        "SELECT g.h FROM unnest(%(p_hashes)s::bigint[]) g (h) CROSS JOIN LATERAL (SELECT 1"
        f" FROM record.resource r WHERE {' AND '.join(where)} AND r.toks @> ARRAY[g.h] LIMIT 1) f",
        values,
    )


def tallying(
    query: Query, tally: Tally, scope: Scope, place: Place
) -> tuple[str, dict[str, object]]:
    """A SELECT of the numbers of matches the caller may see, by group."""
    where, values = _where(query, scope, place)
    groups = tally.sql(place, values)
    return (
        "SELECT year, organisation, token, count(*) AS count FROM"
        f" (SELECT {groups} FROM record.resource r WHERE {' AND '.join(where)}) each"
        " GROUP BY year, organisation, token",
        values,
    )


def beside(query: Query, side: Beside, scope: Scope, place: Place) -> tuple[str, dict[str, object]]:
    """A SELECT of what stands beside the matches the caller may see, after their places; in no order."""
    where, values = _where(query, scope, place)
    columns, condition = side.sql(query, place, values)
    return (
        f"SELECT r.cid, r.rid, {columns} FROM record.resource r"
        f" JOIN {side.table} s ON s.cid = r.cid AND s.rid = r.rid"
        f" WHERE {' AND '.join(where)} AND {condition}",
        values,
    )


def _known(filters: Iterable[Filter]) -> bool:
    """Whether the rows are named one by one, so that they are few."""
    return any(
        isinstance(each, Rows | IdFilter)
        or (isinstance(each, Together) and each.how == "and" and _known(each.parts))
        for each in filters
    )


def _where(query: Query, scope: Scope, place: Place) -> tuple[list[str], dict[str, object]]:
    if query.types:
        values: dict[str, object] = {"rtypes": array(number for _, number in query.types)}
        where = ["r.rtype = ANY (%(rtypes)s::smallint[])", "NOT r.gone"]
    else:
        values = {"rtype": place.rtype_number}
        where = ["r.rtype = %(rtype)s::smallint", "NOT r.gone"]
    if query.compartments is not None and not query.anywhere:
        if len(query.compartments) == 1:
            values["cid"] = query.compartments[0]
            where.append("r.cid = %(cid)s::bigint")
        else:
            values["cids"] = "{" + ",".join(map(str, query.compartments)) + "}"
            where.append("r.cid = ANY (%(cids)s::bigint[])")
    if not query.replaced:
        where.append(f"(r.labels & {REPLACED}) = 0")
    public = query.rtype in PUBLIC or any(name in PUBLIC for name, _ in query.types)
    where.append(condition(scope, values, public=public))
    for number, each in enumerate(query.filters):
        where.append(each.sql(place, values, f"f{number}"))
    return where, values
