# SPDX-License-Identifier: EUPL-1.2
"""Why a file is refused, and what was taken out of one: sentences of words.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from carnet import errors


@cache
def words() -> dict[str, Any]:
    """The table of sentences, by language."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))


class Refused(errors.BusinessRule):
    """This file cannot be taken."""

    def __init__(self, rule: str) -> None:
        """rule: a key of words.toml."""
        said = words()["refused"][rule]
        super().__init__(said["en"])
        self.rule = rule
        self.french: str = said["fr"]


class TooLarge(errors.TooLarge):
    """A file has at most 5 MB."""

    rule = "too-large"

    @property
    def french(self) -> str:
        """The same, as people read it on screen."""
        return str(words()["refused"][self.rule]["fr"])


def removed(rule: str) -> tuple[str, str]:
    """What was taken out of a file, in English and in French."""
    said = words()["removed"][rule]
    return said["en"], said["fr"]
