# SPDX-License-Identifier: EUPL-1.2
"""What relatives have or had: never the patient's own. FHIR R4, FamilyMemberHistory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from carnet.summary.facts import Fact, codings, folded, listed, mapping, name, newest, nothing
from carnet.summary.pages import Line, Section

TOLD = frozenset({"completed", "partial"})
ANYBODY = "FAMMEMB"  # HL7 v3 RoleCode: of the family, nobody in particular


def family(facts: Iterable[Fact], *, more: bool = False) -> Section:
    """A line for each relative, or each time one was told of; the same told twice is one line."""
    lines: dict[object, Line] = {}
    absent: list[Line] = []
    for each in newest(facts):
        own = each.own
        if own.get("status") not in TOLD or own.get("modifierExtension"):
            continue
        held = illnesses(own)
        if not held:
            if denied(own):
                absent.append(Line(denied(own), sources=(each.source(),)))
            continue
        key = (_who(own), own.get("bornDate"), tuple(sorted(_key(one) for one in held)))
        sources = (*(lines[key].sources if key in lines else ()), each.source())
        before = lines.get(key)
        lines[key] = (
            replace(before, sources=sources)
            if before
            else Line(
                relative(own),
                details=tuple(filter(None, map(illness, held))),
                sources=sources,
                unsure=own.get("status") == "partial",
            )
        )
    found = tuple(lines.values())
    nobody = tuple(
        replace(each, conflicts=("contradicted",)) if found else each for each in absent[:1]
    )
    return Section(found, (), nobody, more)


def illnesses(own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The illnesses of a relative: those that are named, and that nothing turns round."""
    return [
        each for each in listed(own.get("condition"))
        if name(each.get("code")) and nothing(each.get("code")) is None
        and not each.get("modifierExtension")
    ]  # fmt: skip


def denied(own: Mapping[str, Any]) -> str:
    """The words of who says that there is nothing in the family, "" when nobody does."""
    held = (each.get("code") for each in listed(own.get("condition")))
    return next((name(each) for each in held if nothing(each) == "none"), "")


def relative(own: Mapping[str, Any]) -> str:
    """Who it is to the patient; never their name."""
    said = name(own.get("relationship"))
    return "Famille" if said in ("", ANYBODY) else said


def illness(condition: Mapping[str, Any]) -> str:
    """What it is, and when it began as far as it is said."""
    age = mapping(condition.get("onsetAge"))
    began = str(condition.get("onsetString") or "")
    if age.get("value") is not None:
        unit = {"a": "ans", "mo": "mois"}.get(str(age.get("code")), str(age.get("unit") or ""))
        began = f"à {age['value']} {unit}".strip()
    said = name(condition.get("code"))
    return f"{said} ({began})" if began else said


def _who(own: Mapping[str, Any]) -> str:
    code = next((f"{system}|{value}" for system, value in codings(own.get("relationship"))), "")
    return code or folded(relative(own))


def _key(condition: Mapping[str, Any]) -> str:
    found = sorted(f"{system}|{value}" for system, value in codings(condition.get("code")))
    return found[0] if found else folded(name(condition.get("code")))
