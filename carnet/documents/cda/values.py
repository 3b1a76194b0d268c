# SPDX-License-Identifier: EUPL-1.2
"""The value of an observation, of whatever type it declares. Source: HL7 v3 data types R1; CDA R2."""

from typing import Final

from carnet.documents.cda import datatypes as d

Value = d.Quantity | d.Interval | d.Ratio | d.Code | d.Period | str | int | bool

CODED: Final = frozenset({"CD", "CE", "CV", "CO", "CS"})
TEXTS: Final = frozenset({"ST", "ED", "SC"})
AMOUNTS: Final = frozenset({"PQ", "REAL"})
INTERVALS: Final = frozenset({"IVL_PQ", "IVL_REAL", "IVL_INT"})


def kind_of(value: d.Element) -> str:
    """The type a value declares, without its prefix; a type of another namespace is none of ours."""
    prefix, _, name = (value.get(d.TYPE) or "").strip().rpartition(":")
    if not name:
        return "untyped"
    if prefix == (value.prefix or ""):  # that of the value itself, which is of CDA
        return name
    space = value.nsmap.get(prefix or None)
    return name if space == d.V3[1:-1] or not (prefix or space) else "foreign"


def typed(element: d.Element, narrative: d.Narrative) -> Value | None:
    """The value as its type says; None when it is absent, null, or cannot be read as that type."""
    kind = kind_of(element)
    if kind in AMOUNTS:
        return d.quantity(element)
    if kind == "INT":
        amount = d.number(element.get("value"))
        whole = amount is not None and amount == amount.to_integral_value()
        return int(amount) if amount is not None and whole else None
    if kind in INTERVALS:
        return d.interval(element)
    if kind in CODED:
        coded = d.code(element, narrative)
        return coded if coded and coded.label else None
    if kind in TEXTS:
        return narrative.text(element)
    if kind in ("TS", "IVL_TS"):
        return d.period(element)
    if kind == "BL":
        return {"true": True, "false": False}.get(element.get("value", ""))
    if kind.startswith("RTO"):
        numerator = d.quantity(d.child(element, "numerator"))
        denominator = d.quantity(d.child(element, "denominator"))
        return d.Ratio(numerator, denominator) if numerator and denominator else None
    return None


def written(element: d.Element, narrative: d.Narrative) -> str | None:
    """What a value that cannot be read as its type says, as written: shown rather than lost."""
    parts = (d.attribute(element, "value"), d.attribute(element, "unit"))
    return " ".join(p for p in parts if p) or narrative.text(element)
