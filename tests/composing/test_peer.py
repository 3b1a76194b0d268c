# SPDX-License-Identifier: EUPL-1.2
"""A reader of CDA we did not write reads what we write: its typed models take it, and say the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from ccda_to_fhir import convert_document
from ccda_to_fhir.ccda import parser

from carnet.composing import cda, readable
from carnet.composing.model import Document

logging.getLogger("ccda_to_fhir").setLevel(logging.CRITICAL)


def sections(held: Any) -> Iterator[Any]:
    """Every section, with those inside."""
    for each in held or []:
        yield each.section
        yield from sections(each.section.component)


def inside(document: Document) -> dict[str, list[Any]]:
    """The entries another reader finds, by the code of their section."""
    read = parser.parse_ccda(cda.write(document, readable.pdf(document)).decode())
    return {
        str(each.code.code): list(each.entry or [])
        for each in sections(read.component.structured_body.component)
    }


def test_it_finds_each_entry_of_a_synthesis(vsm: Document) -> None:
    found = inside(vsm)
    for code, value, low in (("11450-4", "I20.0", "20190811"), ("11348-0", "N10", "201804")):
        [entry] = found[code]
        seen = entry.act.entry_relationship[0].observation
        assert (seen.value.code, seen.value.code_system) == (value, "2.16.840.1.113883.6.3")
        assert seen.effective_time.low.value == low
    [act] = found["47519-4"]
    assert (act.procedure.code.code, act.procedure.effective_time.value) == ("DDAF004", "20180114")
    [allergy] = found["48765-2"]
    agent = allergy.act.entry_relationship[0].observation.participant[0].participant_role
    assert agent.playing_entity.code.code == "60234100"
    [treatment] = found["10160-0"]
    taken = treatment.substance_administration
    assert taken.consumable.manufactured_product.manufactured_material.code.code == "63564053"
    assert taken.route_code.code == "20053000"
    assert [type(each).__name__ for each in taken.effective_time] == ["IVL_TS", "PIVL_TS"]


def test_it_finds_what_happened_during_a_stay(letter: Document) -> None:
    told = [each.observation.code.code for each in inside(letter)["42545-4"]]
    assert told == [
        "ORG-070", "ORG-074", "MED-142", "MED-309", "MED-144", "MED-145", "MED-147",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["vsm", "letter"])
def test_it_makes_a_document_of_it(kind: str, request: pytest.FixtureRequest) -> None:
    document: Document = request.getfixturevalue(kind)
    made: Any = convert_document(cda.write(document).decode())["bundle"]
    by_type = {each["resource"]["resourceType"]: each["resource"] for each in made["entry"]}
    assert by_type["Composition"]["title"] == document.named
    assert by_type["Patient"]["identifier"][0]["value"] == "279035121518989"
    assert by_type["Patient"]["birthDate"] == "1979-03-28"
    assert by_type["Practitioner"]["identifier"][0]["value"] == "810000000018"
    assert by_type["Encounter"]["period"]["start"].startswith("2026-11-")
    assert len(by_type["Composition"]["section"]) == len(document.parts)
