# SPDX-License-Identifier: EUPL-1.2
"""The terminology of a process: membership, subsumption, and what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from carnet.fhir.terminology import queries, resources
from carnet.fhir.terminology.compose import Compose
from carnet.fhir.terminology.queries import Conn, System
from carnet.fhir.terminology.refusals import TooManyCodes, UnknownCode, UnknownSystem
from carnet.fhir.terminology.resolve import NONE, Memory, Pins, Resolved, Resolver
from carnet.fhir.terminology.resources import Known
from carnet.fhir.terminology.sql import Narrow, Statement


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a value set, with how it is shown."""

    system: str
    code: str
    version: str
    display: str
    abstract: bool
    inactive: bool
    row: int | None  # of its system
    designations: list[dict[str, Any]]  # all of them, in their order, the display among them


class Terms:
    """See the package; one for a process."""

    def __init__(self) -> None:
        self.memory = Memory()

    async def resolve(
        self,
        conn: Conn,
        of: str | Compose,
        version: str = "",
        pins: Pins = NONE,
    ) -> Resolved:
        """A value set by its address, or one that was sent."""
        await self.memory.look(conn)
        resolver = Resolver(conn, self.memory, pins)
        if isinstance(of, str):
            return await resolver.known(of, version)
        return await resolver.resolved(of)

    async def members(self, conn: Conn, url: str, *, most: int = 5_000) -> list[tuple[str, str]]:
        """System and code of each member, in the value set's order."""
        made = Statement(Narrow())
        union = made.members(await self.resolve(conn, url))
        text = f"SELECT sys, code FROM ({union}) m ORDER BY ord LIMIT {made.value(most + 1)}"
        rows = await (await conn.execute(text.encode(), made.values)).fetchall()
        if len(rows) > most:
            raise TooManyCodes
        return [(row[0], row[1]) for row in rows]

    async def contains(self, conn: Conn, url: str, system: str | None, code: str) -> bool | None:
        """Whether a value set has a code; of any system when none is said."""
        resolved = await self.resolve(conn, url)
        named = None if system is None else await self.system_named(conn, system)
        found = await self.find(conn, resolved, named, code)
        if found is not None:
            return True
        return None if self.open(resolved, named) else False

    async def find(self, conn: Conn, of: Resolved, system: str | None, code: str) -> Member | None:
        """A member of a value set by its code."""
        rows = await self.page(conn, Statement(Narrow(system=system, code=code)), of, 0, 1)
        return rows[0][0] if rows else None

    async def page(
        self, conn: Conn, made: Statement, of: Resolved, offset: int, count: int | None,
        *, total: bool = False,
    ) -> list[tuple[Member, int]]:  # fmt: skip
        """Members in order, and beside each how many there are when `total`."""
        union = made.members(of)
        whole = "(SELECT count(*) FROM found)" if total else "0"
        kept = "MATERIALIZED" if total else "NOT MATERIALIZED"
        limit = f"LIMIT {made.value(count)}" if count is not None else ""
        text = f"""
            WITH found AS {kept} ({union}),
                 page AS (SELECT * FROM found ORDER BY ord {limit} OFFSET {made.value(offset)})
            SELECT p.sys, p.code, p.display, p.designations, p.lang, c.display, c.designations, c.abstract,
                   c.inactive, s.version, s.language, {whole}, p.sid
              FROM page p LEFT JOIN terminology.concept c ON c.system = p.sid AND c.code = p.code
                   LEFT JOIN terminology.code_system s ON s.id = p.sid
             ORDER BY p.ord
        """
        rows = await (await conn.execute(text.encode(), made.values)).fetchall()
        return [(_member(row), row[11]) for row in rows]

    def supplements(self, of: Resolved, language: str | None) -> tuple[int, ...]:
        """Those that add to a value set: the ones it asks for; for a language, all there are."""
        found = list(of.supplements)
        if language and self.memory.supplements:
            for part in of.parts():
                found += self.memory.supplements.get(part.url, ())
        return tuple(dict.fromkeys(found))

    async def supplemented(
        self, conn: Conn, members: Sequence[Member], rows: Sequence[int]
    ) -> list[Member]:
        """The same members with the labels of some supplements beside their own."""
        if not rows or not members:
            return list(members)
        more: dict[tuple[str, str], list[dict[str, Any]]] = {}
        codes = [each.code for each in members]
        for system, code, designations, _ in await queries.added(conn, rows, codes):
            more.setdefault((system, code), []).extend(designations)
        return [
            replace(
                each, designations=[*each.designations, *more.get((each.system, each.code), ())]
            )
            for each in members
        ]

    def open(self, of: Resolved, system: str | None) -> bool:
        """Whether a value set may have codes, of a system, that are not known here."""
        return any(
            part.unlisted and (system is None or part.url == system) for part in of.parts()
        ) or (system is None and any(part.grammar for part in of.parts()))

    # ------------------------------------------------------------ code systems

    async def system_named(self, conn: Conn, name: str) -> str:
        """The address of a system, by it or by another name of it."""
        return await queries.named(conn, name)

    async def system(self, conn: Conn, url: str, version: str = "", at: str = "") -> System:
        """A code system; UnknownSystem without one. at: a day, whose latest version is taken."""
        bare, _, said = url.partition("|")
        found = await queries.system(conn, bare, said or version, at)
        if found is None:
            raise UnknownSystem(url)
        return found

    async def all(self, conn: Conn, kind: str) -> dict[str, Known]:
        """Every code system, or value set, that is loaded, by its id."""
        await self.memory.look(conn)
        if kind not in self.memory.resources:
            self.memory.resources[kind] = {
                each.rid: each for each in await resources.every(conn, kind)
            }
        return self.memory.resources[kind]

    async def known(self, conn: Conn, kind: str, rid: str) -> Known | None:
        """One of them by its id."""
        return (await self.all(conn, kind)).get(rid)

    async def below(self, conn: Conn, system: str, code: str) -> list[str]:
        """A code and those it subsumes."""
        found, own = await self._known(conn, system, code)
        return [own, *await queries.below(conn, found.id, own)]

    async def above(self, conn: Conn, system: str, code: str) -> list[str]:
        """A code and those that subsume it."""
        found, own = await self._known(conn, system, code)
        return [own, *await queries.above(conn, found.id, own)]

    async def _known(self, conn: Conn, url: str, code: str) -> tuple[System, str]:
        system = await self.system(conn, url)
        concept = await queries.concept(conn, system, code)
        if concept is None:
            raise UnknownCode(code, url)
        return system, concept.code


def _member(row: tuple[Any, ...]) -> Member:
    """One row, its labels in the order they are preferred."""
    system, code, said, given, language, display, designations, abstract, inactive = row[:9]
    labels: list[dict[str, Any]] = []
    if said:
        labels.append({"language": language, "value": said} if language else {"value": said})
    labels += given or []
    if display and display != said:
        own = {"value": display}
        labels.append({"language": row[10]} | own if row[10] else own)
    labels += designations or []
    return Member(
        system,
        code,
        row[9] or "",
        said or display or "",
        bool(abstract),
        bool(inactive),
        row[12],
        labels,
    )
