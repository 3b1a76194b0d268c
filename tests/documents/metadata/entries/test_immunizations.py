# SPDX-License-Identifier: EUPL-1.2
"""Vaccines given, not given, advised, advised against."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    coded,
    own_id,
    related,
    templates,
    why,
)
from tests.documents.metadata.entries.test_medications import NO_PRODUCT, administration, one

Json = dict[str, Any]

VACCINES, PLAN = "11369-6", "18776-5"
DAY = '<effectiveTime value="20240510"/>'


def rank(value: str, type_: str = "INT", attributes: str = "") -> str:
    return related(
        "SUBJ",
        f'<observation classCode="OBS" moodCode="EVN" {attributes}>{templates(FRENCH + "82")}'
        f"{own_id()}{coded('code', '30973-2', '2.16.840.1.113883.6.1', 'Rang')}"
        f'<value xsi:type="{type_}" value="{value}"/></observation>',
    )


def vaccine(inside: str = "", **more: Any) -> str:
    return administration(inside, template="45", before=DAY, **more)


def test_a_vaccine_that_was_given_has_its_date_its_rank_and_its_lot(laboratory: bytes) -> None:
    lot = (
        "<consumable><manufacturedProduct><manufacturedMaterial>"
        f"{coded('code', 'J07AM', '2.16.840.1.113883.6.73', 'Vaccin tétanique')}"
        "<lotNumberText>V77</lotNumberText></manufacturedMaterial></manufacturedProduct></consumable>"
    )
    found = one(laboratory, vaccine(rank("2"), what=lot), code=VACCINES)
    assert found["resourceType"] == "Immunization"
    assert found["status"] == "completed"
    assert found["vaccineCode"]["coding"][0]["code"] == "J07AM"
    assert found["occurrenceDateTime"] == "2024-05-10"
    assert found["lotNumber"] == "V77"
    assert found["protocolApplied"] == [{"doseNumberPositiveInt": 2}]


def test_a_vaccine_that_was_not_given_is_not_done(laboratory: bytes) -> None:
    found = one(laboratory, vaccine(attributes='negationInd="true"'), code=VACCINES)
    assert (found["resourceType"], found["status"]) == ("Immunization", "not-done")


@pytest.mark.parametrize("more", [{"mood": "INT"}, {"attributes": 'nullFlavor="MSK"'}])
def test_a_vaccine_that_is_meant_or_masked_was_not_given(
    laboratory: bytes, more: dict[str, str]
) -> None:
    assert {why for _, why in why(laboratory, vaccine(**more), code=VACCINES)} == {"not-done"}


def test_a_vaccine_without_a_name_is_only_kept(laboratory: bytes) -> None:
    entry = vaccine(what=NO_PRODUCT)
    assert {why for _, why in why(laboratory, entry, code=VACCINES)} == {"no-code"}


def test_a_rank_that_is_no_number_is_only_kept(laboratory: bytes) -> None:
    found = one(laboratory, vaccine(rank("0")), code=VACCINES)
    assert "protocolApplied" not in found


@pytest.mark.parametrize("mood", ["INT", "PRP", "EVN"])
@pytest.mark.parametrize(
    ("attributes", "status"), [("", "due"), ('negationInd="true"', "contraindicated")]
)
def test_a_vaccine_that_is_advised_is_a_recommendation(
    laboratory: bytes, attributes: str, status: str, mood: str
) -> None:
    """Written as if it were given, it is advised all the same: its template says so."""
    when = '<effectiveTime xsi:type="IVL_TS"><low value="20251201"/><high value="20251231"/></effectiveTime>'
    entry = administration(template="47", mood=mood, attributes=attributes, before=when)
    found = one(laboratory, entry, code=PLAN)
    assert found["resourceType"] == "ImmunizationRecommendation"
    (advised,) = found["recommendation"]
    assert advised["forecastStatus"]["coding"][0]["code"] == status
    assert ("contraindicatedVaccineCode" in advised) == bool(attributes)
    assert [each["value"] for each in advised["dateCriterion"]] == ["2025-12-01", "2025-12-31"]


def test_a_vaccine_without_template_is_known_by_its_section(laboratory: bytes) -> None:
    bare = vaccine().replace(templates(FRENCH + "45"), "")
    assert one(laboratory, bare, code=VACCINES)["resourceType"] == "Immunization"
    assert one(laboratory, bare, code="10160-0")["resourceType"] == "MedicationStatement"


@pytest.mark.parametrize("cell", ["Oui", "x", "12/03/2021", "-"])
def test_an_answer_in_a_table_is_no_name_of_a_vaccine(laboratory: bytes, cell: str) -> None:
    named = (
        "<consumable><manufacturedProduct><manufacturedMaterial>"
        '<code code="J07AN" codeSystem="2.16.840.1.113883.6.73" displayName="Vaccin BCG">'
        f"<originalText>{cell}</originalText></code>"
        "</manufacturedMaterial></manufacturedProduct></consumable>"
    )
    entry = vaccine(what=named).replace(DAY, f"<text>{cell}</text>{DAY}")
    found = one(laboratory, entry, code=VACCINES)
    assert cell not in str(found["vaccineCode"])
    assert "note" not in found
