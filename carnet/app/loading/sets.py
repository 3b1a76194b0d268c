# SPDX-License-Identifier: EUPL-1.2
"""What the FHIR files of one load hold: lots of items, before anything is written.

A lot goes in whole or not at all: a resource, a line of NDJSON, the resources of a collection, a
transaction, one entry of a batch.
"""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from carnet import errors
from carnet.app.loading.files import Named
from carnet.fhir import json
from carnet.rest import patches
from carnet.rest.acts import Entry
from carnet.rest.desk import Desk
from carnet.rest.http import validated
from carnet.rest.transaction import shape_of

TOGETHER: Final = ("collection", "document", "searchset")


class NotKnown(errors.Invalid):
    """The file is neither a CDA document nor FHIR JSON."""


class NotLoadable(errors.Invalid):
    """A Bundle that is loaded is a transaction, batch, collection, document or searchset."""


class Skipped(Exception):
    """There is nothing in the file that a load takes; its message says why."""


@dataclass(eq=False, slots=True)
class Item:
    """One resource of a lot."""

    lot: Lot
    path: str  # Bundle.entry[3].resource; "" for a resource by itself
    resource: dict[str, Any]
    full_url: str = ""  # as the file gives it
    url: str = field(default_factory=lambda: f"urn:uuid:{uuid.uuid4()}")  # what the lot calls it
    targets: dict[str, Item] = field(default_factory=dict)  # items of the set, by its references
    files: dict[str, Item] = field(
        default_factory=dict
    )  # Binaries, by the addresses a document gives
    written: str = ""  # Type/id, once it is here
    mark: bytes = b""  # what it is recognised by when it is loaded again

    @property
    def rtype(self) -> str:
        """Its type."""
        return str(self.resource["resourceType"])

    @property
    def name(self) -> str:
        """`Type/id`, as it gives it; "" without an id."""
        id = self.resource.get("id")
        return f"{self.rtype}/{id}" if isinstance(id, str) else ""


@dataclass(eq=False, slots=True)
class Lot:
    """What goes in together."""

    file: Named
    where: str = ""  # line 4, Bundle.entry[2]; "" for the whole file
    items: list[Item] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)  # of a transaction or batch, as given
    profiles: frozenset[str] = frozenset()
    raw: bytes = b""  # of a transaction: what it is recognised by
    targets: dict[str, Item] = field(default_factory=dict)  # of a transaction, by its references
    left: list[str] = field(default_factory=list)  # what was left out, and why
    alone: bool = True  # false: may share a transaction with its neighbours

    @property
    def needs(self) -> set[Lot]:
        """The lots of what it refers to."""
        found = {target.lot for target in self.targets.values()}
        for item in self.items:
            found |= {target.lot for target in item.targets.values()}
            found |= {target.lot for target in item.files.values()}
        return found - {self}

    def unlink(self) -> None:
        """Forget what it refers to."""
        self.targets.clear()
        for item in self.items:
            item.targets.clear()
            item.files.clear()


@cache
def _table() -> dict[str, dict[str, str]]:
    text = files(__package__).joinpath("kinds.toml").read_text("utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)
    return found


def lots_of(desk: Desk, file: Named, resource: dict[str, Any]) -> list[Lot]:
    """The lots of one resource or Bundle; Skipped when there is nothing to load in it."""
    rtype = resource.get("resourceType")
    if rtype is None and "name" in resource and "version" in resource:
        raise Skipped("It describes a package, whose files lie beside it.")
    if rtype is None and "openapi" in resource:
        raise Skipped("It describes an API (OpenAPI): there is nothing to keep.")
    if rtype == "ActorDefinition":  # of R5, in packages of R4
        raise Skipped(_skip("ImplementationGuide"))
    if not isinstance(rtype, str) or rtype not in desk.door.definitions.types:
        raise NotKnown("The JSON file is not a FHIR resource: it has no resourceType of R4.")
    if rtype in _table()["skipped"]:
        raise Skipped(_skip(rtype))
    if rtype != "Bundle":
        lot = Lot(file)
        lot.items.append(Item(lot, "", validated(resource)))
        return [lot]
    return _bundle(desk, file, resource)


def _skip(rtype: str) -> str:
    return f"{rtype}: {_table()['skipped'][rtype]}."


def _bundle(desk: Desk, file: Named, bundle: dict[str, Any]) -> list[Lot]:
    kind, given = bundle.get("type"), bundle.get("entry", [])
    if isinstance(kind, str) and kind in _table()["bundles"]:
        raise Skipped(f"Bundle: {_table()['bundles'][kind]}.")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise NotLoadable
    if kind in ("transaction", "batch"):
        return _requests(desk, file, bundle, str(kind), given)
    if kind not in TOGETHER:
        raise NotLoadable
    return [_collected(file, given)]


def _requests(
    desk: Desk, file: Named, bundle: dict[str, Any], kind: str, given: list[dict[str, Any]]
) -> list[Lot]:
    """The writes of a transaction, all in one lot, or of a batch, each in its own."""
    for each in given:
        if not isinstance(each.get("request"), dict):
            raise NotLoadable("Each entry of a transaction says its request.")
    writes = [
        (index, _entry(desk, each, index))
        for index, each in enumerate(given)
        if each["request"].get("method") != "GET"
    ]
    if not writes:
        raise Skipped("Bundle: it only asks, there is nothing in it to write.")
    if kind == "batch":
        return [
            Lot(file, f"Bundle.entry[{index}]", entries=[entry], raw=json.dump(given[index]))
            for index, entry in writes
        ]
    named = bundle.get("meta", {}) if isinstance(bundle.get("meta"), dict) else {}
    profiles = frozenset(map(str, named.get("profile", [])))
    return [
        Lot(
            file,
            entries=[entry for _, entry in writes],
            profiles=profiles,
            raw=json.dump([given[index] for index, _ in writes]),
        )
    ]


def _entry(desk: Desk, each: dict[str, Any], index: int) -> Entry:
    entry, where = shape_of(desk.parser, each, index), f"Bundle.entry[{index}].resource"
    if entry.method != "DELETE":
        validated(entry.resource, where)
    if entry.method == "PATCH":
        entry.patch = patches.of(desk, entry, where)
    return entry


def _collected(file: Named, given: list[dict[str, Any]]) -> Lot:
    """Resources put together elsewhere: their references to each other are kept, their ids are not."""
    lot = Lot(file)
    for index, each in enumerate(given):
        resource, where = each.get("resource"), f"Bundle.entry[{index}].resource"
        mode = each["search"].get("mode") if isinstance(each.get("search"), dict) else ""
        if not isinstance(resource, dict) or mode == "outcome":
            continue
        rtype = resource.get("resourceType")
        if isinstance(rtype, str) and rtype in _table()["skipped"]:
            lot.left.append(_skip(rtype))
            continue
        full_url = each.get("fullUrl")
        item = Item(lot, where, validated(resource, where))
        item.full_url = full_url if isinstance(full_url, str) else ""
        lot.items.append(item)
    if not lot.items:
        raise Skipped("; ".join(dict.fromkeys(lot.left)) or "Bundle: it holds no resource.")
    return lot
