# SPDX-License-Identifier: EUPL-1.2
"""Load the directory: professionals and places, in compartment 0, by the platform alone.

An Organization also gets a bucket (a compartment of its own, which bears its row number): what it
deposits about nobody is kept there, and only it reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carnet import errors
from carnet.access import queries
from carnet.access.actor import ActorKind
from carnet.access.door import DIRECTORY, Address, Unit, Visit, commit

ORGANISATION = 2  # nature of a compartment
SETTINGS = "JDV_J04-XdsPracticeSettingCode-CISIS"


class NotLoader(errors.Forbidden):
    """Only a directory loader writes the directory."""


async def load(visit: Visit, resources: Sequence[dict[str, Any]]) -> list[Address]:
    """Write resources whose references to each other are their ids given here, `Type/key`.

    Returns addresses in the same order.
    """
    if visit.actor.kind is not ActorKind.OPERATOR:
        raise NotLoader

    async def work(unit: Unit) -> list[Address]:
        door = visit.door
        await unit.allow_directory()
        places: dict[str, Address] = {}
        for resource in resources:
            rid = door.ids.new()
            rtype = resource["resourceType"]
            places[f"{rtype}/{resource['id']}"] = Address(
                DIRECTORY, rid, rtype, door.ids.encode(DIRECTORY, rid)
            )
        for resource in resources:
            address = places[f"{resource['resourceType']}/{resource['id']}"]
            unit.put(address, _linked(resource, places))
            if address.rtype == "Organization":
                await unit.open_compartment(address.rid, ORGANISATION)
                identifier = resource["identifier"][0]
                await unit.conn.execute(
                    queries.ADD_ORGANISATION,
                    {
                        "cid": address.rid,
                        "system": identifier["system"],
                        "value": identifier["value"],
                        "name": resource["name"],
                        "setting": _setting(resource),
                    },
                )
        return list(places.values())

    return await commit(visit, work, "directory")


def _setting(organisation: dict[str, Any]) -> str | None:
    """Its practice setting, when the directory gives one."""
    for each in organisation.get("type", []):
        for coding in each.get("coding", []):
            if str(coding.get("system", "")).endswith(SETTINGS):
                return str(coding.get("code"))
    return None


def _linked(value: Any, places: dict[str, Address]) -> Any:
    if isinstance(value, dict):
        return {
            key: places[each].literal
            if key == "reference" and each in places
            else _linked(each, places)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_linked(each, places) for each in value]
    return value
