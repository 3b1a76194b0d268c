# SPDX-License-Identifier: EUPL-1.2
"""What the subjects share while the entries of one document become resources."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from carnet.documents.cda.body import Section
from carnet.documents.cda.datatypes import Period
from carnet.documents.cda.statements import Statement, named
from carnet.documents.cda.understood import Report
from carnet.documents.metadata.making import Made, Making
from carnet.documents.metadata.pieces import Json, kept

# Pregnancies, examinations before birth, labour (LOINC): of one person in a document.
PREGNANCY: Final = frozenset({"10162-6", "57078-8", "57074-7"})
UNKNOWN: Final = "kind"  # why: nothing here knows what such a statement says


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, and the very statement it says."""

    url: str
    resource: Json
    statement: Statement
    section: int
    whole: bool = False  # of a section or of the document, not of this statement alone


@dataclass(slots=True)
class Reading:
    """One document's entries on their way to resources.

    A subject takes a statement whole (`take`), uses one inside what another says (`use`), or says why
    it does not (`keep`). What nobody told of is kept, and said so.
    """

    making: Making
    report: Report
    again: Callable[["Reading", Statement], None]  # hands a statement inside to its own subject
    section: int = -1
    at: Period | None = None  # of what holds the statement that is read
    void: frozenset[str] = frozenset()  # places of what its author withdrew
    found: list[Found] = field(default_factory=list)
    others: dict[tuple[object, ...], Json] = field(default_factory=dict)  # those of others
    related: list[Json] = field(default_factory=list)  # identifiers of documents elsewhere
    _told: dict[str, bool] = field(default_factory=dict)  # by place: whether it is data

    @property
    def where(self) -> Section | None:
        """The section that is being read."""
        return self.making.document.sections[self.section] if self.section >= 0 else None

    @property
    def section_code(self) -> str | None:
        """The LOINC code of that section."""
        where = self.where
        return where.code.code if where is not None and where.code else None

    @property
    def about(self) -> str | None:
        """Of whom the section speaks when not of the patient, in the words of the document.

        A pregnancy told in a document that says elsewhere whose it is, is hers.
        """
        where = self.where
        if where is None or where.subject or self.section_code not in PREGNANCY:
            return where.subject if where is not None else None
        sections = self.making.document.sections
        hers = (e.subject for e in sections if e.code and e.code.code in PREGNANCY and e.subject)
        return next(hers, None)

    @contextmanager
    def during(self, statement: Statement) -> Iterator[None]:
        """What is read meanwhile stands in this statement: its time is theirs when they give none."""
        before, self.at = self.at, statement.at or self.at
        try:
            yield
        finally:
            self.at = before

    def take(self, statement: Statement, resource: Json) -> str:
        """Make a resource of a statement; gives the url others refer to it by."""
        url = self.making.new_url()
        self.use(statement)
        self.found.append(Found(url, kept(resource), statement, self.section))
        return url

    def use(self, statement: Statement) -> None:
        """Say that a statement is data: inside a resource, or as one."""
        if statement.place not in self._told:
            self._told[statement.place] = True
            self.report.data(named(statement.kind, statement.templates), statement.place)

    def keep(self, statement: Statement, why: str = UNKNOWN) -> None:
        """Say that a statement stays in the source alone, and why (templates.toml, [why])."""
        if statement.place not in self._told:
            self._told[statement.place] = False
            self.report.kept(named(statement.kind, statement.templates), statement.place, why)

    def told(self, statement: Statement) -> bool:
        """Whether somebody said what becomes of it."""
        return statement.place in self._told

    def is_data(self, statement: Statement) -> bool:
        """Whether it is, or is in, a resource."""
        return self._told.get(statement.place, False)

    def same(self, statement: Statement) -> str | None:
        """The url of what was made of the statement with one of these identifiers."""
        wanted = set(statement.ids)
        return next((f.url for f in self.found if wanted & set(f.statement.ids)), None)

    def made(self) -> list[Made]:
        """All the resources, in reading order."""
        return [Made(each.url, each.resource, place=each.statement.place) for each in self.found]
