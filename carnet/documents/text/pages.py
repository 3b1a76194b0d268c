# SPDX-License-Identifier: EUPL-1.2
"""What a page of search shows: one frozen object, made by `find.py`."""

from __future__ import annotations

from dataclasses import dataclass

from carnet.documents.pages import DocumentLine, Facet


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a snippet; marked when it is a word that was looked for."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that answers, with where."""

    line: DocumentLine
    where: str  # title, heads or body: where all the words stand
    snippet: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """The documents of a record that answer: those whose title says it first, then the newest."""

    words: str  # as typed
    hits: tuple[Hit, ...] = ()
    total: int = 0
    most: bool = False  # total is the most there can be: a phrase is checked as pages are made
    kinds: tuple[Facet, ...] = ()
    years: tuple[Facet, ...] = ()
    places: tuple[Facet, ...] = ()
    authors: tuple[Facet, ...] = ()
    also: tuple[str, ...] = ()  # synonyms that were looked for too
    older: str = ""  # where the next page begins
