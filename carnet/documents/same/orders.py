# SPDX-License-Identifier: EUPL-1.2
"""What was already done of an order, among what its reader sees; and which documents are one: for the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.access.door import Stored, Visit
from carnet.documents.consult import moment, record
from carnet.documents.same.already import Already, Code, Examination, already, families, family_of
from carnet.documents.same.copies import Place
from carnet.documents.same.keep import copies
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.references import LITERAL
from carnet.fhir.search.tokens import TokenFilter
from carnet.fhir.validation.issues import Issue
from carnet.rest.acts import Acts, Entry

DONE_BY: Final = ("Observation", "DiagnosticReport", "Procedure")
LAST: Final = 50  # of each type: the last may be cancelled, or one part of a panel
ASKED: Final = {"patient": "id", "system": "uri", "code": "code"}


async def last(
    visit: Visit, patient: str, asked: frozenset[Code], beside: frozenset[str] = frozenset()
) -> Already | None:
    """The last same examination of a person's record, as far as the viewer reads it.

    beside: addresses that do not count, as what came with the order itself.
    """
    cid = await record.opened(visit, patient)
    own = visit.door.settings.examinations
    known = families(Path(own) if own else None)
    family = family_of(asked, known)
    codes = asked | family.codes | family.parts if family else asked
    done: list[Examination] = []
    for rtype in DONE_BY if codes else ():
        number = visit.door.definitions.params[rtype]["code"].number
        wanted = TokenFilter(number, tuple(sorted(codes)))
        page = await visit.search(
            Query(
                rtype,
                (wanted,),
                compartments=(cid,),
                sort=Sort("date", True, plain=True),
                count=LAST,
            )
        )
        matches = (each for each in page.matches if each.address not in beside)
        done += filter(None, map(_examination, matches))
    return already(asked, done, visit.door.clock(), known)


def _examination(stored: Stored) -> Examination | None:
    resource = stored.resource
    period = resource.get("effectivePeriod") or resource.get("performedPeriod") or {}
    at = moment(
        resource.get("effectiveDateTime")
        or resource.get("performedDateTime")
        or period.get("start")
        or resource.get("issued")
    )
    if at is None:
        return None
    performers = (str(each.get("display", "")) for each in resource.get("performer", []))
    return Examination(
        coded(resource.get("code")),
        at,
        str(resource.get("status", "")),
        stored.address,
        next(filter(None, performers), ""),
    )


def coded(concept: Any) -> frozenset[Code]:
    """The codes of a CodeableConcept, each with its system."""
    codings = concept.get("coding", []) if isinstance(concept, dict) else []
    return frozenset(
        (str(each["system"]), str(each["code"]))
        for each in codings
        if each.get("system") and each.get("code")
    )


# ------------------------------------------------------------------------------------------ the API


def register(table: Acts) -> None:
    """The operations, and what is told of an order that is written."""
    table.operate("GET", "ServiceRequest", "already-done", of_order)
    table.ask("ServiceRequest", "already-done", of_code, ASKED, of_type=True)
    table.remark("ServiceRequest", remark)
    table.operate("GET", "DocumentReference", "same", of_document)
    table.operate("GET", "Patient", "same-documents", of_record)


async def of_order(visit: Visit, id: str) -> dict[str, Any]:
    """GET ServiceRequest/[id]/$already-done."""
    order = (await visit.read("ServiceRequest", id)).resource
    return _parameters(_said(await _of(visit, order)))


async def of_code(visit: Visit, id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """POST ServiceRequest/$already-done, before an order is written: patient, system, code."""
    asked = frozenset(((given["system"], given["code"]),))
    return _parameters(_said(await last(visit, given["patient"], asked)))


async def remark(visit: Visit, entry: Entry, beside: frozenset[str]) -> tuple[Issue, ...]:
    """What an order that was just written is told; nothing to who may not read the record."""
    try:
        found = await _of(visit, entry.resource, beside)
    except errors.CarnetError:
        return ()
    if found is None:
        return ()
    return (Issue("ServiceRequest.code", "informational", found.sentence, "information"),)


async def _of(
    visit: Visit, order: Mapping[str, Any], beside: frozenset[str] = frozenset()
) -> Already | None:
    whose = LITERAL.fullmatch(str(order.get("subject", {}).get("reference", "")))
    if whose is None or whose[1] != "Patient":
        return None
    return await last(visit, whose[2], coded(order.get("code")), beside)


def _said(found: Already | None) -> Iterable[dict[str, Any]]:
    if found is None:
        return
    part: list[dict[str, Any]] = [
        {"name": "resource", "valueReference": {"reference": found.address}},
        {"name": "date", "valueDateTime": _instant(found.at)},
        {"name": "days", "valueInteger": found.days},
    ]
    if found.label:
        part.append({"name": "examination", "valueString": found.label})
    if found.within is not None:
        part.append({"name": "within", "valueInteger": found.within})
        part.append({"name": "source", "valueString": found.source})
    yield {"name": "last", "part": part}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def of_document(visit: Visit, id: str) -> dict[str, Any]:
    """GET DocumentReference/[id]/$same: the others that are it, and those that look like it."""
    stored = await visit.read("DocumentReference", id)
    own = (stored.cid, stored.rid)
    group = next(
        (each for each in (await copies(visit, stored.cid)).groups if own in each.places), None
    )
    if group is None:
        return _parameters(())
    same = [each for each in group.places if each != own]
    return _parameters([*_named(visit, "same", same), *_named(visit, "unlike", group.conflicts)])


async def of_record(visit: Visit, id: str) -> dict[str, Any]:
    """GET Patient/[id]/$same-documents: each set of documents that are one, or look alike."""
    found = await copies(visit, await record.opened(visit, id))
    return _parameters(
        {
            "name": "document",
            "part": [
                *_named(visit, "same", each.places),
                *_named(visit, "unlike", each.conflicts),
            ],
        }
        for each in found.groups
    )


def _named(visit: Visit, name: str, places: Iterable[Place]) -> Iterable[dict[str, Any]]:
    for cid, rid in places:
        reference = f"DocumentReference/{visit.door.ids.encode(cid, rid)}"
        yield {"name": name, "valueReference": {"reference": reference}}


def _parameters(every: Iterable[dict[str, Any]]) -> dict[str, Any]:
    said = list(every)
    return {"resourceType": "Parameters"} | ({"parameter": said} if said else {})
