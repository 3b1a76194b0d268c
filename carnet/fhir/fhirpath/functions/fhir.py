# SPDX-License-Identifier: EUPL-1.2
"""What FHIR adds to FHIRPath: extensions, references, profiles, value sets, narrative.

Nothing is ever fetched. `resolve()` knows contained resources and what the frame resolves; of
others only the type their reference tells. `memberOf()` and `conformsTo()` ask the frame.
"""

import re
from typing import Any, Final

from carnet.fhir.fhirpath.compiler import Builder, Compiler, member, single
from carnet.fhir.fhirpath.frame import Frame, Run
from carnet.fhir.fhirpath.refusals import WrongPath, WrongType
from carnet.fhir.fhirpath.tree import Literal, Node
from carnet.fhir.fhirpath.values import (
    FALSE,
    NOTHING,
    STRING,
    SYSTEM_OF,
    TRUE,
    Item,
    Items,
    boolean,
    is_value,
)
from carnet.fhir.validation import narrative

STRUCTURE: Final = "http://hl7.org/fhir/StructureDefinition/"
LITERAL: Final = re.compile(
    r"(?:[a-z]+://.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64})?",
    re.DOTALL,
)


def _has_value(c: Compiler, run: Run) -> Run:
    def has(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        return TRUE if len(found) == 1 and is_value(found[0][1]) else FALSE

    return has


def _get_value(c: Compiler, run: Run) -> Run:
    def got(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        if len(found) != 1 or not is_value(found[0][1]):
            return NOTHING
        kind, value, _ = found[0]
        return [(kind if kind.startswith("System.") else SYSTEM_OF.get(kind, STRING), value, None)]

    return got


def _extension(c: Compiler, run: Run, url: Node) -> Run:
    if isinstance(url, Literal) and type(url.value) is str:
        address = url.value

        def by_url(items: Items, frame: Frame) -> Items:
            found: Items = []
            for _, value, sibling in run(items, frame):
                holder = value if type(value) is dict else sibling
                if holder is not None:
                    for one in holder.get("extension", ()):
                        if one.get("url") == address:
                            found.append(("Extension", one, None))
            return found

        return by_url
    extensions, wanted = member(run, "extension"), c.compile(url)

    def named(items: Items, frame: Frame) -> Items:
        urls = [i[1] for i in wanted(items, frame)]
        return [e for e in extensions(items, frame) if e[1].get("url") in urls]

    return named


# ---------------------------------------------------------------- references


def _resolve(c: Compiler, run: Run) -> Run:
    def resolved(items: Items, frame: Frame) -> Items:
        return [target for i in run(items, frame) if (target := target_of(i, frame)) is not None]

    return resolved


def target_of(item: Item, frame: Frame) -> Item | None:
    """What a reference points to: a resource at hand whole, of any other its type alone."""
    value = item[1]
    reference = value.get("reference") if type(value) is dict else value
    if type(reference) is str:
        if reference.startswith("#"):
            return _contained(reference[1:], value, frame)
        if frame.resolver is not None:
            resource = frame.resolver(reference)
            if resource is not None:
                return frame.model.item(resource)
        if found := LITERAL.fullmatch(reference):
            kind = found[1]
            return (kind, {}, None) if kind in frame.model.definitions.types else None
    told = value.get("type") if type(value) is dict else None
    if type(told) is str and told in frame.model.definitions.types:
        return (told, {}, None)
    return None


def _contained(name: str, reference: Any, frame: Frame) -> Item | None:
    holders = [frame.top[1]]
    if frame.top[0] == "Bundle":  # it contains nothing: the entry the reference stands in does
        entries = frame.top[1].get("entry", ())
        held = [e["resource"] for e in entries if type(e.get("resource")) is dict]
        holders = [one for one in held if _stands_in(reference, one)]
    for holder in holders:
        if not name:  # "#": the resource that contains
            return frame.model.item(holder)
        if holder is frame.top[1]:
            found = by_id(frame).get(name)
        else:
            found = next((c for c in holder.get("contained", ()) if c.get("id") == name), None)
        if found is not None:
            return frame.model.item(found)
    return None


def by_id(frame: Frame) -> dict[str, Any]:
    """What the resource at hand contains, made once: many may refer to many."""
    if frame.held is None:
        frame.held = {}
        for one in frame.top[1].get("contained", ()):
            frame.held.setdefault(one.get("id"), one)
    return frame.held


def _stands_in(part: Any, whole: Any) -> bool:
    """Whether a value is this very part of another."""
    if part is whole:
        return True
    if type(whole) is dict:
        return any(_stands_in(part, inner) for inner in whole.values())
    return type(whole) is list and any(_stands_in(part, inner) for inner in whole)


# ---------------------------------------------------------------- terminology and profiles


def _one_text(items: Items) -> str | None:
    item = single(items)
    if item is None:
        return None
    if type(item[1]) is not str:
        raise WrongType("FHIRPath: an address is expected as an argument.")
    return item[1]


def _member_of(c: Compiler, run: Run, value_set: Node) -> Run:
    address = c.compile(value_set)

    def told(items: Items, frame: Frame) -> Items:
        item, url = single(run(items, frame)), _one_text(address(items, frame))
        if item is None or url is None or frame.terminology is None:
            return NOTHING
        return boolean(frame.terminology.member(url, item))

    return told


def _subsumes(forward: bool) -> Builder:
    """Told of equal codes alone; a terminology that knows more is asked elsewhere."""

    def made(c: Compiler, run: Run, other: Node) -> Run:
        right = c.compile(other)

        def told(items: Items, frame: Frame) -> Items:
            ours, theirs = single(run(items, frame)), single(right(items, frame))
            if ours is None or theirs is None:
                return NOTHING
            return TRUE if _codes(ours[1]) & _codes(theirs[1]) else NOTHING

        return told

    return made


def _codes(value: Any) -> set[tuple[Any, Any]]:
    if type(value) is not dict:
        return {("", value)}
    codings = value.get("coding", (value,))
    return {(one.get("system"), one.get("code")) for one in codings if "code" in one}


def _conforms_to(c: Compiler, run: Run, profile: Node) -> Run:
    address = c.compile(profile)

    def told(items: Items, frame: Frame) -> Items:
        item, url = single(run(items, frame)), _one_text(address(items, frame))
        if item is None or url is None:
            return NOTHING
        kind = url.removeprefix(STRUCTURE).partition("|")[0]
        if frame.model.is_type(kind) and not frame.model.is_a(item[0], kind):
            return FALSE
        if frame.conformance is not None:
            known = frame.conformance.conforms(url, item)
            if known is not None:
                return TRUE if known else FALSE
        if frame.model.is_type(kind):
            return TRUE
        raise WrongPath("FHIRPath: conformsTo() names a profile that is not known here.")

    return told


def _html_checks(c: Compiler, run: Run) -> Run:
    def told(items: Items, frame: Frame) -> Items:
        item = single(run(items, frame))
        if item is None:
            return NOTHING
        return boolean(type(item[1]) is str and narrative.check(item[1]) is None)

    return told


def _check_modifiers(c: Compiler, run: Run, *allowed: Node) -> Run:
    """The input, unless an extension changes its meaning in a way that is not announced."""
    addresses = [c.compile(node) for node in allowed]

    def checked(items: Items, frame: Frame) -> Items:
        found = run(items, frame)
        known = {_one_text(address(items, frame)) for address in addresses}
        for _, value, _ in found:
            given = value.get("modifierExtension", ()) if type(value) is dict else ()
            if any(one.get("url") not in known for one in given):
                raise WrongType("FHIRPath: a modifier extension here is not among those expected.")
        return found

    return checked


FUNCTIONS: Final[dict[tuple[str, int], Builder]] = {
    ("hasValue", 0): _has_value,
    ("getValue", 0): _get_value,
    ("extension", 1): _extension,
    ("resolve", 0): _resolve,
    ("memberOf", 1): _member_of,
    ("subsumes", 1): _subsumes(forward=True),
    ("subsumedBy", 1): _subsumes(forward=False),
    ("conformsTo", 1): _conforms_to,
    ("htmlChecks", 0): _html_checks,
    **{("checkModifiers", count): _check_modifiers for count in range(1, 9)},
}
