# SPDX-License-Identifier: EUPL-1.2
"""FHIR Consent: a view of the rows of `access.consent`, written through their acts alone.

The person and their legal representatives see every consent of the record, a professional those they
read by or share with their team, while one links them to the record; software and helpers none. Blocks
and refusals are in no Consent: whom the patient shut out is told to nobody.
Source: FHIR R4, Consent; CSP L.1111-19.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from carnet import errors
from carnet.access import audit, queries
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Nothing, Page, Stored, Unit, UnknownOwner, Visit, Written
from carnet.access.door.decide import MOST_PATIENTS, REPRESENTING
from carnet.fhir import json
from carnet.fhir.search.query import Query
from carnet.rights import queries as rights
from carnet.rights.consent import HOW, MOST, NotForYou, check, declared, opened_to
from carnet.rights.queries import Consent, Member, Named

SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
LOINC = "http://loinc.org"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RPPS = "https://rpps.esante.gouv.fr"
METHOD = "urn:carnet:consent:how"  # extension: oral, written, remote, electronic
POLICY = "https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI000043895798"  # CSP L.1111-17
STATES = frozenset(("active", "inactive"))


class TooMany(errors.TooCostly):
    """Too many consents to show at once: name the patient."""


class NotSimple(errors.NotSupported):
    """A Consent is declared with status active, the patient, how it was had, and no provision."""


class View:
    """Reads and searches of Consent."""

    parameters = frozenset(("patient", "status", "_id"))

    async def read(self, visit: Visit, id: str) -> Stored:
        """One consent."""
        place = visit.door.ids.decode(id)
        found = await _seen(visit, None if place is None else [place[0]], "read")
        wanted = [each for each in found if place == (each.cid, each.rid)]
        if place is None or not wanted:
            raise Nothing
        return wanted[0]

    async def search(self, visit: Visit, query: Query, given: Sequence[tuple[str, str]]) -> Page:
        """Newest first, all on one page; those in force and those of before."""
        cids = None if query.compartments is None else list(query.compartments)
        found = await _seen(visit, cids, "search")
        for name, value in given:
            bare, asked = name.partition(":")[0], set(value.split(","))
            if bare == "status":
                codes = {each.rpartition("|")[2] for each in asked}
                found = [each for each in found if each.mark in codes]
            elif bare == "_id":
                found = [each for each in found if each.id in asked]
        total = len(found) if query.total or query.only_total else None
        if query.only_total:
            return Page([], [], total, None)
        start = 0
        if query.after is not None:
            start = next((n + 1 for n, each in enumerate(found) if each.rid == query.after[1]), 0)
        shown = found[start : start + query.count]
        following = None
        if start + query.count < len(found) and shown:
            last = shown[-1]
            following = visit.door.cursors.write("Consent", last.mark, last.rid, last.cid)
        return Page(shown, [], total, following)


async def create(unit: Unit, plan: Any, entry: Any) -> Written:
    """POST Consent by a professional: the declaration of a consent they were given.

    What it says of scope, period or actors beyond that is refused: a consent is the team's or the visit's.
    """
    visit, resource = unit.visit, entry.resource
    if visit.actor.kind is not ActorKind.PROFESSIONAL:
        raise NotForYou
    known = {"resourceType", "id", "meta", "status", "scope", "category", "patient", "dateTime",
             "policyRule", "policy", "extension", "text"}  # fmt: skip
    how = [
        str(each.get("valueCode", ""))
        for each in resource.get("extension", [])
        if each.get("url") == METHOD
    ]
    if resource.get("status") != "active" or set(resource) - known or len(how) != 1:
        raise NotSimple
    check(visit, how[0])
    assert entry.address is not None
    cid = entry.address.cid
    done = await declared(visit, unit.conn, cid, how[0])
    if done is None:  # as for a person unknown here: feeding is what this path is allowed for
        raise UnknownOwner
    whose, id = done
    found = await rights.consents(unit.conn, [whose], MOST)
    members = await rights.members(unit.conn, [whose])
    names = await rights.names(unit.conn, _numbers(found, members))
    (row,) = [each for each in found if each.id == id]
    shown = _stored(visit, row, members, names, visit.door.clock())
    address = Address(whose, id, "Consent", shown.id)
    return Written(address, 1, shown.upd, shown.body, created=row.since >= unit.at)


async def _seen(visit: Visit, cids: Sequence[int] | None, act: str) -> list[Stored]:
    """Consents this caller sees, traced; the same statements whether there are any or not."""
    door, actor, now = visit.door, visit.actor, visit.door.clock()
    async with door.pool.connection() as conn, conn.transaction():
        rule, seen, own = "none", list[int](), list[int]()
        if actor.kind is ActorKind.PATIENT:
            held = await queries.held(conn, actor.sub, actor.patient, cids, now, MOST_PATIENTS)
            own = [one.cid for one in held if one.nature == "self"]
            seen = own + [
                one.cid for one in held if one.nature in REPRESENTING and one.reach == "all"
            ]
            rule = "patient-self"
        elif actor.kind is ActorKind.PROFESSIONAL and actor.rpps is not None:
            links = await queries.links(conn, actor.rpps, cids, now, MOST_PATIENTS)
            seen = [link.cid for link in links if not link.emergency]
            rule = "consent-of-mine"
        mine = None if actor.patient is None else own
        found = await rights.consents(conn, sorted(set(seen)), MOST, own=mine)
        if len(found) == MOST:
            raise TooMany
        members = await rights.members(conn, seen)
        names = await rights.names(conn, _numbers(found, members))
        if actor.kind is ActorKind.PROFESSIONAL:
            found = [one for one in found if actor.rpps in opened_to(one, members, now)]
        trace = visit.trace(act, rule)
        named = [cids[0]] if cids is not None and len(cids) == 1 else sorted(set(seen))
        await audit.write(conn, trace, granted=bool(seen), cids=named)
    return [_stored(visit, one, members, names, now) for one in found]


def _numbers(found: Sequence[Consent], members: Sequence[Member]) -> set[int]:
    return {one.rpps for one in members} | {one.rpps for one in found if one.rpps is not None}


def _stored(
    visit: Visit,
    row: Consent,
    members: Sequence[Member],
    names: dict[int, Named],
    now: datetime,
) -> Stored:
    """A row as FHIR says it; it has two versions at most: as given, and as ended."""
    ids = visit.door.ids
    ended = row.withdrawn or (row.until if row.until is not None and row.until <= now else None)
    upd = ended or row.since
    status = "active" if row.live(now) else "inactive"
    period = {"start": _instant(row.since)}
    if until := row.withdrawn or row.until:
        period["end"] = _instant(until)
    person = {"reference": f"Patient/{ids.encode(row.cid, row.cid)}"}
    resource: dict[str, Any] = {
        "resourceType": "Consent",
        "id": ids.encode(row.cid, row.id),
        "meta": {"versionId": "2" if ended else "1", "lastUpdated": _instant(upd)},
        "extension": [{"url": METHOD, "valueCode": _code(row.how)}],
        "status": status,
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}],
        "patient": person,
        "dateTime": _instant(row.since),
        "performer": [person],
        "policy": [{"uri": POLICY}],
        "provision": {"type": "permit", "period": period},
    }
    declared_by = _declarer(row)
    if declared_by:
        resource["extension"].append(
            {"url": "urn:carnet:consent:declared-by", "valueReference": declared_by}
        )
    actors = [
        {
            "role": {"coding": [{"system": ROLE, "code": "PROV"}]},
            "reference": _practitioner(rpps, names),
        }
        for rpps in opened_to(row, members, now)
    ]
    if actors:
        resource["provision"]["actor"] = actors
    return Stored(
        row.cid, row.id, "Consent", resource["id"], 2 if ended else 1, upd, False,
        json.dump(resource), status,
    )  # fmt: skip


def _code(how: str) -> str:
    return how if how in HOW or re.fullmatch("[a-z-]{1,20}", how) else "electronic"


def _declarer(row: Consent) -> dict[str, Any] | None:
    if not row.declared_by.startswith("rpps:"):
        return None
    found: dict[str, Any] = {
        "identifier": {"system": RPPS, "value": row.declared_by.removeprefix("rpps:")}
    }
    return found | ({"display": row.declared_name} if row.declared_name else {})


def _practitioner(rpps: int, names: dict[int, Named]) -> dict[str, Any]:
    found: dict[str, Any] = {"identifier": {"system": RPPS, "value": f"{rpps:011d}"}}
    return found | ({"display": names[rpps].name} if rpps in names else {})


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
