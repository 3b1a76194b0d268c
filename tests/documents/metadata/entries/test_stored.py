# SPDX-License-Identifier: EUPL-1.2
"""Each kind of thing a document says is found in the record by its own search, and masked with it."""

import pytest

from tests.documents.lots import fresh, lot, mask, metadata
from tests.documents.metadata.entries import (
    test_coverages,
    test_devices,
    test_dispenses,
    test_imaging,
    test_medications,
    test_plans,
)
from tests.documents.metadata.entries.fragments import with_entries
from tests.space import Space

pytestmark = pytest.mark.anyio

SECTIONS = (
    (test_medications.TAKEN, test_medications.administration()),
    (test_medications.PRESCRIBED, test_medications.administration(template="83", mood="INT")),
    (test_medications.GIVEN, test_medications.administration()),
    (test_dispenses.HANDED, test_dispenses.supply()),
    (test_devices.DEVICES, test_devices.device()),
    (test_devices.DEVICES, test_devices.device(mood="INT")),
    (test_plans.PLAN, test_plans.plan("GOL")),
    (test_plans.PLAN, test_plans.plan("INT")),
    (test_imaging.CATALOGUE, test_imaging.study(test_imaging.series(test_imaging.image()))),
    (test_coverages.PAYERS, test_coverages.coverage()),
)
# How each kind names whose it is.
SEARCHED = {
    "MedicationStatement": "patient",
    "MedicationRequest": "patient",
    "MedicationAdministration": "patient",
    "MedicationDispense": "patient",
    "Device": "patient",
    "DeviceUseStatement": "patient",
    "DeviceRequest": "patient",
    "Goal": "patient",
    "ServiceRequest": "patient",
    "CarePlan": "patient",
    "ImagingStudy": "patient",
    "Coverage": "beneficiary",
}
# Those a document gives no number to.
UNNUMBERED = frozenset({"CarePlan", "Device"})


def document() -> bytes:
    source = fresh().xml
    for code, entry in SECTIONS:
        source = with_entries(source, entry, code=code)
    return source


async def test_each_kind_is_found_by_its_own_search(space: Space) -> None:
    answer = await space.post("", lot(document()), as_="lab-software")
    assert answer.status == 200, answer.body
    for kind, whose in SEARCHED.items():
        found = await space.get(f"{kind}?{whose}={space.patient_id()}", as_="patient")
        assert {each["resourceType"] for each in found.entries} == {kind}
        # The record held others: those of this document have numbers of the tests' own.
        own = [each for each in found.entries if "urn:oid:2.999" in str(each.get("identifier"))]
        assert own or kind in UNNUMBERED, kind


async def test_what_a_masked_document_says_is_masked_with_it(space: Space) -> None:
    labels = [*metadata(b"x")["securityLabel"], mask("MASQUE_PS")]
    answer = await space.post("", lot(document(), securityLabel=labels), as_="lab-software")
    assert answer.status == 200, answer.body
    ((kinds, alike),) = await space.rows(
        "SELECT count(DISTINCT part.rtype), bool_and(part.labels = whole.labels)"
        " FROM record.resource part"
        " JOIN record.resource whole ON whole.cid = part.cid AND whole.rid = part.origin"
        " WHERE part.rid <> whole.rid AND whole.labels <> 0"
    )
    assert kinds > len(SEARCHED)
    assert alike
