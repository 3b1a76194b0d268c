# SPDX-License-Identifier: EUPL-1.2
"""Devices the patient bears or uses, from what says their use. FHIR R4, DeviceUseStatement and Device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from carnet.summary.facts import (
    Fact,
    codings,
    date_of,
    listed,
    mapping,
    name,
    newest,
    notes,
    nothing,
)
from carnet.summary.pages import Line, Section

USED = frozenset({"active", "intended", "on-hold"})
PAST = frozenset({"completed", "stopped"})


def device(fact: Fact, known: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The Device a use points to or holds; empty when this viewer has none of it."""
    address = str(mapping(fact.own.get("device")).get("reference", ""))
    held = {f"#{each.get('id')}": each for each in listed(fact.own.get("contained"))}
    return held.get(address) or known.get(address) or {}


def concept(fact: Fact, known: Mapping[str, Mapping[str, Any]]) -> object:
    """What it is: its type, else its name as it is displayed."""
    found = device(fact, known)
    if found.get("type"):
        return found["type"]
    names = (str(each.get("name") or "") for each in listed(found.get("deviceName")))
    said = next(filter(None, names), "") or str(
        mapping(fact.own.get("device")).get("display") or ""
    )
    return {"text": said}


def devices(
    facts: Iterable[Fact], known: Mapping[str, Mapping[str, Any]], *, more: bool = False
) -> Section:
    """The devices of a record; the same one told twice is one line with its sources."""
    lines: dict[object, Line] = {}
    past: dict[object, Line] = {}
    absent: list[Line] = []
    for each in newest(facts):
        status, what = each.own.get("status"), concept(each, known)
        if (said := nothing(what)) is not None:
            if said == "none":
                absent.append(Line(name(what), sources=(each.source(),)))
            continue
        if status not in USED | PAST:
            continue
        start, end = date_of(each.own, "timing")
        place = name(each.own.get("bodySite"))
        key = (next(iter(codings(what)), None) or name(what), place, start[:10])
        into = lines if status in USED else past
        sources = (*(into[key].sources if key in into else ()), each.source())
        details = (place, *notes(each.own)[:2])
        into[key] = Line(
            name(what), start, end, details=tuple(filter(None, details)), sources=sources
        )
    found = tuple(lines.values())
    contradicted = tuple(
        Line(each.label, sources=each.sources, conflicts=("contradicted",) if found else ())
        for each in absent[:1]
    )
    return Section(found, tuple(past.values()), contradicted, more)
