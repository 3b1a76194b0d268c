# SPDX-License-Identifier: EUPL-1.2
"""Small synthetic images, as a scanner would send them: invented people, test numbers."""

from __future__ import annotations

import io
import uuid
from typing import Any, Final

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests import people

CT: Final = "1.2.840.10008.5.1.4.1.1.2"
CR: Final = "1.2.840.10008.5.1.4.1.1.1"


def uid() -> str:
    """A number of its own."""
    return f"2.25.{uuid.uuid4().int}"


def picture(**changes: Any) -> Dataset:
    """A CT slice of 16 by 16 of `people.PATIENT`; changes: keywords of elements, None takes one away."""
    who = people.PATIENT
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = CT, uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = uid(), uid()
    made.StudyDate, made.StudyTime, made.Modality = "20261120", "093000", "CT"
    made.StudyDescription, made.SeriesDescription = "Scanner du thorax", "Coupes fines"
    made.SeriesNumber, made.InstanceNumber, made.AccessionNumber = 1, 1, "A1"
    traits(made, who)
    made.Rows = made.Columns = 16
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelRepresentation = 0
    made.PixelData = b"".join((at * 16).to_bytes(2, "little") for at in range(256))
    for keyword, value in changes.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return made


def traits(made: Dataset, who: Any) -> None:
    """Whom the image is about: the INS with its issuer, the strict traits."""
    made.PatientName = f"{who.birth_name}^{who.birth_given_names[0]}"
    made.PatientID = who.ins
    qualifier = Dataset()
    qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = who.ins_oid, "ISO"
    made.IssuerOfPatientIDQualifiersSequence = [qualifier]
    made.PatientBirthDate = who.birth_date.strftime("%Y%m%d")
    made.PatientSex = {"male": "M", "female": "F"}[str(who.sex)]


def written(made: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The file of a data set."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    made.file_meta = meta
    out = io.BytesIO()
    pydicom.dcmwrite(out, made, enforce_file_format=True)
    return out.getvalue()


def related(*files: bytes, boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    """A body of STOW-RS, and its headers."""
    mark = boundary.encode()
    body = b"".join(
        b"--" + mark + b"\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n"
        for each in files
    )
    media = f'multipart/related; type="application/dicom"; boundary={boundary}'
    return body + b"--" + mark + b"--\r\n", {"content-type": media}
