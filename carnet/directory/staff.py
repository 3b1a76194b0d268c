# SPDX-License-Identifier: EUPL-1.2
"""Places and professionals of an operator's file, into the directory, and who may act for each place.

FHIR resources: Organization (FINESS), Practitioner (RPPS), PractitionerRole (who, where, profession). What is
there already is left alone; a role that is new adds a place of practice. Nobody gets a password by this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

from carnet import errors
from carnet.access import queries, stepup
from carnet.access.door import DIRECTORY, Visit
from carnet.directory import find
from carnet.directory.load import load
from carnet.fhir import json as strict
from carnet.identity.organisations import IDNST, Finess
from carnet.identity.professionals import IDNPS, Rpps

RPPS: Final = "https://rpps.esante.gouv.fr"
FINESS: Final = "https://finess.esante.gouv.fr"
PROFESSION: Final = "TRE_G15-ProfessionSante"
SPECIALTY: Final = "TRE_R38-SpecialiteOrdinale"
ROLE: Final = "PractitionerRole"
TYPES: Final = ("Organization", "Practitioner", ROLE)
SITUATED: LiteralString = "SELECT FROM access.situation WHERE sub = %s AND org = %s LIMIT 1"


class WrongDirectory(errors.Invalid):
    """A file of the directory has Organization, Practitioner and PractitionerRole of FHIR."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many of each are new."""

    places: int
    professionals: int
    roles: int


@dataclass(slots=True)
class _Known:
    """What is there, by the file's own references: literal references, compartments of places."""

    there: dict[str, str]
    places: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Act:
    """A professional at a place."""

    role: dict[str, Any]
    who: dict[str, Any]
    where: dict[str, Any]

    @property
    def sub(self) -> str:
        """Who acts."""
        return f"rpps:{_number(self.who, RPPS, IDNPS)}"

    def subject(self) -> dict[str, Any]:
        """Values of ADD_SUBJECT."""
        return {
            "sub": self.sub, "kind": "professional", "name": _name(self.who), "patient": None,
            "rpps": int(self.sub.removeprefix("rpps:")), "profession": _profession(self.role),
        }  # fmt: skip


def read(path: Path) -> list[dict[str, Any]]:
    """The resources of a file, in the order they are loaded; WrongDirectory says which is wrong."""
    try:
        data = path.read_bytes()
        if path.suffix == ".ndjson":
            every: list[Any] = [strict.parse(line) for line in data.splitlines() if line.strip()]
        elif data.lstrip()[:1] == b"[":
            every = strict.parse_list(data)
        else:
            every = [each.get("resource") for each in strict.parse(data).get("entry", [])]
    except (OSError, errors.Invalid, AttributeError) as error:
        raise WrongDirectory(f"{path.name} cannot be read: {error}") from None
    found = [_checked(each, f"{path.name}, resource {n}") for n, each in enumerate(every, 1)]
    if not found:
        raise WrongDirectory(f"{path.name} has no resource of the directory.")
    return sorted(found, key=lambda each: TYPES.index(each["resourceType"]))


def _checked(resource: Any, where: str) -> dict[str, Any]:
    if not isinstance(resource, dict) or resource.get("resourceType") not in TYPES:
        raise WrongDirectory(f"{where}: its type is one of {', '.join(TYPES)}.")
    if not isinstance(resource.get("id"), str):
        raise WrongDirectory(f"{where}: it has an id, by which the others of the file name it.")
    try:
        if resource["resourceType"] == "Organization":
            finess = Finess(_number(resource, FINESS, IDNST))
            if not isinstance(resource.get("name"), str) or not resource["name"].strip():
                raise WrongDirectory(f"{where}: a place has a name.")
            others = [
                each for each in resource["identifier"] if each["system"] not in (IDNST, FINESS)
            ]
            first = [
                {"system": IDNST, "value": finess.idnst},
                {"system": FINESS, "value": finess.value},
            ]
            return {**resource, "identifier": first + others}
        if resource["resourceType"] == "Practitioner":
            rpps = Rpps(_number(resource, RPPS, IDNPS))
            if not _name(resource):
                raise WrongDirectory(f"{where}: a professional has a name.")
            others = [
                each for each in resource["identifier"] if each["system"] not in (IDNPS, RPPS)
            ]
            first = [{"system": IDNPS, "value": rpps.idnps}, {"system": RPPS, "value": rpps.value}]
            return {**resource, "identifier": first + others}
    except (KeyError, TypeError, AttributeError):
        raise WrongDirectory(f"{where}: its identifiers have a system and a value.") from None
    except errors.Invalid as error:
        said = error if isinstance(error, WrongDirectory) else f"{where}: {error}"
        raise WrongDirectory(str(said)) from None
    if not _profession(resource):
        raise WrongDirectory(f"{where}: its code says a profession of {PROFESSION}.")
    return resource


def _number(resource: dict[str, Any], plain: str, prefixed: str) -> str:
    """The number as the register writes it, however the file does."""
    for each in resource["identifier"]:
        if each["system"] == plain:
            return str(each["value"])
        if each["system"] == prefixed:
            return str(each["value"])[1:]
    raise WrongDirectory("its FINESS or RPPS is missing")


def _name(practitioner: dict[str, Any]) -> str:
    said = (practitioner.get("name") or [{}])[0]
    parts = [*said.get("prefix", []), *said.get("given", [])[:1], said.get("family", "")]
    return " ".join(str(each) for each in parts if each) if said.get("family") else ""


def _profession(role: dict[str, Any]) -> str:
    """TRE_G15, with TRE_R38 after a slash."""
    codings = [
        coding
        for each in [*role.get("code", []), *role.get("specialty", [])]
        for coding in each.get("coding", [])
    ]
    found = {
        name: str(coding["code"])
        for name in (PROFESSION, SPECIALTY)
        for coding in codings
        if str(coding.get("system", "")).endswith(name) and coding.get("code")
    }
    if PROFESSION not in found:
        return ""
    return "/".join(found[name] for name in (PROFESSION, SPECIALTY) if name in found)


async def add(visit: Visit, owner: str, resources: Sequence[dict[str, Any]]) -> Loaded:
    """What is new of a file that was read. owner: URL of the database's owner, who alone adds actors."""
    stepup.fresh(visit.actor, visit.door.clock())
    known = await _known(visit, resources)
    roles = [each for each in resources if each["resourceType"] == ROLE]
    acts = [_act(each, resources) for each in roles]  # refused before anything is written
    fresh = [act for act in acts if not await _practises(visit, act, known)]
    new = [
        each for each in resources if each["resourceType"] != ROLE and _own(each) not in known.there
    ]
    new += [act.role for act in fresh]
    addresses = await load(visit, [_linked(each, known.there) for each in new]) if new else []
    for each, address in zip(new, addresses, strict=True):
        if each["resourceType"] == "Organization":
            known.places[_own(each)] = address.rid
    async with await psycopg.AsyncConnection.connect(owner) as conn:
        for act in fresh:
            org = known.places[_own(act.where)]
            await conn.execute(queries.ADD_SUBJECT, act.subject())
            values = {"id": f"{act.sub}@{org}", "sub": act.sub, "org": org}
            await conn.execute(queries.ADD_SITUATION, values)
    count = [each["resourceType"] for each in new]
    return Loaded(*(count.count(each) for each in TYPES))


def _own(resource: dict[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


async def _known(visit: Visit, resources: Sequence[dict[str, Any]]) -> _Known:
    """Places and professionals of the file that the directory has."""
    known = _Known({}, {})
    async with visit.door.pool.connection() as conn:
        for each in resources:
            if each["resourceType"] == "Organization":
                identifier = each["identifier"][0]
                cid = await queries.organisation(conn, identifier["system"], identifier["value"])
                if cid is not None:
                    known.places[_own(each)] = cid
                    known.there[_own(each)] = (
                        f"Organization/{visit.door.ids.encode(DIRECTORY, cid)}"
                    )
    for each in resources:
        if each["resourceType"] == "Practitioner":
            there = await find.professional(visit, int(_number(each, RPPS, IDNPS)))
            if there is not None:
                known.there[_own(each)] = there
    return known


def _act(role: dict[str, Any], resources: Sequence[dict[str, Any]]) -> _Act:
    """Who, where and as what; both are in the same file."""
    found = {_own(each): each for each in resources}
    try:
        who = found[role["practitioner"]["reference"]]
        where = found[role["organization"]["reference"]]
    except (KeyError, TypeError):
        raise WrongDirectory(
            f"PractitionerRole/{role['id']}: who and where are of the same file."
        ) from None
    return _Act(role, who, where)


async def _practises(visit: Visit, act: _Act, known: _Known) -> bool:
    """Whether this professional is known to practise there."""
    org = known.places.get(_own(act.where))
    if org is None:
        return False
    async with visit.door.pool.connection() as conn:
        rows = await conn.execute(SITUATED, (act.sub, org))
        return await rows.fetchone() is not None


def _linked(value: Any, there: dict[str, str]) -> Any:
    """References to what is there already, as it is called here."""
    if isinstance(value, dict):
        return {
            key: there.get(each, each)
            if key == "reference" and isinstance(each, str)
            else _linked(each, there)
            for key, each in value.items()
        }
    return [_linked(each, there) for each in value] if isinstance(value, list) else value


def text(found: Loaded) -> str:
    """As the command prints it."""
    return json.dumps(
        {"places": found.places, "professionals": found.professionals, "roles": found.roles}
    )
