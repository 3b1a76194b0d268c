# SPDX-License-Identifier: EUPL-1.2
"""Small CDA statements of the tests' own, and documents that hold them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from carnet.documents import cda, metadata
from carnet.documents.cda.understood import Fate
from carnet.fhir.validation import structure

Json = dict[str, Any]

FRENCH = "1.2.250.1.213.1.1.3."
PCC = "1.3.6.1.4.1.19376.1.5.3.1.4."
ICD = "2.16.840.1.113883.6.3"
SNOMED = "2.16.840.1.113883.6.96"
LOINC = "2.16.840.1.113883.6.1"
PROBLEMS = "11450-4"
_numbers = itertools.count(1)


def templates(*oids: str) -> str:
    return "".join(f'<templateId root="{oid}"/>' for oid in oids)


def own_id() -> str:
    """An identifier no other statement has."""
    return f'<id root="2.999.7" extension="s{next(_numbers)}"/>'


def coded(element: str, code: str, system: str, display: str, type_: str = "") -> str:
    of = f' xsi:type="{type_}"' if type_ else ""
    return f'<{element}{of} code="{code}" codeSystem="{system}" displayName={quoteattr(display)}/>'


def observation(
    inside: str,
    *oids: str,
    code: str = "",
    attributes: str = "",
    mood: str = "EVN",
    status: str = "completed",
) -> str:
    return (
        f'<observation classCode="OBS" moodCode="{mood}" {attributes}>{templates(*oids)}{own_id()}'
        f'{code}<statusCode code="{status}"/>{inside}</observation>'
    )


def problem(
    code: str = "J45",
    display: str = "Asthme",
    *,
    attributes: str = "",
    mood: str = "EVN",
    when: str = '<effectiveTime><low value="20200101"/></effectiveTime>',
    more: str = "",
    value: str | None = None,
) -> str:
    """One problem, as the CI-SIS writes it."""
    said = coded("value", code, ICD, display, "CD") if value is None else value
    return observation(
        when + said + more,
        PCC + "5",
        FRENCH + "37",
        code=coded("code", "55607006", SNOMED, "problème"),
        attributes=attributes,
        mood=mood,
    )


def concern(*held: str, status: str = "active") -> str:
    links = "".join(
        f'<entryRelationship typeCode="SUBJ">{each}</entryRelationship>' for each in held
    )
    return (
        f'<act classCode="ACT" moodCode="EVN">{templates(FRENCH + "39")}{own_id()}'
        f'<code nullFlavor="NA"/><statusCode code="{status}"/>{links}</act>'
    )


def related(type_: str, statement: str) -> str:
    return f'<entryRelationship typeCode="{type_}">{statement}</entryRelationship>'


def section(*entries: str, code: str = PROBLEMS, more: str = "") -> str:
    """A section that holds entries, each a statement."""
    held = "".join(f"<entry>{each}</entry>" for each in entries)
    return (
        '<component><section xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{coded('code', code, LOINC, 'Section')}<title>Section</title><text>Texte</text>"
        f"{more}{held}</section></component>"
    )


def with_entries(source: bytes, *entries: str, code: str = PROBLEMS, more: str = "") -> bytes:
    """A document that ends with one more section."""
    end = b"</structuredBody>"
    assert source.count(end) == 1
    return source.replace(end, section(*entries, code=code, more=more).encode() + end)


def read_in(source: bytes, *entries: str, code: str = PROBLEMS, more: str = "") -> list[Json]:
    """The resources entries become, beside those of the document without them; all well formed."""
    bare = {each.url for each in made_of(source)}
    made = made_of(with_entries(source, *entries, code=code, more=more))
    known = _kinds(source)
    found = []
    for each in made:
        kind = each.resource["resourceType"]
        if known.get(kind, 0) > 0:
            known[kind] -= 1
            continue
        assert structure.check(each.resource) == [], each.resource
        found.append(each.resource)
    assert bare
    return found


def why(source: bytes, *entries: str, code: str = PROBLEMS, more: str = "") -> set[tuple[str, str]]:
    """What is kept of the entries and why, beside what the document itself keeps."""
    own = {(line.what, line.why) for line in metadata.told(cda.read(source))}
    lines = metadata.told(cda.read(with_entries(source, *entries, code=code, more=more)))
    return {(line.what, line.why) for line in lines if line.fate is Fate.KEPT} - own


def made_of(source: bytes) -> list[metadata.Made]:
    """All that a document becomes."""
    numbers = itertools.count(1)
    return metadata.resources(
        cda.read(source),
        patient="Patient/leonie",
        received=datetime(2025, 3, 13, 8, 0, tzinfo=UTC),
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )


def _kinds(source: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in made_of(source):
        kind = each.resource["resourceType"]
        found[kind] = found.get(kind, 0) + 1
    return found
