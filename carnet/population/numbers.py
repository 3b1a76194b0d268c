# SPDX-License-Identifier: EUPL-1.2
"""Numbers with right keys that are nobody's: INS of test, RPPS and FINESS of ranges never given.

- INS: order numbers 900 to 999, which a commune of fewer than 900 births a month does not reach
  (places.toml keeps to such communes), and always the test OID.
- RPPS: 999...; real ones begin with 10.
- FINESS: 99...; no département has that number.
"""

from datetime import date

from carnet.identity import organisations, professionals
from carnet.identity.ins import Ins, InsSystem, control_key
from carnet.identity.traits import Sex

DRAWN = range(900, 990)  # orders of the people drawn
LAST = range(990, 1000)  # and of those who fill up a population: two sizes of a seed never meet


def ins(sex: Sex, birth_date: date, commune: str, order: int) -> str:
    """The test INS of someone: sex, year and month, birth place, order among the births, key.

    Source: INSEE, structure of the NIR. `commune`: five characters, 99xxx for a birth abroad.
    """
    root = f"{1 if sex is Sex.MALE else 2}{birth_date:%y%m}{commune}{order:03}"
    return Ins(f"{root}{control_key(root):02}", InsSystem.NIR_TEST).value


def rpps(serial: int) -> str:
    """The fictitious RPPS of that serial, up to a million."""
    return professionals.numbered(f"9990{serial:06}").value


def finess(serial: int) -> str:
    """The fictitious FINESS of that serial, up to a hundred thousand."""
    return organisations.numbered(f"990{serial:05}").value
