# SPDX-License-Identifier: EUPL-1.2
"""The words of a label, folded, as they are searched: by their beginnings, without case or accent."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

WORD: Final = re.compile(r"[^\W_]+")
LONGEST: Final = 60  # characters of a word that is indexed
MOST: Final = 400  # words of one concept
LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l"})


def words(*texts: str) -> list[str]:
    """Distinct words, in alphabetical order."""
    found: set[str] = set()
    for text in texts:
        found.update(word[:LONGEST] for word in WORD.findall(fold(text)))
    return sorted(found)[:MOST]


def fold(text: str) -> str:
    """Lower case, without accents."""
    if text.isascii():
        return text.lower().replace("\0", "")
    bare = unicodedata.normalize("NFKD", text.lower().translate(LIGATURES))
    return "".join(c for c in bare if not unicodedata.combining(c)).replace("\0", "")


def vector(found: Iterable[str]) -> str:
    """Words, as PostgreSQL writes a tsvector."""
    return " ".join(f"'{word}'" for word in found)


def beginning(text: str) -> str | None:
    """Each word of a text as the beginning of one, as PostgreSQL writes a tsquery; None without words."""
    asked = words(text)
    return " & ".join(f"'{word}':*" for word in asked) if asked else None


def same(one: str, other: str) -> bool:
    """Whether two labels are the same but for case and spaces."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
