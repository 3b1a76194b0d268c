# SPDX-License-Identifier: EUPL-1.2
"""References and links of what a plan writes: which entry or resource each one means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from carnet import errors
from carnet.access.door import Address, Unit
from carnet.rest import conditions
from carnet.rest.acts import Acts, Entry, Plan

CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.ASCII)
RESTFUL = re.compile(r"(https?://.+/)[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}", re.ASCII)
LINKS = frozenset(  # elements of type uri, url, oid and uuid that lead somewhere; `system` names
    "address definitionUri derivedFromUri endpoint eventUri implicitRules instantiatesUri moduleUri "
    "onlineInformation policy reference source sourceUri targetUri uri url valueOid valueUri valueUrl "
    "valueUuid".split()
)
NARRATIVE = re.compile(r"""(\s(?:href|src)\s*=\s*)(["'])([^"'<]*)\2""", re.ASCII)
Named = dict[str, Entry]


class UnresolvedReference(errors.BusinessRule):
    """A conditional reference does not point to exactly one resource you may refer to."""

    status = 412


class UnknownPerson(UnresolvedReference):
    """The person a conditional reference names is unknown here."""

    code = "902"


class NotConditional(errors.NotSupported):
    """A conditional reference is Type?parameter=value, of search parameters of the type."""


def named_by(plan: Plan) -> Named:
    """The entries by what may refer to them: their fullUrl, and the address of a PUT."""
    named: Named = {}
    for entry in plan.entries:
        if entry.method == "PUT":
            named[f"{entry.rtype}/{entry.id}"] = entry
        if entry.full_url and entry.method != "DELETE":
            named[entry.full_url] = entry
    return named


def key_of(named: Named, entry: Entry, reference: str) -> str | None:
    """The fullUrl or address in `named` that a reference of an entry means.

    A relative reference is read beside the fullUrl of the resource it stands in.
    Source: FHIR R4, Bundle, "Resolving references in Bundles".
    """
    if reference in named:
        return reference
    found = RESTFUL.fullmatch(entry.full_url)
    if found and found[1] + reference in named:
        return found[1] + reference
    return None


async def owned_part(
    unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named
) -> dict[str, Any]:
    """What says whose a resource is, resolved: all that placing it looks at."""
    part = unit.visit.door.owners.part(entry.resource)
    if entry.rtype == "Slot" and "schedule" in entry.resource:  # it lies where its agenda does
        part = {**part, "schedule": entry.resource["schedule"]}
    return await resolved(unit, acts, plan, replace(entry, resource=part), named)


async def resolved(
    unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named
) -> dict[str, Any]:
    """A copy whose references to entries of the plan and to our own addresses are relative.

    Conditional references are resolved; they are asked once a plan.
    """
    resource = await _logical_owner(unit, acts, entry.resource)
    base = f"{unit.visit.door.settings.base_url}/"
    bases = (f"{base}fhir/", f"{base}{unit.visit.endpoint or 'fhir'}/")
    replaced: dict[str, str] = {}
    for element, address in _addresses(resource, []):
        if address in replaced:
            continue
        key = key_of(named, entry, address) if element == "reference" else address
        if key in plan.known:
            replaced[address] = plan.known[key].literal
        elif element != "reference":
            continue
        elif own := next((each for each in bases if address.startswith(each)), ""):
            replaced[address] = address.removeprefix(own)
        elif found := CONDITIONAL.fullmatch(address):
            if address not in plan.found:
                plan.found[address] = await _find(unit, acts, plan, found[1], found[2])
            replaced[address] = plan.found[address].literal
    if not replaced:
        return resource
    made: dict[str, Any] = copied(resource, replaced)
    return {**made, "url": resource["url"]} if "url" in resource else made  # its name, no link


def _addresses(value: Any, found: list[tuple[str, str]], key: str = "") -> list[tuple[str, str]]:
    """Every reference and link of a resource and of what it contains, with its element, in `found`."""
    if type(value) is dict:
        for name, each in value.items():
            if type(each) is not str:
                _addresses(each, found, name)
            elif name in LINKS:
                found.append((name, each))
            elif name == "div":
                found += (("div", link[3]) for link in NARRATIVE.finditer(each))
    elif type(value) is list:
        for each in value:
            if type(each) is not str:
                _addresses(each, found)
            elif key in LINKS:
                found.append((key, each))
    return found


def copied(value: Any, replaced: Mapping[str, str], key: str = "") -> Any:
    """A copy where references and links are replaced, never an identifier's value.

    What has nothing to replace is shared with the original: neither may be changed in place.
    """
    if type(value) is dict:
        changed = {
            name: new
            for name, each in value.items()
            if (new := copied(each, replaced, name)) is not each
        }
        return {**value, **changed} if changed else value
    if type(value) is list:
        made = [copied(each, replaced, key) for each in value]
        return (
            made if any(new is not each for new, each in zip(made, value, strict=True)) else value
        )
    if type(value) is str and key in LINKS:
        return replaced.get(value, value)
    if type(value) is str and key == "div":
        return NARRATIVE.sub(
            lambda link: f"{link[1]}{link[2]}{replaced.get(link[3], link[3])}{link[2]}", value
        )
    return value


async def _logical_owner(unit: Unit, acts: Acts, resource: dict[str, Any]) -> dict[str, Any]:
    """A person named by INS alone (`subject.identifier`) becomes a reference to their Patient."""
    resolver = acts.resolver("Patient")
    for element in ("subject", "patient", "beneficiary", "for"):
        named = resource.get(element)
        if not isinstance(named, dict) or named.get("reference") or resolver is None:
            continue
        identifier = named.get("identifier", {})
        if not identifier.get("value"):
            continue
        found = await resolver(unit, str(identifier.get("system", "")), str(identifier["value"]))
        if found is not None:
            resource = {**resource, element: {"reference": found.literal, **named}}
    return resource


def _sent(plan: Plan, rtype: str, system: str, value: str) -> Address | None:
    """What the Bundle itself creates with this identifier, when it is one."""
    places = {
        entry.address
        for entry in plan.entries
        if entry.rtype == rtype
        and entry.address is not None
        and conditions.borne_by(entry.resource, system, value)
    }
    if len(places) > 1:
        raise conditions.Ambiguous
    return places.pop() if places else None


async def _find(unit: Unit, acts: Acts, plan: Plan, rtype: str, query: str) -> Address:
    """What a conditional reference means: somebody known, a place of the directory, or what is seen."""
    try:
        parameters = parse_qsl(query, errors="strict")
    except ValueError:
        raise NotConditional from None
    found, named = None, len(parameters) == 1 and parameters[0][0] == "identifier"
    if rtype not in unit.visit.door.definitions.types:
        raise NotConditional
    if named:
        system, _, value = parameters[0][1].rpartition("|")
        resolver = acts.resolver(rtype)
        if resolver is not None:
            found = await resolver(unit, system, value)
        if found is None and rtype != "Patient" and system and value:
            found = conditions.only(await conditions.bearing(unit, rtype, system, value))
    elif plan.parser is not None:
        # Of people too: among those the caller sees, so that nobody is guessed by their traits.
        condition = conditions.read(plan.parser, rtype, query)
        found = conditions.only(await conditions.meant(unit, condition))
    else:
        raise NotConditional
    if found is None and named:
        found = _sent(plan, rtype, system, value)
    if found is None:
        raise UnknownPerson if rtype == "Patient" else UnresolvedReference
    return found
