# SPDX-License-Identifier: EUPL-1.2
"""LOINC, from the table its owner distributes (Loinc.csv), and its French variant when it lies beside.

The format is that of the public documentation (LOINC Users' Guide, "LOINC Table"; "Linguistic variants");
it was not tried on a distributed file, which asks for a licence: UNVERIFIED on real files.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
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
VARIANT: Final = "frFR*LinguisticVariant.csv"
LARGEST: Final = 400_000  # rows


class NotLoinc(errors.Invalid):
    """Loinc.csv has a heading with LOINC_NUM, LONG_COMMON_NAME and STATUS."""


def is_one(head: bytes) -> bool:
    """Whether a file begins as the table does."""
    return (
        set(next(csv.reader([head.decode("utf-8-sig", "replace").splitlines()[0]]), [])) >= NEEDED
    )


def brought(content: bytes, beside: Path | None, version: str = "") -> Brought:
    """The whole system; beside: the folder of the file."""
    table = Table(content, variant(beside) if beside is not None else {})
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

    def rows(self) -> Iterator[dict[str, str]]:
        """Its lines, by the names of the heading."""
        text = io.TextIOWrapper(io.BytesIO(self.content), "utf-8-sig", newline="")
        found = csv.DictReader(text)
        try:
            if not set(found.fieldnames or ()) >= NEEDED:
                raise NotLoinc
            yield from found
        except (UnicodeDecodeError, csv.Error):
            line = found.line_num + 1
            raise NotLoinc(f"Loinc.csv, line {line}: it is no UTF-8 text, or no CSV.") from None

    def version(self) -> str:
        """The latest one that a line says it changed in."""
        said = (row.get("VersionLastChanged") or "" for row in self.rows())
        return max(said, key=_number, default="")

    def __iter__(self) -> Iterator[Concept]:
        for at, row in enumerate(self.rows()):
            if at > LARGEST:
                raise NotLoinc
            yield concept(row, self.french, at + 2)


def concept(row: Mapping[str, str | None], french: Mapping[str, str], line: int) -> Concept:
    """One line of the table."""
    code, label, status = (
        (row.get(name) or "").strip() for name in ("LOINC_NUM", "LONG_COMMON_NAME", "STATUS")
    )
    if not code or None in row:
        raise NotLoinc(
            f"Loinc.csv, line {line}: the code is missing, or there are too many columns."
        )
    given = {name: [value] for name in PARTS if (value := row.get(name))}
    if changed := row.get("VersionLastChanged"):
        given["VersionLastChanged"] = [changed]
    designations: list[dict[str, Any]] = []
    if code in french:
        designations.append({"language": "fr-FR", "value": french[code]})
    if short := row.get("SHORTNAME"):
        designations.append({"language": "en", "value": short})
    return Concept(
        code=code,
        display=label,
        inactive=status in RETIRED,
        properties=given,
        designations=designations,
        hints=[row.get("RELATEDNAMES2") or ""],
    )


def variant(folder: Path) -> dict[str, str]:
    """French names by code, from `frFR…LinguisticVariant.csv` in the folder or AccessoryFiles below."""
    found = sorted(folder.glob(VARIANT)) or sorted(folder.glob(f"**/{VARIANT}"))
    if not found:
        return {}
    names: dict[str, str] = {}
    with found[0].open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            said = row.get("LONG_COMMON_NAME") or row.get("LinguisticVariantDisplayName") or ":".join(
                row.get(part) or "" for part in PARTS[:6]
            ).strip(":")  # fmt: skip
            if row.get("LOINC_NUM") and said:
                names[row["LOINC_NUM"]] = said
    return names


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
