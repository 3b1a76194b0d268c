# SPDX-License-Identifier: EUPL-1.2
"""Devices: borne, handed out, prescribed, or none."""

from typing import Any

import pytest

from tests.documents.metadata.entries.fragments import (
    FRENCH,
    LOINC,
    coded,
    own_id,
    read_in,
    related,
    templates,
    why,
)

Json = dict[str, Any]

DEVICES, PRESCRIBED = "46264-8", "57828-6"
EMDN, ABSENT = "1.2.250.1.213.2.68", "2.16.840.1.113883.5.1150.1"
UDI = '<id root="2.16.840.1.113883.3.3719" extension="{01}00844588003288{17}271120{10}L7{21}S9"/>'


def device(
    inside: str = "",
    *,
    mood: str = "EVN",
    attributes: str = "",
    code: str | None = None,
    ids: str = "",
    before: str = '<effectiveTime xsi:type="IVL_TS"><low value="20240102"/></effectiveTime>',
) -> str:
    named = coded("code", "J0101", EMDN, "STIMULATEURS IMPLANTABLES") if code is None else code
    return (
        f'<supply classCode="SPLY" moodCode="{mood}" {attributes}>{templates(FRENCH + "20")}'
        f'{own_id()}{before}<participant typeCode="DEV"><participantRole classCode="MANU">{ids}'
        f'<playingDevice classCode="DEV">{named}</playingDevice></participantRole></participant>'
        f"{inside}</supply>"
    )


def kinds(source: bytes, *entries: str, code: str = DEVICES) -> dict[str, Json]:
    """What entries become, by type."""
    found = read_in(source, *entries, code=code)
    return {each["resourceType"]: each for each in found if each["resourceType"] != "Provenance"}


def test_a_device_that_is_borne_is_a_device_and_its_use(laboratory: bytes) -> None:
    found = kinds(laboratory, device(ids=UDI))
    assert set(found) == {"Device", "DeviceUseStatement"}
    borne = found["Device"]
    assert borne["type"]["coding"][0]["code"] == "J0101"
    assert borne["patient"] == {"reference": "Patient/leonie"}
    assert (borne["lotNumber"], borne["serialNumber"]) == ("L7", "S9")
    assert borne["expirationDate"] == "2027-11-20"
    assert borne["udiCarrier"][0]["deviceIdentifier"] == "00844588003288"
    assert borne["udiCarrier"][0]["carrierHRF"] == "(01)00844588003288(17)271120(10)L7(21)S9"
    used = found["DeviceUseStatement"]
    assert (used["status"], used["timingPeriod"]) == ("active", {"start": "2024-01-02"})


def test_a_number_of_no_system_is_a_serial_number(laboratory: bytes) -> None:
    assert kinds(laboratory, device(ids='<id extension="615225 Z"/>'))["Device"][
        "serialNumber"
    ] == "615225 Z"  # fmt: skip


def test_a_device_whose_use_is_over_is_completed(laboratory: bytes) -> None:
    over = (
        '<effectiveTime xsi:type="IVL_TS"><low value="2020"/><high value="2021"/></effectiveTime>'
    )
    assert kinds(laboratory, device(before=over))["DeviceUseStatement"]["status"] == "completed"


def test_a_device_that_was_handed_out_was_not_thereby_used(laboratory: bytes) -> None:
    supplier = (
        '<performer typeCode="PRF"><time value="20240105"/><assignedEntity><id nullFlavor="UNK"/>'
        '<representedOrganization><id root="2.999.3" extension="pharmacie"/><name>Pharmacie</name>'
        "</representedOrganization></assignedEntity></performer>"
    )
    found = kinds(laboratory, device(before='<quantity value="3"/>' + supplier))
    assert set(found) == {"Device", "SupplyDelivery"}
    given = found["SupplyDelivery"]
    assert given["suppliedItem"]["quantity"]["value"] == 3
    assert given["occurrenceDateTime"] == "2024-01-05"
    assert given["supplier"]["display"] == "Pharmacie"


@pytest.mark.parametrize(
    ("mood", "section", "intent"),
    [
        ("INT", DEVICES, "plan"),
        ("PRP", DEVICES, "proposal"),
        ("RQO", DEVICES, "order"),
        ("INT", PRESCRIBED, "order"),
    ],
)
def test_a_device_that_is_prescribed_is_not_borne(
    laboratory: bytes, mood: str, section: str, intent: str
) -> None:
    asked = device(mood=mood, before='<quantity value="1"/>')
    found = kinds(laboratory, asked, code=section)
    assert set(found) == {"DeviceRequest"}
    assert found["DeviceRequest"]["intent"] == intent
    assert ("groupIdentifier" in found["DeviceRequest"]) == (section == PRESCRIBED)
    assert found["DeviceRequest"]["parameter"][0]["valueQuantity"]["value"] == 1


@pytest.mark.parametrize(
    "more",
    [
        {"attributes": 'negationInd="true"'},
        {"attributes": 'nullFlavor="MSK"'},
        {"attributes": 'negationInd="true"', "mood": "INT"},
        {"mood": "DEF"},
    ],
)
def test_a_device_that_is_denied_or_masked_is_only_kept(
    laboratory: bytes, more: dict[str, str]
) -> None:
    assert kinds(laboratory, device(**more)) == {}
    assert {why for _, why in why(laboratory, device(**more), code=DEVICES)} == {"not-done"}


def test_no_device_is_said_and_makes_none(laboratory: bytes) -> None:
    found = kinds(laboratory, device(code=coded("code", "no-known-devices", ABSENT, "Aucun")))
    assert set(found) == {"DeviceUseStatement"}
    (inside,) = found["DeviceUseStatement"]["contained"]
    assert inside["type"]["coding"][0]["code"] == "no-known-devices"
    assert found["DeviceUseStatement"]["device"] == {"reference": "#device"}


def test_what_is_measured_of_a_device_is_said_of_it(laboratory: bytes) -> None:
    measured = related(
        "COMP",
        f'<observation classCode="OBS" moodCode="EVN">{templates(FRENCH + "48")}{own_id()}'
        f"{coded('code', 'L0065', LOINC, 'Tension de la batterie')}"
        '<statusCode code="completed"/><value xsi:type="PQ" value="2.5" unit="V"/></observation>',
    )
    found = kinds(laboratory, device(measured))
    assert found["Observation"]["focus"][0]["reference"] == found["DeviceUseStatement"]["device"][
        "reference"
    ]  # fmt: skip


def test_a_device_without_a_name_is_only_kept(laboratory: bytes) -> None:
    assert {why for _, why in why(laboratory, device(code=""), code=DEVICES)} == {"no-code"}
