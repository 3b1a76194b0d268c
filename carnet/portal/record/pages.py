# SPDX-License-Identifier: EUPL-1.2
"""What each page of a record shows, worked out from what the acts answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from carnet.access.pages import Opening
from carnet.documents.pages import (
    Curve,
    CurveLine,
    DocumentLine,
    DocumentList,
    DocumentPage,
    Point,
    ResultLine,
)
from carnet.portal.components import curves, gauges
from carnet.portal.record import words
from carnet.portal.record.places import Place
from carnet.portal.record.vocabulary import deed, word

LINES = 50  # documents or openings on one page
MEASURES = 4  # latest measures shown above the list


@dataclass(frozen=True, slots=True)
class Link:
    """One choice among several: a filter, a page of a list."""

    label: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """One document of the list."""

    url: str
    line: DocumentLine
    kind: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure that has a curve."""

    url: str
    line: CurveLine
    last: str  # without its unit
    day: str
    count: str


@dataclass(frozen=True, slots=True)
class Year:
    """The documents of one year."""

    year: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class ListView:
    """The record as its first page."""

    place: Place
    years: tuple[Year, ...]
    kinds: tuple[Link, ...]
    total: int
    latest: tuple[Measure, ...]
    newer: str  # address of the neighbour page, "" when none
    older: str


def list_view(place: Place, found: DocumentList, kind: str, page: int) -> ListView:
    """kind: keep this document type alone, "" for all. page: from 1."""
    home = place.url("documents")
    kept = [line for line in found.lines if kind in ("", line.kind)]
    first = (page - 1) * LINES
    shown = kept[first : first + LINES]
    years = groupby(shown, key=lambda line: timezone.localtime(line.date).year)
    return ListView(
        place=place,
        years=tuple(
            Year(year, tuple(card(place, line) for line in lines)) for year, lines in years
        ),
        kinds=kinds(home, found.lines, kind),
        total=len(kept),
        latest=tuple(
            measure(place, line)
            for line in sorted(found.curves, key=lambda line: line.last_at, reverse=True)[:MEASURES]
        )
        if page == 1 and not kind
        else (),
        newer=neighbour(home, kind, page - 1) if page > 1 else "",
        older=neighbour(home, kind, page + 1) if first + LINES < len(kept) else "",
    )


def card(place: Place, line: DocumentLine) -> Card:
    """A document as the list shows it; its kind is left out when its title says it."""
    kind = word(line.kind_label)
    return Card(
        url=place.url("document", line.id),
        line=line,
        kind="" if same(line.title, line.kind_label) else kind or gettext("Document"),
        labels=tuple(words.label(label) for label in sorted(line.labels)),
    )


def same(title: str, label: str) -> bool:
    """Whether a title only repeats the kind of the document."""
    return title.replace("’", "'").casefold() == label.replace("’", "'").casefold()


def measure(place: Place, line: CurveLine) -> Measure:
    """A measure as the list shows it."""
    return Measure(
        url=place.url("curve", line.code),
        line=line,
        last=words.number(line.last),
        day=words.day(line.last_at),
        count=ngettext("%(count)s valeur", "%(count)s valeurs", line.count) % {"count": line.count},
    )


def kinds(home: str, lines: Sequence[DocumentLine], current: str) -> tuple[Link, ...]:
    """The document types of the record, the most frequent first, after "all"."""
    counts: dict[tuple[str, str], int] = {}
    for line in lines:
        counts[line.kind, line.kind_label] = counts.get((line.kind, line.kind_label), 0) + 1
    if len(counts) < 2:
        return ()
    every = Link(gettext("Tous"), home, not current, len(lines))
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0][1]))
    return (
        every,
        *(
            Link(word(label), f"{home}?{urlencode({'type': kind})}", kind == current, count)
            for (kind, label), count in by_count
        ),
    )


def neighbour(home: str, kind: str, page: int) -> str:
    """The address of another page of the list."""
    query = {**({"type": kind} if kind else {}), **({"page": page} if page > 1 else {})}
    return f"{home}?{urlencode(query)}" if query else home


@dataclass(frozen=True, slots=True)
class CurvesView:
    """Every measure that has a curve."""

    place: Place
    measures: tuple[Measure, ...]


def curves_view(place: Place, found: DocumentList) -> CurvesView:
    """By label."""
    by_label = sorted(found.curves, key=lambda line: line.label.casefold())
    return CurvesView(place, tuple(measure(place, line) for line in by_label))


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
    latest: str  # address of the version that replaces this one, "" when it is the current one
    pdf: str
    source: str
    outside: str  # how many results stand outside their range, in words


def document_view(place: Place, page: DocumentPage) -> DocumentView:
    """The page of one document."""
    # the head of a panel is an observation without a value: its results say it all
    rows = [result(place, line) for line in page.results if line.value or line.interpretation]
    chapters = groupby(rows, key=lambda row: row.line.section)
    current = next((line for line in page.versions if line.status == "current"), None)
    replaced = page.line.status == "superseded" and current is not None
    return DocumentView(
        place=place,
        card=card(place, page.line),
        day=words.moment(page.line.date),
        patient_name=page.patient_name,
        chapters=tuple(Chapter(title, tuple(group)) for title, group in chapters),
        narratives=tuple(
            # made safe when the document was received: carnet/documents/cda
            Narrative(section.title, mark_safe(section.html))  # noqa: S308
            for section in page.sections
        ),
        versions=tuple(card(place, line) for line in page.versions)
        if len(page.versions) > 1
        else (),
        latest=place.url("document", current.id) if replaced and current else "",
        pdf=place.url("file", page.pdf) if page.pdf else "",
        source=place.url("file", page.source) if page.source else "",
        outside=outside(rows),
    )


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


@dataclass(frozen=True, slots=True)
class Row:
    """One point of a curve, as the table shows it."""

    day: str
    value: str
    reading: words.Reading | None
    place: str
    url: str  # of the document it comes from


@dataclass(frozen=True, slots=True)
class CurveView:
    """One measure over time: drawing, words and table say the same."""

    place: Place
    curve: Curve
    range: str
    last: str
    last_day: str
    reading: words.Reading | None
    trend: str
    wide: SafeString
    narrow: SafeString
    rows: tuple[Row, ...]  # newest first


def curve_view(place: Place, curve: Curve) -> CurveView:
    """At least one point: the act answers NotFound otherwise."""
    last = curve.points[-1]
    before = curve.points[-2] if len(curve.points) > 1 else None
    return CurveView(
        place=place,
        curve=curve,
        range=words.spread(curve.low, curve.high),
        last=words.quantity(last.value, curve.unit),
        last_day=words.day(last.at),
        reading=words.beside(last.value, curve.low, curve.high),
        trend=words.trend(
            last.value, before.value if before else None, before.at if before else None, curve.unit
        ),
        wide=curves.draw(curve, curves.WIDE),
        narrow=curves.draw(curve, curves.NARROW),
        rows=tuple(row(place, curve, point) for point in reversed(curve.points)),
    )


def row(place: Place, curve: Curve, point: Point) -> Row:
    """One point of a curve."""
    return Row(
        day=words.day(point.at),
        value=words.quantity(point.value, curve.unit),
        reading=words.beside(point.value, curve.low, curve.high),
        place=point.place,
        url=place.url("document", point.document) if point.document else "",
    )


@dataclass(frozen=True, slots=True)
class OpeningRow:
    """One opening of the record, in plain words."""

    hour: str
    who: str
    profession: str
    place: str
    what: str
    purpose: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The openings of one day."""

    day: str
    rows: tuple[OpeningRow, ...]


@dataclass(frozen=True, slots=True)
class OpeningsView:
    """Who has read my record."""

    tabs: tuple[Link, ...]
    tab: str  # OTHERS, WRITERS or OWN
    days: tuple[Day, ...]
    newer: str
    older: str


OTHERS, WRITERS, OWN = "", "ajouts", "moi"  # as they stand in the address


def tab_of(opening: Opening) -> str:
    """The list an opening stands in."""
    if opening.own:
        return OWN
    return WRITERS if opening.wrote else OTHERS


def openings_view(home: str, openings: Sequence[Opening], tab: str, page: int) -> OpeningsView:
    """tab: OTHERS, who has read; WRITERS, who has added; OWN, the patient's own acts."""
    tab = tab if tab in (WRITERS, OWN) else OTHERS
    kept = [opening for opening in openings if tab_of(opening) == tab]
    first = (page - 1) * LINES
    shown = kept[first : first + LINES]
    by_day = groupby(shown, key=lambda opening: words.day(opening.at))
    count = Counter(map(tab_of, openings))

    def address(tab: str, other: int = 1) -> str:
        query = {**({"vue": tab} if tab else {}), **({"page": other} if other > 1 else {})}
        return f"{home}?{urlencode(query)}" if query else home

    return OpeningsView(
        tabs=(
            Link(gettext("Lectures"), address(OTHERS), tab == OTHERS, count[OTHERS]),
            Link(gettext("Ajouts"), address(WRITERS), tab == WRITERS, count[WRITERS]),
            Link(gettext("Moi"), address(OWN), tab == OWN, count[OWN]),
        ),
        tab=tab,
        days=tuple(Day(day, tuple(map(opening_row, group))) for day, group in by_day),
        newer=address(tab, page - 1) if page > 1 else "",
        older=address(tab, page + 1) if first + LINES < len(kept) else "",
    )


def opening_row(opening: Opening) -> OpeningRow:
    """One line."""
    return OpeningRow(
        hour=hour(opening.at),
        who=opening.who,
        profession=word(opening.profession),
        place=opening.place,
        what=deed(opening.what),
        purpose="" if opening.own else words.purpose(opening.purpose),
        emergency=opening.purpose in ("ETREAT", "BTG"),
    )


def hour(at: datetime) -> str:
    """08:30, in Paris."""
    return timezone.localtime(at).strftime("%H:%M")
