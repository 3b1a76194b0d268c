# SPDX-License-Identifier: EUPL-1.2
"""A published document in the record: its text is found by its number, and follows it."""

import pytest

from tests.documents.lots import document_of, fresh, lot, mask, metadata
from tests.space import Space

pytestmark = pytest.mark.anyio

COMPOSITION = 26  # fhir/definitions/numbers.toml


async def test_the_text_of_a_document_is_found_by_its_number(space: Space) -> None:
    answer = await space.post("", lot(fresh().xml), as_="lab-software")
    document = (await space.get(document_of(answer), as_="patient")).json
    number = document["masterIdentifier"]
    query = f"identifier={number['system']}|{number['value']}&patient={space.patient_id()}"
    (found,) = (await space.get(f"Composition?{query}", as_="patient")).entries
    assert found["identifier"] == number
    assert found["subject"] == document["subject"]
    assert found["section"]
    # What a section names can be read.
    for section in found["section"]:
        for entry in section.get("entry", []):
            assert (await space.get(entry["reference"], as_="patient")).status == 200


async def test_the_text_of_a_masked_document_is_masked_and_of_its_kind(space: Space) -> None:
    labels = [*metadata(b"x")["securityLabel"], mask("MASQUE_PS")]
    await space.post("", lot(fresh().xml, securityLabel=labels), as_="lab-software")
    rows = await space.rows(
        "SELECT DISTINCT part.kind = whole.kind, part.labels & 7 = whole.labels FROM record.resource part"
        " JOIN record.resource whole ON whole.cid = part.cid AND whole.rid = part.origin"
    )
    assert rows == [(True, True)]
    masked = await space.rows(
        "SELECT count(*) FROM record.resource WHERE rtype = %s AND labels <> 0 AND origin <> rid",
        COMPOSITION,
    )
    assert masked[0][0] >= 1


async def test_what_the_metadata_leaves_out_is_said_by_the_document(space: Space) -> None:
    """The official DMP examples give no custodian; the CDA has one."""
    data = fresh().xml
    answer = await space.post("", lot(data, author=None, contained=None), as_="lab-software")
    assert answer.status == 200, answer.body
    kept = (await space.get(document_of(answer), as_="patient")).json
    assert kept["custodian"]["display"]
    assert kept["author"][0]["display"]
    assert "reference" not in kept["author"][0]
    assert kept["context"]["period"]["start"]
    assert kept["context"]["facilityType"]["coding"][0]["code"]
