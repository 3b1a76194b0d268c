# SPDX-License-Identifier: EUPL-1.2
"""What a person decided of who reads, to take away: FHIR Consents, and the same line by line.

Here blocks and refusals are Consents too: it is their author who reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carnet.access.door import Nothing, Visit
from carnet.rights import consent, mandate, view
from carnet.rights.pages import Chosen


@dataclass(frozen=True, slots=True)
class Told:
    """One decision. what: consent-team, consent-visit, block, trust, a mode of emergency, mandate."""

    what: str
    who: str
    since: datetime | None
    until: datetime | None
    how: str


async def told(visit: Visit, patient: str) -> tuple[list[dict[str, Any]], list[Told]]:
    """Every decision; patient: id of a Patient."""
    place = visit.door.ids.decode(patient)
    if place is None:
        raise Nothing
    found = await consent.all_of(visit, patient)
    resources = [stored.resource for stored in await view._seen(visit, [place[0]], "rights")]
    lines = [
        Told(
            "consent-team" if one.team else "consent-visit",
            one.team or ", ".join(each.name for each in one.members),
            one.since,
            one.withdrawn or one.until,
            one.how,
        )
        for one in found.consents
    ]
    for kind, type_, chosen in (
        ("block", "deny", found.blocked),
        ("trust", "permit", found.trusted),
    ):
        for one in chosen:
            lines.append(Told(kind, one.professional.name, one.since, None, ""))
            resources.append(_choice(patient, kind, type_, one))
    for mode in found.emergencies:
        if mode.refused:
            lines.append(Told(mode.mode, "", mode.since, None, ""))
            resources.append(_consent(patient, mode.mode, "deny", mode.since))
    lines += [
        Told("mandate", one.holder, one.since, one.until, one.nature)
        for one in await mandate.mandated(visit, patient)
    ]
    return resources, lines


def _consent(patient: str, rule: str, type_: str, since: datetime | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": view.SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": view.LOINC, "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policyRule": {"text": rule},
        "provision": {"type": type_},
    }
    if since is not None:
        made["dateTime"] = since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return made


def _choice(patient: str, kind: str, type_: str, chosen: Chosen) -> dict[str, Any]:
    made = _consent(patient, kind, type_, chosen.since)
    who = chosen.professional
    made["provision"]["actor"] = [{
        "role": {"coding": [{"system": view.ROLE, "code": "PROV"}]},
        "reference": {"identifier": {"system": view.RPPS, "value": f"{who.rpps:011d}"},
                      "display": who.name},
    }]  # fmt: skip
    return made
