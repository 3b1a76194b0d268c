# SPDX-License-Identifier: EUPL-1.2
"""People a load names and nobody holds: identities made from a reference, for demonstrations and tests.

What is made is provisional and says only what the reference says. The same reference of the same folder
is the same person, on every load.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from carnet.access import quarantine, queries
from carnet.access.door import Address, Door, Unit
from carnet.documents import identity
from carnet.documents.cda.conformance import Finding, Profile
from carnet.fhir import json
from carnet.identity.ins import ARC
from carnet.identity.traits import Sex, Traits
from carnet.vigilance import register

UNNAMED = "Identité non fournie"
MADE = "The person it is about is not in what is loaded: a provisional identity was made from the reference."


@dataclass(eq=False, slots=True)
class Person:
    """An identity to make, unless it is already there."""

    resource: dict[str, Any]
    mark: bytes
    url: str = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")
    written: str = ""  # Patient/id, once it is here


class People:
    """Those made by one load."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[bytes, Person] = {}

    def named(self, folder: Path, reference: dict[str, Any]) -> Person:
        """The person a Reference element stands for."""
        text = str(reference.get("reference", ""))
        given = reference.get("identifier")
        number = _condition(text) or (given if isinstance(given, dict) else {})
        number = {key: str(number[key]) for key in ("system", "value") if number.get(key)}
        if is_ins(number):  # the same person whatever the folder
            said = json.dump(["ins", number["system"].removeprefix("urn:oid:"), number["value"]])
        else:
            said = json.dump([str(folder.resolve()), text, number])
        mark = self._door.hasher.long(b"person|" + said)
        if mark not in self._known:
            shown = str(reference.get("display", "")) or UNNAMED
            resource: dict[str, Any] = {"resourceType": "Patient", "name": [{"text": shown}]}
            if number.get("value"):
                resource["identifier"] = [number]
            self._known[mark] = Person(resource, mark)
        return self._known[mark]

    def inside(self, folder: Path, patient: dict[str, Any]) -> Person:
        """The person a resource contains, instead of referring to them."""
        resource = {key: value for key, value in patient.items() if key not in ("id", "meta")}
        said = json.dump([str(folder.resolve()), resource])
        mark = self._door.hasher.long(b"person|" + said)
        return self._known.setdefault(mark, Person(resource, mark))


def is_ins(number: dict[str, Any]) -> bool:
    """Whether an Identifier says it is an INS."""
    system = str(number.get("system", "")).removeprefix("urn:oid:")
    return system.startswith(ARC) and bool(number.get("value"))


def _condition(reference: str) -> dict[str, Any] | None:
    """The Identifier of `Patient?identifier=system|value`."""
    _, mark, query = reference.partition("?")
    if not mark:
        return None
    try:
        parameters = dict(parse_qsl(query, errors="strict"))
    except ValueError:
        return None
    system, bar, value = parameters.get("identifier", "").rpartition("|")
    return {"system": system, "value": value} if bar and value else None


def complete(reference: str) -> bool:
    """Whether a conditional reference has the value it needs."""
    return "?" not in reference or _condition(reference) is not None


@dataclass(frozen=True, slots=True)
class Apart:
    """An identity in quarantine, where a Patient whose INS is another person's is kept."""

    address: Address
    made: bool
    findings: tuple[Finding, ...]


async def apart(unit: Unit, patient: dict[str, Any], profile: Profile) -> Apart | None:
    """Where a Patient goes whose INS is known here with other traits; None when nothing differs.

    A strict entry refuses it (906); a gap is no difference.
    """
    settings = unit.visit.door.settings
    claim = register.ins_of(patient, lenient=settings.lenient)
    if claim is None:
        return None
    rows = await queries.identities_by_ins(unit.conn, claim.value, [str(claim.system)])
    if len(rows) != 1:
        return None
    kept = {key: value for key, value in patient.items() if key not in ("id", "meta", "identifier")}
    traits = _traits(patient)
    said = identity.Said(claim, traits, kept, "Patient")
    findings = identity.compared(said, rows[0], profile)
    if profile is Profile.STRICT:
        identity.refuse(findings)
    if not identity.apart(findings, production=not settings.lenient):
        return None
    held = await quarantine.hold(unit, claim, traits, kept, collision=True)
    address = Address(held.cid, held.cid, "Patient", held.id)
    return Apart(address, held.made, tuple(findings))


def _traits(patient: dict[str, Any]) -> Traits:
    family, given = register.official_name(patient)
    sex = patient.get("gender")
    return Traits(
        birth_name=family or None,
        birth_given_names=None,
        first_given_name=given or None,
        birth_date=register.birth_date(patient) if _whole_date(patient) else None,
        sex=Sex(sex) if sex in ("male", "female") else None,
        birth_place=None,
    )


def _whole_date(patient: dict[str, Any]) -> bool:
    return len(str(patient.get("birthDate", ""))) == 10
