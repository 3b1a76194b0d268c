# SPDX-License-Identifier: EUPL-1.2
"""Coded entries in words: what a section says when it holds entries and no text of its own.

One line a statement: what it is and its value, as coded. A statement that is denied or only meant
says so first. The page says that these words are not the author's.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from carnet.documents.cda import datatypes as d

STATEMENTS: Final = frozenset(
    {
        "act",
        "observation",
        "organizer",
        "procedure",
        "substanceAdministration",
        "supply",
        "encounter",
    }
)
NOTICE: Final = "Lu dans les données codées : le document n’a pas de texte ici."
# moodCode → how it is said (HL7 v3 ActMood); EVN and what is not here say nothing more.
MOODS: Final = {
    "INT": "Prévu : ",
    "RQO": "Demandé : ",
    "PRP": "Proposé : ",
    "PRMS": "Promis : ",
    "GOL": "Objectif : ",
    "APT": "Rendez-vous : ",
    "ARQ": "Rendez-vous demandé : ",
}
MAX_LINES: Final = 500
MAX_LINE: Final = 500  # characters


def html(section: d.Element, narrative: d.Narrative) -> str:
    """Safe HTML; "" when the entries of the section say nothing either."""
    entries = d.children(section, "entry")
    if not entries:
        return ""
    lines: list[str] = []
    for line in _lines(entries, narrative):
        if len(lines) == MAX_LINES:
            lines.append("…")
            break
        lines.append(line)
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line[:MAX_LINE])}</li>" for line in lines)
    return f'<p class="note">{NOTICE}</p><ul>{items}</ul>'


def _lines(entries: list[d.Element], narrative: d.Narrative) -> Iterator[str]:
    for entry in entries:
        if next(entry.iter(d.V3 + "observationMedia"), None) is not None:
            continue  # a file: it is named where it is kept
        for statement in entry.iter(*(d.V3 + name for name in STATEMENTS)):
            said = _said(statement, narrative)
            if said:
                yield said


def _said(statement: d.Element, narrative: d.Narrative) -> str | None:
    if statement.get("nullFlavor"):
        return None
    product = d.down(statement, "consumable", "manufacturedProduct", "manufacturedMaterial")
    what = [
        _label(d.code(d.child(statement, "code"), narrative)),
        d.text(d.child(product, "name")) or _label(d.code(d.child(product, "code"), narrative)),
    ]
    named = " : ".join(w for w in what if w)
    values = [v for v in (_value(e, narrative) for e in d.children(statement, "value")) if v]
    if not named and not values:
        return None
    words = " : ".join(part for part in (named, ", ".join(values)) if part)
    denied = "Nié : " if statement.get("negationInd") == "true" else ""
    return f"{MOODS.get(statement.get('moodCode', ''), '')}{denied}{words}"


def _label(code: d.Code | None) -> str | None:
    """Words only: a bare code says nothing to a reader."""
    if code is None:
        return None
    label = code.label
    return None if label == code.code else label


def _value(element: d.Element, narrative: d.Narrative) -> str | None:
    coded = _label(d.code(element, narrative)) or d.attribute(element, "code")
    if coded:
        return coded
    amount = d.attribute(element, "value")
    if amount:
        return " ".join(p for p in (amount, d.attribute(element, "unit")) if p)
    ends = [d.attribute(d.child(element, n), "value") for n in ("low", "high")]
    if any(ends):
        return " à ".join(e or "…" for e in ends)
    if element.get("mediaType") or element.get("representation"):
        return None  # a file, not words
    return narrative.text(element)
