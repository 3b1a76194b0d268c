# SPDX-License-Identifier: EUPL-1.2
"""Bundles: addresses of entries, and references from one entry to another.

Source: FHIR R4, Bundle, 3.7.1 to 3.7.6; Documents; Messaging.
"""

import re
from collections.abc import Callable, Iterator
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
WHOLE: Final = frozenset(("document", "message"))  # they hold all that their entries refer to
IDENTIFIED: Final = WHOLE | {"collection"}
ONCE: Final = frozenset(("self", "first", "previous", "next", "last"))
# What a document has within it, where its Composition refers to it. Source: R4, Documents, 3.3.1.
HELD: Final = (
    ("subject",),
    ("encounter",),
    ("author",),
    ("custodian",),
    ("attester", "party"),
    ("event", "detail"),
)
SECTION: Final = (("author",), ("focus",), ("entry",))


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
        if base == ANY:  # asked by the Bundle itself, of whichever of its entries
            return next((by_url[root + bare] for root in roots if root + bare in by_url), None)
        return None

    roots = [u[: m.start(1)] for u in by_url if (m := RESTFUL.fullmatch(u)) is not None]
    roots = list(dict.fromkeys(roots))
    return find


ANY: Final = "*"  # no address of an entry


def check(bundle: dict[str, Any]) -> list[Problem]:
    """What is wrong with the addresses of a Bundle's entries, and with what comes first."""
    found: list[Problem] = []
    said: set[str] = set()
    for at, link in enumerate(bundle.get("link", ())):
        relation = link.get("relation")
        if relation in said and relation in ONCE:
            found.append((f".link[{at}].relation", "error", "value", TWICE, "Bundle.link.relation"))
        said.add(relation)
    entries = [e for e in bundle.get("entry", ()) if type(e) is dict]
    for at, entry in enumerate(entries):
        url, resource = entry.get("fullUrl"), entry.get("resource")
        where = f".entry[{at}].fullUrl"
        if type(url) is not str:
            if type(resource) is dict and bundle.get("type") in IDENTIFIED:
                found.append((where, "error", "required", NO_URL, "Bundle.entry.fullUrl"))
            continue
        if not ADDRESS.match(url):
            found.append((where, "error", "value", RELATIVE, "Bundle.entry.fullUrl"))
        elif url.startswith("urn:uuid:") and not UUID.fullmatch(url):
            found.append((where, "error", "value", NOT_UUID, "Bundle.entry.fullUrl"))
        elif type(resource) is dict and _other(url, resource):
            found.append((where, "error", "value", OTHER, "Bundle.entry.fullUrl"))
        elif type(resource) is dict and "id" not in resource and _restful(url):
            found.append((where, "error", "value", NO_ID, "Bundle.entry.fullUrl"))
    return found


def _restful(url: str) -> bool:
    named = RESTFUL.fullmatch(url)
    return named is not None and named[1] in load().types


def _other(url: str, resource: dict[str, Any]) -> bool:
    """Whether an address names a resource by type and id, and another one."""
    named = RESTFUL.fullmatch(url)
    if named is None or named[1] not in load().types:
        return False
    id = resource.get("id")
    return named[1] != resource.get("resourceType") or (id is not None and named[2] != id)


NO_URL: Final = "Each resource of a document, message or collection has its address in fullUrl."
NO_ID: Final = "fullUrl names a resource of a server by its id; the resource beside it has none."
TWICE: Final = "A Bundle has one link of this relation."
NOT_HELD: Final = (
    "A document holds what its Composition refers to here: it has no entry at this address."
)
RELATIVE: Final = "fullUrl is an absolute address, or urn:uuid or urn:oid."
NOT_UUID: Final = "fullUrl starts with urn:uuid: and is no UUID."
OTHER: Final = "fullUrl ends with the type and the id of the resource beside it."


def loose(
    resource: dict[str, Any], bundle: dict[str, Any], base: str, find: Callable[[str, str], Any]
) -> list[Problem]:
    """References of an entry of a document or message that point to no entry of it."""
    found: list[Problem] = []
    if bundle.get("type") not in WHOLE:
        return found
    if bundle["type"] == "document" and resource["resourceType"] == "Composition":
        for tail, reference in _held(resource):
            if find(reference, base) is None and reference[:1] != "#":
                found.append((f"{tail}.reference", "error", "not-found", NOT_HELD, "Bundle.entry"))
    told = {tail for tail, *_ in found}
    _references(resource, "", found, lambda reference: find(reference, base) is None)
    return [p for p in found if p[1] == "error" or p[0] not in told]


def _held(composition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The references of a Composition to what its document holds, with their paths."""
    for way in HELD:
        yield from _along(composition, way, "")
    sections = [("", composition)]
    while sections:
        tail, holder = sections.pop()
        for at, section in enumerate(holder.get("section", ())):
            here = f"{tail}.section[{at}]"
            sections.append((here, section))
            for way in SECTION:
                yield from _along(section, way, here)


def _along(holder: dict[str, Any], way: tuple[str, ...], tail: str) -> Iterator[tuple[str, str]]:
    inner = holder.get(way[0], [])
    many = type(inner) is list
    for at, one in enumerate(inner if many else [inner]):
        here = f"{tail}.{way[0]}[{at}]" if many else f"{tail}.{way[0]}"
        if len(way) > 1:
            yield from _along(one, way[1:], here)
        elif type(one) is dict and type(one.get("reference")) is str:
            yield here, one["reference"]


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
