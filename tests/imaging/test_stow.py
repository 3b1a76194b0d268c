# SPDX-License-Identifier: EUPL-1.2
"""Images sent by STOW-RS are in the record of their person, behind one manifest, once."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest

from tests import people
from tests.imaging.conftest import Sends
from tests.imaging.pictures import CR, picture, traits, uid, written
from tests.space import Answer, Space

pytestmark = pytest.mark.anyio


def reasons(answer: Answer) -> list[int]:
    return [each["00081197"]["Value"][0] for each in answer.json["00081198"]["Value"]]


def kept(answer: Answer) -> list[str]:
    return [
        each["00081155"]["Value"][0] for each in answer.json.get("00081199", {}).get("Value", [])
    ]


async def studies(space: Space, as_: str = "gp") -> list[dict[str, Any]]:
    found = await space.get(f"ImagingStudy?patient={space.patient_id()}", as_=as_)
    assert found.status == 200, found.body
    return found.entries


async def manifests(space: Space, as_: str = "gp") -> list[dict[str, Any]]:
    found = await space.get(f"DocumentReference?patient={space.patient_id()}&type=IMG-KOS", as_=as_)
    return found.entries


async def manifest_of(space: Space, document: dict[str, Any]) -> pydicom.Dataset:
    address = document["content"][0]["attachment"]["url"]
    raw = await space.get(address, as_="gp", accept="application/dicom")
    assert (raw.status, raw.headers["content-type"]) == (200, "application/dicom")
    return pydicom.dcmread(io.BytesIO(raw.body))


async def test_a_study_is_in_the_record_behind_its_manifest(space: Space, sends: Sends) -> None:
    one = picture()
    two = picture(
        StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID,
        InstanceNumber=2,
    )  # fmt: skip
    answer = await sends(written(one), written(two))
    assert (answer.status, kept(answer)) == (200, [one.SOPInstanceUID, two.SOPInstanceUID])
    assert answer.headers["content-type"] == "application/dicom+json"
    (study,) = await studies(space)
    assert study["identifier"][0]["value"] == f"urn:oid:{one.StudyInstanceUID}"
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 2)
    (document,) = await manifests(space)
    assert document["subject"]["reference"] == f"Patient/{space.patient_id()}"
    assert document["context"]["related"][0]["identifier"]["value"].endswith(one.StudyInstanceUID)
    made = await manifest_of(space, document)
    (evidence,) = made.CurrentRequestedProcedureEvidenceSequence
    named = evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert {each.ReferencedSOPInstanceUID for each in named} == {
        one.SOPInstanceUID, two.SOPInstanceUID,
    }  # fmt: skip


async def test_an_image_that_comes_later_joins_its_study(space: Space, sends: Sends) -> None:
    one = picture()
    two = picture(StudyInstanceUID=one.StudyInstanceUID, SOPClassUID=CR, Modality="CR")
    assert (await sends(written(one))).status == 200
    assert (await sends(written(two))).status == 200
    (study,) = await studies(space)
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (2, 2)
    assert [each["code"] for each in study["modality"]] == ["CR", "CT"]
    (document,) = await manifests(space)
    made = await manifest_of(space, document)
    assert len(made.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence) == 2


async def test_the_same_again_changes_nothing_and_other_bytes_are_refused(
    space: Space, sends: Sends
) -> None:
    one = picture()
    assert (await sends(written(one))).status == 200
    (before,) = await studies(space)
    again = await sends(written(one))
    assert (again.status, kept(again)) == (200, [one.SOPInstanceUID])
    one.PixelData = bytes(512)
    other = await sends(written(one))
    assert (other.status, reasons(other)) == (409, [0x0111])
    assert await studies(space) == [before]


async def test_the_number_of_an_image_of_another_study_is_refused(
    space: Space, sends: Sends
) -> None:
    one = picture()
    assert (await sends(written(one))).status == 200
    other = picture(SOPInstanceUID=one.SOPInstanceUID)
    answer = await sends(written(other))
    assert (answer.status, reasons(answer)) == (409, [0x0111])
    assert len(await studies(space)) == 1


async def test_what_is_good_is_kept_beside_what_is_not(space: Space, sends: Sends) -> None:
    one = picture()
    answer = await sends(written(one), b"nothing at all", written(picture())[:400])
    assert (answer.status, kept(answer)) == (202, [one.SOPInstanceUID])
    assert reasons(answer) == [0xC000, 0xC000]


async def test_another_persons_image_never_joins_a_study(space: Space, sends: Sends) -> None:
    one = picture()
    assert (await sends(written(one))).status == 200
    two = picture(StudyInstanceUID=one.StudyInstanceUID)
    traits(two, people.HUSBAND)
    answer = await sends(written(two))
    assert (answer.status, reasons(answer)) == (409, [0x0110])
    (study,) = await studies(space)
    assert study["numberOfInstances"] == 1


async def test_an_image_whose_traits_are_not_those_of_its_number_is_kept_apart(
    space: Space, sends: Sends
) -> None:
    one = picture(PatientName="AUTRE^NOM", PatientBirthDate="19010101")
    answer = await sends(written(one))
    assert answer.status in (200, 409)
    assert await studies(space) == [] and await manifests(space) == []


async def test_only_the_named_study_is_taken_where_one_is_named(space: Space, sends: Sends) -> None:
    one = picture()
    assert (await sends(written(one), study=one.StudyInstanceUID)).status == 200
    other = await sends(written(picture()), study=uid())
    assert (other.status, reasons(other)) == (409, [0xC000])


@pytest.mark.parametrize("as_", ["gp", "patient"])
async def test_images_are_sent_by_software_alone(space: Space, sends: Sends, as_: str) -> None:
    assert (await sends(written(picture()), as_=as_)).status == 403
