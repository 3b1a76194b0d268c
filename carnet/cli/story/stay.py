# SPDX-License-Identifier: EUPL-1.2
"""A hospital stay: the hospital's software says who comes and goes (HL7 v2, MLLP), and sends a picture."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime
from typing import Any, Final

from carnet.cli.story.call import window
from carnet.cli.story.stage import Refused, Stage
from carnet.cli.story.steps import Chapter, Step

STAY: Final = "HISTOIRE-1"
BEGIN, END, CARRIAGE = b"\x0b", b"\x1c\r", "\r"
STUDY: Final = "2.25.300110272026112400000000000001"
CR: Final = "1.2.840.10008.5.1.4.1.1.1"
SIDE: Final = 256


def movement(stage: Stage, event: str, at: datetime, number: int) -> str:
    """An ADT of the national shape, of Suzanne."""
    who = next(each for each in stage.population.people if each.key == "elder")
    given, moment = who.birth_given_names[0], at.strftime("%Y%m%d%H%M%S")
    return CARRIAGE.join(
        (
            f"MSH|^~\\&|GAM|CH-VARENNE|DPI|CH-VARENNE|{moment}||ADT^{event}^ADT_A01|{STAY}-{number}|D|"
            "2.5^FRA^2.11|||||FRA|UNICODE UTF-8|FR",
            f"EVN||{moment}||||{moment}",
            f"PID|1||{who.ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS||"
            f"{who.birth_name}^{given}^{given}^^^^L||{who.birth_date:%Y%m%d}|F",
            f"PV1|1|I|^^^CH-VARENNE||||||||||||||||{STAY}^^^CH-VARENNE&000897406&M^VN",
            f"ZBE|{number}^CH-VARENNE|{moment}||INSERT|N",
            "",
        )
    )


async def _sent(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(BEGIN + text.encode() + END)
        await writer.drain()
        answer = await asyncio.wait_for(reader.readuntil(END), 20)
    finally:
        writer.close()
    return answer.removeprefix(BEGIN).removesuffix(END).decode("utf-8", "replace")


def sends(stage: Stage, event: str, hour: int, number: int) -> None:
    """One message; the hospital's engine takes AA for done and says anything else."""
    day, _ = window(stage)
    text = movement(stage, event, day.replace(hour=hour), number)

    def answered() -> str:
        try:
            return asyncio.run(_sent(stage.settings.hl7_port, text))
        except (OSError, asyncio.IncompleteReadError):  # its port opens after the pages
            return ""

    answer = str(stage.until(answered, "the port of movements answers"))
    told = next((line for line in answer.split(CARRIAGE) if line.startswith("MSA|")), "")
    if told.split("|")[1:2] != ["AA"]:
        raise Refused(f"ADT^{event}: {told}")


def comes(stage: Stage) -> None:
    """She is admitted."""
    sends(stage, "A01", 14, 1)


def leaves(stage: Stage) -> None:
    """She goes home; her son sees the stay, and that it is over."""
    sends(stage, "A03", 18, 2)
    path = f"Encounter?patient={stage.patient('elder')}&status=finished&_count=50"

    def ended() -> bool:
        return any(STAY in str(each.get("identifier")) for each in stage.all("elder", path))

    stage.until(ended, "the stay is over", 5)


def picture(stage: Stage) -> bytes:
    """A synthetic picture of her: a plain disc, numbered for ever."""
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    who = next(each for each in stage.population.people if each.key == "elder")
    day, _ = window(stage)
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = CR, f"{STUDY}.1.1"
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, f"{STUDY}.1"
    made.StudyDate, made.StudyTime, made.Modality = day.strftime("%Y%m%d"), "150000", "CR"
    made.StudyDescription = made.SeriesDescription = "Radiographie du thorax"
    made.SeriesNumber, made.InstanceNumber, made.AccessionNumber = 1, 1, STAY
    made.PatientName = f"{who.birth_name}^{who.birth_given_names[0]}"
    made.PatientID, made.PatientBirthDate, made.PatientSex = (
        who.ins,
        f"{who.birth_date:%Y%m%d}",
        "F",
    )
    qualifier = Dataset()
    qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = who.ins_oid, "ISO"
    made.IssuerOfPatientIDQualifiersSequence = [qualifier]
    made.Rows = made.Columns = SIDE
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    middle, radius = SIDE // 2, (SIDE // 3) ** 2
    made.PixelData = b"".join(
        (3000 if (x - middle) ** 2 + (y - middle) ** 2 < radius else 200).to_bytes(2, "little")
        for y in range(SIDE)
        for x in range(SIDE)
    )
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, made, enforce_file_format=True)
    return out.getvalue()


def shows(stage: Stage) -> None:
    """The hospital's software stores it (STOW-RS); her doctor has it, drawn."""
    mark = "histoire"
    head = f"--{mark}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = head + picture(stage) + f"\r\n--{mark}--\r\n".encode()
    media = f'multipart/related; type="application/dicom"; boundary={mark}'
    more: dict[str, Any] = {"Content-Type": media, "Accept": "application/dicom+json"}
    answer = stage.ask("hospital-software", "POST", "/dicom-web/studies", body, **more)
    if answer.status_code not in (200, 409):
        raise Refused(f"STOW-RS: {answer.status_code} {answer.text[:200]}")
    drawn = stage.ask(
        "gp",
        "GET",
        f"/dicom-web/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1/rendered",
        Accept="image/jpeg",
    )
    if drawn.status_code != 200:
        raise Refused(f"WADO-RS: {drawn.status_code}")


CHAPTER: Final = Chapter(
    "Un passage à l’hôpital",
    (
        Step(
            "stay-comes",
            "hospital-software",
            "Suzanne est admise au Centre hospitalier de la Varenne : son logiciel le dit (ADT A01, MLLP).",
            comes,
        ),
        Step(
            "stay-picture",
            "hospital-software",
            "Une radiographie du thorax entre dans son dossier (STOW-RS) ; le Dr Lemoine peut la voir.",
            shows,
            [("gp", "/patients/{patient}/")],
        ),
        Step(
            "stay-leaves",
            "hospital-software",
            "Elle sort le soir même (ADT A03) : le séjour est fini dans son dossier.",
            leaves,
            [("carer", "/pour/{patient}/")],
        ),
    ),
)
