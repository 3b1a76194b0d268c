# SPDX-License-Identifier: EUPL-1.2
"""The access matrix: a dated file, profession by row, read once.

A production instance starts only with a matrix its operator named; the demonstration one says on every
refusal that it is not official.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from carnet import errors
from carnet.access import kinds


class WrongMatrix(errors.Invalid):
    """The access matrix cannot be read: each profession has one cell (R, S or -) a category."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Which rows each profession reads by right."""

    name: str
    version: str
    official: bool
    rows: dict[str, tuple[int, ...]]  # profession, with or without specialty → kind numbers
    labels: dict[str, str]  # French label of each profession

    def label(self, profession: str) -> str:
        """How a profession is called; "" for none."""
        return self.labels.get(profession) or self.labels.get(profession.split("/")[0], "")

    def reads(self, profession: str) -> tuple[int, ...]:
        """Kind numbers a profession reads; the specialty's line wins over the profession's."""
        if profession in self.rows:  # even when its line opens nothing
            return self.rows[profession]
        return self.rows.get(profession.split("/")[0], ())


def load(path: str = "") -> Matrix:
    """The matrix of a file; the demonstration one when none is named."""
    try:
        if path:
            text = Path(path).read_text("utf-8")
        else:
            text = files(__package__).joinpath("demonstration.toml").read_text("utf-8")
        table = tomllib.loads(text)
        order = table["categories"]["order"]
        rows = {}
        for line in table["profession"]:
            cells = dict(zip(order, line["cells"].split(), strict=True))
            if set(cells.values()) - {"R", "S", "-"}:
                raise WrongMatrix
            rows[str(line["code"])] = tuple(
                sorted(
                    kind.number
                    for kind in kinds.table().values()
                    if kind.category in ("identity", "directory")
                    or cells.get(kind.category) == "R"
                    or (cells.get(kind.category) == "S" and not kind.sensitive)
                )
            )
        head = table["matrix"]
        named = {str(line["code"]): str(line["label"]) for line in table["profession"]}
        return Matrix(head["name"], head["version"], bool(head["official"]), rows, named)
    except (OSError, KeyError, ValueError, TypeError):
        raise WrongMatrix from None
