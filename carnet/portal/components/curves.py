# SPDX-License-Identifier: EUPL-1.2
"""A measure over time, drawn on the server: axes, reference band, points; a line or several.

No script and no style inside: classes are coloured by `carnet.css`. What the drawing shows is said
in its title and description, and the table below it holds the same values. A long series is drawn by
the lowest and the highest of each short period, so that no extreme is lost and the page stays light.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

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
    bottom: int  # room for the time axis
    ticks: int  # marks wanted on the time axis


WIDE = Size("wide", 760, 340, 40, 6)
NARROW = Size("narrow", 360, 280, 36, 3)
TOP, RIGHT = 28, 24
CHARACTER = 8  # width of a digit of the axes
MOST = 160  # points drawn of one line


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


@dataclass(frozen=True, slots=True)
class Frame:
    """One drawing: its room and its two axes."""

    size: Size
    left: int  # where the value axis ends and the drawing starts
    x: Scale
    y: Scale

    @property
    def right(self) -> int:
        return self.size.width - RIGHT + 12

    @property
    def floor(self) -> int:
        return self.size.height - self.size.bottom

    def between(self, one: Point, other: Point) -> float:
        """Half-way from one point to another, on the time axis."""
        return (self.x(one.at.timestamp()) + self.x(other.at.timestamp())) / 2

    def place(self, point: Point) -> tuple[float, float]:
        """Where a value stands."""
        return self.x(point.at.timestamp()), self.y(float(point.value))


def draw(curve: Curve, size: Size) -> SafeString:
    """The curve as one SVG element; `size` is WIDE or NARROW, the page shows one of them."""
    lines = (curve, *curve.beside)
    points = [point for one in lines for point in one.points]
    marks = value_marks(lines)
    texts = mark_texts(marks)
    left = 16 + CHARACTER * max(map(len, texts))
    start, end = min(point.at for point in points), max(point.at for point in points)
    frame = Frame(
        size,
        left,
        Scale(start.timestamp(), end.timestamp(), left + 16, size.width - RIGHT),
        Scale(float(marks[0]), float(marks[-1]), size.height - size.bottom, TOP),
    )
    parts = [
        "" if curve.beside else bands(curve.points, frame),
        value_axis(marks, texts, frame),
        time_axis(start, end, frame),
    ]
    for number, one in enumerate(lines):
        drawn = thinned(one.points, MOST // len(lines))
        parts.append(line(drawn, frame, number))
        parts += [dot(one, point, frame, number) for point in drawn]
    parts += [value_label(one, frame) for one in lines]
    ident = f"curve-{size.name}"
    return format_html(
        '<svg class="curve curve-{}" viewBox="0 0 {} {}" role="img"'
        ' aria-labelledby="{}-title {}-desc"><title id="{}-title">{}</title>'
        '<desc id="{}-desc">{}</desc>{}</svg>',
        size.name, size.width, size.height, ident, ident, ident, title(curve), ident,
        description(curve), mark_safe("".join(parts)),  # noqa: S308  made of format_html
    )  # fmt: skip


def thinned(points: Sequence[Point], most: int) -> Sequence[Point]:
    """The lowest and the highest of each short period, the first and the last always."""
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / max(1, (most - 2) // 2))
    kept = {0, len(points) - 1}
    for start in range(0, len(points), size):
        some = range(start, min(start + size, len(points)))
        kept.add(min(some, key=lambda index: points[index].value))
        kept.add(max(some, key=lambda index: points[index].value))
    return [points[index] for index in sorted(kept)]


def title(curve: Curve) -> str:
    """What the drawing is of."""
    return gettext("Courbe : %(label)s (%(unit)s)") % {"label": curve.label, "unit": curve.unit}


def description(curve: Curve) -> str:
    """What the drawing shows, for one who does not see it."""
    if not curve.beside:
        return _described(curve)
    return " ".join(f"{one.label or one.code}. {_described(one)}" for one in named_lines(curve))


def named_lines(curve: Curve) -> tuple[Curve, ...]:
    """The lines of a figure, each with its name."""
    return (replace(curve, label=line_name(curve)), *curve.beside)


def line_name(curve: Curve) -> str:
    """What the first line of a figure of several is called."""
    return curve.line or curve.label


def _described(curve: Curve) -> str:
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
        gettext("La plus basse : %(low)s. La plus haute : %(high)s. La dernière : %(last)s.")
        % {
            "low": words.quantity(min(values), curve.unit),
            "high": words.quantity(max(values), curve.unit),
            "last": words.quantity(values[-1], curve.unit),
        },
    ]
    spread = words.spread(curve.low, curve.high)
    if spread:
        said.append(gettext("Intervalle de référence : %(range)s.") % {"range": spread})
    return " ".join(said)


def value_marks(lines: Sequence[Curve]) -> list[Decimal]:
    """Four to seven round values that hold every point and the ranges that are drawn."""
    held = [point.value for one in lines for point in one.points]
    if len(lines) == 1:
        ends = [end for point in lines[0].points for end in (point.low, point.high)]
        held += [end for end in ends if end is not None]
    low, high = min(held), max(held)
    room = (high - low) or abs(high) * Decimal("0.2") or Decimal(1)
    step = round_step(room / 4)
    # points and range keep clear of the edges, but no mark stands below zero for their sake
    start = math.floor((low - room / 20) / step)
    if low >= 0:
        start = max(start, 0)
    end = max(math.ceil((high + room / 20) / step), start + 1)
    return [step * index for index in range(start, end + 1)]


def round_step(rough: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10 times a power of ten."""
    power = Decimal(10) ** math.floor(rough.log10())
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def bands(points: Sequence[Point], frame: Frame) -> SafeString:
    """The reference range of each period: a laboratory's own may differ from the one before."""
    spans = [
        (ends, list(group)) for ends, group in groupby(points, key=lambda one: (one.low, one.high))
    ]
    parts: list[str] = []
    for index, ((low, high), group) in enumerate(spans):
        if low is None and high is None:
            continue
        start, end = float(frame.left), float(frame.right)
        if index:  # half-way from the last point of the period before
            start = frame.between(spans[index - 1][1][-1], group[0])
        if index + 1 < len(spans):
            end = frame.between(group[-1], spans[index + 1][1][0])
        parts.append(band(low, high, start, end, frame))
    return mark_safe("".join(parts))  # noqa: S308  made of format_html


def band(
    low: Decimal | None, high: Decimal | None, start: float, end: float, frame: Frame
) -> SafeString:
    """One reference range; open on the side that has no end."""
    top = frame.y(float(high)) if high is not None else frame.y(frame.y.high)
    foot = frame.y(float(low)) if low is not None else frame.y(frame.y.low)
    edges = [place for bound, place in ((high, top), (low, foot)) if bound is not None]
    drawn = "".join(
        f'<line class="band-edge" x1="{start:.1f}" x2="{end:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in edges
    )
    return format_html(
        '<rect class="band" x="{}" y="{}" width="{}" height="{}"/>{}',
        f"{start:.1f}", f"{top:.1f}", f"{end - start:.1f}", f"{max(foot - top, 0):.1f}",
        mark_safe(drawn),  # noqa: S308  numbers only
    )  # fmt: skip


def across(name: str, frame: Frame, y: float) -> str:
    """A horizontal line."""
    return f'<line class="{name}" x1="{frame.left}" x2="{frame.right}" y1="{y:.1f}" y2="{y:.1f}"/>'


def mark_texts(marks: list[Decimal]) -> list[str]:
    """The marks of the value axis, all with as many decimals as the finest."""
    decimals = max(-int(mark.normalize().as_tuple().exponent) for mark in marks)
    unit = Decimal(1).scaleb(-max(0, decimals))
    return [words.number(mark.quantize(unit)) for mark in marks]


def value_axis(marks: list[Decimal], texts: list[str], frame: Frame) -> SafeString:
    """Horizontal lines and their values."""
    parts = []
    for mark, text in zip(marks, texts, strict=True):
        place = frame.y(float(mark))
        parts.append(
            across("grid", frame, place)
            + f'<text class="tick" x="{frame.left - 8}" y="{place + 5:.1f}" text-anchor="end">'
            f"{escape(text)}</text>"
        )
    return mark_safe("".join(parts))  # noqa: S308  numbers only


def time_axis(first: datetime, last: datetime, frame: Frame) -> SafeString:
    """Dates under the drawing, as many as there is room for."""
    floor = frame.floor
    parts = []
    for at, text in time_marks(first, last, frame.size.ticks):
        place = frame.x(at.timestamp())
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
        return [(first, date_format(start, "j N Y"))]
    months = (end.year - start.year) * 12 + end.month - start.month
    if months <= wanted // 2:
        days = max(1, math.ceil((end - start).days / wanted))
        count = (end - start).days // days + 1
        dates = [start + timedelta(days=days * index) for index in range(count)]
        return [(at, date_format(at, "j N")) for at in dates]
    marks: list[tuple[datetime, str]] = []
    for step in (1, 2, 3, 6, 12, 24, 60, 120, 240):
        dates = [
            datetime(index // 12, index % 12 + 1, 1, tzinfo=start.tzinfo)
            for index in range(start.year * 12, end.year * 12 + 12, step)
        ]
        shape = "Y" if step >= 12 else "N Y"
        marks = [(at, date_format(at, shape)) for at in dates if first <= at <= last]
        if len(marks) <= wanted:
            break
    return marks or [(first, date_format(start, "N Y"))]


def line(points: Sequence[Point], frame: Frame, number: int = 0) -> SafeString:
    """What joins the points; number: which line of the figure."""
    if len(points) < 2:
        return mark_safe("")
    path = " ".join("{:.1f},{:.1f}".format(*frame.place(point)) for point in points)
    name = "line line-other" if number else "line"
    return mark_safe(f'<polyline class="{name}" points="{path}"/>')  # noqa: S308  numbers only


def dot(curve: Curve, point: Point, frame: Frame, number: int = 0) -> SafeString:
    """One value: a disc inside its range, a diamond outside; shape says what colour says.

    A square on another line of the figure.
    """
    x, y = frame.place(point)
    reading = words.point_reading(point)
    said = f"{words.day(point.at)} : {words.quantity(point.value, curve.unit)}"
    if reading is not None:
        said += f" ({reading.words})"
    if reading is not None and reading.side in ("above", "below", "flagged"):
        ends = ((0, -8), (8, 0), (0, 8), (-8, 0))
        path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in ends)
        shape = format_html('<polygon class="dot-outside" points="{}">', path)
        return format_html("{}<title>{}</title></polygon>", shape, said)
    if number:
        return format_html(
            '<rect class="dot dot-other" x="{}" y="{}" width="9" height="9"><title>{}</title></rect>',
            f"{x - 4.5:.1f}", f"{y - 4.5:.1f}", said,
        )  # fmt: skip
    return format_html(
        '<circle class="dot" cx="{}" cy="{}" r="5"><title>{}</title></circle>',
        f"{x:.1f}", f"{y:.1f}", said,
    )  # fmt: skip


def value_label(curve: Curve, frame: Frame) -> SafeString:
    """The last value, written beside its point, on the side the line does not come from."""
    point = curve.points[-1]
    x, y = frame.place(point)
    rising = len(curve.points) > 1 and curve.points[-2].value < point.value
    below = y - 16 < TOP or (not rising and y + 26 < frame.floor)
    return format_html(
        '<text class="value" x="{}" y="{}" text-anchor="{}">{}</text>',
        f"{min(x + 6, frame.size.width - 6):.1f}", f"{y + 24 if below else y - 14:.1f}",
        "end" if x > frame.size.width / 2 + 20 else "middle", words.number(point.value),
    )  # fmt: skip
