# SPDX-License-Identifier: EUPL-1.2
"""Whose account a provider's person has here: by their RPPS, or by traits that were checked.

Nobody is made: a professional is in the directory, a person has an identity here. Whatever does not answer
is said in the same words, and no word of which trait was another. Source of the traits: Référentiel INS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final, LiteralString

from carnet import errors
from carnet.access import audit, notices, queries
from carnet.access.actor import Actor, ActorKind
from carnet.access.door import Door, Visit
from carnet.access.together import together
from carnet.identity.status import TRUSTED
from carnet.identity.traits import normal
from carnet.upstream.providers import Provider

CLIENT: Final = "carnet-pages"
SEXES: Final = ("male", "female")
BY_RPPS: LiteralString = """
    SELECT s.sub, array_agg(x.org) FROM access.subject s LEFT JOIN access.situation x ON x.sub = s.sub
     WHERE s.rpps = %s AND s.kind = 'professional' GROUP BY s.sub LIMIT 2
"""
SUBJECT_OF: LiteralString = "SELECT access.subject_of(%s)"


class NoAccountHere(errors.Forbidden):
    """Who the provider names has no account here that this provider opens."""


def _visit(door: Door, request: str, kind: ActorKind) -> Visit:
    return Visit(door, Actor(kind, "upstream", "", CLIENT), request)


async def professional(
    door: Door, request: str, provider: Provider, claims: Mapping[str, Any]
) -> str:
    """The subject of who bears the RPPS a claim says, and practises where the provider is; NoAccountHere."""
    rpps = _rpps(claims.get(provider.claim), provider.before)
    async with door.pool.connection() as conn:
        found = await (await conn.execute(BY_RPPS, (rpps,))).fetchall() if rpps else []
        known = len(found) == 1 and await _there(conn, provider, found[0][1])
        trace = _visit(door, request, ActorKind.PROFESSIONAL).trace("log-in", provider.key)
        if not known:
            await audit.write(conn, trace, granted=False)
    if not known:
        raise NoAccountHere
    return str(found[0][0])


def _rpps(said: object, before: str) -> int | None:
    """Eleven digits, as a text or a number."""
    text = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
    if before:
        text = text[len(before) :] if text.startswith(before) else ""
    text = text.zfill(11) if isinstance(said, int) else text
    return int(text) if len(text) == 11 and text.isascii() and text.isdigit() else None


async def _there(conn: Any, provider: Provider, practises: list[int | None]) -> bool:
    """A provider of one organisation vouches for those who practise there."""
    if provider.organisation is None:
        return True
    system, _, value = provider.organisation.rpartition("|")
    org = await queries.organisation(conn, system, value)
    return org is not None and org in practises


async def person(door: Door, request: str, provider: Provider, claims: Mapping[str, Any]) -> str:
    """The subject of the one person whose five traits are all these, and were checked; NoAccountHere."""
    asked = _traits(claims)
    visit = _visit(door, request, ActorKind.PATIENT)
    async with door.pool.connection() as conn, conn.transaction():
        rows = await queries.identities_by_traits(conn, asked) if asked else []
        given = str(claims.get("given_name", ""))
        firsts = {normal(given), normal(given.split()[0])} if given.split() else set()
        cids = {row.cid for row in rows if row.first_given in firsts and row.status in TRUSTED}
        sets = await queries.sets(conn, sorted(cids))
        records = {sets.get(cid, (cid,)) for cid in cids}
        sub = ""
        if len(records) == 1:
            whole = await together(visit, conn, min(cids))
            sub = (await (await conn.execute(SUBJECT_OF, (list(whole),))).fetchone() or [""])[0]
        trace = visit.trace("log-in", provider.key)
        if not sub:
            await audit.write(conn, trace, granted=False)
    if not sub:
        raise NoAccountHere
    return str(sub)


def _traits(claims: Mapping[str, Any]) -> dict[str, object] | None:
    """The five traits as they are stored; None when one is missing."""
    said = {name: claims.get(name) for name in ("family_name", "given_name", "birthdate", "gender")}
    place = claims.get("birthplace") or claims.get(
        "birthcountry"
    )  # born abroad: the country's code
    if any(not isinstance(each, str) or not each for each in (*said.values(), place)):
        return None
    try:
        born = date.fromisoformat(str(said["birthdate"]))
    except ValueError:
        return None
    if said["gender"] not in SEXES:
        return None
    return {
        "birth_date": born, "birth_name": normal(str(said["family_name"])), "first_given": None,
        "sex": said["gender"], "birth_place": place,
    }  # fmt: skip


async def told(door: Door, request: str, actor: Actor, provider: Provider, *, linked: bool) -> None:
    """A line of the audit, and word to the person, that a provider opens their account or no longer does."""
    act = "provider-linked" if linked else "provider-unlinked"
    visit = Visit(door, replace(actor), request)
    cids = [] if actor.patient is None else [actor.patient]
    async with door.pool.connection() as conn, conn.transaction():
        if actor.patient is not None:
            await together(visit, conn, actor.patient)
            await notices.send(door, conn, actor.patient, act)
        await audit.write(conn, visit.trace(act, provider.key), granted=True, cids=cids)
