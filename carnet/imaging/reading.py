# SPDX-License-Identifier: EUPL-1.2
"""What a DICOM file says, read in the confined process: jobs that take bytes and give plain values.

Each gives ({"no": rule}, b"") for what is refused. pydicom is imported here alone, and all it would import
later is called for once, since nothing can be opened once the cell is shut.
"""

from __future__ import annotations

import hashlib
import io
import re
import tomllib
import warnings
from functools import cache
from importlib.resources import files
from typing import Any, Final

import pydicom
from pydicom import charset, config, datadict
from pydicom.dataset import Dataset, FileMetaDataset

from carnet.imaging import walk
from carnet.imaging.walk import Broken, Walk, Walked

UID: Final = re.compile(r"(?=.{1,64}$)(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+", re.ASCII)
PIXELS: Final = 40_000_000  # of one frame
FRAMES: Final = 10_000
SIDE: Final = 30_000
SAMPLES: Final = (1, 3)
LONGEST: Final = 256  # characters of a text that is told
READ: Final = {  # tags whose representation must be that of the standard
    (0x0008, 0x0016): "UI",
    (0x0008, 0x0018): "UI",
    (0x0008, 0x0060): "CS",
    (0x0010, 0x0010): "PN",
    (0x0010, 0x0020): "LO",
    (0x0010, 0x0030): "DA",
    (0x0010, 0x0040): "CS",
    (0x0020, 0x000D): "UI",
    (0x0020, 0x000E): "UI",
    (0x0028, 0x0002): "US",
    (0x0028, 0x0010): "US",
    (0x0028, 0x0011): "US",
    (0x0028, 0x0100): "US",
}

config.settings.reading_validation_mode = config.IGNORE
for _encoding in charset.python_encoding.values():
    "".encode(_encoding)  # kept: nothing can be imported later


@cache
def formats() -> dict[str, Any]:
    """What is taken (formats.toml)."""
    return tomllib.loads(files("carnet.imaging").joinpath("formats.toml").read_text("utf-8"))


formats()


def read(data: bytes, *, sizes: list[int]) -> tuple[list[dict[str, Any]], bytes]:
    """What each image says of itself, of its study and of its person.

    data: the files one after another. sizes: of each, in bytes.
    """
    told, at = [], 0
    for size in sizes:
        told.append(_or_no(data[at : at + size]))
        at += size
    return told, b""


def _or_no(data: bytes) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(action="ignore"):
            return _read(data)
    except Broken as broken:
        return {"no": broken.rule}
    except Exception:  # whatever pydicom raises on what it cannot read
        return {"no": "unreadable"}


def opened(data: bytes) -> tuple[Dataset, Walked, str]:
    """The data set without its pixels, what the walk found, its transfer syntax; Broken else."""
    meta, at = walk.meta(data)
    syntax = _of_meta(data, meta, (0x0002, 0x0010))
    taken = formats()["syntaxes"].get(syntax)
    if taken is None:
        raise Broken("syntax")
    steps = Walk(data)
    steps.dataset(at, len(data), taken["explicit"])
    for tag, vr in READ.items():
        if steps.found.vr.get(tag, "") not in ("", vr):
            raise Broken("representation")
    dataset = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    if _of_meta(data, meta, (0x0002, 0x0003)) != _text(dataset, "SOPInstanceUID"):
        raise Broken("identifiers")
    return dataset, steps.found, syntax


def _of_meta(data: bytes, meta: Walked, tag: tuple[int, int]) -> str:
    start, length = meta.where.get(tag, (0, 0))
    return data[start : start + length].rstrip(b"\0 ").decode("latin-1")


def _read(data: bytes) -> dict[str, Any]:
    dataset, walked, syntax = opened(data)
    _, at = walk.meta(data)
    told: dict[str, Any] = {
        "instance": _text(dataset, "SOPInstanceUID"),
        "class": _text(dataset, "SOPClassUID"),
        "series": _text(dataset, "SeriesInstanceUID"),
        "study": _text(dataset, "StudyInstanceUID"),
    }
    if not all(UID.fullmatch(each) for each in told.values()):
        raise Broken("identifiers")
    if told["class"] not in formats()["classes"]:
        raise Broken("class")
    told |= {
        "syntax": syntax,
        "digest": hashlib.sha256(
            syntax.encode() + data[at:]
        ).hexdigest(),  # not of who wrote the file
        "number": _number(dataset, "InstanceNumber"),
        "series_number": _number(dataset, "SeriesNumber"),
        "modality": _text(dataset, "Modality") or "OT",
        "series_description": _text(dataset, "SeriesDescription"),
        "description": _text(dataset, "StudyDescription"),
        "accession": _text(dataset, "AccessionNumber"),
        "date": _text(dataset, "StudyDate"),
        "time": _text(dataset, "StudyTime"),
        "institution": _text(dataset, "InstitutionName"),
        "person": _person(dataset),
        **_pixels(dataset, walked, syntax),
    }
    return told


def _pixels(dataset: Dataset, walked: Walked, syntax: str) -> dict[str, Any]:
    """Rows, columns and frames, when the pixels are of the size they declare."""
    rows, columns = _number(dataset, "Rows"), _number(dataset, "Columns")
    frames = _number(dataset, "NumberOfFrames") or 1
    samples, bits = _number(dataset, "SamplesPerPixel"), _number(dataset, "BitsAllocated")
    if not (
        0 < rows <= SIDE
        and 0 < columns <= SIDE
        and rows * columns <= PIXELS
        and 0 < frames <= FRAMES
        and samples in SAMPLES
        and bits in (1, 8, 16, 32)
        and walk.PIXELS in walked.where
    ):
        raise Broken("pixels")
    _, length = walked.where[walk.PIXELS]
    if formats()["syntaxes"][syntax]["shown"] == "native":
        size = (rows * columns * frames * samples * bits + 7) // 8
        if length not in (size, size + size % 2):
            raise Broken("pixels")
    elif not walked.fragments[1:]:
        raise Broken("pixels")
    return {"rows": rows, "columns": columns, "frames": frames}


def _person(dataset: Dataset) -> dict[str, Any]:
    """Whom it says it is about: a claim, never verified here."""
    name = dataset.get("PatientName")
    family = _cut(getattr(name, "family_name", ""))
    given = _cut(getattr(name, "given_name", ""))
    birth = dataset.get("PatientBirthName")
    numbers = [_identifier(dataset)]
    for item in (dataset.get("OtherPatientIDsSequence") or [])[:20]:
        numbers.append(_identifier(item))
    return {
        "numbers": [each for each in numbers if each[0]],
        "family": family,
        "birth_family": _cut(getattr(birth, "family_name", "")) if birth else "",
        "given": given,
        "birth_date": _text(dataset, "PatientBirthDate"),
        "sex": _text(dataset, "PatientSex"),
    }


def _identifier(item: Dataset) -> tuple[str, str]:
    """A number and the OID of who gave it."""
    oid = ""
    for each in (item.get("IssuerOfPatientIDQualifiersSequence") or [])[:1]:
        if _text(each, "UniversalEntityIDType") == "ISO":
            oid = _text(each, "UniversalEntityID")
    issuer = _text(item, "IssuerOfPatientID")
    if not oid and issuer:
        oid = next((part for part in issuer.split("&") if UID.fullmatch(part)), "")
    return _text(item, "PatientID"), oid


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    if isinstance(value, pydicom.multival.MultiValue):
        value = value[0] if len(value) else ""
    return _cut("" if value is None else str(value))


def _cut(text: str) -> str:
    return "".join(each for each in text if each.isprintable()).strip()[:LONGEST]


def _number(dataset: Dataset, keyword: str) -> int:
    try:
        value = int(_text(dataset, keyword) or 0)
    except ValueError:
        return 0
    return value if 0 <= value < 2**31 else 0


def manifest(data: bytes, *, study: dict[str, Any]) -> tuple[None, bytes]:
    """A key object selection that names every image of a study (KOS, IHE XDS-I.b).

    study: numbers, texts and series as Study.told says them. The same study makes the same bytes.
    """
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.59"
    made.SOPInstanceUID = study["manifest"]
    for keyword in "StudyInstanceUID StudyDate StudyTime AccessionNumber StudyDescription".split():
        setattr(made, keyword, study[keyword])
    made.Modality, made.Manufacturer, made.ReferringPhysicianName = "KO", "Carnet", ""
    made.SeriesInstanceUID, made.SeriesNumber, made.InstanceNumber = study["own_series"], 1, 1
    made.ContentDate, made.ContentTime = study["StudyDate"], study["StudyTime"]
    for keyword, value in study["person"].items():
        setattr(made, keyword, value)
    if study["issuer"]:
        qualifier = Dataset()
        qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = study["issuer"], "ISO"
        made.IssuerOfPatientIDQualifiersSequence = [qualifier]
    made.ReferencedRequestSequence = []
    evidence = Dataset()
    evidence.StudyInstanceUID = study["StudyInstanceUID"]
    evidence.ReferencedSeriesSequence = [_series(each) for each in study["series"]]
    made.CurrentRequestedProcedureEvidenceSequence = [evidence]
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = [_manifest_code()]
    made.ContentSequence = [
        _content(image) for each in study["series"] for image in each["instances"]
    ]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.file_meta = meta
    out = io.BytesIO()
    pydicom.dcmwrite(out, made, enforce_file_format=True)
    return None, out.getvalue()


def _series(told: dict[str, Any]) -> Dataset:
    made = Dataset()
    made.SeriesInstanceUID = told["uid"]
    made.RetrieveURL = told["url"]
    made.ReferencedSOPSequence = [_reference(*each) for each in told["instances"]]
    return made


def _reference(sop_class: str, uid: str) -> Dataset:
    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, uid
    return made


def _content(image: tuple[str, str]) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType = "CONTAINS", "IMAGE"
    made.ReferencedSOPSequence = [_reference(*image)]
    return made


def _manifest_code() -> Dataset:
    """Manifest (113030, DCM): DICOM PS3.16 CID 7010."""
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = "113030", "DCM", "Manifest"
    return made


def _warm() -> None:
    """All that reading and writing would import later."""
    _, made = manifest(
        b"",
        study={
            "manifest": "1.2.3", "own_series": "1.2.4", "issuer": "1.2", "series": [
                {"uid": "1.2.5", "url": "", "instances": [("1.2.840.10008.5.1.4.1.1.7", "1.2.6")]}
            ],
            "StudyInstanceUID": "1.2.7", "StudyDate": "20260101", "StudyTime": "", "AccessionNumber": "",
            "StudyDescription": "é", "person": {"PatientName": "É^È", "PatientID": "1"},
        },
    )  # fmt: skip
    dataset = pydicom.dcmread(io.BytesIO(made))
    dataset.to_json_dict()
    str(dataset.PatientName.family_name)
    datadict.keyword_for_tag(0x00100010)


_warm()
