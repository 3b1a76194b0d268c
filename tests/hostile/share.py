# SPDX-License-Identifier: EUPL-1.2
"""How much of the corpus a run takes: a seeded part in `./run test`, all of it in `./run bench campaign`.

CARNET_HOSTILE=all takes all; CARNET_SEED repeats a part.
"""

import os
import random
from collections.abc import Iterable
from typing import Final, TypeVar

T = TypeVar("T")

ALL: Final = os.environ.get("CARNET_HOSTILE") == "all"
CI: Final = os.environ.get("CI") == "true"
SEED: Final = int(os.environ.get("CARNET_SEED", "0")) or (
    1 if CI else random.SystemRandom().randrange(1, 1 << 31)
)


def some(things: Iterable[T], one_in: int) -> list[T]:
    """One thing in so many, in order, from a place the seed chooses."""
    held = list(things)
    return held if ALL else held[SEED % one_in :: one_in]
