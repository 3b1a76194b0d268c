# SPDX-License-Identifier: EUPL-1.2
"""What a condition means: create unless it is there, update, patch or delete the one that answers.

What the caller sees answers, and what is hidden is not there; a create that names an identifier also looks
at what their own organisation deposited. Two callers with the same condition wait for each
other. A 64-bit hash finds, the opened resource decides.
Source: FHIR R4, conditional create, update, patch and delete; DESIGN §3; docs/decisions/0030.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from carnet import errors
from carnet.access.actor import ActorKind
from carnet.access.door import Address, Stored, Unit
from carnet.fhir import json
from carnet.fhir.search import tokens
from carnet.fhir.search.chains import VIEWS
from carnet.fhir.search.parse import RESULT, Parser
from carnet.fhir.search.query import Query
from carnet.fhir.search.scope import Scope
from carnet.fhir.search.tokens import TokenFilter

MOST = 20  # resources with one identifier that are looked at


class WrongCondition(errors.NotSupported):
    """A condition is made of search parameters of the type, each with a value, and of nothing else."""


class SeveralMatch(errors.BusinessRule):
    """Several resources answer to the condition: it is not known which one is meant."""

    issue = "multiple-matches"
    status = 412


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read."""

    query: Query
    key: str  # the same for the same condition, whatever its order
    identifier: tuple[str, str] | None = None  # (system, value), when one is named whole

    @property
    def alone(self) -> bool:
        """Whether it names an identifier and no more."""
        return self.identifier is not None and len(self.query.filters) == 1


def read(parser: Parser, rtype: str, text: str) -> Condition:
    """The condition `name=value&…` on a type; WrongCondition for one that would choose nothing."""
    try:
        given = parse_qsl(text.removeprefix("?"), errors="strict", keep_blank_values=True)
    except ValueError:
        raise WrongCondition from None
    if any(name in RESULT or "\0" in name + value for name, value in given) or rtype in VIEWS:
        raise WrongCondition
    query = parser.parse(rtype, given)
    if not given or len(query.filters) != len(given):  # an empty condition is never all there is
        raise WrongCondition
    query = replace(query, count=2)
    named = [_whole(value) for name, value in given if name == "identifier"]
    found = next((each for each in named if each is not None), None)
    condition = Condition(query, f"if-none-exist|{rtype}|{urlencode(sorted(given))}", found)
    if found is not None and condition.alone:
        condition = replace(condition, key=f"if-none-exist|{rtype}|{found[0]}\0{found[1]}")
    return condition


def _whole(value: str) -> tuple[str, str] | None:
    """(system, value) of an identifier named by both, and alone."""
    if "," in value:
        return None
    try:
        system, code = tokens.read(value)
    except tokens.WrongToken:
        return None
    return (system, code) if system and code else None


async def held(unit: Unit, condition: Condition) -> Address | None:
    """What answers to the condition of a create, when it is one."""
    if condition.alone and condition.identifier is not None:
        matches = await bearing(unit, condition.query.rtype, *condition.identifier)
    else:
        matches = await meant(unit, condition)
    return address(sole(unit, matches)) if matches else None


async def meant(unit: Unit, condition: Condition) -> list[Stored]:
    """What answers to a condition among what the caller sees: two at most, traced as a search.

    Their organisation's deposits are not asked: by other criteria than an identifier that its own
    software gave, whoever works there could feel for what is hidden from them.
    """
    unit.looked = True
    found = (await replace(unit.reading(), anew=True).search(condition.query)).matches
    if condition.identifier is None:
        return found
    return [row for row in found if _bears(row.resource, *condition.identifier)]


def sole(unit: Unit, matches: Sequence[Stored]) -> Stored:
    """The one that answers; SeveralMatch, and told in their records, when there are several."""
    if len(matches) > 1:
        unit.looked = True
        unit.tried.update(row.cid for row in matches)
        raise SeveralMatch
    return matches[0]


class Ambiguous(SeveralMatch):
    """A conditional reference points to several resources you may refer to: it has to say more."""


def only(matches: Sequence[Stored]) -> Address | None:
    """The resource a conditional reference means; Ambiguous when it may be several."""
    if len(matches) > 1:
        raise Ambiguous
    return address(matches[0]) if matches else None


def borne_by(resource: dict[str, Any], system: str, value: str) -> bool:
    """Whether a resource has an identifier."""
    return bool(system and value) and _bears(resource, system, value)


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
                    return address(row)
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


def address(row: Stored) -> Address:
    """Where a row is."""
    return Address(row.cid, row.rid, row.rtype, row.id, ver=row.ver)


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
    # The parameter `identifier` of documents is of both.
    borne = [*(given if isinstance(given, list) else [given]), resource.get("masterIdentifier", {})]
    return any(each.get("system") == system and each.get("value") == value for each in borne)
