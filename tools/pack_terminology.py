# SPDX-License-Identifier: EUPL-1.2
"""Pack HL7's own R4 code systems and value sets into carnet/fhir/terminology.

The source is the same package as that of tools/pack_definitions.py, public domain (CC0-1.0):

    python tools/pack_terminology.py package

and, once that is done or what is made of it has changed, the same as rows for a fresh installation, through
a migrated database that has none:

    python tools/pack_terminology.py --rows postgresql://…

Kept: code systems that HL7 defines and lists whole (hl7.org/fhir, terminology.hl7.org), with their
concepts, definitions, hierarchies and properties; the OIDs HL7 gives to systems; the value sets of R4
as they are composed. Left out: what is excerpted from others' systems (SNOMED CT, DICOM, ASTM), their
displays where a value set repeats them, and all other prose.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import zstandard
from psycopg import sql

from carnet.fhir.terminology.load import dump, install, store
from carnet.fhir.terminology.load.base import ARTEFACT, FOLDER, artefact

HL7 = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
SYSTEM_KEYS = ("url", "version", "name", "title", "status", "date", "content", "caseSensitive",
               "valueSet", "hierarchyMeaning")  # fmt: skip
SET_KEYS = ("url", "version", "name", "title", "status", "date")

Json = dict[str, Any]


def main(folder: Path) -> None:
    """Write the artefact."""
    systems = [s for s in read(folder, "CodeSystem") if s["content"] == "complete" and ours(s)]
    names = {
        i["value"]: s["url"]
        for s in read(folder, "CodeSystem")
        for i in listed(s.get("identifier"))
        if i.get("value", "").startswith("urn:oid:")
    }
    sets = [v for v in read(folder, "ValueSet") if v["url"].startswith(HL7) and "compose" in v]
    content = {
        "source": "hl7.fhir.r4.examples 4.0.1",
        "code_systems": [system(s) for s in systems],
        "value_sets": [value_set(v) for v in sets],
        "names": dict(sorted(names.items())),
    }
    raw = msgspec.msgpack.encode(content)
    artefact = zstandard.ZstdCompressor(level=19).compress(raw)
    (FOLDER / ARTEFACT).write_bytes(artefact)
    sys.stdout.write(
        f"{len(systems)} code systems, {len(sets)} value sets: {len(artefact):,} bytes\n"
    )


def rows(url: str) -> None:
    """Write the rows: the database is loaded the general way, and left as it was."""
    with psycopg.connect(url) as conn:
        for table in ("listed", "value_set", "below", "concept", "code_system", "alias", "source"):
            conn.execute(
                sql.SQL("TRUNCATE terminology.{} RESTART IDENTITY CASCADE").format(
                    sql.Identifier(table)
                )
            )
        install.slowly(conn, datetime(2026, 1, 1, tzinfo=UTC))
        made = dump.packed_of(dump.taken(conn, store.digest_of(artefact())))
        conn.rollback()
    (FOLDER / dump.ROWS).write_bytes(made)
    sys.stdout.write(f"{len(made):,} bytes\n")


def read(folder: Path, kind: str) -> Iterator[Json]:
    """The resources of one kind, by file name."""
    for path in sorted(folder.glob(f"{kind}-*.json")):
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource["resourceType"] == kind and not resource["id"].startswith("example"):
            yield resource


def ours(system: Json) -> bool:
    """Whether HL7 made a system; an address with a version in it is an older one of another."""
    url: str = system["url"]
    return url.startswith(HL7) and "|" not in url and not system.get("supplements")


def listed(value: Any) -> list[Json]:
    """Identifiers, of a resource that has one or several."""
    return value if isinstance(value, list) else [value] if value else []


def system(s: Json) -> Json:
    """A code system without its prose."""
    kept: Json = {key: s[key] for key in SYSTEM_KEYS if key in s}
    if "property" in s:
        kept["property"] = [{"code": p["code"], "type": p["type"]} for p in s["property"]]
    kept["concept"] = [concept(c) for c in s.get("concept", ())]
    return kept


def concept(c: Json) -> Json:
    """A concept and those below it."""
    kept: Json = {key: c[key] for key in ("code", "display", "definition", "property") if key in c}
    if kept.get("definition") == kept.get("display"):
        kept.pop("definition", None)
    if "designation" in c:
        kept["designation"] = c["designation"]
    if "concept" in c:
        kept["concept"] = [concept(one) for one in c["concept"]]
    return kept


def value_set(v: Json) -> Json:
    """A value set as it is composed; what others own is named by its code alone."""
    kept: Json = {key: v[key] for key in SET_KEYS if key in v}
    compose: Json = {}
    if "inactive" in v["compose"]:
        compose["inactive"] = v["compose"]["inactive"]
    for part in ("include", "exclude"):
        if part in v["compose"]:
            compose[part] = [clause(c) for c in v["compose"][part]]
    kept["compose"] = compose
    return kept


def clause(c: Json) -> Json:
    """One include or exclude."""
    kept: Json = {k: c[k] for k in ("system", "version", "valueSet") if k in c}
    if "filter" in c:
        kept["filter"] = [{k: f[k] for k in ("property", "op", "value")} for f in c["filter"]]
    if "concept" in c:
        shown = c.get("system", "").startswith((*HL7, "http://unitsofmeasure.org"))
        names = ("code", "display") if shown else ("code",)
        kept["concept"] = [{k: one[k] for k in names if k in one} for one in c["concept"]]
    return kept


if __name__ == "__main__":
    if sys.argv[1] == "--rows":
        rows(sys.argv[2])
    else:
        main(Path(sys.argv[1]))
