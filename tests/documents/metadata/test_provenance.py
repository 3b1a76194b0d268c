# SPDX-License-Identifier: EUPL-1.2
"""Provenance: each thing read in a document leads to the very element that says it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree

from carnet.documents.metadata import Made
from carnet.documents.metadata.provenance import READ_AT
from carnet.fhir.validation import structure
from tests.documents.lots import corrected, document_of, fresh, lot, mask, metadata
from tests.documents.metadata.entries.fragments import (
    concern,
    made_of,
    problem,
    with_entries,
)
from tests.space import Space

Json = dict[str, Any]

V3 = "{urn:hl7-org:v3}"
NAME = re.compile(r"(?<=/)([A-Za-z]+)")


def of(made: list[Made]) -> Json:
    (found,) = [m.resource for m in made if m.resource["resourceType"] == "Provenance"]
    assert structure.check(found) == []
    return found


def element(source: bytes, place: str) -> Any:
    """What stands at a place, as anybody with an XPath finds it."""
    found = etree.fromstring(source).xpath(
        NAME.sub(r"h:\1", place), namespaces={"h": "urn:hl7-org:v3"}
    )
    assert len(found) >= 1, place
    return found[0]


def test_each_target_is_at_the_element_that_says_it(laboratory: bytes) -> None:
    source = with_entries(laboratory, concern(problem("J45"), problem("E11", "Diabète")))
    made = made_of(source)
    places = {each["reference"]: each["extension"][0]["valueString"] for each in of(made)["target"]}
    checked = 0
    for each in made:
        kind = each.resource["resourceType"]
        if kind not in ("Condition", "Observation"):
            continue
        at = element(source, places[each.url])
        ids = [one.get("extension") or one.get("root") for one in at.findall(f"{V3}id")]
        numbers = [
            one["value"].removeprefix("urn:oid:") for one in each.resource.get("identifier", [])
        ]
        assert numbers == ids
        named = at.find(f"{V3}value" if kind == "Condition" else f"{V3}code")
        codes = [one["code"] for one in each.resource["code"].get("coding", [])]
        if named is not None and codes:  # an isolate is named by its organism
            assert named.get("code") in codes
            checked += 1
    assert checked > 5


def test_it_names_the_authors_the_software_and_the_document(laboratory: bytes) -> None:
    made = made_of(laboratory)
    found = of(made)
    assert [each["type"]["coding"][0]["code"] for each in found["agent"]] == ["author", "assembler"]
    assert found["agent"][0]["who"]["identifier"]["value"] == "899700000013"
    assert found["entity"] == [{"role": "source", "what": {"reference": made[0].url}}]
    assert found["recorded"] == "2025-03-13T08:00:00Z"


def test_every_resource_that_was_read_is_a_target_and_a_document_without_any_has_none(
    laboratory: bytes, consultation: bytes
) -> None:
    made = made_of(with_entries(laboratory, problem()))
    targets = {each["reference"] for each in of(made)["target"]}
    whole = {"DocumentReference", "Binary", "DiagnosticReport", "Composition", "Provenance"}
    assert targets == {m.url for m in made if m.resource["resourceType"] not in whole}
    assert "Provenance" not in {m.resource["resourceType"] for m in made_of(consultation)}


@pytest.mark.anyio
async def test_it_is_found_from_what_was_read_and_follows_the_document(space: Space) -> None:
    old = fresh(minutes=760)
    labels = [*metadata(b"")["securityLabel"], mask("MASQUE_PS")]
    before = await conditions(space)
    answer = await space.post(
        "", lot(with_entries(old.xml, problem()), securityLabel=labels), as_="lab-software"
    )
    assert answer.status == 200, answer.body
    document = document_of(answer)
    (address,) = await conditions(space) - before
    page = await space.get(
        f"Condition?_id={address.split('/')[1]}&_revinclude=Provenance:target", as_="patient"
    )
    (found,) = [each for each in page.entries if each["resourceType"] == "Provenance"]
    assert found["entity"][0]["what"]["reference"] == document
    (target,) = [each for each in found["target"] if each["reference"] == address]
    place = target["extension"][0]
    assert place["url"] == READ_AT
    assert element(with_entries(old.xml, problem()), place["valueString"]).tag.endswith(
        "observation"
    )
    own = f"Provenance/{found['id']}"
    assert (await space.get(own, as_="lab-software")).status == 200
    assert (await space.get(own, as_="hospital-doctor")).status == 404, "masked as its document is"
    rows = await space.rows(
        "SELECT DISTINCT part.kind = whole.kind, part.labels = whole.labels"
        " FROM record.resource part JOIN record.resource whole"
        " ON whole.cid = part.cid AND whole.rid = part.origin WHERE part.rid = %s",
        (space.built.door.ids.decode(found["id"]) or (0, 0))[1],
    )
    assert rows == [(True, True)]
    await space.post("", lot(with_entries(corrected(old), problem())), as_="lab-software")
    found_now = await space.get(f"Provenance?target={address}", as_="patient")
    assert found_now.entries == [], "what said where the old version was read counts no more"


async def conditions(space: Space) -> set[str]:
    query = f"Condition?patient=Patient/{space.patient_id()}&_count=200"
    answer = await space.get(query, as_="patient")
    return {f"Condition/{each['id']}" for each in answer.entries}
