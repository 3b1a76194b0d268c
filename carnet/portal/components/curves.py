# SPDX-License-Identifier: EUPL-1.2
"""A measure over time, drawn on the server: axes, reference band, points.

No script and no style inside: classes are coloured by `carnet.css`. What the drawing shows is said
in its title and description, and the table below it holds the same values.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from carnet.documents.pages import Curve, Point
from carnet.portal.record import words


@dataclass(frozen=True, slots=True)
class Size:
    """A drawing's room, in its own units; the page scales it."""

    name: str
    width: int
    height: int
    left: int  # room for the value axis
    bottom: int  # room for the time axis
    ticks: int  # marks wanted on the time axis


WIDE = Size("wide", 760, 340, 64, 40, 6)
NARROW = Size("narrow", 360, 280, 52, 36, 3)
TOP, RIGHT = 28, 24


@dataclass(frozen=True, slots=True)
class Scale:
    """A value of the record to a place of the drawing, in a straight line."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def draw(curve: Curve, size: Size) -> SafeString:
    """The curve as one SVG element; `size` is WIDE or NARROW, the page shows one of them."""
    marks = value_marks(curve)
    y = Scale(float(marks[0]), float(marks[-1]), size.height - size.bottom, TOP)
    first, last = curve.points[0].at.timestamp(), curve.points[-1].at.timestamp()
    x = Scale(first, last, size.left + 16, size.width - RIGHT)
    parts = [
        band(curve, size, y),
        value_axis(marks, size, y),
        time_axis(curve.points, size, x),
        line(curve.points, x, y),
        *(dot(curve, point, x, y) for point in curve.points),
        value_label(curve, size, x, y),
    ]
    ident = f"curve-{size.name}"
    return format_html(
        '<svg class="curve curve-{}" viewBox="0 0 {} {}" role="img"'
        ' aria-labelledby="{}-title {}-desc"><title id="{}-title">{}</title>'
        '<desc id="{}-desc">{}</desc>{}</svg>',
        size.name, size.width, size.height, ident, ident, ident, title(curve), ident,
        description(curve), mark_safe("".join(parts)),  # noqa: S308  made of format_html
    )  # fmt: skip


def title(curve: Curve) -> str:
    """What the drawing is of."""
    return gettext("Courbe : %(label)s (%(unit)s)") % {"label": curve.label, "unit": curve.unit}


def description(curve: Curve) -> str:
    """What the drawing shows, for one who does not see it."""
    values = [point.value for point in curve.points]
    count = len(values)
    said = [
        ngettext(
            "%(count)s valeur, le %(first)s.",
            "%(count)s valeurs, du %(first)s au %(last)s.",
            count,
        )
        % {
            "count": count,
            "first": words.day(curve.points[0].at),
            "last": words.day(curve.points[-1].at),
        },
        gettext("La plus basse : %(low)s. La plus haute : %(high)s. La dernière : %(last)s.")
        % {
            "low": words.quantity(min(values), curve.unit),
            "high": words.quantity(max(values), curve.unit),
            "last": words.quantity(values[-1], curve.unit),
        },
    ]
    spread = words.spread(curve.low, curve.high)
    if spread:
        said.append(gettext("Intervalle de référence : %(range)s.") % {"range": spread})
    return " ".join(said)


def value_marks(curve: Curve) -> list[Decimal]:
    """Four to seven round values that hold every point and the range."""
    held = [point.value for point in curve.points]
    held += [end for end in (curve.low, curve.high) if end is not None]
    low, high = min(held), max(held)
    room = (high - low) or abs(high) * Decimal("0.2") or Decimal(1)
    step = round_step(room / 4)
    # points and range keep clear of the edges, but no mark stands below zero for their sake
    start = math.floor((low - room / 10) / step)
    if low >= 0:
        start = max(start, 0)
    end = max(math.ceil((high + room / 10) / step), start + 1)
    return [step * index for index in range(start, end + 1)]


def round_step(rough: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10 times a power of ten."""
    power = Decimal(10) ** math.floor(rough.log10())
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def band(curve: Curve, size: Size, y: Scale) -> SafeString:
    """The reference range; open on the side that has no end."""
    if curve.low is None and curve.high is None:
        return mark_safe("")
    top = y(float(curve.high)) if curve.high is not None else y(y.high)
    foot = y(float(curve.low)) if curve.low is not None else y(y.low)
    width = size.width - RIGHT + 12 - size.left
    edges = [
        f"{edge:.1f}" for end, edge in ((curve.high, top), (curve.low, foot)) if end is not None
    ]
    return format_html(
        '<rect class="band" x="{}" y="{}" width="{}" height="{}"/>{}',
        size.left, f"{top:.1f}", width, f"{foot - top:.1f}",
        mark_safe("".join(  # noqa: S308  numbers only
            f'<line class="band-edge" x1="{size.left}" x2="{size.left + width}" y1="{edge}"'
            f' y2="{edge}"/>' for edge in edges
        )),
    )  # fmt: skip


def value_axis(marks: list[Decimal], size: Size, y: Scale) -> SafeString:
    """Horizontal lines and their values."""
    decimals = max(0, -int(marks[1].normalize().as_tuple().exponent)) if len(marks) > 1 else 0
    decimals = max(
        (max(0, -int(mark.normalize().as_tuple().exponent)) for mark in marks), default=decimals
    )
    parts = []
    for mark in marks:
        place = y(float(mark))
        parts.append(
            f'<line class="grid" x1="{size.left}" x2="{size.width - RIGHT + 12}"'
            f' y1="{place:.1f}" y2="{place:.1f}"/>'
            f'<text class="tick" x="{size.left - 8}" y="{place + 5:.1f}" text-anchor="end">'
            f"{escape(words.number(mark.quantize(Decimal(1).scaleb(-decimals))))}</text>"
        )
    return mark_safe("".join(parts))  # noqa: S308  numbers only


def time_axis(points: tuple[Point, ...], size: Size, x: Scale) -> SafeString:
    """Dates under the drawing, as many as there is room for."""
    floor = size.height - size.bottom
    parts = []
    for at, text in time_marks(points[0].at, points[-1].at, size.ticks):
        place = x(at.timestamp())
        parts.append(
            f'<line class="axis" x1="{place:.1f}" x2="{place:.1f}" y1="{floor}" y2="{floor + 6}"/>'
            f'<text class="tick" x="{place:.1f}" y="{floor + 24}" text-anchor="middle">'
            f"{escape(text)}</text>"
        )
    return mark_safe("".join(parts))  # noqa: S308  escaped above


def time_marks(first: datetime, last: datetime, wanted: int) -> list[tuple[datetime, str]]:
    """Round dates between two moments: years, else months, else days."""
    start, end = timezone.localtime(first), timezone.localtime(last)
    if end - start < timedelta(days=2):
        return [(first, date_format(start, "j M Y"))]
    months = (end.year - start.year) * 12 + end.month - start.month
    if months <= wanted // 2:
        days = max(1, math.ceil((end - start).days / wanted))
        count = (end - start).days // days + 1
        dates = [start + timedelta(days=days * index) for index in range(count)]
        return [(at, date_format(at, "j M")) for at in dates]
    step = next((step for step in (1, 2, 3, 6, 12, 24, 60, 120) if months / step <= wanted), 240)
    marks = []
    for index in range(start.year * 12, end.year * 12 + 12, step):
        at = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
        if first <= at <= last:
            marks.append((at, str(at.year) if step >= 12 else date_format(at, "M Y")))
    return marks or [(first, date_format(start, "M Y"))]


def line(points: tuple[Point, ...], x: Scale, y: Scale) -> SafeString:
    """What joins the points."""
    if len(points) < 2:
        return mark_safe("")
    path = " ".join(
        f"{x(point.at.timestamp()):.1f},{y(float(point.value)):.1f}" for point in points
    )
    return mark_safe(f'<polyline class="line" points="{path}"/>')  # noqa: S308  numbers only


def dot(curve: Curve, point: Point, x: Scale, y: Scale) -> SafeString:
    """One value: a disc inside the range, a diamond outside; shape says what colour says."""
    across, up = x(point.at.timestamp()), y(float(point.value))
    reading = words.beside(point.value, curve.low, curve.high)
    said = f"{words.day(point.at)} : {words.quantity(point.value, curve.unit)}"
    if reading is not None:
        said += f" ({reading.words})"
    if reading is not None and reading.side != "inside":
        ends = ((0, -8), (8, 0), (0, 8), (-8, 0))
        path = " ".join(f"{across + dx:.1f},{up + dy:.1f}" for dx, dy in ends)
        shape = format_html('<polygon class="dot-outside" points="{}">', path)
        return format_html("{}<title>{}</title></polygon>", shape, said)
    return format_html(
        '<circle class="dot" cx="{}" cy="{}" r="5"><title>{}</title></circle>',
        f"{across:.1f}", f"{up:.1f}", said,
    )  # fmt: skip


def value_label(curve: Curve, size: Size, x: Scale, y: Scale) -> SafeString:
    """The last value, written beside its point."""
    point = curve.points[-1]
    across, up = x(point.at.timestamp()), y(float(point.value))
    near_top = up - 16 < TOP
    rising = len(curve.points) > 1 and curve.points[-2].value < point.value
    below = near_top or (not rising and up + 26 < size.height - size.bottom)
    return format_html(
        '<text class="value" x="{}" y="{}" text-anchor="{}">{}</text>',
        f"{min(across + 6, size.width - 6):.1f}", f"{up + 24 if below else up - 14:.1f}",
        "end" if across > size.width / 2 + 20 else "middle", words.number(point.value),
    )  # fmt: skip
