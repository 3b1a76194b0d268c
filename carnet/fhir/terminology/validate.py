# SPDX-License-Identifier: EUPL-1.2
"""$validate-code, of a code system and of a value set.

A code that is not in it, or a display that is not one of its own, is a result of false and a sentence; a
value set or code system that is not known is not found, as everywhere.
Source: FHIR R4, CodeSystem/$validate-code, ValueSet/$validate-code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carnet.fhir.terminology import queries
from carnet.fhir.terminology.compose import Compose
from carnet.fhir.terminology.grammars import GRAMMARS, says
from carnet.fhir.terminology.labels import preferred
from carnet.fhir.terminology.queries import Conn
from carnet.fhir.terminology.refusals import shown
from carnet.fhir.terminology.resolve import Resolved
from carnet.fhir.terminology.terms import Member, Terms
from carnet.fhir.terminology.words import same

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Coding:
    """A code as it is asked about; without a system, of any."""

    code: str
    system: str | None = None
    version: str = ""
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one coding."""

    result: bool
    message: str = ""
    display: str = ""
    coding: Coding | None = None


async def in_system(
    terms: Terms, conn: Conn, url: str, coding: Coding, language: str | None = None,
    *, abstract: bool = True,
) -> Answer:  # fmt: skip
    """Whether a code is in a code system."""
    if url in GRAMMARS:
        good = says(url, coding.code)
        text = "" if good else f"{shown(coding.code)} does not follow the grammar of {url}."
        return Answer(good, text, coding.code if good else "", coding)
    system = await terms.system(conn, url, coding.version)
    found = await queries.concept(conn, system, coding.code)
    if found is None:
        text = f"The code {shown(coding.code)} is not in {shown(system.url)}"
        if system.content == "fragment":
            text += ", of which only a part is known here"
        return Answer(False, text + ".", "", coding)
    labels = [{"language": system.language, "value": found.display}, *found.designations]
    display = preferred(language, labels, found.display)
    known = Coding(found.code, system.url, system.version, display)
    if found.abstract and not abstract:
        return Answer(False, f"The code {shown(found.code)} is abstract.", display, known)
    return _shown(coding, known, display, [found.display, *_values(found.designations)])


async def in_value_set(
    terms: Terms,
    conn: Conn,
    of: str | Compose,
    codings: Sequence[Coding],
    language: str | None = None,
    *,
    version: str = "",
    abstract: bool = True,
) -> Answer:
    """Whether a value set has a coding, or one of several: the first it has is answered."""
    resolved = await terms.resolve(conn, of, version)
    told: list[Answer] = []
    for coding in codings:
        answer = await _one(terms, conn, resolved, coding, language, abstract)
        if answer.result:
            return answer
        told.append(answer)
    if len(told) == 1:
        return told[0]
    text = " ".join(each.message for each in told) or "There is no code to look for."
    return Answer(False, text, next((each.display for each in told if each.display), ""))


async def _one(
    terms: Terms, conn: Conn, of: Resolved, coding: Coding, language: str | None, abstract: bool
) -> Answer:
    system = None if coding.system is None else await terms.system_named(conn, coding.system)
    member = await terms.find(conn, of, system, coding.code)
    where = shown(of.compose.url) if of.compose.url else "the value set"
    said = f"The code {shown(coding.code)}" + (
        f" of {shown(coding.system)}" if coding.system else ""
    )
    if member is None:
        text = f"{said} is not in {where}"
        if terms.open(of, system):
            text += ", as far as is known here: not all of its code systems are loaded"
        return Answer(False, text + ".", "", coding)
    display = preferred(language, member.designations, member.display)
    known = Coding(member.code, member.system, member.version, display)
    if member.abstract and not abstract:
        return Answer(False, f"{said} is abstract.", display, known)
    if coding.version and member.version and coding.version != member.version:
        text = f"{said} is in {where} by version {shown(member.version)} of its system."
        return Answer(False, text, display, known)
    return _shown(coding, known, display, _labels(member))


def _shown(asked: Coding, known: Coding, display: str, labels: list[str]) -> Answer:
    """The answer, once the display that came with the code is one of its own."""
    wrong = asked.display and not any(same(asked.display, each) for each in labels)
    if wrong and any(labels):
        text = f"The display of {shown(known.code)} is {shown(display)}."
        return Answer(False, text, display, known)
    return Answer(True, "", display, known)


def _labels(member: Member) -> list[str]:
    return [member.display, *_values(member.designations)]


def _values(designations: Sequence[Json]) -> list[str]:
    return [str(each.get("value", "")) for each in designations]


def parameters(answer: Answer) -> Json:
    """The Parameters of an answer."""
    told: list[Json] = [{"name": "result", "valueBoolean": answer.result}]
    if answer.message:
        told.append({"name": "message", "valueString": answer.message})
    if answer.display:
        told.append({"name": "display", "valueString": answer.display})
    if answer.coding is not None:
        told.append({"name": "code", "valueCode": answer.coding.code})
        if answer.coding.system:
            told.append({"name": "system", "valueUri": answer.coding.system})
        if answer.result and answer.coding.version:
            told.append({"name": "version", "valueString": answer.coding.version})
    return {"resourceType": "Parameters", "parameter": told}
