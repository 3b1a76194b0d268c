# SPDX-License-Identifier: EUPL-1.2
"""How somebody lives, from an Observation. Source: ANS, CI-SIS, FR-Habitus-Mode-de-vie; IHE PCC."""

from __future__ import annotations

from typing import Final

from carnet.composing.cda import codes
from carnet.composing.cda.codes import coded, date, interval, mapping
from carnet.composing.cda.elements import Element, tag, templates
from carnet.composing.cda.entries import Number
from carnet.composing.cda.told import Cells, comment, plain, remarks, told
from carnet.composing.model import Json

HABIT: Final = (
    "2.16.840.1.113883.10.20.1.33", "1.3.6.1.4.1.19376.1.5.3.1.4.13",
    "1.3.6.1.4.1.19376.1.5.3.1.4.13.4", "1.2.250.1.213.1.1.3.52",
)  # fmt: skip


def cells(resource: Json, label: str, value: str, since: str) -> Cells:
    """What it is of, what is said, since when, what else."""
    return (("", label),), (("valeur", value),), plain(since), remarks(resource)


def habit(resource: Json, anchor: str, number: Number) -> Element:
    """An Observation of social history, with the value it has."""
    period = mapping(resource.get("effectivePeriod"))
    at = date(resource.get("effectiveDateTime"))
    when = (
        tag("effectiveTime", value=at)
        if at
        else interval("effectiveTime", period.get("start"), period.get("end"))
        if period
        else tag("effectiveTime", nullFlavor="NA")
    )
    return tag(
        "observation",
        *templates(*HABIT),
        number(resource),
        coded("code", resource.get("code")),
        told(anchor),
        tag("statusCode", code="completed"),
        when,
        _value(resource, anchor),
        comment(remarks(resource), anchor),
        classCode="OBS",
        moodCode="EVN",
    )


def _value(resource: Json, anchor: str) -> Element:
    if "valueCodeableConcept" in resource:
        return coded("value", resource["valueCodeableConcept"], f"{anchor}-valeur", "CD")
    if "valueBoolean" in resource:
        return tag("value", kind="BL", value="true" if resource["valueBoolean"] else "false")
    if "valueInteger" in resource:
        return tag("value", kind="INT", value=str(resource["valueInteger"]))
    amount = mapping(resource.get("valueQuantity"))
    number = codes.number(amount.get("value"))
    if number is not None and not amount.get("comparator"):
        unit = str(amount.get("code") or "") or f"{{{str(amount.get('unit') or '').strip('{}')}}}"
        return tag(
            "value", kind="PQ", value=number, unit=unit.replace(" ", "_") if unit != "{}" else "1"
        )
    return tag("value", kind="ST", text=codes.said(resource.get("valueCodeableConcept"))
               or str(resource.get("valueString") or _bound(amount)))  # fmt: skip


def _bound(amount: Json) -> str:
    """A quantity that is only a bound is in words: a PQ would say more."""
    said = f"{amount.get('comparator', '')}{amount.get('value', '')}"
    return f"{said} {amount.get('unit') or amount.get('code') or ''}".strip()
