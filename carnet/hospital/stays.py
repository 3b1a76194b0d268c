# SPDX-License-Identifier: EUPL-1.2
"""Stays: a movement kept as the Encounter of its person, before it is acknowledged.

The number of the stay says which Encounter it is, so that a message that comes again changes nothing; a
person is who their INS and their traits say together, or the movement is refused.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from carnet.access.actor import ActorKind
from carnet.access.door import Stored, Unit, Visit, commit
from carnet.exchange.parts import Somebody
from carnet.hospital.movements import BAD_TYPE, ERROR, REFUSED, UNKNOWN_KEY, Movement, NotTaken
from carnet.rest.acts import Plan
from carnet.rest.conditions import bearing
from carnet.rest.desk import Desk
from carnet.rest.plans import carry_out
from carnet.rest.transaction import entry_of

CODES: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PERSON: Final = "urn:uuid:6f2d5d57-5c4b-4d0f-9f5b-0a5a3c1e8b11"  # inside one plan
Json = dict[str, Any]


async def keep(desk: Desk, visit: Visit, movement: Movement) -> None:
    """Write what a movement changes; nothing when it is known, or older than what is."""
    if visit.actor.kind is not ActorKind.SOFTWARE:
        raise NotTaken(REFUSED, BAD_TYPE, "Movements are sent by the software of a hospital.")
    system = _system(visit, movement)

    async def there(unit: Unit) -> Stored | None:
        found = await bearing(unit, "Encounter", system, movement.number)
        return found[0] if found else None

    known = await commit(visit, there, "read")
    before = known.resource if known is not None else None
    made = encounter(movement, system, before)
    if before is None and movement.event == "A08":
        return
    write: Json = {"method": "POST", "url": "Encounter"}
    if known is None:
        write["ifNoneExist"] = f"identifier={system}|{movement.number}"
    else:
        write = {"method": "PUT", "url": f"Encounter/{known.id}", "ifMatch": f'W/"{known.ver}"'}
    claim = movement.person.claim
    assert claim is not None
    whose = {"method": "POST", "url": "Patient"}
    whose["ifNoneExist"] = f"identifier={claim.system}|{claim.value}"
    entries: list[Json] = [
        {"fullUrl": PERSON, "resource": patient(movement.person), "request": whose},
    ]
    if made != before:
        entries.append({"resource": made, "request": write})
    plan = [await entry_of(desk, each, index, None) for index, each in enumerate(entries)]

    async def theirs(unit: Unit, done: Plan) -> None:
        whom = done.entries[0].address
        if known is not None and (whom is None or whom.cid != known.cid):
            raise NotTaken(ERROR, UNKNOWN_KEY, "This stay is not of the person the message names.")

    await carry_out(visit, desk.acts, Plan(plan, parser=desk.parser, after=theirs))


def encounter(movement: Movement, system: str, before: Json | None) -> Json:
    """The stay after a movement. Its end, once known, stays whatever comes late."""
    period = dict((before or {}).get("period", {}))
    start = movement.start or (movement.at if movement.event == "A01" else None)
    if start is not None and ("start" not in period or movement.event == "A01"):
        period["start"] = _instant(start)
    if movement.event == "A03" and "end" not in period:
        period["end"] = _instant(movement.end or movement.at)
    made: Json = dict(before or {"resourceType": "Encounter"})
    made |= {
        "identifier": [{"system": system, "value": movement.number}],
        "status": "finished" if "end" in period else "in-progress",
        "subject": (before or {}).get("subject", {"reference": PERSON}),
        "period": period,
    }
    if before is None or "end" not in before.get("period", {}):
        made["class"] = {"system": CODES, "code": movement.kind}
    return made


def patient(person: Somebody) -> Json:
    """Whom the message says it is about: refused if the INS is somebody else's here."""
    claim = person.claim
    assert claim is not None
    name: Json = {"use": "official", "family": person.birth_name}
    name["given"] = list(person.given_names[:1])
    made = {
        "resourceType": "Patient",
        "identifier": [{"use": "official", "system": claim.system, "value": claim.value}],
        "name": [{key: held for key, held in name.items() if held}],
        "gender": str(person.sex or "unknown"),
        "birthDate": person.birth_date.isoformat() if person.birth_date else None,
    }
    return {key: held for key, held in made.items() if held}


def _system(visit: Visit, movement: Movement) -> str:
    """Of the numbers of stays of one hospital, as one software says them: no other's is the same."""
    whole = f"{visit.actor.sub}|{movement.authority}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, whole)}"


def _instant(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
