# SPDX-License-Identifier: EUPL-1.2
"""What a document tells besides the one page: habits, family, devices; what this viewer sees of them.

Read apart from the page, which shows none of it: three bounded searches, and where each comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carnet.access.door import Stored, Visit
from carnet.access.door.origins import origins
from carnet.fhir.search.identifiers import IdFilter
from carnet.fhir.search.query import Query, Sort
from carnet.fhir.search.tokens import TokenFilter
from carnet.summary.devices import devices
from carnet.summary.facts import LOINC, Fact, fact, listed, mapping, moment, paper
from carnet.summary.family import family
from carnet.summary.gather import GONE
from carnet.summary.lifestyle import labels, lifestyle
from carnet.summary.pages import Section

MOST = 300  # of each, the newest
NEWEST = Sort("date", descending=True, plain=True)
HELD = "device"  # the id of a Device inside its use


@dataclass(frozen=True, slots=True)
class Background:
    """Habits, family and devices, with the facts their lines come from, by their address."""

    lifestyle: Section
    family: Section
    devices: Section
    facts: Mapping[str, Fact]


async def background(visit: Visit, cid: int) -> Background:
    """What a record tells of them. cid: the compartment, opened by who calls."""
    number = visit.door.definitions.params["Observation"]["code"].number
    coded = TokenFilter(number, tuple((LOINC, code) for code in sorted(labels())))
    found: dict[str, list[Stored]] = {}
    more: set[str] = set()
    for rtype in ("Observation", "FamilyMemberHistory", "DeviceUseStatement"):
        filters = (coded,) if rtype == "Observation" else ()
        query = Query(rtype, filters, compartments=(cid,), count=MOST, sort=NEWEST)
        answer = await visit.search(query)
        found[rtype] = list(answer.matches)
        if answer.next is not None:
            more.add(rtype)
    facts = await _facts(visit, cid, found)
    pointed = await _devices(visit, cid, facts["DeviceUseStatement"])
    now = visit.door.clock()
    used = [used for each in facts["DeviceUseStatement"] if (used := _used(each, pointed, now))]
    return Background(
        lifestyle(facts["Observation"], now, more="Observation" in more),
        family(facts["FamilyMemberHistory"], more="FamilyMemberHistory" in more),
        devices(used, {}, more="DeviceUseStatement" in more),
        {e.stored.address: e for kind in (facts["Observation"], facts["FamilyMemberHistory"], used)
         for e in kind},
    )  # fmt: skip


async def _facts(
    visit: Visit, cid: int, found: Mapping[str, Sequence[Stored]]
) -> dict[str, list[Fact]]:
    """Facts by type, but what came of documents that are gone."""
    origin = await origins(visit, cid, [each for held in found.values() for each in held])
    facts: dict[str, list[Fact]] = {}
    for rtype, stored in found.items():
        facts[rtype] = []
        for each in stored:
            document = origin.get((each.cid, each.rid))
            read = paper(document) if document is not None else None
            if read is None or read.status not in GONE:
                facts[rtype].append(fact(each, read))
    return facts


async def _devices(visit: Visit, cid: int, uses: Sequence[Fact]) -> dict[str, dict[str, Any]]:
    """The Devices that uses point to, but those of somebody else."""
    said = (str(mapping(each.own.get("device")).get("reference", "")) for each in uses)
    ids = list(dict.fromkeys(each[7:] for each in said if each.startswith("Device/")))
    if not ids:
        return {}
    of = IdFilter(tuple(ids[:MOST]))
    cids = tuple(sorted({cid, *(of.compartments(visit.door.ids) or ())}))
    answer = await visit.search(Query("Device", (of,), compartments=cids, count=MOST))
    return {
        each.address: dict(each.resource)
        for each in answer.matches
        if each.cid == cid or "patient" not in each.resource
    }


def _used(use: Fact, pointed: Mapping[str, Mapping[str, Any]], now: datetime) -> Fact | None:
    """A use that goes on, its Device inside it; None for any other: what is planned is not borne."""
    own = use.own
    ended = moment(mapping(own.get("timingPeriod")).get("end"))
    if own.get("status") != "active" or own.get("modifierExtension") or (ended and ended < now):
        return None
    reference = str(mapping(own.get("device")).get("reference", ""))
    inside = {f"#{each.get('id')}": each for each in listed(own.get("contained"))}
    device = inside.get(reference) or pointed.get(reference) or {}
    if device.get("status") == "entered-in-error":
        return None
    named = mapping(own.get("device")) | {"reference": f"#{HELD}"}
    held = {**own, "contained": [{**device, "id": HELD}], "device": named} if device else own
    return Fact(use.stored, held, use.told)
