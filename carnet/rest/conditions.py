# SPDX-License-Identifier: EUPL-1.2
"""Conditional create: a resource that is already there is not written twice.

What is searched is what the caller sees and what their own organisation deposited; two callers with the
same condition wait for each other. A 64-bit hash finds, the opened resource decides.
Source: FHIR R4, "Conditional create"; DESIGN §3.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Stored, Unit
from carnet.fhir import json
from carnet.fhir.search import tokens
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import Scope
from carnet.fhir.search.tokens import TokenFilter

MOST = 20  # resources with one identifier that are looked at


class WrongCondition(errors.NotSupported):
    """Conditional create is supported by one identifier: identifier=system|value."""


class SeveralMatch(errors.BusinessRule):
    """Several resources answer to the condition of a create: it is not known which one is meant."""

    status = 412


def read(condition: str) -> tuple[str, str]:
    """(system, value) of `identifier=system|value`."""
    try:
        parameters = parse_qsl(condition.lstrip("?"), errors="strict", keep_blank_values=True)
    except ValueError:
        raise WrongCondition from None
    if len(parameters) != 1 or parameters[0][0] != "identifier" or "," in parameters[0][1]:
        raise WrongCondition
    try:
        system, value = tokens.read(parameters[0][1])
    except tokens.WrongToken:
        raise WrongCondition from None
    if not system or not value:
        raise WrongCondition
    return system, value


async def held(unit: Unit, rtype: str, condition: str) -> Address | None:
    """What answers to a condition, when it is one; nobody else makes it meanwhile."""
    system, value = read(condition)
    await unit.alone(f"if-none-exist|{rtype}|{system}\0{value}")
    matches = await bearing(unit, rtype, system, value)
    if len(matches) > 1:
        raise SeveralMatch
    return _address(matches[0]) if matches else None


async def one(unit: Unit, rtype: str, system: str, value: str) -> Address | None:
    """The resource a conditional reference means, when it is exactly one."""
    if not system or not value:
        return None
    matches = await bearing(unit, rtype, system, value)
    return _address(matches[0]) if len(matches) == 1 else None


async def copy(unit: Unit, resource: dict[str, Any]) -> Address | None:
    """The same professional or place, as this organisation has already deposited it.

    Only with the same content: another description of the same place is kept beside.
    """
    org = unit.visit.actor.org
    if org is None:
        return None
    for identifier in resource.get("identifier", []):
        system, value = identifier.get("system"), identifier.get("value")
        if system and value:
            for row in await bearing(unit, resource["resourceType"], system, value):
                if row.cid == org and _said(json.parse(row.body)) == _said(resource):
                    return _address(row)
    return None


async def bearing(unit: Unit, rtype: str, system: str, value: str) -> list[Stored]:
    """What the caller sees, and their organisation deposited, that has an identifier."""
    door = unit.visit.door
    parameter = door.definitions.params[rtype].get("identifier")
    if parameter is None:
        raise WrongCondition
    query = Query(rtype, (TokenFilter(parameter.number, ((system, value),)),), count=MOST)
    found = {(row.cid, row.rid): row for row in await unit.find(query)}
    actor = unit.visit.actor
    if actor.org is not None and actor.kind is not ActorKind.SOFTWARE:  # whose sight is just that
        own = Scope(software=actor.org)
        found |= {(row.cid, row.rid): row for row in await unit.find(query, own)}
    return [row for row in found.values() if _bears(json.parse(row.body), system, value)]


def _address(row: Stored) -> Address:
    return Address(row.cid, row.rid, row.rtype, row.id)


def _said(resource: dict[str, Any]) -> bytes:
    meta = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated")
    }
    kept = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    return json.dump({"meta": meta, **dict(sorted(kept.items()))})


def _bears(resource: dict[str, Any], system: str, value: str) -> bool:
    given = resource.get("identifier", [])
    return any(
        each.get("system") == system and each.get("value") == value
        for each in (given if isinstance(given, list) else [given])
    )
