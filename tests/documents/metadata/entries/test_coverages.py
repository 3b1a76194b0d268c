# SPDX-License-Identifier: EUPL-1.2
"""Who pays, and never a number of a person beside the identity."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    coded,
    own_id,
    read_in,
    templates,
    why,
)

Json = dict[str, Any]

PAYERS = "48768-6"


def coverage(attributes: str = "", number: str = '<id root="2.999.4" extension="C1"/>') -> str:
    one = (
        f'<act classCode="ACT" moodCode="EVN" {attributes}>{templates(FRENCH + "94")}{own_id()}'
        f"{coded('code', 'GEN-105', '2.999.1', 'Puma')}"
        '<performer typeCode="PRF"><assignedEntity><id nullFlavor="UNK"/><representedOrganization>'
        "<name>Régime général</name></representedOrganization></assignedEntity></performer>"
        f'<participant typeCode="COV"><participantRole classCode="PAT">{number}'
        f"{coded('code', 'SELF', '2.16.840.1.113883.5.111', 'Soi')}</participantRole></participant>"
        "</act>"
    )
    return (
        f'<act classCode="ACT" moodCode="DEF">{templates(FRENCH + "61")}{own_id()}'
        f"{coded('code', '48768-6', LOINC, 'Couverture')}"
        f'<entryRelationship typeCode="COMP">{one}</entryRelationship></act>'
    )


def covered(source: bytes, entry: str) -> list[Json]:
    found = read_in(source, entry, code=PAYERS)
    return [each for each in found if each["resourceType"] == "Coverage"]


def test_a_coverage_says_its_kind_its_payer_and_whose_it_is(laboratory: bytes) -> None:
    (found,) = covered(laboratory, coverage())
    assert found["type"]["coding"][0]["code"] == "GEN-105"
    assert found["payor"] == [{"display": "Régime général"}]
    assert found["relationship"]["coding"][0]["code"] == "self"
    assert found["subscriberId"] == "C1"


def test_the_number_of_a_person_is_not_repeated(laboratory: bytes) -> None:
    ins = '<id root="1.2.250.1.213.1.4.8" extension="277076322082910"/>'
    (found,) = covered(laboratory, coverage(number=ins))
    assert "277076322082910" not in str(found)


@pytest.mark.parametrize("attributes", ['negationInd="true"', 'nullFlavor="MSK"'])
def test_a_coverage_that_is_denied_or_masked_is_only_kept(
    laboratory: bytes, attributes: str
) -> None:
    assert covered(laboratory, coverage(attributes)) == []
    told = why(laboratory, coverage(attributes), code=PAYERS)
    assert ("act 1.2.250.1.213.1.1.3.94", "not-done") in told
