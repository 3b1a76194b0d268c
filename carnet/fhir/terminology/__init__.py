# SPDX-License-Identifier: EUPL-1.2
"""Terminology: code systems and value sets, in PostgreSQL, and what is asked of them.

Whoever needs codes (the search compiler for `:in`, `:not-in`, `:above`, `:below`; validation for
bindings) takes a `Codes`, which `Terms` is:

    terms = Terms()                                            # one for a process
    await terms.members(conn, "http://…/ValueSet/x")           # [(system, code)…], in its order
    await terms.contains(conn, "http://…/ValueSet/x", system, code)   # True, False, None: not known
    await terms.below(conn, "http://loinc.org", "LP7839-6")    # the code and those under it
    await terms.above(conn, system, code)                      # the code and those it is under

A value set nobody loaded raises UnknownValueSet, a system UnknownSystem: both are answered 404,
`not-found`, wherever they come from. `members` raises TooManyCodes beyond `most`, and NotListed where
a value set takes all of a system that has no list (units, languages). A system is compared by the
address FHIR gives it: `Terms.system_named` turns an OID (`urn:oid:…`) into it. Any connection of a
serving role will do; nothing here is about anybody, and no context is needed.

The parts: `load/` (forms of files, and how they are stored), `compose.py` and `resolve.py` (what a value
set is made of), `sql.py` (its members as one statement), `expand.py`, `lookup.py`, `validate.py` (the
operations of FHIR), `bindings.py` (what validation asks).
"""

from __future__ import annotations

from typing import Protocol

from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.terms import Terms

__all__ = ["Codes", "Terms"]


class Codes(Protocol):
    """What search and validation ask of a terminology."""

    async def members(self, conn: Conn, url: str, *, most: int = 5_000) -> list[tuple[str, str]]:
        """System and code of each member of a value set, `url` or `url|version`."""

    async def contains(self, conn: Conn, url: str, system: str | None, code: str) -> bool | None:
        """Whether a value set has a code; None when what is loaded does not tell."""

    async def below(self, conn: Conn, system: str, code: str) -> list[str]:
        """A code and those it subsumes."""

    async def above(self, conn: Conn, system: str, code: str) -> list[str]:
        """A code and those that subsume it."""
