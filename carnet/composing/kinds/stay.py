# SPDX-License-Identifier: EUPL-1.2
"""What a letter at the end of a stay answers: how one came and left, what was found, blood given, germs.

The record does not know these answers: who signs gives them, and none is ever supposed.
Source: ANS, CI-SIS, volet LDL-SES 2022.01 (`stay.toml`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from carnet.composing.model import Line, Stay

ASIP: Final = "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP"
SIMPLE: Final = "1.2.250.1.213.1.1.3.48"
SYSTEMS: Final = {"asip": ASIP, "places": "urn:oid:1.2.250.1.213.1.6.1.8"}
YES: Final = "yes"
NO: Final = "no"
UNKNOWN: Final = "unknown"  # who signs does not know, and says so
CLOSED: Final = {YES: "Oui", NO: "Non", UNKNOWN: "Non renseigné"}
ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a list: its code, its system (URI), what is read."""

    code: str
    system: str
    label: str


@dataclass(frozen=True, slots=True)
class Detail:
    """What is told in words when the answer is yes."""

    name: str
    code: str
    label: str
    template: str


@dataclass(frozen=True, slots=True)
class Question:
    """One entry of the letter: asked under `name`, coded, of the first or the last day of the stay."""

    name: str
    code: str
    label: str
    template: str
    on: str
    words: bool = False
    answers: tuple[Answer, ...] = ()
    detail: Detail | None = None

    @property
    def closed(self) -> bool:
        """Whether it is answered by yes, no or not known."""
        return not self.words and not self.answers


@cache
def questions() -> tuple[Question, ...]:
    """Those of `stay.toml`, in the order of the letter."""
    held = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return tuple(_question(each) for each in held["question"])


def _question(held: dict[str, Any]) -> Question:
    answers = tuple(
        Answer(code, SYSTEMS.get(system, system), label)
        for code, system, label in held.pop("answers", ())
    )
    detail = held.pop("detail", None)
    return Question(**held, answers=answers, detail=Detail(*detail) if detail else None)


def answered(words: Mapping[str, str], stay: Stay | None, at: datetime) -> Iterator[Line]:
    """A line for each question that has an answer; at: the day of those of a stay without days."""
    for each in questions():
        given = words.get(each.name, "").strip()
        value = _value(each, given)
        if value is None:
            continue
        day = _day(each.on, stay, at)
        yield Line(
            (said(each, given), each.label), "observation",
            {**observation(each.code, each.label, f"{SIMPLE}.{each.template}", day), **value},
        )  # fmt: skip
        if each.detail is not None and given == YES:
            yield from _told(each.detail, words.get(each.detail.name, "").strip(), day)


def said(question: Question, given: str) -> str:
    """An answer as it is read."""
    if question.closed:
        return CLOSED[given]
    return next((each.label for each in question.answers if each.code == given), given)


def _value(question: Question, given: str) -> dict[str, Any] | None:
    if question.words:
        return {"valueString": given} if given else None
    if question.closed:
        return _closed(given)
    for each in question.answers:
        if each.code == given:
            coding = {"system": each.system, "code": each.code, "display": each.label}
            return {"valueCodeableConcept": {"coding": [coding]}}
    return None


def _closed(given: str) -> dict[str, Any] | None:
    if given == UNKNOWN:
        reason = {"coding": [{"system": ABSENT, "code": "unknown", "display": CLOSED[UNKNOWN]}]}
        return {"dataAbsentReason": reason}
    return {"valueBoolean": given == YES} if given in CLOSED else None


def _told(detail: Detail, given: str, day: str) -> Iterator[Line]:
    if given:
        own = observation(detail.code, detail.label, f"{SIMPLE}.{detail.template}", day)
        yield Line((given, detail.label), "observation", {**own, "valueString": given})


def _day(on: str, stay: Stay | None, at: datetime) -> str:
    moment = stay and (stay.start if on == "start" else stay.end)
    return (moment or at).date().isoformat()


def observation(code: str, label: str, template: str, day: str) -> dict[str, Any]:
    """A simple observation of the CI-SIS, still without its value."""
    return {
        "resourceType": "Observation",
        "template": template,
        "code": {"coding": [{"system": ASIP, "code": code, "display": label}]},
        "effectiveDateTime": day,
    }
