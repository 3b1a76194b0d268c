# SPDX-License-Identifier: EUPL-1.2
"""AuditEvent: a view of the audit, read and searched, never written.

Its shape is that of IHE BasicAudit (BALP) and of the French traces (TDE): two agents at most, a period,
an observer. Source: FHIR R4 AuditEvent; IHE ITI BALP 1.1; ANS, Traces d'événements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response

from carnet import errors
from carnet.access import audit_events
from carnet.access.actor import ActorKind
from carnet.access.audit_events import ALWAYS, Event, Wanted
from carnet.access.door import Nothing, Page, Stored, Visit
from carnet.access.log import proofs
from carnet.access.log import queries as log
from carnet.fhir import dates, json
from carnet.fhir.search.query import Query
from carnet.identity.professionals import IDNPS
from carnet.rest import audit_tests, http
from carnet.rest.outcome import fhir

TDE = "https://interop.esante.gouv.fr/ig/fhir/tde"
PROFILE = f"{TDE}/StructureDefinition/tde-auditevent"
DATES = frozenset(("date", "period-start", "_lastUpdated"))  # a line has one moment
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
OURS = "urn:carnet:act"  # acts that are no interaction of FHIR
REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ENTITIES = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
REQUEST = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}
SUBTYPES = {
    "read": "read", "vread": "vread", "history": "history-instance", "search": "search-type",
    "create": "create", "update": "update", "delete": "delete", "transaction": "transaction",
}  # fmt: skip
ACTIONS = {
    "create": "C", "transaction": "C", "read": "R", "vread": "R", "history": "R", "update": "U",
    "consent": "C", "withdraw": "U", "delete": "D",
}  # fmt: skip
OTHER = "E"  # execute: searches, and what is neither read nor written
DONE, REFUSED = "0", "4"  # outcome

USUAL = timedelta(days=30)  # when no date is given
LONGEST = timedelta(days=366)


class TooLong(errors.TooCostly):
    """The audit is searched over a year at most: date=ge…&date=lt…"""

    status = 400


class WrongDate(errors.Invalid):
    """A date here is an interval: a date alone, or after ge, gt, le or lt."""


class NotSearched(errors.NotSupported):
    """A parameter of this search has a form, or is given a number of times, that is not taken here."""


class NoHead(errors.NotFound):
    """Nothing has been sealed yet."""


class WrongSince(errors.Invalid):
    """`since` is the number of lines of a root handed out before."""


class View:
    """Reads and searches of AuditEvent (carnet/rest/acts.py)."""

    parameters = frozenset(
        ("date", "patient", "agent", "agent:identifier", "altid", "action", "outcome", "subtype",
         "entity", *DATES, *audit_tests.NAMES)
    )  # fmt: skip
    # A French parameter (TDE): its type and its definition.
    own: ClassVar = {"period-start": ("date", f"{TDE}/SearchParameter/TDE-AuditEvent-period-start")}

    async def read(self, visit: Visit, id: str) -> Stored:
        """One line, for who may know it."""
        place = visit.door.ids.decode(id)
        if place is None:
            raise Nothing
        home, seq = place
        kind = visit.actor.kind
        cid = home or None
        if kind in audit_events.HOLDERS:  # a line of several records is asked for in one's own
            cid = home or visit.actor.patient
        elif kind is not ActorKind.OPERATOR:
            cid = None
        found, _ = await audit_events.events(visit, Wanted(*ALWAYS, count=1, seq=seq, cid=cid))
        if not found or (found[0].home or 0) != home:
            raise Nothing
        return _stored(visit, found[0])

    async def search(self, visit: Visit, query: Query, given: Sequence[tuple[str, str]]) -> Page:
        """One page, newest first; without dates, the last thirty days, as the self link says."""
        wanted, shown = _wanted(visit, query, given)
        if wanted is None:
            return Page([], [], 0 if query.total or query.only_total else None, None, shown)
        wants_total = query.total or query.only_total
        tests = [audit_tests.test_of(*each) for each in given if each[0] in audit_tests.NAMES]
        if tests:
            found, total = await _tested(visit, wanted, tests, whole=wants_total)
        else:
            found, total = await audit_events.events(visit, wanted, total=wants_total)
        more = len(found) > query.count
        found = found[: query.count]
        following = None
        if more and found:
            last = found[-1]
            following = visit.door.cursors.write(
                query.rtype, last.at.isoformat(), last.seq, last.home or 0
            )
        matches = [] if query.only_total else [_stored(visit, each) for each in found]
        if query.only_total:
            following = None
        return Page(matches, [], total if wants_total else None, following, shown)


async def root(request: Request) -> Response:
    """GET $audit-root: the last signed head; with since=n, that it continues the head of n lines.

    No token is asked: it holds nobody's data, and whoever keeps it can check the log later.
    """
    http.accepts_json(request)
    since = request.query_params.get("since", "")
    if since and not (since.isascii() and since.isdigit() and len(since) < 19):
        raise WrongSince
    async with http.desk(request).door.pool.connection() as conn:
        found = await log.last(conn)
        if found is None:
            raise NoHead
        head = found[0]
        steps = await proofs.of_growth(conn, int(since)) if since else []
    if steps is None:
        raise WrongSince
    line = head.line()
    given = [
        {"name": "size", "valueString": str(head.size)},
        {"name": "root", "valueString": line["root"]},
        {"name": "time", "valueInstant": line["time"]},
        {"name": "upto", "valueString": str(head.upto)},
        {"name": "key", "valueBase64Binary": line["key"]},
        {"name": "signature", "valueBase64Binary": line["signature"]},
        *({"name": "consistency", "valueString": step} for step in steps),
    ]
    return fhir({"resourceType": "Parameters", "parameter": given})


async def proof(visit: Visit, id: str) -> dict[str, Any]:
    """GET AuditEvent/[id]/$proof: that the line stands in the log, as JSON in a parameter."""
    place = visit.door.ids.decode(id)
    if place is None:
        raise Nothing
    home, seq = place
    cid = home or (visit.actor.patient or 0)
    if visit.actor.kind not in (*audit_events.HOLDERS, ActorKind.OPERATOR):
        cid = 0
    found = await audit_events.proof(visit, cid, seq)
    said = json.dump(found).decode()
    return {"resourceType": "Parameters", "parameter": [{"name": "proof", "valueString": said}]}


async def _tested(
    visit: Visit, wanted: Wanted, tests: Sequence[audit_tests.Test], *, whole: bool
) -> tuple[list[Event], int]:
    """The lines after a place whose resource passes, one more than asked for; and how many in all."""
    most = audit_tests.MOST_TESTED
    every = replace(wanted, count=most, before=None if whole else wanted.before)
    lines, _ = await audit_events.events(visit, every)
    found = []
    for line in lines[:most]:
        id = visit.door.ids.encode(line.home or 0, line.seq)
        if audit_tests.passing(tests, resource(visit, line, id)):
            found.append(line)
    if len(lines) > most and (whole or len(found) <= wanted.count):
        raise audit_tests.TooManyLines
    after = [line for line in found if wanted.before is None or (line.at, line.seq) < wanted.before]
    return after[: wanted.count + 1], len(found)


def _wanted(
    visit: Visit, query: Query, given: Sequence[tuple[str, str]]
) -> tuple[Wanted | None, tuple[tuple[str, str], ...]]:
    """What a search asks for; None when nothing can answer to it. And the dates it did not give."""
    ids = visit.door.ids
    by_name: dict[str, list[str]] = {}
    for name, value in given:
        by_name.setdefault(name, []).append(value)
    shown: tuple[tuple[str, str], ...] = ()
    moments = [text for name in DATES for text in by_name.pop(name, [])]
    if "_id" in by_name and not moments:
        since, until = ALWAYS
    else:
        since, until, shown = bounds(moments, visit.door.clock())
    values: dict[str, Any] = {"since": since, "until": until, "count": query.count}
    possible = since < until
    for name, texts in by_name.items():
        if name.startswith("_") or name in audit_tests.NAMES:
            continue
        if len(texts) != 1:
            raise NotSearched(f"{name} is given once here.")
        text = texts[0]
        match name:
            case "patient":
                values["cid"] = _patient(ids.decode, text)
                possible &= values["cid"] is not None
            case "entity":
                place = ids.decode(text.rpartition("/")[2])
                if place is None or not place[0] or values.get("cid", place[0]) != place[0]:
                    possible = False
                else:
                    values["cid"], values["rid"] = place
            case "agent":
                values["of_patient"] = _patient(ids.decode, text)
                possible &= values["of_patient"] is not None
            case "agent:identifier":
                system, _, number = text.rpartition("|")
                digits = number.removeprefix("8") if len(number) == 12 else number
                if system != IDNPS or not (digits.isascii() and digits.isdigit()):
                    possible = False
                else:
                    values["rpps"] = int(digits)
            case "altid":
                values["sub"] = text.rpartition("|")[2]
            case "action" | "subtype":
                acts = _acts(name, text)
                before = values.get("acts")
                values["acts"] = acts if before is None else sorted(set(acts) & set(before))
            case "outcome":
                values["granted"] = text.rpartition("|")[2] == DONE
                possible &= text.rpartition("|")[2] in (DONE, REFUSED)
            case _:
                raise NotSearched(f"{name} is not searched by here.")
    if query.after is not None:
        mark, seq, _ = query.after
        values["before"] = (datetime.fromisoformat(mark), seq)
    return (Wanted(**values) if possible else None), shown


def bounds(
    texts: Sequence[str], now: datetime
) -> tuple[datetime, datetime, tuple[tuple[str, str], ...]]:
    """The stretch of time asked for, a year at most, and the bounds that were not given."""
    since: datetime | None = None
    until: datetime | None = None
    for text in texts:
        prefix, date = (text[:2], text[2:]) if text[:1].isalpha() else ("eq", text)
        if "," in date:
            raise WrongDate
        first, last = dates.span(date)
        if prefix not in ("eq", "ge", "gt", "le", "lt"):
            raise WrongDate
        if prefix in ("eq", "ge", "gt"):
            start = last if prefix == "gt" else first
            since = start if since is None else max(since, start)
        if prefix in ("eq", "le", "lt"):
            end = first if prefix == "lt" else last
            until = end if until is None else min(until, end)
    shown = []
    if until is None:
        until = now + timedelta(seconds=1)
        if since is not None and since > until:
            until = since
        shown.append(("date", f"lt{_instant(until)}"))
    if since is None:
        try:
            since = until - USUAL
        except OverflowError:
            raise WrongDate from None
        shown.append(("date", f"ge{_instant(since)}"))
    if until - since > LONGEST:
        raise TooLong
    return since, until, tuple(shown)


def _patient(decode: Any, text: str) -> int | None:
    """The record of a Patient's reference."""
    rtype, _, id = text.rpartition("/")
    place = decode(id)
    if rtype not in ("", "Patient") or place is None or place[0] != place[1]:
        return None
    return int(place[0])


def _acts(name: str, text: str) -> list[str]:
    """Our acts of an action (C, R, U, D) or of an interaction."""
    code = text.rpartition("|")[2]
    if name == "action":
        return [act for act, action in ACTIONS.items() if action == code]
    return [act for act, subtype in SUBTYPES.items() if subtype == code] or [code]


# -------------------------------------------------- the resource


def _stored(visit: Visit, event: Event) -> Stored:
    """As a searchset and a read want it: made now, from the row."""
    id = visit.door.ids.encode(event.home or 0, event.seq)
    body = json.dump(resource(visit, event, id))
    return Stored(event.home or 0, event.seq, "AuditEvent", id, 1, event.at, False, body)


def resource(visit: Visit, event: Event, id: str) -> dict[str, Any]:
    """The AuditEvent of a line."""
    ids = visit.door.ids
    at = _instant(event.at)
    subtype = {"system": OURS, "code": event.act}
    if event.act in SUBTYPES:
        subtype = {"system": INTERACTIONS, "code": SUBTYPES[event.act]}
    cids = [event.cid] if event.cid else event.cids or []
    entities: list[dict[str, Any]] = [
        {
            "what": {"reference": f"Patient/{ids.encode(cid, cid)}"},
            "type": {"system": ENTITIES, "code": "1", "display": "Person"},
            "role": {"system": ROLES, "code": "1", "display": "Patient"},
        }
        for cid in cids
    ]
    entities += [
        {
            "what": {"reference": f"{rtype}/{named}/_history/{ver}"},
            "type": {"system": ENTITIES, "code": "2", "display": "System Object"},
            "role": {"system": ROLES, "code": "4", "display": "Domain Resource"},
        }
        for rtype, named, ver in event.named
        if rtype != "Patient" or ver
    ]
    entities.append({"what": {"identifier": {"value": event.request}}, "type": REQUEST})
    return {
        "resourceType": "AuditEvent",
        "id": id,
        "meta": {"versionId": "1", "lastUpdated": at, "profile": [PROFILE]},
        "type": {"system": TYPES, "code": "rest", "display": "RESTful Operation"},
        "subtype": [subtype],
        "action": ACTIONS.get(event.act, OTHER),
        "period": {"start": at, "end": at},
        "recorded": at,
        "outcome": DONE if event.granted else REFUSED,
        "purposeOfEvent": [{"coding": [{"system": REASONS, "code": event.purpose}]}],
        "agent": _agents(visit, event),
        "source": {"observer": {"display": "Carnet"}},
        "entity": entities,
    }


def _agents(visit: Visit, event: Event) -> list[dict[str, Any]]:
    """Who asked, then for whom, or through what."""
    who: dict[str, Any] = {"display": event.name or event.sub}
    if event.kind == "patient" and event.patient:
        who["reference"] = f"Patient/{visit.door.ids.encode(event.patient, event.patient)}"
    elif event.rpps is not None:
        who["identifier"] = {"system": IDNPS, "value": f"8{event.rpps:011d}"}
    agent: dict[str, Any] = {
        "type": {"coding": [{"system": DICOM, "code": "110153", "display": "Source Role ID"}]},
        "who": who,
        "altId": event.sub,
        "name": event.name or event.sub,
        "requestor": True,
        "policy": [f"urn:carnet:rule:{event.rule}", f"urn:carnet:matrix:{event.matrix}"],
    }
    if event.place:
        agent["role"] = [{"text": event.place}]
    if event.acting_for is not None:
        number = {"system": IDNPS, "value": f"8{event.acting_for:011d}"}
        return [agent, {"who": {"identifier": number}, "requestor": False}]
    application = {"coding": [{"system": DICOM, "code": "110150", "display": "Application"}]}
    return [agent, {"type": application, "who": {"display": event.client}, "requestor": False}]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
