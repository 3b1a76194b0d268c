# SPDX-License-Identifier: EUPL-1.2
"""Where invented people live and are born: communes and addresses of places.toml."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from carnet.population.chance import Chance
from carnet.population.data import table
from carnet.population.people import Address, Commune


@cache
def communes() -> Mapping[str, Commune]:
    """Every commune and country of birth, by INSEE code."""
    places = table("places")
    rows = (*places["home"], *places["birth"])
    return {row["code"]: Commune(row["code"], row["name"], row["postal_code"]) for row in rows}


@cache
def always() -> tuple[Commune, ...]:
    """Birth places of any year."""
    rows = (*table("places")["home"], *table("places")["birth"])
    return tuple(communes()[row["code"]] for row in rows if "from_year" not in row)


def address(row: Mapping[str, str]) -> Address:
    """An address of cast.toml."""
    return Address(row["number"], row["street"], communes()[row["town"]])


def town(chance: Chance) -> Commune:
    """One where people live, the larger ones more often."""
    row: Mapping[str, Any] = chance.pick(_weighted("home", None))
    return communes()[row["code"]]


def home(chance: Chance, town: Commune) -> Address:
    """An address in a town."""
    number = str(chance.between(1, 90)) + (" bis" if chance.happens(0.05) else "")
    return Address(number, chance.pick(table("places")["streets"]), town)


def birth(chance: Chance, year: int, origin: str | None = None) -> Mapping[str, Any]:
    """The line of a birth place; of an origin of names.toml when one is given."""
    around = origin is None and chance.happens(0.5)
    row: Mapping[str, Any] = chance.pick(_weighted("home" if around else "birth", origin))
    return table("places")["home"][0] if year < row.get("from_year", 0) else row


@cache
def _weighted(kind: str, origin: str | None) -> tuple[Mapping[str, Any], ...]:
    """Each line as many times as its weight says."""
    return tuple(
        row
        for row in table("places")[kind]
        if origin in (None, row.get("origin"))
        for _ in range(row["weight"])
    )
