# SPDX-License-Identifier: EUPL-1.2
"""The access matrix: dated files, profession by category of document, each cell verified or proposed.

A file, or a folder of them: each is a version, in force from its date until the next one's. A production
instance starts only with a matrix its operator named; the demonstration one says on every refusal that
it is not official. A document's row never changes: a new matrix changes who reads it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from carnet import errors
from carnet.access import kinds
from carnet.identity.traits import LOCAL

CELLS: Final = {"R": "reads", "S": "reads but the sensitive types", "-": "does not read"}
ASSISTANT: Final = "assistant"  # the line of whoever assists a professional
EVERYONE: Final = frozenset(("identity", "directory"))  # classes no cell closes
# Classes of ANS JDV_J57-ClassCode-DMP, as people read them; a file may name them otherwise.
CATEGORIES: Final = {
    "10": "Comptes rendus et résultats",
    "11": "Synthèses",
    "31": "Imagerie médicale",
    "42": "Prescriptions",
    "43": "Dispensations",
    "44": "Plans de soins et protocoles",
    "45": "Traitements administrés",
    "52": "Certificats et déclarations",
    "60": "Données de remboursement",
    "90": "Documents et volontés du patient",
    "95": "Documents de gestion",
}
HEAD: Final = {"name": str, "version": str, "official": bool, "date": date, "source": str}
LINE: Final = {"code": str, "label": str, "cells": str}
MAY: Final = frozenset(("verified", "status"))


class WrongMatrix(errors.Invalid):
    """The access matrix cannot be read: each profession has one cell (R, S or -) a category."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one profession reads of one category, and how much that is worth."""

    code: str  # R, S or -
    source: str  # what it was verified against, "" when it is proposed

    @property
    def verified(self) -> bool:
        """Whether an official text was read for it."""
        return bool(self.source)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Which rows each profession reads by right, from a date on."""

    name: str
    version: str
    official: bool
    rows: dict[str, tuple[int, ...]]  # profession, with or without specialty → kind numbers
    labels: dict[str, str]  # French label of each profession
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)  # profession → category → cell
    effective: date = date.min
    source: str = ""
    later: tuple[Matrix, ...] = ()  # the versions after this one, by date

    def label(self, profession: str) -> str:
        """How a profession is called; "" for none."""
        return self.labels.get(profession) or self.labels.get(profession.split("/")[0], "")

    def reads(self, profession: str) -> tuple[int, ...]:
        """Kind numbers a profession reads; the specialty's line wins over the profession's."""
        if profession in self.rows:  # even when its line opens nothing
            return self.rows[profession]
        return self.rows.get(profession.split("/")[0], ())

    def at(self, now: datetime) -> Matrix:
        """The version in force: it begins at midnight of its date, in Paris."""
        if not self.later:
            return self
        today = now.astimezone(LOCAL).date()
        return next((one for one in reversed(self.later) if one.effective <= today), self)

    @property
    def versions(self) -> tuple[Matrix, ...]:
        """This one and those after it."""
        return (replace(self, later=()), *self.later)


def load(path: str = "") -> Matrix:
    """The matrix of a file, or of a folder of dated versions; the demonstration one when none is named.

    The first of several is in force before its own date too: something must be.
    """
    if not path:
        text = files(__package__).joinpath("demonstration.toml").read_text("utf-8")
        return read(text, "demonstration.toml")
    try:
        place = Path(path)
        found = sorted(place.glob("*.toml")) if place.is_dir() else [place]
        texts = [(each.read_text("utf-8"), each.name) for each in found]
    except OSError:
        raise WrongMatrix("There is no readable access matrix at this place.") from None
    except ValueError:
        raise WrongMatrix from None
    versions = sorted((read(*each) for each in texts), key=lambda one: one.effective)
    if not versions:
        raise WrongMatrix("The folder of the access matrix holds no .toml file.")
    for one, other in pairwise(versions):
        if one.effective == other.effective or one.version == other.version:
            raise WrongMatrix(
                f"Two versions of the access matrix have the same date or name: {other.version}."
            )
    return replace(versions[0], later=tuple(versions[1:]))


def read(text: str, name: str = "matrix") -> Matrix:
    """One version, once all that is wrong in its file was looked for."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongMatrix(f"{name}: {error}") from None
    if wrong := problems(table):
        raise WrongMatrix(f"{name}: " + "; ".join(wrong))
    order = table["categories"]["order"]
    cells = {
        line["code"]: {
            category: Cell(code, line.get("verified", {}).get(category, ""))
            for category, code in zip(order, line["cells"].split(), strict=True)
        }
        for line in table["profession"]
    }
    head = table["matrix"]
    return Matrix(
        head["name"],
        head["version"],
        head["official"],
        {code: _rows(line) for code, line in cells.items()},
        {line["code"]: line["label"] for line in table["profession"]},
        cells,
        head["date"],
        head["source"],
    )


def _rows(line: dict[str, Cell]) -> tuple[int, ...]:
    """Kind numbers of one line: a refusal wins, so that what no cell names is not read."""
    seen = []
    for kind in kinds.table().values():
        cell = line.get(kind.category)
        code = "R" if kind.category in EVERYONE else cell.code if cell else "-"
        if code == "R" or (code == "S" and not kind.sensitive):
            seen.append(kind.number)
    return tuple(sorted(seen))


def problems(table: dict[str, Any]) -> list[str]:
    """Everything wrong in a file, each in a few words; empty when nothing is."""
    wrong: list[str] = []
    head = table.get("matrix")
    if not isinstance(head, dict):
        return ["no [matrix] table"]
    wrong += _fields("[matrix]", head, HEAD, frozenset())
    categories = table.get("categories")
    order = categories.get("order") if isinstance(categories, dict) else None
    if not isinstance(order, list) or not order or not all(isinstance(one, str) for one in order):
        return [*wrong, "[categories] has no list `order` of codes"]
    known = {kind.category for kind in kinds.table().values()} - EVERYONE
    wrong += [f"category {one} is in no row of kinds.toml" for one in order if one not in known]
    if len(set(order)) != len(order):
        wrong.append("a category stands twice in `order`")
    wrong += [f"[{name}] is no table of a matrix" for name in table if name not in
              ("matrix", "categories", "profession")]  # fmt: skip
    lines = table.get("profession")
    if not isinstance(lines, list) or not lines:
        return [*wrong, "no [[profession]]"]
    seen: set[object] = set()
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict):
            wrong.append(f"profession {number} is no table")
            continue
        where = f"profession {line.get('code', number)}"
        wrong += _fields(where, line, LINE, MAY)
        if line.get("code") in seen:
            wrong.append(f"{where} stands twice")
        seen.add(line.get("code"))
        cells = str(line.get("cells", "")).split()
        if len(cells) != len(order):
            wrong.append(f"{where} has {len(cells)} cells for {len(order)} categories")
        wrong += [f"{where}: cell {one} is none of R, S, -" for one in cells if one not in CELLS]
        verified = line.get("verified", {})
        if not isinstance(verified, dict):
            wrong.append(f"{where}: verified is a table, category = source")
            continue
        for category, source in verified.items():
            if category not in order:
                wrong.append(f"{where}: verified names {category}, which is no category here")
            elif not isinstance(source, str) or not source:
                wrong.append(f"{where}: verified.{category} says no source")
    return wrong


def _fields(
    where: str, table: dict[str, Any], wanted: Mapping[str, type], may: frozenset[str]
) -> list[str]:
    wrong = [f"{where} has no {name}" for name in wanted if name not in table]
    wrong += [
        f"{where}: {name} is not a {kind.__name__}"
        for name, kind in wanted.items()
        if name in table and (not isinstance(table[name], kind) or table[name] == "")
    ]
    return wrong + [f"{where}: {name} is unknown" for name in table if name not in {*wanted, *may}]
