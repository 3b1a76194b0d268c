# SPDX-License-Identifier: EUPL-1.2
"""The small values CDA is made of: identifiers, codes, dates, quantities, names.

Dates leave here as FHIR dateTime strings, with the precision they came with. Source: HL7 v3 data
types R1 as CDA R2 uses them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree

from carnet import errors

Element = etree._Element

V3: Final = "{urn:hl7-org:v3}"
TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

# A time without its zone, which the CI-SIS forbids and some examples hold, is read as mainland
# France's.
LOCAL: Final = ZoneInfo("Europe/Paris")

OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
UUID: Final = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
MAX_POINTED: Final = 10_000_000  # characters
# Narrative elements whose edges separate words.
BREAKS: Final = frozenset({"br", "paragraph", "item", "list", "table", "tr", "td", "th", "caption"})
# xs:decimal and xs:double as they are written, bounded so that no exponent explodes.
NUMBER: Final = re.compile(
    r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?"
)
# Qualifiers whose value says what it is.
SIDES: Final = frozenset({"latéralité", "modificateur topographique"})
TIMESTAMP: Final = re.compile(
    r"([0-9]{4})([0-9]{2})?([0-9]{2})?([0-9]{2})?([0-9]{2})?([0-9]{2})?(\.[0-9]{1,6})?"
    r"(?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))?"
)


@dataclass(frozen=True, slots=True)
class Id:
    """An instance identifier (II)."""

    root: str
    extension: str | None = None

    @property
    def system(self) -> str:
        """The root as a URI: urn:oid: or urn:uuid:."""
        if UUID.fullmatch(self.root):
            return f"urn:uuid:{self.root.lower()}"
        return f"urn:oid:{self.root.replace(' ', '%20')}"  # a URI, even of what is no OID

    @property
    def well_formed(self) -> bool:
        return bool(OID.fullmatch(self.root) or UUID.fullmatch(self.root))


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What makes a code more precise: a side, a stage, an age…"""

    name: str | None
    value: str

    @property
    def said(self) -> str:
        """As it is read: a side says by itself what it is."""
        plain = self.name is None or self.name.casefold() in SIDES
        return self.value if plain else f"{self.name} : {self.value}"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value (CD, CE): any part may be missing, in a form with only an original text too."""

    code: str | None
    system: str | None  # OID
    display: str | None
    original: str | None  # text the author wrote, resolved in the narrative
    translations: tuple["Code", ...] = ()
    null: str | None = None  # nullFlavor
    qualifiers: tuple[Qualifier, ...] = ()

    @property
    def label(self) -> str | None:
        """What to show of it."""
        if self.display or self.original:
            return self.display or self.original
        for other in self.translations:
            if other.display:
                return other.display
        return self.code or ", ".join(each.said for each in self.qualifiers) or None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its digits as written, and a UCUM unit, None for a bare number."""

    value: Decimal
    unit: str | None = None
    comparator: str | None = None  # <, <=, >=, >: how an interval with one end is read
    translations: tuple["Quantity", ...] = ()  # the same quantity in other units


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of quantities with both ends."""

    low: Quantity
    high: Quantity
    low_inclusive: bool = True
    high_inclusive: bool = True


@dataclass(frozen=True, slots=True)
class Ratio:
    numerator: Quantity
    denominator: Quantity


@dataclass(frozen=True, slots=True)
class Period:
    """An interval of time; a point has the same low and high and `point` set."""

    low: str | None
    high: str | None
    point: bool = False

    @property
    def first(self) -> str | None:
        return self.low or self.high


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name outside the strict traits of patients."""

    family: str | None
    given: tuple[str, ...]
    prefix: str | None
    suffix: str | None

    @property
    def text(self) -> str:
        """As it is read: title, given names, family name."""
        title = (self.suffix or "").rstrip(".").upper()
        shown = "Dr" if title == "DR" else "Pr" if title == "PR" else None
        return " ".join(part for part in (shown, *self.given, self.family) if part)


@dataclass(frozen=True, slots=True)
class Telecom:
    value: str
    use: str | None


@dataclass(frozen=True, slots=True)
class Address:
    use: str | None
    lines: tuple[str, ...]
    postal_code: str | None
    city: str | None
    country: str | None


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that name in the namespace of CDA."""
    return None if element is None else next(element.iterchildren(V3 + name), None)


def children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else list(element.iterchildren(V3 + name))


def down(element: Element | None, *names: str) -> Element | None:
    """The first element at the end of a path of first children."""
    for name in names:
        if element is None:
            return None
        element = next(element.iterchildren(V3 + name), None)
    return element


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text(element: Element | None) -> str | None:
    """All the text below, white space folded; None when there is none."""
    if element is None:
        return None
    if not len(element):
        return " ".join((element.text or "").split()) or None
    pieces: list[str] = []
    _gather(element, pieces)
    return " ".join("".join(pieces).split()) or None


def _gather(element: Element, pieces: list[str]) -> None:
    pieces.append(element.text or "")
    for part in element:
        # A line or a cell ends a word; a superscript does not.
        end = " " if local(part) in BREAKS else ""
        pieces.append(end)
        _gather(part, pieces)
        pieces.append(end)
        pieces.append(part.tail or "")


def attribute(element: Element | None, name: str) -> str | None:
    """An attribute without the spaces around it; None when absent or empty."""
    value = None if element is None else element.get(name)
    return (value.strip() or None) if value else None


def word(element: Element | None, name: str) -> str | None:
    """An attribute that is a code or a label: its runs of white space folded to one."""
    value = None if element is None else element.get(name)
    return (" ".join(value.split()) or None) if value else None


def ids(element: Element | None) -> tuple[Id, ...]:
    return tuple(i for i in map(identifier, children(element, "id")) if i)


def identifier(element: Element | None) -> Id | None:
    """An identifier; None without a root, as with a nullFlavor."""
    root = word(element, "root")
    return Id(root, attribute(element, "extension")) if root else None


def templates(element: Element) -> tuple[str, ...]:
    return tuple(r for r in (attribute(t, "root") for t in children(element, "templateId")) if r)


def code(element: Element | None, narrative: "Narrative | None" = None) -> Code | None:
    """A coded value; None when the element is absent or says nothing at all."""
    if element is None:
        return None
    original = child(element, "originalText")
    found = Code(
        word(element, "code"),
        word(element, "codeSystem"),
        word(element, "displayName"),
        None if original is None else (narrative.text(original) if narrative else text(original)),
        tuple(c for c in (code(t, narrative) for t in children(element, "translation")) if c),
        word(element, "nullFlavor"),
        tuple(_qualifiers(element, narrative)),
    )
    said = found.code or found.display or found.original or found.translations or found.null
    if said or found.qualifiers:
        return found
    return None


def _qualifiers(element: Element, narrative: "Narrative | None") -> Iterator[Qualifier]:
    for each in children(element, "qualifier"):
        value = code(child(each, "value"), narrative)
        if value and value.label:
            name = code(child(each, "name"), narrative)
            # Some software writes its empty value as a label.
            shown = value.code if value.display == "None" and value.code else value.label
            yield Qualifier(name.label if name else None, shown)


def number(written: str | None) -> Decimal | None:
    """The number as written, digits kept: 1.950 stays 1.950."""
    written = written.strip() if written else None
    return Decimal(written) if written and NUMBER.fullmatch(written) else None


def quantity(element: Element | None, comparator: str | None = None) -> Quantity | None:
    """A PQ, REAL or INT; None without a readable number."""
    if element is None:
        return None
    value = number(element.get("value"))
    if value is None:
        return None
    others = []
    for other in children(element, "translation"):
        amount = number(other.get("value"))
        if amount is not None:
            others.append(Quantity(amount, word(other, "code"), comparator))
    return Quantity(value, word(element, "unit"), comparator, tuple(others))


def interval(element: Element) -> Interval | Quantity | None:
    """An IVL: both ends, or one end as a quantity with its comparator."""
    low, high = child(element, "low"), child(element, "high")
    least = quantity(low, ">=" if inclusive(low) else ">")
    most = quantity(high, "<=" if inclusive(high) else "<")
    if least and most:
        return Interval(bare(least), bare(most), inclusive(low), inclusive(high))
    if least or most:
        return least or most
    return quantity(child(element, "center")) or quantity(element)


def inclusive(end: Element | None) -> bool:
    """An end belongs to its interval unless it says not (HL7 v3 IVL)."""
    return end is None or end.get("inclusive") != "false"


def bare(amount: Quantity) -> Quantity:
    """The same quantity without a comparator, as FHIR wants it in ranges."""
    return Quantity(
        amount.value,
        amount.unit,
        None,
        tuple(Quantity(t.value, t.unit) for t in amount.translations),
    )


@lru_cache(maxsize=4096)
def moment(stamp: str) -> str | None:
    """A CDA timestamp as a FHIR dateTime of the same precision; None when it is no date.

    FHIR has no hour alone nor minutes without seconds: those are filled with zeros.
    """
    parts = TIMESTAMP.fullmatch(stamp)
    if parts is None:
        return None
    year, month, day, hour, minute, second, fraction, utc, sign, zone_hour, zone_minute = (
        parts.groups()
    )
    try:
        if hour is None:
            date(int(year), int(month or 1), int(day or 1))
            return "-".join(part for part in (year, month, day) if part)
        seconds = "59" if second == "60" else second or "00"  # a leap second has no other writing
        zone = _zone(utc, sign, zone_hour, zone_minute)
        zoned = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute or 0),
            int(seconds),
            tzinfo=zone,
        )
        written = zoned.isoformat()
    except ValueError:
        return None
    return f"{written[:19]}{fraction or ''}{written[19:]}"


def _zone(utc: str | None, sign: str | None, hours: str, minutes: str) -> tzinfo:
    if utc:
        return UTC
    if not sign:
        return LOCAL
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > timedelta(hours=14):
        raise ValueError
    return timezone(-offset if sign == "-" else offset)


def time(element: Element | None) -> str | None:
    """The `value` of a TS as a FHIR dateTime."""
    value = attribute(element, "value")
    return moment(value) if value else None


def period(element: Element | None) -> Period | None:
    """A TS or an IVL_TS; None when it holds no date."""
    if element is None:
        return None
    point = time(element)
    if point:
        return Period(point, point, point=True)
    low, high = time(child(element, "low")), time(child(element, "high"))
    return Period(low, high) if low or high else None


def name(element: Element | None) -> Name | None:
    """A name; None when it says nothing."""
    if element is None:
        return None
    # Some fill what they must with a point.
    given = tuple(g for g in map(text, children(element, "given")) if g and g.strip(".-"))
    family = _family(element)
    if not given and not family:
        family = text(element)  # free text, as CDA allows
        if not family:
            return None
    return Name(family, given, text(child(element, "prefix")), text(child(element, "suffix")))


def _family(element: Element) -> str | None:
    """Family name: its parts in order, the one borne at birth only when it is alone."""
    parts = [(attribute(e, "qualifier"), text(e)) for e in children(element, "family")]
    borne = [t for qualifier, t in parts if t and qualifier != "BR"]
    return " ".join(borne or [t for _, t in parts if t]) or None


def telecoms(element: Element | None) -> tuple[Telecom, ...]:
    found = ((attribute(t, "value"), attribute(t, "use")) for t in children(element, "telecom"))
    return tuple(Telecom(value, use) for value, use in found if value)


def address(element: Element | None) -> Address | None:
    """A postal address, its parts put back in lines; None when empty or masked."""
    if element is None or element.get("nullFlavor"):
        return None
    lines = [t for t in (text(line) for line in children(element, "streetAddressLine")) if t]
    street = " ".join(
        t for t in (text(child(element, n)) for n in ("houseNumber", "streetName")) if t
    )
    extra = [
        t
        for t in (text(child(element, n)) for n in ("additionalLocator", "unitID", "precinct"))
        if t
    ]
    found = Address(
        attribute(element, "use"),
        (*lines, *([street] if street else []), *extra),
        text(child(element, "postalCode")),
        text(child(element, "city")),
        text(child(element, "country")),
    )
    return found if found.lines or found.city or found.postal_code else None


class Narrative:
    """The parts of the narrative that entries point at, by their ID.

    Entries may point many times at one long text: what they take in all is bounded.
    """

    __slots__ = ("_elements", "_left", "_texts")

    def __init__(self, elements: Iterator[Element]) -> None:
        self._elements: dict[str, Element] = {}
        self._texts: dict[str, str | None] = {}
        self._left = MAX_POINTED
        for element in elements:
            key = element.get("ID")
            if key:
                self._elements.setdefault(key, element)

    def text(self, element: Element | None) -> str | None:
        """The text of an element, following its reference when that is all it holds."""
        if element is None:
            return None
        reference = child(element, "reference")
        if reference is None:
            return text(element)
        key = (reference.get("value") or "").removeprefix("#")
        if key not in self._texts:
            self._texts[key] = text(self._elements.get(key))
        found = self._texts[key]
        self._left -= len(found or "")
        if self._left < 0:
            raise errors.Invalid("The entries of the document point at too much text.")
        return found or text(element)
