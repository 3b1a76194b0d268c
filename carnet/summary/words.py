# SPDX-License-Identifier: EUPL-1.2
"""The words of the page around those of the record, in each of its languages."""

from __future__ import annotations

import re
from decimal import Context
from typing import Literal

from carnet.summary.facts import rules
from carnet.summary.pages import Ours

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
OWN: Language = "fr"  # of the documents of a French record
NOISE = re.compile(r"-?(?=(?:\D*\d){9})\d{1,12}\.\d{4,40}")
NUMBER = re.compile(r"(?<=\d)\.(?=\d)")


def word(name: str, language: Language, *, of: str = "words") -> str:
    """A sentence of words.toml."""
    return str(rules("words")[of][name][language])


def ours(name: str, language: Language) -> Ours:
    """The same, as part of a line."""
    return Ours(word(name, language))


def told(name: str, language: Language, value: object) -> Ours:
    """A sentence of ours about a value of the source."""
    return Ours(word(name, language) % " ".join(str(value).split()))


def rounded(text: str) -> str:
    """A number with more digits than a measure has, as a machine computes it, said to be about five."""
    if not NOISE.fullmatch(text):
        return text
    number = Context(prec=5).create_decimal(text)
    return f"≈ {format(number.normalize(), 'f')}"


def figures(text: str, language: Language) -> str:
    """A number as it is read: with the decimal mark of the language."""
    return NUMBER.sub(",", text) if language == "fr" else text
