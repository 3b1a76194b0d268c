# SPDX-License-Identifier: EUPL-1.2
"""A call to the 15 becomes an appointment: slots are offered, asked for as the SAS asks, and one is taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from carnet.cli.story.stage import FHIR, NothingCame, Stage
from carnet.cli.story.steps import Chapter, Step

HERE: Final = ZoneInfo("Europe/Paris")
NAMED: Final = "urn:carnet:histoire"  # system of the identifiers of what the story makes
IDNPS: Final = "urn:oid:1.2.250.1.71.4.2.1"
TYPES: Final = "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
ACTS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DOCTOR: Final = "geriatrician"
HOURS: Final = (9, 10, 11)
MINUTES: Final = 30


def identifier(value: str) -> list[dict[str, str]]:
    """What a step names its things by, so that it may be taken twice."""
    return [{"system": NAMED, "value": value}]


def window(stage: Stage) -> tuple[datetime, datetime]:
    """The day after the story began, in France; kept, so that a restart means the same day."""
    tomorrow = (datetime.now(HERE) + timedelta(days=1)).date().isoformat()
    day = datetime.fromisoformat(stage.keep("day", tomorrow)).replace(tzinfo=HERE)
    return day, day + timedelta(days=1)


def role(stage: Stage) -> str:
    """The doctor's situation of exercise."""
    rpps = stage.rpps(DOCTOR)
    found = stage.all(
        "hospital-software", f"PractitionerRole?practitioner.identifier={IDNPS}|8{rpps}"
    )
    return f"PractitionerRole/{found[0]['id']}"


def doctor(stage: Stage) -> str:
    """The doctor, by whom the SAS looks for slots."""
    query = f"Practitioner?identifier={IDNPS}|8{stage.rpps(DOCTOR)}"
    return f"Practitioner/{stage.all('hospital-software', query)[0]['id']}"


def offers(stage: Stage) -> None:
    """The hospital's software publishes an agenda and three slots of tomorrow morning."""
    made = stage.fhir(
        "hospital-software",
        "POST",
        "Schedule",
        {
            "resourceType": "Schedule",
            "identifier": identifier("agenda"),
            "actor": [{"reference": doctor(stage)}, {"reference": role(stage)}],
        },
        **{"If-None-Exist": f"identifier={NAMED}|agenda"},
    )
    day, _ = window(stage)
    for hour in HOURS:
        start = day.replace(hour=hour)
        slot = {
            "resourceType": "Slot",
            "meta": {"security": [{"system": TYPES, "code": "PUBLIC"}]},
            "identifier": identifier(f"creneau-{hour}"),
            "serviceType": [{"coding": [{"system": ACTS, "code": "VR"}]}],
            "schedule": {"reference": f"Schedule/{made['id']}"},
            "status": "free",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=MINUTES)).isoformat(),
        }
        where = f"identifier={NAMED}|creneau-{hour}"
        stage.fhir("hospital-software", "POST", "Slot", slot, **{"If-None-Exist": where})


def opens(stage: Stage) -> None:
    """The regulating doctor opens the least of her record, by her number, for the call."""
    elder = next(each for each in stage.population.people if each.key == "elder")
    said = {"ins": elder.ins, "mode": "centre-15", "reason": "call"}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "ins", "valueString": said["ins"]},
            {"name": "mode", "valueCode": said["mode"]},
            {"name": "reason", "valueCode": said["reason"]},
        ],
    }
    stage.fhir("regulator", "POST", "Patient/$emergency", parameters)


def slots(stage: Stage) -> list[dict[str, Any]]:
    """What the SAS asks: free slots of named professionals within three days, with their agendas."""
    begin, end = window(stage)
    asked = (
        f"start=ge{begin.isoformat()}&start=le{end.isoformat()}&status=free"
        f"&schedule.actor:Practitioner.identifier={IDNPS}|8{stage.rpps(DOCTOR)}"
        "&_include=Slot:schedule&_include:iterate=Schedule:actor&_count=1000"
    )
    found = stage.all("regulator", f"Slot?{quote(asked, safe='=&:.,|')}")
    return [each for each in found if each["resourceType"] == "Slot"]


def books(stage: Stage) -> None:
    """She books the first one that is free, under a number of her own: twice, it is booked once."""
    where = f"Appointment?identifier={NAMED}|rdv"
    mine = stage.all("carer", f"{where}&patient={stage.patient('elder')}")
    if mine:
        return
    free = sorted(slots(stage), key=lambda each: str(each["start"]))
    if not free:
        raise NothingCame("No slot is free.")
    first = free[0]
    appointment = {
        "resourceType": "Appointment",
        "identifier": identifier("rdv"),
        "status": "booked",
        "serviceType": [{"coding": [{"system": ACTS, "code": "VR"}]}],
        "description": "Palpitations depuis ce matin, avis gériatrique",
        "slot": [{"reference": f"Slot/{first['id']}"}],
        "start": first["start"],
        "end": first["end"],
        "participant": [
            {
                "actor": {"reference": f"Patient/{stage.patient('elder')}"},
                "status": "accepted",
            },
            {"actor": {"reference": role(stage)}, "status": "accepted"},
        ],
    }
    stage.fhir("regulator", "PUT", where, appointment, Accept=FHIR)


def seen(stage: Stage) -> None:
    """Her son, who cares for her, and the hospital's software see it; a slot less is free."""
    path = f"Appointment?patient={stage.patient('elder')}&identifier={NAMED}|rdv"
    stage.until(lambda: len(stage.all("carer", path)) == 1, "the carer sees the appointment", 5)
    stage.until(lambda: len(slots(stage)) == len(HOURS) - 1, "one slot is no longer free", 5)


CHAPTER: Final = Chapter(
    "Un appel au 15, et son rendez-vous",
    (
        Step(
            "call-offers",
            "hospital-software",
            "Le logiciel de l’hôpital publie l’agenda du Dr Ferrand, gériatre : trois créneaux demain matin.",
            offers,
        ),
        Step(
            "call-opens",
            "regulator",
            "Le fils de Suzanne appelle le 15. Le Dr Colin, régulatrice, ouvre l’essentiel du dossier.",
            opens,
            [("regulator", "/patients/{patient}/sante/")],
        ),
        Step(
            "call-books",
            "regulator",
            "Elle demande les créneaux libres, comme le fait le SAS, et réserve le premier.",
            books,
        ),
        Step(
            "call-seen",
            "carer",
            "Bruno, qui s’occupe de sa mère, voit le rendez-vous ; le créneau n’est plus libre.",
            seen,
            [("carer", "/pour/{patient}/acces/")],
        ),
    ),
)
