# SPDX-License-Identifier: EUPL-1.2
"""An entry of a CDA document as a tree of statements: what is said, and nothing of what it means.

Every attribute that turns a statement round travels with it: negation, mood, nullFlavor, and the
status of the act. `documents/data` decides what it becomes. Source: CDA R2, clinical statements;
IHE PCC and Pharmacy, whose product elements stand in a namespace of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from carnet.documents.cda import datatypes as d
from carnet.documents.cda import values
from carnet.documents.cda.header import Party, party
from carnet.documents.cda.values import Value

FRENCH: Final = "1.2.250.1.213.1.1.3."  # arc of the entries of the CI-SIS

STATEMENTS: Final = frozenset(
    {
        "act",
        "observation",
        "organizer",
        "procedure",
        "observationMedia",
        "substanceAdministration",
        "supply",
        "encounter",
        "regionOfInterest",
    }
)
ENTITIES: Final = (
    "assignedEntity",
    "assignedAuthor",
    "participantRole",
    "relatedEntity",
    "specimenRole",
    "relatedSubject",
)
PLAYERS: Final = (
    "playingEntity",
    "playingDevice",
    "specimenPlayingEntity",
    "subject",
)
PARTS: Final = (
    "performer",
    "author",
    "informant",
    "participant",
    "specimen",
    "subject",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """One effectiveTime of an administration: an interval, a rhythm, an event of the day."""

    kind: str  # IVL_TS, TS, PIVL_TS, EIVL_TS, SXPR_TS…
    operator: str | None  # A: both this and the one before
    at: d.Period | None
    width: d.Quantity | None  # duration of the interval
    every: d.Quantity | None  # PIVL: how long from one to the next
    event: str | None  # EIVL: HS, ACM…
    offset: d.Quantity | None
    institution: bool  # institutionSpecified: so many times a day, not every so many hours
    parts: tuple["Timing", ...]  # of an SXPR_TS


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What a product is made of."""

    code: d.Code | None
    name: str | None
    strength: d.Ratio | None


@dataclass(frozen=True, slots=True)
class Product:
    """A medicine, a vaccine or what is supplied."""

    ids: tuple[d.Id, ...]
    code: d.Code | None
    name: str | None
    form: d.Code | None
    lot: str | None
    expires: str | None
    maker: str | None
    kinds: tuple[d.Code, ...]  # more general medicines it is one of (generic, virtual, class)
    ingredients: tuple[Ingredient, ...]
    container: d.Code | None
    capacity: d.Quantity | None


@dataclass(frozen=True, slots=True)
class Part:
    """Who or what took part."""

    type: str  # typeCode, else the name of the element: performer, author, specimen…
    role: str | None  # classCode of the role
    party: Party
    code: d.Code | None  # of the entity that plays it: the product of an allergy, a device…
    name: str | None
    of: str | None  # element of the player: playingDevice, playingEntity…
    element: d.Element = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """What a value is compared with."""

    low: d.Quantity | None
    high: d.Quantity | None
    text: str | None
    meaning: d.Code | None


@dataclass(frozen=True, slots=True)
class Related:
    """A statement inside another, and how the two stand together."""

    type: str  # typeCode: COMP, SUBJ, RSON, MFST, CAUS, REFR, SPRT…
    inverted: bool
    statement: "Statement"


@dataclass(frozen=True, slots=True)
class Statement:
    """One act, observation… as written."""

    kind: str  # its element
    place: str  # its path in the body
    templates: tuple[str, ...]  # those of the entry that holds it when it has none
    mood: str
    class_code: str | None
    negated: bool
    null: str | None
    ids: tuple[d.Id, ...]
    code: d.Code | None
    text: str | None
    status: str | None
    priority: d.Code | None
    at: d.Period | None
    timings: tuple[Timing, ...]
    values: tuple[Value, ...]
    value_null: str | None  # nullFlavor of the first value
    unread: tuple[str, ...]  # types of the values that could not be read as such
    interpretations: tuple[d.Code, ...]
    methods: tuple[d.Code, ...]
    sites: tuple[d.Code, ...]
    approaches: tuple[d.Code, ...]
    ranges: tuple[Range, ...]
    repeat: d.Quantity | d.Interval | None
    route: d.Code | None
    dose: d.Quantity | d.Interval | None
    rate: d.Quantity | d.Interval | None
    most: d.Ratio | None  # maxDoseQuantity
    unit: d.Code | None  # administrationUnitCode
    amount: d.Quantity | None  # quantity of a supply
    use: d.Period | None  # expectedUseTime of a supply
    product: Product | None
    precondition: str | None
    parts: tuple[Part, ...]
    references: tuple[d.Id, ...]  # of documents and acts elsewhere
    related: tuple[Related, ...]
    element: d.Element = field(repr=False, compare=False)  # for what has no field here

    @property
    def value(self) -> Value | None:
        return self.values[0] if self.values else None

    @property
    def happened(self) -> bool:
        """Whether it says that something took place: neither negated, nor planned, nor null."""
        return self.mood == "EVN" and not self.negated and self.null is None

    @property
    def label(self) -> str | None:
        return self.code.label if self.code else None

    def is_a(self, *templates: str) -> bool:
        """Whether it declares one of these templates."""
        return not set(templates).isdisjoint(self.templates)

    def inside(self, type: str | None = None, *templates: str) -> Iterator["Statement"]:
        """The statements it holds, of a relation and of templates when they are given."""
        for each in self.related:
            if type in (None, each.type) and (not templates or each.statement.is_a(*templates)):
                yield each.statement

    def taking(self, *types: str) -> Iterator[Part]:
        """Who took part in one of these ways."""
        return (part for part in self.parts if part.type in types)

    def walk(self) -> Iterator["Statement"]:
        """Itself and all below, in reading order."""
        yield self
        for each in self.related:
            yield from each.statement.walk()


def read(
    element: d.Element,
    place: str,
    narrative: d.Narrative,
    entry: d.Element | None = None,
) -> Statement:
    """The tree of one statement.

    place: its path. entry: the element that holds it, where some software leaves the templates.
    """
    found = d.children(element, "value")
    read_values = [(each, values.typed(each, narrative)) for each in found]
    stated = [each for each in (d.period(e) for e in d.children(element, "effectiveTime")) if each]
    return Statement(
        kind=d.local(element),
        place=place,
        templates=d.templates(element) or (d.templates(entry) if entry is not None else ()),
        mood=element.get("moodCode", "EVN"),
        class_code=element.get("classCode"),
        negated=element.get("negationInd") in ("true", "1"),
        null=d.word(element, "nullFlavor"),
        ids=d.ids(element),
        code=d.code(d.child(element, "code"), narrative),
        text=narrative.text(d.child(element, "text")),
        status=d.word(d.child(element, "statusCode"), "code"),
        priority=d.code(d.child(element, "priorityCode"), narrative),
        at=stated[0] if stated else None,
        timings=tuple(_timing(e) for e in d.children(element, "effectiveTime")),
        values=tuple(v for _, v in read_values if v is not None),
        value_null=d.word(found[0], "nullFlavor") if found else None,
        unread=tuple(
            values.kind_of(e) for e, v in read_values if v is None and not e.get("nullFlavor")
        ),
        interpretations=_codes(element, "interpretationCode", narrative),
        methods=_codes(element, "methodCode", narrative),
        sites=_codes(element, "targetSiteCode", narrative),
        approaches=_codes(element, "approachSiteCode", narrative),
        ranges=tuple(_ranges(element, narrative)),
        repeat=_amounts(d.child(element, "repeatNumber")),
        route=d.code(d.child(element, "routeCode"), narrative),
        dose=_amounts(d.child(element, "doseQuantity")),
        rate=_amounts(d.child(element, "rateQuantity")),
        most=_ratio(d.child(element, "maxDoseQuantity")),
        unit=d.code(d.child(element, "administrationUnitCode"), narrative),
        amount=d.quantity(d.child(element, "quantity")),
        use=d.period(d.child(element, "expectedUseTime")),
        product=_product(element, narrative),
        precondition=narrative.text(d.down(element, "precondition", "criterion", "text")),
        parts=tuple(_parts(element, narrative)),
        references=tuple(
            i for e in d.children(element, "reference") for held in e for i in d.ids(held)
        ),
        related=tuple(
            Related(relation, inverted, read(statement, where, narrative, link))
            for relation, inverted, statement, where, link in _linked(element, place)
        ),
        element=element,
    )


def linked(element: d.Element, place: str) -> Iterator[tuple[str, d.Element, str]]:
    """The statements an element holds: relation, statement, place."""
    for relation, _, statement, where, _ in _linked(element, place):
        yield relation, statement, where


def held(link: d.Element, place: str) -> Iterator[tuple[d.Element, str]]:
    """The statements in an entry or a relation, each with a place of its own: one, or some more."""
    counts: dict[str, int] = {}
    for statement in link:
        kind = d.local(statement)
        if kind in STATEMENTS:
            counts[kind] = counts.get(kind, 0) + 1
            rank = f"[{counts[kind]}]" if counts[kind] > 1 else ""
            yield statement, f"{place}/{kind}{rank}"


def happened(statement: d.Element) -> bool:
    """Whether something took place: neither negated, nor planned, nor masked whole."""
    return (
        statement.get("moodCode", "EVN") == "EVN"
        and statement.get("negationInd") not in ("true", "1")
        and statement.get("nullFlavor") is None
    )


def what(statement: d.Element, entry: d.Element | None = None) -> str:
    """How the report names a statement: its element, and its last French template, else its last.

    entry: where a statement without template may have left it.
    """
    found = d.templates(statement) or (d.templates(entry) if entry is not None else ())
    return named(d.local(statement), found)


def named(kind: str, templates: tuple[str, ...]) -> str:
    """The same for a statement that was read."""
    french = [t for t in templates if t.startswith(FRENCH)]
    return f"{kind} {(french or templates)[-1]}" if templates else kind


def _linked(
    element: d.Element, place: str
) -> Iterator[tuple[str, bool, d.Element, str, d.Element]]:
    counts: dict[str, int] = {}
    for link in element:
        name = d.local(link)
        if name not in ("entryRelationship", "component"):
            continue
        counts[name] = counts.get(name, 0) + 1
        for statement, where in held(link, f"{place}/{name}[{counts[name]}]"):
            yield (
                link.get("typeCode") or "COMP",
                link.get("inversionInd") in ("true", "1"),
                statement,
                where,
                link,
            )


def _codes(element: d.Element, name: str, narrative: d.Narrative) -> tuple[d.Code, ...]:
    found = (d.code(e, narrative) for e in d.children(element, name))
    return tuple(c for c in found if c and c.label)


def _amounts(element: d.Element | None) -> d.Quantity | d.Interval | None:
    return None if element is None else d.interval(element)


def _ratio(element: d.Element | None) -> d.Ratio | None:
    numerator = d.quantity(_one(element, "numerator"))
    denominator = d.quantity(_one(element, "denominator"))
    return d.Ratio(numerator, denominator) if numerator and denominator else None


def _ranges(element: d.Element, narrative: d.Narrative) -> Iterator[Range]:
    for each in d.children(element, "referenceRange"):
        inside = d.child(each, "observationRange")
        meaning = d.code(d.child(inside, "interpretationCode"), narrative)
        text = narrative.text(d.child(inside, "text"))
        bounds = d.child(inside, "value")
        value = values.typed(bounds, narrative) if bounds is not None else None
        low = high = None
        if isinstance(value, d.Interval):
            low, high = value.low, value.high
        elif isinstance(value, d.Quantity):
            low = d.bare(value) if value.comparator in (">", ">=") else None
            high = d.bare(value) if value.comparator in ("<", "<=") else None
            text = text or (None if low or high else str(value.value))
        elif isinstance(value, d.Code):
            text = text or value.label
        elif isinstance(value, str):
            text = text or value
        if low or high or text:
            yield Range(low, high, text, meaning)


def _timing(element: d.Element) -> Timing:
    comp = [e for e in element if d.local(e) == "comp"]
    phase = d.child(element, "phase")
    offset = d.child(element, "offset")
    return Timing(
        values.kind_of(element),
        d.word(element, "operator"),
        d.period(element) or d.period(phase),
        d.quantity(d.child(element, "width")) or d.quantity(d.child(phase, "width")),
        d.quantity(d.child(element, "period")),
        d.word(d.child(element, "event"), "code"),
        d.quantity(d.child(offset, "low")) or d.quantity(offset),
        element.get("institutionSpecified") in ("true", "1"),
        tuple(_timing(e) for e in comp),
    )


def _one(element: d.Element | None, name: str) -> d.Element | None:
    """The first child of that name in any namespace: IHE Pharmacy's products have their own."""
    if element is None:
        return None
    return next((e for e in element if d.local(e) == name), None)


def _foreign_code(element: d.Element | None, narrative: d.Narrative) -> d.Code | None:
    """A code whose parts may stand in another namespace."""
    found = d.code(element, narrative)
    if element is None or (found and found.original):
        return found
    original = narrative.text(_one(element, "originalText"))
    if original is None:
        return found
    base = found or d.Code(None, None, None, None)
    return d.Code(base.code, base.system, base.display, original, base.translations, base.null)


def _product(element: d.Element, narrative: d.Narrative) -> Product | None:
    """The product of an administration or a supply."""
    held = d.child(element, "consumable")
    held = d.child(element, "product") if held is None else held
    made = d.child(held, "manufacturedProduct")
    material = d.child(made, "manufacturedMaterial")
    if material is None:
        material = d.child(made, "manufacturedLabeledDrug")
    if material is None:
        return None
    content = _one(_one(material, "asContent"), "containerPackagedMedicine")
    return Product(
        ids=(*d.ids(made), *d.ids(material)),
        code=d.code(d.child(material, "code"), narrative),
        name=narrative.text(d.child(material, "name")),
        form=_foreign_code(_one(material, "formCode"), narrative),
        lot=d.text(d.child(material, "lotNumberText")),
        expires=d.time(_one(material, "expirationTime")),
        maker=d.text(d.down(made, "manufacturerOrganization", "name")),
        kinds=tuple(
            c
            for e in material
            if d.local(e) == "asSpecializedKind"
            for c in (_general(_one(e, "generalizedMedicineClass"), narrative),)
            if c
        ),
        ingredients=tuple(
            Ingredient(
                _foreign_code(_one(inner, "code"), narrative),
                d.text(_one(inner, "name")),
                _ratio(_one(e, "quantity")),
            )
            for e in material
            if d.local(e) == "ingredient"
            for inner in (_one(e, "ingredient"),)
            if inner is not None
        ),
        container=_foreign_code(_one(content, "code"), narrative),
        capacity=d.quantity(_one(content, "capacityQuantity")),
    )


def _general(element: d.Element | None, narrative: d.Narrative) -> d.Code | None:
    found = _foreign_code(_one(element, "code"), narrative)
    name = d.text(_one(element, "name"))
    if found is None:
        return d.Code(None, None, name, None) if name else None
    return (
        found
        if found.display or not name
        else d.Code(found.code, found.system, name, found.original, found.translations, found.null)
    )


def _parts(element: d.Element, narrative: d.Narrative) -> Iterator[Part]:
    for name in PARTS:
        for each in d.children(element, name):
            role = next((e for e in each if d.local(e) in ENTITIES), None)
            type = each.get("typeCode") if name == "participant" else name
            player = None
            if role is not None:
                player = next((e for e in role if d.local(e) in PLAYERS), None)
            yield Part(
                type or name,
                None if role is None else role.get("classCode"),
                party(type or name, each, role),
                d.code(d.child(player, "code"), narrative)
                or (d.code(d.child(role, "code"), narrative) if player is None else None),
                d.text(d.child(player, "name")) or d.text(d.child(player, "manufacturerModelName")),
                None if player is None else d.local(player),
                each,
            )
