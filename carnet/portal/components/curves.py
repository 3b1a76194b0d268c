# SPDX-License-Identifier: EUPL-1.2
"""A measure over time, drawn on the server: axes, reference band, points.

No script and no style inside: classes are coloured by `carnet.css`. What the drawing shows is said
in its title and description, and the table below it holds the same values.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    bottom: int  # room for the time axis
    ticks: int  # marks wanted on the time axis


WIDE = Size("wide", 760, 340, 40, 6)
NARROW = Size("narrow", 360, 280, 36, 3)
TOP, RIGHT = 28, 24
CHARACTER = 8  # width of a digit of the axes


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

    def place(self, point: Point) -> tuple[float, float]:
        """Where a value stands."""
        return self.x(point.at.timestamp()), self.y(float(point.value))


def draw(curve: Curve, size: Size) -> SafeString:
    """The curve as one SVG element; `size` is WIDE or NARROW, the page shows one of them."""
    marks = value_marks(curve)
    texts = mark_texts(marks)
    left = 16 + CHARACTER * max(map(len, texts))
    first, last = curve.points[0].at.timestamp(), curve.points[-1].at.timestamp()
    frame = Frame(
        size,
        left,
        Scale(first, last, left + 16, size.width - RIGHT),
        Scale(float(marks[0]), float(marks[-1]), size.height - size.bottom, TOP),
    )
    parts = [
        band(curve, frame),
        value_axis(marks, texts, frame),
        time_axis(curve.points, frame),
        line(curve.points, frame),
        *(dot(curve, point, frame) for point in curve.points),
        value_label(curve, frame),
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
    return gettext("Courbe : %(label)s (%(unit)s)") % {"label": curve.label, "unit": curve.unit}


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


def value_marks(curve: Curve) -> list[Decimal]:
    """Four to seven round values that hold every point and the range."""
    held = [point.value for point in curve.points]
    held += [end for end in (curve.low, curve.high) if end is not None]
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


def band(curve: Curve, frame: Frame) -> SafeString:
    """The reference range; open on the side that has no end."""
    if curve.low is None and curve.high is None:
        return mark_safe("")
    top = frame.y(float(curve.high)) if curve.high is not None else frame.y(frame.y.high)
    foot = frame.y(float(curve.low)) if curve.low is not None else frame.y(frame.y.low)
    edges = [place for end, place in ((curve.high, top), (curve.low, foot)) if end is not None]
    return format_html(
        '<rect class="band" x="{}" y="{}" width="{}" height="{}"/>{}',
        frame.left, f"{top:.1f}", frame.right - frame.left, f"{foot - top:.1f}",
        mark_safe("".join(across("band-edge", frame, edge) for edge in edges)),  # noqa: S308
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


def time_axis(points: tuple[Point, ...], frame: Frame) -> SafeString:
    """Dates under the drawing, as many as there is room for."""
    floor = frame.floor
    parts = []
    for at, text in time_marks(points[0].at, points[-1].at, frame.size.ticks):
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


def line(points: tuple[Point, ...], frame: Frame) -> SafeString:
    """What joins the points."""
    if len(points) < 2:
        return mark_safe("")
    path = " ".join("{:.1f},{:.1f}".format(*frame.place(point)) for point in points)
    return mark_safe(f'<polyline class="line" points="{path}"/>')  # noqa: S308  numbers only


def dot(curve: Curve, point: Point, frame: Frame) -> SafeString:
    """One value: a disc inside the range, a diamond outside; shape says what colour says."""
    x, y = frame.place(point)
    reading = words.beside(point.value, curve.low, curve.high)
    said = f"{words.day(point.at)} : {words.quantity(point.value, curve.unit)}"
    if reading is not None:
        said += f" ({reading.words})"
    if reading is not None and reading.side != "inside":
        ends = ((0, -8), (8, 0), (0, 8), (-8, 0))
        path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in ends)
        shape = format_html('<polygon class="dot-outside" points="{}">', path)
        return format_html("{}<title>{}</title></polygon>", shape, said)
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
