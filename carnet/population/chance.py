# SPDX-License-Identifier: EUPL-1.2
"""Chance that can be repeated: the same path gives the same draws, on any machine and any Python.

A draw is a hash of its path, so nothing drawn here moves when something else is added elsewhere.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

TWELVE = Struct("<12I")
WHOLE = 2**32

T = TypeVar("T")


def fraction(*path: object) -> float:
    """A number from 0 up to, not including, 1."""
    digest = blake2b("/".join(map(str, path)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") / WHOLE


def around(*path: object) -> float:
    """A number of roughly normal law, mean 0, standard deviation 1, never beyond 6.

    The sum of twelve uniform draws: only additions, so every machine gives the same bits.
    """
    digest = blake2b("/".join(map(str, path)).encode(), digest_size=48).digest()
    numbers: tuple[int, ...] = TWELVE.unpack(digest)
    return sum(numbers) / WHOLE - 6.0


class Chance:
    """A succession of draws under one path."""

    def __init__(self, *path: object) -> None:
        self.path = "/".join(map(str, path))
        self.drawn = 0

    def fraction(self) -> float:
        """A number from 0 up to, not including, 1."""
        self.drawn += 1  # as `fraction` does it, without the joining: a population draws millions
        digest = blake2b(f"{self.path}/{self.drawn}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "little") / WHOLE

    def happens(self, probability: float) -> bool:
        """True `probability` of the time."""
        return self.fraction() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, things: Sequence[T]) -> T:
        """One of `things`, each as likely."""
        return things[int(self.fraction() * len(things))]

    def weighted(self, things: Mapping[T, float]) -> T:
        """One of the keys, as often as its weight says."""
        left = self.fraction() * sum(things.values())
        for thing, weight in things.items():
            left -= weight
            if left < 0:
                return thing
        return list(things)[-1]
