# SPDX-License-Identifier: EUPL-1.2
"""The rates, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

HOUR = 3600


class Of(StrEnum):
    """Whom a rate counts for."""

    ACCOUNT = "account"
    ADDRESS = "address"
    PAIR = "pair"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Rate:
    """One section of limits.toml; `most` acts in `seconds`."""

    name: str
    of: Of
    most: int
    seconds: int
    exact: bool

    def __post_init__(self) -> None:
        assert self.most > 0 and self.seconds > 0, self.name
        # What is kept of an address is kept an hour at most.
        assert self.of not in (Of.ADDRESS, Of.PAIR) or self.seconds <= HOUR, self.name


@cache
def load(*, demonstration: bool) -> Mapping[str, Rate]:
    """Every rate by its name."""
    text = resources.files(__package__).joinpath("limits.toml").read_text("utf-8")
    most = "demonstration" if demonstration else "most"
    return {
        name: Rate(name, Of(given["of"]), given[most], given["seconds"], given["exact"])
        for name, given in tomllib.loads(text).items()
    }


def lines(rates: Mapping[str, Rate]) -> list[str]:
    """The numbers, as they are printed when a server starts."""
    return [f"{each.name}: {each.most} in {each.seconds} s by {each.of}" for each in rates.values()]
