# SPDX-License-Identifier: EUPL-1.2
"""Which resource of the set a reference means.

A reference is read in its own Bundle first, then in the folder of its file, then in what the same
argument of the command gave: two senders may both have a Patient/1, and the nearest is meant. Two
different resources of one name, equally near, are neither.
Source: FHIR R4, "Resolving references in Bundles", for what is in one Bundle.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from carnet.app.loading.sets import Item, Lot
from carnet.fhir import json

RESTFUL: Final = re.compile(r"(https?://.+/)([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})", re.ASCII)
LITERAL: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}", re.ASCII)
PERSON: Final = re.compile(r"(?:.*/)?Patient(?:/|\?).*", re.ASCII | re.DOTALL)


class Names:
    """The items of a set by what may refer to them."""

    def __init__(self, lots: Iterable[Lot], base: str) -> None:
        self._base = base  # our own FHIR address
        self._near: dict[tuple[object, str], list[Item]] = defaultdict(list)
        for lot in lots:
            for item in lot.items:
                for name in {item.name, item.full_url} - {""}:
                    for place in (lot, lot.file.folder, lot.file.argument):
                        self._near[place, name].append(item)

    def link(self, lots: Iterable[Lot]) -> None:
        """Give each item of these lots the items it refers to."""
        for lot in lots:
            for item in lot.items:
                for reference in references(item.resource):
                    self._link(item.targets, lot, item, reference["reference"])
                if item.rtype == "DocumentReference":
                    for content in item.resource.get("content", []):
                        url = content.get("attachment", {}).get("url")
                        if isinstance(url, str):
                            self._link(item.files, lot, item, url)
                item.files = {
                    url: each for url, each in item.files.items() if each.rtype == "Binary"
                }
            for entry in lot.entries:
                for reference in references(entry.resource):
                    self._link(lot.targets, lot, None, reference["reference"])

    def _link(self, into: dict[str, Item], lot: Lot, holder: Item | None, reference: str) -> None:
        if reference not in into:
            target = self.target(lot, holder, reference)
            if target is not None and target is not holder:
                into[reference] = target

    def target(self, lot: Lot, holder: Item | None, reference: str) -> Item | None:
        """The item a reference of a lot means; None for what is not in the set."""
        reference = reference.partition("/_history/")[0]
        if reference.startswith("#"):
            return _beside(lot, holder, reference)
        if reference.startswith(self._base):
            return None
        beside = RESTFUL.fullmatch(holder.full_url) if holder is not None else None
        names = [reference]
        if beside and LITERAL.fullmatch(reference):
            names.insert(0, beside[1] + reference)
        elif found := RESTFUL.fullmatch(reference):
            names.append(found[2])
        for place in (lot, lot.file.folder, lot.file.argument):
            for name in names:
                held = self._near.get((place, name), [])
                if not held:
                    continue
                if place is not lot:  # a resource by itself says more than a copy in a Bundle
                    held = [item for item in held if len(item.lot.items) == 1] or held
                if len({json.dump(item.resource) for item in held}) == 1:
                    return held[0]
                return None
        return None


def _beside(lot: Lot, holder: Item | None, reference: str) -> Item | None:
    """A resource of the same Bundle that is referred to as if it were contained."""
    if holder is None or contained(holder.resource, reference) is not None:
        return None
    named = [item for item in lot.items if item.resource.get("id") == reference[1:]]
    return named[0] if len(named) == 1 else None


def contained(resource: dict[str, Any], reference: str) -> dict[str, Any] | None:
    """What a resource contains by the name of a reference, `#id`."""
    for each in resource.get("contained", []):
        if f"#{each.get('id')}" == reference:
            found: dict[str, Any] = each
            return found
    return None


def references(value: Any) -> Iterator[dict[str, Any]]:
    """Every Reference of a resource that has an address, but those of what it contains."""
    if type(value) is dict:
        if isinstance(value.get("reference"), str):
            yield value
        for key, each in value.items():
            if key != "contained" and type(each) in (dict, list):
                yield from references(each)
    elif type(value) is list:
        for each in value:
            yield from references(each)


def is_person(reference: str) -> bool:
    """Whether a reference names a Patient by its type."""
    return PERSON.fullmatch(reference) is not None
