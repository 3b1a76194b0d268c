# SPDX-License-Identifier: EUPL-1.2
"""Writes what becomes of the entries of the agency's published documents: `python -m tools.entries`.

`--examples FOLDER` reads the documents, and writes what each becomes (examples.toml) and what becomes of
each template (templates.toml); without it, docs/reference/entries.md alone is written from the latter.
"""

import argparse
import itertools
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carnet.documents import cda, metadata, nomenclature
from carnet.documents.cda.understood import Fate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/entries.md"
EXAMPLES = ROOT / "tests/documents/metadata/examples.toml"
TEMPLATES = ROOT / "tests/documents/metadata/templates.toml"
# Why one is kept, in the words of this page; the French ones are those of nomenclature/templates.toml.
WHY = {
    "kind": "not understood",
    "not-done": "denied, planned or masked",
    "of-another": "of somebody else",
    "no-code": "without a name",
    "no-value": "without a value",
    "no-text": "without text",
    "no-target": "names nothing that is data",
    "narrative": "words, in the text shown",
    "repeated": "said again",
    "value": "of a type not read",
}

Json = dict[str, Any]

HEAD = """\
# What becomes of the entries of a document

Each coded entry of a CDA document is read by its templates, the most precise first, then by its shape.
What it says is written as a resource (*became*), or inside the resource of the entry that holds it
(*inside another*). What is not understood stays in the source and in the text shown, and the report of the
document says so and why (*kept*). Nothing that is denied, planned or masked becomes a fact, and what is
said of somebody else is never said of the patient: [decision 44](../decisions/0044-entries-become-data.md).

Counted in the national agency's {files} published examples: **{share} % of {all} statements became
data** ({data}). This page is written by `tools/entries.py`; a test compares them with the documents.

The {left} that are kept are kept on purpose: most are denied, masked (`nullFlavor`) or only planned; then
comments without a text or said in the text shown, forms left blank (neither a value nor a code), and acts of
somebody else. None was found to be worth a guess. What its author nullified is data too,
*entered in error*, with all it holds; what was broken off is never *completed*.

| entry | template | seen | data | became | kept |
| --- | --- | ---: | ---: | --- | --- |
"""


def counted(document: cda.CdaDocument, found: list[metadata.Made]) -> Json:
    """What is counted of one document."""
    reference = found[0].resource
    types = Counter(each.resource["resourceType"] for each in found[1:])
    composition = next(
        (m.resource for m in found if m.resource["resourceType"] == "Composition"), None
    )
    sections = list(_every(composition["section"])) if composition else []
    said = metadata.told(document)
    line = {fate: sum(x.count for x in said if x.fate is fate) for fate in Fate}
    return {
        "type": reference["type"]["coding"][0]["code"],
        "class": reference["category"][0]["coding"][0]["code"],
        "status": reference["docStatus"],
        "authors": len(reference["author"]),
        "events": len(reference["context"].get("event", [])),
        "related": len(reference["context"].get("related", [])),
        "replaces": len(reference.get("relatesTo", [])),
        "files": len(reference["content"]),
        "sections": len(sections),
        "texts": sum(1 for each in sections if "text" in each),
        "images": sum(each.html.count("<img ") for each in document.sections),
        "data": line[Fate.DATA],
        "kept": line[Fate.KEPT],
        "resources": dict(sorted(types.items())),
    }


def _every(sections: list[Json]) -> Iterator[Json]:
    for section in sections:
        yield section
        yield from _every(section.get("section", []))


def by_template(documents: list[cda.CdaDocument]) -> Json:
    """What becomes of each template: how many became data, as what, and why the others are kept."""
    data: Counter[str] = Counter()
    kept: defaultdict[str, Counter[str]] = defaultdict(Counter)
    became: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for line in metadata.told(document):
            if line.fate is Fate.DATA:
                data[line.what] += line.count
            else:
                kept[line.what][line.why] += line.count
        for what, rtype in metadata.became(document):
            became[what][rtype] += 1
    return {
        what: {
            "data": data[what],
            "became": dict(sorted(became[what].items())),
            "kept": dict(sorted(kept[what].items())),
        }
        for what in sorted({*data, *kept}, key=_order)
    }


def _order(what: str) -> tuple[str, list[tuple[int, str]]]:
    kind, _, oid = what.partition(" ")
    parts = [(int(each), "") if each.isdigit() else (-1, each) for each in oid.split(".")]
    return kind, parts


def read(folder: Path) -> tuple[Json, Json]:
    """What each document becomes, and what becomes of each template."""
    documents = {path.name: cda.read(path.read_bytes()) for path in sorted(folder.glob("*.xml"))}
    numbers = itertools.count(1)
    files = {
        name: counted(
            document,
            metadata.resources(
                document,
                patient="Patient/x",
                received=datetime(2025, 1, 1, tzinfo=UTC),
                new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
            ),
        )
        for name, document in documents.items()
    }
    return files, by_template(list(documents.values()))


def examples(files: Json) -> str:
    """The table of the files, as TOML."""
    lines = [
        "# SPDX-License-Identifier: EUPL-1.2\n",
        "# What each of the national agency's published CDA examples becomes: facts, counted and\n",
        "# written by `python -m tools.entries --examples FOLDER`. type and class of the document;\n",
        "# sections of its Composition and those with text; images shown in them; files of its\n",
        "# DocumentReference, the source first; statements that became data, and only kept; resources\n",
        "# by type, beside the DocumentReference.\n",
    ]
    for name, facts in files.items():
        lines.append(f'\n["{name}"]\n')
        lines.extend(f"{key} = {_toml(value)}\n" for key, value in facts.items())
    return "".join(lines)


def templates(found: Json) -> str:
    """The table of the templates, as TOML."""
    lines = [
        "# SPDX-License-Identifier: EUPL-1.2\n",
        "# What becomes of each template in the national agency's published CDA examples: statements\n",
        "# that became data, the resources they are, and why others are only kept. Written by\n",
        "# `python -m tools.entries --examples FOLDER`.\n",
    ]
    for what, facts in found.items():
        lines.append(f'\n["{what}"]\n')
        lines.extend(f"{key} = {_toml(value)}\n" for key, value in facts.items())
    return "".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_toml(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def page() -> str:
    """The whole page, from the tables."""
    found = tomllib.loads(TEMPLATES.read_text("utf-8"))
    files = tomllib.loads(EXAMPLES.read_text("utf-8"))
    data = sum(each["data"] for each in found.values())
    whole = data + sum(sum(each["kept"].values()) for each in found.values())
    share = f"{100 * data / whole:.1f}"
    return HEAD.format(
        files=len(files), share=share, all=whole, data=data, left=whole - data
    ) + "".join(_line(what, facts) for what, facts in found.items())


def _line(what: str, facts: Json) -> str:
    kind, _, template = what.partition(" ")
    name = nomenclature.entry_name(what)
    kept = sum(facts["kept"].values())
    why = ", ".join(f"{count} {WHY.get(each, each)}" for each, count in facts["kept"].items())
    types = [f"{count} {rtype}" for rtype, count in facts["became"].items()]
    inside = facts["data"] - sum(facts["became"].values())
    if inside:
        types.append(f"{inside} inside another")
    return (
        f"| {kind if name == template else name} | {template} | {facts['data'] + kept} |"
        f" {facts['data']} | {', '.join(types)} | {why} |\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, help="Folder of the agency's CDA examples.")
    if folder := parser.parse_args().examples:
        of_files, of_templates = read(folder)
        EXAMPLES.write_text(examples(of_files), "utf-8")
        TEMPLATES.write_text(templates(of_templates), "utf-8")
    PAGE.write_text(page(), "utf-8")
