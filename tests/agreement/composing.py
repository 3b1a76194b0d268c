# SPDX-License-Identifier: EUPL-1.2
"""Records of twin worlds made for what is written from them: each thing open once, and masked once.

What is masked is newer, so that whatever looked at it first would show by what it displaces.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from carnet import errors
from carnet.access.actor import Actor
from carnet.app.composing import ComposingPages
from carnet.composing.kinds import KINDS
from carnet.composing.pages import Draft, Kept
from tests.agreement.items import LOINC, SECURITY, Body, Item, Step
from tests.agreement.pages import plain
from tests.agreement.worlds import World

ABOUT = ("patient", "elder", "minor")
ACTIVE = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
Made = Callable[[random.Random, Body], Body]


def _coded(chance: random.Random, what: str) -> Body:
    return {"coding": [{"system": "urn:oid:1.2.250.9", "code": f"{what}-{chance.randint(1, 99)}"}],
            "text": f"{what} {chance.randint(1, 999)}"}  # fmt: skip


def _day(chance: random.Random) -> str:
    return f"2026-{chance.randint(1, 10):02}-{chance.randint(1, 28):02}"


# Each with its subject, and what says whose it is.
TYPES: dict[str, Made] = {
    "Condition": lambda c, s: {
        "subject": s, "code": _coded(c, "Mal"), "onsetDateTime": _day(c),
        "clinicalStatus": {"coding": [{"system": ACTIVE, "code": "active"}]}},
    "AllergyIntolerance": lambda c, s: {
        "patient": s, "code": _coded(c, "Agent"),
        "clinicalStatus": {"coding": [{"system": ACTIVE.replace("condition", "allergyintolerance"),
                                       "code": "active"}]}},
    "Procedure": lambda c, s: {"subject": s, "status": "completed", "code": _coded(c, "Acte"),
                               "performedDateTime": _day(c)},
    "MedicationStatement": lambda c, s: {
        "subject": s, "status": "active", "medicationCodeableConcept": _coded(c, "Remède"),
        "effectivePeriod": {"start": "2026-10-01"}, "dosage": [{"text": f"{c.randint(1, 9)} par jour"}]},
    "Immunization": lambda c, s: {
        "patient": s, "status": "completed", "vaccineCode": _coded(c, "Vaccin"),
        "occurrenceDateTime": _day(c), "lotNumber": str(c.randint(1, 999))},
    "FamilyMemberHistory": lambda c, s: {
        "patient": s, "status": "completed", "condition": [{"code": _coded(c, "Tare")}],
        "relationship": {"coding": [{"system": ROLE, "code": "MTH", "display": "Mère"}]}},
    "Observation": lambda c, s: {
        "subject": s, "status": "final", "effectiveDateTime": _day(c),
        "code": {"coding": [{"system": LOINC, "code": "74011-8"}]},
        "valueQuantity": {"value": c.randint(1, 99), "unit": "mois", "code": "mo",
                          "system": "http://unitsofmeasure.org"}},
    "DeviceUseStatement": lambda c, s: {
        "subject": s, "status": "active", "timingDateTime": _day(c),
        "device": {"reference": "#d"},
        "contained": [{"resourceType": "Device", "id": "d", "type": _coded(c, "Appareil")}]},
    "Encounter": lambda c, s: {
        "subject": s, "status": "finished", "period": {"start": _day(c), "end": "2026-11-01"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}},
    "Device": lambda c, s: {"patient": s, "status": "active", "type": _coded(c, "Prothèse")},
}  # fmt: skip


def items() -> list[Item]:
    """Each type for each person, open and masked; a use, open, of the masked device."""
    made: list[Item] = []
    for key in ABOUT:
        for rtype in TYPES:
            for masked in (False, True):
                made.append(_item(len(made), key, rtype, masked))
                if rtype == "Device":
                    made.append(_use(len(made), key, f"i{len(made) - 1}"))
    return made


def _item(number: int, key: str, rtype: str, masked: bool) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        meta = {"meta": {"security": [{"system": SECURITY, "code": "MASQUE_PS"}]}} if masked else {}
        subject = {"reference": f"Patient/{{{key}}}"}
        return {"resourceType": rtype, **meta, **TYPES[rtype](chance, subject)}

    steps = (Step("POST", rtype, body),)
    return Item(
        number, "masked" if masked else "open", "lab-software", steps, (key,), types=(rtype,)
    )


def _use(number: int, key: str, device: str) -> Item:
    def body(chance: random.Random, ids: dict[str, str]) -> Body:
        return {
            "resourceType": "DeviceUseStatement",
            "status": "active",
            "subject": {"reference": f"Patient/{{{key}}}"},
            "device": {"reference": f"Device/{{{device}}}"},
        }

    steps = (Step("POST", "DeviceUseStatement", body),)
    types = ("DeviceUseStatement",)
    return Item(number, "use", "lab-software", steps, (key,), types=types)


async def said(world: World, persona: str, patient: str, now: Any) -> Iterator[tuple[str, str]]:
    """All that the pages of writing say of a record: (what, as text), refusals included."""
    actor = await world.actor(persona)
    composing = ComposingPages(world.built)
    found: list[tuple[str, str]] = []
    for place, sort in enumerate(("", *KINDS)):
        path = f"/patients/{patient}/rediger/{sort}{'/' if sort else ''}"
        shown = await world.look(persona, "html", ("GET", path), None, now)  # type: ignore[arg-type]
        found.append((f"page {path}", f"{shown.status} {shown.body.decode(errors='replace')}"))
        if sort:
            at = now + timedelta(seconds=place)
            world.source.begin(f"{persona} {patient} {sort}", at, frozen=True)
            world.tokens.clear()
            world.built.door.ids._last = 0  # numbers of this document alone, in either world
            found += await _written(world, composing, actor, (persona, patient, sort), at)
    return iter(found)


async def _written(
    world: World, composing: ComposingPages, actor: Actor, of: Sequence[str], at: Any
) -> list[tuple[str, str]]:
    """What is offered, the document of all of it, and what was published of it."""
    persona, patient, sort = of
    found: list[tuple[str, str]] = []
    try:
        offered = await composing.proposed(actor, patient, sort)
        found.append((f"offered {sort}", plain(offered)))
        every = frozenset(each.address for _, offers in offered.groups for each in offers)
        start = at.date() - timedelta(days=9) if offered.stay is not None else None
        kept = Kept(every, dict.fromkeys(offered.words, "Des mots."), start, start and at.date())
        draft = Draft(UUID(bytes=world.source.chance.randbytes(16), version=4), at)
        found.append(
            (f"draft {sort}", plain(await composing.preview(actor, patient, sort, kept, draft)))
        )
        id = await composing.publish(actor, patient, sort, kept, draft)
    except errors.CarnetError as refusal:
        return [*found, (f"refusal {sort}", f"{type(refusal).__name__}: {refusal}")]
    reference = await world.ask(persona, "GET", f"DocumentReference/{id}")
    for content in reference.json["content"]:
        url = content["attachment"]["url"].partition("/fhir/")[2] or content["attachment"]["url"]
        sent = await world.ask(persona, "GET", url, headers={"accept": "*/*"})
        found.append((f"published {sort}", f"{sent.status} {sent.body!r}"))
    return [*found, (f"reference {sort}", reference.body.decode())]
