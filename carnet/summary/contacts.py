# SPDX-License-Identifier: EUPL-1.2
"""Who to call: the treating doctor, the persons the patient named, the sheet of contacts. FHIR R4."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from carnet.summary.facts import (
    Fact,
    closing,
    folded,
    later,
    listed,
    mapping,
    name,
    newest,
    person_name,
    title,
)
from carnet.summary.pages import Line, Section, Source
from carnet.summary.words import OWN, Language, ours


def contacts(
    patient: Iterable[Fact],
    related: Iterable[Fact],
    documents: Iterable[Fact],
    now: datetime,
    *,
    language: Language = OWN,
    more: bool = False,
) -> Section:
    """One line a person; the same name told twice is one."""
    found: dict[str, Line] = {}
    for each in patient:
        for reference in listed(each.own.get("generalPractitioner")):
            _add(found, str(reference.get("display") or ""), (ours("gp", language),), each)
        for contact in listed(each.own.get("contact")):
            if _over(contact, now):
                continue
            roles = [name(one) for one in listed(contact.get("relationship"))]
            said = person_name({"name": contact.get("name")}) or person_name(
                {"name": mapping(contact.get("organization")).get("display")}
            )
            _add(found, said, (*roles, *_phones(contact)), each)
    for each in newest(related):
        if each.own.get("active") is False or _over(each.own, now):
            continue
        roles = [name(one) for one in listed(each.own.get("relationship"))]
        _add(found, person_name(each.own), (*roles, *_phones(each.own)), each)
    for each in newest(documents):
        _add(found, title(each.own), (), each)
    return Section(tuple(found.values()), more=more)


def _over(own: dict[str, object], now: datetime) -> bool:
    """Whether somebody is this no more; the day it ends is one of it."""
    end = closing(mapping(own.get("period")).get("end"))
    return end is not None and later(end, timedelta(days=1)) < now


def _add(found: dict[str, Line], said: str, details: Iterable[str], fact: Fact) -> None:
    told = tuple(dict.fromkeys(filter(None, details)))
    if not said:
        return
    held = found.get(folded(said))
    sources: tuple[Source, ...] = (fact.source(),)
    if held is not None:
        told = tuple(dict.fromkeys((*held.details, *told)))
        sources = (*held.sources, *sources)
    found[folded(said)] = Line(said, details=told, sources=sources)


def _phones(own: dict[str, object]) -> Iterable[str]:
    for each in listed(own.get("telecom")):
        if each.get("system") in ("phone", "sms") and each.get("value"):
            yield str(each["value"])
