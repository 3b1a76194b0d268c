# SPDX-License-Identifier: EUPL-1.2
"""Bundles: addresses of entries, and references from one entry to another.

Source: FHIR R4, Bundle, 3.7.1 to 3.7.6; Documents; Messaging.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from carnet.fhir.definitions import load
from carnet.fhir.validation.profiles import Problem

RESTFUL: Final = re.compile(
    r"https?://.*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?",
    re.DOTALL,
)
ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
UUID: Final = re.compile(
    r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
FIRST: Final = {"document": "Composition", "message": "MessageHeader"}


def resolver(bundle: dict[str, Any]) -> Callable[[str, str], dict[str, Any] | None]:
    """Finds the entry a reference points to, from the address of the entry that has it."""
    by_url: dict[str, dict[str, Any]] = {}
    for entry in bundle.get("entry", ()):
        if type(entry) is dict and type(entry.get("resource")) is dict:
            url = entry.get("fullUrl")
            if type(url) is str:
                by_url.setdefault(url, entry["resource"])

    def find(reference: str, base: str) -> dict[str, Any] | None:
        bare = reference.partition("/_history/")[0]
        if ADDRESS.match(bare):
            return by_url.get(bare)
        found = RESTFUL.fullmatch(base)
        if found is not None:
            root = base[: found.start(1)]
            return by_url.get(root + bare)
        return None

    return find


def check(bundle: dict[str, Any]) -> list[Problem]:
    """What is wrong with the addresses of a Bundle's entries, and with what comes first."""
    found: list[Problem] = []
    entries = [e for e in bundle.get("entry", ()) if type(e) is dict]
    for at, entry in enumerate(entries):
        url, resource = entry.get("fullUrl"), entry.get("resource")
        where = f".entry[{at}].fullUrl"
        if type(url) is not str:
            continue
        if not ADDRESS.match(url):
            found.append((where, "error", "value", RELATIVE, "Bundle.entry.fullUrl"))
        elif url.startswith("urn:uuid:") and not UUID.fullmatch(url):
            found.append((where, "error", "value", NOT_UUID, "Bundle.entry.fullUrl"))
        elif type(resource) is dict and _other(url, resource):
            found.append((where, "error", "value", OTHER, "Bundle.entry.fullUrl"))
    return found


def _other(url: str, resource: dict[str, Any]) -> bool:
    """Whether an address names a resource by type and id, and another one."""
    named = RESTFUL.fullmatch(url)
    if named is None or named[1] not in load().types:
        return False
    id = resource.get("id")
    return named[1] != resource.get("resourceType") or (id is not None and named[2] != id)


RELATIVE: Final = "fullUrl is an absolute address, or urn:uuid or urn:oid."
NOT_UUID: Final = "fullUrl starts with urn:uuid: and is no UUID."
OTHER: Final = "fullUrl ends with the type and the id of the resource beside it."


def loose(
    resource: dict[str, Any], bundle: dict[str, Any], base: str, find: Callable[[str, str], Any]
) -> list[Problem]:
    """References of an entry of a document or message that point to no entry of it."""
    found: list[Problem] = []
    if bundle.get("type") not in FIRST:
        return found
    _references(resource, "", found, lambda reference: find(reference, base) is None)
    return found


def _references(value: Any, tail: str, found: list[Problem], absent: Callable[[str], bool]) -> None:
    if type(value) is dict:
        reference = value.get("reference")
        inside = isinstance(reference, str) and (
            reference.startswith("urn:") or (reference[:1] != "#" and not ADDRESS.match(reference))
        )
        if inside and absent(str(reference)):
            found.append((tail + ".reference", "warning", "not-found", LOOSE, "Bundle.entry"))
        for key, inner in value.items():
            if key != "contained":
                _references(inner, f"{tail}.{key}", found, absent)
    elif type(value) is list:
        for at, one in enumerate(value):
            _references(one, f"{tail}[{at}]", found, absent)


LOOSE: Final = "The Bundle has no entry at this address."
