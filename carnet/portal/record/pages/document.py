# SPDX-License-Identifier: EUPL-1.2
"""One document: its text, its results, what was kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from carnet.documents.pages import (
    DocumentPage,
    ResultLine,
)
from carnet.portal.components import gauges
from carnet.portal.record import words
from carnet.portal.record.pages.documents import Card, card
from carnet.portal.record.places import Place

ANCHOR = "dit-"  # before the ranks of a section
LONG = 6  # sections of a text, from which each is folded


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the results."""

    line: ResultLine
    url: str  # of its curve, "" when it has none
    value: str
    unit: str
    range: str
    reading: words.Reading | None
    gauge: SafeString
    trend: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """The results of one section of the report."""

    title: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Narrative:
    """One section of the text."""

    title: str
    html: SafeString
    read: str  # what became data of it, in one line; "" for nothing
    anchor: str  # where a link to it goes
    open: bool  # it was asked for


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One document, readable."""

    place: Place
    card: Card
    day: str
    patient_name: str
    chapters: tuple[Chapter, ...]
    narratives: tuple[Narrative, ...]
    versions: tuple[Card, ...]  # () when there is one only
    replaced: bool  # by a version its reader sees; else it was only withdrawn
    latest: str  # address of the version that replaces this one, "" when it is the current one
    pdf: str
    source: str
    shown: bool  # its file can be looked at page by page
    outside: str  # how many results stand outside their range, in words
    folded: bool  # the text is long: each of its sections opens by itself
    unfolded: bool  # a section of the text is asked for
    kept: str  # what the document has that is not read as data, in words


def document_view(place: Place, page: DocumentPage, at: str = "") -> DocumentView:
    """The page of one document. at: the ranks of the section that is looked for."""
    # the head of a panel is an observation without a value: its results say it all
    rows = [result(place, line) for line in page.results if line.value or line.interpretation]
    chapters = groupby(rows, key=lambda row: row.line.section)
    current = next((line for line in page.versions if line.status == "current"), None)
    newest = page.versions[0].id if page.versions else page.line.id  # newest first
    replaced = page.line.status == "superseded" and newest != page.line.id
    return DocumentView(
        place=place,
        card=card(place, page.line),
        day=words.moment(page.line.date),
        patient_name=page.patient_name,
        chapters=tuple(Chapter(title, tuple(group)) for title, group in chapters),
        narratives=tuple(
            # made safe when the document was received: carnet/documents/cda
            Narrative(
                section.title,
                mark_safe(section.html),  # noqa: S308
                gettext("Lu comme données : %(names)s") % {"names": " ; ".join(section.read)}
                if section.read
                else "",
                f"{ANCHOR}{section.ranks}" if section.ranks else "",
                bool(at) and section.ranks == at,
            )
            for section in page.sections
        ),
        versions=tuple(card(place, line) for line in page.versions)
        if len(page.versions) > 1
        else (),
        replaced=replaced,
        latest=place.url("document", current.id) if replaced and current else "",
        pdf=place.url("file", page.pdf) if page.pdf else "",
        source=place.url("file", page.source) if page.source else "",
        shown=page.shown,
        outside=outside(rows),
        folded=len(page.sections) >= LONG,
        unfolded=bool(at) and any(section.ranks == at for section in page.sections),
        kept=kept(page),
    )


def kept(page: DocumentPage) -> str:
    """What is in the source and in the text only; nothing is lost, and that is said."""
    if not page.kept:
        return ""
    return ngettext(
        "Ce document contient %(count)s élément codé gardé mais non traduit en données : il se lit "
        "dans le texte et reste dans le fichier d’origine.",
        "Ce document contient %(count)s éléments codés gardés mais non traduits en données : ils se "
        "lisent dans le texte et restent dans le fichier d’origine.",
        page.kept,
    ) % {"count": page.kept}


def result(place: Place, line: ResultLine) -> Result:
    """One result; it has a curve when it is a number with a code."""
    plain = line.number is not None
    reading = words.reading(line)
    return Result(
        line=line,
        url=place.url("curve", line.code) if plain and line.code else "",
        value=words.number(line.number) if line.number is not None else line.value,
        unit=line.unit,
        range=words.spread(line.low, line.high, line.range_text),
        reading=reading if reading and reading.words != line.value else None,
        gauge=gauges.gauge(line.number, line.low, line.high),
        trend=words.trend(line.number, line.previous, line.previous_at, line.unit),
    )


def outside(rows: Iterable[Result]) -> str:
    """A sentence above the table, so that nobody has to look for it; "" without any range."""
    read = [row.reading for row in rows if row.reading is not None]
    if not read:
        return ""
    count = sum(reading.side in ("below", "above", "flagged") for reading in read)
    if count == 0:
        return gettext("Aucun résultat n’est signalé hors de son intervalle de référence.")
    return ngettext(
        "%(count)s résultat est hors de son intervalle de référence ou signalé.",
        "%(count)s résultats sont hors de leur intervalle de référence ou signalés.",
        count,
    ) % {"count": count}
