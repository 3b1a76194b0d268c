# SPDX-License-Identifier: EUPL-1.2
"""Carrying out a plan: place what is new, resolve references, let each act or the store write.

A single create is a plan of one entry, so that every write takes the same path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from carnet import errors
from carnet.access.door import Address, Unit, Visit, commit
from carnet.rest.acts import Acts, Entry, Plan

CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.ASCII)
PLACED_FIRST = ("Patient",)  # others are about them
URL_KEYS = frozenset(("url", "valueUri", "valueUrl", "valueUuid"))


class UnresolvedReference(errors.BusinessRule):
    """A conditional reference does not point to exactly one resource you may refer to."""

    status = 412


class NotConditional(errors.NotSupported):
    """Conditional references are supported as Type?identifier=system|value."""


async def carry_out(visit: Visit, acts: Acts, plan: Plan) -> None:
    """Write every entry of the plan in one transaction, or none."""
    pristine = [entry.resource for entry in plan.entries]

    async def work(unit: Unit) -> None:
        for entry, resource in zip(plan.entries, pristine, strict=True):
            entry.resource, entry.address, entry.written = resource, None, None
            entry.warnings = ()
        plan.known.clear()
        plan.follow = None
        await _place(unit, acts, plan)
        for entry in plan.entries:
            if entry.method in ("POST", "PUT"):
                entry.resource = await _resolved(unit, acts, plan, entry.resource)
        for entry in sorted(plan.entries, key=_rank):
            if entry.written is None:
                await _write(unit, acts, plan, entry)

    act = plan.entries[0].method if len(plan.entries) == 1 else "transaction"
    names = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "update"}
    await commit(visit, work, names.get(act, act))


def _rank(entry: Entry) -> tuple[int, int]:
    """FHIR's order: DELETE, POST, PUT; a document before what came with it."""
    first = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3}[entry.method]
    second = {"Patient": 0, "DocumentReference": 1, "Binary": 3}.get(entry.rtype, 2)
    return first, second


async def _place(unit: Unit, acts: Acts, plan: Plan) -> None:
    """Addresses of everything new: patients first, then what is about them, then the rest."""
    new = [entry for entry in plan.entries if entry.method == "POST"]
    waiting = sorted(new, key=lambda entry: entry.rtype not in PLACED_FIRST)
    while waiting:
        later = []
        for entry in waiting:
            if _waits(unit, plan, entry, waiting):
                later.append(entry)
                continue
            unit.may_create(entry.rtype)  # whether a person is known here is not told to anyone
            existing = await _existing(unit, acts, entry)
            if existing is not None:
                entry.address, entry.existing = existing, True
            elif entry.rtype == "Patient":
                acts.find("Patient", "create", plan.profiles)  # without its act, nobody may
                entry.address = await unit.place_patient()
            else:
                resource = await _resolved(unit, acts, plan, entry.resource)
                entry.address = await unit.place(resource, plan.known)
            if entry.full_url:
                plan.known[entry.full_url] = entry.address
        if len(later) == len(waiting):  # a ring: each is about another
            raise errors.Invalid("Entries of the Bundle are about each other in a ring.")
        waiting = later


def _waits(unit: Unit, plan: Plan, entry: Entry, waiting: list[Entry]) -> bool:
    """Whether an entry is about another that has no address yet."""
    unplaced = {other.full_url for other in waiting if other.address is None and other is not entry}
    return any(
        reference in unplaced for reference in unit.visit.door.owners.references(entry.resource)
    )


async def _existing(unit: Unit, acts: Acts, entry: Entry) -> Address | None:
    """A person with this INS, a professional or a place of the directory with this identifier."""
    resolver = acts.resolver(entry.rtype)
    if resolver is None:
        return None
    for identifier in entry.resource.get("identifier", []):
        if identifier.get("value"):
            found = await resolver(unit, identifier.get("system", ""), identifier["value"])
            if found is not None:
                return found
    return None


async def _write(unit: Unit, acts: Acts, plan: Plan, entry: Entry) -> None:
    """One entry, by its act or by the store."""
    if entry.existing:
        assert entry.address is not None
        entry.written = unit.known(entry.address)
        return
    interaction = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}[
        entry.method
    ]
    act = acts.find(entry.rtype, interaction, plan.profiles)
    if act is not None:
        entry.written = await act(unit, plan, entry)
        return
    if entry.method == "PATCH":
        raise errors.NotSupported("PATCH is not supported on this type yet.")
    if entry.method == "POST":
        assert entry.address is not None
        entry.written = unit.put(entry.address, entry.resource, **_followed(plan, entry.address))
    elif entry.method == "PUT":
        assert entry.id is not None
        try:
            entry.written = await unit.update(
                entry.rtype, entry.id, entry.resource, if_match=entry.if_match
            )
        except errors.NotFound:
            if entry.if_match is not None or unit.visit.door.ids.decode(entry.id) is not None:
                raise
            entry.address = await unit.place(entry.resource, plan.known, chosen=entry.id)
            entry.written = unit.put(entry.address, entry.resource)
    else:
        assert entry.id is not None
        entry.written = await unit.delete(entry.rtype, entry.id, if_match=entry.if_match)


def _followed(plan: Plan, address: Address) -> dict[str, Any]:
    """What came with the one document of a lot follows it for ever."""
    documents = [entry for entry in plan.entries if entry.rtype == "DocumentReference"]
    if plan.follow is None or len(documents) != 1 or plan.follow[0] != address.cid:
        return {}
    _, rid, kind, label = plan.follow
    return {"kind": kind, "label": label, "origin": rid}


async def _resolved(unit: Unit, acts: Acts, plan: Plan, resource: dict[str, Any]) -> dict[str, Any]:
    """A copy whose references to entries of the plan are addresses, conditional ones resolved."""
    conditional: dict[str, str] = {}
    for reference in _conditional_references(resource):
        found = CONDITIONAL.fullmatch(reference)
        if found and reference not in conditional:
            address = await _find(unit, acts, found[1], found[2])
            conditional[reference] = address.literal
    resource = await _logical_owner(unit, acts, resource)
    known = {key: address.literal for key, address in plan.known.items()}
    replaced = known | conditional
    if not replaced:
        return resource
    made: dict[str, Any] = copied(resource, replaced)
    return made


def _conditional_references(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [text for each in value.values() for text in _conditional_references(each)]
        reference = value.get("reference")
        if isinstance(reference, str) and "?" in reference:
            found.append(reference)
        return found
    if isinstance(value, list):
        return [text for each in value for text in _conditional_references(each)]
    return []


def copied(value: Any, replaced: Mapping[str, str]) -> Any:
    """A deep copy; only reference and url elements are replaced, never an identifier's value."""
    if isinstance(value, dict):
        return {
            key: replaced.get(each, each)
            if isinstance(each, str) and (key == "reference" or key in URL_KEYS)
            else copied(each, replaced)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [copied(each, replaced) for each in value]
    return value


async def _logical_owner(unit: Unit, acts: Acts, resource: dict[str, Any]) -> dict[str, Any]:
    """A person named by INS alone (`subject.identifier`) becomes a reference to their Patient."""
    resolver = acts.resolver("Patient")
    for element in ("subject", "patient", "beneficiary", "for"):
        named = resource.get(element)
        if not isinstance(named, dict) or named.get("reference") or resolver is None:
            continue
        identifier = named.get("identifier", {})
        found = await resolver(
            unit, str(identifier.get("system", "")), str(identifier.get("value", ""))
        )
        if found is not None:
            resource = {**resource, element: {"reference": found.literal, **named}}
    return resource


async def _find(unit: Unit, acts: Acts, rtype: str, query: str) -> Address:
    parameters = parse_qsl(query)
    resolver = acts.resolver(rtype)
    if resolver is None or len(parameters) != 1 or parameters[0][0] != "identifier":
        raise NotConditional
    system, _, value = parameters[0][1].rpartition("|")
    found = await resolver(unit, system, value)
    if found is None:
        raise UnresolvedReference
    return found
