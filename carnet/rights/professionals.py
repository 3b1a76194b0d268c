# SPDX-License-Identifier: EUPL-1.2
"""Professionals as a patient may name them: those who appear in their record, or by the directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import LiteralString

from carnet import errors
from carnet.access.door import DIRECTORY, Visit
from carnet.fhir.search.query import Query
from carnet.fhir.search.strings import StringFilter
from carnet.fhir.search.tokens import TokenFilter
from carnet.identity.professionals import Rpps, WrongRpps
from carnet.rights import queries
from carnet.rights.holder import holding, in_the_open, record_of
from carnet.rights.pages import Professional
from carnet.rights.queries import Member

MOST = 20  # found by name
LINES = 20_000  # of the trace looked at for who has read
TREATING = "PCP"  # HL7 ParticipationFunction of the médecin traitant
RPPS = "https://rpps.esante.gouv.fr"
IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
SHORTEST = 3  # letters of a name


class TooShort(errors.Invalid):
    """Give three letters of the name at least, or the eleven digits of the RPPS number."""


class UnknownProfessional(errors.NotFound):
    """No professional of this number is known here."""


def told(
    door_labels: Mapping[str, str],
    rpps: int,
    names: Mapping[int, queries.Named],
    treating: Iterable[int] = (),
) -> Professional:
    """A number with its name, when it has one here."""
    found = names.get(rpps)
    if found is None:
        return Professional(rpps, f"RPPS {rpps:011d}", treating=rpps in set(treating))
    profession = found.profession or ""
    label = door_labels.get(profession) or door_labels.get(profession.split("/")[0], "")
    return Professional(rpps, found.name, label, found.place or "", rpps in set(treating))


def treating(members: Iterable[Member], now: datetime) -> frozenset[int]:
    """Who is médecin traitant now."""
    return frozenset(
        one.rpps
        for one in members
        if one.role == TREATING and one.since <= now and (one.until is None or now < one.until)
    )


async def known(visit: Visit, patient: str = "") -> list[Professional]:
    """Those of the patient's teams and consents, and those who have read, as far as the patient sees."""
    cid = record_of(visit, patient)
    async with holding(visit, patient, "rights", "holder-lists-professionals") as hold:
        conn, now = hold.conn, hold.now
        cids = hold.cids
        own = cids if visit.actor.patient in cids else ()
        members = await queries.members(conn, cids)
        consents = await queries.consents(conn, cids, LINES, own=own)
        blocked = {one.rpps for one in await queries.blocks(conn, cids, now)}
        trusted = {one.rpps for one in await queries.trusts(conn, cids, now)}
    why: dict[int, set[str]] = {}
    for member in members:
        why.setdefault(member.rpps, set()).add("team")
    for consent in consents:
        if consent.rpps is not None:
            why.setdefault(consent.rpps, set()).add("consent")
    for line in await visit.lines(cid, LINES):
        if line.kind == "professional" and line.sub.startswith("rpps:"):
            why.setdefault(int(line.sub.removeprefix("rpps:")), set()).add("read")
    async with visit.door.pool.connection() as conn:
        names = await queries.names(conn, why.keys() | blocked | trusted)
    doctor = treating(members, now)
    labels = visit.door.matrix.labels
    found = []
    for rpps in why.keys() | blocked | trusted:
        one = told(labels, rpps, names, doctor)
        found.append(
            Professional(
                rpps, one.name, one.profession, one.place, one.treating,
                tuple(sorted(why.get(rpps, ()))), rpps in blocked, rpps in trusted,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (not one.treating, one.name))


async def find(visit: Visit, text: str) -> list[Professional]:
    """Professionals of the directory by name or RPPS number, twenty at most."""
    record_of(visit, "")
    number = visit.door.definitions.params["Practitioner"]
    text = " ".join(text.split())
    wanted: StringFilter | TokenFilter
    if re.fullmatch("[0-9 ]{11,}", text):
        digits = _rpps(text.replace(" ", ""))
        forms = ((RPPS, digits), (IDNPS, f"8{digits}"))
        wanted = TokenFilter(number["identifier"].number, forms)
        filters: tuple[StringFilter | TokenFilter, ...] = (wanted,)
    elif len(text) >= SHORTEST:
        filters = tuple(
            StringFilter(number["name"].number, (word,), "starts") for word in text.split()[:4]
        )
    else:
        raise TooShort
    page = await visit.search(Query("Practitioner", filters, compartments=(DIRECTORY,), count=MOST))
    numbers = {rpps for each in page.matches if (rpps := _of(each.resource)) is not None}
    async with visit.door.pool.connection() as conn:
        names = await queries.names(conn, numbers)
    found = {}
    for each in page.matches:
        rpps = _of(each.resource)
        if rpps is None:
            continue
        one = told(visit.door.matrix.labels, rpps, names)
        if rpps not in names:
            one = Professional(rpps, _name(each.resource))
        found[rpps] = one
    return sorted(found.values(), key=lambda one: one.name)


async def exists(visit: Visit, rpps: int) -> None:
    """Refuse a number nobody here has."""
    async with visit.door.pool.connection() as conn:
        if await queries.names(conn, [rpps]):
            return
    if not await find(visit, f"{rpps:011d}"):
        raise UnknownProfessional


async def begin(
    visit: Visit, rpps: int, patient: str, act: str, rule: str, statement: LiteralString
) -> bool:
    """What the holder decides of one professional begins now; whether anything changed.

    statement: of the act, given cid, rpps and now; one at a time for one record and professional.
    """
    in_the_open(visit)
    await exists(visit, rpps)
    async with holding(visit, patient, act, rule) as hold:
        values = {"cid": hold.cid, "cids": list(hold.cids), "rpps": rpps, "now": hold.now}
        await hold.conn.execute(queries.ALONE, values)
        done = await hold.conn.execute(statement, values)
    return bool(done.rowcount)


async def end(
    visit: Visit, rpps: int, patient: str, act: str, rule: str, statement: LiteralString
) -> bool:
    """It ends now; whether it was so."""
    in_the_open(visit)
    async with holding(visit, patient, act, rule) as hold:
        values = {"cid": hold.cid, "cids": list(hold.cids), "rpps": rpps, "now": hold.now}
        done = await hold.conn.execute(statement, values)
    return bool(done.rowcount)


def _rpps(digits: str) -> str:
    try:
        return Rpps(digits).value
    except WrongRpps:
        raise UnknownProfessional from None


def _of(practitioner: dict[str, object]) -> int | None:
    """The RPPS number of a Practitioner."""
    identifiers = practitioner.get("identifier") or []
    assert isinstance(identifiers, list)
    for each in identifiers:
        value = str(each.get("value", ""))
        if each.get("system") == RPPS and value.isascii() and value.isdigit():
            return int(value)
        if each.get("system") == IDNPS and len(value) == 12 and value.startswith("8"):
            return int(value[1:]) if value.isascii() and value.isdigit() else None
    return None


def _name(practitioner: dict[str, object]) -> str:
    names = practitioner.get("name") or [{}]
    assert isinstance(names, list)
    given = " ".join(names[0].get("given", []))
    return f"{given} {names[0].get('family', '')}".strip() or "Professionnel"


__all__ = ["Professional", "begin", "end", "exists", "find", "known", "told", "treating"]
