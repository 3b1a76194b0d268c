# SPDX-License-Identifier: EUPL-1.2
"""Identities for the tests of vigilance: made as a software makes them, and what officers do."""

from __future__ import annotations

from typing import Any

from carnet.identity.ins import control_key
from carnet.vigilance import merge, outward
from tests.space import Space

FIRST, SECOND = "operator", "identity-officer"
SYSTEM = "urn:oid:1.2.250.1.213.1.4.10"


def number(root: str) -> str:
    """A right INS from its thirteen characters."""
    return f"{root}{control_key(root):02}"


def patient(
    family: str = "DELAUNAY",
    given: str = "HELENE",
    *,
    ins: str = "",
    born: str = "1980-05-04",
    sex: str = "female",
    declared: str = "",
) -> dict[str, Any]:
    """A Patient; declared: the status its sender says."""
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"use": "official", "family": family, "given": [given]}],
        "gender": sex,
        "birthDate": born,
    }
    if ins:
        made["identifier"] = [{"use": "official", "system": SYSTEM, "value": ins}]
    if declared:
        coded = {"system": outward.STATUSES, "code": declared}
        status = {"url": "identityStatus", "valueCoding": coded}
        made["extension"] = [{"url": outward.RELIABILITY, "extension": [status]}]
    return made


async def made(space: Space, resource: dict[str, Any]) -> int:
    """The compartment of a Patient the hospital's software registers."""
    answer = await space.post("Patient", resource, as_="hospital-software")
    assert answer.status == 201, answer.body
    place = space.built.door.ids.decode(answer.json["id"])
    assert place is not None
    return place[0]


async def known_to_insi(
    space: Space, ins: str, family: str, given: str, born: str, sex: str = "female"
) -> None:
    """Somebody whom the simulator knows."""
    await space.rows(
        "INSERT INTO vigilance.simulated VALUES (%s, %s, %s, %s, %s, %s, '75056')",
        ins, SYSTEM, family, given, born, sex,
    )  # fmt: skip


async def merged(space: Space, source: int, target: int) -> int:
    """A merge proposed by one officer and confirmed by the other."""
    proposal = await merge.propose(await space.visit(FIRST), source, target, "même personne")
    await merge.confirm(await space.visit(SECOND), proposal)
    return proposal


def id_of(space: Space, cid: int) -> str:
    """The id of a Patient."""
    return space.built.door.ids.encode(cid, cid)
