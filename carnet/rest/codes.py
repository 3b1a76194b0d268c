# SPDX-License-Identifier: EUPL-1.2
"""CodeSystem and ValueSet: a view of what is loaded, read by id and searched; only the operator loads.

What is loaded counts some thousands of resources: they are searched in memory, as they were at the last
load, and the concepts of those that are shown are read from PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from carnet import errors
from carnet.access.door import Nothing, Page, Stored, Visit
from carnet.fhir import dates, json
from carnet.fhir.search.query import Query
from carnet.fhir.terminology import Terms, queries
from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.resources import Known, whole
from carnet.fhir.terminology.words import fold
from carnet.rest.acts import Acts

URIS: Final = {"url": "url", "system": "url", "supplements": "supplements", "reference": ""}
TEXTS: Final = {
    "name": "name",
    "title": "title",
    "publisher": "publisher",
    "description": "description",
}
TOKENS: Final = {"_id": "id", "status": "status", "version": "version", "language": "language",
                 "content-mode": "content", "identifier": "identifier"}  # fmt: skip
SYSTEMS: Final = {"status": "http://hl7.org/fhir/publication-status", "language": "urn:ietf:bcp:47",
                  "content": "http://hl7.org/fhir/codesystem-content-mode"}  # fmt: skip
OF: Final = {
    "CodeSystem": ("_id", "_lastUpdated", "code", "content-mode", "date", "description", "identifier",
                   "language", "name", "publisher", "status", "supplements", "system", "title", "url",
                   "version"),
    "ValueSet": ("_id", "_lastUpdated", "code", "date", "description", "identifier", "name", "publisher",
                 "reference", "status", "title", "url", "version"),
}  # fmt: skip
MOST_PAGE: Final = 100  # resources of one page: some have a thousand concepts

Test = Callable[[Known], bool]


def register(acts: Acts) -> None:
    """Have both types read from what is loaded."""
    terms = Terms()
    for kind in OF:
        acts.show(kind, View(kind, terms))


class NotSearched(errors.NotSupported):
    """Code systems and value sets are not searched by this modifier, or this form of value."""


class View:
    """Reads and searches of what is loaded (carnet/rest/acts.py)."""

    def __init__(self, kind: str, terms: Terms) -> None:
        self.kind = kind
        self.terms = terms
        modifiers = [f"{each}:{word}" for each in OF[kind] for word in _modifiers(each)]
        self.parameters = frozenset((*OF[kind], *modifiers))

    async def read(self, visit: Visit, id: str) -> Stored:
        """One, by its id."""
        async with visit.door.pool.connection() as conn, conn.transaction():
            known = await self.terms.known(conn, self.kind, id)
            if known is None:
                raise Nothing
            return (await stored(conn, [known]))[0]

    async def search(self, visit: Visit, query: Query, given: Sequence[tuple[str, str]]) -> Page:
        """By address and version."""
        wanted = [(name, value) for name, value in given if name in self.parameters]
        async with visit.door.pool.connection() as conn, conn.transaction():
            tests = [await self._test(conn, name, value) for name, value in wanted]
            every = (await self.terms.all(conn, self.kind)).values()
            found = [each for each in every if all(test(each) for test in tests)]
            total = len(found) if query.total or query.only_total else None
            if query.only_total:
                return Page([], [], total, None)
            start = 0
            if query.after is not None:
                mark = str(query.after[0])
                start = next(
                    (n + 1 for n, each in enumerate(found) if each.rid == mark), len(found)
                )
            shown = found[start : start + min(query.count, MOST_PAGE)]
            following = None
            if shown and start + len(shown) < len(found):
                following = visit.door.cursors.write(self.kind, shown[-1].rid, shown[-1].row, 0)
            return Page(await stored(conn, shown), [], total, following)

    async def _test(self, conn: Conn, name: str, value: str) -> Test:
        """One parameter as a test; its values, apart by commas, are alternatives."""
        bare, _, modifier = name.partition(":")
        values = split(value, ",")
        if bare == "code":
            codes = [token(each)[1] for each in values]
            rows = await queries.with_codes(conn, self.kind, codes)
            kept = {row for row, _ in rows}
            return lambda each: each.row in kept
        tests = [_alternative(bare, modifier, each) for each in values]
        if modifier == "not":
            return lambda each: not any(test(each) for test in tests)
        return lambda each: any(test(each) for test in tests)


async def stored(conn: Conn, wanted: Sequence[Known]) -> list[Stored]:
    """Resources as every read answers them."""
    bodies = await whole(conn, wanted)
    return [
        Stored(0, each.row, each.kind, each.rid, each.ver, each.loaded, False, json.dump(body))
        for each, body in zip(wanted, bodies, strict=True)
    ]


def _modifiers(name: str) -> tuple[str, ...]:
    if name in TEXTS:
        return ("exact", "contains")
    if name in URIS:
        return ("below",)
    return ("not",) if name in TOKENS else ()


def _alternative(name: str, modifier: str, value: str) -> Test:
    """One value of one parameter."""
    if name in URIS:
        wanted = unescaped(value)

        def of_uri(each: Known) -> bool:
            given = each.systems if name == "reference" else [str(each.said.get(URIS[name], ""))]
            return any(
                one == wanted or (modifier == "below" and one.startswith(wanted.rstrip("/") + "/"))
                for one in given
            )

        return of_uri
    if name in TEXTS:
        return _of_text(TEXTS[name], modifier, unescaped(value))
    if name in ("date", "_lastUpdated"):
        return _of_date(name, value)
    system, code = token(value)
    return lambda each: any(
        (system in (None, one) and code in ("", said)) for one, said in _tokens(each, TOKENS[name])
    )


def _of_text(key: str, modifier: str, wanted: str) -> Test:
    def test(each: Known) -> bool:
        said = str(each.said.get(key, ""))
        if modifier == "exact":
            return said == wanted
        if modifier == "contains":
            return fold(wanted) in fold(said)
        return said != "" and fold(said).startswith(fold(wanted))

    return test


def _tokens(each: Known, key: str) -> Iterable[tuple[str, str]]:
    """System and code of what a resource says; of a code its system is FHIR's."""
    said: Any = each.said.get(key, "")
    if key != "identifier":
        return [(SYSTEMS.get(key, ""), str(said))] if said else []
    listed = [said] if isinstance(said, dict) else said or []
    return [(str(one.get("system", "")), str(one.get("value", ""))) for one in listed]


def _of_date(name: str, value: str) -> Test:
    prefix, text = ("eq", value) if value[:2].isdigit() else (value[:2], value[2:])
    if prefix not in ("eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"):
        raise NotSearched
    low, high = dates.span(text)

    def test(each: Known) -> bool:
        if name == "date" and "date" not in each.said:
            return False
        first, last = (
            dates.span(str(each.said["date"])) if name == "date" else (each.loaded, each.loaded)
        )
        return _compared(prefix, (first, last), (low, high))

    return test


def _compared(
    prefix: str, one: tuple[datetime, datetime], asked: tuple[datetime, datetime]
) -> bool:
    """Source: FHIR R4, search, prefixes of dates: intervals of what is said and of what is asked."""
    (first, last), (low, high) = one, asked
    match prefix:
        case "eq":
            return low <= first and last <= high
        case "ne":
            return not (low <= first and last <= high)
        case "gt":
            return last > high
        case "ge":
            return last > high or low <= first
        case "lt":
            return first < low
        case "le":
            return first < low or last <= high
        case "sa":
            return first >= high
        case _:
            return last <= low


def split(text: str, mark: str) -> list[str]:
    """Parts between marks that no backslash stands before."""
    parts, kept = [], ""
    escaped = False
    for each in text:
        if escaped or each != mark:
            kept += each
        else:
            parts.append(kept)
            kept = ""
        escaped = each == "\\" and not escaped
    return [*parts, kept]


def unescaped(text: str) -> str:
    """A value without the backslashes of its marks."""
    for mark in ",|$\\":
        text = text.replace("\\" + mark, mark)
    return text


def token(text: str) -> tuple[str | None, str]:
    """`code`, of any system; `system|code`; `|code`, of none; `system|`, any code of it."""
    parts = split(text, "|")
    if len(parts) == 1:
        return None, unescaped(parts[0])
    return unescaped(parts[0]), unescaped(parts[1])
