# SPDX-License-Identifier: EUPL-1.2
"""A summary as the page a person reads: each line with its details, its source and its date.

It says what the FHIR document says, in the same words: nothing is added, chosen or left out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Protocol

from carnet.composing.pdf import Block, Facts, Heading, Note, Paragraph, Sheet, Table

LOCALES = {"fr": "fr-FR", "en": "en-GB"}
WIDTHS = (3.0, 4.0, 4.0)


class Row(Protocol):
    """One line, in words; original: in those of its source, for want of the language asked for."""

    @property
    def label(self) -> str: ...
    @property
    def original(self) -> bool: ...
    @property
    def details(self) -> Sequence[str]: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    @property
    def sources(self) -> Sequence[str]: ...


class Part(Protocol):
    """One section; empty: why there is no line; more: that it is not whole."""

    @property
    def title(self) -> str: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def empty(self) -> str: ...
    @property
    def more(self) -> str: ...


class Summary(Protocol):
    """The summary, told in a language."""

    @property
    def language(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def made(self) -> datetime: ...
    @property
    def notices(self) -> Sequence[str]: ...
    @property
    def parts(self) -> Sequence[Part]: ...


@dataclass(frozen=True, slots=True)
class Person:
    """Whose it is, as it is shown; number: a qualified INS, "" for none. day: of the making, shown."""

    name: str
    birth_name: str
    given: str  # the first one of the birth certificate
    born: str
    sex: str  # female, male, unknown
    number: str
    day: str


@cache
def words() -> dict[str, dict[str, str]]:
    """The words of this page, by language."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))


def sheet(summary: Summary, person: Person, document: str) -> Sheet:
    """The page. document: the identifier of the FHIR document that says the same."""
    said = {name: each[summary.language] for name, each in words().items()}
    return Sheet(
        title=summary.title,
        blocks=tuple(_blocks(summary, person, document, said)),
        created=summary.made,
        footer=f"{person.name} · {person.born} · {summary.title} · {person.day}",
        language=LOCALES[summary.language],
    )


def _blocks(
    summary: Summary, person: Person, document: str, said: dict[str, str]
) -> Iterator[Block]:
    facts = [
        (said["name"], person.name),
        (said["birth_name"], person.birth_name),
        (said["given"], person.given),
        (said["born"], person.born),
        (said["sex"], said.get(person.sex, said["unknown"])),
        (said["number"], person.number),
        (said["made"], person.day),
        (said["document"], document),
    ]
    yield Facts(tuple(pair for pair in facts if pair[1]))
    for notice in summary.notices:
        yield Paragraph(notice)
    header = (said["label"], said["details"], said["sources"])
    for part in summary.parts:
        yield Heading(part.title)
        if part.rows:
            yield Table(header, tuple(map(_cells, part.rows)), WIDTHS)
        if part.empty:
            yield Paragraph(part.empty)
        if part.more:
            yield Note(part.more)


def _cells(row: Row) -> tuple[str, str, str]:
    label = f"{row.label} *" if row.original else row.label
    details = [*row.details, *(f"! {each}" for each in row.warnings)]
    return label, "\n".join(details), "\n".join(row.sources)
