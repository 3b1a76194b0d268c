# SPDX-License-Identifier: EUPL-1.2
"""Studies as their reader sees them: what may not be seen is not there, as for any document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from carnet import errors
from carnet.access.door import Nothing, Visit
from carnet.fhir.search.parse import Parser
from carnet.imaging import study as studies

UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
MOST: Final = 100  # studies of one answer
Json = dict[str, Any]


class UnknownKey(errors.NotSupported):
    """Studies are searched by PatientID, StudyInstanceUID, StudyDate, ModalitiesInStudy, AccessionNumber."""


class WrongKey(errors.Invalid):
    """A value of the search is not as DICOM writes it."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a study: what the study says of it, and of its series."""

    study: str
    series: Json
    told: Json

    @property
    def binary(self) -> str:
        """Id of the Binary that holds its file."""
        reference = studies.said(self.told, studies.FILE) or {}
        return str(reference.get("reference", "")).removeprefix("Binary/")


async def search(
    visit: Visit, parser: Parser, given: Sequence[tuple[str, str]]
) -> tuple[list[Json], int]:
    """The studies that match, newest first, as many as asked; and how many stand before them."""
    asked, skip, count = [("_sort", "-started")], 0, MOST
    for name, value in given:
        if name == "limit":
            count = min(_whole(value), MOST)
        elif name == "offset":
            skip = _whole(value)
        elif name not in ("includefield", "fuzzymatching"):
            asked += _asked(name, value)
    if skip + count > MOST:
        raise WrongKey
    query = parser.parse("ImagingStudy", [*asked, ("_count", str(skip + count))])
    found = await visit.search(query)
    return [each.resource for each in found.matches][skip:], skip


async def studies_of(visit: Visit, parser: Parser, study: str) -> list[Json]:
    """A study by its number, as each software that sent it has it; Nothing when there is none to see."""
    if not UID.fullmatch(study):
        raise Nothing
    value = f"{studies.UIDS}|{studies.OIDS}{study}"
    query = parser.parse("ImagingStudy", [("identifier", value), ("_count", "20")])
    found = [each.resource for each in (await visit.search(query)).matches]
    if not found:
        raise Nothing
    return found


async def images(
    visit: Visit, parser: Parser, study: str, series: str = "", instance: str = ""
) -> list[Image]:
    """The images of a study, of one of its series, or one; Nothing when there is none to see."""
    found: dict[str, Image] = {}
    for resource in await studies_of(visit, parser, study):
        for each in resource.get("series", []):
            for one in each.get("instance", []):
                image = Image(study, each, one)
                if series in ("", each["uid"]) and instance in ("", one["uid"]) and image.binary:
                    found.setdefault(one["uid"], image)
    if not found:
        raise Nothing
    return list(found.values())


async def file(visit: Visit, image: Image) -> bytes:
    """The file of an image, by the rights of its own row."""
    return await visit.attachment(await visit.read("Binary", image.binary))


async def files(visit: Visit, found: Sequence[Image]) -> AsyncIterator[bytes]:
    """The file of each, one at a time."""
    for image in found:
        yield await file(visit, image)


def _asked(name: str, value: str) -> list[tuple[str, str]]:
    if name in ("StudyInstanceUID", "0020000D"):
        uids = re.split(r"[,\\]", value)
        if not all(UID.fullmatch(each) for each in uids):
            raise WrongKey
        return [("identifier", ",".join(f"{studies.UIDS}|{studies.OIDS}{each}" for each in uids))]
    if name in ("StudyDate", "00080020"):
        return _days(value)
    if name in ("ModalitiesInStudy", "00080061"):
        return [("modality", f"{studies.DCM}|{_plain(value)}")]
    if name in ("AccessionNumber", "00080050"):
        return [("identifier", _plain(value))]
    if name in ("PatientID", "00100020"):
        plain = _plain(value)
        ins = len(plain) == 15 and plain[:5].isdigit()
        return [("patient.identifier" if ins else "patient", plain)]
    raise UnknownKey


def _days(value: str) -> list[tuple[str, str]]:
    first, dash, last = value.partition("-")
    found = []
    for prefix, text in (("ge", first), ("le", last if dash else first)):
        if text:
            day = DAY.fullmatch(text)
            if day is None:
                raise WrongKey
            found.append(("started", prefix + "-".join(day.groups())))
    if not found:
        raise WrongKey
    return found


def _plain(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_. -]{1,64}", value, re.ASCII):
        raise WrongKey
    return value


def _whole(value: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", value, re.ASCII):
        raise WrongKey
    return int(value)
