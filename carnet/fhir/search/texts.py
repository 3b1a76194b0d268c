# SPDX-License-Identifier: EUPL-1.2
"""`:text`: the words beside a code (display, text of a concept, of an identifier's type).

They rest as keyed hashes of their beginnings, kept once for all the parameters that share an element.
Source: FHIR R4, Search, "Modifiers": the value is handled as a string.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from carnet import errors
from carnet.fhir.search.query import Place
from carnet.fhir.search.rules import heads
from carnet.fhir.search.scope import array
from carnet.fhir.search.strings import normalised
from carnet.fhir.store.hashes import Hasher

LONGEST = 20  # characters of a text that can be searched


class WrongText(errors.Invalid):
    """A :text to search has one letter or digit at least, and 20 characters at most."""


def beginnings(text: str) -> Iterator[str]:
    """The beginnings that can be asked for."""
    plain = normalised(text)[:LONGEST]
    for length in range(1, len(plain) + 1):
        yield plain[:length]


@lru_cache(4096)  # the same codes have the same words in many resources
def hashes(hasher: Hasher, rtype: int, head: int, text: str) -> tuple[int, ...]:
    """What stands for a text in a row."""
    return tuple(hashed(hasher, rtype, head, each) for each in beginnings(text))


def hashed(hasher: Hasher, rtype: int, head: int, beginning: str) -> int:
    """The beginning of a text kept under a parameter (see rules.heads)."""
    return hasher.number(f"{rtype}.{head}~{beginning}")


def read(text: str) -> str:
    """What is asked, as it is kept."""
    plain = normalised(text)
    if not plain or len(plain) > LONGEST:
        raise WrongText
    return plain


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Any of the beginnings, in the texts of a token parameter; numbers: by name, of the type."""

    code: str
    numbers: tuple[tuple[str, int], ...]
    words: tuple[str, ...]

    def sql(self, place: Place, values: dict[str, object], name: str) -> str:
        values[name] = array(
            hashed(place.hasher, place.rtype_number, number, word)
            for _, number in self.numbers
            for word in self.words
        )
        return f"r.toks && %({name})s::bigint[]"


def kept_under(rtype: str, code: str, numbers: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """The parameters whose texts a token parameter looks into."""
    return tuple((each, numbers[each]) for each in heads(rtype, code))
