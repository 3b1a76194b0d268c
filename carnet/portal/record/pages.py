# SPDX-License-Identifier: EUPL-1.2
"""What each page of a record shows, worked out from what the acts answered."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from carnet.access.pages import Opening
from carnet.documents.pages import (
    OTHER,
    Aside,
    Asked,
    Curve,
    CurveLine,
    DocumentLine,
    DocumentList,
    DocumentPage,
    Facet,
    Point,
    ResultLine,
)
from carnet.portal.components import curves, gauges
from carnet.portal.record import words
from carnet.portal.record.places import Place
from carnet.portal.record.vocabulary import deed, word

LINES = 50  # openings, or values of a curve, on one page
LONG = 6  # sections of a text, from which each is folded


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


@dataclass(frozen=True, slots=True)
class Year:
    """The documents of one year."""

    year: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, as its list shows it."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One list of choices, the first of which keeps everything."""

    name: str  # in the address
    label: str
    every: str  # the words of the first choice
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ListView:
    """The record as its first page."""

    place: Place
    years: tuple[Year, ...]
    filters: tuple[Filter, ...]
    narrowed: bool  # at least one filter is set
    home: str
    total: int
    said: str  # how many documents, in words
    latest: tuple[Measure, ...]
    newer: str  # address of the neighbour page, "" when none
    older: str


KIND, YEAR, PLACE, AFTER, BEFORE = "type", "annee", "lieu", "apres", "avant"  # in the address


def asked(query: Mapping[str, str]) -> Asked:
    """What an address asks of the list; a year that is none asks for nothing."""
    year = query.get(YEAR, "")
    return Asked(
        kind=query.get(KIND, "")[:64],
        year=int(year)
        if len(year) == 4 and year.isascii() and year.isdigit() and year > "1799"
        else None,
        place=query.get(PLACE, "")[:64],
        after=query.get(AFTER, "")[:300],
        before=query.get(BEFORE, "")[:300],
    )


def list_view(place: Place, found: DocumentList, asked: Asked) -> ListView:
    """One page of the list, as it was asked for."""
    home = place.url("documents")
    years = groupby(found.lines, key=lambda line: timezone.localtime(line.date).year)
    said = ngettext("%(count)s document", "%(count)s documents", found.total)
    return ListView(
        place=place,
        years=tuple(
            Year(year, tuple(card(place, line) for line in lines)) for year, lines in years
        ),
        filters=filters(found, asked),
        narrowed=bool(asked.kind or asked.year or asked.place),
        home=home,
        total=found.total,
        said=said % {"count": words.number(Decimal(found.total))},
        latest=tuple(measure(place, line) for line in found.latest),
        newer=neighbour(home, asked, BEFORE, found.newer),
        older=neighbour(home, asked, AFTER, found.older),
    )


def filters(found: DocumentList, asked: Asked) -> tuple[Filter, ...]:
    """What may narrow the list: only what has two choices, or is chosen."""
    kept = (
        (KIND, gettext("Type"), gettext("Tous les types"), found.kinds, asked.kind),
        (YEAR, gettext("Année"), gettext("Toutes les années"), found.years, str(asked.year or "")),
        (PLACE, gettext("Envoyé par"), gettext("Tous"), found.places, asked.place),
    )
    return tuple(
        Filter(name, label, every, tuple(choices(facets, chosen)))
        for name, label, every, facets, chosen in kept
        if len(facets) > 1 or chosen
    )


def choices(facets: Iterable[Facet], chosen: str) -> Iterable[Choice]:
    """The values of a filter; one that was chosen and keeps nothing is still shown."""
    missing = True
    for facet in facets:
        label = gettext("Autres documents") if facet.value == OTHER else word(facet.label)
        missing = missing and facet.value != chosen
        yield Choice(facet.value, f"{label} ({facet.count})", facet.value == chosen)
    if chosen and missing:
        yield Choice(chosen, gettext("Aucun document (0)"), True)


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
        last=words.figures(line.last),
        day=words.day(line.last_at),
    )


def neighbour(home: str, asked: Asked, way: str, cursor: str) -> str:
    """The address of another page of the same list; "" when there is none."""
    if not cursor:
        return ""
    chosen = {KIND: asked.kind, YEAR: str(asked.year or ""), PLACE: asked.place, way: cursor}
    return f"{home}?{urlencode({name: value for name, value in chosen.items() if value})}"


@dataclass(frozen=True, slots=True)
class CurvesView:
    """Every measure that has a curve."""

    place: Place
    measures: tuple[Measure, ...]


def curves_view(place: Place, found: Sequence[CurveLine]) -> CurvesView:
    """By label."""
    by_label = sorted(found, key=lambda line: line.label.casefold())
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
    shown: bool  # its file can be looked at page by page
    outside: str  # how many results stand outside their range, in words
    folded: bool  # the text is long: each of its sections opens by itself
    kept: str  # what the document has that is not read as data, in words


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
        shown=page.shown,
        outside=outside(rows),
        folded=len(page.sections) >= LONG,
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


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a curve, as the table shows it."""

    at: datetime
    day: str
    value: str
    readings: tuple[tuple[str, words.Reading], ...]  # (line of the figure, what it says)
    place: str
    url: str  # of the document it comes from
    notes: tuple[str, ...] = ()
    struck: str = ""  # why the value is struck out
    newer: str = ""  # address of the report that replaces its own


@dataclass(frozen=True, slots=True)
class CurveView:
    """One measure over time: drawing, words and table say the same."""

    place: Place
    curve: Curve
    range: str
    last: str
    last_day: str
    readings: tuple[tuple[str, words.Reading], ...]
    trend: str
    wide: SafeString
    narrow: SafeString
    lines: tuple[str, ...]  # names of the lines of the figure, () when there is one
    remarks: tuple[str, ...]  # what must be known to read the drawing
    rows: tuple[Row, ...]  # newest first, one page
    apart: tuple[Row, ...]  # values that have no point, newest first, those of the same page
    newer: str
    older: str


def curve_view(place: Place, curve: Curve, page: int) -> CurveView:
    """At least one point: the act answers NotFound otherwise. page: of the table, from 1."""
    told = sorted(
        (*rows(place, curve), *asides(place, curve)), key=lambda row: row[1].at, reverse=True
    )
    first = (page - 1) * LINES
    shown = told[first : first + LINES]
    last = max(rows(place, curve), key=lambda row: row[1].at)[1]
    before = curve.points[-2] if len(curve.points) > 1 else None
    home = place.url("curve", curve.code)
    return CurveView(
        place=place,
        curve=curve,
        range="" if curve.beside else words.spread(curve.low, curve.high),
        last=last.value,
        last_day=last.day,
        readings=last.readings,
        trend=""
        if curve.beside
        else words.trend(
            curve.points[-1].value,
            before.value if before else None,
            before.at if before else None,
            curve.unit,
        ),
        wide=curves.draw(curve, curves.WIDE),
        narrow=curves.draw(curve, curves.NARROW),
        lines=tuple(one.label for one in curves.named_lines(curve)) if curve.beside else (),
        remarks=tuple(remarks(curve, told)),
        rows=tuple(row for drawn, row in shown if drawn),
        apart=tuple(row for drawn, row in shown if not drawn),
        newer=f"{home}?page={page - 1}" if page > 2 else home if page > 1 else "",
        older=f"{home}?page={page + 1}" if first + LINES < len(told) else "",
    )


def remarks(curve: Curve, told: Sequence[tuple[bool, Row]]) -> Iterable[str]:
    """What must be known to read the drawing, each in a sentence."""
    points = [point for one in (curve, *curve.beside) for point in one.points]
    converted = sum(bool(point.written) for point in points)
    if converted:
        yield ngettext(
            "%(count)s valeur a été convertie en %(unit)s, l’unité de la dernière ; le tableau donne "
            "aussi ce qui a été écrit.",
            "%(count)s valeurs ont été converties en %(unit)s, l’unité de la dernière ; le tableau "
            "donne aussi ce qui a été écrit.",
            converted,
        ) % {"count": converted, "unit": curve.unit}
    if curve.ranges > 1 and not curve.beside:
        yield gettext(
            "L’intervalle de référence change d’un laboratoire ou d’une période à l’autre : chaque "
            "valeur est comparée à celui de son propre compte rendu."
        )
    if any(point.disputed for point in points):
        yield gettext(
            "Deux documents donnent des valeurs différentes pour le même instant : les deux sont "
            "montrées."
        )
    apart = sum(not drawn for drawn, _ in told)
    if apart:
        yield ngettext(
            "%(count)s résultat n’est pas sur la courbe ; il est dans le tableau à part, avec la "
            "raison.",
            "%(count)s résultats ne sont pas sur la courbe ; ils sont dans le tableau à part, avec la "
            "raison.",
            apart,
        ) % {"count": apart}
    if len(curve.points) > curves.MOST:
        yield gettext(
            "La courbe est longue : le dessin montre la plus basse et la plus haute valeur de chaque "
            "courte période ; le tableau les donne toutes."
        )


def rows(place: Place, curve: Curve) -> list[tuple[bool, Row]]:
    """The points of a figure, those of one instant and document together."""
    together: dict[tuple[datetime, str, int], list[tuple[Curve, Point]]] = {}
    for one in curves.named_lines(curve):
        seen: Counter[tuple[datetime, str]] = Counter()
        for point in one.points:
            key = (point.at, point.document)
            together.setdefault((*key, seen[key]), []).append((one, point))
            seen[key] += 1
    return [(True, row(place, curve, points)) for points in together.values()]


def row(place: Place, curve: Curve, points: Sequence[tuple[Curve, Point]]) -> Row:
    """The values of one instant."""
    whole = len(points) == len(curve.beside) + 1
    _, first = points[0]
    if whole:
        value = curve.joint.join(words.number(point.value) for _, point in points)
        value = f"{value}\u00a0{curve.unit}".rstrip("\u00a0")
    else:
        parts = [f"{one.label} {words.quantity(point.value, one.unit)}" for one, point in points]
        value = ", ".join(parts)
    notes = []
    if any(point.written for _, point in points):
        written = curve.joint.join(words.figures(point.written) for _, point in points)
        notes.append(gettext("Écrit %(value)s") % {"value": written})
    if any(point.disputed for _, point in points):
        notes.append(gettext("Un autre document donne une autre valeur pour cet instant"))
    if curve.ranges > 1 and not curve.beside and (spread := words.spread(first.low, first.high)):
        notes.append(gettext("Référence de ce compte rendu : %(range)s") % {"range": spread})
    readings = tuple(
        (one.label if curve.beside else "", reading)
        for one, point in points
        if (reading := words.point_reading(point)) is not None
    )
    return Row(
        at=first.at,
        day=words.day(first.at),
        value=value,
        readings=readings,
        place=who(first),
        url=place.url("document", first.document) if first.document else "",
        notes=tuple(notes),
    )


def who(measured: Point | Aside) -> str:
    """Where a value comes from; who measured it, when it is no document."""
    if measured.by_patient and not measured.document:
        return gettext("Mesuré par le patient")
    return measured.place


def asides(place: Place, curve: Curve) -> list[tuple[bool, Row]]:
    """The values that have no point: those of replaced reports stand struck out among the others."""
    found = []
    for one in curves.named_lines(curve):
        for aside in one.asides:
            value = words.figures(aside.value)
            value = f"{one.label} {value}" if curve.beside else value
            struck, newer = "", ""
            notes: tuple[str, ...] = ()
            if aside.why == "replaced":
                struck = gettext("remplacé par un compte rendu corrigé")
                if aside.newer and aside.newer_at:
                    newer = place.url("document", aside.newer)
                    struck = gettext("remplacé par le compte rendu corrigé du %(day)s") % {
                        "day": words.day(aside.newer_at)
                    }
            else:
                notes = (words.why(aside.why, aside.value, curve.unit),)
            found.append(
                (
                    aside.why == "replaced",
                    Row(
                        at=aside.at,
                        day=words.day(aside.at),
                        value=value,
                        readings=(),
                        place=who(aside),
                        url=place.url("document", aside.document) if aside.document else "",
                        notes=notes,
                        struck=struck,
                        newer=newer,
                    ),
                )
            )
    return found


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
    proof: str  # its address


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
        days=tuple(
            Day(day, tuple(opening_row(each, home) for each in group)) for day, group in by_day
        ),
        newer=address(tab, page - 1) if page > 1 else "",
        older=address(tab, page + 1) if first + LINES < len(kept) else "",
    )


def opening_row(opening: Opening, home: str) -> OpeningRow:
    """One line."""
    return OpeningRow(
        hour=hour(opening.at),
        who=opening.who,
        profession=word(opening.profession),
        place=opening.place,
        what=deed(opening.what),
        purpose="" if opening.own else words.purpose(opening.purpose),
        emergency=opening.purpose in ("ETREAT", "BTG"),
        proof=f"{home}preuves/{opening.line}" if opening.line else "",
    )


def hour(at: datetime) -> str:
    """08:30, in Paris."""
    return timezone.localtime(at).strftime("%H:%M")
