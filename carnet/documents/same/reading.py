# SPDX-License-Identifier: EUPL-1.2
"""What a document is recognised by, read in its metadata and in what it brought. Pure.

Its bytes, in each form it comes in (the source, its printed copy); its uniqueId; its act: kind, day and a
number of the order or of the accession that its authority names. What it says is told in a form that two
producers write alike: results by code, instant and value; the text by its words.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from carnet.documents import unique, units
from carnet.documents.cda import CdaDocument
from carnet.documents.cda.attachments import Role
from carnet.documents.content import sha1
from carnet.documents.metadata.reference import ACCESSION, ORDER

TAGS = re.compile(r"<[^>]*>")
WORDS = re.compile(r"\w+(?:[.,]\w+)*")
VOID = frozenset(("entered-in-error", "cancelled"))


@dataclass(frozen=True, slots=True)
class Marks:
    """What another copy would have one of, and what it says; None for what was not read."""

    exact: frozenset[str]  # of its bytes
    keys: frozenset[str]  # of its uniqueId, of its act
    results: str | None = None
    narrative: str | None = None


def marks(
    resource: dict[str, Any],
    document: CdaDocument | None = None,
    made: Iterable[dict[str, Any]] = (),
) -> Marks:
    """Of a DocumentReference. document: its source; made: the resources read in it."""
    exact = frozenset(f"bytes|{each}" for each in _prints(resource, document))
    keys = set(_acts(resource))
    number = unique.of_fhir(resource.get("masterIdentifier", {}))
    if number:
        keys.add(f"unique|{number}")
    return Marks(exact, frozenset(keys), _results(made), _narrative(document))


def _prints(resource: dict[str, Any], document: CdaDocument | None) -> Iterable[str]:
    """SHA-1 of the document in each of its forms; what is only attached to it is another document."""
    held = [str(each.get("attachment", {}).get("hash", "")) for each in resource["content"]]
    yield from filter(None, held[:1])
    for each in document.attachments if document is not None else ():
        if each.role in (Role.BODY, Role.COPY):
            yield sha1(each.data)


def _acts(resource: dict[str, Any]) -> Iterable[str]:
    context = resource.get("context", {})
    kind = next((each.get("code") for each in resource.get("type", {}).get("coding", [])), None)
    day = str(context.get("period", {}).get("start") or resource.get("date") or "")[:10]
    if not kind or len(day) < 10:
        return
    stage = "|first" if resource.get("docStatus") == "preliminary" else ""
    for each in context.get("related", []):
        number = each.get("identifier", {})
        types = {one.get("code") for one in number.get("type", {}).get("coding", [])}
        if types & {ORDER, ACCESSION} and number.get("system") and number.get("value"):
            yield f"act|{kind}|{day}|{unique.of_fhir(number)}{stage}"


def _results(made: Iterable[dict[str, Any]]) -> str | None:
    """The results as a sorted text: a code in any order, a number whatever its final zeros."""
    lines = sorted(
        line
        for each in made
        if each.get("resourceType") == "Observation" and each.get("status") not in VOID
        for line in _lines(each)
    )
    return "\n".join(lines) if lines else None


def _lines(resource: dict[str, Any]) -> Iterable[str]:
    at = str(resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start"))
    for part in (resource, *resource.get("component", [])):
        said = next((part[key] for key in part if key.startswith("value")), None)
        if said is None:
            continue
        codes = sorted(
            f"{one.get('system', '')}|{one.get('code', '')}"
            for one in part.get("code", {}).get("coding", [])
        )
        name = " ".join(codes) or str(part.get("code", {}).get("text", ""))
        yield f"{name} {at} {_value(said)}"


def _value(said: Any) -> str:
    if isinstance(said, dict) and "value" in said:
        number = said["value"]
        plain = format(number.normalize(), "f") if isinstance(number, Decimal) else str(number)
        return f"{said.get('comparator', '')}{plain} {units.of(said)}"
    if isinstance(said, dict):
        codings = said.get("coding") or [said]
        return " ".join(
            sorted(
                f"{one.get('system', '')}|{one.get('code', '')}|{'' if one.get('code') else one}"
                for one in codings
            )
        ) + ("" if said.get("coding") else str(said.get("text", "")))
    return str(said)


def _narrative(document: CdaDocument | None) -> str | None:
    """The words of its sections, in order."""
    if document is None or not document.structured:
        return None
    text = " ".join(
        f"{each.title or ''} {html.unescape(TAGS.sub(' ', each.html))}"
        for each in document.sections
    )
    return " ".join(WORDS.findall(text.casefold())) or None
