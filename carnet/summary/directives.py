# SPDX-License-Identifier: EUPL-1.2
"""What the person wants: directives and wishes, as documents and as they were coded."""

from __future__ import annotations

from collections.abc import Iterable

from carnet.summary.facts import Fact, legible, mapping, name, newest, notes, title
from carnet.summary.pages import Line, Section
from carnet.summary.results import VOID
from carnet.summary.words import OWN, Language, ours


def directives(
    documents: Iterable[Fact],
    observations: Iterable[Fact],
    *,
    more: bool = False,
    language: Language = OWN,
) -> Section:
    """Newest first; the newest does not cancel the others, which is for their reader to say."""
    lines = []
    for each in newest(documents):
        lines.append(Line(title(each.own), since=str(each.own.get("date") or ""),
                          sources=(each.source(),)))  # fmt: skip
    for each in newest(observations):
        if each.own.get("status") in VOID:
            continue
        value = each.own.get("valueBoolean")
        said = (
            ours("yes" if value else "no", language)
            if isinstance(value, bool)
            else name(each.own.get("valueCodeableConcept"))
            or legible(each.own.get("valueString")).strip("…")
        )
        lines.append(
            Line(
                name(each.own.get("code")),
                since=str(
                    each.own.get("effectiveDateTime")
                    or mapping(each.own.get("effectivePeriod")).get("start")
                    or ""
                ),
                details=tuple(filter(None, (said, *notes(each.own)))),
                sources=(each.source(),),
            )
        )
    return Section(tuple(lines), more=more)
