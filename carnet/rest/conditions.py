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
from carnet.access.door import Address, Unit
from carnet.fhir import json
from carnet.fhir.search import tokens
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import Scope
from carnet.fhir.search.tokens import TokenFilter


class WrongCondition(errors.NotSupported):
    """A conditional create is supported by one identifier: identifier=system|value."""


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
    door = unit.visit.door
    parameter = door.definitions.params[rtype].get("identifier")
    if parameter is None:
        raise WrongCondition
    await unit.alone(f"if-none-exist|{rtype}|{system}\0{value}")
    query = Query(rtype, (TokenFilter(parameter.number, ((system, value),)),), count=3)
    found = {(row.cid, row.rid): row for row in await unit.find(query)}
    if unit.visit.actor.org is not None:
        own = Scope(software=unit.visit.actor.org)
        found |= {(row.cid, row.rid): row for row in await unit.find(query, own)}
    matches = [row for row in found.values() if _bears(json.parse(row.body), system, value)]
    if len(matches) > 1:
        raise SeveralMatch
    return Address(matches[0].cid, matches[0].rid, rtype, matches[0].id) if matches else None


def _bears(resource: dict[str, Any], system: str, value: str) -> bool:
    given = resource.get("identifier", [])
    return any(
        each.get("system") == system and each.get("value") == value
        for each in (given if isinstance(given, list) else [given])
    )
