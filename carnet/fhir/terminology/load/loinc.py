# SPDX-License-Identifier: EUPL-1.2
"""LOINC, from the table its owner distributes (Loinc.csv), and its French variant when it lies near.

The layout is that of the distribution: LoincTable/Loinc.csv, or LoincTableCore/LoincTableCore.csv, and
AccessoryFiles/LinguisticVariants/frFR18LinguisticVariant.csv beside (LOINC Users' Guide; programs that
read it). The files themselves ask for a licence: UNVERIFIED on real ones.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.fhir.terminology.load.model import Brought, Concept, System

URL: Final = "http://loinc.org"
NEEDED: Final = frozenset(("LOINC_NUM", "LONG_COMMON_NAME", "STATUS"))
# FHIR's names of LOINC's parts are those of the table ("Using LOINC with FHIR").
PARTS: Final = ("COMPONENT PROPERTY TIME_ASPCT SYSTEM SCALE_TYP METHOD_TYP CLASS CLASSTYPE STATUS"
                " ORDER_OBS").split()  # fmt: skip
RETIRED: Final = frozenset(("DEPRECATED", "DISCOURAGED"))
CODE: Final = re.compile("[0-9]{1,7}-[0-9]", re.ASCII)
VARIANT: Final = re.compile("frFR[0-9]*LinguisticVariant\\.csv", re.ASCII)
VARIANTS: Final = (
    "",
    "AccessoryFiles/LinguisticVariants",
)  # where it is, from the table's folder or above
LARGEST: Final = 400_000  # rows


class NotLoinc(errors.Invalid):
    """Loinc.csv has a heading with LOINC_NUM, LONG_COMMON_NAME and STATUS."""


def is_one(head: bytes) -> bool:
    """Whether a file begins as the table does."""
    return (
        set(next(csv.reader([head.decode("utf-8-sig", "replace").splitlines()[0]]), [])) >= NEEDED
    )


def brought(content: bytes, french: Mapping[str, str], version: str = "") -> Brought:
    """The whole system; french: names by code."""
    table = Table(content, french)
    found = version or table.version()
    system = System(
        url=URL,
        concepts=table,
        version=found,
        name="LOINC",
        title="LOINC",
        language="en",
        case_sensitive=False,
        value_set=f"{URL}/vs",
        properties=dict.fromkeys(PARTS, "string"),
        names=["urn:oid:2.16.840.1.113883.6.1"],
    )
    return Brought("LOINC", [system])


class Table:
    """The concepts of the table, read anew each time: a hundred thousand of them are never held."""

    def __init__(self, content: bytes, french: Mapping[str, str]) -> None:
        self.content = content
        self.french = french

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Its lines, by number and by the names of the heading."""
        return rows(self.content, "Loinc.csv", NEEDED)

    def version(self) -> str:
        """The latest one that a line says it changed in."""
        said = (row.get("VersionLastChanged") or "" for _, row in self.rows())
        return max(said, key=_number, default="")

    def __iter__(self) -> Iterator[Concept]:
        seen: set[str] = set()
        for line, row in self.rows():
            made = concept(row, self.french, line)
            if made.code in seen:
                raise NotLoinc(f"Loinc.csv, line {line}: this code has a line already.")
            seen.add(made.code)
            yield made


def rows(content: bytes, name: str, needed: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a table of the distribution; a line is the one a row ends on."""
    bare = io.BytesIO(content.removeprefix(codecs.BOM_UTF8))
    found = csv.DictReader((line.decode() for line in bare), strict=True)
    try:
        if not set(found.fieldnames or ()) >= set(needed):
            raise NotLoinc(f"{name}, line 1: the heading has not {', '.join(sorted(needed))}.")
        for at, row in enumerate(found):
            if at > LARGEST:
                raise NotLoinc(f"{name}: it has more than {LARGEST} lines.")
            yield found.line_num, row
    except (UnicodeDecodeError, csv.Error):
        line = found.line_num + 1
        raise NotLoinc(f"{name}, line {line}: it is no UTF-8 text, or no CSV.") from None


def concept(row: Mapping[str, str | None], french: Mapping[str, str], line: int) -> Concept:
    """One line of the table."""
    code, label, status = (
        (row.get(name) or "").strip() for name in ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS")
    )
    if None in row or None in row.values():
        raise NotLoinc(f"Loinc.csv, line {line}: it has not as many columns as the heading.")
    if not CODE.fullmatch(code) or not label:
        raise NotLoinc(f"Loinc.csv, line {line}: no code (like 1234-5), or no label.")
    given = {name: [value] for name in PARTS if (value := row.get(name))}
    if changed := row.get("VersionLastChanged"):
        given["VersionLastChanged"] = [changed]
    designations: list[dict[str, Any]] = []
    if code in french:
        designations.append({"language": "fr-FR", "value": french[code]})
    if short := row.get("SHORTNAME"):
        designations.append({"language": "en", "value": short})
    hints = [row.get("RELATEDNAMES2") or "", row.get("DisplayName") or ""]
    return Concept(
        code=code,
        display=label,
        inactive=status in RETIRED,
        properties=given,
        designations=designations,
        hints=hints,
    )


def near(table: Path) -> dict[str, str]:
    """French names by code, from the variant beside the table, or where the distribution has it."""
    for folder in (table.parent, table.parent.parent):
        for place in VARIANTS:
            inside = folder / place
            if inside.is_dir():
                for found in sorted(inside.iterdir()):
                    if VARIANT.fullmatch(found.name):
                        return variant(found.read_bytes(), found.name)
    return {}


def variant(content: bytes, name: str) -> dict[str, str]:
    """French names by code: of a linguistic variant, its own name, or the parts it translates."""
    names: dict[str, str] = {}
    for _, row in rows(content, name, ("LOINC_NUM",)):
        said = row.get("LONG_COMMON_NAME") or row.get("LinguisticVariantDisplayName") or ":".join(
            row.get(part) or "" for part in PARTS[:6]
        ).strip(":")  # fmt: skip
        if row.get("LOINC_NUM") and said:
            names[row["LOINC_NUM"]] = said
    return names


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
