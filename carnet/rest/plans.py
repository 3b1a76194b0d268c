# SPDX-License-Identifier: EUPL-1.2
"""Carrying out a plan: place what is new, resolve references, let each act or the store write.

A single create is a plan of one entry, so that every write takes the same path.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from carnet import errors
from carnet.access.door import Address, Nothing, Unit, Visit, Written, commit
from carnet.access.door.writing import OtherOwner
from carnet.rest import conditions
from carnet.rest.acts import Acts, Entry, Place, Plan

CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.ASCII)
RESTFUL = re.compile(r"(https?://.+/)[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}", re.ASCII)
PLACED_FIRST = ("Patient",)  # others are about them
LINKS = frozenset(  # elements of type uri, url, oid and uuid that lead somewhere; `system` names
    "address definitionUri derivedFromUri endpoint eventUri implicitRules instantiatesUri moduleUri "
    "onlineInformation policy reference source sourceUri targetUri uri url valueOid valueUri valueUrl "
    "valueUuid".split()
)
NARRATIVE = re.compile(r"""(\s(?:href|src)\s*=\s*)(["'])([^"'<]*)\2""", re.ASCII)


class UnresolvedReference(errors.BusinessRule):
    """A conditional reference does not point to exactly one resource you may refer to."""

    status = 412


class UnknownPerson(UnresolvedReference):
    """The person a conditional reference names is unknown here."""

    code = "902"


class Ring(errors.Invalid):
    """Entries of the Bundle are about each other in a ring."""


class NotConditional(errors.NotSupported):
    """A conditional reference is Type?parameter=value, of search parameters of the type."""


class NeedsVersion(errors.Conflict):
    """This server asks an update or a patch to say in If-Match which version it changes."""

    status = 428


class SameTwice(errors.Invalid):
    """Two entries of a transaction write the same resource, or bear the same fullUrl."""


class OtherId(errors.Invalid):
    """The id of the body is not that of its address, nor of what the condition means."""


class Unanswering(errors.Conflict):
    """The id of the body is that of a resource which does not answer to the condition."""


INTERACTIONS = {"POST": "create", "PUT": "update", "DELETE": "delete", "PATCH": "patch"}


Then = Callable[[Visit], Awaitable[None]]


async def carry_out(visit: Visit, acts: Acts, plan: Plan, *, then: Then | None = None) -> None:
    """Write every entry of the plan in one transaction, or none.

    then: what to read in the same transaction, once all is written.
    """
    pristine = [(entry.method, entry.id, entry.resource) for entry in plan.entries]

    async def work(unit: Unit) -> None:
        for entry, (method, given, resource) in zip(plan.entries, pristine, strict=True):
            entry.method, entry.id, entry.resource = method, given, resource
            entry.address, entry.written = None, None
            entry.existing, entry.warnings = False, ()
        plan.known.clear()
        plan.found.clear()
        plan.follow = None
        if plan.before is not None:
            await plan.before(unit, plan)
        void = await _meant(unit, acts, plan)
        # Deletions first: what is created, or referred to, does not find what goes.
        for entry in sorted(plan.entries, key=_rank):
            if entry.method == "DELETE" and id(entry) not in void:
                with placed(entry):
                    await _write(unit, acts, plan, entry, {})
        named = _named(plan)
        await _place(unit, acts, plan, named)
        for entry in plan.entries:
            if entry.method in ("POST", "PUT") and not entry.existing:
                with placed(entry):
                    entry.resource = await _resolved(unit, acts, plan, entry, named)
        for entry in sorted(plan.entries, key=_rank):
            if entry.written is None and id(entry) not in void:
                with placed(entry):
                    await _write(unit, acts, plan, entry, named)
        if plan.after is not None:
            await plan.after(unit, plan)
        if then is not None:
            await unit.flush()
            await then(unit.reading())

    act = plan.entries[0].method if len(plan.entries) == 1 else "transaction"
    names = INTERACTIONS | {"PATCH": "update"}  # in the trace
    await commit(visit, work, names.get(act, act))


@contextmanager
def placed(entry: Entry) -> Iterator[None]:
    """A refusal of an entry says which it is, unless it says more."""
    try:
        yield
    except errors.CarnetError as refusal:
        refusal.path = refusal.path or entry.where or None
        raise


def _rank(entry: Entry) -> tuple[int, int, str]:
    """FHIR's order: DELETE, POST, PUT; a document before what came with it.

    What is changed is locked in the order of its address, so that Bundles do not wait in a ring.
    """
    first = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3}[entry.method]
    second = {"Patient": 0, "DocumentReference": 1, "Binary": 3}.get(entry.rtype, 2)
    return first, second, "" if entry.method == "POST" else f"{entry.rtype}/{entry.id}"


async def _meant(unit: Unit, acts: Acts, plan: Plan) -> set[int]:
    """Find what conditional updates, patches and deletes mean; give those entries that mean nothing.

    An update that means nothing is a create. All are looked for before anything is written, and the
    conditions are held in one order by all.
    """
    asked = [(entry, entry.condition) for entry in plan.entries if entry.condition is not None]
    for key in sorted({condition.key for _, condition in asked}):
        await unit.alone(key)
    void: set[int] = set()
    for entry, condition in asked:
        if entry.method == "POST":
            continue  # where it is placed
        interaction = INTERACTIONS[entry.method]
        acts.find(entry.rtype, interaction, plan.profiles)
        unit.may("update" if interaction == "patch" else interaction, entry.rtype)
        rows = await conditions.meant(unit, condition)
        if rows:
            found = conditions.sole(unit, rows)
            if entry.method == "PUT" and entry.resource.get("id", found.id) != found.id:
                raise OtherId
            entry.id = found.id
            if entry.method == "PUT":
                entry.resource = {**entry.resource, "id": found.id}
            plan.known[f"{entry.rtype}/{found.id}"] = conditions.address(found)
            if entry.full_url:
                plan.known[entry.full_url] = conditions.address(found)
        elif entry.if_match is not None:  # RFC 9110: nothing is there to match
            raise errors.VersionConflict
        elif entry.method == "PATCH":
            raise Nothing
        elif entry.method == "DELETE":
            void.add(id(entry))
        else:
            await _made(unit, entry)
    if asked:
        addresses = [(entry.rtype, entry.id) for entry in plan.entries if entry.id is not None]
        if len(set(addresses)) < len(addresses):
            raise SameTwice
    return void


async def _made(unit: Unit, entry: Entry) -> None:
    """A conditional update that means nothing: a create, under the id of its body if it has one."""
    id = entry.resource.get("id")
    if id is None:
        entry.method = "POST"
        return
    entry.id = id
    try:
        await unit.held(entry.rtype, id, lock=False)
    except errors.NotFound:
        return
    raise Unanswering


Named = dict[str, Entry]


def _named(plan: Plan) -> Named:
    """The entries by what may refer to them: their fullUrl, and the address of a PUT."""
    named: Named = {}
    for entry in plan.entries:
        if entry.method == "PUT":
            named[f"{entry.rtype}/{entry.id}"] = entry
        if entry.full_url and entry.method != "DELETE":
            named[entry.full_url] = entry
    return named


def _key(named: Named, entry: Entry, reference: str) -> str | None:
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


async def _place(unit: Unit, acts: Acts, plan: Plan, named: Named) -> None:
    """Addresses of everything new: patients first, then what is about them, then the rest."""
    waiting = [entry for entry in plan.entries if entry.method == "POST" and not entry.existing]
    if len(plan.entries) > 1:  # alone, an update finds out by itself that it is a create
        waiting += [entry for entry in plan.entries if _chooses(unit, acts, plan, entry)]
    for entry in plan.entries:
        place = unit.visit.door.ids.decode(entry.id) if entry.id is not None else None
        if place is not None and entry.full_url and entry.method in ("PUT", "PATCH"):
            there = Address(*place, entry.rtype, str(entry.id))
            plan.known.setdefault(entry.full_url, there)
    waiting.sort(key=lambda entry: entry.rtype not in PLACED_FIRST)
    about = unit.visit.door.owners.references
    if len(waiting) > 1:
        await unit.foresee(each for entry in waiting for each in about(entry.resource))
    while waiting:
        unplaced = {id(entry) for entry in waiting}
        later = []
        for entry in waiting:
            if _waits(unit, named, entry, unplaced):
                later.append(entry)
                continue
            with placed(entry):
                address = await _address(unit, acts, plan, entry, named)
            if entry.condition is not None:
                plan.found[entry.condition.key] = address
            unplaced.discard(id(entry))
            plan.known[address.literal] = address
            if entry.full_url:
                plan.known[entry.full_url] = address
        if len(later) == len(waiting):
            raise Ring
        waiting = later


async def _address(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> Address:
    """The address of one new resource, or of what is already there."""
    if entry.method == "PUT":
        assert entry.id is not None
        held = await unit.reserve(entry.rtype, entry.id)
        if held is not None:
            return held
        if entry.if_match is not None:
            raise errors.VersionConflict
        about = await _about(unit, acts, plan, entry, named)
        entry.address = await unit.place(about, plan.known, chosen=entry.id)
        return entry.address
    unit.may_create(entry.rtype)  # whether a person is known here is not told to anyone
    given, found = entry.place, None
    if given is not None and given.there:
        found = Address(given.cid, given.rid, entry.rtype, _id(unit, given))
    elif given is None or entry.rtype == "Patient":
        found = await existing(unit, acts, entry)
    if found is None and entry.condition is not None and entry.method == "POST":
        found = plan.found.get(entry.condition.key)  # two entries with one condition are one
        if found is None and entry.condition is not None:
            found = await conditions.held(unit, entry.condition)
    if found is not None:
        entry.address, entry.existing = found, True
    elif entry.rtype == "Patient":
        acts.find("Patient", "create", plan.profiles)  # without its act, nobody may
        entry.address = await unit.place_patient(given.cid if given is not None else None)
    else:
        about = await _about(unit, acts, plan, entry, named)
        if given is None:
            entry.address = await unit.place(about, plan.known)
        else:
            at, beside = (given.cid, given.rid), entry.follow[0] if entry.follow else None
            entry.address = await unit.place(
                about, plan.known, chosen=given.chosen, at=at, beside=beside
            )
    return entry.address


def _id(unit: Unit, place: Place) -> str:
    return unit.visit.door.ids.encode(place.cid, place.rid)


def _chooses(unit: Unit, acts: Acts, plan: Plan, entry: Entry) -> bool:
    """Whether an entry is a PUT to an id of the caller's own, by no act."""
    return (
        entry.method == "PUT"
        and not unit.visit.door.ids.ours(str(entry.id))
        and acts.find(entry.rtype, "update", plan.profiles) is None
    )


def _waits(unit: Unit, named: Named, entry: Entry, unplaced: set[int]) -> bool:
    """Whether an entry is about another that has no address yet."""
    for reference in unit.visit.door.owners.references(entry.resource):
        key = _key(named, entry, reference)
        if key is not None and named[key] is not entry and id(named[key]) in unplaced:
            return True
    return False


async def existing(unit: Unit, acts: Acts, entry: Entry) -> Address | None:
    """A person with this INS, a professional or a place of the directory with this identifier.

    What is not in the directory lands with the organisation that sends it: once, when it is the same.
    """
    resolver = acts.resolver(entry.rtype)
    if resolver is None:
        return None
    for identifier in entry.resource.get("identifier", []):
        if identifier.get("value"):
            found = await resolver(unit, identifier.get("system", ""), identifier["value"])
            if found is not None:
                await acts.check(unit, found, entry.resource)
                return found
    return await conditions.copy(unit, entry.resource) if entry.rtype != "Patient" else None


async def _write(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> None:
    """One entry, by its act or by the store."""
    if entry.existing:
        assert entry.address is not None
        entry.written = unit.known(entry.address)
        return
    act = acts.find(entry.rtype, INTERACTIONS[entry.method], plan.profiles)
    if act is not None:
        entry.written = await act(unit, plan, entry)
        return
    if entry.method == "PATCH":
        entry.written = await _patched(unit, acts, plan, entry, named)
    elif entry.method == "POST":
        assert entry.address is not None
        entry.written = unit.put(entry.address, entry.resource, **_followed(plan, entry))
    elif entry.method == "PUT":
        entry.written = await _put(unit, plan, entry)
    else:
        assert entry.id is not None
        entry.written = await unit.delete(entry.rtype, entry.id, if_match=entry.if_match)


async def _patched(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> Written:
    """A new version made by a patch of the current one, its references as those of any write."""
    assert entry.id is not None
    assert entry.patch is not None
    patch = entry.patch
    if _needs_version(unit, entry):
        await unit.held(entry.rtype, entry.id, lock=False)  # what is not there is not found
        raise NeedsVersion

    async def how(current: dict[str, Any]) -> dict[str, Any]:
        made = await patch(current)
        return await _resolved(unit, acts, plan, replace(entry, resource=made), named)

    return await unit.change(entry.rtype, entry.id, how, if_match=entry.if_match)


def _needs_version(unit: Unit, entry: Entry) -> bool:
    """Whether the version should have been named; a condition says enough of what it means."""
    required = unit.visit.door.settings.require_version
    return required and entry.if_match is None and entry.condition is None


async def _is_there(unit: Unit, rtype: str, id: str) -> bool:
    try:
        return not (await unit.held(rtype, id, lock=False)).gone
    except errors.NotFound:
        return False


async def _put(unit: Unit, plan: Plan, entry: Entry) -> Written:
    """A new version, or the first one of an id the caller chose."""
    assert entry.id is not None
    rtype, id, if_match = entry.rtype, entry.id, entry.if_match
    if entry.address is None:
        if _needs_version(unit, entry) and await _is_there(unit, rtype, id):
            raise NeedsVersion
        try:
            return await unit.update(rtype, id, entry.resource, if_match=if_match)
        except errors.NotFound:
            if unit.visit.door.ids.ours(id):
                raise
            if if_match is not None:  # RFC 9110: nothing is there to match
                raise errors.VersionConflict from None
        if await unit.reserve(rtype, id) is not None:  # another made it in the meantime
            return await unit.update(rtype, id, entry.resource)
        entry.address = await unit.place(entry.resource, plan.known, chosen=id)
    return unit.put(entry.address, entry.resource, **_followed(plan, entry))


def _followed(plan: Plan, entry: Entry) -> dict[str, Any]:
    """What came with the one document of a lot follows it for ever."""
    address = entry.address
    assert address is not None
    if entry.follow is not None:
        cid, rid, kind, label = entry.follow
        if cid != address.cid:
            raise OtherOwner
        return {"kind": kind, "label": label, "origin": rid}
    documents = [entry for entry in plan.entries if entry.rtype == "DocumentReference"]
    if plan.follow is None or len(documents) != 1 or plan.follow[0] != address.cid:
        return {}
    _, rid, kind, label = plan.follow
    return {"kind": kind, "label": label, "origin": rid}


async def _about(unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named) -> dict[str, Any]:
    """What says whose a resource is, resolved: all that placing it looks at."""
    part = unit.visit.door.owners.part(entry.resource)
    return await _resolved(unit, acts, plan, replace(entry, resource=part), named)


async def _resolved(
    unit: Unit, acts: Acts, plan: Plan, entry: Entry, named: Named
) -> dict[str, Any]:
    """A copy whose references to entries of the plan and to our own addresses are relative.

    Conditional references are resolved; they are asked once a plan.
    """
    resource = await _logical_owner(unit, acts, entry.resource)
    base = f"{unit.visit.door.settings.base_url}/fhir/"
    replaced: dict[str, str] = {}
    for element, address in _addresses(resource, []):
        if address in replaced:
            continue
        key = _key(named, entry, address) if element == "reference" else address
        if key in plan.known:
            replaced[address] = plan.known[key].literal
        elif element != "reference":
            continue
        elif address.startswith(base):
            replaced[address] = address.removeprefix(base)
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
