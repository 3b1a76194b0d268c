# SPDX-License-Identifier: EUPL-1.2
"""The measures of a record: each has a curve, and a table of its values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from carnet.documents.pages import (
    Aside,
    Curve,
    CurveLine,
    Point,
)
from carnet.portal.components import curves
from carnet.portal.record import words
from carnet.portal.record.places import Place

LINES = 50  # values of a curve, on one page


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure that has a curve."""

    url: str
    line: CurveLine
    last: str  # without its unit
    day: str
    ago: str  # how many days ago, in words


def measure(place: Place, line: CurveLine) -> Measure:
    """A measure as the list shows it."""
    return Measure(
        url=place.url("curve", line.code),
        line=line,
        last=words.figures(line.last),
        day=words.day(line.last_at),
        ago=ago(line.days),
    )


def ago(days: int) -> str:
    """How long ago, and no more: how long a result holds is for who reads it to judge."""
    if days < 1:
        return gettext("aujourd’hui") if days == 0 else ""
    said = ngettext("il y a %(days)s jour", "il y a %(days)s jours", days)
    return said % {"days": words.number(Decimal(days))}


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
    also: tuple[tuple[str, str], ...] = ()  # other documents that say it: address, who


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
        also=tuple((place.url("document", id), named) for id, named in first.also),
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
