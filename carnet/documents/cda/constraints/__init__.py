# SPDX-License-Identifier: EUPL-1.2
"""Whether a CDA document keeps what the models it claims ask for: `broken(root)`.

The rules are data (`rules.toml`): nothing here knows a model. What the minimal header asks of every
document is `conformance.py`'s, and is not asked twice.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from lxml import etree

from carnet.documents.cda import datatypes as d
from carnet.documents.cda.minimal import path_of

NAMES: Final = {"h": "urn:hl7-org:v3"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a model asks of the element that claims its template."""

    id: str
    context: str
    path: Any  # etree.XPath
    least: int
    most: int | None
    attribute: str
    values: frozenset[str]
    null: bool
    when: Any | None  # etree.XPath
    severity: str
    fr: str
    en: str
    source: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule, and where it is not kept; never content."""

    rule: Rule
    path: str
    line: int | None
    section: str = ""  # code of the section it stands in, as it was sent


@cache
def rules() -> tuple[Rule, ...]:
    """The rules of rules.toml, in their order."""
    text = resources.files(__package__).joinpath("rules.toml").read_text("utf-8")
    return tuple(
        Rule(
            id=one["id"],
            context=one["context"],
            path=etree.XPath(one["path"], namespaces=NAMES),
            least=one["least"],
            most=one.get("most"),
            attribute=one.get("attribute", ""),
            values=frozenset(one.get("values", ())),
            null=one.get("null", False),
            when=etree.XPath(one["when"], namespaces=NAMES) if "when" in one else None,
            severity=one["severity"],
            fr=one["fr"],
            en=one["en"],
            source=one["source"],
        )
        for one in tomllib.loads(text)["rule"]
    )


def broken(root: d.Element, most: int | None = None) -> list[Broken]:
    """Every rule that is not kept. root: the ClinicalDocument. most: times one rule is told."""
    found, times = [], Counter[str]()
    for element, rule in _asked(root):
        if kept(rule, element):
            continue
        times[rule.id] += 1
        if most is None or times[rule.id] <= most:
            line = int(element.sourceline) if element.sourceline else None
            found.append(Broken(rule, path_of(element), line, _section(element)))
    return found


def _section(element: d.Element) -> str:
    """The code of the nearest section, the element itself included; "" in the header."""
    at: d.Element | None = element
    while at is not None and d.local(at) != "section":
        at = at.getparent()
    return d.attribute(d.child(at, "code"), "code") or ""


def kept(rule: Rule, element: d.Element) -> bool:
    """Whether an element that claims the template keeps a rule."""
    if element.get("nullFlavor") or (rule.when is not None and not rule.when(element)):
        return True
    found = rule.path(element)
    if len(found) < rule.least or (rule.most is not None and len(found) > rule.most):
        return False
    return not rule.attribute or all(
        each.get(rule.attribute) in rule.values or (rule.null and each.get("nullFlavor"))
        for each in found
    )


def _asked(root: d.Element) -> Iterator[tuple[d.Element, Rule]]:
    """Each element that claims a template we know, with each rule of it, in the order of the document."""
    known: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules():
        known[rule.context].append(rule)
    asked: set[tuple[d.Element, str]] = set()  # a template claimed twice is asked once
    for template in root.iter(f"{d.V3}templateId"):
        above = template.getparent()
        claimed = (template.get("root") or "").strip()
        if above is None or claimed not in known or (above, claimed) in asked:
            continue
        asked.add((above, claimed))
        for rule in known[claimed]:
            yield above, rule
