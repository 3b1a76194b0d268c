# SPDX-License-Identifier: EUPL-1.2
"""CodeSystem and ValueSet resources.

Source: FHIR R4, CodeSystem (concept properties `parent`, `subsumedBy`, `inactive`, `status`,
`notSelectable`) and ValueSet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from carnet import errors
from carnet.fhir.terminology.compose import SUPPLEMENT, parts
from carnet.fhir.terminology.load.model import Brought, Concept, System, ValueSet

Json = dict[str, Any]

ABOVE: Final = frozenset(("parent", "subsumedBy"))
RETIRED: Final = frozenset(("retired", "deprecated", "inactive", "withdrawn"))
OWN: Final = "http://hl7.org/fhir/concept-properties#"  # FHIR's own, under any name
# What is stored elsewhere, or is of the file alone.
APART: Final = frozenset(
    ("resourceType", "id", "meta", "implicitRules", "text", "contained", "concept", "compose", "expansion",
     "url", "version", "name", "title", "status", "date", "language", "content", "count", "supplements")
)  # fmt: skip


class NotLoadable(errors.Invalid):
    """The resource cannot be a code system or value set that codes are looked up in."""


def brought(resources: Iterable[Json], form: str = "FHIR") -> Brought:
    """What some resources bring; others than code systems and value sets are passed by."""
    systems: list[System] = []
    sets: list[ValueSet] = []
    names: dict[str, str] = {}
    for resource in resources:
        if not isinstance(resource, dict):
            raise NotLoadable
        kind = resource.get("resourceType")
        if kind not in ("CodeSystem", "ValueSet") or type(resource.get("url")) is not str:
            continue
        try:
            if kind == "ValueSet":
                sets.append(value_set(resource))
                continue
            for name in oids(resource):
                names[name] = resource["url"]
            if resource.get("content") in ("complete", "fragment", "supplement"):
                systems.append(system(resource))
        except (TypeError, AttributeError, KeyError, ValueError):
            raise NotLoadable(
                f"{kind} {resource['url']} does not have the form it should."
            ) from None
    return Brought(form, systems, sets, names)


def oids(resource: Json) -> list[str]:
    """The other names of a resource, among its identifiers."""
    given = resource.get("identifier", ())
    given = [given] if isinstance(given, dict) else given
    values = (str(each.get("value", "")) for each in given)
    return [value for value in values if value.startswith("urn:oid:")]


def system(resource: Json) -> System:
    """A CodeSystem."""
    fragment = resource["content"] == "fragment"
    given = resource.get("property", ())
    aliases = {
        p["uri"].removeprefix(OWN): p["code"] for p in given if p.get("uri", "").startswith(OWN)
    }
    return System(
        url=resource["url"],
        concepts=tuple(concepts(resource.get("concept", ()), {v: k for k, v in aliases.items()})),
        version=said(resource, "version"),
        name=said(resource, "name"),
        title=said(resource, "title"),
        status=said(resource, "status"),
        published=said(resource, "date"),
        language=said(resource, "language"),
        fragment=fragment,
        case_sensitive=resource.get("caseSensitive", True) is not False,
        value_set=said(resource, "valueSet") or None,
        properties={said(p, "code"): said(p, "type") for p in given},
        names=oids(resource),
        aliases={own: name for own, name in aliases.items() if own != name},
        supplements=said(resource, "supplements") if resource["content"] == "supplement" else "",
        head=head(resource),
    )


def said(holder: Json, name: str) -> str:
    """A text, or none."""
    value = holder.get(name, "")
    if type(value) is not str:
        raise TypeError
    return value


def head(resource: Json) -> Json:
    """What a resource says of itself, beside what is stored in columns."""
    return {key: value for key, value in resource.items() if key.lstrip("_") not in APART}


def concepts(
    listed: Iterable[Json], own: Mapping[str, str], above: tuple[str, ...] = ()
) -> Iterator[Concept]:
    """Every concept, children after their parent. own: FHIR's properties, by their name here."""
    for each in listed:
        properties: dict[str, list[str]] = {}
        parents = list(above)
        for one in each.get("property", ()):
            value = text(one)
            properties.setdefault(one["code"], []).append(value)
            if own.get(one["code"], one["code"]) in ABOVE and value not in parents:
                parents.append(value)
        known = {own.get(name, name): values for name, values in properties.items()}
        code = said(each, "code")
        if not code or not all(type(one) is dict for one in each.get("designation", ())):
            raise TypeError
        yield Concept(
            code=code,
            display=said(each, "display"),
            definition=said(each, "definition"),
            inactive=known.get("inactive") == ["true"]
            or not RETIRED.isdisjoint(known.get("status", ())),
            abstract=["true"] in (known.get("notSelectable"), known.get("abstract")),
            parents=tuple(parents),
            properties=properties,
            designations=each.get("designation", ()),
        )
        yield from concepts(each.get("concept", ()), own, (code,))


def text(one: Json) -> str:
    """The value of a property as text; of a Coding its code."""
    value = next((one[key] for key in one if key.startswith("value")), "")
    if isinstance(value, dict):
        return str(value["code"])
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def value_set(resource: Json) -> ValueSet:
    """A ValueSet; one that has only an expansion is composed of what it contains."""
    compose = resource.get("compose")
    if compose is None:
        if "expansion" not in resource:
            raise NotLoadable(f"ValueSet {resource['url']} has neither a compose nor an expansion.")
        compose = {"include": list(contained(resource["expansion"]))}
    parts(compose)
    return ValueSet(
        url=resource["url"],
        compose=compose,
        version=said(resource, "version"),
        name=said(resource, "name"),
        title=said(resource, "title"),
        status=said(resource, "status"),
        published=said(resource, "date"),
        language=said(resource, "language"),
        names=oids(resource),
        supplements=tuple(asked(resource)),
        head=head(resource),
    )


def asked(resource: Json) -> Iterator[str]:
    """The supplements a value set asks for."""
    for each in resource.get("extension", ()):
        if each.get("url") == SUPPLEMENT and type(each.get("valueCanonical")) is str:
            yield each["valueCanonical"]


def contained(expansion: Json) -> Iterator[Json]:
    """What an expansion contains, as clauses of concepts one by one."""
    clauses: dict[str, list[Json]] = {}

    def walk(holder: Json) -> None:
        for each in holder.get("contains", ()):
            if "code" in each and "system" in each and not each.get("abstract", False):
                kept = {k: each[k] for k in ("code", "display", "designation") if k in each}
                clauses.setdefault(each["system"], []).append(kept)
            walk(each)

    walk(expansion)
    for address, listed in clauses.items():
        yield {"system": address, "concept": listed}
